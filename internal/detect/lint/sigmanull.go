package lint

import (
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Check{
	ID: "sigma-null", Severity: diag.Warning,
	What: "null where the text \"null\" is written or the other way round, nothing where null is meant, and the empty text alone where a missing field may be meant.",
	Why: "`null` without quotes is met by an event that lacks the field, `''` by one that has it empty, `'null'` by four letters. " +
		"Sysmon writes `-` or an empty text where others leave a field out, so a filter for missing values asks for each.",
	Bad: []string{
		sigmaExample("CommandLine|contains: 'urlcache'", "CommandLine: 'null'"),
		sigmaExample("CommandLine|contains: 'urlcache'", "CommandLine:"),
		sigmaExample("CommandLine|contains: 'urlcache'", "CommandLine: ''"),
	},
	Good: []string{
		sigmaExample("CommandLine|contains: 'urlcache'", "CommandLine: null"),
		sigmaExample("condition: selection", "filter_null:\n        CommandLine: null\n    filter_empty:\n        CommandLine: ''\n    condition: selection and not 1 of filter_*"),
	},
	Sigma: func(s *Sigma, report Report) {
		missing := map[string]bool{}
		s.Tests(func(t *sigma.Test) {
			for _, v := range t.Values {
				switch v := v.(type) {
				case sigma.Null, sigma.Exists:
					missing[t.Field] = true
				case sigma.String: // - is how Sysmon says that there is nothing
					if text, ok := v.Plain(); ok && text == "-" {
						missing[t.Field] = true
					}
				}
			}
		})
		s.Tests(func(t *sigma.Test) {
			if t.Keyword() || len(t.Modifiers) > 0 {
				return
			}
			for _, g := range t.Given {
				switch g.Value.(type) {
				case sigma.Null:
					if g.Text == "" {
						report(t.Span, "nothing stands here, which is read as null: the field is missing", "write null, or the value")
					}
				case sigma.String:
					switch {
					case strings.EqualFold(g.Text, "null"):
						d := report(g.Span, "this is the text null, not a missing field", "write null without quotes")
						if strings.Trim(s.File.Slice(g.Span), `'"`) == g.Text {
							d.Fix = edit("write null", g.Span, "null")
						}
					case g.Text == "" && !missing[t.Field]:
						report(g.Span, "this is met by an empty text and not by a missing field", "ask for null as well, in another selection").Severity = diag.Note
					}
				}
			}
		})
	},
})
