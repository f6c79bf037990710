package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Check{
	ID: "sigma-reference", Severity: diag.Warning,
	What: "A correlation or a filter that names a rule which is not there, names one twice, or is made of itself.",
	Why: "A correlation without one of its rules does not run; a filter without its rule does nothing. The rules are looked for in all files that are checked " +
		"together, so name the folder of the rules as well. Where there are no other rules at all this is a note.",
	Bad: []string{
		correlationExample("rules: [certutil_fetch, certutil_runs]", "rules: [certutil_fetch, certutil_run]"),
		correlationExample("rules: [certutil_fetch, certutil_runs]", "rules: [certutil_fetch, certutil_runs, certutil_fetch]"),
		correlationExample("rules: [certutil_fetch, certutil_runs]", "rules: [certutil_fetch, certutil_both]"),
		filterExample("rules: [0c5bb8a0-0f5c-4c0e-9d5f-6a2f0f4f3e11]", "rules: [0c5bb8a0-0f5c-4c0e-9d5f-6a2f0f4f3e12]"),
	},
	Good: []string{correlationText, filterText},
	Sigma: func(s *Sigma, report Report) {
		var refs []sigma.Ref
		c, _ := s.Doc.(*sigma.Correlation)
		switch d := s.Doc.(type) {
		case *sigma.Correlation:
			refs = d.Rules
		case *sigma.Filter:
			refs = d.Rules
		}
		for i, ref := range refs {
			found := s.Named(ref)
			for _, before := range refs[:i] {
				if before.Name == ref.Name || found != nil && s.Named(before) == found {
					report(ref.Span, "this rule stands twice", "take one away").Labels = []diag.Label{{Span: before.Span, Text: "first here"}}
				}
			}
			switch {
			case found == nil:
				s.unknown(ref, report)
			case c != nil && s.madeOf(found, c, 0):
				report(ref.Span, "the correlation is made of itself", "name the rules whose matches it counts")
			}
		}
	},
})

// unknown reports a rule that no file has.
func (s *Sigma) unknown(ref sigma.Ref, report Report) {
	var names []string
	for _, d := range s.All {
		if _, filter := d.(*sigma.Filter); !filter && d != s.Doc {
			for _, n := range []string{d.About().Name, d.About().ID} {
				if n != "" {
					names = append(names, n)
				}
			}
		}
	}
	d := report(ref.Span, fmt.Sprintf("no rule that could be read has the id or name %s", ref.Name), "check the rule's file together with this one")
	if len(names) == 0 {
		d.Severity = diag.Note
	}
	if near := diag.Nearest(ref.Name, names); near != "" && !strings.EqualFold(near, ref.Name) {
		d.Help = "did you mean " + near + "?"
		d.Fix = s.rewrite("write "+near, ref.Span, ref.Name, near, false)
	}
}

// madeOf reports whether a document is a correlation, or made of it.
func (s *Sigma) madeOf(d sigma.Document, of *sigma.Correlation, depth int) bool {
	c, ok := d.(*sigma.Correlation)
	if !ok || depth > len(s.All) {
		return false
	}
	if c == of {
		return true
	}
	for _, ref := range c.Rules {
		if s.madeOf(s.Named(ref), of, depth+1) {
			return true
		}
	}
	return false
}

// correlationText is a collection in which no check finds anything.
var correlationText = strings.Replace(sigmaText, "status: test", "name: certutil_fetch\nstatus: test", 1) + `---
title: Certutil Runs
id: 5c1f2d6e-9a54-4a6f-8a0d-3c2b1e7d9f42
name: certutil_runs
status: test
description: Detects certutil.exe when it starts.
references:
    - https://attack.mitre.org/techniques/T1105/
author: gyoji contributors
date: 2026-11-24
tags:
    - attack.command-and-control
    - attack.t1105
logsource:
    category: process_creation
    product: windows
detection:
    selection:
        Image|endswith: '\certutil.exe'
    condition: selection
falsepositives:
    - Administrators
level: low
---
title: Certutil Fetches And Runs Again And Again
id: b0a6a0f4-6f0f-4b1c-9a2f-2d9f5b7c8e13
name: certutil_both
status: test
description: Detects certutil.exe fetching many files and then starting.
author: gyoji contributors
date: 2026-11-24
correlation:
    type: event_count
    rules: [certutil_fetch, certutil_runs]
    group-by:
        - Computer
    timespan: 10m
    condition:
        gte: 5
falsepositives:
    - Administrators who fetch files this way
level: high
`

// correlationExample is correlationText with a piece of it changed.
func correlationExample(from, to string) string { return strings.Replace(correlationText, from, to, 1) }

// filterText is a rule with a filter, in which no check finds anything.
var filterText = sigmaText + `---
title: Not On The Update Server
id: 7d0c2b1a-4e3f-4d5c-8b6a-9f8e7d6c5b4a
description: The update server fetches files this way.
logsource:
    category: process_creation
    product: windows
filter:
    rules: [0c5bb8a0-0f5c-4c0e-9d5f-6a2f0f4f3e11]
    server:
        Computer: 'UPDATE-01'
    condition: not server
`

// filterExample is filterText with a piece of it changed.
func filterExample(from, to string) string { return strings.Replace(filterText, from, to, 1) }
