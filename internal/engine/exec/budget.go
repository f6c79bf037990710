package exec

import (
	"fmt"
	"sync/atomic"
)

// Budget bounds the memory that the stages of one query hold between batches.
// Blocks and batches in flight are not part of it: workers x (block + batch).
// What is taken from a budget is also taken from its parents, a tenant's and the
// process's; what one of them refuses is refused.
type Budget struct {
	Limit  int64   // bytes; 0 means no limit but the parent's
	Parent *Budget // nil for none
	used   atomic.Int64
}

// take takes n bytes, or nothing and reports false.
func (b *Budget) take(n int64) bool {
	for at := b; at != nil; at = at.Parent {
		if used := at.used.Add(n); at.Limit > 0 && used > at.Limit {
			for back := b; ; back = back.Parent {
				back.used.Add(-n)
				if back == at {
					return false
				}
			}
		}
	}
	return true
}

// give gives n bytes back.
func (b *Budget) give(n int64) {
	for at := b; at != nil; at = at.Parent {
		at.used.Add(-n)
	}
}

// Forget gives back what all accounts of the budget have taken. They are not used after.
func (b *Budget) Forget() {
	n := b.used.Swap(0)
	if b.Parent != nil {
		b.Parent.give(n)
	}
}

// Used is how many bytes are taken.
func (b *Budget) Used() int64 { return b.used.Load() }

// limit is the least limit of a budget and its parents: 0 for none.
func (b *Budget) limit() (n int64) {
	for at := b; at != nil; at = at.Parent {
		if at.Limit > 0 && (n == 0 || at.Limit < n) {
			n = at.Limit
		}
	}
	return n
}

// grain is taken from the budget at a time: workers that asked for each row
// would meet on the counter more often than on the data.
const grain = 64 << 10

// Account is one task's share of a Budget. Not for several goroutines.
type Account struct {
	b     *Budget
	who   string
	have  int64 // taken from the budget and not yet used
	taken int64
	free  int64 // held although the budget did not have it
}

// Open makes an account; who names the stage in messages ("count by src_ip").
func (b *Budget) Open(who string) *Account { return &Account{b: b, who: who} }

// Add charges n bytes. When the budget does not have them it charges nothing and
// reports false: the caller spills and calls Release, or fails with Over.
func (a *Account) Add(n int64) bool {
	if n > a.have {
		more := (n - a.have + grain - 1) / grain * grain
		if !a.b.take(more) {
			return false
		}
		a.taken += more
		a.have += more
	}
	a.have -= n
	return true
}

// Hold is Add for what a task cannot do without: it may have Floor besides what the
// budget has.
func (a *Account) Hold(n int64) bool {
	if a.Add(n) {
		return true
	}
	if a.free+n > a.Floor() {
		return false
	}
	a.free += n
	return true
}

// floorMax is the most that Floor gives, in bytes.
const floorMax = 1 << 20

// Floor is what a task may hold although its budget is spent, in bytes: who writes
// less than it to disk at a time writes a great many files, while another task
// keeps the memory.
func (a *Account) Floor() int64 {
	n := a.b.limit()
	return min(n/4, floorMax)
}

// Release gives back everything the account holds.
func (a *Account) Release() {
	a.b.give(a.taken)
	a.taken, a.have, a.free = 0, 0, 0
}

// Take moves what another account holds to a, as when tasks are merged.
func (a *Account) Take(o *Account) {
	a.taken += o.taken
	a.have += o.have
	a.free += o.free
	o.taken, o.have, o.free = 0, 0, 0
}

// Over is the error of a stage that cannot spill and has no budget left. what
// says what it holds: "8.1 million groups".
func (a *Account) Over(what, hint string) error {
	return &OverBudget{Stage: a.who, What: what, Hint: hint, Limit: a.b.limit()}
}

// OverBudget is the error of a stage that can hold no more.
type OverBudget struct {
	Stage, What, Hint string
	Limit             int64
}

func (e *OverBudget) Error() string {
	return fmt.Sprintf("%s holds more than %s (%s). %s, or raise --memory", e.Stage, Size(e.Limit), e.What, e.Hint)
}

// Size prints bytes as people do: 64 MiB.
func Size(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// Half reports whether more than half of the budget, or of a parent, is in use.
func (b *Budget) Half() bool {
	for at := b; at != nil; at = at.Parent {
		if at.Limit > 0 && at.used.Load() > at.Limit/2 {
			return true
		}
	}
	return false
}
