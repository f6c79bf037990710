package format

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gyoji-dev/gyoji/evtx"
	"github.com/gyoji-dev/gyoji/evtx/evtxtest"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// rowsOf reads a log in blocks of some size and returns each row's fields by
// name, and the warnings.
func rowsOf(t testing.TB, file []byte, block int, w *input.Want) []map[string]string {
	t.Helper()
	f := Named("evtx")
	r := f.New(w)
	part := &input.Part{Name: "test.evtx"}
	var rows []map[string]string
	sink := sinkFunc(func(b *event.Batch) error {
		for _, row := range b.Live {
			m := map[string]string{"time": fmt.Sprint(b.Time[row])}
			for s := range b.Cols {
				if v := b.Value(event.Slot(s), row); !v.IsNull() {
					m[w.Layout.Name(event.Slot(s))] = strings.Clone(v.String()) // lent
				}
			}
			rows = append(rows, m)
		}
		return nil
	})
	off := 0
	for off < len(file) {
		end := min(off+block, len(file))
		n := f.Cut(file[off:end], int64(off), end == len(file))
		for n == 0 && end < len(file) {
			end = min(end+block, len(file))
			n = f.Cut(file[off:end], int64(off), end == len(file))
		}
		data := slices.Clone(file[off : off+n])
		if err := r.Read(input.Block{Data: data, Offset: int64(off), Part: part}, sink); err != nil {
			t.Fatal(err)
		}
		clear(data) // the block is only lent
		off += n
	}
	return rows
}

type sinkFunc func(*event.Batch) error

func (f sinkFunc) Push(b *event.Batch) error { return f(b) }

func wantAll() *input.Want {
	return &input.Want{Layout: event.NewLayout(), Fields: event.Fields{All: true}, Warnings: &exec.Warnings{}}
}

func wantNames(names ...string) *input.Want {
	w := &input.Want{Layout: event.NewLayout(names...), Warnings: &exec.Warnings{}}
	for i := range names {
		w.Fields.Add(event.Slot(i))
	}
	return w
}

// TestEVTXRows reads a log of made-up events, in blocks of all sizes.
func TestEVTXRows(t *testing.T) {
	file := evtxtest.Processes(500)
	for _, block := range []int{1 << 20, 64 << 10, 5000} {
		rows := rowsOf(t, file, block, wantAll())
		if len(rows) != 500 {
			t.Fatalf("blocks of %d: %d rows, want 500", block, len(rows))
		}
		for name, want := range map[string]string{
			"time": "1773136800125", "_messageTime": "1773136800125", "_sourceCategory": "windows/sysmon", "_sourceHost": "LAB-1.lab.example",
			"_sourceName": "test.evtx", "EventID": "1", "SystemTime": "2026-03-10T10:00:00.0000000Z", "EventRecordID": "1",
			"Provider": "Microsoft-Windows-Sysmon", "ExecutionProcessID": "1404", "UserID": "S-1-5-18", "ProcessId": "0",
			"CommandLine": `cmd.exe /c "echo 2026-03-10 10:00:00.125"`, "UtcTime": "2026-03-10 10:00:00.125",
		} {
			if got := rows[0][name]; got != want {
				t.Errorf("blocks of %d: %s is %q, want %q", block, name, got, want)
			}
		}
	}
}

// TestEVTXTextHoldsTheFields flattens each event's _raw, which must give the
// same fields as the reader does.
func TestEVTXTextHoldsTheFields(t *testing.T) {
	for i, row := range append(rowsOf(t, evtxtest.Processes(100), 1<<20, wantAll()), rowsOf(t, oddEvents(), 1<<20, wantAll())...) {
		flat := map[string]string{}
		if err := jsondoc.Flatten([]byte(row["_raw"]), jsondoc.FlattenOptions{}, func(name []byte, v jsondoc.Value) {
			flat[string(name)] = string(v.AppendText(nil))
		}); err != nil {
			t.Fatalf("row %d: %v in %s", i, err, row["_raw"])
		}
		for k, v := range row {
			if k != "time" && k[0] != '_' && flat[k] != v {
				t.Errorf("row %d: %s is %q, and %q in _raw", i, k, v, flat[k])
			}
		}
		for k := range flat {
			if _, ok := row[k]; !ok {
				t.Errorf("row %d: %s stands in _raw only", i, k)
			}
		}
	}
}

// TestEVTXLines compares lines with the texts of the same events in batches.
func TestEVTXLines(t *testing.T) {
	logs := map[string][]byte{"processes": evtxtest.Processes(500), "odd events": oddEvents(), "half a log": evtxtest.Processes(500)[:100_000]}
	for _, path := range recordedLogs(t) {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		logs[path] = file
	}
	n := 0
	for name, file := range logs {
		for _, bounded := range []bool{false, true} {
			want := func() *input.Want {
				w := wantNames("_raw")
				w.JSON, w.Carve, w.Fields.All = true, true, true
				if w.Bounded = bounded; bounded {
					w.From, w.To = 1_500_000_000_000, 1773136800000+250_000
				}
				return w
			}
			plain, lined := want(), want()
			var texts strings.Builder
			for _, row := range rowsOf(t, file, len(file), plain) {
				texts.WriteString(row["_raw"] + "\n")
			}
			b := input.Block{Data: slices.Clone(file), Part: &input.Part{Name: "test.evtx"}}
			lines, count, err := Named("evtx").New(lined).(input.LineReader).Lines(b, []byte("before\n"))
			if got := string(lines); err != nil || got != "before\n"+texts.String() || count != strings.Count(texts.String(), "\n") {
				t.Errorf("%s, bounded %v: %d lines (%v) are not the %d rows' texts", name, bounded, count, err, strings.Count(texts.String(), "\n"))
			}
			if a, b := fmt.Sprint(plain.Warnings.List()), fmt.Sprint(lined.Warnings.List()); a != b {
				t.Errorf("%s: warnings %s, want %s", name, b, a)
			}
			n += count
		}
	}
	t.Logf("%d lines of %d logs", n, len(logs))
}

// recordedLogs are the event logs beside the project of up to 2 MB, where they
// are there; the small ones in a short run.
func recordedLogs(t testing.TB) (paths []string) {
	most := int64(2 << 20)
	if testing.Short() {
		most = 128 << 10
	}
	_ = filepath.WalkDir("../../../../shared/data/evtx", func(path string, e os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".evtx") {
			return nil
		}
		if i, err := e.Info(); err == nil && i.Size() < most {
			paths = append(paths, path)
		}
		return nil
	})
	if len(paths) == 0 {
		t.Log("the recorded logs (../shared/data) are absent: only logs made here are read")
	}
	return paths
}

// oddEvents is a log of events as they seldom are.
func oddEvents() []byte {
	type el = evtxtest.Element
	place := func(i uint16) []any { return []any{evtxtest.Place{Index: i, Type: 1}} }
	named := func(name, content []any) el {
		return el{Name: "Data", Attrs: []evtxtest.Attr{{Name: "Name", Content: name}}, Content: content}
	}
	system := evtxtest.System("Lab", "Application")
	data := func(guid byte, name string, content ...any) *evtxtest.Template {
		return &evtxtest.Template{GUID: [16]byte{guid}, Root: el{Name: name, Content: content}}
	}
	c := evtxtest.NewChunk()
	add := func(t *evtxtest.Template, values ...any) {
		c.Record(1, 134176104000000000, system, evtxtest.Head(7, 134176104000000000, 3, "LAB", evtxtest.Nested{Template: t, Values: values})...)
	}
	text := evtxtest.Text
	// Data without a name, several; an array; a name that stands in a value.
	add(data(1, "EventData", el{Name: "Data", Content: place(0)}, el{Name: "Data", Content: place(1)}), text(`a "b"`), text("c\nd"))
	add(data(2, "EventData", el{Name: "Data", Content: place(0)}), evtxtest.Value{Type: 0x81, Data: evtxtest.UTF16("x\x00y\x00")})
	add(data(3, "EventData", named(place(0), place(1))), text("Named"), text("v"))
	// Names of System, names that differ in letter case, names with blanks.
	add(data(4, "EventData", named([]any{"Channel"}, place(0)), named([]any{"Level"}, []any{"fixed"})), text("own"))
	add(data(5, "EventData", named([]any{"Process Name"}, place(0))), text("p"))
	// UserData, text put together, nothing at all.
	add(data(6, "UserData", el{Name: "Cleared", Content: []any{el{Name: "Who", Content: place(0)}, el{Name: "In", Content: []any{el{Name: "Deep", Content: []any{"a", evtxtest.Entity("amp"), evtxtest.Place{Type: 1}}}}}}}), text("anna"))
	add(data(7, "EventData"))
	// Elements that depend on values, which are there and are not.
	needs := data(8, "EventData", el{Name: "Data", Needs: 1, Content: place(0)}, el{Name: "Binary", Content: []any{evtxtest.Place{Index: 1, Type: 0x0e, Optional: true}}},
		el{Name: "Of", Needs: 1, Attrs: []evtxtest.Attr{{Name: "Kind", Content: []any{"fixed"}}}, Content: place(1)}, named([]any{"Fixed"}, []any{"f"}))
	add(needs, text("v"), evtxtest.Value{Type: 0x0e, Data: []byte{0xab}})
	add(needs, evtxtest.Value{}, evtxtest.Value{})
	add(needs, text(""), text("o"))
	// Names that come again, apart from each other.
	cert := func(i uint16) el {
		return el{Name: "Certificate", Attrs: []evtxtest.Attr{{Name: "file", Content: place(i)}}, Content: []any{el{Name: "By", Content: place(i)}}}
	}
	add(data(9, "EventData", named([]any{"Twice"}, place(0)), named([]any{"Once"}, place(1)), named([]any{"Twice"}, place(1))), text("a"), text("b"))
	add(data(10, "UserData", el{Name: "Chain", Content: []any{cert(0), cert(1)}}), text("a"), text("b"))
	c.RecordOf(2, 134176104000000000, el{Name: "Event", Content: []any{
		el{Name: "System", Content: []any{el{Name: "EventID", Content: []any{"9"}}}}, el{Name: "EventData", Content: []any{named([]any{"k"}, []any{"v"})}},
	}})
	return evtxtest.File(c)
}

// TestEVTXNames says what the fields of odd events are called.
func TestEVTXNames(t *testing.T) {
	rows := rowsOf(t, oddEvents(), 1<<20, wantAll())
	for i, want := range []map[string]string{
		{"Data": `["a \"b\"","c\nd"]`},
		{"Data": `["x","y"]`},
		{"Named": "v"},
		{"Channel": "Application", "EventData.Channel": "own", "Level": "", "EventData.Level": "fixed"},
		{"Process_Name": "p"},
		{"Who": "anna", "In.Deep": "a&anna"},
		{"EventID": "7", "time": "1773136800000"},
		{"Data": "v", "Binary": "AB", "Of": "AB", "Of.Kind": "fixed", "Fixed": "f"},
		{"Fixed": "f"},
		{"Data": "", "Binary": "o", "Of": "o", "Of.Kind": "fixed", "Fixed": "f"},
		{"Twice": `["a","b"]`, "Once": "b"},
		{"Certificate.file": `["a","b"]`, "Certificate.By": `["a","b"]`},
		{"EventID": "9", "k": "v", "time": "1773136800000"},
	} {
		for name, text := range want {
			if got := rows[i][name]; got != text {
				t.Errorf("event %d: %s is %q, want %q", i, name, got, text)
			}
		}
	}
	// Wanted by name, letter case aside, the same is found.
	rows = rowsOf(t, oddEvents(), 1<<20, wantNames("data", "NAMED", "who", "process name", "eventdata.channel", "Nothing"))
	for i, want := range []map[string]string{0: {"data": `["a \"b\"","c\nd"]`}, 2: {"NAMED": "v"}, 3: {"eventdata.channel": "own"}, 5: {"who": "anna"}} {
		for name, text := range want {
			if got := rows[i][name]; got != text {
				t.Errorf("event %d: %s is %q, want %q", i, name, got, text)
			}
		}
	}
}

// TestEVTXAndItsXML reads events from a log and from the XML that is made of them:
// the fields are the same, but for those that are of where an event came from.
func TestEVTXAndItsXML(t *testing.T) {
	for name, file := range map[string][]byte{"processes": evtxtest.Processes(50), "odd": oddEvents()} {
		w := wantAll()
		xml := w.Layout.Slot(XMLField)
		w.Fields.Add(xml)
		rows := rowsOf(t, file, 1<<20, w)
		for i, row := range rows {
			w := wantAll()
			r := Named("xml").New(w)
			n := 0
			block := input.Block{Data: []byte(row[XMLField]), Part: &input.Part{Name: "test.xml"}}
			if err := r.Read(block, sinkFunc(func(b *event.Batch) error {
				for s := range b.Cols {
					k := w.Layout.Name(event.Slot(s))
					if k[0] == '_' || b.Value(event.Slot(s), 0).IsNull() {
						continue
					}
					n++
					// json auto's names have no blanks; XML's are as written.
					if got, want := b.Value(event.Slot(s), 0).String(), row[columnName(k)]; got != want {
						t.Errorf("%s, event %d: %s is %q of the log and %q of its XML %s", name, i, k, want, got, row[XMLField])
					}
				}
				return nil
			})); err != nil {
				t.Fatal(err)
			}
			for k := range row {
				if k != "time" && k[0] != '_' {
					n--
				}
			}
			if n != 0 {
				t.Errorf("%s, event %d: the XML gives %d more fields than the log: %v, %s", name, i, n, row, row[XMLField])
			}
		}
	}
}

// TestEVTXHoles says that chunks of zeroes stand between others, wherever the
// blocks that are read end, and nothing of those behind the last.
func TestEVTXHoles(t *testing.T) {
	log := evtxtest.Processes(400)
	header, chunks := log[:evtx.HeaderBytes], slices.Collect(slices.Chunk(log[evtx.HeaderBytes:], evtx.ChunkBytes))
	if len(chunks) < 2 {
		t.Fatal("the log has one chunk")
	}
	empty := make([]byte, evtx.ChunkBytes)
	for hole := range 6 {
		for lead := range 6 {
			for tail := range 5 {
				file := slices.Concat(header, bytes.Repeat(chunks[0], lead+1), bytes.Repeat(empty, hole), chunks[1], bytes.Repeat(empty, tail))
				w := wantNames("EventRecordID")
				rowsOf(t, file, 4*evtx.ChunkBytes, w)
				n := int64(0)
				for _, warning := range w.Warnings.List() {
					if warning.Kind == "chunk of zeroes" {
						n += warning.Count
					}
				}
				if n != int64(min(hole, 1)) {
					t.Errorf("%d chunks, %d of zeroes, one, %d of zeroes: told of %d holes", lead+1, hole, tail, n)
				}
			}
		}
	}
}

// TestEVTXTimeRange passes over records outside of a time range.
func TestEVTXTimeRange(t *testing.T) {
	w := wantNames("EventRecordID")
	w.Bounded, w.From, w.To = true, 1773136800125+10_000, 1773136800125+12_000
	rows := rowsOf(t, evtxtest.Processes(200), 1<<20, w)
	if len(rows) != 2 || rows[0]["EventRecordID"] != "11" || rows[1]["EventRecordID"] != "12" {
		t.Errorf("%v, want records 11 and 12", rows)
	}
}

// TestEVTXTimeRangeLosesNothing compares what a range gives with the events whose
// time, as a run without one tells it, is in the range: also of records that were
// written long after their events, and of damaged ones.
func TestEVTXTimeRangeLosesNothing(t *testing.T) {
	const day = 24 * 60 * 60 * 1000
	forwarded := evtxtest.NewChunk()
	system, data := evtxtest.System("Lab", "ForwardedEvents"), evtxtest.EventData("k")
	for i := range uint64(40) {
		raised := uint64(1773136800000 + int64(i)*day)
		written := raised + i%5*7*day
		if i%7 == 0 {
			written = raised - day/2 // by a collector whose clock is behind
		}
		forwarded.Record(i+1, evtx.FileTimeOf(int64(written)), system,
			evtxtest.Head(7, evtx.FileTimeOf(int64(raised)), i+1, "LAB", evtxtest.Nested{Template: data, Values: []any{evtxtest.Text("v")}})...)
	}
	unsound := evtxtest.File(forwarded)
	unsound[evtx.HeaderBytes+512+16+7] ^= 0x7f // when the first record was written
	logs := map[string][]byte{"forwarded": evtxtest.File(forwarded), "damaged": unsound, "processes": evtxtest.Processes(500)}
	for _, path := range recordedLogs(t) {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		logs[path] = file
	}
	for name, file := range logs {
		names := []string{"EventRecordID", "_messageTime"}
		all := rowsOf(t, file, len(file), wantNames(names...))
		var times []int64
		for _, row := range all {
			at, err := strconv.ParseInt(row["time"], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			times = append(times, at)
		}
		if slices.Sort(times); len(times) == 0 {
			continue
		}
		quarter := func(n int) int64 { return times[(len(times)-1)*n/4] }
		for _, bounds := range [][2]int64{{quarter(1), quarter(3)}, {quarter(3), quarter(4) + 1}, {quarter(0), quarter(1)}, {quarter(4) + 2*day, quarter(4) + 3*day}} {
			w := wantNames(names...)
			w.Bounded, w.From, w.To = true, bounds[0], bounds[1]
			var want []map[string]string
			for _, row := range all {
				if at, _ := strconv.ParseInt(row["time"], 10, 64); at >= w.From && at < w.To {
					want = append(want, row)
				}
			}
			if got := rowsOf(t, file, len(file), w); !slices.EqualFunc(got, want, maps.Equal) {
				t.Errorf("%s, %d to %d: %d events, want %d", name, w.From, w.To, len(got), len(want))
			}
		}
	}
}

// TestEVTXWorkers reads a log with one worker and with several.
func TestEVTXWorkers(t *testing.T) {
	file := evtxtest.Processes(2000)
	read := func(workers int) []string {
		dir := t.TempDir() + "/a.evtx"
		if err := os.WriteFile(dir, file, 0o600); err != nil {
			t.Fatal(err)
		}
		o := input.Options{Warnings: &exec.Warnings{}, BlockBytes: 64 << 10}
		src, err := input.Paths([]string{dir}, o)
		if err != nil {
			t.Fatal(err)
		}
		w := wantNames("EventRecordID", "CommandLine")
		r := input.NewReader(src, All(), o)
		feed := r.Feed(context.Background(), w)
		var mu sync.Mutex
		var rows []string
		var wg sync.WaitGroup
		for i := range workers {
			wg.Go(func() {
				if err := feed(i, sinkFunc(func(b *event.Batch) error {
					mu.Lock()
					defer mu.Unlock()
					for _, row := range b.Live {
						rows = append(rows, b.Value(0, row).String()+" "+b.Value(1, row).String())
					}
					return nil
				})); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		slices.Sort(rows)
		return rows
	}
	if one, two := read(1), read(2); len(one) != 2000 || !slices.Equal(one, two) {
		t.Errorf("one worker reads %d events, two read %d or others", len(one), len(two))
	}
}

// FuzzEVTX reads files that are damaged anywhere: no panic, no hang, and the
// same events whatever the size of blocks.
func FuzzEVTX(f *testing.F) {
	file := evtxtest.Processes(60)
	f.Add(file[:20<<10], 70_000)
	f.Add(oddEvents()[:8<<10], 100_000)
	f.Add(file[4096:16<<10], 70_000)
	f.Add([]byte("ElfFile\x00"), 70_000)
	for i, bad := range append(evtxtest.Mutants(file[:20<<10], 100), evtxtest.Mutants(oddEvents()[:8<<10], 200)...) {
		f.Add(bad, 70_000+i)
	}
	f.Fuzz(func(t *testing.T, data []byte, block int) {
		block = 64<<10 + block&0xffff
		for _, carve := range []bool{false, true} {
			w, v := wantAll(), wantAll()
			w.Carve, v.Carve = carve, carve
			a, b := rowsOf(t, data, 1<<20, w), rowsOf(t, data, block, v)
			if fmt.Sprint(a) != fmt.Sprint(b) {
				t.Errorf("%d events in one block, %d in blocks of %d, or others", len(a), len(b), block)
			}
		}
	})
}

// BenchmarkEVTX reads made-up process creations: all fields, those of the seed
// query, and the flat JSON.
func BenchmarkEVTX(b *testing.B) {
	const events = 10_000
	file := evtxtest.Processes(events)
	for name, want := range map[string]func() *input.Want{
		"all": func() *input.Want { w := wantAll(); w.Fields.All = true; return w },
		"some": func() *input.Want {
			return wantNames("EventID", "Image", "ParentImage", "CommandLine", "User", "Computer")
		},
		"json": func() *input.Want { return wantNames("_raw") },
	} {
		b.Run(name, func(b *testing.B) {
			if rows := rowsOf(b, file, 1<<20, want()); len(rows) != events {
				b.Fatalf("%d events, want %d", len(rows), events)
			}
			part := &input.Part{Name: "test.evtx"}
			n := 0
			r := Named("evtx").New(want())
			b.ReportAllocs()
			for b.Loop() {
				n = 0
				err := r.Read(input.Block{Data: file, Part: part}, sinkFunc(func(bt *event.Batch) error { n += bt.N; return nil }))
				if err != nil || n != events {
					b.Fatal(n, err)
				}
			}
			b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
