package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/detect/report"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// newList makes the list of a session's findings.
func newList(s *session, o hunt.Options) *hunt.List {
	return hunt.NewList(&exec.Runtime{
		Ctx: context.Background(), Layout: event.NewLayout(), Zone: s.run.Zone,
		Budget: &exec.Budget{Limit: s.run.Memory}, TempDir: s.run.TempDir, Warnings: s.run.Warnings,
	}, o)
}

// partName is the name of a part of the input by its index.
func (s *session) partName(index int) string {
	for _, r := range s.readers {
		if name := r.PartName(index); name != "" {
			return name
		}
	}
	return ""
}

// copies are the parts that hold what others do, where they are counted once.
func (s *session) copies() map[int][]input.Copy {
	for _, r := range s.readers {
		if r, ok := r.(*input.Reader); ok {
			return r.Copies()
		}
	}
	return nil
}

// locate looks up where the records of findings stand. What cannot be read again has
// byte offsets alone.
func (s *session) locate(ctx context.Context, l *hunt.List) hunt.Located {
	if len(l.Places()) == 0 || s.store != nil { // what is in a store has no lines
		return nil
	}
	opt := s.opt
	opt.Warnings, opt.Stdin = &exec.Warnings{}, bytes.NewReader(nil)
	src, err := input.Paths(s.paths, opt)
	if err != nil {
		return nil
	}
	return input.Locate(ctx, src, l.Places())
}

// recordsAt reads records again for what findings say of them. What can be read only once
// gives nothing.
func (s *session) recordsAt(ctx context.Context, at map[uint64]bool) (map[uint64]map[string]string, error) {
	if len(at) == 0 || slices.Contains(s.paths, "-") && s.spool == nil {
		return nil, nil
	}
	parts := map[int]bool{}
	for pos := range at {
		parts[event.Part(pos)] = true
	}
	run := s.run
	if s.store != nil {
		run.Input = s.snapshot.Feeder()
		return query.At(ctx, run, hunt.Detailed(), at)
	}
	opt := s.opt
	opt.Warnings = &exec.Warnings{}
	if s.spool != nil {
		opt.Stdin = s.spool.Reader()
	}
	src, err := input.Paths(s.paths, opt)
	if err != nil {
		return nil, nil // it was read once, so it has gone meanwhile
	}
	run.Input = input.NewReader(input.PartsOf(src, func(i int) bool { return parts[i] }), s.formats, opt)
	return query.At(ctx, run, hunt.Detailed(), at)
}

// print prints the findings in order.
func (h *huntRun) print(ctx context.Context, out *output, w io.Writer) error {
	a, s := h.app, h.session
	where := s.locate(ctx, h.List)
	h.Copied(s.copies())
	each := func(found func(int, *hunt.Finding) error) error {
		err := h.Each(ctx, where, func(n int, f *hunt.Finding) error {
			h.shown++
			return found(n, f)
		})
		return err
	}
	defer h.noteShifts()
	kind := strings.ToLower(out.kind(a))
	switch kind {
	case "ndjson", "json":
		return writeJSON(printable.NewWriter(w, printable.JSON, false), kind == "json", each)
	case "table":
		return h.lines(out.look(a, render.Options{}), w, each)
	}
	if report.Is(kind) {
		return h.report(ctx, kind, w, each)
	}
	t := newTable(h.FieldNames(), kind == "list")
	sink, err := render.New(kind, w, out.look(a, render.Options{Columns: t.cols, Layout: t.layout, Zone: s.run.Zone}))
	if err != nil {
		return usageError("%v", err)
	}
	return firstOf(each(func(_ int, f *hunt.Finding) error { return sink.Push(t.row(f)) }), sink.Close())
}

// noteShifts names files that say other times of records than others do.
func (h *huntRun) noteShifts() {
	for i, x := range h.Shifts() {
		if i == topShown && !h.app.verbose {
			h.session.notes = append(h.session.notes, fmt.Sprintf("and so of %s more (-v names them)", number(int64(len(h.Shifts())-i))))
			break
		}
		h.session.notes = append(h.session.notes, fmt.Sprintf("%s %s twice: %s has other times of their records than %s, by %s; if it has local times that name no zone, say which: --timezone %[5]s",
			number(x.Findings), plural(x.Findings, "finding comes", "findings come"), x.File, x.Than, x.Zone()))
	}
}

// writeJSON writes findings as the schema has them, a line each or as one array.
func writeJSON(w io.Writer, array bool, each func(func(int, *hunt.Finding) error) error) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if array {
		b.WriteByte('[')
	}
	err := each(func(n int, f *hunt.Finding) error {
		if array && n > 1 {
			b.WriteByte(',')
		}
		if err := e.Encode(f); err != nil {
			return err
		}
		if b.Len() < 64<<10 {
			return nil
		}
		_, err := w.Write(b.Bytes())
		b.Reset()
		return err
	})
	if array {
		b.WriteString("]\n")
	}
	_, last := w.Write(b.Bytes())
	return firstOf(err, last)
}

// table makes rows of findings: the head, and a column for each field that one of them
// has. For people, marks are words in a column of their own, as in a report; for programs
// they are the values that the detection has.
type table struct {
	people        bool
	marks, copies event.Slot
	layout        *event.Layout
	cols          []lang.Column
	fields        map[string]event.Slot // by name, in small letters
	batch         event.Batch
}

// headColumns are the columns of a finding's head; what has several values has them in
// one cell, with a comma between.
var headColumns = []struct {
	name string
	of   func(*hunt.Finding) event.Value
}{
	{"id", func(f *hunt.Finding) event.Value { return text(f.ID) }},
	{"time", func(f *hunt.Finding) event.Value { return text(f.Time.String()) }},
	{"time_ms", func(f *hunt.Finding) event.Value {
		if !f.Timed() {
			return event.Value{}
		}
		return event.Int(int64(f.Time))
	}},
	{"severity", func(f *hunt.Finding) event.Value { return text(f.Severity.String()) }},
	{"score", func(f *hunt.Finding) event.Value {
		if f.Score == nil {
			return event.Value{}
		}
		return event.Float(*f.Score)
	}},
	{"detection_id", func(f *hunt.Finding) event.Value { return text(f.DetectionID) }},
	{"detection", func(f *hunt.Finding) event.Value { return text(f.Detection) }},
	{"kind", func(f *hunt.Finding) event.Value { return text(string(f.Kind)) }},
	{"package", func(f *hunt.Finding) event.Value { return text(f.Package) }},
	{"techniques", func(f *hunt.Finding) event.Value {
		return join(f.Techniques, func(t hunt.Technique) string { return t.ID })
	}},
	{"tactics", func(f *hunt.Finding) event.Value {
		return join(f.Tactics, func(t hunt.Tactic) string { return t.Name })
	}},
	{"host", func(f *hunt.Finding) event.Value { return text(f.Host) }},
	{"user", func(f *hunt.Finding) event.Value { return text(f.User) }},
	{"entities", func(f *hunt.Finding) event.Value {
		return join(f.Entities, func(e hunt.Entity) string { return e.Type + ":" + e.Value })
	}},
	{"next", func(f *hunt.Finding) event.Value { return text(f.Next) }},
	{"file", func(f *hunt.Finding) event.Value { return text(f.File) }},
	{"line", func(f *hunt.Finding) event.Value { return positive(f.Line) }},
	{"record_id", func(f *hunt.Finding) event.Value { return positive(f.RecordID) }},
	{"channel", func(f *hunt.Finding) event.Value { return text(f.Channel) }},
	{"event_id", func(f *hunt.Finding) event.Value { return text(f.EventID) }},
	{"source_category", func(f *hunt.Finding) event.Value { return text(f.Category) }},
	{"records", func(f *hunt.Finding) event.Value { return event.Int(int64(f.Records)) }},
}

func text(s string) event.Value {
	if s == "" {
		return event.Value{}
	}
	return event.Text(s)
}

func positive(n int64) event.Value {
	if n <= 0 {
		return event.Value{}
	}
	return event.Int(n)
}

func join[T any](list []T, name func(T) string) event.Value {
	var all []string
	for _, x := range list {
		all = append(all, name(x))
	}
	return text(strings.Join(all, ", "))
}

func newTable(fields []string, people bool) *table {
	t := &table{people: people, layout: event.NewLayout(), fields: map[string]event.Slot{}}
	heads := map[string]bool{}
	for i, h := range headColumns {
		t.cols = append(t.cols, lang.Column{Slot: event.Slot(i), Name: h.name})
		heads[h.name] = true
	}
	for _, name := range fields {
		slot := event.Slot(len(t.cols))
		t.fields[strings.ToLower(name)] = slot
		if heads[strings.ToLower(name)] { // a table has a name once, letter case aside
			name = "fields." + name
		}
		t.cols = append(t.cols, lang.Column{Slot: slot, Name: name})
	}
	if people {
		t.marks = event.Slot(len(t.cols))
		t.copies = t.marks + 1
		t.cols = append(t.cols, lang.Column{Slot: t.marks, Name: "marks"}, lang.Column{Slot: t.copies, Name: "copies"})
	}
	return t
}

func (t *table) row(f *hunt.Finding) *event.Batch {
	b := &t.batch
	b.Reset()
	b.AddRow(int64(f.Time), 0)
	for i, h := range headColumns {
		b.Col(event.Slot(i)).Set(0, h.of(f))
	}
	fields := f.Fields
	if t.people {
		fields = f.Values()
		b.Col(t.marks).Set(0, text(strings.Join(f.Flags(), ", ")))
		var copies []string
		for _, e := range f.Evidence {
			for i := range e.Copies {
				copies = append(copies, e.Copies[i].Where())
			}
		}
		b.Col(t.copies).Set(0, text(strings.Join(copies, ", ")))
	}
	for _, x := range fields {
		if slot, ok := t.fields[strings.ToLower(x.Name)]; ok {
			v := x.Value
			if v.Kind() == event.Date {
				ms, _ := v.Int()
				v = event.Text(hunt.Moment(ms).String())
			}
			b.Col(slot).Set(0, v)
		}
	}
	return b
}

// report writes the findings as one document.
func (h *huntRun) report(ctx context.Context, kind string, w io.Writer, each func(func(int, *hunt.Finding) error) error) error {
	s := h.session
	r := &report.Report{Tool: "gyoji " + Version(), Made: s.run.Now, Inputs: s.paths, Trees: map[int]string{}, Ran: h.Detections()}
	if err := each(func(n int, f *hunt.Finding) error { r.Add(n, f); return nil }); err != nil {
		return err
	}
	if kind == "html" || kind == "md" {
		if err := s.trees(ctx, r); err != nil {
			return err
		}
	}
	if kind == "incident" {
		if err := s.tell(ctx, r); err != nil {
			return err
		}
		r.Command = "gyoji hunt " + h.flags + "-f incident -o incident.html"
		for _, p := range s.paths {
			r.Command += " " + shellWord(p)
		}
	}
	st := s.whatWasRead()
	r.Files, r.Events, r.Bytes = int64(st.Parts), st.Events, st.Bytes
	r.Notes = append(r.Notes, s.lost()...)
	return report.Write(w, kind, r)
}

// whatWasRead is the most that one of the session's readings has read.
func (s *session) whatWasRead() (all input.Stats) {
	for _, x := range s.readers {
		st := x.Stats()
		all.Parts, all.Events, all.Bytes = max(all.Parts, st.Parts), max(all.Events, st.Events), max(all.Bytes, st.Bytes)
	}
	return all
}

// lost says what could not be read, a line each.
func (s *session) lost() (notes []string) {
	seen := map[string]bool{}
	for _, x := range s.readers {
		for _, p := range x.Stats().Failed {
			if first, _, _ := strings.Cut(p.Error(), "\n"); !seen[first] {
				seen[first] = true
				notes = append(notes, first)
			}
		}
	}
	for _, k := range s.warnings() {
		if k.Lost {
			notes = append(notes, fmt.Sprintf("%s × %s", number(k.Count), k.Kind))
		}
	}
	return notes
}

// tally says what each detection found: the worst first.
func (h *huntRun) tally() {
	a := h.app
	if a.quiet {
		return
	}
	list := slices.Clone(h.ran())
	worst := func(d *hunt.Detection) int {
		for i := len(d.Counts) - 1; i >= 0; i-- {
			if d.Counts[i] > 0 {
				return i
			}
		}
		return -1
	}
	slices.SortStableFunc(list, func(x, y *hunt.Detection) int {
		return cmp.Or(cmp.Compare(worst(y), worst(x)), cmp.Compare(y.Found(), x.Found()), strings.Compare(x.Name, y.Name))
	})
	shown := 0
	for _, d := range list {
		if d.Found() == 0 && !a.verbose {
			continue
		}
		if shown++; shown > talliesShown && !a.verbose {
			continue
		}
		var parts []string
		for i := len(d.Counts) - 1; i >= 0; i-- {
			if n := d.Counts[i]; n > 0 {
				parts = append(parts, fmt.Sprintf("%s %s", number(n), severities[i]))
			}
		}
		if parts == nil {
			parts = []string{"nothing"}
		}
		name := d.Title()
		if t := join(d.Techniques, func(t hunt.Technique) string { return t.ID }); !t.IsNull() {
			name += " (" + t.String() + ")"
		}
		fmt.Fprintf(a.stderr, "%s: %s\n", name, strings.Join(parts, ", "))
	}
	if more := shown - talliesShown; more > 0 && !a.verbose {
		fmt.Fprintf(a.stderr, "and %d detections more (-v names them all)\n", more)
	}
}

// talliesShown is how many detections are named with what they found, without -v.
const talliesShown = 20

// top are the most frequent keys of a count.
func top(counts map[string]int64, n int) []string {
	keys := slices.Collect(maps.Keys(counts))
	slices.SortFunc(keys, func(x, y string) int {
		return cmp.Or(cmp.Compare(counts[y], counts[x]), strings.Compare(x, y))
	})
	return keys[:min(n, len(keys))]
}
