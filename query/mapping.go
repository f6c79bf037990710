package query

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/exec"
	"github.com/gyoji-dev/gyoji/mapping"
)

// MappingText says how the names of the query's fields are found in events.
func (q *Query) MappingText(noMap bool) string {
	if noMap {
		return "  as the events have them (--no-map)\n"
	}
	var b strings.Builder
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
	return b.String()
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

// foundRows is how many events are looked at to say where fields are found:
// enough for a log of several sources.
const foundRows = 200_000

// Found reads events and prints under which names the query's fields are there.
func (q *Query) Found(ctx context.Context, r Run, w io.Writer) error {
	want := q.Want(r)
	want.Fields.All, want.Need, want.NoMap = true, nil, true
	want.Warnings = nil
	c := &presence{layout: r.Layout, rows: map[string]int64{}}
	rt := &exec.Runtime{Ctx: ctx, Layout: r.Layout, Budget: &exec.Budget{}}
	p := exec.Pipeline{Front: func(next exec.Sink) exec.Task { return exec.Chain(c) }, Back: exec.Chain(nothing{})}
	if err := exec.Run(rt, p, 1, r.Reader.Feed(ctx, want)); err != nil {
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
