package detection

import (
	"strings"
	"testing"
	"testing/fstest"
)

// What packages share is written into their queries: parts first, and lists into what the parts hold.
func TestSharedPartsAndLists(t *testing.T) {
	p := &Package{File: "p/detection.yaml", lists: fstest.MapFS{
		"colours.txt": {Data: []byte("# some\nred blue red\n")},
		"kinds.sumo":  {Data: []byte("| where colour in (\n  // list: colours\n  // list: end\n)\n")},
	}}
	got, err := p.shared("* // before\n// part: kinds\nold text\n// part: end\n| count\n")
	want := "* // before\n// part: kinds\n| where colour in (\n  // list: colours\n  \"red\", \"blue\"\n  // list: end\n)\n// part: end\n| count\n"
	if err != nil || got != want {
		t.Errorf("got %q, %v\nwant %q", got, err, want)
	}
	if again, err := p.shared(got); err != nil || again != want {
		t.Errorf("built again it is %q, %v", again, err)
	}
	// One pattern for a list says what the list says.
	p.lists.(fstest.MapFS)["programs.txt"] = &fstest.MapFile{Data: []byte("a.exe notepad++.exe soffice.bin b-c.exe")}
	got, err = p.shared("| where x matches\n  // list: programs as pattern\n  // list: end\n")
	want = "| where x matches\n  // list: programs as pattern\n  /^((a|notepad\\+\\+|b-c)\\.exe|soffice\\.bin)$/\n  // list: end\n"
	if err != nil || got != want {
		t.Errorf("got %q, %v\nwant %q", got, err, want)
	}
	if again, err := p.shared(got); err != nil || again != want {
		t.Errorf("built again it is %q, %v", again, err)
	}
	for text, why := range map[string]string{
		"// part: none\n// part: end":   "there is no part none",
		"// list: none\n// list: end\n": "there is no list none",
	} {
		if _, err := p.shared(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %s", text, err, why)
		}
	}
}
