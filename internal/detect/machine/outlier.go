package machine

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// OutlierRule is what an outlier rule asks (6.6). Times are in ms.
type OutlierRule struct {
	Function   string // one of Functions
	Bucket     int64  // an hour or a day, in UTC
	Learning   int64
	Retention  int64
	Deviations float64
	Floor      float64
	// SkipEmpty leaves buckets without records out of the history, which otherwise
	// count as 0 from the key's first record on.
	SkipEmpty bool
}

// outlier fires when a bucket's value stands out from the key's history.
type outlier struct {
	rule  *OutlierRule
	lost  int
	begun bool
	first int64 // time of the key's first record

	past  []bucket // completed, in order, within the retention
	start int64    // of the bucket that is open
	open  []*Hit   // the first and last of its records
	total int
	sum   fold
	has   map[string]bool // distinct values
	fired bool
	limit float64 // what the bucket's value has to exceed, once reckoned
	ready bool
	known bool

	short string  // why the highest value did not fire
	share float64 // of the limit
}

type bucket struct {
	Start int64
	Value float64
}

// NewOutlier is a key's history.
func NewOutlier(r *OutlierRule) Machine { return &outlier{rule: r} }

// early are the functions whose value is checked at every record; the others' is
// when the bucket has ended (18, R15).
var early = map[string]bool{"count": true, "count_distinct": true, "sum": true, "max": true}

func (m *outlier) Take(h *Hit, fire Fire) {
	start := floorDiv(h.Time, m.rule.Bucket) * m.rule.Bucket
	if !m.begun {
		m.begun, m.first, m.start = true, h.Time, start
	} else if start > m.start {
		m.end(fire)
		m.start = start
	} else if start < m.start {
		m.lost++ // its bucket has been judged
		return
	}
	m.total++
	if len(m.open) == 2*shown {
		copy(m.open[shown:], m.open[shown+1:])
		m.open = m.open[:2*shown-1]
	}
	m.open = append(m.open, h)
	m.sum = join(m.sum, one(h.Args[0]))
	if m.rule.Function == "count_distinct" && !h.Args[0].IsNull() {
		if m.has == nil {
			m.has = map[string]bool{}
		}
		m.has[h.Args[0].String()] = true
	}
	if early[m.rule.Function] {
		m.check(h, fire)
	}
}

// AtEnd says whether an outlier rule with a function fires when its bucket has ended,
// not while it grows (18, R15).
func AtEnd(function string) bool { return !early[function] }

// check fires once for the open bucket if its value stands out.
func (m *outlier) check(h *Hit, fire Fire) {
	if m.fired {
		return
	}
	if h.Time-m.first < m.rule.Learning {
		if m.nearer(float64(h.Time-m.first) / float64(m.rule.Learning) / 2) {
			m.short = fmt.Sprintf("the history learns for %s, and its records span %s; --baseline or --state gives older logs", span(m.rule.Learning), span(h.Time-m.first))
		}
		return
	}
	value := m.sum.value(m.rule.Function, len(m.has))
	x, ok := number(value)
	if !ok || !(x > m.rule.Floor) {
		if m.nearer(0.5) {
			m.short = fmt.Sprintf("no value exceeded the floor of %v", m.rule.Floor)
		}
		return
	}
	if !m.known {
		m.limit, m.ready = m.usual()
		m.known = true
	}
	switch {
	case !m.ready:
		if m.nearer(0.6) {
			m.short = "a history wants two completed buckets, and there were fewer"
		}
	case x <= m.limit:
		if m.nearer(0.7 + 0.2*x/max(x, m.limit)) {
			m.short = fmt.Sprintf("the highest value was %.4g, and it had to exceed %.4g: the mean and %v standard deviations", x, m.limit, m.rule.Deviations)
		}
	default:
		m.fired = fire(&Firing{Hit: h, Records: append([]*Hit(nil), m.open...), Total: m.total, Aggregates: []event.Value{value}})
	}
}

// usual is what a value of the open bucket has to exceed: the mean and so many
// standard deviations (of the population) over the completed buckets that start
// within the retention (18, R13). It is not ready with fewer than two.
func (m *outlier) usual() (limit float64, ready bool) {
	from := max(floorDiv(m.first, m.rule.Bucket)*m.rule.Bucket, ceilDiv(m.start-m.rule.Retention, m.rule.Bucket)*m.rule.Bucket)
	n := max(0, (m.start-from)/m.rule.Bucket)
	var values []float64
	for _, b := range m.past {
		if b.Start >= from {
			values = append(values, b.Value)
		}
	}
	if m.rule.SkipEmpty {
		n = int64(len(values))
	}
	if n < 2 {
		return 0, false
	}
	var sum float64
	for _, v := range values {
		sum += v
	}
	mean := sum / float64(n)
	squares := float64(n-int64(len(values))) * mean * mean // of the empty ones
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	return mean + m.rule.Deviations*math.Sqrt(squares/float64(n)), true
}

// end completes the open bucket.
func (m *outlier) end(fire Fire) {
	if m.total == 0 {
		return
	}
	if !early[m.rule.Function] {
		m.check(m.open[len(m.open)-1], func(f *Firing) bool {
			f.Known = m.start + m.rule.Bucket
			return fire(f)
		})
	}
	if x, ok := number(m.sum.value(m.rule.Function, len(m.has))); ok {
		m.past = append(m.past, bucket{m.start, x})
	}
	old := 0
	for old < len(m.past) && m.past[old].Start < m.start-m.rule.Retention {
		old++
	}
	m.past = m.past[old:]
	m.open, m.total, m.sum, m.has, m.fired, m.known = nil, 0, fold{}, nil, false, false
}

func (m *outlier) Close(t int64, fire Fire) bool {
	if m.total == 0 || t < m.start+m.rule.Bucket {
		return false
	}
	m.end(fire)
	return true
}

func (m *outlier) Idle(int64) bool { return !m.begun }
func (m *outlier) Lost() int       { return m.lost }
func (m *outlier) Share() float64  { return m.share }
func (m *outlier) Short() string   { return m.short }

// nearer says whether a value came nearer to firing than those before it.
func (m *outlier) nearer(share float64) bool {
	if m.short != "" && !(share > m.share) {
		return false
	}
	m.share = share
	return true
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func ceilDiv(a, b int64) int64 { return -floorDiv(-a, b) }

const outlierVersion = 1

type savedOutlier struct {
	Version  int
	Begun    bool
	First    int64
	Past     []bucket
	Start    int64
	Open     []savedHit
	Total    int
	Fold     savedFold
	Distinct []text
	Fired    bool
	Lost     int
}

type savedFold struct {
	N, Numbers, Whole        int64
	Sum                      float64
	Fraction                 bool
	Least, Most, First, Last savedValue
}

func (m *outlier) Save() ([]byte, error) {
	f := savedValues([]event.Value{m.sum.least, m.sum.most, m.sum.first, m.sum.last})
	s := savedOutlier{
		Version: outlierVersion, Begun: m.begun, First: m.first, Past: m.past, Start: m.start, Total: m.total, Fired: m.fired, Lost: m.lost,
		Fold: savedFold{m.sum.n, m.sum.numbers, m.sum.whole, m.sum.sum, m.sum.fraction, f[0], f[1], f[2], f[3]},
	}
	for _, h := range m.open {
		k, err := withData(h)
		if err != nil {
			return nil, err
		}
		s.Open = append(s.Open, k)
	}
	for v := range m.has {
		s.Distinct = append(s.Distinct, text(v))
	}
	return json.Marshal(s)
}

func (m *outlier) Load(state []byte) error {
	var s savedOutlier
	if err := json.Unmarshal(state, &s); err != nil {
		return fmt.Errorf("a history cannot be read: %w", err)
	}
	if s.Version != outlierVersion {
		return fmt.Errorf("a history has version %d, and this program reads version %d", s.Version, outlierVersion)
	}
	*m = outlier{rule: m.rule, begun: s.Begun, first: s.First, past: s.Past, start: s.Start, total: s.Total, fired: s.Fired, lost: s.Lost}
	f := loadedValues([]savedValue{s.Fold.Least, s.Fold.Most, s.Fold.First, s.Fold.Last})
	m.sum = fold{n: s.Fold.N, numbers: s.Fold.Numbers, whole: s.Fold.Whole, sum: s.Fold.Sum, fraction: s.Fold.Fraction, least: f[0], most: f[1], first: f[2], last: f[3]}
	for i := range s.Open {
		m.open = append(m.open, s.Open[i].hit())
	}
	for _, v := range s.Distinct {
		if m.has == nil {
			m.has = map[string]bool{}
		}
		m.has[string(v)] = true
	}
	return nil
}
