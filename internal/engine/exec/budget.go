package exec

import (
	"fmt"
	"sync/atomic"
)

// Budget bounds the memory that the stages of one query hold between batches.
// Blocks and batches in flight are not part of it: workers x (block + batch).
type Budget struct {
	Limit int64 // bytes; 0 means no limit
	used  atomic.Int64
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
}

// Open makes an account; who names the stage in messages ("count by src_ip").
func (b *Budget) Open(who string) *Account { return &Account{b: b, who: who} }

// Add charges n bytes. It reports false when the budget is spent: the caller
// spills and calls Release, or fails with Over.
func (a *Account) Add(n int64) bool {
	for a.have -= n; a.have < 0; a.have += grain {
		a.taken += grain
		if used := a.b.used.Add(grain); a.b.Limit > 0 && used > a.b.Limit {
			a.have += grain
			return false
		}
	}
	return true
}

// Release gives back everything the account holds.
func (a *Account) Release() {
	a.b.used.Add(-a.taken)
	a.taken, a.have = 0, 0
}

// Take moves what another account holds to a, as when tasks are merged.
func (a *Account) Take(o *Account) {
	a.taken += o.taken
	a.have += o.have
	o.taken, o.have = 0, 0
}

// Over is the error of a stage that cannot spill and has no budget left. what
// says what it holds: "8.1 million groups".
func (a *Account) Over(what, hint string) error {
	return &OverBudget{Stage: a.who, What: what, Hint: hint, Limit: a.b.Limit}
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

// Half reports whether more than half of the budget is in use.
func (b *Budget) Half() bool { return b.Limit > 0 && b.used.Load() > b.Limit/2 }
