package cli

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/detection"
	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/input"
	"github.com/gyoji-dev/gyoji/query"
)

var _ = command((*app).fieldsCmd)

// sampleBytes is how much of a value is shown.
const sampleBytes = 60

func (a *app) fieldsCmd() *cobra.Command {
	var in inputs
	cmd := &cobra.Command{
		GroupID: groupLogs,
		Use:     "fields PATH...",
		Short:   "List the fields that events have, and which built-in detections read them",
		Long: `fields reads all events and lists their fields: in how many events each one
is, a value of it, and the built-in detections that read it. A name that a
detection reads and no event has under that name, but that is found under
another (EventData.Image as Image), is listed by the name the detection uses.`,
		Example: `  gyoji fields winlogbeat.ndjson`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("fields wants the logs to look at: gyoji fields FOLDER")
			}
			pkgs, err := a.packages(nil)
			if err != nil {
				return err
			}
			readers, err := fieldsRead(pkgs)
			if err != nil {
				return err
			}
			s, err := a.open(&in, args)
			if err != nil {
				return err
			}
			c, err := s.census(cmd.Context(), readers)
			s.rows = int64(len(c.fields))
			c.print(a, readers)
			return firstOf(err, s.finish(plural(s.rows, "field", "fields")))
		},
	}
	in.flags(cmd)
	return cmd
}

// fieldsRead are the detections by the field of events that they read.
func fieldsRead(pkgs []*detection.Package) (map[string][]string, error) {
	readers := map[string][]string{}
	for _, p := range pkgs {
		for _, d := range p.Detections {
			q, diags := query.Compile(d.Query, query.Standard())
			if diags.HasErrors() {
				return nil, diags.Err()
			}
			asked := q.Want(query.Run{Layout: q.Layout})
			for _, slot := range asked.Fields.Slots() {
				if n := q.Layout.Name(slot); !strings.HasPrefix(n, "_") {
					readers[n] = append(readers[n], d.Name)
				}
			}
		}
	}
	return readers, nil
}

// census reads all events and counts their fields, those that are asked for by
// name also where they have another.
func (s *session) census(ctx context.Context, asked map[string][]string) (*census, error) {
	c := &census{layout: event.NewLayout(), fields: map[string]*fieldCount{}}
	want := event.Fields{All: true}
	for n := range asked {
		want.Add(c.layout.Slot(n))
	}
	return c, s.read(func(run query.Run) error {
		w := &input.Want{
			Layout: c.layout, Fields: want, NoMap: run.NoMap, Category: run.Category,
			Carve: run.Carve, Now: run.Now, Warnings: run.Warnings,
		}
		return run.Reader.Feed(ctx, w)(0, c)
	})
}

// census counts the fields of events.
type census struct {
	layout *event.Layout
	fields map[string]*fieldCount
}

type fieldCount struct {
	n      int64
	sample string
}

func (c *census) Push(b *event.Batch) error {
	for i := range b.Cols {
		name := c.layout.Name(event.Slot(i))
		if len(b.Cols[i].Dict) < 2 || strings.HasPrefix(name, "_") {
			continue
		}
		f := c.fields[name]
		for _, row := range b.Live {
			v := b.Cols[i].At(row)
			if v.IsNull() {
				continue
			}
			if f == nil {
				f = &fieldCount{}
				c.fields[name] = f
			}
			if f.n++; f.sample == "" {
				f.sample = strings.Clone(v.Str())
			}
		}
	}
	return nil
}

func (c *census) print(a *app, readers map[string][]string) {
	names := make([]string, 0, len(c.fields))
	width := 5
	for n := range c.fields {
		names = append(names, n)
		width = max(width, len(n))
	}
	width = min(width, 40)
	sort.Slice(names, func(i, j int) bool {
		x, y := c.fields[names[i]].n, c.fields[names[j]].n
		if x != y {
			return x > y
		}
		return names[i] < names[j]
	})
	fmt.Fprintf(a.stdout, "%-*s  %10s  %s\n", width, "field", "events", "sample")
	for _, n := range names {
		f := c.fields[n]
		sample := strings.ToValidUTF8(f.sample[:min(len(f.sample), sampleBytes)], "")
		fmt.Fprintf(a.stdout, "%-*s  %10s  %q", width, n, number(f.n), sample)
		if d := readers[n]; len(d) > 0 {
			fmt.Fprintf(a.stdout, "  read by %d %s", len(d), plural(int64(len(d)), "detection", "detections"))
		}
		fmt.Fprintln(a.stdout)
	}
	var absent []string
	for n := range readers {
		if c.fields[n] == nil && !strings.HasPrefix(n, "_") {
			absent = append(absent, n)
		}
	}
	if sort.Strings(absent); len(absent) > 0 {
		fmt.Fprintf(a.stdout, "\nread by detections, and in no event: %s\n", strings.Join(absent, ", "))
	}
}
