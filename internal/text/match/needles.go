package match

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Case says what may have happened to letters between the text of an event and
// the comparison.
type Case bool

const (
	// Folded: the value is compared letter case aside, or went through
	// toLowerCase or toUpperCase.
	Folded Case = false
	// AsWritten: the value holds the literal as it is written in the witness.
	// A folded witness cannot be looked for this way.
	AsWritten Case = true
)

// JSONNeedles are what to look for in JSON text to find every event that meets
// the witness: a line that holds none of them does not. nil when that cannot be
// said, or the literals are too short to be worth it.
//
// A literal is cut at the characters that JSON may write otherwise than by \u
// and four digits, and the rarest piece is taken. What is written by \u is a
// needle itself: such a line may hold anything. A few characters that are not
// ASCII are letters of ASCII in another case (the Kelvin sign is a k), and are
// needles if the letter stands in a piece.
//
// The line is one event and holds it whole; text inside the text, JSON in a
// string of JSON, is found too.
func (w *Witness) JSONNeedles(c Case) []Literal {
	if w == nil {
		return nil
	}
	var pieces []string
	for _, l := range w.Any {
		p := jsonPiece(l, c)
		if len(p) < needleBytesMin {
			return nil
		}
		pieces = append(pieces, p)
	}
	slices.Sort(pieces)
	pieces = slices.Compact(pieces)
	if len(pieces) > witnessMax {
		return nil
	}
	var all []Literal
	for _, p := range pieces {
		if c == AsWritten {
			all = append(all, Exact(p))
		} else {
			all = append(all, AnyCase(p))
		}
	}
	if c == Folded {
		for _, o := range otherCases {
			if slices.ContainsFunc(pieces, func(p string) bool { return strings.Contains(p, o.letter) }) {
				for _, s := range o.spelled {
					all = append(all, Exact(s))
				}
			}
		}
	}
	return append(all, JSONEscape())
}

// JSONValues are what to look for in JSON text to find every event in which some
// value is one of the witness's literals and nothing more: the line of an event
// without any holds none of them. Even "1" can be looked for so, where as a piece
// of some value it stands in every event. nil when that cannot be said: the
// literals must be of digits, which no one writes in two ways, escapes by \u
// aside.
//
// What stands around the value is JSON, JSON in a string of JSON, or XML in one.
func (w *Witness) JSONValues() []Literal {
	if w == nil {
		return nil
	}
	var all []Literal
	for _, l := range w.Any {
		if l == "" || strings.Trim(l, "0123456789") != "" {
			return nil
		}
		value := append(Literal{ByteSet("\":[, \t\r\n" + ">'nrt")}, Exact(l)...) // n, r and t as in \n
		all = append(all, append(value, ByteSet("\",]} \t\r\n"+"<'\\")))
	}
	return append(all, JSONEscape())
}

// otherCases are the characters beyond ASCII that fold to a letter of ASCII;
// TestFoldJoinsAllCases finds that there are no others.
var otherCases = []struct {
	letter  string
	spelled []string
}{
	{"i", []string{"\u0130", "\u0131"}},
	{"k", []string{"\u212a"}},
	{"s", []string{"\u017f"}},
}

// jsonPiece is the rarest piece of a literal that JSON writes in only one way,
// escapes by \u aside.
func jsonPiece(literal string, c Case) (best string) {
	if c == Folded {
		literal = Fold(literal)
	}
	pieces := strings.FieldsFunc(literal, func(r rune) bool {
		return r < ' ' || r == '"' || r == '\\' || r == '/' || r >= utf8.RuneSelf
	})
	for _, p := range pieces {
		if best == "" || rate(Fold(p)) < rate(Fold(best)) {
			best = p
		}
	}
	return best
}

// JSONSet readies the search for lines of JSON that may meet all of some
// witnesses: of the requirements the one whose needles are met least. nil when
// none is usable, and every line has to be read.
func (ws Witnesses) JSONSet(c Case) *Set {
	var best *Witness
	for _, w := range ws {
		if w == nil || w.JSONNeedles(c) == nil {
			continue
		}
		pieces := &Witness{Any: make([]string, len(w.Any))}
		for i, l := range w.Any {
			pieces.Any[i] = jsonPiece(l, c)
		}
		best = And(best, pieces)
	}
	if best == nil {
		return nil
	}
	return NewSet(best.JSONNeedles(c)...)
}
