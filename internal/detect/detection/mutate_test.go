package detection

import "testing"

// Each evasion by hand: what an attacker would write for the same effect.
func TestMutatorsWriteWhatAnAttackerWould(t *testing.T) {
	const ps = `powershell.exe -EncodedCommand UwB0AGEAcgB0AC0A -WindowStyle Hidden`
	base := func() Event {
		return Event{"Image": `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`, "ParentImage": `C:\b\chrome.exe`, "OriginalFileName": "PowerShell.EXE", "CommandLine": ps}
	}
	shell := func() Event {
		return Event{"Image": `C:\Windows\System32\cmd.exe`, "ParentImage": `C:\b\chrome.exe`, "OriginalFileName": "Cmd.Exe", "CommandLine": `cmd.exe /c whoami`}
	}
	want := map[string]string{ // the command line, of base unless in shells
		"upper-case":        `POWERSHELL.EXE -ENCODEDCOMMAND UwB0AGEAcgB0AC0A -WINDOWSTYLE HIDDEN`,
		"quotes":            `powershell.exe -En"codedComman"d UwB0AGEAcgB0AC0A -Wi"ndowStyl"e Hidden`,
		"slash":             `powershell.exe /EncodedCommand UwB0AGEAcgB0AC0A /WindowStyle Hidden`,
		"en-dash":           "powershell.exe \u2013EncodedCommand UwB0AGEAcgB0AC0A \u2013WindowStyle Hidden",
		"abbreviation":      `powershell.exe -e UwB0AGEAcgB0AC0A -w Hidden`,
		"half-abbreviation": `powershell.exe -encodedc UwB0AGEAcgB0AC0A -windowst Hidden`,
		"renamed":           `viewer.exe -EncodedCommand UwB0AGEAcgB0AC0A -WindowStyle Hidden`,
		"quoted-program":    `"powershell.exe" -EncodedCommand UwB0AGEAcgB0AC0A -WindowStyle Hidden`,
		"no-extension":      `powershell -EncodedCommand UwB0AGEAcgB0AC0A -WindowStyle Hidden`,
	}
	shells := map[string]string{"carets": `c^md.e^xe /c w^hoami`}
	paths := map[string]string{ // the image
		"forward-slashes": `C:/Windows/System32/WindowsPowerShell/v1.0/powershell.exe`,
		"device-path":     `\\?\C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`,
		"moved":           `C:\Users\Public\powershell.exe`,
		"renamed":         `C:\Users\Public\viewer.exe`,
	}
	seen := map[string]bool{}
	for _, m := range Mutators {
		if m.What == "" || seen[m.Name] {
			t.Errorf("%s says not what it does, or is there twice", m.Name)
		}
		seen[m.Name] = true
		check := func(e Event, field, want string) {
			if !m.Change(e) {
				t.Errorf("%s does not apply", m.Name)
			}
			if got := e.get(field); got != want {
				t.Errorf("%s: %s is %s, want %s", m.Name, field, got, want)
			}
		}
		if w, ok := want[m.Name]; ok {
			check(base(), "CommandLine", w)
		}
		if w, ok := shells[m.Name]; ok {
			check(shell(), "CommandLine", w)
		}
		if w, ok := paths[m.Name]; ok {
			check(base(), "Image", w)
		}
		if e := (Event{"EventID": "1"}); m.Change(e) && m.Name != "quoted-program" {
			t.Errorf("%s changes an event without fields to %v", m.Name, e)
		}
	}
	for _, w := range []map[string]string{want, shells, paths} {
		for name := range w {
			if !seen[name] {
				t.Errorf("there is no mutator %s", name)
			}
		}
	}
}
