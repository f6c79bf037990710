package format

import (
	"bytes"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// effort bounds what is spent on records that do not end. Whether one does is known
// at its end alone, so a text of many beginnings would be looked through once for
// each: after some of them less is looked at.
type effort struct {
	spent int // bytes looked through in vain
}

// effortMax is how much of a block is looked through in vain before records are
// looked for in effortNear bytes, and twice that before it is in effortNext.
const (
	effortMax  = 32 << 20
	effortNear = 4 << 10
	effortNext = 256
)

// seen is as much of a text as may be looked at.
func (e *effort) seen(text []byte) []byte {
	switch {
	case e.spent < effortMax:
		return text
	case e.spent < 2*effortMax:
		return text[:min(len(text), effortNear)]
	}
	return text[:min(len(text), effortNext)]
}

// end is objectEnd.
func (e *effort) end(data []byte, i int) int {
	text := e.seen(data[i:])
	end := objectEnd(text, 0)
	if end < 0 {
		e.spent += len(text)
		return -1
	}
	return i + end
}

// recordAt is input.RecordAt.
func (e *effort) recordAt(formats []*input.Format, text []byte) (*input.Format, int) {
	i := skipBlank(text, 0)
	if i == len(text) {
		return nil, 0
	}
	whole := text
	switch text[i] {
	case '{', '[':
		if e.end(text, i) < 0 {
			e.spent += len(e.seen(text)) // it is looked through again
			text = e.seen(text)
		}
	case '<':
		if text = e.seen(text); !bytes.Contains(text[i:], eventClose) {
			e.spent += len(text) / 8 // it takes less than to count braces
		}
	}
	f, n := input.RecordAt(formats, text)
	if n == len(text) && len(text) < len(whole) {
		return nil, 0 // it goes on beyond what was looked at
	}
	return f, n
}
