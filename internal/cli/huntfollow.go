package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/kafka"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// followFlags are the flags of a hunt over logs that grow.
type followFlags struct {
	follow bool
	late   string
	access kafkaAccess

	slack int64 // --late in ms
}

func (x *followFlags) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&x.follow, "follow", false, "go on with what is added to the files, or comes on standard input, until Ctrl-C; always so for kafka://BROKER:PORT/TOPIC")
	cmd.Flags().StringVar(&x.late, "late", "0s", "--follow: how much older than the newest an event may be that correlations and rules over time still count: 30s, 5m; their findings come so much later")
	x.access.flags(cmd)
}

// on reports whether logs are followed.
func (x *followFlags) on(args []string) bool {
	return x.follow || slices.ContainsFunc(args, kafka.IsAddress)
}

// check reads the flags.
func (x *followFlags) check(a *app, out *output) error {
	if kind := out.kind(a); kind != "ndjson" && kind != "table" {
		return usageError("--follow gives findings as they are made, a line each: -f ndjson or table; -f %s wants all of them first", kind)
	}
	d, err := datefmt.ParseDuration(x.late)
	if err != nil || d < 0 {
		return usageError("--late %s: write a time such as 30s or 5m", x.late)
	}
	x.slack = d
	return nil
}

const (
	// huntTick is how often event time is told to go on: an event has from one to two
	// of them to come after a later one.
	huntTick = 250 * time.Millisecond
	// behindBytes is a piece of a log as it is given where there is more.
	behindBytes = 8 << 20
)

// huntFollow is a hunt over logs that grow.
type huntFollow struct {
	h     *huntRun
	from  input.Follower
	late  int64 // ms
	names map[int]string
	lines pieceLines
	print func(*hunt.Finding) error

	came   bool  // something, since the last tick
	caught bool  // what was there at the start has been read
	mark   int64 // up to where event time goes with the next tick
	bugs   []error

	places   *huntPlaces // with --state; else nil
	kept     time.Time   // when the state was written
	keepWait time.Duration
	unkept   bool // something has come since
}

// follow hunts in what is there and what comes, until the input ends or ctx does.
func (h *huntRun) follow(ctx context.Context, pkgs []*detection.Package, rules *sigmaRules, flags *followFlags, options hunt.Options, out *output, w io.Writer) (err error) {
	s := h.session
	s.opt.Warnings = &exec.Warnings{}
	s.passes = append(s.passes, s.opt.Warnings)
	s.run.Warnings, s.run.Reopen = s.opt.Warnings, nil
	if t, ok := w.(*target); ok {
		t.live = true
	}
	ready, err := h.compile(pkgs, rules)
	if err != nil {
		return err
	}
	x := &huntFollow{h: h, late: flags.slack, names: map[int]string{}, mark: event.NoTime}
	var held []byte
	if h.state != "" {
		if err := s.placed(); err != nil {
			return err
		}
		if held, err = x.readState(); err != nil {
			return err
		}
		s.opt.Places = x.places
	}
	f, err := s.follower(&flags.access)
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, f.Close()) }()
	x.from = f
	_, x.lines.all = f.(*kafka.Consumer)
	h.set = ready.Set()
	x.open(out, w)
	// What is held is finished after Ctrl-C, but not for long.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(finishMost, stop) })()
	h.live, err = ready.Start(work, s.run, hunt.LiveOptions{
		Filter: options.Filter, Part: func(i int) string { return x.names[i] }, Where: &x.lines, Found: x.found,
	})
	if err != nil {
		return err
	}
	defer h.live.Close()
	if err := x.goOn(held); err != nil {
		return err
	}
	err = pump(ctx, f, huntTick, func(parts []*input.Part) (bool, error) { return false, x.take(ctx, parts) }, x.tick)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	if x.places != nil { // what is open goes on the next time
		x.failures()
		s.rows = h.shown
		return firstOf(x.keep(), errors.Join(x.bugs...), err)
	}
	if e := h.live.Finish(); e != nil && !errors.Is(e, context.Canceled) {
		err = firstOf(e, err)
	}
	x.failures()
	s.rows = h.shown
	return firstOf(errors.Join(x.bugs...), err)
}

// finishMost is how long a hunt may take to end after Ctrl-C.
const finishMost = time.Second

// open readies what prints a finding.
func (x *huntFollow) open(out *output, w io.Writer) {
	a := x.h.app
	if out.kind(a) == "ndjson" {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		to := printable.NewWriter(w, printable.JSON, false)
		x.print = func(f *hunt.Finding) error {
			b.Reset()
			if err := e.Encode(f); err != nil {
				return err
			}
			_, err := to.Write(b.Bytes())
			return firstOf(err, to.Flush())
		}
		return
	}
	look := out.look(a, render.Options{})
	to := printable.NewWriter(w, printable.People, look.Color)
	l := &lineWriter{w: to, color: look.Color, width: min(look.Width, spread), timeline: x.h.timeline}
	x.print = func(f *hunt.Finding) error {
		l.finding(int(x.h.shown), f)
		return to.Flush()
	}
}

// found prints a finding.
func (x *huntFollow) found(f *hunt.Finding) error {
	x.h.shown++
	x.h.most = max(x.h.most, f.Severity)
	return x.print(f)
}

// take reads what has come.
func (x *huntFollow) take(ctx context.Context, parts []*input.Part) error {
	if len(parts) == 0 {
		return nil
	}
	x.came, x.unkept = true, true
	behind := false
	for _, p := range parts {
		x.names[p.Index] = p.Name
		behind = behind || p.Size >= behindBytes
	}
	x.caught = x.caught || !behind
	x.lines.now(ctx, parts)
	s := x.h.session
	r := input.NewReader(input.List(parts), s.formats, s.opt)
	err := x.h.live.Add(ctx, r)
	s.counted(r, len(x.names))
	x.failures()
	return err
}

// tick lets event time go on to where it was with the tick before: so events of about one
// time, from several files, have some time to come.
func (x *huntFollow) tick() (time.Duration, error) {
	x.caught = x.caught || !x.came
	x.came = false
	if !x.caught {
		return 0, nil
	}
	start := time.Now()
	if x.mark != event.NoTime {
		if err := x.h.live.Advance(x.mark); err != nil {
			return 0, err
		}
	}
	if newest := x.h.live.Newest(); newest != event.NoTime {
		x.mark = newest + 1 - x.late
	}
	if err := x.h.live.News(); err != nil {
		return 0, err
	}
	x.failures()
	if err := x.keepSoon(); err != nil {
		return 0, err
	}
	// What takes long is done the less often.
	return max(huntTick, drawShare*time.Since(start)), nil
}

// failures says which detections have stopped because of a bug. The others go on.
func (x *huntFollow) failures() {
	for _, err := range x.h.live.Failures() {
		x.bugs = append(x.bugs, err)
		fmt.Fprintf(x.h.app.stderr, "gyoji: %v; the other detections go on\n", err)
	}
}

// pieceLines tells the lines of events in the pieces of logs that are read at the moment.
type pieceLines struct {
	ctx    context.Context
	all    bool             // also of parts whose format is not known beforehand
	pieces map[int][]*piece // by part
}

type piece struct {
	part *input.Part
	data []byte  // nil until somebody asks
	ends []int64 // of every lineStep bytes, how many lines end before them
}

// lineStep is how many bytes are looked through to tell a line.
const lineStep = 64 << 10

// now says what is read at the moment.
func (l *pieceLines) now(ctx context.Context, parts []*input.Part) {
	l.ctx, l.pieces = ctx, map[int][]*piece{}
	for _, p := range parts {
		l.pieces[p.Index] = append(l.pieces[p.Index], &piece{part: p})
	}
}

// Locate completes a place by its line, or else its byte offset.
func (l *pieceLines) Locate(part int, offset int64, p *hunt.Place) {
	if p.RecordID != 0 {
		return
	}
	for _, x := range l.pieces[part] {
		if offset >= x.part.Start && offset < x.part.Start+x.part.Size && (l.all || x.part.Format != nil) && x.read(l.ctx) {
			p.Line = x.line(offset - x.part.Start)
			return
		}
	}
	p.Offset = &offset
}

func (x *piece) read(ctx context.Context) bool {
	if x.ends != nil {
		return x.data != nil
	}
	x.ends = []int64{x.part.Lines}
	r, err := x.part.Open(ctx)
	if err != nil {
		return false
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return false
	}
	for at := lineStep; at < len(data); at += lineStep {
		x.ends = append(x.ends, x.ends[len(x.ends)-1]+int64(bytes.Count(data[at-lineStep:at], []byte{'\n'})))
	}
	x.data = data
	return true
}

func (x *piece) line(at int64) int64 {
	if at > int64(len(x.data)) {
		at = int64(len(x.data))
	}
	step := min(at/lineStep, int64(len(x.ends))-1)
	return 1 + x.ends[step] + int64(bytes.Count(x.data[step*lineStep:at], []byte{'\n'}))
}
