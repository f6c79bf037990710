// Package gyoji runs security detections over log events: queries in Sumo Logic's search
// language, Sigma rules with correlations, Cloud SIEM rules, and detection packages that
// hold all of them.
//
// A query is compiled once and run any number of times, also at once:
//
//	q, err := gyoji.Compile(`EventID=1 | where Image matches "*powershell.exe" | count by Computer`)
//	...
//	for row, err := range q.Rows(ctx, gyoji.Files("evtx/")) {
//		...
//		fmt.Println(row.Text("Computer"), row.Int("_count"))
//	}
//
// Events come from [Files] in every format that the command reads (EVTX, JSON, XML, CSV,
// syslog and more, plain, compressed or in archives), from a [Reader], from Go values
// ([Events], [Channel]), or are pushed one by one ([Query.Start], [Hunt.Start]). A Go
// value is a map or a struct, and is read as its JSON: fields are found by their names,
// ignoring letter case, nested ones with dots (EventData.Image). The time of the event is
// taken from a field such as @timestamp or UtcTime.
//
// A hunt runs many detections over one reading of the events:
//
//	h, err := gyoji.NewHunt(gyoji.Detections{Sigma: []string{"rules/"}})
//	...
//	for finding, err := range h.Findings(ctx, gyoji.Files("evtx/")) {
//		...
//	}
//
// Mistakes in a query or a rule are values: the error of [Compile] and [NewHunt] is a
// *[diag.Failure] with a list of diagnostics, each with its place in the text. When a part
// of a log cannot be used (a broken line, a file that cannot be opened), an *[Incomplete]
// comes after the last row; the rows before it are valid.
package gyoji

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Query is a compiled query in Sumo Logic's search language. It does not change, and may
// be run by several goroutines at once.
type Query struct {
	q     *query.Query
	diags diag.List
}

// Compile compiles a query. Of one with mistakes the error is a *[diag.Failure]. tables
// are what lookups of the query may read: path and file in turn.
func Compile(text string, tables ...Table) (*Query, error) {
	if strings.TrimSpace(text) == "" {
		f := diag.Text("query", text)
		return nil, diag.List{{Code: "empty-query", File: f, Message: "the query is empty", Help: "write * for every event"}}.Err()
	}
	q, diags := query.Compile(diag.Text("query", text), query.Standard(), query.Tables(library(tables)))
	if err := diags.Err(); err != nil {
		return nil, err
	}
	return &Query{q, diags}, nil
}

// Table is a table that queries look things up in.
type Table struct {
	Path string // as a query writes it: path://"/Library/Hosts"
	File string // of CSV with a header, or JSON
}

func library(tables []Table) *lookup.Library {
	l := &lookup.Library{}
	for _, t := range tables {
		l.Bind(t.Path, t.File)
	}
	return l
}

// Diagnostics are the warnings and notes of a query that runs.
func (q *Query) Diagnostics() diag.List { return q.diags }

// Columns are the names of the columns of rows, in order; nil where a row is an event with
// all its fields.
func (q *Query) Columns() (names []string) {
	for _, c := range q.q.Columns {
		names = append(names, c.Name)
	}
	return names
}

// Rows runs the query over events and gives its rows. An error, if there is one, comes
// last, with an empty row: that of ctx, an *[Incomplete], or what ended the run.
//
// Over [Files] and a [Reader] rows come in the query's order, messages newest first, once
// the input has been read. Over [Events] and a [Channel] rows of a query that only filters
// and computes come with their events; those of others when the events end.
func (q *Query) Rows(ctx context.Context, from Source, with ...Option) iter.Seq2[*Row, error] {
	o := options(with)
	return func(yield func(*Row, error) bool) {
		if from == nil {
			yield(&Row{}, errNoSource)
			return
		}
		if values, ok := from.(values); ok {
			q.rowsOfValues(ctx, values, o, yield)
			return
		}
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		rows, ended := make(chan []*Row), make(chan error, 1)
		go func() {
			defer close(rows)
			ended <- exec.Guard("", func() error {
				reader, again, warnings, err := from.open(o)
				if err != nil {
					return err
				}
				layout := q.q.Layout.Clone()
				run := o.run(layout, warnings)
				run.Input, run.Reopen = reader, again
				out := rowSink{q: q.q, layout: layout, take: func(some []*Row) error {
					select {
					case rows <- some:
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}}
				if err := q.q.Run(ctx, run, out); err != nil {
					return err
				}
				return incomplete(reader.Stats().Failed, warnings)
			})
		}()
		for {
			select {
			case some, ok := <-rows:
				if !ok {
					if err := <-ended; err != nil {
						yield(&Row{}, err)
					}
					return
				}
				for _, r := range some {
					if !yield(r, nil) {
						return
					}
				}
			case <-ctx.Done():
				yield(&Row{}, ctx.Err())
				return
			}
		}
	}
}

// rowsOfValues runs the query over Go values.
func (q *Query) rowsOfValues(ctx context.Context, from values, o *settings, yield func(*Row, error) bool) {
	var came gathered[*Row]
	l, err := q.start(ctx, came.add, o)
	if err != nil {
		yield(&Row{}, err)
		return
	}
	defer l.Close()
	l.ctx = context.WithoutCancel(ctx) // what has come is given yet
	for v, err := range from.values(ctx) {
		if err == nil {
			err = l.Push(v)
		}
		if errors.Is(err, io.EOF) { // the query wants no more
			break
		}
		if !came.each(yield) {
			return
		}
		if err != nil {
			yield(&Row{}, err)
			return
		}
	}
	for r, err := range l.Rows() {
		if !yield(r, err) || err != nil {
			return
		}
	}
	if came.each(yield) {
		if err := l.Lost(); err != nil {
			yield(&Row{}, err)
		}
	}
}

// gathered are rows or findings that a loop has not been given yet.
type gathered[T any] struct{ all []T }

func (g *gathered[T]) add(v T) error {
	g.all = append(g.all, v)
	return nil
}

// each gives them, and reports false where the loop was left.
func (g *gathered[T]) each(yield func(T, error) bool) bool {
	for _, v := range g.all {
		if !yield(v, nil) {
			return false
		}
	}
	g.all = g.all[:0]
	return true
}

// Live is a running query to which events are pushed. It is for one goroutine: a call
// while another is under way is an error.
type Live struct {
	q        *Query
	ctx      context.Context
	x        *query.Running
	layout   *event.Layout
	out      handed[*Row]
	events   encoder
	warnings *exec.Warnings
	stopped  bool
	use
}

// Start starts the query for events that are pushed. out takes the rows of a query that
// only filters and computes, with the event of each; what others hold is asked for with
// [Live.Rows]. Where out is nil all rows are held and asked for. An error of out ends the
// Push, whose events have been taken; rows that are left come with the next call.
func (q *Query) Start(ctx context.Context, out func(*Row) error, with ...Option) (*Live, error) {
	return q.start(ctx, out, options(with))
}

func (q *Query) start(ctx context.Context, out func(*Row) error, o *settings) (*Live, error) {
	if o.err != nil {
		return nil, o.err
	}
	l := &Live{q: q, ctx: ctx, layout: q.q.Layout.Clone(), warnings: &exec.Warnings{}, out: handed[*Row]{to: out}}
	var rows query.Live
	if out != nil {
		rows.Out = l.sink(l.out.take)
	}
	var err error
	l.x, err = q.q.Start(ctx, o.run(l.layout, l.warnings), rows)
	if err != nil {
		return nil, err
	}
	l.use.release = l.x.Close
	return l, nil
}

func (l *Live) sink(take func([]*Row) error) rowSink {
	return rowSink{q: l.q.q, layout: l.layout, take: take}
}

// Push takes events, maps or structs; of several one of which is no event, none. The error
// is [io.EOF] when the query wants no more of them.
func (l *Live) Push(events ...any) error {
	err := l.during(func() error {
		if l.stopped {
			return io.EOF
		}
		if err := l.ctx.Err(); err != nil {
			return err
		}
		piece, err := l.events.encode(events, l.x.Next())
		if err != nil || piece == nil {
			return err
		}
		err = l.x.Add(l.ctx, piece)
		if errors.Is(err, exec.ErrStop) {
			l.stopped = true
			return io.EOF
		}
		return err
	})
	return cmp.Or(l.out.give(), err)
}

// Advance says that event time has come to t: events of an earlier time do not come any
// more. out takes the rows of slices of time that are over, as of a count by _timeslice,
// which are then forgotten. Of a query whose rows may all change yet there are none.
func (l *Live) Advance(t time.Time) error {
	err := l.during(func() error {
		if l.out.to == nil {
			return errors.New("nobody takes the rows: start the query with an out")
		}
		return l.x.Advance(t.UnixMilli(), l.sink(l.out.take))
	})
	return cmp.Or(l.out.give(), err)
}

// Rows are the rows so far of a query that holds them; the query goes on. Of one whose
// rows out takes there are none. The loop may not use the Live, except to Close it.
func (l *Live) Rows() iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		// A panic of the loop is the loop's, and none of the query.
		next, stop := iter.Pull2(func(some func([]*Row, error) bool) {
			err := l.during(func() error {
				return l.x.Rows(l.sink(func(rows []*Row) error {
					if !some(rows, nil) {
						return errBreak
					}
					return nil
				}))
			})
			if err != nil && !errors.Is(err, errBreak) {
				some([]*Row{{}}, err)
			}
		})
		defer stop()
		for {
			rows, err, ok := next()
			if !ok {
				return
			}
			for _, r := range rows {
				if !yield(r, err) {
					return
				}
			}
		}
	}
}

// errBreak ends a run whose rows nobody wants any more.
var errBreak = errors.New("no more rows wanted")

// Save writes down what the query holds; Load reads it into another Live of the same
// query, in another process say, which then goes on.
func (l *Live) Save(w io.Writer) error { return l.during(func() error { return l.x.Save(w) }) }

// Load adds what an equal query has saved to what this one holds. After an error the Live
// is of no use: close it.
func (l *Live) Load(r io.Reader) error { return l.during(func() error { return l.x.Load(r) }) }

// Lost is an *[Incomplete] of what could not be used of the events so far, nil for nothing.
func (l *Live) Lost() error { return incomplete(nil, l.warnings) }

// Close gives back what the query holds; one that is in use once that ends. Closing again
// does nothing.
func (l *Live) Close() { l.close() }

// Incomplete is the error of a run that could not use some of its input: files that could
// not be read, lines that are broken. The rows of all other input have been given.
type Incomplete struct {
	Unread []error  // one for each file
	Lost   []string // what was lost, with its number and the first place: "12 × not JSON (a.jsonl: byte 300: ...)"
}

func (e *Incomplete) Error() string {
	var all []string
	for _, u := range e.Unread {
		first, _, _ := strings.Cut(u.Error(), "\n")
		all = append(all, "cannot read "+first)
	}
	return "some of the input was lost: " + strings.Join(append(all, e.Lost...), "; ")
}

func (e *Incomplete) Unwrap() []error { return e.Unread }

func incomplete(failed []error, w *exec.Warnings) error {
	e := &Incomplete{Unread: failed}
	for _, k := range w.List() {
		if !k.Lost {
			continue
		}
		text := fmt.Sprintf("%d × %s", k.Count, k.Kind)
		if len(k.Sample) > 0 {
			text += " (" + k.Sample[0].String() + ")"
		}
		e.Lost = append(e.Lost, text)
	}
	if len(e.Unread)+len(e.Lost) == 0 {
		return nil
	}
	return e
}
