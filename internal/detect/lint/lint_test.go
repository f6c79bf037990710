package lint_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/lint"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
	"github.com/gyoji-dev/gyoji/syntax/syntaxtest"
)

var show = flag.String("show", "", "print findings of this check in published queries")

func run(text string) diag.List { return lint.Text(diag.Text("query", text), query.Standard()) }

// check runs all checks over a text of the kind that a check is for.
func check(c *lint.Check, text string) diag.List {
	if c.Sigma != nil {
		return lint.SigmaFiles([]*diag.File{diag.Text("proc_creation_win_example.yml", text)})
	}
	if c.Of() == "siem" {
		if strings.HasPrefix(text, "{") {
			return lint.SIEMRules(diag.Text("rule.json", text))
		}
		return lint.SIEMExpression(diag.Text("expression", text))
	}
	return run(text)
}

// of are the findings that belong to a check.
func of(c *lint.Check, l diag.List) (found diag.List) {
	for _, d := range l {
		if d.Code == c.ID || slices.ContainsFunc(c.Codes, func(p string) bool {
			prefix, ok := strings.CutSuffix(p, "*")
			return p == d.Code || ok && strings.HasPrefix(d.Code, prefix)
		}) {
			found.Add(d)
		}
	}
	return found
}

func TestBadExamplesAreFoundAndGoodOnesAreNot(t *testing.T) {
	for _, c := range lint.Checks() {
		t.Run(c.ID, func(t *testing.T) {
			if c.What == "" || c.Why == "" || len(c.Bad) == 0 && c.ID != "long-query" {
				t.Error("a check has what, why and a bad example")
			}
			for _, text := range c.Bad {
				l := check(c, text)
				if len(of(c, l)) == 0 {
					t.Errorf("not found in\n%s\nbut:\n%s", text, l)
				}
			}
			for _, text := range c.Good {
				if l := of(c, check(c, text)); len(l) > 0 {
					t.Errorf("found in\n%s\n%s", text, l)
				}
			}
		})
	}
}

func TestFixesMendWhatWasFoundAndKeepComments(t *testing.T) {
	for _, c := range lint.Checks() {
		if c.Of() != "query" {
			continue // TestSigmaFixesMendWhatWasFoundAndKeepTheRest
		}
		for _, text := range c.Bad {
			text = "// first\n" + text + " // last"
			before := of(c, run(text))
			if len(before) == 0 || before[0].Fix == nil {
				continue
			}
			fixed := lint.Fix(diag.Text("query", text), query.Standard(), true)
			if l := of(c, run(fixed)); len(l) > 0 {
				t.Errorf("%s: still found after the fix:\n%s\n%s", c.ID, fixed, l)
			}
			if !strings.HasPrefix(fixed, "// first\n") || !strings.HasSuffix(fixed, " // last") {
				t.Errorf("%s: a comment is gone:\n%s", c.ID, fixed)
			}
			if _, l := syntax.Parse(diag.Text("query", fixed), query.Standard()); l.HasErrors() {
				t.Errorf("%s: the fix does not parse:\n%s\n%s", c.ID, fixed, l)
			}
		}
	}
}

func TestAFixThatWouldLoseACommentIsNotOffered(t *testing.T) {
	text := "_sourceCategory=a\n| eval b /* why */ = c"
	for _, d := range run(text) {
		if d.Fix != nil {
			t.Errorf("%v has the fix %+v", d, d.Fix)
		}
	}
	if got := lint.Fix(diag.Text("query", text), query.Standard(), true); got != text {
		t.Errorf("fixed to %q", got)
	}
}

func TestCommentsTakeFindingsBack(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		left int
	}{
		"nothing":            {"_sourceCategory=a\n| where x = \"*b\"\n| where y = \"*b\"", 2},
		"after it":           {"_sourceCategory=a\n| where x = \"*b\" // lint:ignore wildcard-in-equals a star\n| where y = \"*b\"", 1},
		"before a stage":     {"_sourceCategory=a\n// lint:ignore wildcard-in-equals\n| where x = \"*b\"\n  or y = \"*b\"\n| where z = \"*b\"", 1},
		"inside a stage":     {"_sourceCategory=a\n| where x = \"*b\"\n  // lint:ignore wildcard-in-equals\n  or y = \"*b\"", 1},
		"in the whole file":  {"/* lint:ignore-file wildcard-in-equals, dead-branch */\n_sourceCategory=a\n| where x = \"*b\"\n| where y = \"*b\"\n| if (x=1,2,2) as z", 0},
		"of another check":   {"_sourceCategory=a\n| where x = \"*b\" // lint:ignore dead-branch", 2},
		"by the code itself": {"_sourceCategory=a\n| eval x = y // lint:ignore nonportable-eval", 0},
		"by the check":       {"_sourceCategory=a\n| eval x = y // lint:ignore nonportable", 0},
	} {
		if l := run(c.text); len(l) != c.left {
			t.Errorf("%s: %d findings, want %d:\n%s", name, len(l), c.left, l)
		}
	}
}

func TestPublishedQueriesAreCheckedWithoutAPanic(t *testing.T) {
	counts := map[string]int{}
	checked := 0
	for i, q := range syntaxtest.Corpus(t) {
		if testing.Short() && i%5 != 0 {
			continue
		}
		checked++
		for _, d := range run(q.Text()) {
			counts[d.Code]++
			if *show == d.Code && (counts[d.Code]-1)%7 == 0 && counts[d.Code] < 7*60 {
				t.Logf("%s\n%s", q.ID, diag.List{d})
			}
			if d.Span.Start < 0 || d.Span.End > len(q.Text()) || d.Span.Start > d.Span.End {
				t.Errorf("%s: %v has the span %v", q.ID, d, d.Span)
			}
		}
	}
	var list []string
	for c, n := range counts {
		list = append(list, fmt.Sprintf("%6d %s", n, c))
	}
	slices.Sort(list)
	t.Logf("%d queries\n%s", checked, strings.Join(list, "\n"))
}
