package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// siemExample is a rule with parts replaced, old before new.
func siemExample(pairs ...string) string {
	text := `{"fields": {
  "name": "Scripts", "enabled": true, "stream": "record",
  "expression": "metadata_deviceEventId = 'Security-4688'",
  "entitySelectors": [{"entityType": "_hostname", "expression": "device_hostname"}],
  "nameExpression": "Script starts {{baseImage}}", "summaryExpression": "{{commandLine}}", "descriptionExpression": "A script.",
  "scoreMapping": {"type": "constant", "default": 3}
}}`
	for i := 0; i < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

var placeholder = match.Lazy(`\{\{\s*([A-Za-z_][A-Za-z0-9_]*)`)

// manyValues are attributes whose value is another one nearly every time.
var manyValues = []string{"commandLine", "parentCommandLine", "pid", "parentPid", "processUid", "parentProcessUid", "uid", "timestamp", "sessionId", "srcPort", "http_url", "description", "flowState"}

var _ = register(Check{
	ID: "siem-template", Severity: diag.Warning,
	What: "A template that names an attribute which records do not have.",
	Why:  "It prints null. Letter case counts.",
	Bad:  []string{siemExample("{{commandLine}}", "{{commandline}}"), siemExample("{{baseImage}}", "{{user}}")},
	Good: []string{siemExample("{{commandLine}}", "{{fields['EventData.LogonId']}} {{ user_username }}")},
	SIEMRule: func(r *SIEMRule, report Report) {
		for _, t := range []ruledoc.Source{r.NameTemplate, r.SummaryTemplate, r.DescriptionTemplate} {
			for _, m := range placeholder().FindAllStringSubmatch(t.Text, -1) {
				if slices.ContainsFunc(r.Functions, func(f ruledoc.Function) bool { return f.Name == m[1] }) {
					continue
				}
				if d := rule.AttributeProblem(m[1]); d != nil {
					report(t.At, fmt.Sprintf("{{%s}} prints null: records have no such attribute", m[1]), d.Help)
				}
			}
		}
	},
})

var _ = register(Check{
	ID: "siem-name-varies", Severity: diag.Warning,
	What: "A signal name with an attribute that is nearly always another one: a command line, a process id, a time.",
	Why:  "The name is what repeats are known by: each of these signals counts again, so one noisy host makes an insight. Put the value into the summary.",
	Bad:  []string{siemExample("{{baseImage}}", "{{commandLine}}")},
	Good: []string{siemExample("", "")},
	SIEMRule: func(r *SIEMRule, report Report) {
		for _, m := range placeholder().FindAllStringSubmatch(r.NameTemplate.Text, -1) {
			if slices.Contains(manyValues, m[1]) {
				report(r.NameTemplate.At, fmt.Sprintf("{{%s}} makes nearly every signal's name another one, and each counts", m[1]), "put it into the summary")
			}
		}
	},
})

var _ = register(Check{
	ID: "siem-severity", Severity: diag.Warning,
	What: "A severity of 0, or one that is read from an attribute which is never filled and has no default.",
	Why:  "A signal of severity 0 adds nothing to any score; without a severity there is no signal.",
	Bad:  []string{siemExample(`"default": 3`, `"default": 0`), siemExample(`"type": "constant", "default": 3`, `"type": "fieldValue", "field": "dstPort", "default": null`)},
	Good: []string{siemExample("", ""), siemExample(`"type": "constant", "default": 3`, `"type": "fieldValue", "field": "normalizedSeverity", "default": 3`)},
	SIEMRule: func(r *SIEMRule, report Report) {
		s := r.Severity
		switch {
		case s == nil || r.Prototype:
		case s.Type == "constant" && s.Default != nil && *s.Default == 0:
			report(s.At, "a severity of 0 adds nothing to any score", "1 to 10")
		case s.Type == "fieldValue" && (s.Default == nil || *s.Default == 0) && r.unfilled(s.Field):
			report(s.At, fmt.Sprintf("no mapper fills %s for %s, and there is no default: this makes no signal", s.Field, r.what()), "give it a default")
		case s.Field != "" && record.Schema()[s.Field] == nil && s.Type != "constant":
			report(s.At, fmt.Sprintf("records have no attribute %s", s.Field), "")
		}
	},
})

var _ = register(Check{
	ID: "siem-one-name", Severity: diag.Warning,
	What: "One name for signals of different severity.",
	Why:  "A signal that repeats a name on an entity within twelve hours is not counted, even if its severity is higher: a weak case hides the strong one that follows. A name takes a value by template: `Browser starts {{baseImage}}`.",
	Bad: []string{
		siemExample(" {{baseImage}}", "", `"type": "constant", "default": 3`, `"type": "fieldValue", "field": "normalizedSeverity", "default": 3`),
		`{"rules": [` + siemExample("", "") + "," + siemExample(`"default": 3`, `"default": 8`) + "]}",
	},
	Good: []string{siemExample("", ""), siemExample(" {{baseImage}}", ""), siemExample(`"type": "constant", "default": 3`, `"type": "fieldValue", "field": "normalizedSeverity", "default": 3`)},
	SIEMRule: func(r *SIEMRule, report Report) {
		for _, b := range r.Before {
			one, known := b.OneSeverity()
			two, known2 := r.OneSeverity()
			if b.NameTemplate.Text == r.NameTemplate.Text && r.NameTemplate.Text != "" && known && known2 && one != two {
				report(r.NameTemplate.At, fmt.Sprintf("the signals of %s have this name, too, and another severity: a strong one after a weak one is not counted", b.Name), "give each a name of its own")
				return
			}
		}
		if s := r.Severity; s != nil && s.Type != "constant" && s.Type != "" && r.NameTemplate.Text != "" && !strings.Contains(r.NameTemplate.Text, "{{") {
			report(r.NameTemplate.At, "weak and strong signals have this one name: a strong one after a weak one is not counted", "put what tells them apart into the name: {{baseImage}}")
		}
	},
})
