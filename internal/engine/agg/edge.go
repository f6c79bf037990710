package agg

import (
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// edge is the state of first and last: the value of the row that stands first
// or last in the stream.
type edge struct {
	last bool
	some bool
	at   lang.Moment
	v    held
}

func (e *edge) Add(args []event.Value, at lang.Moment) int {
	switch {
	case !e.some:
	case e.last && at.Before(e.at), !e.last && !at.Before(e.at):
		// Rows of one moment come from one message and arrive in their order, so
		// first keeps what it has and last takes the newcomer.
		return 0
	}
	e.some, e.at = true, at
	return e.v.set(args[0])
}

func (e *edge) Merge(o lang.Accumulator) {
	other := o.(*edge)
	if !other.some {
		return
	}
	if e.some && (e.last && !e.at.Before(other.at) || !e.last && !other.at.Before(e.at)) {
		return
	}
	*e = *other
}

func (e *edge) Result(dst []event.Value) []event.Value { return append(dst, e.v.value()) }

// held is a value with text of its own, whose memory is used again when the
// value changes: a stream read oldest first changes it with every row.
type held struct {
	kind event.Kind
	bits uint64
	text []byte
}

// set takes a value and returns by how many bytes h grew.
func (h *held) set(v event.Value) int {
	before := cap(h.text)
	kind, bits, text := v.Parts()
	h.kind, h.bits, h.text = kind, bits, append(h.text[:0], text...)
	return cap(h.text) - before
}

func (h *held) value() event.Value { return event.FromParts(h.kind, h.bits, string(h.text)) }
