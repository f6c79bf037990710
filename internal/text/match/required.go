package match

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// known is what is known of the texts that a regular expression matches.
type known struct {
	// whole lists all of them, folded; nil when they are too many to list.
	whole []string
	// any are folded literals of which every match holds one; nil when there
	// are none. It is not filled when whole is.
	any []string
	// cased says that the texts of whole match only as they are written, and
	// anywhere; spelled has them so.
	cased   bool
	spelled []string
}

// requiredOf finds alternatives of which any match of the tree holds one, letter
// case aside; nil when nothing is known. plain is the alternatives as written
// when the pattern matches exactly where one of them stands.
func requiredOf(tree *syntax.Regexp) (any, plain []string) {
	k := knownOf(tree)
	any = k.alternatives()
	if k.cased && any != nil && !slices.Contains(k.spelled, "") {
		plain = k.spelled
	}
	return any, plain
}

// alternatives is what k says must stand in a match.
func (k *known) alternatives() []string {
	if k.whole != nil {
		return usable(k.whole)
	}
	return k.any
}

// usable is literals that say something: nil when one of them stands in every
// text, or in texts that are not UTF-8 in a spelling of its own.
func usable(literals []string) []string {
	if len(literals) == 0 {
		return nil
	}
	for _, l := range literals {
		// A byte that is no UTF-8 is U+FFFD to the engines.
		if l == "" || strings.ContainsRune(l, utf8.RuneError) {
			return nil
		}
	}
	slices.Sort(literals)
	literals = slices.Compact(literals)
	// What holds another alternative says no more than that.
	return slices.DeleteFunc(slices.Clone(literals), func(l string) bool {
		return slices.ContainsFunc(literals, func(o string) bool { return o != l && strings.Contains(l, o) })
	})
}

func knownOf(t *syntax.Regexp) known {
	switch t.Op {
	case syntax.OpEmptyMatch:
		return known{whole: []string{""}, spelled: []string{""}, cased: true}
	case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return known{whole: []string{""}}
	case syntax.OpLiteral:
		s := string(t.Rune)
		if len(s) > alternativeBytesMax {
			// The start of it will do.
			s = s[:alternativeBytesMax]
			for !utf8.ValidString(s) {
				s = s[:len(s)-1]
			}
			return known{any: usable([]string{Fold(s)})}
		}
		return known{whole: []string{Fold(s)}, spelled: []string{s}, cased: t.Flags&syntax.FoldCase == 0}
	case syntax.OpCharClass:
		return knownClass(t.Rune)
	case syntax.OpCapture:
		return knownOf(t.Sub[0])
	case syntax.OpQuest:
		k := knownOf(t.Sub[0])
		if k.whole == nil {
			return known{}
		}
		return either(k, known{whole: []string{""}, spelled: []string{""}, cased: true})
	case syntax.OpPlus:
		k := knownOf(t.Sub[0])
		return known{any: k.alternatives()}
	case syntax.OpRepeat:
		if t.Min == 0 {
			return known{}
		}
		k := knownOf(t.Sub[0])
		return known{any: k.alternatives()}
	case syntax.OpConcat:
		return knownConcat(t.Sub)
	case syntax.OpAlternate:
		k := knownOf(t.Sub[0])
		for _, s := range t.Sub[1:] {
			k = either(k, knownOf(s))
		}
		return k
	}
	return known{}
}

func knownClass(pairs []rune) known {
	k := known{cased: true}
	for i := 0; i+1 < len(pairs); i += 2 {
		for r := pairs[i]; r <= pairs[i+1]; r++ {
			if len(k.spelled) == 2*classLettersMax {
				return known{}
			}
			k.spelled = append(k.spelled, string(r))
			if f := Fold(string(r)); !slices.Contains(k.whole, f) {
				k.whole = append(k.whole, f)
			}
		}
	}
	if len(k.whole) > classLettersMax {
		return known{}
	}
	return k
}

// either is known of what matches a or b.
func either(a, b known) known {
	if a.whole != nil && b.whole != nil && len(a.whole)+len(b.whole) <= alternativesMax {
		return known{
			whole:   append(slices.Clip(a.whole), b.whole...),
			spelled: append(slices.Clip(a.spelled), b.spelled...),
			cased:   a.cased && b.cased,
		}
	}
	x, y := a.alternatives(), b.alternatives()
	if x == nil || y == nil || len(x)+len(y) > alternativesMax {
		return known{}
	}
	return known{any: usable(append(slices.Clip(x), y...))}
}

// knownConcat takes the parts in turn: texts that can be listed are joined as
// long as that stays few, and of all lists the most telling is kept.
func knownConcat(parts []*syntax.Regexp) known {
	run := known{whole: []string{""}, spelled: []string{""}, cased: true}
	var best []string
	broken := false
	for _, p := range parts {
		k := knownOf(p)
		if k.whole != nil {
			if joined, ok := join(run, k); ok {
				run = joined
				continue
			}
		}
		best = telling(best, telling(run.alternatives(), k.alternatives()))
		broken = true
		run = known{whole: []string{""}}
		if len(k.whole) > 0 {
			run = known{whole: k.whole}
		}
	}
	if !broken {
		return run
	}
	return known{any: telling(best, run.alternatives())}
}

// join lists every text of a followed by every one of b, if they are few.
func join(a, b known) (known, bool) {
	if len(a.whole)*len(b.whole) > alternativesMax || len(a.spelled)*len(b.spelled) > 2*alternativesMax {
		return known{}, false
	}
	k := known{cased: a.cased && b.cased}
	for _, x := range a.whole {
		for _, y := range b.whole {
			if len(x)+len(y) > alternativeBytesMax {
				return known{}, false
			}
			k.whole = append(k.whole, x+y)
		}
	}
	if k.cased {
		for _, x := range a.spelled {
			for _, y := range b.spelled {
				k.spelled = append(k.spelled, x+y)
			}
		}
	}
	return k, true
}

// telling picks of two lists of alternatives the one that is met less.
func telling(a, b []string) []string {
	switch {
	case a == nil:
		return b
	case b == nil || rateAny(a) <= rateAny(b):
		return a
	}
	return b
}
