package query

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Running is a query over events that go on coming. Each is read once; the rows so
// far may be asked for at any time, and what the query holds may be saved and gone
// on with in another process. It is one goroutine's.
//
// All it holds is in one place: the first stage that needs all rows, which ends
// what runs for every event. The stages after it are opened anew whenever rows are
// asked for. A query that reads its events more than once (a subquery, compare)
// holds the events themselves, and is run over them.
type Running struct {
	q       *Query
	run     Run
	rt      *exec.Runtime
	want    *input.Want
	front   front
	steps   []lang.Step // of front
	holds   bool        // the last of them holds rows
	full    int         // names in the layout that make it forget
	next    *later
	back    []lang.Step
	holder  exec.Holder // nil where rows leave as they come
	whole   bool        // events are held, and the query is run over them
	release func()
	named   int // names in the layout that are not the data's

	pos   uint64 // after those of all events so far: of the next that is pushed
	batch event.Batch
	at    map[string]event.Slot // of the names that pushed events have; event.None: not wanted
}

// front is what runs for every event. The task is another once names were forgotten.
type front struct{ exec.Task }

// Live says what is wanted of a Running.
type Live struct {
	// Out takes the rows of a query that Streams as their events come, in that
	// order; Rows then gives none. nil keeps them.
	Out exec.Sink
	// Keep is how many messages are kept, the newest, of a query that Streams and
	// has no Out; 0 keeps all.
	Keep int
}

// Start readies the query for events that go on coming. r.Input and r.Reopen are not
// used.
func (q *Query) Start(ctx context.Context, r Run, live Live) (x *Running, err error) {
	defer func() { err = exec.Named(err, q.name()) }()
	defer exec.Caught(&err, "")
	if r.Layout == nil {
		r.Layout = q.Layout.Clone()
	}
	x = &Running{q: q, run: r, next: &later{}, at: map[string]event.Slot{}}
	x.run.Input, x.run.Reopen, x.run.Workers = nil, nil, 1
	want := q.want.Clone()
	var front []lang.Step
	switch {
	case len(q.subs)+len(q.past) > 0:
		x.whole = true
		want = q.readsAll(r.Layout)
		hold := q.vocab.InTime(0).Stage
		hold.Needs(&want)
		front = []lang.Step{{Stage: hold, Flow: lang.Collects, Name: "events"}}
		x.rt, x.release = x.run.runtime(ctx, r.Layout, r.budget()), func() {}
	case q.Streams() && live.Out != nil:
		x.run.Arrival = true
		front, x.back = q.split(x.run)
		x.next.to = live.Out
	case q.Streams():
		steps := q.steps
		if n := len(steps); n > 0 && steps[n-1].Part == lang.NewestInTime {
			steps = steps[:n-1]
		}
		keep := q.vocab.InTime(live.Keep)
		out := q.shown()
		keep.Stage.Needs(&out)
		steps = append(steps[:len(steps):len(steps)], keep)
		front, x.back = cutSteps(x.run, steps)
	default:
		front, x.back = cutSteps(x.run, q.arriving())
	}
	if x.rt == nil {
		if x.rt, x.release, err = q.open(ctx, &x.run, r.budget()); err != nil {
			return nil, err
		}
	}
	x.rt.Budget, x.full = &exec.Budget{Parent: x.rt.Budget}, namesFull // what the tasks hold may be given back as one
	x.named = r.Layout.Len()
	x.holds = x.next.to == nil
	x.steps = front
	x.open()
	x.want = q.Want(x.run)
	x.want.Fields, x.want.Readers = want, map[*input.Format]input.BlockReader{}
	if x.whole {
		x.want.Need, x.want.Conditions, x.want.AutoConditions, x.want.Bounded = nil, nil, nil, false
	}
	return x, nil
}

// open opens what runs for every event.
func (x *Running) open() {
	x.front.Task = lang.OpenSteps(x.steps, x.rt, x.next)
	if !x.holds {
		return
	}
	if x.holder = exec.HolderOf(x.front.Task); x.holder == nil {
		panic("bug: query: " + x.steps[len(x.steps)-1].Name + " collects rows and its task is no exec.Holder")
	}
}

// shown are the fields that leave the query.
func (q *Query) shown() event.Fields {
	f := event.Fields{All: q.Columns == nil || lang.HasLate(q.Columns)}
	for _, c := range q.Columns {
		f.Add(c.Slot)
	}
	if q.carried != nil {
		f.Add(q.Layout.Slot(lang.CarriedPlace))
		if places, ok := q.Layout.Find(lang.CarriedPlaces); ok {
			f.Add(places)
		}
		for _, c := range q.carried {
			f.Add(q.Layout.Slot(lang.CarriedName(c)))
		}
	}
	return f
}

// readsAll are the fields that the query and those before it read, in a layout, and
// the text of each event.
func (q *Query) readsAll(l *event.Layout) event.Fields {
	var all event.Fields
	var add func(q *Query)
	add = func(q *Query) {
		all.All = all.All || q.want.All
		wantAs(&all, l, q.want, q.Layout)
		for _, s := range q.subs {
			add(s.query)
		}
		for _, s := range q.past {
			add(s.query)
		}
	}
	add(q)
	all.Add(l.Slot("_raw"))
	return all
}

// Add reads what has come. An exec.ErrStop says that no more rows are wanted.
func (x *Running) Add(ctx context.Context, in input.Feeder) (err error) {
	defer func() { err = exec.Named(err, x.q.name()) }()
	defer exec.Caught(&err, "reading")
	if err := x.forget(); err != nil {
		return err
	}
	return in.Feed(ctx, x.want)(0, placed{x})
}

// placed notes which position comes next.
type placed struct{ x *Running }

func (p placed) Push(b *event.Batch) error {
	p.x.pos = after(p.x.pos, b)
	return p.x.front.Push(b)
}

// after is a position after one and those of a batch.
func after(pos uint64, b *event.Batch) uint64 {
	for _, p := range b.Pos {
		pos = max(pos, p+1)
	}
	return pos
}

// Next is a position after those of all events so far, also of those in a loaded state:
// order is kept where what is added has positions from it on.
func (x *Running) Next() uint64 { return x.pos }

// forget makes room for field names that have not been met yet: those that only events
// have that are gone would fill the layout for good. What the query holds is written down
// and read again by tasks that are opened anew, and names get slots as the rows that are
// held need them.
func (x *Running) forget() error {
	if x.run.Layout.Len() < x.full {
		return nil
	}
	var held *os.File
	names := x.run.Layout.Names()
	if x.holds {
		f, err := os.CreateTemp(x.run.TempDir, "gyoji-spill-*")
		if err != nil {
			return err
		}
		defer f.Close()
		_ = os.Remove(f.Name()) // on Unix the name can go at once
		defer os.Remove(f.Name())
		to := exec.NewSaver(f)
		if err := x.holder.Save(to); err != nil {
			return err
		}
		if err := to.Flush(); err != nil {
			return err
		}
		held = f
	}
	x.rt.Forget() // of what the tasks before held
	x.run.Layout.Forget(x.named)
	clear(x.want.Readers)
	clear(x.at)
	x.batch = event.Batch{}
	x.open()
	if held != nil {
		if _, err := held.Seek(0, io.SeekStart); err != nil {
			return err
		}
		from := exec.NewLoader(held)
		from.Slot = slotsByNeed(names, x.run.Layout)
		if err := x.holder.Load(from); err != nil {
			return err
		}
	}
	// Where most names are held there is little to gain by doing it again soon.
	x.full = max(namesFull, min(event.MaxFields, x.run.Layout.Len()+event.MaxFields/8))
	return nil
}

// namesFull is how many names a layout has when those that nobody holds are forgotten.
const namesFull = event.MaxFields * 3 / 4

// slotsByNeed finds slots of names, by their old slots, in the order in which they are
// asked for.
func slotsByNeed(names []string, l *event.Layout) func(event.Slot) event.Slot {
	slots, known := make([]event.Slot, len(names)), make([]bool, len(names))
	return func(old event.Slot) event.Slot {
		if !known[old] {
			slots[old], known[old] = l.Met(names[old]), true
		}
		return slots[old]
	}
}

// PushBatch takes events as a batch in the layout of the run, which is lent. Their
// positions are given in the order in which they come.
func (x *Running) PushBatch(b *event.Batch) (err error) {
	defer func() { err = exec.Named(err, x.q.name()) }()
	defer exec.Caught(&err, "events")
	for len(b.Pos) < b.N {
		b.Pos = append(b.Pos, 0)
	}
	for i := range b.Pos {
		b.Pos[i] = x.pos
		x.pos++
	}
	if err := x.front.Push(b); err != nil {
		return err
	}
	return x.forget() // not before: the batch has the slots that there are
}

// Push takes one event: its time in ms and its fields, whose text is lent. Fields
// that the query does not read are passed over.
func (x *Running) Push(at int64, fields iter.Seq2[string, event.Value]) error {
	b := &x.batch
	b.Reset()
	row := b.AddRow(at, 0)
	for name, v := range fields {
		slot, ok := x.at[name]
		if !ok {
			slot = x.slot(name)
		}
		if slot != event.None {
			b.Col(slot).Set(row, v)
		}
	}
	return x.PushBatch(b)
}

// slot is where a field of pushed events goes. Names are remembered, but not
// without end.
func (x *Running) slot(name string) event.Slot {
	slot, ok := x.run.Layout.Find(name)
	switch {
	case ok && !x.want.Fields.Wants(slot) && !x.want.Fields.All:
		slot = event.None
	case !ok && x.want.Fields.All:
		slot = x.run.Layout.Met(name)
	case !ok:
		slot = event.None
	}
	if len(x.at) < namesMax {
		x.at[strings.Clone(name)] = slot
	}
	return slot
}

// namesMax is how many names of pushed events are remembered.
const namesMax = 4096

// Rows pushes the rows so far; none where they left as they came.
func (x *Running) Rows(out exec.Sink) (err error) {
	defer func() { err = exec.Named(err, x.q.name()) }()
	defer exec.Caught(&err, "output")
	if x.holder == nil {
		return nil
	}
	if x.whole {
		run := x.run
		run.Input, run.Reopen = held{x}, func() (input.Feeder, error) { return held{x}, nil }
		return x.q.Run(x.rt.Ctx, run, out)
	}
	back := lang.OpenSteps(x.back, x.rt, out)
	x.next.to = back
	if err := x.holder.Snapshot(); err != nil && !errors.Is(err, exec.ErrStop) {
		return err
	}
	if err := back.Flush(); err != nil && !errors.Is(err, exec.ErrStop) {
		return err
	}
	return nil
}

// Advance says that event time has come to t, in ms: events of an earlier time do
// not come any more. Rows that can then no longer change are pushed into out and
// forgotten, where no stage after them needs the others too.
func (x *Running) Advance(t int64, out exec.Sink) (err error) {
	defer func() { err = exec.Named(err, x.q.name()) }()
	defer exec.Caught(&err, "output")
	if x.holder == nil || x.whole {
		return nil
	}
	for _, s := range x.back {
		if s.Flow != lang.Streams {
			return nil
		}
	}
	back := lang.OpenSteps(x.back, x.rt, out)
	x.next.to = back
	if err := x.holder.Advance(t); err != nil && !errors.Is(err, exec.ErrStop) {
		return err
	}
	return back.Flush()
}

// stateVersion is that of what Save writes. It rises with any change of what a
// task or an aggregate saves.
const stateVersion = 1

// stateMagic is what saved state begins with.
const stateMagic = "gyoji state\n"

// ErrOtherQuery is that a saved state is of another query.
var ErrOtherQuery = errors.New("the saved state is of another query")

// Save writes down what the query holds: a version, which query it is, the names
// of the fields, the rows or groups, and a checksum.
func (x *Running) Save(w io.Writer) (err error) {
	defer func() { err = exec.Named(err, x.q.name()) }()
	defer exec.Caught(&err, "saving")
	sum := crc32.New(castagnoli)
	to := exec.NewSaver(io.MultiWriter(w, sum))
	to.Bytes([]byte(stateMagic))
	to.Uint(stateVersion)
	id := x.id()
	to.Bytes(id[:])
	to.Uint(x.pos)
	names := x.run.Layout.Names()
	to.Uint(uint64(len(names)))
	for _, n := range names {
		to.Bytes([]byte(n))
	}
	if x.holder != nil {
		if err := x.holder.Save(to); err != nil {
			return err
		}
	}
	if err := to.Flush(); err != nil {
		return err
	}
	return binary.Write(w, binary.LittleEndian, sum.Sum32())
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// id tells queries apart.
func (x *Running) id() [sha256.Size]byte {
	return sha256.Sum256([]byte(x.q.Tree.File.Text))
}

// Load adds what an equal query has saved to what this one holds: to nothing, to go
// on with it; to another's, to put two together. After an error the Running is of
// no use.
func (x *Running) Load(r io.Reader) (err error) {
	defer func() { err = exec.Named(err, x.q.name()) }()
	defer func() {
		if p := recover(); p != nil { // bytes that no Save has written
			err = fmt.Errorf("%w: %v", exec.ErrState, p)
		}
	}()
	sum := crc32.New(castagnoli)
	all := &tail{r: bufio.NewReader(r)}
	from := exec.NewLoader(io.TeeReader(all, sum))
	if magic := from.Bytes(); string(magic) != stateMagic {
		return fmt.Errorf("%w: it does not begin as one", exec.ErrState)
	}
	if v := from.Uint(); v != stateVersion {
		return fmt.Errorf("the saved state is of version %d, and this gyoji reads version %d", v, stateVersion)
	}
	if id := x.id(); !bytes.Equal(from.Bytes(), id[:]) {
		return ErrOtherQuery
	}
	pos := from.Uint()
	count := from.Uint()
	var names []string
	for i := uint64(0); i < count && from.Err() == nil; i++ {
		names = append(names, string(from.Bytes()))
	}
	from.Slot = slotsByNeed(names, x.run.Layout)
	if x.holder != nil && from.Err() == nil {
		if err := x.holder.Load(from); err != nil {
			return err
		}
	}
	x.pos = max(x.pos, pos)
	if err := from.Err(); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, io.TeeReader(all, sum)); err != nil {
		return err
	}
	if len(all.last) != crc32.Size || binary.LittleEndian.Uint32(all.last) != sum.Sum32() {
		return fmt.Errorf("%w: the checksum is another", exec.ErrState)
	}
	return nil
}

// tail reads all but the last four bytes, which are left in last.
type tail struct {
	r    *bufio.Reader
	last []byte
}

func (t *tail) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		next, err := t.r.Peek(crc32.Size + 1)
		if len(next) <= crc32.Size {
			t.last = bytes.Clone(next)
			if errors.Is(err, io.EOF) && n > 0 {
				err = nil
			}
			return n, err
		}
		// What is buffered is taken at once, but for the last four bytes of it.
		more := max(1, t.r.Buffered()-crc32.Size)
		k, err := t.r.Read(p[n:min(len(p), n+more)])
		if n += k; err != nil {
			return n, err
		}
	}
	return n, nil
}

// Close gives back what the query holds.
func (x *Running) Close() {
	x.release()
	x.rt.Close()
}

// later is a sink whose end is known later.
type later struct{ to exec.Sink }

func (l *later) Push(b *event.Batch) error { return l.to.Push(b) }

// held gives the events that a Running holds.
type held struct{ x *Running }

func (h held) Feed(_ context.Context, want *input.Want) exec.Feed {
	return func(worker int, front exec.Sink) error {
		if worker > 0 {
			return nil
		}
		all := want.Fields.All
		fields := want.Fields.Slots()
		take := &shareTask{next: front}
		if all {
			fields = nil
			for _, n := range h.x.run.Layout.Names() {
				fields = append(fields, want.Layout.Slot(n))
			}
		}
		for _, slot := range fields {
			if from, ok := h.x.run.Layout.Find(want.Layout.Name(slot)); ok {
				take.moves = append(take.moves, move{from, slot})
			}
		}
		h.x.next.to = take
		return h.x.holder.Snapshot()
	}
}
