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
		"colon-value":       `powershell.exe -EncodedCommand:UwB0AGEAcgB0AC0A -WindowStyle:Hidden`,
		"odd-blanks":        "powershell.exe\u00a0-EncodedCommand\u00a0UwB0AGEAcgB0AC0A\u00a0-WindowStyle\u00a0Hidden",
		"quoted-words":      `powershell.exe -E"n"codedCommand UwB0AGEAcgB0AC0A -W"i"ndowStyle H"i"dden`,
	}
	shells := map[string]string{
		"carets":       `c^md.e^xe /c w^hoami`,
		"set-and-call": `cmd.exe /c "set ab=whoa&&set bc=mi&&call %ab%%bc%"`,
		"delayed":      `cmd.exe /c "set x=whoami&&cmd /v:on /c !x!"`,
		"for-f":        `cmd.exe /c "for /f "delims=" %a in ('echo whoami') do %a"`,
		"parentheses":  `cmd.exe /c ,;((whoami))`,
	}
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
			if !m.apply([]Event{e}, "") {
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
		if e := (Event{"EventID": "1"}); m.apply([]Event{e}, "") && m.Name != "quoted-program" {
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

// What is drawn is drawn by the case's id: the same each time, and another for another case.
func TestDrawnMutationsAreTheSameEachTime(t *testing.T) {
	parent := func(seed string) string {
		for _, m := range Mutators {
			if m.Name == "another-browser" {
				e := Event{"EventID": "1", "ParentImage": `C:\b\chrome.exe`}
				if !m.apply([]Event{e}, seed) {
					t.Fatal("it does not apply to a browser's child")
				}
				return e.get("ParentImage")
			}
		}
		t.Fatal("there is no mutator another-browser")
		return ""
	}
	seen := map[string]bool{}
	for _, seed := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		first := parent(seed)
		if again := parent(seed); again != first {
			t.Errorf("case %s is given two parents: %s and %s", seed, first, again)
		}
		seen[first] = true
	}
	if len(seen) < 2 {
		t.Errorf("eight cases are all given %v", seen)
	}
}

// The same process as Security 4688 has its names, and the parent's id where 4688 has it.
func TestProcessAsSecurityLogsIt(t *testing.T) {
	for _, m := range Mutators {
		if m.Name != "as-4688" {
			continue
		}
		e := Event{"EventID": "1", "Image": `C:\a.exe`, "ParentImage": `C:\b.exe`, "ProcessId": "10", "ParentProcessId": "5", "OriginalFileName": "x", "User": "CORP\\ana", "CommandLine": "a"}
		if !m.apply([]Event{e}, "") {
			t.Fatal("it does not apply")
		}
		want := Event{"EventID": "4688", "NewProcessName": `C:\a.exe`, "ParentProcessName": `C:\b.exe`, "NewProcessId": "10", "ProcessId": "5", "SubjectUserName": "CORP\\ana", "CommandLine": "a", "Channel": "Security", "Provider": "Microsoft-Windows-Security-Auditing"}
		for k, v := range want {
			if e[k] != v {
				t.Errorf("%s is %v, want %v", k, e[k], v)
			}
		}
		if len(e) != len(want) || e.get("Image") != `C:\a.exe` {
			t.Errorf("got %v, whose Image is %q", e, e.get("Image"))
		}
	}
}
