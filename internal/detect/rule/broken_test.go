package rule_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// A rule that panics is left out and named once; the others find what they find.
func TestARuleThatPanicsStopsNoOther(t *testing.T) {
	sc := rule.NewScope()
	rules := lower(t, sc, "rules.yml", `title: Broken
logsource: {product: linux}
detection: {s: {kind: a, user: u}, condition: s}
---
title: Fine
logsource: {product: linux}
detection: {s: {kind: a}, condition: s}
`)
	set := rule.Compile(sc, rules)
	set.Break(0)
	run := set.Open(&expr.Env{})
	kind, user := sc.Layout.Slot("kind"), sc.Layout.Slot("user")
	found := map[string]int{}
	for range 3 {
		var b event.Batch
		row := b.AddRow(1, 1)
		b.Col(kind).Set(row, event.Text("a"))
		b.Col(user).Set(row, event.Text("u"))
		if err := run.Match(&b, func(i int, rows []uint16) error {
			found[set.Rules()[i].Title] += len(rows)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if found["Fine"] != 3 || found["Broken"] != 0 {
		t.Errorf("found %v", found)
	}
	bugs := set.Failures(0)
	var bug *exec.Bug
	if len(bugs) != 1 || !errors.As(bugs[0], &bug) || !strings.Contains(bugs[0].Error(), `the Sigma rule "Broken"`) || len(bug.Stack) == 0 {
		t.Errorf("failures: %v", bugs)
	}
	if more := set.Failures(1); len(more) != 0 {
		t.Errorf("it is said again: %v", more)
	}
}
