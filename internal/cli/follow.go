package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/kafka"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// followable are the outputs that rows may be added to without end.
var followable = []string{"ndjson", "raw"}

// follower opens what paths name.
func (s *session) follower(access *kafkaAccess) (input.Follower, error) {
	if i := slices.IndexFunc(s.paths, kafka.IsAddress); i >= 0 {
		if len(s.paths) > 1 {
			return nil, usageError("a Kafka topic is followed alone: kafka://BROKER:PORT/TOPIC[,TOPIC...]")
		}
		a, err := kafka.ParseAddress(s.paths[i])
		if err != nil {
			return nil, usageError("%v", err)
		}
		by, err := access.open()
		if err != nil {
			return nil, err
		}
		c, err := kafka.OpenFrom(a, by, s.opt.Places, s.opt.Warnings)
		if err != nil {
			return nil, usageError("%v", err)
		}
		return c, nil
	}
	f, err := input.Follow(s.paths, s.formats, s.opt)
	if err != nil {
		return nil, usageError("%v", err)
	}
	return f, nil
}

// followRows is how many messages are kept to be shown on a terminal: the newest.
const followRows = 200

// following is one run of search --follow.
type following struct {
	app    *app
	s      *session
	q      *query.Query
	f      input.Follower
	out    *output
	w      io.Writer
	kind   string
	layout *event.Layout

	running *query.Running
	adding  *relay          // takes rows as they come; nil where they are printed when asked for
	screen  *screen         // nil when there is none to draw on
	stopped bool            // the query wants no more rows
	names   map[string]bool // of the parts that have been read
}

// follow runs a query over what is there and what comes. On a terminal the
// table is drawn anew. Elsewhere rows come as their events do, if the query and
// the output allow it, and otherwise once, when the input ends or Ctrl-C is
// pressed.
func (a *app) follow(cmd *cobra.Command, s *session, q *query.Query, out *output, access *kafkaAccess) (err error) {
	if record.AskedSignals(q.Tree) {
		return usageError("a query over Cloud SIEM signals cannot follow a log: leave --follow out; gyoji hunt --follow gives signals as they come")
	}
	if record.Asked(q.Tree) {
		return usageError("a query over Cloud SIEM records cannot follow a log: leave --follow out, or ask for the fields of the events instead of an index sec_record")
	}
	s.opt.Warnings = &exec.Warnings{}
	s.passes = append(s.passes, s.opt.Warnings)
	s.run.Warnings, s.run.Reopen = s.opt.Warnings, nil
	w, done, err := out.open(a, cmd, s)
	if err != nil {
		return err
	}
	if t, ok := w.(*target); ok {
		t.live = true
	}
	defer func() { err = done(err) }()
	f, err := s.follower(access)
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, f.Close()) }()

	var interrupted error
	x := &following{app: a, s: s, q: q, f: f, out: out, w: w, kind: out.kind(a), layout: q.Layout.Clone(), names: map[string]bool{}}
	live := x.kind == "table" && out.file == "" && a.outTTY
	ctx := context.WithoutCancel(cmd.Context())
	run := s.run
	run.Layout = x.layout
	var kept query.Live
	if live {
		kept.Keep = followRows
	} else if q.Streams() && slices.Contains(followable, x.kind) {
		x.adding = &relay{}
		kept.Out = x.adding
	}
	if x.running, err = q.Start(ctx, run, kept); err != nil {
		return err
	}
	defer x.running.Close()
	if live {
		x.screen = a.openScreen()
		defer func() { err = firstOf(err, x.screen.close()) }()
	}
	if err := x.loop(cmd.Context(), ctx); err != nil {
		if !errors.Is(err, context.Canceled) {
			return err
		}
		interrupted = err // rows so far are printed; of what came last, not all is in them
	}
	if x.screen != nil {
		if err := x.screen.close(); err != nil {
			return err
		}
	}
	if x.adding != nil {
		return interrupted
	}
	return firstOf(x.print(ctx, w, out.width(a)), interrupted)
}

// loop takes what comes until the input ends or ctx does. Drawing is done in work.
func (x *following) loop(ctx, work context.Context) error {
	drawn := false
	err := pump(ctx, x.f, drawTick, func(parts []*input.Part) (bool, error) {
		drawn = false
		err := x.take(ctx, parts)
		return x.stopped, err
	}, func() (time.Duration, error) {
		if x.screen == nil || drawn && !x.screen.resized() {
			return 0, nil
		}
		start := time.Now()
		if err := x.draw(work); err != nil {
			return 0, err
		}
		drawn = true
		// A result that takes long to make is made the less often.
		return max(drawTick, drawShare*time.Since(start)), nil
	})
	return firstOf(err, ctx.Err())
}

// increment is what a follower gave.
type increment struct {
	parts []*input.Part
	err   error
}

// pump takes what a follower gives until it ends, take says stop, or ctx does. Every so
// often, and never while something is taken, it calls tick, which may ask for another
// interval.
func pump(ctx context.Context, f input.Follower, every time.Duration, take func([]*input.Part) (stop bool, err error), tick func() (time.Duration, error)) error {
	come, taken := make(chan increment), make(chan struct{})
	waiting, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	defer func() { stop(); <-ended }()
	go func() {
		defer close(ended)
		for {
			parts, err := f.Next(waiting)
			select {
			case come <- increment{parts, err}:
			case <-waiting.Done():
				return
			}
			if err != nil {
				return
			}
			select {
			case <-taken: // Done has been called
			case <-waiting.Done():
				return
			}
		}
	}()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case i := <-come:
			if i.err != nil && !errors.Is(i.err, io.EOF) {
				if errors.Is(i.err, context.Canceled) {
					return nil
				}
				return &exit{exitInput, i.err}
			}
			// Ctrl-C ends the work on what has come, too: a broker gives it again, since
			// Done has not been said.
			enough, err := take(i.parts)
			if err != nil {
				return err
			}
			if err := f.Done(ctx); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return &exit{exitInput, err}
			}
			if i.err != nil || enough {
				return nil
			}
			select {
			case taken <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
		case <-ticker.C:
			wait, err := tick()
			if err != nil {
				return err
			}
			if wait > 0 {
				ticker.Reset(wait)
			}
		}
	}
}

const (
	// drawTick is how often a table on a terminal is drawn at most.
	drawTick = 250 * time.Millisecond
	// drawShare is how many times as long as a drawing takes it is left alone.
	drawShare = 4
)

// take reads what has come.
func (x *following) take(ctx context.Context, parts []*input.Part) error {
	if len(parts) == 0 {
		return nil
	}
	r := x.reader(parts)
	add := func() error { return x.running.Add(ctx, r) }
	if x.adding != nil {
		sink, err := x.sink(x.w, x.out.width(x.app))
		if err != nil {
			return err
		}
		x.adding.to = countRows{sink, &x.s.rows}
		add = func() error { return firstOf(x.running.Add(ctx, r), sink.Close()) }
	}
	err := add()
	x.count(r, parts)
	if errors.Is(err, exec.ErrStop) {
		x.stopped = true
		err = nil
	}
	return err
}

// relay passes rows on to the sink of the moment.
type relay struct{ to exec.Sink }

func (r *relay) Push(b *event.Batch) error { return r.to.Push(b) }

func (x *following) reader(parts []*input.Part) *input.Reader {
	return input.NewReader(input.List(parts), x.s.formats, x.s.opt)
}

// count adds up what readers have read.
func (x *following) count(r *input.Reader, parts []*input.Part) {
	for _, p := range parts {
		x.names[p.Name] = true
	}
	x.s.counted(r, len(x.names))
}

// counted adds up what readers of what came have read, of so many parts by now.
func (s *session) counted(r *input.Reader, parts int) {
	st, all := r.Stats(), &s.followed
	all.Events += st.Events
	all.Untimed += st.Untimed
	all.Bytes += st.Bytes
	all.Failed = append(all.Failed, st.Failed...)
	all.Parts = parts
}

// print prints the rows so far.
func (x *following) print(ctx context.Context, w io.Writer, width int) error {
	x.s.rows = 0
	sink, err := x.sink(w, width)
	if err != nil {
		return err
	}
	return firstOf(x.running.Rows(countRows{sink, &x.s.rows}), sink.Close())
}

func (x *following) sink(w io.Writer, width int) (render.Sink, error) {
	sink, err := render.New(x.kind, w, x.out.look(x.app, render.Options{
		Columns: x.q.Columns, Layout: x.layout, Messages: x.q.Messages, Zone: x.s.run.Zone, Width: width,
	}))
	if err != nil {
		return nil, usageError("%v", err)
	}
	return sink, nil
}

// draw draws the rows so far.
func (x *following) draw(ctx context.Context) error {
	var table bytes.Buffer
	width := x.screen.measure()
	if err := x.print(ctx, &table, width); err != nil {
		return err
	}
	events := x.s.followed.Events
	return x.screen.draw(table.Bytes(), fmt.Sprintf("%s %s, %s %s at %s; Ctrl-C ends",
		number(events), plural(events, "event", "events"), number(x.s.rows), plural(x.s.rows, "row", "rows"), time.Now().Format(time.TimeOnly)))
}
