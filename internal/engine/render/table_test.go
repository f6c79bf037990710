package render

import (
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// printed renders rows of text fields; a number is given as an event.Value.
func printed(t *testing.T, kind string, o Options, names []string, rows ...[]any) string {
	t.Helper()
	o.Layout = event.NewLayout(names...)
	for i, n := range names {
		o.Columns = append(o.Columns, lang.Column{Slot: event.Slot(i), Name: n})
	}
	var out strings.Builder
	sink, err := New(kind, &out, o)
	if err != nil {
		t.Fatal(err)
	}
	var b event.Batch
	for _, r := range rows {
		row := b.AddRow(0, 0)
		for i, v := range r {
			switch v := v.(type) {
			case nil:
			case string:
				b.Col(event.Slot(i)).Set(row, event.Text(v))
			case int:
				b.Col(event.Slot(i)).Set(row, event.Int(int64(v)))
			}
		}
	}
	if err := sink.Push(&b); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTableAlignsTextLeftAndNumbersRight(t *testing.T) {
	got := printed(t, "table", Options{}, []string{"Computer", "_count"}, []any{"A", 7}, []any{"日本", 1234})
	want := "Computer  _count\n" +
		"A              7\n" +
		"日本        1234\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestTableKeepsTheEndOfPathsWhenItIsNarrow(t *testing.T) {
	got := printed(t, "table", Options{Width: 40}, []string{"Image", "n"},
		[]any{`C:\Program Files\Google\Chrome\Application\chrome.exe`, 1})
	for _, line := range strings.Split(strings.TrimSuffix(got, "\n"), "\n") {
		if n := cellWidth(line); n > 40 {
			t.Errorf("a line of %d columns in a terminal of 40: %s", n, line)
		}
	}
	if !strings.Contains(got, `Application\chrome.exe`) || !strings.Contains(got, "…") {
		t.Errorf("the program's name is gone:\n%s", got)
	}
}

func TestTableIsWholeWhereThereIsNoTerminal(t *testing.T) {
	long := strings.Repeat("x", 3*cellMax)
	if got := printed(t, "table", Options{}, []string{"a", "b"}, []any{long, "end"}); !strings.Contains(got, long+"  end") {
		t.Errorf("a value was shortened in a pipe:\n%s", got)
	}
}

func TestTableBecomesAListWhereItIsTooNarrow(t *testing.T) {
	names := []string{"severity", "Computer", "User", "Image", "CommandLine", "Empty"}
	got := printed(t, "table", Options{Width: 60}, names,
		[]any{"high", "WS-FIN-014.corp.example", `CORP\m.keller`, `C:\Windows\System32\cmd.exe`, strings.Repeat("abcdefghi ", 9), nil})
	want := "── 1 ───────────────────────────────────────────────────────\n" +
		"severity: high   Computer: WS-FIN-014.corp.example\n" +
		"User: CORP\\m.keller   Image: C:\\Windows\\System32\\cmd.exe\n" +
		"CommandLine: abcdefghi abcdefghi abcdefghi abcdefghi abcdefg\n" +
		"             hi abcdefghi abcdefghi abcdefghi abcdefghi \n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestSeverityIsHighlighted(t *testing.T) {
	got := printed(t, "table", Options{Color: true}, []string{"severity"}, []any{"high"}, []any{"informational"})
	if !strings.Contains(got, "\x1b[1;31mhigh\x1b[0m") || strings.Contains(got, "minformational") {
		t.Errorf("%q", got)
	}
}

func TestLogsCannotCommandTheTerminal(t *testing.T) {
	for _, f := range formats { // all of them, as a terminal gets them
		kind := f.name
		got := printed(t, kind, Options{Terminal: true, Color: f.data == nil}, []string{"a"}, []any{"x\x1b[31mred\x07\r\nnext\tcol \u202egpj.exe \u009b2J"})
		for _, r := range strings.NewReplacer("\x1b[1m", "", "\x1b[2m", "", "\x1b[0m", "").Replace(got) {
			if r != '\n' && r != '\t' && !printable.Shown(r) {
				t.Errorf("%s lets %q through: %q", kind, r, got)
			}
		}
		if f.data == nil && !strings.Contains(got, "x␛[31mred␇⏎next col \\u202egpj.exe \\u009b2J") {
			t.Errorf("%s: %q", kind, got)
		}
	}
}

func TestTimesAreDates(t *testing.T) {
	if got := printed(t, "table", Options{}, []string{"_messageTime"}, []any{1773133200123}); !strings.Contains(got, "2026-03-10 09:00:00.123") {
		t.Errorf("%q", got)
	}
}

func TestCSVQuotes(t *testing.T) {
	got := printed(t, "csv", Options{}, []string{"a", "b"}, []any{`say "x", twice`, "two\nlines"}, []any{nil, 1})
	if want := "a,b\n\"say \"\"x\"\", twice\",\"two\nlines\"\n,1\n"; got != want {
		t.Errorf("got %q want %q", got, want)
	}
}
