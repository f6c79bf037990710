package machine

import "fmt"

// threshold fires when a window holds so many records, or so many distinct values
// (6.2).
type threshold struct {
	w        window
	limit    int
	most     int            // records, or distinct values, that the window has had at once
	distinct map[string]int // value -> its hits in the window; nil where records are counted
}

// NewThreshold is a group of a threshold rule. size is the window in ms. With
// distinct the hits' values are counted, else the hits.
func NewThreshold(limit int, size int64, distinct bool) Machine {
	m := &threshold{w: window{Size: size, Most: max(MaxRecords, limit)}, limit: limit}
	if distinct {
		m.distinct = map[string]int{}
	}
	return m
}

func (m *threshold) Take(h *Hit, fire Fire) {
	if m.distinct != nil && h.Null {
		return // never completes one, and adds nothing (18, R17)
	}
	switch {
	case m.w.late(h):
		m.w.again(h, func() { clear(m.distinct) }, m.take, fire)
	case !m.w.copied(h):
		m.take(h, fire)
	}
}

func (m *threshold) take(h *Hit, fire Fire) {
	m.w.push(h, m.gone)
	n := len(m.w.now())
	if m.distinct != nil {
		m.distinct[h.Value]++
		n = len(m.distinct)
	}
	m.most = max(m.most, n)
	if n >= m.limit && m.w.may(h.Time) {
		m.w.fire(&Firing{Hit: h}, fire)
	}
}

func (m *threshold) gone(h *Hit) {
	if m.distinct == nil {
		return
	}
	if m.distinct[h.Value]--; m.distinct[h.Value] == 0 {
		delete(m.distinct, h.Value)
	}
}

func (m *threshold) Close(t int64, _ Fire) bool {
	m.w.close(t, m.gone)
	return false // the next hit would have done that
}
func (m *threshold) keep(ms int64)       { m.w.keep(ms) }
func (m *threshold) behind(t int64) bool { return m.w.behind(t) }
func (m *threshold) Idle(t int64) bool   { return m.w.idle(t) }
func (m *threshold) Lost() int           { return m.w.lost }
func (m *threshold) Share() float64      { return min(1, float64(m.most)/float64(m.limit)) }
func (m *threshold) Short() string {
	what := "records"
	if m.distinct != nil {
		what = "distinct values"
	}
	return fmt.Sprintf("the fullest window of a group had %d of the %d %s that it wants", m.most, m.limit, what)
}
func (m *threshold) Save() ([]byte, error) { return m.w.save() }
func (m *threshold) Load(state []byte) error {
	if m.distinct == nil {
		return m.w.load(state, nil)
	}
	clear(m.distinct)
	return m.w.load(state, func(h *Hit) { m.distinct[h.Value]++ })
}
