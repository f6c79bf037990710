package columns_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/exec/exectest"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/sharedtest"
	"github.com/gyoji-dev/gyoji/internal/store/columns"
	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// plain feeds rows as a log does: the twin of all segments.
type plain []message.Row

func (p plain) Feed(_ context.Context, want *input.Want) exec.Feed {
	return func(worker int, front exec.Sink) error {
		if worker > 0 {
			return nil
		}
		return message.NewReader(want).Read(p, front)
	}
}

// segment feeds the groups of a file.
type segment struct{ *columns.File }

func (f segment) Feed(_ context.Context, want *input.Want) exec.Feed {
	return func(worker int, front exec.Sink) error {
		if worker > 0 {
			return nil
		}
		s := columns.NewScan(want)
		for i := range f.Groups() {
			if err := s.Read(f.Group(i), front); err != nil {
				return err
			}
		}
		return nil
	}
}

// written is a file in memory.
type written struct{ file, filters []byte }

func write(t testing.TB, rows []message.Row, o columns.Options) (written, columns.Summary) {
	t.Helper()
	var file, filters bytes.Buffer
	o.Filters = &filters
	s, err := columns.Write(&file, all(rows), o)
	if err != nil {
		t.Fatal(err)
	}
	if s.FileBytes != int64(file.Len()) || s.FilterBytes != int64(filters.Len()) || s.Rows != int64(len(rows)) {
		t.Errorf("the summary says %d and %d bytes and %d rows, there are %d, %d and %d", s.FileBytes, s.FilterBytes, s.Rows, file.Len(), filters.Len(), len(rows))
	}
	return written{file.Bytes(), filters.Bytes()}, s
}

func all(rows []message.Row) iter.Seq2[message.Row, error] {
	return func(yield func(message.Row, error) bool) {
		buf := []byte(nil)
		for _, r := range rows {
			buf = append(buf[:0], r.Raw...) // lent
			r.Raw = buf
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (w written) open(t testing.TB, o columns.OpenOptions) *columns.File {
	t.Helper()
	o.Name, o.Filters, o.FiltersSize = "a.parquet", bytes.NewReader(w.filters), int64(len(w.filters))
	o.Told = func(err error) { t.Error(err) }
	f, err := columns.Open(bytes.NewReader(w.file), int64(len(w.file)), o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// answer is the rows of a query, and what it warns of.
func answer(t testing.TB, text string, in input.Feeder, bounded [2]int64) (string, *exec.Warnings) {
	t.Helper()
	q, diags := query.Compile(diag.Text("q", text), query.Standard())
	if diags.HasErrors() {
		t.Fatalf("%s: %v", text, diags)
	}
	l := q.Layout.Clone()
	out := &exectest.Collect{Layout: l}
	warnings := &exec.Warnings{}
	r := query.Run{Input: in, Reopen: func() (input.Feeder, error) { return in, nil }, Layout: l, Workers: 1, Warnings: warnings}
	r.From, r.To, r.Bounded = bounded[0], bounded[1], bounded != [2]int64{}
	if err := q.Run(context.Background(), r, out); err != nil {
		return err.Error(), warnings
	}
	return strings.Join(out.Rows, "\n"), warnings
}

// kinds are the kinds of warnings that reading all of rows gives. How many there are of
// one depends on what is passed over unread, which is not the same from run to run.
func kinds(t testing.TB, rows []message.Row) map[string]bool {
	w := &input.Want{Layout: event.NewLayout(), Warnings: &exec.Warnings{}}
	w.Fields.All = true
	if err := message.NewReader(w).Read(rows, &exectest.Collect{Layout: w.Layout}); err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, k := range w.Warnings.List() {
		out[k.Kind] = true
	}
	return out
}

// same fails where a query gives other rows over a file than over its messages, with
// columns and filters or without.
func same(t *testing.T, text string, rows []message.Row, files []*columns.File, bounded [2]int64, known map[string]bool) {
	t.Helper()
	want, warned := answer(t, text, plain(rows), bounded)
	known = maps.Clone(known)
	for _, w := range warned.List() {
		known[w.Kind] = true
	}
	for i, f := range files {
		got, warnings := answer(t, text, segment{f}, bounded)
		for _, w := range warnings.List() {
			if !known[w.Kind] {
				t.Errorf("%s %v: file %d warns of %q", text, bounded, i, w.Kind)
			}
		}
		if got != want {
			t.Fatalf("%s %v: file %d (%v)\n%.1500s\nwant\n%.1500s", text, bounded, i, f.Promoted(), got, want)
		}
	}
}

// ways opens a file with its columns and filters, and without each.
func ways(t testing.TB, w written) []*columns.File {
	return []*columns.File{
		w.open(t, columns.OpenOptions{}), w.open(t, columns.OpenOptions{NoFilters: true}),
		w.open(t, columns.OpenOptions{NoColumns: true}), w.open(t, columns.OpenOptions{NoColumns: true, NoFilters: true}),
	}
}

// lines makes a message of each line, with the time that it says.
func lines(t testing.TB, data []byte, o *message.Origin) []message.Row {
	var rows []message.Row
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, 1<<24)
	for s.Scan() {
		rows = append(rows, message.Row{Seq: uint64(len(rows)) * message.Apart, Origin: o, Raw: bytes.Clone(s.Bytes())})
	}
	if err := message.Times(rows, &input.Want{Layout: event.NewLayout(), Warnings: &exec.Warnings{}}); err != nil {
		t.Fatal(err)
	}
	return rows
}

// ask makes queries about the events of rows: their fields, values and words, in
// another case, cut short, and none of theirs.
type ask struct {
	*rand.Rand
	names  []string
	values map[string][]string
	words  []string
	times  []int64
}

type catalogue struct {
	a *ask
	l *event.Layout
}

func (c catalogue) Push(b *event.Batch) error {
	for i := range uint16(b.N) {
		c.a.times = append(c.a.times, b.Time[i])
		for s := range b.Cols {
			v := b.Cols[s].At(i)
			if v.IsNull() {
				continue
			}
			name := c.l.Name(event.Slot(s))
			if c.a.values[name] == nil {
				c.a.names = append(c.a.names, name)
			}
			if len(c.a.values[name]) < 200 {
				c.a.values[name] = append(c.a.values[name], strings.Clone(v.Str()))
			}
		}
	}
	return nil
}

func asking(t testing.TB, rows []message.Row, seed uint64) *ask {
	a := &ask{Rand: rand.New(rand.NewPCG(seed, 1)), values: map[string][]string{}}
	l := event.NewLayout()
	w := &input.Want{Layout: l, Warnings: &exec.Warnings{}}
	w.Fields.All = true
	if err := message.NewReader(w).Read(rows, catalogue{a, l}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(a.names)
	for _, r := range rows[:min(len(rows), 300)] {
		a.words = append(a.words, strings.FieldsFunc(strings.ToValidUTF8(string(r.Raw), " "), func(c rune) bool { return strings.ContainsRune("\" {},:\\<>=/", c) || c < ' ' })...)
	}
	return a
}

func (a *ask) of(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return list[a.IntN(len(list))]
}

// twisted is a text in another case, a part of it, or with something added.
func (a *ask) twisted(s string) string {
	switch a.IntN(8) {
	case 0:
		return strings.ToUpper(s)
	case 1:
		return strings.ToLower(s)
	case 2:
		r := []rune(s)
		if len(r) > 1 {
			return string(r[a.IntN(len(r)):])
		}
	case 3:
		r := []rune(s)
		return string(r[:a.IntN(len(r)+1)])
	case 4:
		return s + "x"
	}
	return s
}

func quoted(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == '*' || r == '?' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:80], "")
	}
	return `"` + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `"`, `\"`) + `"`
}

func (a *ask) field() (name, value string) {
	n := a.of(a.names)
	return n, a.twisted(a.of(a.values[n]))
}

// fieldName is a field as a query says it.
func fieldName(n string) string {
	if strings.Trim(n, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "" && n != "" && (n[0] < '0' || n[0] > '9') {
		return n
	}
	return "%" + quoted(n)
}

func (a *ask) where() string {
	n, v := a.field()
	f := fieldName(n)
	switch a.IntN(9) {
	case 0:
		return fmt.Sprintf("%s = %s", f, quoted(v))
	case 1:
		return fmt.Sprintf(`%s matches "*%s`, f, quoted(v)[1:])
	case 2:
		return fmt.Sprintf(`%s matches %s*"`, f, strings.TrimSuffix(quoted(v), `"`))
	case 3:
		return fmt.Sprintf(`%s matches "*%s*"`, f, strings.Trim(quoted(v), `"`))
	case 4:
		return fmt.Sprintf("%s in (%s, %s)", f, quoted(v), quoted(a.of(a.values[n])))
	case 5:
		return fmt.Sprintf("!(%s = %s)", f, quoted(v))
	case 6:
		return fmt.Sprintf("isNull(%s)", f)
	case 7:
		return fmt.Sprintf("toLowerCase(%s) matches \"*%s*\"", f, strings.ToLower(strings.Trim(quoted(v), `"`)))
	}
	return fmt.Sprintf("(%s or %s)", a.where(), a.where())
}

func (a *ask) query() string {
	q := "*"
	switch a.IntN(6) {
	case 0:
		q = quoted(a.twisted(a.of(a.words)))
	case 1:
		q = quoted(a.of(a.words)) + " " + quoted(a.of(a.words))
	case 2:
		n, v := a.field()
		q = fieldName(n) + "=" + quoted(v)
	}
	if a.IntN(2) == 0 {
		q += " | json auto"
	}
	for range a.IntN(3) {
		q += " | where " + a.where()
	}
	n, _ := a.field()
	m, _ := a.field()
	switch a.IntN(8) {
	case 0:
		q += " | count"
	case 1, 2:
		q += fmt.Sprintf(" | count by %s, %s", fieldName(n), fieldName(m))
	case 3, 4:
		q += fmt.Sprintf(" | fields %s, %s", fieldName(n), fieldName(m))
	case 5:
		q += fmt.Sprintf(` | parse regex "(?<w>\w+)\W*$" nodrop | count by w, %s`, fieldName(n))
	case 6:
		q += " | count by _sourceCategory, _sourceHost, _messageTime"
	case 7:
		q += " | count as n, sum(_size) as s by _sourceName, _receiptTime | where n > 0 | sort by n, s, _receiptTime, _sourceName"
	}
	return q
}

// compiles reports whether a query can be asked.
func compiles(text string) bool {
	_, diags := query.Compile(diag.Text("q", text), query.Standard())
	return !diags.HasErrors()
}

// asked asks n queries about rows.
func asked(t *testing.T, rows []message.Row, files []*columns.File, n int, seed uint64) {
	a := asking(t, rows, seed)
	rejected, known := 0, kinds(t, rows)
	for range n {
		q := a.query()
		if !compiles(q) {
			rejected++
			continue
		}
		bounded := [2]int64{}
		if a.IntN(4) == 0 && len(a.times) > 0 {
			x, y := a.times[a.IntN(len(a.times))], a.times[a.IntN(len(a.times))]
			bounded = [2]int64{min(x, y), max(x, y)}
		}
		same(t, q, rows, files, bounded, known)
	}
	if rejected > n/2 {
		t.Errorf("%d of %d queries cannot be asked", rejected, n)
	}
}

// TestLogs: queries over segments of real logs give what they give over the messages.
func TestLogs(t *testing.T) {
	shared, _ := filepath.Glob(sharedtest.Path(t, "data/formats") + "/*.*")
	bulk, _ := filepath.Glob(sharedtest.Path(t, "data/formats/bulk") + "/*.*")
	samples, _ := filepath.Glob("../../../samples/*.jsonl")
	for i, path := range slices.Concat(samples, shared, bulk) {
		name := filepath.Base(path)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var line bytes.Buffer
		if json.Compact(&line, data) == nil {
			data = line.Bytes()
		}
		t.Run(name, func(t *testing.T) {
			rows := lines(t, data, &message.Origin{Origin: event.Origin{Name: name}})
			rows = rows[:min(len(rows), 40)]
			for k, o := range []columns.Options{{GroupRows: 64}, {Promoted: []string{"Image", "EventID", "Hashes", "User", "CommandLine", "UtcTime"}}} {
				w, _ := write(t, rows, o)
				asked(t, rows, ways(t, w), 3, uint64(i*2+k))
			}
		})
	}
}

// odd are messages that a writer of columns may get wrong.
func odd(rnd *rand.Rand, n int) []message.Row {
	keys := []string{`"a"`, `"A"`, `"b.c"`, `"f.a"`, `"_raw"`, `"_messageTime"`, `"Image"`, `"image"`, `"EventID"`, `"\u0061"`, `"odd key"`, `"EventData"`, `"é"`, `""`, `"Message"`, `"Kelvin"`, `"_sourceHost"`}
	values := []string{`"x"`, `"X"`, `"chrome.exe"`, `"C:\\A\\chrome.exe"`, `"[1]"`, `["x","y"]`, `[1,2]`, `{"b":{"c":"deep"}}`, `1`, `1e3`, `1000`, `-0`, `true`, `null`,
		`"\u0041bc"`, `"abc"`, `"line\nword"`, `"tab\tword"`, `"` + "\u212aelvin" + `"`, `"kelvin"`, `"stra` + "\u017f" + `e"`, `"İstanbul"`, `"a&amp;b"`, `"&#65;bc"`,
		`"` + strings.Repeat("long ", 200) + `"`, `"nul\u0000word"`, "\"bad \xff\xfe byte\"", `"{\"x\":\"inner word\"}"`, `"<Event><EventData><Data Name=\"a\">xml</Data></EventData></Event>"`,
		`"10.1.2.3"`, `"2026-01-01 00:00:00.000"`, `"ünïcödé"`, `"caf\u00e9bar"`, `""`, `" padded "`, `[{"a":"1"},{"a":"2"}]`, `"\\u0041bc"`, `"a\/b"`}
	origins := []*message.Origin{nil, {Origin: event.Origin{Category: "cat/one", Host: "h1", Name: "n1", Collector: "c"}},
		{Origin: event.Origin{Name: "n2"}, Fields: []message.Field{{Name: "env", Value: "prod"}, {Name: "a", Value: "of origin"}}}, {Origin: event.Origin{Name: "lines"}, Format: "jsonl"}}
	texts := []string{"plain text word", "2026-01-01 00:00:00 first line\n  second word", "{", "{}", "", " ", "[]", `[{"a":"listed"},{"a":"listed too"}]`, `{"a":"x"} tail`, `key=value a=word`,
		"<Event><System><EventID>1</EventID></System></Event>", "\x00\x01\x02 binary", "\xff\xfe", `{"Records":[{"a":"wrapped","EventID":1},{"a":"again","EventID":2}]}`, `{"a":"x"}` + "\n" + `{"a":"y"}`, `{"broken`, "CEF:0|v|p|1|2|name|3|a=word b=c"}
	var rows []message.Row
	for i := range n {
		var raw []byte
		if rnd.IntN(10) == 0 {
			raw = []byte(texts[rnd.IntN(len(texts))])
		} else {
			raw = append(raw, '{')
			for k := range rnd.IntN(5) {
				if k > 0 {
					raw = append(raw, ',')
				}
				raw = append(append(append(raw, keys[rnd.IntN(len(keys))]...), ':'), values[rnd.IntN(len(values))]...)
			}
			raw = append(raw, '}')
		}
		at := int64(1_700_000_000_000 + rnd.IntN(5000))
		if rnd.IntN(20) == 0 {
			at = event.NoTime
		}
		receipt := int64(0)
		if rnd.IntN(3) > 0 {
			receipt = 1_700_000_100_000 + int64(i)
		}
		rows = append(rows, message.Row{Seq: uint64(i) * message.Apart, Time: at, Receipt: receipt, Origin: origins[rnd.IntN(len(origins))], Raw: raw})
	}
	return rows
}

// TestOddMessages: the same of messages with all that is odd.
func TestOddMessages(t *testing.T) {
	for seed := range uint64(4) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		rows := odd(rnd, 1+rnd.IntN(200))
		o := columns.Options{GroupRows: 1 + rnd.IntN(200)}
		if seed%2 == 0 {
			o.Promoted = []string{"a", "Image", "b.c", "Kelvin", "env", "EventID", "odd key", "é"}
		}
		w, _ := write(t, rows, o)
		asked(t, rows, ways(t, w), 25, seed)
	}
}

// TestManyBatches: the same of groups of many batches, whose dictionaries they share, of
// columns with a few values, thousands, and no two alike.
func TestManyBatches(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 9))
	var rows []message.Row
	for i := range 24000 {
		raw := fmt.Sprintf(`{"a":"a%d","b":"b%d","c":"c%d-%d"`, rnd.IntN(30), rnd.IntN(3000), i, rnd.IntN(1e6))
		if i%3 > 0 {
			raw += fmt.Sprintf(`,"d":"d%d"`, rnd.IntN(400))
		}
		rows = append(rows, message.Row{Seq: uint64(i) * message.Apart, Time: 1_700_000_000_000 + int64(rnd.IntN(1e6)), Raw: []byte(raw + "}")})
	}
	w, s := write(t, rows, columns.Options{GroupRows: 11000, Asked: []string{"c"}})
	if !slices.Equal(s.Promoted, []string{"c", "a", "b", "d"}) && !slices.Equal(s.Promoted, []string{"c", "a", "d"}) {
		t.Errorf("columns are of %q", s.Promoted)
	}
	files := ways(t, w)
	for _, q := range []string{
		`* | count by a, d`, `* | json auto | count by b, d`, `* | count by a, b`, `* | count by c | sort by c | limit 20`, `* | where d = "d7" | count by b`, `* | json auto | where a in ("a1", "a2") and c matches "*-1*" | count by d, a`,
		`* | where isNull(d) | count by a`, `* | timeslice 1m | count by _timeslice, d`, `c77* | fields a, b, c, d`, `"c12345" | count`, `* | where c matches "*99" | parse regex "\"b\":\"(?<x>[^\"]+)" | count by x`,
		`* | count_distinct(b) by a`, `* | sort by b, c | limit 30 | fields b, c`, `* | where d = "d1" or b = "b1" | count by d | where _count > 1`,
	} {
		for _, bounded := range [][2]int64{{}, {1_700_000_100_000, 1_700_000_600_000}} {
			same(t, q, rows, files, bounded, map[string]bool{})
		}
	}
}

// TestSpellings: fields whose names differ in letter case alone have one column, and are
// answered as from the text however a query spells them.
func TestSpellings(t *testing.T) {
	var rows []message.Row
	for i, raw := range []string{`{"Image":"a"}`, `{"image":"b"}`, `{"IMAGE":"c"}`, `{"Image":"d","image":"e"}`, `{"image":"f","Image":"g"}`, `{"EventData":{"image":"h"}}`, `{"process":{"executable":"i"}}`, `{"Image":null,"image":"j"}`} {
		for k := range 3 {
			rows = append(rows, message.Row{Seq: uint64(3*i+k) * message.Apart, Time: int64(1000 + i), Raw: []byte(raw)})
		}
	}
	for _, o := range []columns.Options{{Promoted: []string{"Image", "image", "IMAGE"}}, {Promoted: []string{"image"}}, {}} {
		w, s := write(t, rows, o)
		if len(s.Promoted) != 1 && o.Promoted != nil {
			t.Errorf("columns of %q", s.Promoted)
		}
		for _, q := range []string{`* | count by Image`, `* | count by image`, `* | json auto | count by IMAGE`, `Image=b | count`, `* | where image in ("b", "e", "j") | count by Image, image`, `* | json auto | where Image matches "*"| fields image`} {
			same(t, q, rows, ways(t, w), [2]int64{}, map[string]bool{})
		}
	}
}

// TestRows: what was written is there again, in the order of time.
func TestRows(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	rows := odd(rnd, 500)
	w, s := write(t, rows, columns.Options{GroupRows: 128})
	f := w.open(t, columns.OpenOptions{})
	want := map[uint64]message.Row{}
	for _, r := range rows {
		want[r.Seq] = r
	}
	n, last := 0, int64(0)
	for i := range f.Groups() {
		last = 0
		for r, err := range f.Group(i).Rows() {
			if err != nil {
				t.Fatal(err)
			}
			was := want[r.Seq]
			if was.Origin == nil {
				was.Origin = &message.Origin{}
			}
			if !bytes.Equal(r.Raw, was.Raw) || r.Time != was.Time || r.Receipt != was.Receipt && was.Receipt != 0 || fmt.Sprint(*r.Origin) != fmt.Sprint(*was.Origin) {
				t.Errorf("%d: %+v %v, want %+v %v", r.Seq, r, r.Origin, was, was.Origin)
			}
			if r.Time < last {
				t.Errorf("%d: time %d behind %d", r.Seq, r.Time, last)
			}
			n, last = n+1, r.Time
		}
	}
	if n != len(rows) || f.Stats().Rows != s.Rows || f.Stats().RawBytes != s.RawBytes || f.Stats().MinTime != s.MinTime || f.Stats().MaxReceipt != s.MaxReceipt {
		t.Errorf("%d rows, stats %+v, summary %+v", n, f.Stats(), s)
	}
}

// TestMerge: several files as one hold the messages of all, in the order of time, and
// answer as they did.
func TestMerge(t *testing.T) {
	rnd := rand.New(rand.NewPCG(21, 21))
	rows := odd(rnd, 700)
	var files []*columns.File
	for start := 0; start < len(rows); {
		end := min(len(rows), start+1+rnd.IntN(300))
		w, _ := write(t, rows[start:end], columns.Options{GroupRows: 64, Promoted: []string{"a", "Image"}})
		files = append(files, w.open(t, columns.OpenOptions{}))
		start = end
	}
	var file, filters bytes.Buffer
	s, err := columns.Write(&file, columns.Merged(files), columns.Options{GroupRows: 100, Filters: &filters, Asked: files[0].Promoted()})
	if err != nil {
		t.Fatal(err)
	}
	w := written{file.Bytes(), filters.Bytes()}
	f := w.open(t, columns.OpenOptions{})
	if s.Rows != int64(len(rows)) || len(s.Promoted) < 2 || s.Promoted[0] != "a" || s.Promoted[1] != "Image" {
		t.Errorf("%d rows of %d, columns of %q", s.Rows, len(rows), s.Promoted)
	}
	want := map[uint64]message.Row{}
	for _, r := range rows {
		want[r.Seq] = r
	}
	last := message.Row{}
	for r, err := range f.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		if was, ok := want[r.Seq]; !ok || !bytes.Equal(was.Raw, r.Raw) || was.Time != r.Time {
			t.Errorf("%d: %v", r.Seq, r)
		}
		delete(want, r.Seq)
		if r.Time < last.Time || r.Time == last.Time && r.Seq < last.Seq {
			t.Errorf("%d of %d comes behind %d of %d", r.Seq, r.Time, last.Seq, last.Time)
		}
		last = r
	}
	if len(want) > 0 {
		t.Errorf("%d messages are missing", len(want))
	}
	asked(t, rows, ways(t, w), 20, 21)
	broken := written{bytes.Clone(file.Bytes()), filters.Bytes()}
	for at := 100; at < len(broken.file)/2; at += 500 {
		broken.file[at] ^= 1
	}
	var d *columns.Damaged
	if _, err := columns.Write(io.Discard, columns.Merged([]*columns.File{broken.open(t, columns.OpenOptions{})}), columns.Options{}); !errors.As(err, &d) {
		t.Errorf("a damaged file is merged: %v", err)
	}
}
