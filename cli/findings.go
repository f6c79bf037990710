package cli

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/gyoji-dev/gyoji/detection"
	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/exec"
	"github.com/gyoji-dev/gyoji/lang"
	"github.com/gyoji-dev/gyoji/query"
	"github.com/gyoji-dev/gyoji/render"
)

// findings gathers what several detections find into one list: one set of
// columns, newest first, whatever each detection's own rows look like. Rows
// beyond the memory budget are put aside on disk.
type findings struct {
	layout *event.Layout
	cols   []lang.Column
	all    bool // rows have fields that no column names
	rt     *exec.Runtime
	sorter *exec.Sorter
	n      uint64

	detections []*detected
	found      bool
	worst      detection.Severity
}

// detected is one detection in a hunt, and how much it found.
type detected struct {
	Name, Technique string
	Severity        detection.Severity
	ScoreField      string                       // column that holds the score; "" when there is none
	SeverityOf      func(int) detection.Severity // of a score

	counts [detection.Critical + 1]int64
}

// Columns that every finding has, before those of its detection.
var findingColumns = []string{"severity", "technique", "detection"}

func newFindings(r *query.Run) *findings {
	f := &findings{layout: event.NewLayout(findingColumns...)}
	for i, n := range findingColumns {
		f.cols = append(f.cols, lang.Column{Slot: event.Slot(i), Name: n})
	}
	f.rt = &exec.Runtime{
		Ctx: context.Background(), Layout: f.layout, Zone: r.Zone,
		Budget: &exec.Budget{Limit: r.Memory}, TempDir: r.TempDir, Warnings: r.Warnings,
	}
	return f
}

// columns adds a detection's columns to the list, its score first; nil stands
// for every field that its rows have. All columns are known before the first row.
func (f *findings) columns(cols []lang.Column, score string) {
	add := func(name string) {
		s := f.layout.Slot(name)
		for _, c := range f.cols {
			if c.Slot == s {
				return
			}
		}
		f.cols = append(f.cols, lang.Column{Slot: s, Name: name})
	}
	if lang.HasLate(cols) {
		cols = nil
	}
	f.all = f.all || cols == nil
	for _, c := range cols {
		if strings.EqualFold(c.Name, score) {
			add(c.Name)
		}
	}
	for _, c := range cols {
		add(c.Name)
	}
}

// from returns what takes the rows of a detection, in a layout of its own.
func (f *findings) from(d *detected, l *event.Layout) exec.Sink {
	if f.sorter == nil {
		var kept event.Fields
		kept.All = f.all
		for _, c := range f.cols {
			kept.Add(c.Slot)
		}
		f.sorter = exec.NewSorter(f.rt, "the list of findings", exec.Order{Newest: true}, exec.NewCodec(&kept), 0)
	}
	f.detections = append(f.detections, d)
	s := &detectedRows{f: f, d: d, from: l, score: event.None, time: event.None}
	if slot, ok := l.Find(d.ScoreField); ok && d.ScoreField != "" {
		s.score = slot
	}
	if slot, ok := l.Find("_messageTime"); ok {
		s.time = slot
	}
	return s
}

// detectedRows moves rows of one detection to the common layout.
type detectedRows struct {
	f           *findings
	d           *detected
	from        *event.Layout
	score, time event.Slot
	to          []event.Slot // by slot of from
	out         event.Batch
}

func (s *detectedRows) Push(b *event.Batch) error {
	f, o := s.f, &s.out
	o.Reset()
	o.N, o.Live = b.N, append(o.Live, b.Live...)
	for i := range b.Cols {
		if len(s.to) <= i {
			to := event.None
			if name := s.from.Name(event.Slot(i)); f.all {
				to = f.layout.Slot(name)
			} else if slot, ok := f.layout.Find(name); ok {
				to = slot
			}
			s.to = append(s.to, to)
		}
		if s.to[i] != event.None && len(b.Cols[i].Dict) > 1 {
			o.Col(s.to[i]).Alias(&b.Cols[i])
		}
	}
	o.Time, o.Pos = make([]int64, b.N), make([]uint64, b.N)
	severity := o.Col(0)
	severity.Reset()
	for _, row := range b.Live {
		if int(row) < len(b.Time) {
			o.Time[row] = b.Time[row]
		} else if s.time != event.None { // records, such as the end of a chain of events
			o.Time[row], _ = b.Value(s.time, row).Int()
		}
		// Of equal times the one found first comes first.
		o.Pos[row] = math.MaxUint64 - f.n
		f.n++
		sev := s.d.Severity
		if s.score != event.None {
			if n, ok := b.Value(s.score, row).Int(); ok {
				sev = s.d.SeverityOf(int(n))
			}
		}
		s.d.counts[sev]++
		f.found, f.worst = true, max(f.worst, sev)
		o.Col(0).Set(row, event.Text(sev.String()))
	}
	o.Col(1).Fill(b.N, event.Text(s.d.Technique))
	o.Col(2).Fill(b.N, event.Text(s.d.Name))
	return f.sorter.Add(o)
}

// print puts the findings in order and prints them.
func (f *findings) print(ctx context.Context, a *app, s *session, out *output) error {
	w, done, err := out.open(a)
	if err != nil {
		return err
	}
	cols := f.cols
	if f.all {
		cols = nil
	}
	sink, err := render.New(out.kind(a), w, render.Options{
		Columns: cols, Layout: f.layout, Zone: s.run.Zone,
		Color: out.file == "" && a.colors(a.outTTY), Width: out.width(a),
	})
	if err != nil {
		return firstOf(usageError("%v", err), done())
	}
	if f.sorter != nil {
		f.rt.Ctx = ctx
		err = f.sorter.Flush(sink)
	}
	return firstOf(err, sink.Close(), done())
}

// tally says what each detection found, in the order they ran.
func (f *findings) tally(a *app) {
	if a.quiet {
		return
	}
	for _, d := range f.detections {
		var parts []string
		for sev := detection.Critical; ; sev-- {
			if n := d.counts[sev]; n > 0 {
				parts = append(parts, fmt.Sprintf("%s %s", number(n), sev))
			}
			if sev == detection.Informational {
				break
			}
		}
		if len(parts) == 0 {
			if !a.verbose {
				continue
			}
			parts = []string{"nothing"}
		}
		name := d.Name
		if d.Technique != "" {
			name += " (" + d.Technique + ")"
		}
		fmt.Fprintf(a.stderr, "%s: %s\n", name, strings.Join(parts, ", "))
	}
}
