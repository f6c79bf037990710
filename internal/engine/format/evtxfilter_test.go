package format

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/evtx"
	"github.com/gyoji-dev/gyoji/evtx/evtxtest"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// evtxNeeds are needs of a field, as queries have them.
var evtxNeeds = []struct {
	field string
	any   []string
}{
	{"ParentImage", []string{"chrome.exe", "msedge.exe", "explorer.exe", "services.exe"}},
	{"Image", []string{"powershell.exe", "cmd.exe"}},
	{"User", []string{"IEWIN7"}},
	{"CommandLine", []string{"http"}},
	{"Provider", []string{"Security-Auditing"}},
	{"Data", []string{"nchrome.exe"}}, // how JSON writes a line end before it
	{"Data", []string{"000chrome.exe"}},
	{"Data", []string{"chrome.exe", `e","b`}},
	{"ShareName", []string{"SYSVOL"}},
}

// looseEvents are events without a template, whose texts may be in pieces, or
// be written another way where a field has several.
func looseEvents() []byte {
	type el = evtxtest.Element
	c := evtxtest.NewChunk()
	data := func(content ...any) el { return el{Name: "Data", Content: content} }
	for _, content := range [][]any{
		{data("chrome.exe")}, {data("no")}, {data("chr", "ome.exe")}, {data("chrome", evtxtest.Char('.'), "exe")},
		{data("a\nchrome.exe"), data("b")}, {data("a\fhrome.exe"), data("b")}, {data("a\fhrome.exe")}, {data("a"), data("b")},
		{el{Name: "Data", Attrs: []evtxtest.Attr{{Name: "Name", Content: []any{"Image"}}}, Content: []any{`C:\CMD.EXE`}}},
	} {
		c.RecordOf(1, 134176104000000000, el{Name: "Event", Content: []any{el{Name: "EventData", Content: content}}})
	}
	return evtxtest.File(c)
}

// TestEVTXFilter holds the records found by literals against reading all, over
// recorded logs and made ones, with their warnings.
func TestEVTXFilter(t *testing.T) {
	logs := map[string][]byte{"processes": evtxtest.Processes(500), "odd events": oddEvents(), "loose events": looseEvents()}
	for i, bad := range append(evtxtest.Mutants(evtxtest.Processes(60)[:20<<10], 100), evtxtest.Mutants(looseEvents()[:6<<10], 100)...) {
		logs[fmt.Sprint("damaged ", i)] = bad
	}
	for _, path := range recordedLogs(t) {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		logs[path] = file
	}
	found := map[string]int{}
	for name, file := range logs {
		read := func(need func(*event.Layout) []input.Need) (rows []map[string]string, warnings string) {
			w := wantNames("EventRecordID")
			for _, n := range evtxNeeds {
				w.Fields.Add(w.Layout.Slot(n.field))
			}
			w.Need = need(w.Layout)
			return rowsOf(t, file, len(file), w), fmt.Sprint(w.Warnings.List())
		}
		all, told := read(func(*event.Layout) []input.Need { return nil })
		for _, need := range evtxNeeds {
			lacks := func(row map[string]string) bool {
				value := match.Fold(row[need.field])
				return !slices.ContainsFunc(need.any, func(l string) bool { return strings.Contains(value, match.Fold(l)) })
			}
			want := slices.DeleteFunc(slices.Clone(all), lacks)
			got, filtered := read(func(l *event.Layout) []input.Need { return []input.Need{{Slot: l.Slot(need.field), Any: need.any}} })
			if got = slices.DeleteFunc(got, lacks); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %d rows with %q in %s, want %d", name, len(got), need.any, need.field, len(want))
			}
			if filtered != told {
				t.Errorf("%s: warnings %s, want %s", name, filtered, told)
			}
			found[need.field] += len(want)
		}
	}
	t.Log(len(logs), "logs:", found)
	for _, field := range []string{"ParentImage", "Image", "Data"} {
		if found[field] == 0 {
			t.Errorf("no rows by %s prove nothing", field)
		}
	}
}

// TestEVTXFilterAnyhow looks for pieces of texts in JSON arrays of them: what is
// left of a piece then stands in one of the texts as it is.
func TestEVTXFilterAnyhow(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	chars := []rune("nrtu0011ffbcgh\n\f\v\x00\x1f\t\r")
	n := 0
	for range 200_000 {
		text := func(most int) (s string) {
			for range 1 + rnd.IntN(most) {
				s += string(chars[rnd.IntN(len(chars))])
			}
			return s
		}
		texts := []string{text(6), text(6)}
		piece := text(7)
		if strings.ContainsFunc(piece, func(r rune) bool { return r < ' ' }) {
			continue
		}
		var array []byte
		for i, s := range texts {
			array = jsondoc.AppendString(append(array, "[,"[i]), s)
		}
		rest := piece[escapeTail(piece):]
		if !strings.Contains(string(array), piece) || !strings.ContainsAny(rest, "gh") { // no escape has these
			continue
		}
		n++
		if !slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, rest) }) {
			t.Fatalf("%q stands in %s, and %q in none of %q", piece, array, rest, texts)
		}
	}
	if n < 300 {
		t.Errorf("%d pieces found, which proves little", n)
	}
}

// TestEVTXFilterSkips counts the events that are decoded: without a literal none
// is, with a template and without.
func TestEVTXFilterSkips(t *testing.T) {
	for name, c := range map[string]struct {
		file []byte
		want int
	}{
		"processes": {evtxtest.Processes(500), 50}, // the first of which shows what their templates are
		"loose":     {looseEvents(), 6},            // four with hrome.exe in them, and two in pieces
	} {
		w := wantNames("Image", "ParentImage")
		w.Need = []input.Need{{Slot: 1, Any: []string{"chrome.exe"}}}
		r := newEVTX(w)
		r.part = &input.Part{Name: "test.evtx"}
		n := 0
		for at := evtx.HeaderBytes; at < len(c.file); at += evtx.ChunkBytes {
			data := c.file[at : at+evtx.ChunkBytes]
			r.dec.Open(data, false)
			r.filter.open(data)
			for rec, ok := r.dec.Next(); ok; rec, ok = r.dec.Next() {
				if r.passes(rec) {
					continue
				}
				n++
				if ev, err := r.dec.Event(rec); err == nil {
					r.flatten(ev)
				}
			}
		}
		if n != c.want {
			t.Errorf("%s: %d events decoded, want %d", name, n, c.want)
		}
	}
}
