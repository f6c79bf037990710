package fn_test

import (
	"testing"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

func TestDates(t *testing.T) {
	tests := []struct{ in, want string }{
		{`formatDate(nosuch)`, "null"}, {`parseDate(nosuch, "yyyy")`, "null"}, {`formatDate(date, nosuch)`, "null"}, {`formatDate(date, "yyyy", nosuch)`, "null"},
		{`formatDate(date)`, "01/01/2024 00:00:00"}, {`formatDate(date, pattern)`, "2024"}, {`formatDate(date, "HH:mm", zone)`, "09:00"},
		{`formatDate(date, "HH:mm", "america/new_york")`, "19:00"}, {`formatDate(text, "yyyy-MM-dd")`, "2024-01-01"}, {`formatDate(toLong(half), "ss.SSS")`, "00.002"},
		{`formatDate(date, word)`, "null"}, {`formatDate(date, "yyyy", word)`, "null"}, {`formatDate(word)`, "null"},
		{`formatDate(0 - 1, "yyyy-MM-dd HH:mm:ss.SSS")`, "1969-12-31 23:59:59.999"},
		{`parseDate("2024-01-01", "yyyy-MM-dd")`, "1704067200000"}, {`parseDate("2024-01-01 x", "yyyy-MM-dd", zone)`, "1704034800000"},
		{`parseDate(word, "yyyy")`, "null"}, {`parseDate("2024", pattern)`, "1704067200000"}, {`parseDate("2024", "yyyy", word)`, "null"},
		{`parseDate(2024, "yyyy")`, "1704067200000"},
		{`fromMillis(date)`, "1704067200000"}, {`fromMillis(word)`, "null"}, {`fromMillis(nosuch)`, "null"},
		{`toMillis(date)`, "1704067200000"}, {`toMillis("5")`, "5"}, {`toMillis(word)`, "null"},
		{`toMillis(fromSeconds("1.5009"))`, "1500"}, {`fromSeconds(word)`, "null"},
	}
	for _, tt := range tests {
		r := eval(t, tt.in, row)
		if r.diags.HasErrors() {
			t.Errorf("%s: %v", tt.in, r.diags.Err())
			continue
		}
		got := r.v.Str()
		if r.v.IsNull() {
			got = "null"
		}
		if got != tt.want {
			t.Errorf("%s:\n got %s %q\nwant %q", tt.in, r.v.Kind(), got, tt.want)
		}
	}
}

func TestMistakesInDates(t *testing.T) {
	tests := []struct {
		in, code string
		runs     bool
	}{
		{`formatDate(date, "yyyy-bb")`, "bad-date-pattern", false},
		{`parseDate(word, "'")`, "bad-date-pattern", false},
		{`formatDate(date, "yyyy", "Mars/Olympus")`, "unknown-zone", false},
		{`parseDate(word, "yyyy", "Mars/Olympus")`, "unknown-zone", false},
		{`parseDate(word, /y/)`, "regex-out-of-place", false},
		{`parseDate(word)`, "wrong-argument-count", false},
		{`formatDate("1704067200000", "yyyy")`, "text-as-time", true},
	}
	for _, tt := range tests {
		r := eval(t, tt.in, row)
		if len(r.diags) != 1 || r.diags[0].Code != tt.code || r.diags.HasErrors() == tt.runs {
			t.Errorf("%s: got %v, want %s", tt.in, r.diags, tt.code)
		}
	}
}

func TestWarningsOfDates(t *testing.T) {
	for in, want := range map[string]string{
		`formatDate(word, "yyyy")`: `formatDate: "word" is no time in ms`,
		`parseDate(word, "yyyy")`:  `parseDate: "word" does not fit the pattern yyyy`,
	} {
		r := eval(t, in, row)
		if len(r.warns) != 1 || r.warns[0] != want {
			t.Errorf("%s:\n got %q\nwant %q", in, r.warns, want)
		}
	}
}

func TestKindsOfDates(t *testing.T) {
	for in, want := range map[string]event.Kind{
		`fromMillis(1)`: event.Date, `fromSeconds(1)`: event.Date, `toMillis(fromMillis(1))`: event.Long,
		`formatDate(1, "yyyy")`: event.String, `parseDate("2024", "yyyy")`: event.Long,
	} {
		if r := eval(t, in, nil); r.v.Kind() != want {
			t.Errorf("%s is a %s, want %s", in, r.v.Kind(), want)
		}
	}
}
