package fn

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/expr"
	"github.com/gyoji-dev/gyoji/lang"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "replace", Usage: "replace(<s:expr>, <find:expr>, <repl:expr>)",
		Summary: "s with every occurrence of a text, or match of a pattern, replaced.",
		Text: "In quotes `find` is literal text, and so is `repl`; empty text is found nowhere. As `/pattern/` it is a regular expression, and in `repl` " +
			"`$1` is what its first group matched, `${name}` what a named group did, and `$0` the whole match; a dollar sign is written `\\\\$`. " +
			"Letter case counts unless the pattern says `(?i)`. Without a match s stays as it is. Null in any argument gives null. An alias is required.",
		Differs: "Empty text to find changes nothing, and in a literal replacement $1 is plain text: our readings.",
		Examples: lang.Calls(
			`replace("a.b.c", ".", "->")`, `"a->b->c"`,
			`replace("Abc", "abc", "x")`, `"Abc"`,
			`replace("flight/12345678/x", /(flight)\/([0-9]{5,})/, "new-$2-url")`, `"new-12345678-url/x"`,
			`replace("flight/12345678/x", /(?<section>flight)\/(?<id>[0-9]{5,})/, "${id}-${section}")`, `"12345678-flight/x"`,
			`replace("flight/12345678/x", /[0-9]{5,}/, "<$0>")`, `"flight/<12345678>/x"`,
			`replace("cost 5", /[0-9]/, "\\$$0")`, `"cost $5"`),
	},
	Alias: true,
	Make:  makeReplace,
})

func makeReplace(s *lang.Site) call {
	if !noRegex(s, 1) {
		return nil
	}
	r, is := s.Regex(1)
	if !is {
		return func(_ *expr.Env, args []event.Value) (event.Value, error) {
			return replaceText(args[0], args[1].Str(), args[2].Str())
		}
	}
	re, err := regexp.Compile(r.Pattern)
	if err != nil {
		s.Error(1, "bad-regex", err.Error(), "the syntax is that of RE2, without lookaround")
		return nil
	}
	repl, known := s.Const(2)
	if !known {
		return func(_ *expr.Env, args []event.Value) (event.Value, error) {
			t, err := parseTemplate(args[2].Str(), re.SubexpNames())
			if err != nil {
				return event.Value{}, err
			}
			return replaceMatches(args[0], re, t)
		}
	}
	t, err := parseTemplate(repl.Str(), re.SubexpNames())
	if err != nil {
		s.Error(2, "bad-replacement", err.Error(), "$1 and ${name} are groups of the pattern and $0 is the whole match; a dollar sign itself is written \\\\$")
		return nil
	}
	return func(_ *expr.Env, args []event.Value) (event.Value, error) { return replaceMatches(args[0], re, t) }
}

// template is a replacement, read: text and the groups that stand in it.
type template []templatePart

type templatePart struct {
	text  string
	group int // -1 for text
}

// parseTemplate reads a replacement for a pattern with the given group names,
// by number, as Java does: $1 takes as many digits as make a group there is,
// and a backslash takes the meaning from what follows.
func parseTemplate(s string, names []string) (t template, err error) {
	var text strings.Builder
	put := func(group int) {
		if text.Len() > 0 {
			t = append(t, templatePart{text.String(), -1})
			text.Reset()
		}
		t = append(t, templatePart{group: group})
	}
	for i := 0; i < len(s); i++ {
		rest := s[i+1:]
		switch {
		case s[i] == '\\' && rest != "":
			i++
			text.WriteByte(s[i])
		case s[i] != '$':
			text.WriteByte(s[i])
		case rest != "" && isDigit(rest[0]):
			group, n := int(rest[0]-'0'), 1
			if group >= len(names) {
				return nil, fmt.Errorf("the pattern has no group $%d", group)
			}
			for ; n < len(rest) && isDigit(rest[n]) && group*10+int(rest[n]-'0') < len(names); n++ {
				group = group*10 + int(rest[n]-'0')
			}
			put(group)
			i += n
		case strings.HasPrefix(rest, "{"):
			name, _, closed := strings.Cut(rest[1:], "}")
			if !closed {
				return nil, fmt.Errorf("the brace of ${%s is not closed", name)
			}
			group := slices.Index(names, name)
			if name == "" || group < 0 {
				return nil, fmt.Errorf("the pattern has no group ${%s}", name)
			}
			put(group)
			i += len("{}") + len(name)
		default:
			return nil, errors.New("a dollar sign stands without a group")
		}
	}
	if text.Len() > 0 {
		t = append(t, templatePart{text.String(), -1})
	}
	return t, nil
}

// replaceMatches replaces every match of a pattern.
func replaceMatches(v event.Value, re *regexp.Regexp, t template) (event.Value, error) {
	s := v.Str()
	all := re.FindAllStringSubmatchIndex(s, -1)
	if all == nil {
		return event.Text(s), nil
	}
	out, done := make([]byte, 0, len(s)), 0
	for _, m := range all {
		out = append(out, s[done:m[0]]...)
		for _, p := range t {
			if p.group < 0 {
				out = append(out, p.text...)
			} else if a, b := m[2*p.group], m[2*p.group+1]; a >= 0 {
				out = append(out, s[a:b]...)
			}
		}
		done = m[1]
		if err := fits(len(out)); err != nil {
			return event.Value{}, err
		}
	}
	return longText(string(append(out, s[done:]...)))
}

// replaceText replaces literal text.
func replaceText(v event.Value, find, repl string) (event.Value, error) {
	s := v.Str()
	n := 0
	if find != "" {
		n = strings.Count(s, find)
	}
	if n == 0 {
		return event.Text(s), nil
	}
	if grow := len(repl) - len(find); grow > 0 && grow > (textMax-min(len(s), textMax))/n {
		return event.Value{}, fits(textMax + 1)
	}
	return event.Text(strings.ReplaceAll(s, find, repl)), nil
}
