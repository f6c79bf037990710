package lint

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Check{
	ID: "sigma-regex", Severity: diag.Note,
	What: "A regular expression that a wildcard says as well.",
	Why:  "`contains`, `startswith` and `endswith` are understood by every backend, are faster and ignore letter case, as one mostly wants. To keep letter case add `|cased`.",
	Bad: []string{
		sigmaExample("CommandLine|contains: 'urlcache'", "CommandLine|re: '.*urlcache.*'"),
		sigmaExample("CommandLine|contains: 'urlcache'", "CommandLine|re|i: '^certutil'"),
	},
	Good: []string{sigmaExample("CommandLine|contains: 'urlcache'", "CommandLine|re: 'url(cache|fetch)'")},
	Sigma: func(s *Sigma, report Report) {
		s.Tests(func(t *sigma.Test) {
			for i, v := range t.Values {
				re, ok := v.(sigma.Regexp)
				if !ok || re.Start || re.End || i >= len(t.Given) {
					continue
				}
				glob, _, ok := globOf(strings.TrimPrefix(re.Pattern, "(?i)"))
				if !ok {
					continue
				}
				parts := sigma.ParseString(strings.ReplaceAll(glob, `\`, `\\`)).Parts
				inner := strings.Trim(glob, "*")
				modifier := map[[2]bool]string{{true, true}: "|contains", {true, false}: "|endswith", {false, true}: "|startswith", {}: ""}[[2]bool{
					parts[0].Kind == sigma.AnyRun, parts[len(parts)-1].Kind == sigma.AnyRun}]
				if strings.ContainsFunc(inner, unicode.IsControl) { // no YAML in single quotes says that
					continue
				}
				report(t.Given[i].Span, "a wildcard says the same", fmt.Sprintf("write %s%s: '%s'", t.Field, modifier, strings.ReplaceAll(inner, "'", "''")))
			}
		})
	},
})
