// Package machine judges streams of records by the six kinds of Cloud SIEM rules.
// A machine is pure: no clock, no chance, no input or output. It is told of hits,
// records that a rule's expression has let through, in order of event time, and
// says when the rule fires. Who makes hits and what becomes of firings is not its
// business, so that files, tests and a server get the same signals.
// Source: Cloud SIEM as ../shared/spec/cloud-siem.md describes it, sections 6, 7
// and 18; numbers in comments are sections of it.
package machine

import "github.com/gyoji-dev/gyoji/internal/text/event"

// Hit is a record that a rule looks at, in one of the rule's groups.
type Hit struct {
	Time int64  // event time, ms since 1970
	Pos  uint64 // place in the input; breaks ties of time
	Past bool   // it is of a state that was loaded
	Now  int64  // event time that other records had come to when this one came; later than Time of a late one
	UID  string // of the record
	Kind string // of its event: Security-4625
	Said string // what the caller wants back of the record with every firing it is of

	Steps uint64        // of a chain: bit i says that the record fits step i
	Value string        // of a threshold that counts distinct values, and of first seen: the value, as one text
	Null  bool          // there is no Value
	Args  []event.Value // of an aggregation or outlier: the argument of each function

	// Data is what the caller wants back with a firing. It is written down where it is
	// an encoding.BinaryAppender and the firing may come after the hit's own Take: then
	// it comes back as a Saved.
	Data any
}

// Saved is the Data of a hit that was written down.
type Saved []byte

// Firing is a rule's word that its condition is complete.
type Firing struct {
	Hit        *Hit   // the record that completed it
	Records    []*Hit // the records that made it, in order: the first 50 and the last 50 of Total
	Total      int
	Aggregates []event.Value // of an aggregation or outlier: each function's value
	// Known is when the firing could be known, where that is later than its hit: the end
	// of an outlier's bucket. 0 otherwise.
	Known int64
}

// Fire takes a firing and says whether a signal was made of it. One of which none
// is made, because no entity or severity is there, neither begins a quiet time nor
// uses up a bucket (18, R16).
type Fire func(*Firing) (signal bool)

// Machine is the state of one group of a rule.
type Machine interface {
	// Take adds a hit. Hits come in order of time and position; one that comes later than
	// newer ones of its group counts in the windows that it belongs to (see window).
	Take(h *Hit, fire Fire)
	// Close says that no hit before t will come: buckets that end by then are
	// judged, and what cannot matter any more is forgotten. changed is whether a machine
	// that was saved before would now go on otherwise.
	Close(t int64, fire Fire) (changed bool)
	// Idle says whether the machine is at t as if it were new.
	Idle(t int64) bool
	// Lost is how many records were too many to remember.
	Lost() int
	// Share is how much of what it wants the group has had at once, 0 to 1, and Short
	// says in words what it lacked: for who asks why a rule is silent. Neither is saved.
	Share() float64
	Short() string
	// Save writes the state down, Load reads it into a new machine of the same rule.
	Save() ([]byte, error)
	Load([]byte) error
}

// shown is how many of the first and of the last records a firing lists (8.1).
const shown = 50

// brief is the first and the last of hits.
func brief(hits []*Hit) []*Hit {
	if len(hits) <= 2*shown {
		return append([]*Hit(nil), hits...)
	}
	return append(append(make([]*Hit, 0, 2*shown), hits[:shown]...), hits[len(hits)-shown:]...)
}

// MaxRecords is how many records a group remembers unless its rule needs more (7).
const MaxRecords = 10_000
