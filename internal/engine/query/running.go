package query

import (
	"context"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Running is a query over input that goes on. What is added is read once, and the
// rows so far may be asked for at any time. It is one goroutine's.
type Running struct {
	q       *Query
	run     Run
	rt      *exec.Runtime
	front   exec.Task
	next    *later
	back    []lang.Step
	newest  *newest // instead of back, for messages
	release func()
}

// Start readies the query for input that goes on, of which r.Reader is not used.
// Of messages the newest keep rows are kept. It is nil when the query's rows
// cannot be told while rows still come, because some stage behind the workers
// needs all of them and cannot go on afterwards.
func (q *Query) Start(ctx context.Context, r Run, keep int) (*Running, error) {
	if len(q.subs)+len(q.past) > 0 {
		return nil, nil
	}
	r.Arrival = q.Streams()
	x := &Running{q: q, run: r, next: &later{}}
	var err error
	if x.rt, x.release, err = q.open(ctx, &x.run, &exec.Budget{Limit: r.Memory}); err != nil {
		return nil, err
	}
	front, back := q.split(r)
	x.back = back
	x.front = lang.OpenSteps(front, x.rt, x.next)
	if r.Arrival {
		x.newest = &newest{keep: keep}
		x.next.to = x.newest
	} else if !exec.Snapshots(x.front) {
		x.Close()
		return nil, nil
	}
	return x, nil
}

// Add reads what has come. An exec.ErrStop says that no more rows are wanted.
func (x *Running) Add(ctx context.Context, reader *input.Reader) (err error) {
	defer func() { err = exec.Named(err, x.q.name()) }()
	defer exec.Caught(&err, "reading")
	return reader.Feed(ctx, x.q.Want(x.run))(0, x.front)
}

// Rows pushes the rows so far.
func (x *Running) Rows(out exec.Sink) error {
	if x.newest != nil {
		return x.newest.push(out)
	}
	back := lang.OpenSteps(x.back, x.rt, out)
	x.next.to = back
	if _, err := exec.Snapshot(x.front); err != nil {
		return err
	}
	return back.Flush()
}

// Close gives back what the query holds.
func (x *Running) Close() { x.release() }

// later is a sink whose end is known later.
type later struct{ to exec.Sink }

func (l *later) Push(b *event.Batch) error { return l.to.Push(b) }

// newest keeps the newest messages.
type newest struct {
	keep int
	rows []keptRow // newest first
}

type keptRow struct {
	at   lang.Moment
	vals []event.Value // by slot
}

func (n *newest) Push(b *event.Batch) error {
	for _, row := range b.Live {
		at := lang.Moment{Time: b.Time[row], Receipt: b.Time[row], Pos: b.Pos[row]}
		if int(row) < len(b.Receipt) {
			at.Receipt = b.Receipt[row]
		}
		if len(n.rows) == n.keep && !at.Before(n.rows[n.keep-1].at) {
			continue
		}
		vals := make([]event.Value, len(b.Cols))
		for i := range b.Cols {
			vals[i] = b.Cols[i].At(row).Clone()
		}
		i, _ := slices.BinarySearchFunc(n.rows, at, func(r keptRow, at lang.Moment) int {
			if r.at.Before(at) {
				return -1
			}
			return 1
		})
		n.rows = slices.Insert(n.rows, i, keptRow{at, vals})
		n.rows = n.rows[:min(len(n.rows), n.keep)]
	}
	return nil
}

func (n *newest) push(out exec.Sink) error {
	var b event.Batch
	for part := range slices.Chunk(n.rows, event.MaxRows) {
		b.Reset()
		for _, r := range part {
			row := b.AddRow(r.at.Time, r.at.Pos)
			for i, v := range r.vals {
				if !v.IsNull() {
					b.Col(event.Slot(i)).Set(row, v)
				}
			}
		}
		if err := out.Push(&b); err != nil {
			return err
		}
	}
	return nil
}
