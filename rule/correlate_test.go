package rule_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/exec"
	"github.com/gyoji-dev/gyoji/rule"
)

// What a correlation holds is bounded. The matches of one attacker take no more
// for a long name; those of ever new ones end the hunt with the rule's name, and
// so do ever new findings.
func TestCorrelationsHoldWhatTheBudgetAllows(t *testing.T) {
	const text = `title: A
name: a
logsource: {product: linux}
detection: {s: {kind: a}, condition: s}
---
title: Many of one
correlation: {type: event_count, rules: a, group-by: user, timespan: 1h, condition: {gte: %d}}
`
	for _, c := range []struct {
		name        string
		least       int
		users, rows int
		over        bool
		findings    int
	}{
		{"one group", 40000, 1, 40000, false, 1},
		{"a group for each match", 2, 40000, 40000, true, 0},
		{"a finding for each match", 1, 1, 40000, true, 0},
	} {
		sc := rule.NewScope()
		rules := lower(t, sc, "rules.yml", fmt.Sprintf(text, c.least))
		user := sc.Layout.Slot("user")
		co := rule.NewCorrelator(&exec.Budget{Limit: 8 << 20})
		long := strings.Repeat("x", 400)
		var err error
		var batch event.Batch
		for n := 0; n < c.rows && err == nil; {
			batch.Reset()
			for ; batch.N < event.MaxRows && n < c.rows; n++ {
				row := batch.AddRow(int64(n), uint64(n))
				batch.Col(user).Set(row, event.Text(fmt.Sprint(long, n%c.users)))
			}
			err = co.Add(rules[0], &batch, batch.Live)
		}
		findings := 0
		if err == nil {
			err = co.Findings(rules, func(rule.Finding) error { findings++; return nil })
		}
		var over *exec.OverBudget
		switch {
		case errors.As(err, &over) != c.over:
			t.Errorf("%s: %v", c.name, err)
		case c.over && (!strings.Contains(err.Error(), `the correlation "Many of one"`) || !strings.Contains(err.Error(), "matches of the rules")):
			t.Errorf("%s: %v", c.name, err)
		case findings != c.findings:
			t.Errorf("%s: %d findings, want %d", c.name, findings, c.findings)
		}
	}
}
