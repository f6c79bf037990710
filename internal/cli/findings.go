package cli

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/report"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// findings gathers what several detections find into one list: one set of
// columns, newest first, whatever each detection's own rows look like. Rows
// beyond the memory budget are put aside on disk.
type findings struct {
	layout *event.Layout
	cols   []lang.Column
	all    bool // rows have fields that no column names
	full   bool // with aboutColumns
	rt     *exec.Runtime
	sorter *exec.Sorter
	n      uint64

	detections []*detected
	found      bool
	shown      int64
	worst      detection.Severity
	least      detection.Severity // what is below it is left out
}

// detected is one detection in a hunt, and how much it found.
type detected struct {
	Name, Technique string
	ID              string // the rule's id, or package/detection
	Package, Next   string // sigma for a rule on its own
	Entities        []detection.Entity
	Whom            string // column that names the entity, as Cloud SIEM writes its id; "" when there is none
	Placed          bool   // its rows know their place in the input, and come in no order
	Severity        detection.Severity
	ScoreField      string                       // column that holds the score; "" when there is none
	SeverityOf      func(int) detection.Severity // of a score

	counts [detection.Critical + 1]int64
}

// Columns that every finding has: first those before its detection's own, then
// those behind, which a table for people leaves out.
var (
	findingColumns = []string{"severity", "technique", "detection"}
	aboutColumns   = []string{"package", "entities", "next"}
)

// newFindings makes an empty list; full adds the columns that say what a finding
// belongs to and what to do next.
func newFindings(r *query.Run, full bool) *findings {
	f := &findings{layout: event.NewLayout(append(findingColumns[:3:3], aboutColumns...)...), full: full}
	for i, n := range findingColumns {
		f.cols = append(f.cols, lang.Column{Slot: event.Slot(i), Name: n})
	}
	f.rt = &exec.Runtime{
		Ctx: context.Background(), Layout: f.layout, Zone: r.Zone,
		Budget: &exec.Budget{Limit: r.Memory, Parent: r.Budget}, TempDir: r.TempDir, Warnings: r.Warnings,
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

// open readies the list, now that all columns are known.
func (f *findings) open() {
	if f.sorter == nil {
		if f.full {
			for i, n := range aboutColumns {
				f.cols = append(f.cols, lang.Column{Slot: event.Slot(len(findingColumns) + i), Name: n})
			}
		}
		var kept event.Fields
		kept.All = f.all
		for _, c := range f.cols {
			kept.Add(c.Slot)
		}
		f.sorter = exec.NewSorter(f.rt, "the list of findings", exec.Order{Newest: true}, exec.NewCodec(&kept), 0)
	}
}

// from returns what takes the rows of a detection, in a layout of its own.
func (f *findings) from(d *detected, l *event.Layout) exec.Sink {
	f.open()
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
	kept := o.Live[:0]
	for _, row := range b.Live {
		sev := s.d.Severity
		if s.score != event.None {
			if n, ok := b.Value(s.score, row).Int(); ok {
				sev = s.d.SeverityOf(int(n))
			}
		}
		if sev < f.least {
			continue
		}
		kept = append(kept, row)
		if int(row) < len(b.Time) {
			o.Time[row] = b.Time[row]
		} else if s.time != event.None { // records, such as the end of a chain of events
			o.Time[row], _ = b.Value(s.time, row).Int()
		}
		// Of equal times the one found first comes first, or the later event.
		if s.d.Placed {
			o.Pos[row] = b.Pos[row]
		} else {
			o.Pos[row] = math.MaxUint64 - f.n
			f.n++
		}
		s.d.counts[sev]++
		f.found, f.worst = true, max(f.worst, sev)
		o.Col(0).Set(row, event.Text(sev.String()))
	}
	o.Live = kept
	f.shown += int64(len(kept))
	if f.full {
		o.Col(3).Fill(b.N, event.Text(s.d.Package))
		for _, row := range o.Live {
			o.Col(4).Set(row, event.Text(s.entities(b, row)))
		}
		o.Col(5).Fill(b.N, event.Text(s.d.Next))
	}
	o.Col(1).Fill(b.N, event.Text(s.d.Technique))
	o.Col(2).Fill(b.N, event.Text(s.d.Name))
	return f.sorter.Add(o)
}

// entities is whom a row is about, as Cloud SIEM names them: _hostname:WKS-01.
func (s *detectedRows) entities(b *event.Batch, row uint16) string {
	if slot, ok := s.from.Find(s.d.Whom); ok && s.d.Whom != "" {
		typ, value, _ := strings.Cut(b.Value(slot, row).Str(), "-")
		return typ + ":" + strings.ReplaceAll(value, "--", "-")
	}
	var list []string
	for _, e := range s.d.Entities {
		if slot, ok := s.from.Find(e.Field); ok {
			if v := b.Value(slot, row); !v.IsNull() && v.String() != "" {
				list = append(list, e.Type+":"+v.String())
			}
		}
	}
	return strings.Join(list, ", ")
}

// print puts the findings in order and prints them.
func (f *findings) print(ctx context.Context, a *app, s *session, out *output, w io.Writer) error {
	if report.Is(out.kind(a)) {
		return f.report(ctx, s, out.kind(a), w)
	}
	cols := f.cols
	if f.all {
		cols = nil
	}
	sink, err := render.New(out.kind(a), w, out.look(a, render.Options{Columns: cols, Layout: f.layout, Zone: s.run.Zone}))
	if err != nil {
		return usageError("%v", err)
	}
	if f.sorter != nil {
		f.rt.Ctx = ctx
		err = f.sorter.Flush(sink)
	}
	return firstOf(err, sink.Close())
}

// collect puts the findings in order into a report.
func (f *findings) collect(ctx context.Context, s *session) (*report.Report, error) {
	r := &report.Report{Tool: "gyoji " + Version(), Made: s.run.Now, Inputs: s.paths, Trees: map[int]string{}}
	if f.sorter == nil {
		return r, nil
	}
	c := &report.Collector{Report: r, Layout: f.layout, Cols: f.cols, About: map[string]report.About{}}
	if f.all {
		c.Cols = nil
	}
	for _, d := range f.detections {
		c.About[d.Name] = report.About{ID: d.ID, Package: d.Package, Next: d.Next}
		if d.ScoreField != "" {
			c.Score = append(c.Score, d.ScoreField)
		}
	}
	f.rt.Ctx = ctx
	return r, f.sorter.Flush(c)
}

// report writes the findings as one document.
func (f *findings) report(ctx context.Context, s *session, kind string, w io.Writer) error {
	r, err := f.collect(ctx, s)
	if err != nil {
		return err
	}
	if k := strings.ToLower(kind); k == "html" || k == "md" {
		if err := s.trees(ctx, r); err != nil {
			return err
		}
	}
	for _, x := range s.readers {
		st := x.Stats()
		r.Files, r.Events, r.Bytes = max(r.Files, int64(st.Parts)), max(r.Events, st.Events), max(r.Bytes, st.Bytes)
		for _, p := range st.Failed {
			r.Notes = append(r.Notes, p.Error())
		}
	}
	for _, k := range s.warnings() {
		if k.Lost {
			r.Notes = append(r.Notes, fmt.Sprintf("%s × %s", number(k.Count), k.Kind))
		}
	}
	return report.Write(w, kind, r)
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
