package machine

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Trigger says whether a rule's trigger expression holds: of the functions' values
// and the hit that brought them about.
type Trigger func(values []event.Value, h *Hit) bool

// aggregation fires when its trigger holds for aggregates over the window (6.4).
type aggregation struct {
	w       window
	values  []*sliding
	trigger Trigger
	names   []string
	last    []event.Value // the functions' values when the trigger last did not hold
}

// NewAggregation is a group of an aggregation rule. functions are names of
// Functions, size is the window in ms.
func NewAggregation(functions []string, trigger Trigger, size int64) Machine {
	m := &aggregation{w: window{Size: size, Most: MaxRecords}, trigger: trigger, names: functions}
	m.reset()
	return m
}

func (m *aggregation) reset() {
	m.values = nil
	for _, f := range m.names {
		m.values = append(m.values, newSliding(f))
	}
}

// Take examines the group at every hit (18, R17).
func (m *aggregation) Take(h *Hit, fire Fire) {
	switch {
	case m.w.late(h):
		m.w.again(h, m.reset, m.take, fire)
	case !m.w.copied(h):
		m.take(h, fire)
	}
}

func (m *aggregation) take(h *Hit, fire Fire) {
	m.w.push(h, m.gone)
	m.add(h)
	if !m.w.may(h.Time) {
		return
	}
	values := make([]event.Value, len(m.values))
	for i, v := range m.values {
		values[i] = v.value()
	}
	if m.trigger(values, h) {
		m.w.fire(&Firing{Hit: h, Aggregates: values}, fire)
	} else {
		m.last = values
	}
}

func (m *aggregation) add(h *Hit) {
	for i, v := range m.values {
		v.push(h.Args[i])
	}
}

func (m *aggregation) gone(h *Hit) {
	for i, v := range m.values {
		v.pop(h.Args[i])
	}
}

func (m *aggregation) Close(t int64, _ Fire) bool {
	m.w.close(t, m.gone)
	return false // the next hit would have done that
}
func (m *aggregation) keep(ms int64)       { m.w.keep(ms) }
func (m *aggregation) behind(t int64) bool { return m.w.behind(t) }
func (m *aggregation) Idle(t int64) bool   { return m.w.idle(t) }
func (m *aggregation) Lost() int           { return m.w.lost }
func (m *aggregation) Share() float64      { return min(0.9, float64(len(m.w.now()))/MaxRecords) }
func (m *aggregation) Short() string {
	var parts []string
	for i, v := range m.last {
		parts = append(parts, m.names[i]+" "+v.String())
	}
	return "the trigger did not hold; the functions of the largest group came to " + strings.Join(parts, ", ")
}
func (m *aggregation) Save() ([]byte, error) { return m.w.save() }
func (m *aggregation) Load(state []byte) error {
	m.reset()
	return m.w.load(state, m.add)
}
