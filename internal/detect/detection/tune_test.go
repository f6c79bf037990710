package detection_test

import (
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
)

// TestExcludeRefusesWhatIsLookedFor: a line that names a file without a full path is no
// exclusion, since whoever puts such a file where the process starts is excluded, too
// (Microsoft, "Dynamic-link library search order"; cmd /?, PATHEXT). One that names files
// of administrators alone is.
func TestExcludeRefusesWhatIsLookedFor(t *testing.T) {
	const dir = `C:\Windows\System32\`
	for _, c := range []struct {
		program, line string
		refused       bool
	}{
		{"wscript.exe", `wscript.exe update.vbs`, true},
		{"wscript.exe", `"C:\Windows\System32\wscript.exe" //B update.vbs`, true},
		{"wscript.exe", `"C:\Windows\System32\wscript.exe" //B "C:\Program Files\Agent\update.vbs"`, false},
		{"cscript.exe", `cscript.exe //nologo sub\update.vbs`, true},
		{"cscript.exe", `cscript.exe //E:vbscript "data.txt.vbs"`, true},
		{"cscript.exe", `cscript.exe //server/share/x.vbs -l`, true},
		{"mshta.exe", `mshta.exe page.hta`, true},
		{"rundll32.exe", `rundll32.exe helper.dll,Run`, true},
		{"rundll32.exe", `rundll32.exe helper,Run`, true},
		{"rundll32.exe", `rundll32.exe "helper",Run`, true},
		{"rundll32.exe", `rundll32.exe "C:\Program Files\App\x.dll",Run`, false},
		{"rundll32.exe", `rundll32.exe "C:\Program Files\App\x.dll",Control_RunDLL y.cpl`, true},
		{"regsvr32.exe", `regsvr32.exe /s helper`, true},
		{"cmd.exe", `cmd.exe /c tool`, true},
		{"cmd.exe", `cmd.exe /d /c tool.bat x`, true},
		{"cmd.exe", `cmd.exe /d /c "C:\Program Files\App\host.bat" chrome-extension://abcdefghijklmnopabcdefghijklmnop/ --parent-window=0`, false},
		{"powershell.exe", `powershell.exe -File update.ps1`, true},
		{"powershell.exe", `powershell.exe -File:update.ps1 -x`, true},
		{"powershell.exe", `powershell.exe -File ~\update.ps1`, true},
		{"powershell.exe", `powershell.exe -File "C:\Program Files\Agent\update.ps1" -Version 1.2.3`, false},
		{"msbuild.exe", `msbuild.exe /nologo app.csproj`, true},
		{"java.exe", `java.exe -jar app.jar`, true},
		{"python.exe", `python.exe tools/run.py --all`, true},
		{"reg.exe", `reg.exe import settings.reg`, true},
		{"odbcconf.exe", `odbcconf.exe /f \Users\Public\x.rsp`, true},
		{"updater.exe", `updater.exe --channel=stable --host=updates.example.org --wait`, false},
	} {
		_, refused, err := detection.Exclude("x", dir+c.program, `C:\Program Files\Google\Chrome\Application\chrome.exe`, c.line)
		if err != nil {
			t.Fatal(err)
		}
		admin := detection.IsAdminPath(dir + c.program)
		if got := refused != ""; got != c.refused && (admin || c.refused) {
			t.Errorf("%s\nrefused: %q", c.line, refused)
		}
	}
}
