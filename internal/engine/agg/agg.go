// Package agg holds the group functions: count, sum, pct and the others, one
// file each.
//
// The state of each is independent of the order in which rows arrive and of how
// they were divided among workers: the same input gives the same bytes at any
// number of workers. Sums are exact and rounded once (see total), and what
// depends on the order of the stream keeps the Moment of its row.
package agg

import (
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// valuesMax is the most values that values joins (spec C.3).
const valuesMax = 100

var words lang.Words

// register adds an aggregate to Words. It is called from variable declarations
// beside each aggregate.
func register(a lang.Aggregate) struct{} {
	words.Aggregates = append(words.Aggregates, &a)
	return struct{}{}
}

// Words returns the package's contribution to a vocabulary.
func Words() lang.Words { return words }

// ofField makes an aggregate of exactly one field, whose column is out.
func ofField(usage, out string, open func() lang.Accumulator) func(*lang.AggSite) lang.Aggregator {
	return func(s *lang.AggSite) lang.Aggregator {
		if !s.Count(1, 1, usage) {
			return broken(out)
		}
		_, slot, ok := s.Field(0)
		if !ok {
			return broken(out)
		}
		return lang.Aggregator{Args: []event.Slot{slot}, Out: []string{out}, Open: open}
	}
}

// broken stands in for an aggregate whose mistake is reported, so that the
// stages behind it still find its columns.
func broken(out ...string) lang.Aggregator {
	return lang.Aggregator{Out: out, Open: func() lang.Accumulator { return nothing(len(out)) }}
}

type nothing int

func (n nothing) Add([]event.Value, lang.Moment) int { return 0 }
func (n nothing) Merge(lang.Accumulator)             {}
func (n nothing) Result(dst []event.Value) []event.Value {
	return append(dst, make([]event.Value, n)...)
}
