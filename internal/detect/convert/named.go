package convert

import (
	"regexp/syntax"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// mostNamed is the most names that an expression is written out as.
const mostNamed = 1000

// named are the names that a regular expression for whole values stands for, when it stands for
// names in small letters and nothing else: what a list is, written shorter.
func named(pattern string) (names []event.Value, ok bool) {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || tree.Op != syntax.OpConcat || len(tree.Sub) < 3 ||
		tree.Sub[0].Op != syntax.OpBeginText || tree.Sub[len(tree.Sub)-1].Op != syntax.OpEndText {
		return nil, false
	}
	texts, ok := spelled(&syntax.Regexp{Op: syntax.OpConcat, Sub: tree.Sub[1 : len(tree.Sub)-1]})
	for _, t := range texts {
		if t != strings.ToLower(t) {
			return nil, false
		}
		names = append(names, event.Text(t))
	}
	return names, ok
}

// spelled are the texts that an expression stands for, or not ok when they are too many.
func spelled(re *syntax.Regexp) (texts []string, ok bool) {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{string(re.Rune)}, re.Flags&syntax.FoldCase == 0
	case syntax.OpEmptyMatch:
		return []string{""}, true
	case syntax.OpCapture:
		return spelled(re.Sub[0])
	case syntax.OpQuest:
		texts, ok = spelled(re.Sub[0])
		return append(texts, ""), ok
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				if len(texts) == mostNamed {
					return nil, false
				}
				texts = append(texts, string(r))
			}
		}
		return texts, true
	case syntax.OpAlternate:
		for _, x := range re.Sub {
			more, ok := spelled(x)
			if texts = append(texts, more...); !ok || len(texts) > mostNamed {
				return nil, false
			}
		}
		return texts, true
	case syntax.OpConcat:
		texts = []string{""}
		for _, x := range re.Sub {
			more, ok := spelled(x)
			if !ok || len(texts)*len(more) > mostNamed {
				return nil, false
			}
			var longer []string
			for _, a := range texts {
				for _, b := range more {
					longer = append(longer, a+b)
				}
			}
			texts = longer
		}
		return texts, true
	}
	return nil, false
}
