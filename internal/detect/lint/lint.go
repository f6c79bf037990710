// Package lint looks for what runs and is probably not meant: one file for each
// check, with what it finds, why that matters, and queries that tests run.
package lint

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Check is one thing that is looked for. A check has one function for each kind
// of subject it is about.
type Check struct {
	ID       string        // stable, a word; what a suppression names
	Severity diag.Severity // of what the check itself reports
	What     string        // one sentence: what is found
	Why      string        // Markdown: why it matters, and what to do
	Bad      []string      // texts in which it is found: queries, or Sigma rules
	Good     []string      // texts in which it is not

	// Codes are codes of findings that reading and analysing make. They keep
	// their code and are suppressed by it, or by the check's ID.
	Codes []string

	// Query checks a query that compiles.
	Query func(*Query, Report)
	// Sigma checks a Sigma document. The check's examples are Sigma then.
	Sigma func(*Sigma, Report)
	// SIEM checks an expression of Cloud SIEM, SIEMRule a rule of it. The check's
	// examples are expressions or rules then.
	SIEM     func(*SIEM, Report)
	SIEMRule func(*SIEMRule, Report)
	siem     bool // its Codes are of Cloud SIEM
}

// Of is what a check is about: query, sigma or siem.
func (c *Check) Of() string {
	switch {
	case c.Sigma != nil:
		return "sigma"
	case c.SIEM != nil, c.SIEMRule != nil, c.siem:
		return "siem"
	}
	return "query"
}

// Report notes a finding of the check at a place of the text.
type Report func(at diag.Span, message, help string) *diag.Diagnostic

var checks []*Check

func register(c Check) struct{} {
	checks = append(checks, &c)
	return struct{}{}
}

// Checks lists all checks by ID.
func Checks() []*Check {
	lateExamples()
	list := slices.Clone(checks)
	slices.SortFunc(list, func(a, b *Check) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// checkOf finds the check that a code belongs to, nil if none.
func checkOf(code string) *Check {
	for _, c := range checks {
		if c.ID == code || slices.Contains(c.Codes, code) {
			return c
		}
		for _, p := range c.Codes {
			if prefix, ok := strings.CutSuffix(p, "*"); ok && strings.HasPrefix(code, prefix) {
				return c
			}
		}
	}
	return nil
}

// Text checks the text of a query. The findings of reading and analysing it are
// among the result; when the query does not compile they are all of it. Fixes
// never take a comment with them.
func Text(f *diag.File, v *lang.Vocabulary, with ...query.Option) diag.List {
	return Within(context.Background(), f, v, with...)
}

// Within is Text with an end: a fix that is not shown to keep the meaning before ctx is
// done does not say that it does.
func Within(ctx context.Context, f *diag.File, v *lang.Vocabulary, with ...query.Option) diag.List {
	found, compiled := text(f, v, with)
	newGate(ctx, f, v, with, compiled, found).pass(found)
	if compiled != nil {
		found.Sort()
	}
	return found
}

// Quick is Text while somebody types: whether fixes are sound takes much longer than
// all else, so none is among the findings.
func Quick(f *diag.File, v *lang.Vocabulary, with ...query.Option) diag.List {
	found, _ := text(f, v, with)
	for _, d := range found {
		d.Fix = nil
	}
	found.Sort()
	return found
}

// text is Text with fixes that nobody has tried. The query is nil when the text does not compile.
func text(f *diag.File, v *lang.Vocabulary, with []query.Option) (diag.List, *query.Query) {
	q := &Query{File: f, Vocab: v, uses: map[any][]lang.Use{}, facts: map[*syntax.Stage]lang.Facts{}}
	compiled, found := query.Compile(f, v, append(slices.Clone(with), func(sc *lang.Scope) {
		sc.Uses, sc.Told = q.use, func(s *syntax.Stage, f lang.Facts) { q.facts[s] = f }
	})...)
	if compiled == nil {
		if d := OtherLanguage(f); d != nil {
			found.Add(d)
		}
		return found, nil
	}
	q.Tree = compiled.Tree
	q.read()
	for _, c := range Checks() {
		if c.Query == nil {
			continue
		}
		c.Query(q, func(at diag.Span, message, help string) *diag.Diagnostic {
			d := &diag.Diagnostic{Severity: c.Severity, Code: c.ID, File: f, Span: at, Message: message, Help: help}
			found.Add(d)
			return d
		})
	}
	var said []comment
	for _, c := range q.comments {
		said = append(said, comment{c.Pos.Start, c.Text, q.reach(c)})
	}
	q.spareComments(found)
	return suppress(f, said, found), compiled
}

// spareComments takes away fixes that would take a comment away.
func (q *Query) spareComments(l diag.List) {
	for _, d := range l {
		if d.Fix == nil {
			continue
		}
		for _, e := range d.Fix.Edits {
			for _, c := range q.comments {
				if e.Span.Start < c.Pos.End && c.Pos.Start < e.Span.End {
					d.Fix = nil
				}
			}
			if d.Fix == nil {
				break
			}
		}
	}
}

// fixRounds bounds how often fixes are made: one may make room for another.
const fixRounds = 10

// Fix makes the fixes of a text, again and again until there are none: those
// that keep the meaning, or with all set every one. It returns the text as it
// was when it does not compile.
func Fix(f *diag.File, v *lang.Vocabulary, all bool, with ...query.Option) string {
	return fixAll(f, all, func(f *diag.File) diag.List { return Text(f, v, with...) }, func(text string) bool {
		compiled, _ := query.Compile(diag.Text(f.Name, text), v, with...)
		return compiled != nil
	})
}

// fixAll makes the fixes that check offers. Where a text compiles, fixes that
// break it together are made one at a time.
func fixAll(f *diag.File, all bool, check func(*diag.File) diag.List, compiles func(string) bool) string {
	text := f.Text
	for range fixRounds {
		found := check(diag.Text(f.Name, text))
		if found.HasErrors() && !all {
			return text
		}
		var fixes []diag.Fix
		for _, d := range found {
			if d.Fix != nil && (all || d.Fix.Safe) {
				fixes = append(fixes, *d.Fix)
			}
		}
		next := diag.Apply(text, fixes)
		if len(fixes) > 1 && !found.HasErrors() && !compiles(next) {
			next = diag.Apply(text, fixes[:1])
		}
		if next == text {
			break
		}
		text = next
	}
	return text
}
