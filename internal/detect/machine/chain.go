package machine

import (
	"fmt"
	"math"
	"math/bits"
	"sort"
	"strings"
)

// MaxSteps is how many steps a chain can have.
const MaxSteps = 64

// chain fires when each of its steps has as many records in a window as it wants,
// in the steps' order if it is ordered (6.3).
type chain struct {
	w       window
	limits  []int
	ordered bool
	whole   uint64    // steps that were complete in one window, of those where most were
	times   [][]int64 // of the hits in the window that fit each step, in order
}

// NewChain is a group of a chain rule. size is the window in ms; limits says how
// many records each step needs.
func NewChain(limits []int, ordered bool, size int64) Machine {
	most := MaxRecords
	for _, n := range limits {
		most = max(most, n*len(limits))
	}
	return &chain{w: window{Size: size, Most: most}, limits: limits, ordered: ordered, times: make([][]int64, len(limits))}
}

func (m *chain) Take(h *Hit, fire Fire) {
	switch {
	case m.w.late(h):
		m.w.again(h, func() { clear(m.times) }, m.take, fire)
	case !m.w.copied(h):
		m.take(h, fire)
	}
}

func (m *chain) take(h *Hit, fire Fire) {
	m.w.push(h, m.gone)
	m.add(h)
	var whole uint64
	for i, n := range m.limits {
		if len(m.times[i]) >= n {
			whole |= 1 << i
		}
	}
	if bits.OnesCount64(whole) > bits.OnesCount64(m.whole) {
		m.whole = whole
	}
	if bits.OnesCount64(whole) < len(m.limits) {
		return
	}
	if !m.w.may(h.Time) || m.ordered && !(m.likely() && m.inOrder(h)) {
		return
	}
	m.w.fire(&Firing{Hit: h}, fire)
}

func (m *chain) add(h *Hit) {
	for steps := h.Steps; steps != 0; steps &= steps - 1 {
		i := bits.TrailingZeros64(steps)
		m.times[i] = append(m.times[i], h.Time)
	}
}

func (m *chain) gone(h *Hit) {
	for steps := h.Steps; steps != 0; steps &= steps - 1 {
		i := bits.TrailingZeros64(steps)
		m.times[i] = m.times[i][1:]
	}
}

// likely says whether the steps are in order if a record may count for several: what
// inOrder needs at least, at a small part of its cost.
func (m *chain) likely() bool {
	from := int64(math.MaxInt64)
	for step := len(m.limits) - 1; step >= 0; step-- {
		times := m.times[step]
		n := sort.Search(len(times), func(i int) bool { return times[i] > from }) - m.limits[step]
		if n < 0 {
			return false
		}
		from = times[n]
	}
	return true
}

// inOrder says whether records can be chosen such that none of a step is later
// than one of the next, none counts twice, and last, the newest hit, counts (6.3;
// 18, R02 and R03). It goes through the window from its newest time to its oldest
// and lets each time's records serve the last steps first: what is satisfied late
// leaves most to choose from. Records of one time may serve in any way.
func (m *chain) inOrder(last *Hit) bool {
	step, need := len(m.limits)-1, m.limits[len(m.limits)-1]
	hits := m.w.now()
	for end := len(hits); end > 0; {
		start := end - 1
		for start > 0 && hits[start-1].Time == hits[start].Time {
			start--
		}
		var t tie
		for _, h := range hits[start:end] {
			t.add(h.Steps)
		}
		served := uint64(0) // steps that this time's records serve
		for step >= 0 && t.serve(step) {
			served |= 1 << step
			if need--; need == 0 {
				if step--; step >= 0 {
					need = m.limits[step]
				}
			}
		}
		// The last hit counts if a step that it fits is served: it can then stand in
		// for a record that serves it.
		if end == len(hits) && served&last.Steps == 0 {
			return false
		}
		if step < 0 {
			return true
		}
		end = start
	}
	return false
}

func (m *chain) Close(t int64, _ Fire) bool {
	m.w.close(t, m.gone)
	return false // the next hit would have done that
}
func (m *chain) keep(ms int64)       { m.w.keep(ms) }
func (m *chain) behind(t int64) bool { return m.w.behind(t) }
func (m *chain) Idle(t int64) bool   { return m.w.idle(t) }
func (m *chain) Lost() int           { return m.w.lost }
func (m *chain) Share() float64 {
	return float64(bits.OnesCount64(m.whole)) / float64(len(m.limits))
}
func (m *chain) Short() string {
	var lacks []string
	for i, n := range m.limits {
		if m.whole&(1<<i) == 0 {
			lacks = append(lacks, fmt.Sprintf("step %d (%d records)", i+1, n))
		}
	}
	if lacks == nil {
		return "all steps had their records within the window of a group, but not in the order of the steps"
	}
	return fmt.Sprintf("the nearest group had %d of %d steps within the window, and lacked %s", bits.OnesCount64(m.whole), len(m.limits), strings.Join(lacks, " and "))
}
func (m *chain) Save() ([]byte, error) { return m.w.save() }
func (m *chain) Load(state []byte) error {
	clear(m.times)
	return m.w.load(state, m.add)
}
