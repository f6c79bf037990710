package lint

import (
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Check{
	ID: "sigma-regex-case", Severity: diag.Note,
	What: "A regular expression for a path or a command line that takes letter case to the letter.",
	Why:  "Windows does not look at letter case, and all other tests of Sigma ignore it: `|re` alone does not. Who writes `POWERSHELL` passes. Add `|i`.",
	Bad:  []string{sigmaExample("CommandLine|contains: 'urlcache'", "CommandLine|re: 'url(cache|fetch)'")},
	Good: []string{
		sigmaExample("CommandLine|contains: 'urlcache'", "CommandLine|re|i: 'url(cache|fetch)'"),
		sigmaExample("CommandLine|contains: 'urlcache'", "CommandLine|re: '(?i)url(cache|fetch)'"),
		sigmaExample("CommandLine|contains: 'urlcache'", "CommandLine|re: '[A-Za-z]{40}'"),
	},
	Sigma: func(s *Sigma, report Report) {
		s.Tests(func(t *sigma.Test) {
			field := strings.ToLower(t.Field)
			if t.Keyword() || !sigmaPathFields[field] && field != "commandline" && field != "parentcommandline" {
				return
			}
			for i, v := range t.Values {
				re, ok := v.(sigma.Regexp)
				if !ok || re.IgnoreCase || i >= len(t.Given) {
					continue
				}
				tree, err := syntax.Parse(re.Pattern, syntax.Perl)
				if err != nil || !letters(tree) {
					continue
				}
				last := t.Modifiers[len(t.Modifiers)-1].Span
				d := report(t.Given[i].Span, "the expression misses other letter case", "write "+t.Field+"|re|i")
				if s.File.Slice(last) == t.Modifiers[len(t.Modifiers)-1].Name {
					d.Fix = edit("write |i", diag.Span{Start: last.End, End: last.End}, "|i")
				}
				break
			}
		})
	},
})

// letters reports whether a pattern has a word of letters, in one case only,
// that it does not take in the other.
func letters(re *syntax.Regexp) bool {
	if re.Op == syntax.OpLiteral && re.Flags&syntax.FoldCase == 0 {
		run := 0
		for _, r := range re.Rune {
			if run++; !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') {
				run = 0
			}
			if run == 3 {
				return true
			}
		}
	}
	return slices.ContainsFunc(re.Sub, letters)
}
