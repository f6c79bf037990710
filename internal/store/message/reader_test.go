package message_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/exec/exectest"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/sharedtest"
	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// wants is what a query for all fields, or for the fields named, asks.
func wants(names ...string) *input.Want {
	l := event.NewLayout(names...)
	w := &input.Want{Layout: l, Warnings: &exec.Warnings{}}
	for _, n := range names {
		w.Fields.Add(l.Slot(n))
	}
	w.Fields.All = len(names) == 0
	return w
}

// ofFile reads a file's bytes as a file.
func ofFile(t *testing.T, name string, data []byte, w *input.Want) []string {
	c := &exectest.Collect{Layout: w.Layout}
	r := input.NewReader(input.Memory(name, data), format.All(), input.Options{})
	if err := r.Feed(context.Background(), w)(0, c); err != nil {
		t.Fatal(err)
	}
	return c.Rows
}

// ofRows reads rows as a store does.
func ofRows(t *testing.T, rows []message.Row, w *input.Want) []string {
	c := &exectest.Collect{Layout: w.Layout}
	if err := message.NewReader(w).Read(rows, c); err != nil {
		t.Fatal(err)
	}
	return c.Rows
}

// rowsOf makes a message of each line.
func rowsOf(t *testing.T, data []byte, o *message.Origin) []message.Row {
	var rows []message.Row
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, 1<<24)
	for s.Scan() {
		rows = append(rows, message.Row{Seq: uint64(len(rows)), Origin: o, Raw: bytes.Clone(s.Bytes())})
	}
	if err := message.Times(rows, wants("_messageTime")); err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestAsOfFiles: events of messages are as those of the file that the messages are the
// lines of.
func TestAsOfFiles(t *testing.T) {
	shared, _ := filepath.Glob(sharedtest.Path(t, "data/formats") + "/*.json")
	bulk, _ := filepath.Glob(sharedtest.Path(t, "data/formats/bulk") + "/*.json*")
	samples, _ := filepath.Glob("../../../samples/*.jsonl")
	for _, path := range slices.Concat(samples, shared, bulk) {
		if filepath.Base(path) == "expected.json" { // no log
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(data, []byte("}\n{")) { // one event, or an array of them: a line
			var line bytes.Buffer
			if json.Compact(&line, data) != nil || line.Bytes()[0] == '[' {
				continue
			}
			data = line.Bytes()
		}
		file := filepath.Base(path)
		for _, names := range [][]string{nil, {"Image", "_sourceCategory", "_messageTime", "_receiptTime"}, {"_raw"}} {
			t.Run(fmt.Sprint(file, names), func(t *testing.T) {
				want := ofFile(t, file, data, wants(names...))
				for _, kind := range []string{"", "jsonl"} {
					got := ofRows(t, rowsOf(t, data, &message.Origin{Origin: event.Origin{Name: file}, Format: kind}), wants(names...))
					if !slices.Equal(got, want) {
						t.Errorf("%d events, want %d", len(got), len(want))
						for i := range min(len(got), len(want)) {
							if got[i] != want[i] {
								t.Fatalf("event %d\n%.500s\nwant\n%.500s", i, got[i], want[i])
							}
						}
					}
				}
			})
		}
	}
}

// TestMessages: what a row says of its message holds, whatever stands in its text.
func TestMessages(t *testing.T) {
	web := &message.Origin{Origin: event.Origin{Category: "web", Name: "w"}, Fields: []message.Field{{Name: "env", Value: "prod"}, {Name: "a", Value: "of the source"}}}
	text := &message.Origin{Origin: event.Origin{Category: "text"}}
	rows := []message.Row{
		{Seq: 7, Time: 1000, Receipt: 5000, Origin: web, Raw: []byte(`{"a":"1","UtcTime":"2026-01-01 00:00:00.000"}`)},
		{Seq: 8, Time: 2000, Origin: text, Raw: []byte("2026-01-02 00:00:00 first\n  at second\n  at third")},
		{Seq: 9, Time: 3000, Origin: web, Raw: []byte(`{"b":"2"}`)},
		{Seq: 10, Time: 4000, Origin: web, Raw: []byte(`{"Records":[{"a":"x","eventTime":"2026-01-03T00:00:00Z","EventID":1},{"a":"y","EventID":2}]}`)},
		{Seq: 11, Origin: text, Raw: []byte("no time")},
	}
	want := []string{
		"_messageTime=long:1000 _receiptTime=long:5000 _sourceCategory=string:web a=string:1 env=string:prod",
		"_messageTime=long:3000 _receiptTime=long:3000 _sourceCategory=string:web a=string:of the source env=string:prod",
		"_messageTime=long:1767398400000 _receiptTime=long:1767398400000 _sourceCategory=string:web a=string:x env=string:prod",
		"_messageTime=long:4000 _receiptTime=long:4000 _sourceCategory=string:web a=string:y env=string:prod",
		"_messageTime=long:2000 _receiptTime=long:2000 _sourceCategory=string:text",
		"_sourceCategory=string:text",
	}
	w := wants("_messageTime", "_receiptTime", "_sourceCategory", "a", "env")
	if got := ofRows(t, rows, w); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	w = wants("env", "a")
	env, _ := w.Layout.Find("env")
	w.Need = []input.Need{{Slot: env, Any: []string{"prod"}}}
	if got := ofRows(t, rows[:1], w); len(got) != 1 {
		t.Errorf("a field of the origin was looked for in the text: %q", got)
	}
}

// TestNoMessageIsLost: a message is an event, whatever it begins like.
func TestNoMessageIsLost(t *testing.T) {
	texts := []string{
		`{"a":`, `{"a":}`, `{"not json}`, `{`, `}`, `{}`, "<Event", "<Event><System>", `<?xml version="1.0"?>`, "<Events>", "[", "[]", "[1,2]", `[{"a":1}`,
		"CEF:0", "CEF:0|a|b|c|d|e|5|x=1", "<13>", "<13>1 - - - - - -", "a=b", "instance of", "\x00", "\xff\xfe{}", "ElfFile\x00", "ElfChnk\x00", `{"Records":[]}`, `{"value":[{"a":1},`,
		"LogName=Security\nEventCode=1", "a,b,c\n1,2,3", `{"_raw":"x"}`, `{"_raw":`, "\"quoted\"", "{\n \"a\": 1\n}", "{\n \"a\": 1\n",
	}
	for _, kind := range []string{"", "jsonl", "json", "xml", "syslog", "cef", "logfmt", "text"} {
		var rows []message.Row
		o := &message.Origin{Format: kind}
		for i, x := range texts {
			rows = append(rows, message.Row{Seq: uint64(i+1) * message.Apart, Time: 1, Origin: o, Raw: []byte(x)})
		}
		met := map[uint64]int{}
		err := message.NewReader(wants()).Read(rows, sink(func(b *event.Batch) {
			for _, pos := range b.Pos {
				met[pos/message.Apart]++
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range texts {
			if met[uint64(i+1)] != 1 {
				t.Errorf("as %q: %d events of %q", kind, met[uint64(i+1)], x)
			}
		}
	}
}

// TestPositions: positions are unique, in the order of messages, and what Only is asked.
func TestPositions(t *testing.T) {
	o := &message.Origin{}
	rows := []message.Row{
		{Seq: 3 * message.Apart, Origin: o, Raw: []byte(`{"a":"1"}`)},
		{Seq: 5 * message.Apart, Origin: o, Raw: []byte(`{"value":[{"a":"2"},{"a":"3"}]}`)},
		{Seq: 6 * message.Apart, Origin: o, Raw: []byte("text\nof two lines")},
	}
	var all []uint64
	w := wants("a")
	read := func() (got []uint64) {
		err := message.NewReader(w).Read(rows, sink(func(b *event.Batch) { got = append(got, b.Pos...) }))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	all = read()
	want := []uint64{3 * message.Apart, 5*message.Apart + 10, 5*message.Apart + 20, 6 * message.Apart}
	if !slices.Equal(all, want) {
		t.Fatalf("positions %x, want %x", all, want)
	}
	for _, one := range all[:3] {
		w.Only = func(pos uint64) bool { return pos == one }
		if got := read(); !slices.Contains(got, one) || one == 3*message.Apart && slices.Contains(got, all[1]) {
			t.Errorf("only %x: %x", one, got)
		}
	}
}

type sink func(*event.Batch)

func (s sink) Push(b *event.Batch) error { s(b); return nil }
