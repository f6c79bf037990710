package lang

import (
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Aggregator is an aggregate in one query.
type Aggregator struct {
	Args []event.Slot // fields it reads
	Out  []string     // names of the columns it makes, before "as"
	// Open makes the state of one group.
	Open func() Accumulator
	// Columns, where set, makes the states of many groups at less cost than an
	// Accumulator for each. It gives what those give.
	Columns func() States
}

// Accumulator is the running state of an aggregate for one group.
type Accumulator interface {
	// Add takes a row: its arguments, and its moment for aggregates that care.
	// It returns by how many bytes the state grew. Text in args is lent.
	Add(args []event.Value, at Moment) int
	// Merge adds another state of the same aggregate.
	Merge(Accumulator)
	// Result appends one value for each column of Out.
	Result([]event.Value) []event.Value
	// Save appends the state to dst.
	Save(dst []byte) []byte
	// Load adds a state that was saved, and returns what follows it in src and by
	// how many bytes this state grew. It keeps nothing of src, and panics where src
	// is no saved state.
	Load(src []byte) (rest []byte, grown int)
}

// States are the states of an aggregate for groups that are known by numbers from 0.
type States interface {
	// Grow makes the states of groups up to n, and returns by how many bytes that
	// grew the whole.
	Grow(n int) int
	// Reset forgets all groups.
	Reset()
	// Add takes rows, and returns by how many bytes the states grew.
	Add(*GroupedRows) int
	// Merge adds group other of o to group g.
	Merge(g int32, o States, other int32)
	// Result, Save and Load are as Accumulator's, of group g.
	Result(g int32, dst []event.Value) []event.Value
	Save(g int32, dst []byte) []byte
	Load(g int32, src []byte) (rest []byte, grown int)
}

// GroupedRows are rows of a batch with the group that each belongs to.
type GroupedRows struct {
	Batch   *event.Batch
	Records bool // see Moment
	Rows    []uint16
	Groups  []int32 // by place in Rows
}

// Moment is the moment of a row.
func (r *GroupedRows) Moment(row uint16) Moment { return MomentOf(r.Batch, row, r.Records) }

// States makes the states of groups, of which there are none yet.
func (a *Aggregator) States() States {
	if a.Columns != nil {
		return a.Columns()
	}
	return &single{args: a.Args, vals: make([]event.Value, len(a.Args)), open: a.Open}
}

// single are States that have an Accumulator for each group.
type single struct {
	args []event.Slot
	vals []event.Value
	open func() Accumulator
	of   []Accumulator
}

// singleBytes is what an Accumulator costs besides what it reports.
const singleBytes = 80

func (s *single) Grow(n int) int {
	more := n - len(s.of)
	for len(s.of) < n {
		s.of = append(s.of, s.open())
	}
	return singleBytes * more
}

func (s *single) Reset() {
	clear(s.of) // what is written to disk is to be garbage
	s.of = s.of[:0]
}

func (s *single) Add(r *GroupedRows) (grown int) {
	for i, row := range r.Rows {
		for j, slot := range s.args {
			s.vals[j] = r.Batch.Value(slot, row)
		}
		grown += s.of[r.Groups[i]].Add(s.vals, r.Moment(row))
	}
	return grown
}

func (s *single) Merge(g int32, o States, other int32) { s.of[g].Merge(o.(*single).of[other]) }
func (s *single) Save(g int32, dst []byte) []byte      { return s.of[g].Save(dst) }
func (s *single) Load(g int32, src []byte) ([]byte, int) {
	return s.of[g].Load(src)
}
func (s *single) Result(g int32, dst []event.Value) []event.Value { return s.of[g].Result(dst) }

// Moment is where a row stands in the stream. On messages a later Moment comes
// earlier in the stream (newest first); on records Order counts up.
type Moment struct {
	Time, Receipt int64 // ms
	Pos           uint64
	Records       bool
}

// MomentOf is the moment of a row of a batch.
func MomentOf(b *event.Batch, row uint16, records bool) Moment {
	m := Moment{Records: records}
	if int(row) < len(b.Pos) {
		m.Pos = b.Pos[row]
	}
	if int(row) < len(b.Time) {
		m.Time = b.Time[row]
		m.Receipt = m.Time
	}
	if int(row) < len(b.Receipt) {
		m.Receipt = b.Receipt[row]
	}
	return m
}

// Before reports whether m's row precedes o's in the stream.
func (m Moment) Before(o Moment) bool {
	if m.Records {
		return m.Pos < o.Pos
	}
	if m.Time != o.Time {
		return m.Time > o.Time
	}
	if m.Receipt != o.Receipt {
		return m.Receipt > o.Receipt
	}
	return m.Pos > o.Pos
}
