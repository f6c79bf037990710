package message

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/exec/exectest"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// oddMessages are those that a block of messages must not be read wrong for.
var oddMessages = []string{
	"", " ", "\t\r", "\r", "x", "{", "}", "[", "]", "{}", "[]", `{"a":`, `{"a":[1,2]}`, `[{"a":"1"},{"a":"2"}]`,
	`{"Records":[{"EventID":1,"a":"x"},{"EventID":2}]}`, `{"Records":[{"EventID":1,"a":"x"}]}`, `{"value":[]}`, `{"_raw":"[x]","a":["b"]}`,
	"one\ntwo\nthree", "2026-03-02 08:00:00 a\n2026-03-02 08:00:01 b", "a=1 b=2 c=3", `a=1 b="x`, "level=info msg=\"{\"",
	"<134>1 2026-03-02T08:00:00Z host app 12 - - text", "<134>Mar  2 08:00:00 host app[1]: <Event><System/></Event>", "<Event><System><EventID>1</EventID></System></Event>",
	`<13>Mar  2 08:00:00 h a: {"EventID":"1","Channel":"Security","Computer":"c"} {"EventID":"2","Channel":"Security","Computer":"c"}`,
	"CEF:0|v|p|1|100|name|5|src=192.0.2.1 msg=a\\=b", "CEF:0|v|p", "LEEF:1.0|v|p|1|id|src=1", "bad \xff utf-8", "\xff\xfe", "03/04/2026 08:00:00 unsure", "nul \x00 inside",
	"Mar  2 08:00:00 web-1 sshd[1]: text {", "Mar  2 08:00:00 web-1 sshd[1]:", "# comment", "{'single': 'quotes'}", `{"a":"b"} trailing`, `{"a":"b"}{"c":"d"}`, `{"a":"b[c"}`,
	strings.Repeat("long ", 5_000),
}

// TestTogetherAsAlone: messages that are read in blocks are what each is that is read alone.
func TestTogetherAsAlone(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 8))
		o := &Origin{Origin: event.Origin{Category: "c", Name: "n"}, Format: []string{"", One, "jsonl", "syslog", "logfmt", "text", "lines", "cef"}[rnd.IntN(8)]}
		if rnd.IntN(4) == 0 {
			o.Fields = []Field{{"env", "prod"}}
		}
		kind, odd := rnd.IntN(len(kinds)), []int{0, 1, 20, 300}[rnd.IntN(4)]
		var rows []Row
		for i := range 3_000 {
			text := kinds[kind].of(i)
			switch {
			case odd > 0 && rnd.IntN(odd) == 0:
				text = oddMessages[rnd.IntN(len(oddMessages))]
			case rnd.IntN(100) == 0:
				kind = rnd.IntN(len(kinds))
			}
			rows = append(rows, Row{Seq: uint64(i+1) * Apart, Time: int64(i+1) * 1000, Receipt: 5, Origin: o, Raw: []byte(text)})
			if odd == 1 && i == 400 {
				break
			}
		}
		want := func() *input.Want {
			names := [][]string{nil, {"_raw"}, {"EventID", "level", "env", "_messageTime", "_receiptTime"}, {"a", "_raw"}}[seed%4]
			w := &input.Want{Layout: event.NewLayout(names...), Warnings: &exec.Warnings{}}
			for i := range names {
				w.Fields.Add(event.Slot(i))
			}
			w.Fields.All = names == nil
			if seed%5 == 1 {
				w.Need = []input.Need{{Slot: event.None, Any: []string{"web-1", "ann", "x"}}}
			}
			if seed%5 == 2 && names != nil {
				w.Need = []input.Need{{Slot: 0, Any: []string{"info", "1"}, At: expr.Anchor(0)}}
			}
			return w
		}
		read := func(each bool) (got []string) {
			w := want()
			c := &exectest.Collect{Layout: w.Layout}
			r := NewReader(w)
			for i := range rows {
				if each {
					if err := r.Read(rows[i:i+1], c); err != nil {
						t.Fatal(err)
					}
				}
			}
			if !each {
				if err := r.Read(rows, c); err != nil {
					t.Fatal(err)
				}
			}
			got = c.Rows
			slices.Sort(got)
			for _, k := range w.Warnings.List() {
				got = append(got, fmt.Sprint(k.Kind, k.Count, k.Lost))
			}
			return got
		}
		alone, together := read(true), read(false)
		if !slices.Equal(alone, together) {
			for i := range max(len(alone), len(together)) {
				if i >= len(alone) || i >= len(together) || alone[i] != together[i] {
					t.Fatalf("seed %d, format %q, one odd of %d: %d events together, %d alone; at %d\n%.600s\nwant\n%.600s", seed, o.Format, odd, len(together), len(alone), i,
						append(together, "nothing")[min(i, len(together))], append(alone, "nothing")[min(i, len(alone))])
				}
			}
		}
	}
}
