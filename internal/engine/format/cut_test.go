package format_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ids are the record numbers and images that a reader finds in a text, sorted.
func ids(t *testing.T, name string, text []byte) (rows []string, lost int64) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	res := run(t, "* | json auto | fields EventID, EventRecordID, Image, CommandLine, Computer", 2, 0, false, path)
	if len(res.failed) > 0 { // a piece without a whole record may be refused, which says so
		lost++
	}
	if len(res.failed) > 0 && len(res.rows) > 0 {
		t.Errorf("%v", res.failed)
	}
	for _, r := range res.rows {
		if r["EventRecordID"] != nil {
			rows = append(rows, fmt.Sprint(r["EventID"], "|", r["EventRecordID"], "|", r["Image"], "|", r["CommandLine"], "|", r["Computer"]))
		} else { // what is left of an event is shown as text
			lost++
		}
	}
	slices.Sort(rows)
	for _, w := range res.warnings {
		if w.Lost {
			lost += w.Count
		}
	}
	return rows, lost
}

// bulk are the texts that hold the same events in all formats, the start of each.
func bulk(t *testing.T) map[string][]byte {
	t.Helper()
	needShared(t)
	out := map[string][]byte{}
	for _, path := range samples(t, shared+"/formats/bulk/*.*") {
		name := filepath.Base(path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(name, "utf16") || strings.HasPrefix(name, "defender") {
			continue // cut at an odd byte it is no text; Defender's numbers are not unique
		}
		out[name] = text
	}
	return out
}

// TestCutInTwo: of a log that is cut in two at any byte, as split -b does, the two
// pieces together give all events but the one that the cut is in, which is named.
func TestCutInTwo(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	texts := bulk(t)
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		text := texts[name]
		t.Run(name, func(t *testing.T) {
			whole, _ := ids(t, name, text)
			if len(whole) != 157 {
				t.Fatalf("%d events, want 157", len(whole))
			}
			for range 12 {
				at := 1 + rnd.IntN(len(text)-1)
				a, lostA := ids(t, name, text[:at])
				b, lostB := ids(t, name, text[at:])
				missing, more := difference(whole, append(a, b...))
				if len(missing) > 1 || len(more) > 1 {
					t.Errorf("cut at %d: missing %d %q, more %d %q", at, len(missing), missing, len(more), more)
				}
				if len(missing) == 1 && lostA+lostB == 0 && len(more) == 0 {
					t.Errorf("cut at %d: %q is missing and nothing says so", at, missing)
				}
			}
		})
	}
}

// junk are lines that are part of no format.
var junk = []string{
	"hello", "# a comment", `{"a":`, `{"a":1}}`, "<Event>", "<Event xmlns='x'><System>", `"`, `"a":"b"}`, "a,b,c", "2026-03-01 08:00:00 x", "a=b c=d",
	"\xff\xfe", "\ufeff", "", "[", "]", "</Event>", "{", "}",
}

// TestJunkLine: a line that is none of the format costs itself, wherever it
// stands, or the record that it stands in, and no other.
func TestJunkLine(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for name, text := range bulk(t) {
		t.Run(name, func(t *testing.T) {
			whole, _ := ids(t, name, text)
			for _, line := range junk {
				for k := range 3 {
					at := 0
					switch k {
					case 1:
						at = len(text)
					case 2:
						at = rnd.IntN(len(text))
						at = bytes.LastIndexByte(text[:at], '\n') + 1
					}
					odd := slices.Concat(text[:at], []byte(line+"\n"), text[at:])
					got, _ := ids(t, name, odd)
					missing, more := difference(whole, got)
					if len(missing) > 1 || len(more) > 1 {
						t.Errorf("%q at %d: missing %d %.300q, more %d %.300q", line, at, len(missing), missing, len(more), more)
					}
				}
			}
		})
	}
}

// difference are the sorted texts of a that b lacks, and those of b that a lacks.
func difference(a, b []string) (missing, more []string) {
	count := map[string]int{}
	for _, s := range b {
		count[s]++
	}
	for _, s := range a {
		if count[s]--; count[s] < 0 {
			missing = append(missing, s)
		}
	}
	for s, n := range count {
		for ; n > 0; n-- {
			more = append(more, s)
		}
	}
	return missing, more
}

// TestLongAnswer: a list of events in one line that is longer than what is looked at.
func TestLongAnswer(t *testing.T) {
	one := `{"EventID":"1","pad":"` + strings.Repeat("x", 200) + `"}`
	rows, res := ask(t, `{"value":[`+strings.Repeat(one+",", 999)+one+`]}`, "* | count")
	res.clean(t)
	if got := strings.Join(rows, ";"); got != "1000" {
		t.Errorf("%s events, want 1000", got)
	}
}
