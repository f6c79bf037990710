package columns

import (
	"cmp"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

const (
	// PromotedMax is how many fields have columns by default.
	PromotedMax = 24
	// sampleRows is how many messages are looked at to choose them.
	sampleRows = 1024
	// longBytes is how long the values of a field are on average that gets no column
	// unless it is asked for: it would be the text once more.
	longBytes = 256
)

// choose chooses the fields that have columns: those asked for that the messages have,
// in their order, and then those that most messages have. A field whose values hardly
// repeat, or are long, gets one only where it is asked for: its column would be about as
// large as in the text, and save little of the work.
func choose(rows []message.Row, asked []string) []string {
	step := max(1, len(rows)/sampleRows)
	var some []message.Row
	for i := 0; i < len(rows); i += step {
		some = append(some, rows[i])
	}
	l := event.NewLayout(asked...)
	w := &input.Want{Layout: l, Warnings: &exec.Warnings{}}
	w.Fields.All = true
	for i := range asked {
		w.Fields.Add(event.Slot(i))
	}
	seen := &census{layout: l}
	if err := message.NewReader(w).Read(some, seen); err != nil {
		return nil // who writes the group meets it again
	}
	var out []string
	for i, name := range asked {
		if i < len(seen.fields) && seen.fields[i].rows > 0 && Promotable(name) && len(out) < PromotedMax {
			out = append(out, name)
		}
	}
	type candidate struct {
		name string
		rows int
	}
	var cs []candidate
	for s := range seen.fields {
		f, name := &seen.fields[s], l.Name(event.Slot(s))
		if f.rows*100 < len(some) || !Promotable(name) || slices.Contains(out, name) {
			continue
		}
		if f.rows >= 64 && 2*len(f.values) > f.rows || f.bytes > longBytes*f.rows {
			continue
		}
		cs = append(cs, candidate{name, f.rows})
	}
	slices.SortFunc(cs, func(a, b candidate) int { return cmp.Or(cmp.Compare(b.rows, a.rows), cmp.Compare(a.name, b.name)) })
	for _, c := range cs {
		if len(out) < PromotedMax {
			out = append(out, c.name)
		}
	}
	return out
}

// census counts the fields of events.
type census struct {
	layout *event.Layout
	fields []struct {
		rows, bytes int
		values      map[string]struct{}
	}
}

func (c *census) Push(b *event.Batch) error {
	for s := range b.Cols {
		col := &b.Cols[s]
		for len(c.fields) <= s {
			c.fields = append(c.fields, struct {
				rows, bytes int
				values      map[string]struct{}
			}{values: map[string]struct{}{}})
		}
		f := &c.fields[s]
		for i := range uint16(b.N) {
			if v := col.At(i); !v.IsNull() {
				f.rows++
				f.bytes += len(v.Str())
				f.values[v.Clone().Str()] = struct{}{}
			}
		}
	}
	return nil
}
