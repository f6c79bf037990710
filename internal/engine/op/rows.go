package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// hidden is a slot that no query can name, for what a stage keeps with its rows
// while it holds them. Rows leave the stage without it.
func hidden(sc *lang.Scope, name string) event.Slot { return sc.Slot("\x00" + name) }

// lend gives dst the rows of b without a copy of their values: what is done to
// dst does not show in b.
func lend(dst, b *event.Batch) {
	dst.Reset()
	dst.N = b.N
	dst.Live = append(dst.Live, b.Live...)
	dst.Time = append(dst.Time, b.Time...)
	dst.Pos = append(dst.Pos, b.Pos...)
	dst.Receipt = append(dst.Receipt, b.Receipt...)
	if b.Receipt == nil {
		dst.Receipt = nil
	}
	dst.Auto = b.Auto
	for i := range b.Cols {
		dst.Col(event.Slot(i)).Alias(&b.Cols[i])
	}
}

// timeOf is the time of a row in ms; 0 where it has none, after some aggregates.
func timeOf(b *event.Batch, row uint16) int64 {
	if int(row) < len(b.Time) {
		return b.Time[row]
	}
	return 0
}

// untimedRows tells of messages that say no time, for a stage that puts messages in
// order of time: they come before all others, in the order in which they were read.
func untimedRows(rt *exec.Runtime, who string, b *event.Batch) {
	if b.Time == nil { // records of an aggregate have none
		return
	}
	for _, row := range b.Live {
		if timeOf(b, row) == event.NoTime {
			s := exec.Sample{}
			if int(row) < len(b.Pos) {
				s.Pos = b.Pos[row]
			}
			rt.Warnings.Add("message without a time, whose place and share in the time of a "+who+" are not known", true, s)
		}
	}
}

// hold charges n bytes to an account. When the budget is spent the rows that
// the stage keeps besides are put aside first; false says that it is spent still.
func hold(a *exec.Account, n int64, rows *exec.Sorter) (bool, error) {
	if a.Add(n) {
		return true, nil
	}
	if err := rows.PutAside(); err != nil {
		return false, err
	}
	return a.Hold(n), nil
}

// numbered gives each live row of b a number in a hidden column and returns the next.
func numbered(b *event.Batch, slot event.Slot, n int64, step int64) int64 {
	col := b.Col(slot)
	col.Reset()
	for _, r := range b.Live {
		b.Col(slot).Set(r, event.Int(n))
		n += step
	}
	return n
}

// forest joins nodes into groups (union-find).
type forest struct{ up []int32 }

func (f *forest) node() int32 {
	f.up = append(f.up, int32(len(f.up)))
	return int32(len(f.up) - 1)
}

func (f *forest) root(n int32) int32 {
	for f.up[n] != n {
		f.up[n] = f.up[f.up[n]]
		n = f.up[n]
	}
	return n
}

// join makes one group of two. The older node stays on top.
func (f *forest) join(a, b int32) {
	a, b = f.root(a), f.root(b)
	f.up[max(a, b)] = min(a, b)
}
