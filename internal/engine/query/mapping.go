package query

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/engine/op"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// MappingText says how the names of the query's fields are found in events.
func (q *Query) MappingText(noMap bool) string {
	var b strings.Builder
	if noMap {
		b.WriteString("  as the events have them (--no-map)\n")
		q.paddedText(&b)
		return b.String()
	}
	fmt.Fprintln(&b, "  a name is looked for at the top of the event, then under")
	fmt.Fprintf(&b, "  %s\n", wrap(mapping.Roots, 76, ""))
	fmt.Fprintln(&b, "  so Image finds EventData.Image; --no-map switches this off")
	for _, s := range q.want.Slots() {
		name := q.Layout.Name(s)
		if others := otherNames(name); len(others) > 0 && !internal(name) {
			fmt.Fprintf(&b, "  %s failing that is %s\n", name, wrap(others, 76, "  "))
		}
	}
	fmt.Fprintln(&b, "  _messageTime is the first of these that can be read")
	fmt.Fprintf(&b, "  %s\n", wrap(mapping.Times, 76, ""))
	q.paddedText(&b)
	return b.String()
}

// paddedText says which of the query's fields may end in blanks.
func (q *Query) paddedText(b *strings.Builder) {
	var names []string
	for _, s := range q.want.Slots() {
		if name := q.Layout.Name(s); mapping.Padded(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return
	}
	b.WriteString("  values that may have blanks at their ends, as Windows writes them (\"NtLmSsp \")\n")
	fmt.Fprintf(b, "  %s\n", wrap(names, 76, "  "))
	fmt.Fprintf(b, "  Sigma rules compare them with and without the blanks; a query as they are:\n  trim(%s) takes them away\n", names[0])
}

// otherNames are the fields that the text of a field is taken from where an
// event has none of its name.
func otherNames(name string) (names []string) {
	for _, src := range mapping.Sources(name) {
		for _, from := range src.From {
			if !slices.Contains(names, from) {
				names = append(names, from)
			}
		}
	}
	return names
}

// Reads are the names of the fields that the query wants of events. What it takes
// out of a text itself is not of them, though events that have it keep theirs.
func (q *Query) Reads() (names []string) {
	made := map[event.Slot]bool{}
	for _, s := range q.written {
		if x := s.Facts.Takes; x != nil {
			for _, o := range x.Outs {
				made[o] = true
			}
		}
	}
	for _, s := range q.want.Slots() {
		if name := q.Layout.Name(s); !made[s] && !internal(name) {
			names = append(names, name)
		}
	}
	return names
}

// foundRows is how many events are looked at to say where fields are found:
// enough for a log of several sources.
const foundRows = 200_000

// Events gives every event of the input to workers' tasks, the last of which are
// merged: all fields under their own names, and those of want, unless r.NoMap, under
// any name that they have. The text of messages is read as json auto does.
func Events(ctx context.Context, r Run, want event.Fields, open func() exec.Task) error {
	want = want.Clone()
	want.All = true
	auto := op.FieldsOfMessages(r.Layout, want)
	rt := r.runtime(ctx, r.Layout, r.budget())
	p := exec.Pipeline{Back: exec.Chain(nothing{}), Front: func(exec.Sink) exec.Task {
		return exec.Chain(nothing{}, exec.Opener{Name: "fields of messages", Open: func(next exec.Sink) exec.Task {
			if r.Bounded {
				next = timeRange{}.Open(rt, next)
			}
			return auto.Open(rt, next)
		}}, exec.Opener{Open: func(exec.Sink) exec.Task { return open() }})
	}}
	return exec.Run(rt, p, r.Workers, r.Input.Feed(ctx, &input.Want{
		Layout: r.Layout, Fields: want, From: r.From, To: r.To, Bounded: r.Bounded, Now: r.Now, Zone: r.Zone,
		NoMap: r.NoMap, Category: r.Category, Carve: r.Carve, Warnings: r.Warnings,
	}))
}

// Found reads events and prints under which names the query's fields are there.
func (q *Query) Found(ctx context.Context, r Run, w io.Writer) error {
	c := &presence{layout: r.Layout, rows: map[string]int64{}}
	look := r
	look.NoMap, look.Workers, look.Warnings = true, 1, nil
	if err := Events(ctx, look, event.Fields{}, func() exec.Task { return exec.Chain(c) }); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nWhere the fields are in %s events\n", thousands(c.n))
	for _, s := range q.want.Slots() {
		name := q.Layout.Name(s)
		if internal(name) {
			continue
		}
		var places []string
		names := []string{name}
		if !r.NoMap {
			for _, n := range append([]string{name}, otherNames(name)...) {
				if names = append(names, n); !strings.Contains(n, ".") {
					for _, root := range mapping.Roots {
						names = append(names, root+"."+n)
					}
				}
			}
		}
		for _, n := range names {
			for have, rows := range c.rows {
				place := fmt.Sprintf("%s in %s", have, thousands(rows))
				if strings.EqualFold(have, n) && !slices.Contains(places, place) {
					places = append(places, place)
				}
			}
		}
		if len(places) == 0 {
			places = []string{"nowhere"}
		}
		fmt.Fprintf(w, "  %-24s %s\n", name, strings.Join(places, ", "))
	}
	return nil
}

// presence counts how many events have each field.
type presence struct {
	layout *event.Layout
	rows   map[string]int64
	n      int64
}

func (c *presence) Push(b *event.Batch) error {
	for i := range b.Cols {
		n := int64(0)
		for _, row := range b.Live {
			if !b.Cols[i].At(row).IsNull() {
				n++
			}
		}
		if n > 0 {
			c.rows[c.layout.Name(event.Slot(i))] += n
		}
	}
	if c.n += int64(len(b.Live)); c.n >= foundRows {
		return exec.ErrStop
	}
	return nil
}
