package langtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Where a match gives a row, rows are counted: as many messages as a text has
// matches, each with the text, are the square of it.
//
// walking is one query for each operator, function and condition that goes
// through the text of a message, in each of its ways of doing so.
var walking = []string{
	`parse "a=*," as x`, `parse "a*b*c*d*z" as w, x, y, z nodrop`, `parse "*=*" as x, y`, `parse "* * *" as x, y, z nodrop`,
	`parse regex "(?<x>[a-z]+)\d"`, `parse regex "(?<x>[a-z]+)" multi | count`, `parse regex "(?<x>.)" multi | count`, `parse regex "(?<x>a)(?=b)" multi | count`, `parse regex "(?<=(?<y>a))(?<x>b)" multi | count`,
	`parse regex "(?<x>\w*)\s*" multi | count`, `extract "(?<x>z)" multi nodrop | count`, `parse regex "(?<x>[^=]+)=(?<y>[^,]*)" multi nodrop | count`,
	`csv _raw extract a, b, c nodrop`, `csv _raw extract 1 as x, 5000 as y nodrop`, `split _raw delim=',' extract 1 as x, 2 as y nodrop`,
	`split _raw delim=' ' escape='\' quote='"' extract 1 as x, 900 as y nodrop`,
	`kv "a", "b" nodrop`, `kv auto nodrop`, `kv infer "zz" nodrop`, `kv regex "(\w+)=(\w+)" "a", "zz" nodrop`, `kv regex "=(.*?)," "a", "b" nodrop`, `kv auto delim ":" nodrop`, `kv delim "=" "a", "zz" nodrop`,
	`json "a" nodrop`, `json "a.b[0].c", "[*].a", "a..b" nodrop`, `json auto nodrop`, `json auto maxdepth 3 extractarrays nodrop`, `json auto "a", "b" nodrop`,
	`parse xml "/a/b" nodrop`, `parse xml "/a[1]/@b" nodrop`, `parse xml "/a/a/a/a" as x nodrop`,
	`replace(_raw, "a", "bb") as x`, `replace(_raw, /a(b?)/, "$1") as x`, `replace(_raw, /(a)(?=b)/, "$1$1") as x`, `replace(_raw, /x*/, "-") as x`,
	`where _raw matches "*a*b*c*d*z*"`, `where _raw matches /a.*b.*z/`, `where _raw contains "zz"`, `where !(_raw matches /(?i)ab+z/)`,
	`toLowerCase(_raw) as x`, `toUpperCase(_raw) as x`, `trim(_raw) as x`, `length(_raw) as x`, `substring(_raw, 5, 9) as x`, `concat(_raw, "a", _raw) as x`,
	`urldecode(_raw) as x`, `urlencode(_raw) as x`, `base64Decode(_raw) as x`, `base64Encode(_raw) as x`, `hexToAscii(_raw) as x`, `asciiToHex(_raw) as x`,
	`hash(_raw) as x`, `jsonArraySize(_raw) as x`, `jsonArrayContains(_raw, "a") as x`, `luhn(_raw) as x`, `isNumeric(_raw) as x`, `isValidIP(_raw) as x`, `num(_raw) as x`,
	`format("%s %s", _raw, _raw) as x`, `parseDate(_raw, "yyyy-MM-dd") as x`, `tourl(_raw, _raw) as x`,
	`logreduce`, `logreduce keys`, `logreduce keys parser=keyvalue`, `sessionize "a* b" as x, "$x c"`, `sessionize "a=*," as x, "a=$x,"`,
	`where _raw = "z" or _raw in ("a", "b")`, `count by _raw`, `sort by _raw`, `trace "a=(\w+)" "b"`, `transactionize _raw startsWith="zz"`, `merge _raw join with ","`,
	`transaction on _messageTime with "*a*b*z*" as s`, `dedup by _raw`, `count by _raw, _messageTime | transpose row _messageTime column _raw`, `values(_raw) as x`,
}

// units are what texts are made of by repeating them.
var units = []string{
	"ab1 ", "a=b, ", "a", " ", ",", "=", "\"", "\\", "\\\"", "'", "a,\"b\"\"c\",", "{\"a\":", "[", "[1,", "{\"a\":1,\"b\":[2]},", "<a>", "<a b='c'>", "<a/>", "&lt;", "<!--", "<![CDATA[",
	"é=ü ", "%41", "%", "a:b ", "a->b ", "[a=b] ", "(", "\t", "\n", "2024-01-01 ", "0123456789abcdef", "ab.cd@ef ", "\\u0041", "x.y.z=1;",
}

// TestCostIsLinear runs each of them over 256 KiB of every twelfth unit, with
// -full of every one. What takes time linear in the text is done in a tenth of a
// second; by the square of it, in half a minute or more. The limit lies between,
// far from both, so that a busy machine fails nothing.
func TestCostIsLinear(t *testing.T) {
	const size, most = 256 << 10, 8 * time.Second
	for i, stage := range walking {
		for j, unit := range units {
			if (i+j)%12 != 0 && !*full {
				continue
			}
			if d := took(t, stage, unit, size); d > most {
				t.Errorf("%s over %q: %d bytes take %v", stage, unit, size, d)
			}
		}
	}
}

// took is how long a query takes over one message of a unit.
func took(t *testing.T, stage, unit string, size int) time.Duration {
	t.Helper()
	q, diags := query.Compile(diag.Text("query", "* | "+stage), query.Standard())
	if diags.HasErrors() {
		t.Errorf("%s: %v", stage, diags.Err())
		return 0
	}
	raw := strings.Repeat(unit, size/len(unit)+1)
	line, err := json.Marshal(map[string]any{"_raw": raw, "_messageTime": 1704067200000})
	if err != nil {
		t.Fatal(err)
	}
	jsonl := format.Named("jsonl")
	reader := input.NewReader(input.Memory("events", append(line, '\n')), []*input.Format{jsonl}, input.Options{Force: jsonl})
	started := time.Now()
	err = q.Run(context.Background(), query.Run{
		Input: reader, Layout: q.Layout.Clone(), Workers: 1, Now: time.UnixMilli(1704070000000), Bounded: true, From: 0, To: 1 << 50, NoMap: true, Warnings: &exec.Warnings{},
	}, sink(func(*event.Batch) error { return nil }))
	if err != nil {
		t.Errorf("%s over %q: %v", stage, unit, err)
	}
	return time.Since(started)
}

// TestManyKeywordsAreOneSearch looks for 50,000 keywords at once, as a list of
// digests that is pasted into a query: one by one they took half a minute over 234
// messages.
func TestManyKeywordsAreOneSearch(t *testing.T) {
	words := make([]string, 50_000)
	for i := range words {
		words[i] = fmt.Sprintf("w%06x", i*7919%(1<<24))
	}
	var events strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&events, "{\"_raw\":\"event %d of user %x and nobody %s\"}\n", i, i, words[i%3*20_000][:6])
	}
	events.WriteString(`{"_raw":"at last ` + words[49_999] + `"}` + "\n")
	jsonl := format.Named("jsonl")
	for name, c := range map[string]struct {
		text string
		rows int
	}{
		"any":  {strings.Join(words, " OR "), 1},
		"none": {"* !" + strings.Join(words, " !"), 2000},
	} {
		start := time.Now()
		q, found := query.Compile(diag.Text("query", c.text), query.Standard())
		if q == nil {
			t.Fatal(found.Err())
		}
		rows := 0
		err := q.Run(context.Background(), query.Run{
			Input:  input.NewReader(input.Memory("events", []byte(events.String())), []*input.Format{jsonl}, input.Options{Force: jsonl}),
			Layout: q.Layout.Clone(), Workers: 1, Now: time.UnixMilli(0), Warnings: &exec.Warnings{},
		}, sink(func(b *event.Batch) error { rows += len(b.Live); return nil }))
		if err != nil || rows != c.rows {
			t.Errorf("%s: %d rows, want %d: %v", name, rows, c.rows, err)
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%s took %v", name, d)
		}
	}
}
