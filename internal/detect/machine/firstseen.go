package machine

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// firstSeen fires for values that its baseline does not have (6.5). One machine is
// one baseline: of all records, or of one key.
type firstSeen struct {
	learning  int64
	retention int64
	begun     bool
	first     int64            // time of the first record; never forgotten (18, R11)
	seen      map[digest]int64 // value -> when it was last seen
	crowd     int              // how many values there are when old ones are looked for
	lost      int
	learnt    int   // records that were new while the baseline was learnt
	last      int64 // time of the last record

	fresh map[digest]bool // values that have changed since they were kept; nil where nobody asks
}

// digest stands for a value: 16 bytes of its SHA-256, so that long values cost no
// more than short ones and no log can make two of them look alike.
type digest [16]byte

func digestOf(value string) (d digest) {
	h := sha256.Sum256([]byte(value))
	copy(d[:], h[:])
	return d
}

// MaxValues is how many values one baseline remembers. Beyond it those that were
// not seen for the longest time go, are counted, and may be called new again.
const MaxValues = 10_000_000

var maxValues = MaxValues // smaller in tests

// NewFirstSeen is a baseline: the times to learn and to remember values, in ms.
func NewFirstSeen(learning, retention int64) Machine {
	return &firstSeen{learning: learning, retention: retention, seen: map[digest]int64{}, crowd: 1024}
}

func (m *firstSeen) Take(h *Hit, fire Fire) {
	if h.Null {
		return
	}
	if !m.begun || h.Time < m.first {
		m.begun, m.first = true, h.Time
	}
	value := digestOf(h.Value)
	last, ok := m.seen[value]
	if !ok || h.Time > last {
		m.seen[value] = h.Time
		m.note(value)
		if len(m.seen) > m.crowd {
			m.forget(h.Time)
		}
	}
	m.last = max(m.last, h.Time)
	switch {
	case ok && last >= h.Time-m.retention:
	case h.Time-m.first >= m.learning:
		fire(&Firing{Hit: h, Records: []*Hit{h}, Total: 1})
	default:
		m.learnt++
	}
}

// forget drops values that a record at t finds forgotten anyhow.
func (m *firstSeen) forget(t int64) {
	for v, last := range m.seen {
		if last < t-m.retention {
			delete(m.seen, v)
			m.note(v)
		}
	}
	if len(m.seen) > maxValues {
		oldest := slices.SortedFunc(maps.Keys(m.seen), func(a, b digest) int {
			return cmp.Or(cmp.Compare(m.seen[a], m.seen[b]), bytes.Compare(a[:], b[:]))
		})
		for _, v := range oldest[:len(oldest)-maxValues*9/10] {
			delete(m.seen, v)
			m.note(v)
			m.lost++
		}
	}
	m.crowd = min(max(1024, 2*len(m.seen)), maxValues)
}

func (m *firstSeen) Close(int64, Fire) bool { return false }
func (m *firstSeen) Idle(int64) bool        { return !m.begun }
func (m *firstSeen) Lost() int              { return m.lost }
func (m *firstSeen) Share() float64 {
	return min(1, float64(m.last-m.first)/float64(max(1, m.learning)))
}
func (m *firstSeen) Short() string {
	if m.last-m.first < m.learning {
		return fmt.Sprintf("the baseline learns for %s, and its records span %s: %d new values were learnt, and none of them signals; --baseline or --state gives older logs",
			span(m.learning), span(m.last-m.first), m.learnt)
	}
	return fmt.Sprintf("no value was new after the %s of learning; %d values are known", span(m.learning), len(m.seen))
}

// span is a length of time in ms as people say it.
func span(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	if d >= 48*time.Hour {
		return fmt.Sprintf("%.4g days", d.Hours()/24)
	}
	return d.Round(time.Second).String()
}

func (m *firstSeen) note(v digest) {
	if m.fresh != nil {
		m.fresh[v] = true
	}
}

func (m *firstSeen) track() { m.fresh = map[digest]bool{} }
func (m *firstSeen) kept()  { m.fresh = map[digest]bool{} }

// changed gives a piece for each value, named by its digest: when it was last seen.
func (m *firstSeen) changed(each func(name string, state []byte)) {
	own := binary.AppendUvarint(nil, firstSeenVersion)
	own = binary.AppendVarint(append(own, byte(btoi(m.begun))), m.first)
	each("", binary.AppendUvarint(own, uint64(m.lost)))
	for _, v := range slices.SortedFunc(maps.Keys(m.fresh), func(a, b digest) int { return bytes.Compare(a[:], b[:]) }) {
		last, ok := m.seen[v]
		if !ok {
			each(string(v[:]), nil)
			continue
		}
		each(string(v[:]), binary.AppendVarint(nil, last))
	}
}

func (m *firstSeen) all(each func(name string)) {
	for v := range m.seen {
		each(string(v[:]))
	}
}

func (m *firstSeen) put(name string, state []byte) error {
	broken := fmt.Errorf("a piece of a baseline is not whole")
	if name == "" {
		version, n := binary.Uvarint(state)
		if n <= 0 || len(state) == n {
			return broken
		}
		if version != firstSeenVersion {
			return fmt.Errorf("a baseline has version %d, and this program reads version %d", version, firstSeenVersion)
		}
		state = state[n:]
		m.begun = state[0] == 1
		first, n := binary.Varint(state[1:])
		if n <= 0 {
			return broken
		}
		lost, k := binary.Uvarint(state[1+n:])
		if k <= 0 {
			return broken
		}
		m.first, m.lost = first, int(lost)
		return nil
	}
	last, n := binary.Varint(state)
	if len(name) != len(digest{}) || n <= 0 {
		return broken
	}
	m.seen[digest([]byte(name))] = last
	m.crowd = min(max(1024, 2*len(m.seen)), maxValues)
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

const firstSeenVersion = 1

type savedFirstSeen struct {
	Version int
	Begun   bool
	First   int64
	Seen    []byte // digest and time of each value, in the order of the digests
	Lost    int
}

func (m *firstSeen) Save() ([]byte, error) {
	values := slices.SortedFunc(maps.Keys(m.seen), func(a, b digest) int { return bytes.Compare(a[:], b[:]) })
	seen := make([]byte, 0, 24*len(values))
	for _, v := range values {
		seen = append(seen, v[:]...)
		seen = binary.BigEndian.AppendUint64(seen, uint64(m.seen[v]))
	}
	return json.Marshal(savedFirstSeen{firstSeenVersion, m.begun, m.first, seen, m.lost})
}

func (m *firstSeen) Load(state []byte) error {
	var s savedFirstSeen
	if err := json.Unmarshal(state, &s); err != nil {
		return fmt.Errorf("a baseline cannot be read: %w", err)
	}
	if s.Version != firstSeenVersion {
		return fmt.Errorf("a baseline has version %d, and this program reads version %d", s.Version, firstSeenVersion)
	}
	if len(s.Seen)%24 != 0 {
		return fmt.Errorf("a baseline is cut off after %d bytes", len(s.Seen))
	}
	m.begun, m.first, m.lost = s.Begun, s.First, s.Lost
	m.seen = make(map[digest]int64, len(s.Seen)/24)
	for b := s.Seen; len(b) > 0; b = b[24:] {
		m.seen[digest(b[:16])] = int64(binary.BigEndian.Uint64(b[16:24]))
	}
	m.crowd = min(max(1024, 2*len(m.seen)), maxValues)
	return nil
}
