package format

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

const (
	// restBlocks is for how many blocks a filter that lets most text through
	// is left alone before it is tried again.
	restBlocks = 32
	// passMax is the part of a block's bytes beyond which a filter does not
	// pay: reading a line costs some three times as much as searching it.
	passMax = 0.6
	// valuesMax is how many short values, such as event ids, are looked for at
	// most: with more of them some stand in every line.
	valuesMax = 4
)

// filter finds the lines of JSON that may matter, by literals the query needs.
// It is one goroutine's.
type filter struct {
	set  *match.Set
	rest int // blocks yet to be read without it

	passed int // bytes of the block's lines so far that were let through
}

// newFilter makes a filter of what is needed; nil when nothing that is needed
// can be searched for.
func newFilter(w *input.Want) *filter {
	var texts, numbers match.Witnesses
	for _, n := range w.Need {
		if wit := witness(w, n); n.Slot != event.None && anyNumber(n.Any) {
			numbers = numbers.With(wit)
		} else {
			texts = texts.With(wit)
		}
	}
	if set := texts.JSONSet(match.Folded); set != nil {
		return &filter{set: set}
	}
	// A number of a message's field compares by its size: 1e3 is "1000". On
	// plain lines fields are text as it is spelled. Messages are let through.
	for _, n := range numbers {
		if needles := n.JSONNeedles(match.Folded); needles != nil {
			return &filter{set: match.NewSet(append(needles, match.Exact(`"_raw"`))...)}
		}
	}
	for _, n := range w.Need {
		if needles := values(w, n); needles != nil {
			return &filter{set: match.NewSet(append(needles, match.Exact(`"_raw"`))...)}
		}
	}
	return nil
}

// values is what to look for where a need is of whole values too short to be
// looked for otherwise, such as event ids; nil when that is of no use.
func values(w *input.Want, n input.Need) []match.Literal {
	if n.At != expr.Whole || n.Slot == event.None || len(n.Any) > valuesMax {
		return nil
	}
	translated, ok := translations(w, n)
	needles := match.NewWitness(n.Any...).JSONValues()
	if !ok {
		return nil
	}
	if needles == nil || len(translated) == 0 {
		return needles
	}
	more := match.NewWitness(translated...).JSONNeedles(match.Folded)
	if more == nil {
		return nil
	}
	return append(needles, more...)
}

// translations are the texts that stand in an event for what a need is of.
func translations(w *input.Want, n input.Need) (texts []string, ok bool) {
	if n.Slot == event.None || w.NoMap {
		return nil, true
	}
	return mapping.Translations(w.Layout.Name(n.Slot), n.Any, n.At == expr.Whole)
}

// witness is what a need says about an event's text; nil when that is nothing,
// because the field's values are made in ways of their own, or mere marks.
func witness(w *input.Want, n input.Need) *match.Witness {
	translated, ok := translations(w, n)
	if !ok {
		return nil
	}
	var pieces []string
	for _, l := range append(slices.Clip(n.Any), translated...) {
		pieces = append(pieces, longest(l))
	}
	return match.NewWitness(pieces...)
}

// longest is the longest piece of a literal without characters that XML escapes:
// events are XML, also inside JSON.
func longest(literal string) (best string) {
	for _, p := range strings.FieldsFunc(literal, func(r rune) bool { return strings.ContainsRune(`&<>'"`, r) }) {
		if len(p) > len(best) {
			best = p
		}
	}
	return best
}

// textNeeds readies the search for events of text that may meet all needs; nil
// when they all have to be read. needles are looked for besides: what the format
// may write any character as.
func textNeeds(w *input.Want, needles []match.Literal) *match.Set {
	var best *match.Witness
	for _, n := range w.Need {
		if wit := witness(w, n); wit != nil && !n.Written && wit.JSONNeedles(match.Folded) != nil {
			best = match.And(best, wit)
		}
	}
	if best == nil {
		return nil
	}
	return match.NewSet(append(best.JSONNeedles(match.Folded), needles...)...)
}

func anyNumber(texts []string) bool {
	for _, t := range texts {
		if _, ok := event.ParseNumber(t); ok {
			return true
		}
	}
	return false
}

// begin readies the filter for a block and says whether to use it there.
func (f *filter) begin() bool {
	if f == nil {
		return false
	}
	if f.rest > 0 {
		f.rest--
		return false
	}
	f.passed = 0
	return true
}

// end looks back on a block of n bytes.
func (f *filter) end(n int) {
	if float64(f.passed) > passMax*float64(n) {
		f.rest = restBlocks
	}
}

// next returns where the next line begins that may matter, at or after the
// beginning of a line, and how many lines are passed over; the end of data when
// there is none.
func (f *filter) next(data []byte, at int) (start, skipped int) {
	hit := f.set.Index(data, at)
	if hit < 0 {
		skipped = bytes.Count(data[at:], newline)
		if n := len(data); n > at && data[n-1] != '\n' {
			skipped++
		}
		return len(data), skipped
	}
	// Where hits are close the lines between are gone through one by one, which
	// is quicker than to count them and look back for the beginning of the last.
	for range stepsMax {
		n := bytes.IndexByte(data[at:hit], '\n')
		if n < 0 {
			return at, skipped
		}
		at += n + 1
		skipped++
	}
	start = at + lastNewline(data[at:hit]) + 1
	return start, skipped + bytes.Count(data[at:start], newline)
}

// stepsMax is how many lines next goes through one by one.
const stepsMax = 12

// lastNewline is bytes.LastIndexByte for a line end, which looks at one byte
// after the other.
func lastNewline(b []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	n := len(b)
	for ; n >= 16; n -= 16 {
		v := binary.LittleEndian.Uint64(b[n-16:]) ^ '\n'*ones
		w := binary.LittleEndian.Uint64(b[n-8:]) ^ '\n'*ones
		if ((v-ones)&^v|(w-ones)&^w)&highs != 0 {
			break
		}
	}
	for ; n >= 8; n -= 8 {
		w := binary.LittleEndian.Uint64(b[n-8:]) ^ '\n'*ones
		// The lowest mark is always right, higher ones may not be.
		if (w-ones)&^w&highs != 0 {
			break
		}
	}
	return bytes.LastIndexByte(b[:n], '\n')
}

var newline = []byte{'\n'}
