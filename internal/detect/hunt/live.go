package hunt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Live is a hunt over events that go on coming. A finding of one event comes while the
// event is pushed; one that is made of several when Advance says that the time of the
// last has passed; one of a query that holds rows when it is asked for by News, and at the
// end by Finish. For events that come in order of time all of them together are what a
// run over the same events finds. It is one goroutine's.
type Live struct {
	hunt    *Hunt
	x       *query.Several
	out     *stream
	rows    []*Rows // by query
	news    []*news // by query; nil where rows leave as they come
	sigma   *SigmaRun
	siem    *tenant.Pass // nil for none
	signals *Signals
	mark    int64
	told    map[int]bool // failures that Failures has given
}

// LiveOptions say what a live hunt gives.
type LiveOptions struct {
	Filter Filter
	Part   func(index int) string // name of a part of the input; nil where there are none
	Where  Locator                // tells lines and record numbers as a finding is made; nil for nobody
	Found  func(*Finding) error   // takes findings; an error of it ends the call that made the finding
}

// Start readies the detections for events that go on coming. r.Input and r.Reopen are not
// used.
func (h *Hunt) Start(ctx context.Context, r query.Run, o LiveOptions) (l *Live, err error) {
	if o.Part == nil {
		o.Part = func(int) string { return "" }
	}
	l = &Live{hunt: h, out: &stream{filter: o.Filter, where: o.Where, found: o.Found}, mark: noMark, told: map[int]bool{}}
	var parts []query.Part
	for _, c := range h.queries {
		p := query.Part{Query: c.query}
		rows := c.rows(l.out, o.Part)
		p.Layout = rows.Layout
		var fresh *news
		if c.query.Streams() {
			p.Out = rows
		} else {
			fresh = &news{to: l.out, rows: rows}
			rows.To = fresh
		}
		l.rows, l.news, parts = append(l.rows, rows), append(l.news, fresh), append(parts, p)
	}
	var beside []query.Consumer
	if h.set != nil {
		l.sigma = newSigmaRun(h.scope, h.rules, h.set, l.out, o.Part)
		beside = append(beside, l.sigma.Consumer().AtOnce())
	}
	if h.tenant != nil {
		l.signals = NewSignals(h.tenant.Rules, l.out, o.Part)
		l.siem = &tenant.Pass{Tenant: h.tenant, Rules: h.tenant.Rules, Says: true, Begin: func(r *tenant.Run) error {
			r.Late(tenant.Lateness)
			return nil
		}}
		beside = append(beside, l.siem.Consumer())
	}
	if l.x, err = query.StartTogether(ctx, r, parts, beside...); err != nil {
		return nil, err
	}
	return l, nil
}

// noMark is before all times.
const noMark = -1 << 62

// Next is a position after those of all events so far, also of those in a loaded state.
func (l *Live) Next() uint64 { return l.x.Next() }

// Add reads what has come of a log. What ends early because nobody wants more is no error.
func (l *Live) Add(ctx context.Context, in input.Feeder) error { return wanted(l.x.Add(ctx, in)) }

// Push takes one event: its time in ms, event.NoTime for none, and its fields by the names
// that detections have for them, Sysmon's: Image, EventID, Channel. Their text is lent.
func (l *Live) Push(at int64, fields iter.Seq2[string, event.Value]) error {
	return wanted(l.x.Push(at, fields))
}

// PushBatch takes events as a batch in the layout that Layout gives, which is lent.
func (l *Live) PushBatch(b *event.Batch) error { return wanted(l.x.PushBatch(b)) }

// Layout is that of batches for PushBatch. Names that no detection reads need no slot in
// it, unless all is said: then every field is wanted.
func (l *Live) Layout() (layout *event.Layout, all bool) { return l.x.Layout() }

func wanted(err error) error {
	if errors.Is(err, exec.ErrStop) {
		return nil
	}
	return err
}

// Newest is the time of the newest event so far, in ms; event.NoTime for none. One that
// is dated more than a day after the clock is not believed.
func (l *Live) Newest() int64 { return l.x.Newest(time.Now().Add(24 * time.Hour).UnixMilli()) }

// Advance says that event time has come to t, in ms: events of an earlier time do not come
// any more. Findings of correlations and of Cloud SIEM rules, and slices of time of a
// query that are over, come now. An earlier event that comes all the same is lost to
// correlations and to rules over time, and counted.
func (l *Live) Advance(t int64) error {
	if err := l.x.Settle(); err != nil {
		return err
	}
	l.mark = max(l.mark, t)
	t = l.mark
	if l.sigma != nil && !l.failed(0) {
		if err := l.guard("the Sigma rules", func() error { return l.sigma.c.Advance(t, l.sigma.correlated) }); err != nil {
			return err
		}
	}
	if l.siem != nil && !l.failed(1) {
		if err := l.guard("the Cloud SIEM rules", func() error {
			signals, err := l.siem.Run.Advance(t)
			if err != nil {
				return err
			}
			return l.signals.Add(signals)
		}); err != nil {
			return err
		}
	}
	for i, n := range l.news {
		if n == nil {
			continue
		}
		if err := l.x.Advance(i, t, l.rows[i]); err != nil {
			return err
		}
	}
	return nil
}

func (l *Live) guard(who string, do func() error) error { return exec.Named(exec.Guard("", do), who) }

// failed reports whether the Sigma rules (0) or the Cloud SIEM rules (1) take no events any
// more.
func (l *Live) failed(which int) bool {
	at := len(l.rows)
	if which == 1 && l.sigma != nil {
		at++
	}
	return l.x.Failed()[at] != nil
}

// News gives the findings of the rows, so far, of queries that hold rows: of those that it
// has not given before. Of a row whose counts and sums grow it gives the first.
func (l *Live) News() error {
	for i, n := range l.news {
		if n == nil {
			continue
		}
		if err := l.x.Rows(i, l.rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// Finish gives what is left to be found, when no more events come.
func (l *Live) Finish() error {
	if err := l.x.Settle(); err != nil {
		return err
	}
	if l.sigma != nil && !l.failed(0) {
		if err := l.guard("the Sigma rules", func() error { return l.sigma.c.Findings(l.sigma.correlated) }); err != nil {
			return err
		}
	}
	if l.siem != nil && !l.failed(1) {
		if err := l.guard("the Cloud SIEM rules", func() error {
			signals, err := l.siem.Run.Rest()
			if err != nil {
				return err
			}
			return l.signals.Add(signals)
		}); err != nil {
			return err
		}
	}
	return l.News()
}

// Failures are the bugs that have stopped a query or rules since it was last called: the
// others go on.
func (l *Live) Failures() (all []error) {
	failed := l.x.Failed()
	for _, i := range slices.Sorted(maps.Keys(failed)) {
		if !l.told[i] {
			l.told[i] = true
			all = append(all, failed[i])
		}
	}
	if l.sigma != nil {
		all = append(all, l.sigma.failures()...)
	}
	return all
}

// Detections are those that run, each with the number of its findings.
func (l *Live) Detections() []*Detection { return l.out.detections }

// Records are how many records the Cloud SIEM rules have seen, and how many events
// are of nothing that becomes one.
func (l *Live) Records() (seen, unmapped int64) {
	if l.siem == nil {
		return 0, 0
	}
	return l.siem.Run.Records, l.siem.Run.Unmapped
}

const (
	liveMagic   = "gyoji hunt\n"
	liveVersion = 3 // rises with any change of what Save writes
)

// ErrOtherHunt is that a saved state is of other detections.
var ErrOtherHunt = errors.New("the saved state is of other detections")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Save writes down what the hunt holds: a version, which detections it is of, which
// findings it has given, the rows of queries, the windows of correlations and Cloud SIEM rules, and a checksum.
func (l *Live) Save(w io.Writer) (err error) {
	defer exec.Caught(&err, "saving")
	if err := l.x.Settle(); err != nil {
		return err
	}
	sum := crc32.New(castagnoli)
	to := exec.NewSaver(io.MultiWriter(w, sum))
	to.Bytes([]byte(liveMagic))
	to.Uint(liveVersion)
	to.Bytes(l.hunt.id[:])
	to.Int(l.mark)
	l.out.save(to)
	for _, n := range l.news {
		if n != nil {
			n.met.save(to, func(k uint64, _ struct{}) { to.Uint(k) })
		}
	}
	if err := l.x.Save(to); err != nil {
		return err
	}
	if l.sigma != nil {
		if err := l.sigma.c.Save(to); err != nil {
			return err
		}
	}
	if l.siem != nil {
		if err := l.siem.Run.Save(to); err != nil {
			return err
		}
	}
	if err := to.Flush(); err != nil {
		return err
	}
	return binary.Write(w, binary.LittleEndian, sum.Sum32())
}

// Load reads what an equal hunt has saved, before any event. After an error the hunt is of
// no use. The whole of r is read, and held meanwhile.
func (l *Live) Load(r io.Reader) (err error) {
	defer func() {
		if p := recover(); p != nil { // bytes that no Save has written
			err = fmt.Errorf("%w: %v", exec.ErrState, p)
		}
	}()
	all, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	end := len(all) - crc32.Size
	if end < 0 || binary.LittleEndian.Uint32(all[end:]) != crc32.Checksum(all[:end], castagnoli) {
		return fmt.Errorf("%w: the checksum is another", exec.ErrState)
	}
	from := exec.NewLoader(bytes.NewReader(all[:end]))
	if magic := from.Bytes(); string(magic) != liveMagic {
		return fmt.Errorf("%w: it does not begin as one of a hunt", exec.ErrState)
	}
	if v := from.Uint(); v != liveVersion {
		return fmt.Errorf("the saved state is of version %d, and this gyoji reads version %d", v, liveVersion)
	}
	if !bytes.Equal(from.Bytes(), l.hunt.id[:]) {
		return ErrOtherHunt
	}
	l.mark = from.Int()
	l.out.load(from)
	for _, n := range l.news {
		if n != nil {
			n.met.load(from, func() (uint64, struct{}) { return from.Uint(), struct{}{} })
		}
	}
	if err := l.x.Load(from); err != nil {
		return err
	}
	if l.sigma != nil {
		if err := l.sigma.c.Load(from); err != nil {
			return err
		}
	}
	if l.siem != nil {
		if err := l.siem.Run.Load(from); err != nil {
			return err
		}
	}
	return from.Err()
}

// Close gives back what the hunt holds.
func (l *Live) Close() { l.x.Close() }
