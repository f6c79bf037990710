package draft_test

import (
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/draft"
	"github.com/gyoji-dev/gyoji/sigma"
)

// process is a Sysmon process creation.
func process(image, parent, commandLine string) draft.Event {
	return draft.Event{
		"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": "1", "Image": image, "ParentImage": parent,
		"CommandLine": commandLine, "User": `CORP\ana`, "ProcessId": "42", "Computer": "WS",
	}
}

const (
	cmd     = `C:\Windows\System32\cmd.exe`
	tool    = `C:\Tools\tool.exe`
	browser = `C:\Program Files\Browser\browser.exe`
	shell   = `C:\Windows\explorer.exe`
)

func rule(t *testing.T, examples, baseline []draft.Event) *draft.Rule {
	t.Helper()
	d, err := draft.New(examples)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range baseline {
		d.Add(e)
	}
	return d.Rule()
}

func tests(r *draft.Rule) (list []string) {
	for _, t := range r.Tests {
		list = append(list, t.Field+"|"+t.Modifier+":"+strings.Join(t.Values, ","))
	}
	return list
}

// Either program alone is usual, one from the other is not: both tests are
// needed. Counted by hand: 2 events start cmd, 2 come from the browser, none both.
func TestTestsAreChosenTogether(t *testing.T) {
	r := rule(t,
		[]draft.Event{process(cmd, browser, "cmd /c one"), process(cmd, browser, "cmd /c two")},
		[]draft.Event{process(cmd, shell, "cmd /c x"), process(cmd, shell, "cmd /c y"), process(tool, browser, "tool a"), process(tool, browser, "tool b"),
			{"Channel": "Security", "EventID": "4624"}})
	want := []string{`Image|endswith:\cmd.exe`, `ParentImage|endswith:\browser.exe`}
	if got := tests(r); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("tests %q, want %q", got, want)
	}
	if r.Matched != 0 || r.Baseline != 4 || r.Outside != 1 || r.Tests[0].Baseline != 2 || r.Tests[1].Baseline != 2 {
		t.Errorf("matched %d of %d, %d outside, %d and %d by test", r.Matched, r.Baseline, r.Outside, r.Tests[0].Baseline, r.Tests[1].Baseline)
	}
}

func TestOneTestIsEnoughWhereItIs(t *testing.T) {
	r := rule(t, []draft.Event{process(cmd, shell, "cmd /c fetch-update now")}, []draft.Event{process(cmd, shell, "cmd /c dir"), process(tool, shell, "now what")})
	if got := tests(r); len(got) != 1 || got[0] != `CommandLine|contains:fetch-update` || r.Matched != 0 {
		t.Errorf("tests %q, %d matched", got, r.Matched)
	}
}

func TestSeveralProgramsAreAList(t *testing.T) {
	r := rule(t, []draft.Event{process(cmd, browser, "a"), process(tool, browser, "b")}, []draft.Event{process(browser, browser, "c"), process(cmd, shell, "d")})
	if got := strings.Join(tests(r), " "); got != `Image|endswith:\cmd.exe,\tool.exe ParentImage|endswith:\browser.exe` {
		t.Errorf("tests %s", got)
	}
}

func TestWhatNoTestTellsApartIsCounted(t *testing.T) {
	same := process(cmd, shell, "cmd /c dir")
	if r := rule(t, []draft.Event{same}, []draft.Event{same, same}); r.Matched != 2 {
		t.Errorf("%d matched, want 2", r.Matched)
	}
}

// The printed rule means what the draft counted: read back, its tests are met by
// the example, whatever its text holds.
func TestTheRuleReadsBack(t *testing.T) {
	for _, text := range []string{`it's a\*b "q" C:\\x\? %y% # z`, "line one\nline-two \tthree", `ends\with\`, `\\server\share\*.txt`, "über-größe ẞtrasse"} {
		e := process(`C:\odd\na'me *.exe`, shell, text)
		r := rule(t, []draft.Event{e}, nil)
		docs, l := sigma.Parse(diag.Text("draft", r.YAML()))
		if len(l) > 0 || len(docs) != 1 {
			t.Fatalf("%q: %s\n%s", text, l, r.YAML())
		}
		read := 0
		for _, i := range docs[0].(*sigma.Rule).Searches[0].Item.(*sigma.Group).Items {
			for j, v := range i.(*sigma.Test).Given {
				read++
				plain, ok := v.Value.(sigma.String).Plain()
				if want := r.Tests[read-1].Values[j]; !ok || plain != want {
					t.Errorf("%q is read back as %q (%v)", want, plain, ok)
				}
			}
		}
		if read != len(r.Tests) {
			t.Errorf("%d values read back of %d tests\n%s", read, len(r.Tests), r.YAML())
		}
	}
}

func TestDraftsAreTheSameEveryTime(t *testing.T) {
	examples := []draft.Event{process(cmd, browser, "cmd /c fetch one-two three-four"), process(cmd, browser, "cmd /c fetch three-four one-two")}
	baseline := []draft.Event{process(cmd, browser, "cmd fetch"), process(tool, browser, "one-two"), process(cmd, shell, "three-four")}
	first := rule(t, examples, baseline).YAML()
	for range 20 {
		if again := rule(t, examples, baseline).YAML(); again != first {
			t.Fatalf("%s\nand\n%s", first, again)
		}
	}
}

func TestASecurityEventIsOfItsService(t *testing.T) {
	e := draft.Event{"Channel": "Security", "EventID": "4697", "ServiceName": "svc-x", "ServiceFileName": `C:\Temp\svc.exe`, "SubjectUserName": "ana"}
	r := rule(t, []draft.Event{e}, nil)
	text := r.YAML()
	if r.Source.Service != "security" || !strings.Contains(text, "EventID: [4697]") || strings.Contains(text, "ana'") {
		t.Error(text)
	}
}

func TestWhatCannotBeDrafted(t *testing.T) {
	other := process(cmd, shell, "x")
	other["EventID"] = "3"
	for want, examples := range map[string][]draft.Event{
		"no example events":   nil,
		"several log sources": {process(cmd, shell, "x"), other},
		"no log source":       {{"message": "hello"}},
		"nothing in common":   {{"Channel": "Security", "EventID": "4634", "SubjectUserName": "ana"}},
	} {
		if _, err := draft.New(examples); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
