package lint

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Check{
	ID: "sigma-keys", Severity: diag.Warning,
	What: "A key of a Sigma document that is missing, misspelt or holds what it must not.",
	Why: "The specification names the keys of a rule; others are allowed and nothing reads them, so a misspelt one is lost without a word. " +
		"A rule without a level or a status cannot be chosen by them.",
	Codes: []string{"no-title", "bad-level", "not-text", "not-a-list", "bad-related", "timeframe"},
	Bad: []string{
		sigmaExample("level: high\n", ""),
		sigmaExample("falsepositives:", "falsepostives:"),
		sigmaExample("level: high", "level: urgent"),
		sigmaExample("status: test", "status: finished"),
		correlationExample("group-by:", "group_by:"),
	},
	Good: []string{sigmaExample("", "")},
	Sigma: func(s *Sigma, report Report) {
		if s.Keys == nil {
			return
		}
		for _, k := range s.Keys {
			if !slices.Contains(sigmaKeys, k.Name) {
				// Keys of one's own are allowed; those near a known one are slips.
				if near := diag.Nearest(k.Name, sigmaKeys); near != "" && s.Key(near) == nil {
					d := report(k.Span, fmt.Sprintf("%s is no key of Sigma, and %s is missing", k.Name, near), "did you mean "+near+"?")
					d.Fix = s.rewrite("write "+near, k.Span, k.Name, near, true)
				}
			}
			if k.Name == "status" && !slices.Contains(sigmaStatus, k.Value.Value) {
				d := report(s.at(&k), fmt.Sprintf("%q is no status", k.Value.Value), "write one of "+strings.Join(sigmaStatus, ", "))
				if low := strings.ToLower(k.Value.Value); slices.Contains(sigmaStatus, low) {
					d.Fix = s.rewrite("write "+low, s.at(&k), k.Value.Value, low, true)
				}
			}
			if k.Name == "level" {
				if l, ok := sigma.ParseLevel(k.Value.Value); ok && l.String() != k.Value.Value {
					d := report(s.at(&k), "a level is written in small letters", "write "+l.String())
					d.Fix = s.rewrite("write "+l.String(), s.at(&k), k.Value.Value, l.String(), true)
				}
			}
			if slices.Contains(sigmaLists, k.Name) && k.Value.Kind == yaml.ScalarNode {
				report(s.at(&k), k.Name+" is a list, and here is one value", "put it on a line of its own, after a dash")
			}
		}
		if k := s.Key("correlation"); k != nil && k.Value.Kind == yaml.MappingNode {
			section := &Sigma{File: s.File, Keys: keysOf(s.File, k.Value)}
			for _, k := range section.Keys {
				near := diag.Nearest(k.Name, correlationKeys)
				if slices.Contains(correlationKeys, k.Name) || near == "" || section.Key(near) != nil {
					continue
				}
				d := report(k.Span, fmt.Sprintf("%s is no key of a correlation, and %s is missing", k.Name, near), "did you mean "+near+"?")
				d.Fix = s.rewrite("write "+near, k.Span, k.Name, near, false)
			}
		}
		if s.Rule == nil {
			return
		}
		for _, name := range []string{"status", "level"} {
			if s.Key(name) == nil {
				report(s.Doc.About().Span, "the rule has no "+name, "write "+name+": "+map[string]string{"status": strings.Join(sigmaStatus, ", "), "level": "informational, low, medium, high or critical"}[name])
			}
		}
	},
})

var (
	// Source: Sigma specification 2.1, rules, correlations and filters; the last
	// are those that SigmaHQ's own rules carry beside.
	sigmaKeys = strings.Fields("title id name related taxonomy status description license author references date modified logsource detection correlation filter " +
		"fields falsepositives level tags scope generate action regression_tests_path simulation")
	correlationKeys = strings.Fields("type rules group-by timespan timeframe aliases condition generate")
	sigmaStatus     = []string{"stable", "test", "experimental", "deprecated", "unsupported"}
	sigmaLists      = []string{"references", "tags", "fields", "falsepositives", "scope"}
)

// sigmaText is a rule in which no check finds anything.
const sigmaText = `title: Certutil Fetches A File
id: 0c5bb8a0-0f5c-4c0e-9d5f-6a2f0f4f3e11
status: test
description: Detects certutil.exe when it fetches a file from the network.
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
        CommandLine|contains: 'urlcache'
    condition: selection
falsepositives:
    - Administrators who fetch files this way
level: high
`

// sigmaExample is sigmaText with a piece of it changed.
//
// It is made when the checks are listed: every start of gyoji would pay for all of them.
func sigmaExample(from, to string) string { return lateMark + from + lateMark + to }

// lateMark begins an example that is yet to be made.
const lateMark = "\x00"

// lateExamples makes the examples of checks.
var lateExamples = sync.OnceFunc(func() {
	for _, c := range checks {
		for _, list := range [][]string{c.Bad, c.Good} {
			for i, text := range list {
				if change, late := strings.CutPrefix(text, lateMark); late {
					from, to, _ := strings.Cut(change, lateMark)
					list[i] = strings.Replace(sigmaText, from, to, 1)
				}
			}
		}
	}
})
