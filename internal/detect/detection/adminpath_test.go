package detection

import (
	"strings"
	"testing"
)

// What Windows opens when it is given the path decides, by "File path formats on Windows
// systems": each path on the right is a file that a user can write.
func TestIsAdminPath(t *testing.T) {
	for _, p := range []string{
		`C:\Program Files\1Password\app\8\1Password-BrowserSupport.exe`,
		`c:\program files (x86)\Citrix\ICA Client\SelfServicePlugin\NativeMessaging\CWAWebHost.exe`,
		`C:\PROGRAM FILES\Notepad++\notepad++.exe`,
		`C:\Program Files\A, B & C\x-1.2.3.exe`,
		`C:\Windows\ccmcache\1a\setup.msi`,
		`C:\Windows\System32\cmd.exe`,
		`C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`,
	} {
		if !IsAdminPath(p) {
			t.Errorf("%s is not taken for an administrator's", p)
		}
	}
	for _, p := range []string{
		`C:\Program Files`, `C:\Program Files\`, `C:\Windows\Temp\x.exe`, `C:\Windows\System32\Tasks\x.exe`,
		`C:\Windows\System32\spool\drivers\color\x.exe`, `C:\Windows\Tasks\x.exe`, `C:\ProgramData\x.exe`,
		`C:\Program Files\.\x.exe`, `C:\Program Files\...\x.exe`, `C:\Program Files\a\. .\x.exe`, `C:\Program Files\a /x.exe`,
		`C:\Program Files\a\x.exe.`, `C:\Program Files\a\x.exe `, `C:\Program Files\a\x.exe::$DATA`, `\\?\C:\Program Files\a\x.exe`,
		`C:Program Files\a\x.exe`, `Program Files\a\x.exe`, `C:\Program Files\..`, ``, `..\Program Files\a\x.exe`,
		`C:\Program Files\$env:x\a.exe`, `C:\Program Files\a^b\x.exe`,
	} {
		if IsAdminPath(p) {
			t.Errorf("%s is taken for an administrator's", p)
		}
	}
	for _, base := range []string{`C:\Program Files\Vendor\Product\tool.exe`, `C:\Program Files (x86)\V\t.exe`} {
		for _, e := range Escapes {
			if to := e.To(base); IsAdminPath(to) {
				t.Errorf("%s: %s is taken for an administrator's", e.Name, to)
			}
		}
	}
}

func TestPathsOfALine(t *testing.T) {
	for line, want := range map[string]string{
		`rundll32.exe "C:\Program Files\..\Tools9\helper.dll",Start`: `C:\Program Files\..\Tools9\helper.dll`,
		`cmd /c start "" "C:/x y/a.exe" %TEMP%\b.exe`:                `C:/x y/a.exe|%TEMP%\b.exe`,
		`x \\10.0.0.1@80\d\a.cmd < \\.\pipe\chrome.in.1`:             `\\10.0.0.1@80\d\a.cmd`,
		`msiexec /i ..\a.msi /qn`:                                    `..\a.msi`,
		`powershell -f $env:TEMP\a.ps1`:                              `$env:TEMP\a.ps1`,
		`certutil -v`:                                                ``,
	} {
		if got := strings.Join(pathsOf(line), "|"); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}
