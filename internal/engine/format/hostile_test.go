package format_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestListed: of an object that is no event itself every event in it is one,
// whatever it is wrapped in.
func TestListed(t *testing.T) {
	e := func(n int) string { return fmt.Sprintf(`{"EventID":"%d","Image":"a"}`, n) }
	q := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }
	for text, want := range map[string]string{
		`{"a":` + e(1) + `}`: "1",
		`{"a":` + e(1) + `,"b":` + e(2) + `,"c":` + e(3) + `}`:            "1;2;3",
		`{"x":[` + e(1) + `,` + e(2) + `],"y":[` + e(3) + `]}`:            "1;2;3",
		`[[` + e(1) + `],[` + e(2) + `,` + e(3) + `]]`:                    "1;2;3",
		`{"a":{"b":[{"c":` + e(1) + `},{"c":` + e(2) + `},{"d":1}]}}`:     "1;2;",
		`{"body":` + q("["+e(1)+","+e(2)+"]") + `}`:                       "1;2",
		`{"l":[{"message":` + q(e(1)) + `},{"message":` + q(e(2)) + `}]}`: "1;2",
		`{"time":1,"host":"h","event":` + q(e(1)) + `}`:                   "1",
		e(1)[:len(e(1))-1] + `,"related":[` + e(2) + `,` + e(3) + `]}`:    "1", // an event, and what it says of others
	} {
		rows, res := ask(t, text+"\n", "* | fields EventID | sort by EventID asc")
		res.clean(t)
		var got []string
		nulls := 0
		for _, r := range rows {
			if r == "-" {
				nulls++
				continue
			}
			got = append(got, r)
		}
		if all := strings.Join(append(got, make([]string, nulls)...), ";"); all != want {
			t.Errorf("%s gives %q, want %q", text, all, want)
		}
	}
}

// TestManyBeginnings: records that do not end cost time in proportion to the text.
func TestManyBeginnings(t *testing.T) {
	good := `{"EventID":"1","Image":"C:\\cmd.exe"}` + "\n"
	for name, text := range map[string]string{
		"braces in text":       "hello\n" + strings.Repeat("{\n", 200_000),
		"quotes in text":       "hello\n" + strings.Repeat("{\"\n", 150_000),
		"objects after a time": "2026-03-01 08:00:00 x\n" + strings.Repeat("{\"a\":\n", 100_000),
		"objects":              strings.Repeat("{\"a\":\n", 100_000),
		"objects in a line":    strings.Repeat("{\"a\":", 100_000) + "\n",
		"brackets":             "hello\n" + strings.Repeat("[{\n", 150_000),
		"elements":             "hello\n" + strings.Repeat("<Event>\n", 100_000),
	} {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, []byte(text+strings.Repeat(good, 3)), 0o600); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		res := run(t, "* | count by EventID", 2, 0, false, path)
		if d := time.Since(start); d > 30*time.Second {
			t.Errorf("%s: %v for %d bytes", name, d, len(text))
		}
		found := false
		for _, r := range res.rows {
			found = found || r["EventID"] == "1"
		}
		if lost := len(res.warnings) + len(res.failed); !found && lost == 0 {
			t.Errorf("%s: the events after it are lost, and nothing says so", name)
		}
	}
}

// TestCSVMistakes: a quote that is not closed costs its line, and a second header is
// none of the events.
func TestCSVMistakes(t *testing.T) {
	row := `1,"a b","c"` + "\n"
	for text, want := range map[string]struct {
		rows int
		lost bool
	}{
		"EventID,A,B\n" + row + `1,x,"open,` + "\n" + row + row: {3, true},
		"EventID,A,B\n" + row + "EventID,A,B\n" + row:           {2, false},
		"EventID,A,B\n" + row + "A,EventID,B\n" + row:           {2, true},
		"EventID,A,B\n" + `1,"two` + "\n" + `lines",c` + "\n":   {1, false},
	} {
		path := filepath.Join(t.TempDir(), "a.csv")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		res := run(t, "* | fields EventID, A, B", 1, 0, false, path)
		if len(res.rows) != want.rows || (len(res.warnings) > 0) != want.lost {
			t.Errorf("%q: %d rows and %v, want %d", text, len(res.rows), res.warnings, want.rows)
		}
	}
}
