package cli

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// samplesMax is how many values of a field are kept where nothing else is said.
const samplesMax = 3

// wanting are the names of detections by the field of events that they want.
type wanting map[string][]string

// wantingOf finds what packages and Sigma rules want of events.
func wantingOf(pkgs []*detection.Package, rules *sigmaRules) (wanting, error) {
	w, spelling := wanting{}, map[string]string{}
	add := func(field, by string) {
		k := strings.ToLower(field)
		if spelling[k] == "" {
			spelling[k] = field
		}
		if field = spelling[k]; !strings.HasPrefix(field, "_") && !slices.Contains(w[field], by) {
			w[field] = append(w[field], by)
		}
	}
	for _, p := range pkgs {
		for _, d := range p.Detections {
			q, diags := query.Compile(d.Query, query.Standard())
			if diags.HasErrors() {
				return nil, diags.Err()
			}
			for _, field := range q.Reads() {
				add(field, hunt.OfPackage(d).Title())
			}
		}
	}
	for _, r := range rules.rules {
		for _, slot := range r.Fields {
			add(rules.scope.Layout.Name(slot), r.Title)
		}
	}
	return w, nil
}

// names are the wanted fields, those first that most detections want.
func (w wanting) names() []string {
	var names []string
	for n := range w {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool {
		x, y := len(w[names[i]]), len(w[names[j]])
		if x != y {
			return x > y
		}
		return names[i] < names[j]
	})
	return names
}

// by names the detections that want a field: all of them, or the first few.
func (w wanting) by(field string, all bool) string {
	names := w[field]
	const few = 3
	if len(names) > few+1 && !all {
		return strings.Join(names[:few], ", ") + " and " + number(int64(len(names)-few)) + " more"
	}
	return strings.Join(names, ", ")
}

// census counts the fields of events, as one worker meets them.
type census struct {
	layout *event.Layout
	fields []*fieldCount // by slot
	events int64
	seen   []bool // scratch: by value of a column

	sampling
}

// sampling says what a census is for: the zero value counts all events and keeps a few values.
type sampling struct {
	keep int   // values of each field
	meta bool  // fields of metadata count, too
	most int64 // events; 0 is all
}

// fieldCount is how many events have a field, and values of it from the first of them.
type fieldCount struct {
	n       int64
	samples []sample
}

type sample struct {
	at   uint64 // where the value is met first
	text string
}

// census reads all events and counts their fields, those that are wanted by name
// also where they have another.
func (s *session) census(ctx context.Context, want wanting, how sampling) (*census, error) {
	if how.keep == 0 {
		how.keep = samplesMax
	}
	var all []*census
	err := s.read(func(run query.Run) error {
		run.Layout = event.NewLayout()
		var fields event.Fields
		for n := range want {
			fields.Add(run.Layout.Slot(n))
		}
		return query.Events(ctx, run, fields, func() exec.Task {
			all = append(all, &census{layout: run.Layout, sampling: how})
			return all[len(all)-1]
		})
	})
	if len(all) == 0 {
		return &census{layout: event.NewLayout()}, err
	}
	return all[0], err
}

func (c *census) Push(b *event.Batch) error {
	if c.most > 0 && c.events >= c.most {
		return errEnough
	}
	c.events += int64(len(b.Live))
	for i := range b.Cols {
		col := &b.Cols[i]
		if len(col.Dict) < 2 || !c.meta && strings.HasPrefix(c.layout.Name(event.Slot(i)), "_") {
			continue
		}
		f := c.field(i)
		c.seen = append(c.seen[:0], make([]bool, len(col.Dict))...)
		for _, row := range b.Live {
			if int(row) >= len(col.Code) || col.Dict[col.Code[row]].IsNull() {
				continue
			}
			f.n++
			if code := col.Code[row]; !c.seen[code] && (len(f.samples) < c.keep || b.Pos[row] < f.samples[c.keep-1].at) {
				c.seen[code] = true
				f.sample(sample{b.Pos[row], col.Dict[code].Str()}, c.keep)
			}
		}
	}
	return nil
}

func (c *census) field(slot int) *fieldCount {
	for len(c.fields) <= slot {
		c.fields = append(c.fields, &fieldCount{})
	}
	return c.fields[slot]
}

// sample keeps a value if it is one of the first that differ.
func (f *fieldCount) sample(s sample, keep int) {
	if i := slices.IndexFunc(f.samples, func(o sample) bool { return o.text == s.text }); i >= 0 {
		f.samples[i].at = min(f.samples[i].at, s.at)
	} else {
		f.samples = append(f.samples, sample{s.at, strings.Clone(s.text)})
	}
	slices.SortFunc(f.samples, func(a, b sample) int { return cmp.Compare(a.at, b.at) })
	f.samples = f.samples[:min(len(f.samples), keep)]
}

func (c *census) Flush() error { return nil }

// Merge adds what another worker has counted.
func (c *census) Merge(t exec.Task) error {
	o := t.(*census)
	c.events += o.events
	for i, from := range o.fields {
		f := c.field(i)
		f.n += from.n
		for _, s := range from.samples {
			f.sample(s, c.keep)
		}
	}
	return nil
}

// names are the fields that events have, those first that most have.
func (c *census) names() []string {
	var names []string
	for i, f := range c.fields {
		if f.n > 0 {
			names = append(names, c.layout.Name(event.Slot(i)))
		}
	}
	sort.Slice(names, func(i, j int) bool {
		x, y := c.count(names[i]).n, c.count(names[j]).n
		if x != y {
			return x > y
		}
		return names[i] < names[j]
	})
	return names
}

// count is what was counted of a field, letter case aside.
func (c *census) count(name string) *fieldCount {
	if s, ok := c.layout.Find(name); ok && int(s) < len(c.fields) {
		return c.fields[s]
	}
	return &fieldCount{}
}
