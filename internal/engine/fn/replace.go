package fn

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "replace", Usage: "replace(<s:expr>, <find:expr>, <repl:expr>)",
		Summary: "s with every occurrence of a text, or match of a pattern, replaced.",
		Text: "In quotes `find` is literal text, and so is `repl`; empty text is found nowhere. As `/pattern/` it is a regular expression, and in `repl` " +
			"`$1` is what its first group matched, `${name}` what a named group did, and `$0` the whole match; a dollar sign is written `\\\\$`. " +
			"Letter case counts unless the pattern says `(?i)`. Without a match s stays as it is. Null in any argument gives null. An alias is required.",
		Differs: "Empty text to find changes nothing, and in a literal replacement $1 is plain text: our readings. A pattern may look around, where the service has RE2.",
		Examples: lang.Calls(
			`replace("a.b.c", ".", "->")`, `"a->b->c"`,
			`replace("Abc", "abc", "x")`, `"Abc"`,
			`replace("flight/12345678/x", /(flight)\/([0-9]{5,})/, "new-$2-url")`, `"new-12345678-url/x"`,
			`replace("flight/12345678/x", /(?<section>flight)\/(?<id>[0-9]{5,})/, "${id}-${section}")`, `"12345678-flight/x"`,
			`replace("flight/12345678/x", /[0-9]{5,}/, "<$0>")`, `"flight/<12345678>/x"`,
			`replace("cost 5", /[0-9]/, "\\$$0")`, `"cost $5"`,
			`replace("5 6x", /[0-9](?!x)/, "-")`, `"- 6x"`),
	},
	Alias: true,
	Case:  lang.KeepsCase,
	From:  []int{0, 2},
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
	re, err := match.CompileRegexp(r.Pattern)
	if err != nil {
		s.Error(1, "bad-regex", err.Error(), "the syntax is that of RE2 or Java")
		return nil
	}
	repl, known := s.Const(2)
	if !known {
		return func(_ *expr.Env, args []event.Value) (event.Value, error) {
			t, err := re.Template(args[2].Str())
			if err != nil {
				return event.Value{}, err
			}
			return replaceMatches(args[0].Str(), re, t)
		}
	}
	t, err := re.Template(repl.Str())
	if err != nil {
		s.Error(2, "bad-replacement", err.Error(), "$1 and ${name} are groups of the pattern and $0 is the whole match; a dollar sign itself is written \\\\$")
		return nil
	}
	return func(_ *expr.Env, args []event.Value) (event.Value, error) {
		return replaceMatches(args[0].Str(), re, t)
	}
}

// replaceMatches replaces every match of a pattern in s.
func replaceMatches(s string, re *match.Regexp, t match.Template) (event.Value, error) {
	var out []byte
	done := 0
	err := re.Each(s, func(groups []match.Span) bool {
		out = append(out, s[done:groups[0].Start]...)
		out = t.Append(out, s, groups)
		done = groups[0].End
		return fits(len(out)) == nil
	})
	if err != nil {
		return event.Value{}, err
	}
	if done == 0 && out == nil { // no match, or an empty one replaced by nothing at the start
		return event.Text(s), nil
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
