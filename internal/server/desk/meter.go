package desk

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/store"
)

// meterSchema keeps what the meter counts, so that a start does not forget it.
const meterSchema = `
CREATE TABLE desk_flow (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
`

const (
	// barOf is the time that one bar of a source is of, and bars how many there are: 12 hours.
	barOf = 30 * time.Minute
	bars  = 24
	// flowsMost is how many sources are told apart; further ones are counted as one.
	flowsMost = 10_000
	// arrivalsMost is of how many of the last receipts it is known when they came.
	arrivalsMost = 1 << 16
	// latencyOf is of how many of the last signals the latency is told.
	latencyOf = 1000
	// rateOf is how many seconds the rate is of.
	rateOf = 60
	// meterSaved is how often the counts are written down.
	meterSaved = time.Minute
)

// Meter counts what comes in by where it comes from, on its way into the store. It is a
// collect.Log.
type Meter struct {
	to  *store.Store
	now func() time.Time

	mu       sync.Mutex
	flows    map[flowKey]*flow
	arrivals []arrival // of the last receipts, in order
	seconds  [rateOf]struct {
		at int64 // second
		n  int64
	}
	latencies []int64 // ms from arrival to signal, of the last
	dirty     bool
}

// flowKey is what tells sources apart.
type flowKey struct {
	Category string `json:"category"`
	Source   string `json:"source"`
	Host     string `json:"host"`
}

// flow is what has come from one source.
type flow struct {
	Key      flowKey
	First    int64 // ms
	Last     int64
	Receipts int64
	Messages int64
	Gap      float64 // ms between receipts, the last ones weighing the most
	Delay    float64 // ms from a message's time to its receipt, likewise
	Timed    bool    // Delay is known
	Bar      int64   // number of the last bar, since 1970
	Bars     [bars]int64
}

type arrival struct {
	seq uint64
	at  int64
}

// NewMeter counts on the way to a store.
func NewMeter(to *store.Store) (*Meter, error) {
	db, err := to.DB(Migration)
	if err != nil {
		return nil, err
	}
	m := &Meter{to: to, now: time.Now, flows: map[flowKey]*flow{}}
	rows, err := db.Query(`SELECT body FROM desk_flow`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		f := &flow{}
		if err := errors.Join(rows.Scan(&text), json.Unmarshal([]byte(text), f)); err != nil {
			return nil, err
		}
		m.flows[f.Key] = f
	}
	return m, rows.Err()
}

// Append is the store's, counted.
func (m *Meter) Append(ctx context.Context, receipts ...store.Receipt) (uint64, error) {
	first, err := m.to.Append(ctx, receipts...)
	if err != nil {
		return first, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now().UnixMilli()
	if len(m.arrivals) >= 2*arrivalsMost {
		m.arrivals = slices.Clone(m.arrivals[arrivalsMost:])
	}
	// Two appends may end in another order than they were numbered.
	at := len(m.arrivals)
	for at > 0 && m.arrivals[at-1].seq > first {
		at--
	}
	m.arrivals = slices.Insert(m.arrivals, at, arrival{first, now})
	for i := range receipts {
		m.count(&receipts[i], now)
	}
	return first, nil
}

func (m *Meter) count(r *store.Receipt, now int64) {
	n := int64(len(r.Messages))
	if r.Piece != nil {
		n = int64(r.Piece.Events)
	}
	if n == 0 {
		return
	}
	s := &m.seconds[now/1000%rateOf]
	if s.at != now/1000 {
		s.at, s.n = now/1000, 0
	}
	s.n += n
	k := flowKey{r.Source.Category, cmp.Or(r.Source.Source, r.Source.Name), r.Source.Host}
	f := m.flows[k]
	if f == nil {
		if len(m.flows) >= flowsMost {
			k = flowKey{Category: "(further sources)"}
			f = m.flows[k]
		}
		if f == nil {
			f = &flow{Key: k, First: now}
			m.flows[k] = f
		}
	}
	// The last tenth weighs as much as all before.
	const weight = 0.1
	if f.Receipts > 0 {
		gap := float64(now - f.Last)
		if f.Receipts == 1 {
			f.Gap = gap
		}
		f.Gap += weight * (gap - f.Gap)
	}
	newest, timed := int64(0), false
	for i := range r.Messages {
		if x := &r.Messages[i]; x.Timed && (!timed || x.Time > newest) {
			newest, timed = x.Time, true
		}
	}
	if timed {
		delay := float64(max(now-newest, 0))
		if !f.Timed {
			f.Delay, f.Timed = delay, true
		}
		f.Delay += weight * (delay - f.Delay)
	}
	f.Last = now
	f.Receipts++
	f.Messages += n
	f.turn(now)
	f.Bars[bars-1] += n
	m.dirty = true
}

// turn moves the bars on to a time.
func (f *flow) turn(now int64) {
	bar := now / barOf.Milliseconds()
	if gone := bar - f.Bar; f.Bar == 0 || gone >= bars {
		f.Bars = [bars]int64{}
	} else if gone > 0 {
		copy(f.Bars[:], f.Bars[gone:])
		clear(f.Bars[bars-gone:])
	}
	f.Bar = max(bar, f.Bar)
}

// all are the sources at a time.
func (m *Meter) all(now time.Time) []flow {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []flow
	for _, f := range m.flows {
		c := *f
		c.turn(now.UnixMilli())
		out = append(out, c)
	}
	return out
}

// rate is how many messages came in a second, over the last minute.
func (m *Meter) rate(now time.Time) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := int64(0)
	for _, s := range m.seconds {
		if at := now.Unix() - s.at; at >= 0 && at < rateOf {
			sum += s.n
		}
	}
	return float64(sum) / rateOf
}

// arrived is when the message at a position came; 0 where that is not known any more.
func (m *Meter) arrived(pos uint64) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := sort.Search(len(m.arrivals), func(i int) bool { return m.arrivals[i].seq > pos })
	if i == 0 {
		return 0
	}
	return m.arrivals[i-1].at
}

// lag is how long what has come waits for detection, which has come to a place.
func (m *Meter) lag(place uint64, now time.Time) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := sort.Search(len(m.arrivals), func(i int) bool { return m.arrivals[i].seq >= place })
	if i == len(m.arrivals) {
		return 0
	}
	return max(now.UnixMilli()-m.arrivals[i].at, 0)
}

// news notes how long signals took from the arrival of what completed them.
func (m *Meter) news(n live.News) {
	now := m.now().UnixMilli()
	for _, s := range n.Signals {
		at := m.arrived(s.Pos)
		if at == 0 {
			continue
		}
		m.mu.Lock()
		if len(m.latencies) >= latencyOf {
			m.latencies = m.latencies[1:]
		}
		m.latencies = append(m.latencies, now-at)
		m.mu.Unlock()
	}
}

// latency is the median and the 95th percentile, in ms, of how long the last signals took
// from arrival; -1 where there were none.
func (m *Meter) latency() (half, most int64) {
	m.mu.Lock()
	all := slices.Clone(m.latencies)
	m.mu.Unlock()
	if len(all) == 0 {
		return -1, -1
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)*95/100]
}

// save writes the counts down.
func (m *Meter) save(ctx context.Context, db *sql.DB) error {
	m.mu.Lock()
	if !m.dirty {
		m.mu.Unlock()
		return nil
	}
	m.dirty = false
	m.mu.Unlock()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, f := range m.all(m.now()) {
		id, err := json.Marshal(f.Key)
		if err == nil {
			var text []byte
			if text, err = json.Marshal(f); err == nil {
				_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO desk_flow (id, body) VALUES (?,?)`, string(id), string(text))
			}
		}
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}
