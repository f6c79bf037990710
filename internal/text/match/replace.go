package match

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Template is a replacement for the matches of a pattern: text, and groups that
// stand in it.
type Template []templatePart

type templatePart struct {
	text  string
	group int // -1 for text
}

// Template reads a replacement as Java does: $1 is what group 1 matched, and
// takes as many digits as make a group there is; ${name} a named group's, $0 the
// whole match. A backslash takes the meaning from what follows it.
func (r *Regexp) Template(s string) (Template, error) {
	var t Template
	var text strings.Builder
	put := func(group int) {
		if text.Len() > 0 {
			t = append(t, templatePart{text.String(), -1})
			text.Reset()
		}
		if group >= 0 {
			t = append(t, templatePart{group: group})
		}
	}
	for i := 0; i < len(s); i++ {
		rest := s[i+1:]
		switch {
		case s[i] == '\\' && rest != "":
			i++
			text.WriteByte(s[i])
		case s[i] != '$':
			text.WriteByte(s[i])
		case rest != "" && digit(rest[0]) < 10:
			group, n := digit(rest[0]), 1
			if group >= len(r.names) {
				return nil, fmt.Errorf("the pattern has no group $%d", group)
			}
			for ; n < len(rest) && digit(rest[n]) < 10 && group*10+digit(rest[n]) < len(r.names); n++ {
				group = group*10 + digit(rest[n])
			}
			put(group)
			i += n
		case strings.HasPrefix(rest, "{"):
			name, _, closed := strings.Cut(rest[1:], "}")
			if !closed {
				return nil, fmt.Errorf("the brace of ${%s is not closed", name)
			}
			group := slices.Index(r.names, name)
			if name == "" || group < 0 {
				return nil, fmt.Errorf("the pattern has no group ${%s}", name)
			}
			put(group)
			i += len("{}") + len(name)
		default:
			return nil, errors.New("a dollar sign stands without a group")
		}
	}
	put(-1)
	return t, nil
}

// Append appends what stands for a match in s. A group that took no part stands
// for nothing.
func (t Template) Append(dst []byte, s string, groups []Span) []byte {
	for _, p := range t {
		if p.group < 0 {
			dst = append(dst, p.text...)
		} else if g := groups[p.group]; g.Start >= 0 {
			dst = append(dst, s[g.Start:g.End]...)
		}
	}
	return dst
}
