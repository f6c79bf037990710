package format_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// TestEarly: a reader that looks for what tells events apart only once an event holds
// more in a field gives the rows of one that looks for it in every event.
func TestEarly(t *testing.T) {
	logs := map[string][]byte{}
	var mixed bytes.Buffer // one shape after the other, so that the reader changes in the middle
	for name, text := range bulk(t) {
		if strings.Contains(name, "json") {
			logs[name] = text[:bytes.LastIndexByte(text[:min(len(text), 200_000)], '\n')+1]
		}
	}
	var events []twin
	for _, path := range samples(t, shared+"/evtx/hayabusa/YamatoSecurity/DefenseEvasion/*.evtx") {
		events = append(events, twins(t, path)...)
	}
	for _, x := range exporters {
		var b bytes.Buffer
		for _, e := range events[:min(len(events), 40)] {
			if x.only != nil && !x.only(e) {
				continue
			}
			if o, ok := x.write(e).(object); ok {
				fmt.Fprintln(&b, text(o))
			}
		}
		if b.Len() > 0 {
			logs[x.name] = b.Bytes()
		}
	}
	for _, name := range slices.Sorted(maps.Keys(logs)) {
		mixed.Write(logs[name][:bytes.LastIndexByte(logs[name][:min(len(logs[name]), 20_000)], '\n')+1])
	}
	logs["mixed"] = mixed.Bytes()
	if len(logs) < 20 {
		t.Fatalf("only %d logs", len(logs))
	}
	for _, names := range [][]string{{"_messageTime"}, {"Image"}, {"EventID", "CommandLine"}, {"User", "Provider", "_sourceCategory", "_raw"}} {
		for name, log := range logs {
			early := readLines(t, names, log, format.Named("jsonl").New)
			full := readLines(t, names, log, format.FullJSONL)
			if !slices.Equal(early, full) {
				t.Errorf("%v of %s: early\n%.2000q\nfull\n%.2000q", names, name, early, full)
			}
			if len(full) == 0 {
				t.Errorf("%v of %s: no rows", names, name)
			}
		}
	}
}

// readLines reads lines with a reader: each row's place, time and values.
func readLines(t *testing.T, names []string, log []byte, reader func(*input.Want) input.BlockReader) (rows []string) {
	w := &input.Want{Layout: event.NewLayout(names...), Warnings: &exec.Warnings{}}
	for i := range names {
		w.Fields.Add(event.Slot(i))
	}
	err := reader(w).Read(input.Block{Data: log, Part: &input.Part{Name: "log"}}, push(func(b *event.Batch) error {
		for _, row := range b.Live {
			text := fmt.Sprint(b.Pos[row], " ", b.Time[row])
			for s := range b.Cols {
				text += fmt.Sprintf(" %q", b.Value(event.Slot(s), row).String())
			}
			rows = append(rows, text)
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

type push func(*event.Batch) error

func (f push) Push(b *event.Batch) error { return f(b) }
