// Package exectest runs stages under conditions that a correct one does not
// notice: input cut into batches at random and shared among workers at random,
// memory that is overwritten as soon as a batch has been pushed, a tiny budget.
package exectest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// rounds is how often Same runs a stage. The first has neither cuts nor
// workers nor a budget and is what the others are held against.
const rounds = 40

// TinyBudget refuses every request for memory.
const TinyBudget = 1

// Row is one event: its time in ms, and its values by slot. Its position is its
// place among the rows.
type Row struct {
	Time int64
	Vals []event.Value
}

// Stage is a stage under test.
type Stage struct {
	Layout *event.Layout // names of the slots
	Open   func(*exec.Runtime, exec.Sink) exec.Task
	// Ordered says that the order of the rows that come out does not depend on
	// how they went in: so it is with every stage that collects.
	Ordered bool
	// Spills says that a tiny budget is no reason to fail.
	Spills bool
}

// Same runs a stage many ways over rows and fails unless it gives the same
// each time. It returns what that is, a line a row: "_count=3 Image=cmd.exe".
func Same(t testing.TB, s Stage, rows []Row) []string {
	t.Helper()
	want, err := same(&s, rows)
	if err != nil {
		t.Fatal(err)
	}
	return want
}

func same(s *Stage, rows []Row) (want []string, err error) {
	for round := range rounds {
		rnd := rand.New(rand.NewPCG(20261124, uint64(round)))
		workers, budget := 1+round%4, int64(0)
		if round%3 == 2 {
			budget = TinyBudget
		}
		got, err := s.run(rows, rnd, round > 0, workers, budget)
		var over *exec.OverBudget
		if budget > 0 && !s.Spills && errors.As(err, &over) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("round %d, %d workers, budget %d: %w", round, workers, budget, err)
		}
		if !s.Ordered {
			slices.Sort(got)
		}
		if round == 0 {
			want = got
		} else if !slices.Equal(got, want) {
			return nil, fmt.Errorf("round %d, %d workers, budget %d:\n got %s\nwant %s", round, workers, budget, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
	return want, nil
}

func (s *Stage) run(rows []Row, rnd *rand.Rand, cut bool, workers int, budget int64) ([]string, error) {
	layout := s.Layout.Clone()
	rt := &exec.Runtime{
		Ctx: context.Background(), Layout: layout, Zone: time.UTC,
		Budget: &exec.Budget{Limit: budget}, Warnings: &exec.Warnings{},
	}
	work := make(chan *event.Batch, len(rows)/event.MaxRows+1)
	for i := 0; i < len(rows); i += event.MaxRows {
		work <- batch(rows[i:min(i+event.MaxRows, len(rows))], i)
	}
	close(work)
	out := &Collect{Layout: layout}
	p := exec.Pipeline{Front: func(next exec.Sink) exec.Task { return s.Open(rt, next) }, Back: out}
	if !cut {
		err := exec.Run(rt, p, 1, func(_ int, front exec.Sink) error {
			for b := range work {
				if err := front.Push(b); err != nil {
					return err
				}
			}
			return nil
		})
		return out.Rows, err
	}
	// The pieces are dealt out before anything runs, so that a round can be run again.
	hands := make([]keep, workers)
	for b := range work {
		if err := Lend(dealer{hands, rnd}, rnd).Push(b); err != nil {
			return nil, err
		}
	}
	seed := rnd.Uint64()
	err := exec.Run(rt, p, workers, func(w int, front exec.Sink) error {
		lend := Lend(front, rand.New(rand.NewPCG(seed, uint64(w))))
		for _, b := range hands[w] {
			if err := lend.Push(b); err != nil {
				return err
			}
		}
		return nil
	})
	return out.Rows, err
}

// batch makes a batch of rows, the first of which has a position.
func batch(rows []Row, pos int) *event.Batch {
	b := &event.Batch{}
	for i, r := range rows {
		row := b.AddRow(r.Time, uint64(pos+i))
		for s, v := range r.Vals {
			b.Col(event.Slot(s)).Set(row, v)
		}
	}
	return b
}

type keep []*event.Batch

// dealer gives each worker batches of its own at random.
type dealer struct {
	hands []keep
	rnd   *rand.Rand
}

func (d dealer) Push(b *event.Batch) error {
	h := &d.hands[d.rnd.IntN(len(d.hands))]
	p, _ := part(b, 0, b.N)
	*h = append(*h, p)
	return nil
}

// Lend passes batches on to next as the most careless of readers may: cut into
// smaller ones at random, some rows dead already, and all memory, text included,
// overwritten once Push has returned.
func Lend(next exec.Sink, rnd *rand.Rand) exec.Sink { return &lender{next, rnd} }

type lender struct {
	next exec.Sink
	rnd  *rand.Rand
}

func (l *lender) Push(b *event.Batch) error {
	for at := 0; at < b.N; {
		n := b.N - at
		switch l.rnd.IntN(3) {
		case 0:
			n = min(n, 1+l.rnd.IntN(4))
		case 1:
			n = 1 + l.rnd.IntN(n)
		}
		p, arena := part(b, at, at+n)
		at += n
		lent := slices.Clone(p.Cols)
		times, pos := p.Time, p.Pos
		if len(p.Live) == 0 {
			continue
		}
		err := l.next.Push(p)
		for i := range arena {
			arena[i] = '#'
		}
		for _, c := range lent {
			for i := range c.Dict {
				c.Dict[i] = event.Text("kept from a batch that was only lent")
			}
			for i := range c.Code {
				c.Code[i] = 0
			}
		}
		for i := range times {
			times[i], pos[i] = -1, 1<<63
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// part copies rows from to to (excluded) of a batch; their text is in the arena.
func part(b *event.Batch, from, to int) (p *event.Batch, arena []byte) {
	p = &event.Batch{Auto: b.Auto}
	for row := from; row < to; row++ {
		at, pos := int64(0), uint64(0)
		if row < len(b.Time) {
			at = b.Time[row]
		}
		if row < len(b.Pos) {
			pos = b.Pos[row]
		}
		p.AddRow(at, pos)
	}
	if len(b.Receipt) > 0 {
		for row := from; row < to; row++ {
			at := p.Time[row-from]
			if row < len(b.Receipt) {
				at = b.Receipt[row]
			}
			p.Receipt = append(p.Receipt, at)
		}
	}
	if len(b.Matched) > 0 {
		p.Matched = slices.Clone(b.Matched[from:to])
	}
	p.Live = p.Live[:0]
	for _, row := range b.Live {
		if from <= int(row) && int(row) < to {
			p.Live = append(p.Live, row-uint16(from))
		}
	}
	need := 0
	for i := range b.Cols {
		for _, v := range b.Cols[i].Dict {
			need += len(v.Str())
		}
	}
	arena = make([]byte, 0, need) // must not move once values point into it
	for s := range b.Cols {
		codes := map[uint16]uint16{}
		for row := from; row < to; row++ {
			if row >= len(b.Cols[s].Code) || b.Cols[s].Code[row] == 0 {
				continue
			}
			old := b.Cols[s].Code[row]
			code, ok := codes[old]
			if !ok {
				v := b.Cols[s].Dict[old]
				if v.Kind() == event.String {
					at := len(arena)
					arena = append(arena, v.Str()...)
					v = event.Text(unsafe.String(unsafe.SliceData(arena[at:]), len(arena)-at))
				}
				code = p.Col(event.Slot(s)).Put(v)
				codes[old] = code
			}
			p.Col(event.Slot(s)).SetCode(uint16(row-from), code)
		}
	}
	return p, arena
}

// Collect ends a pipeline and keeps every row as a line of name=value, by name.
type Collect struct {
	Layout *event.Layout
	Rows   []string
}

func (c *Collect) Push(b *event.Batch) error {
	for _, row := range b.Live {
		var vals []string
		for s := range b.Cols {
			if v := b.Cols[s].At(row); !v.IsNull() {
				vals = append(vals, fmt.Sprintf("%s=%s:%s", c.Layout.Name(event.Slot(s)), v.Kind(), v))
			}
		}
		slices.Sort(vals)
		c.Rows = append(c.Rows, strings.Join(vals, " "))
	}
	return nil
}

func (c *Collect) Flush() error { return nil }
