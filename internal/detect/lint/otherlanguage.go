package lint

import (
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/foreign"
)

var _ = register(Check{
	ID: "other-language", Severity: diag.Warning,
	What: "A query of another product: SPL, KQL, EQL, ES|QL, SQL, Lucene or Kibana, LogScale, or a Sigma rule.",
	Why: "Most of it is read as words to search for, and finds nothing: `process where process.name == \"cmd.exe\"` looks for events with all of these words. " +
		"The finding says the Sumo form of simple queries. Fields of Elastic, Defender and Splunk are written there as Windows and Sysmon call them.",
	Bad: []string{
		"index=windows EventCode=1 | count by Image",
		"process where process.name == \"cmd.exe\"",
		"SELECT * FROM logs WHERE EventID=1",
		"SecurityEvent | where EventID == 4625 | summarize count() by Account",
		"event.code: 1 and process.name: cmd.exe",
		"#repo=a EventID=1 | groupBy([Image])",
	},
	Good: []string{"_sourceCategory=a \"select * from users\"", "* | where EventID = 1 | count by Image"},
	Query: func(q *Query, report Report) {
		if d := OtherLanguage(q.File); d != nil {
			*report(d.Span, d.Message, d.Help) = *d
		}
	},
})

// OtherLanguage recognises a query of another language, whether it compiles or
// not; nil for a Sumo query.
func OtherLanguage(f *diag.File) *diag.Diagnostic {
	l, sumo := foreign.Recognise(f.Text)
	if l == nil {
		return nil
	}
	help := l.Help
	if sumo != "" {
		help = "in Sumo: " + sumo
	}
	start := len(f.Text) - len(strings.TrimLeft(f.Text, " \t\r\n"))
	end := start
	for end < len(f.Text) && f.Text[end] != '\n' {
		end++
	}
	return &diag.Diagnostic{Severity: diag.Warning, Code: "other-language", File: f, Span: diag.Span{Start: start, End: end},
		Message: "this looks like " + l.Name + ", and not like a Sumo query", Help: help}
}
