package detection

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

// ExpectSignal is a signal that the package's Cloud SIEM rules must make of a recording.
// What it leaves out may be anything. A signal that no entry describes is a failure.
type ExpectSignal struct {
	Rule       string  `yaml:"rule"`       // id or name
	Name       string  `yaml:"name"`       // as it is shown
	Entity     string  `yaml:"entity"`     // _type-value, a dash in the value doubled
	Severity   *int    `yaml:"severity"`   // 0 to 10
	Suppressed *string `yaml:"suppressed"` // the first reason, up to its colon; "" for a signal that counts
	Count      *int    `yaml:"count"`      // 1 if it is left out
}

// ExpectInsight is an insight that the signals must come to.
type ExpectInsight struct {
	Name     string `yaml:"name"`
	Entity   string `yaml:"entity"`
	Severity string `yaml:"severity"` // LOW, MEDIUM, HIGH or CRITICAL
	Score    *int   `yaml:"score"`
	Count    *int   `yaml:"count"`
}

// RulesDir is the folder of a package's Cloud SIEM rules and settings.
const RulesDir = "rules"

// Tenant is what the package's Cloud SIEM documents set up; nil if it has none. What
// cannot be used is an error.
func (p *Package) Tenant() (*tenant.Tenant, error) {
	if st, err := fs.Stat(p.FS, RulesDir); err != nil || !st.IsDir() {
		return nil, nil
	}
	docs, found, err := tenant.Read([]tenant.Place{{FS: p.FS, Path: RulesDir, Name: path.Join(p.Dir, RulesDir)}})
	if err != nil {
		return nil, err
	}
	t := tenant.New(docs, found)
	if len(t.Rules) == 0 && len(t.Unusable) == 0 {
		return nil, nil
	}
	var wrong []error
	for _, u := range t.Unusable {
		wrong = append(wrong, u.Diagnostic)
	}
	return t, errors.Join(wrong...)
}

// judged reports whether the case says what the Cloud SIEM rules come to.
func (c *Case) judged() bool { return c.Signals != nil || c.Insights != nil }

// siem runs the package's Cloud SIEM rules over a case, and adds what is wrong.
func (r *runner) siem(ctx context.Context, c *Case, d *Verdict) error {
	if !c.judged() {
		return nil
	}
	signals, insights, err := r.made(ctx, c)
	if err != nil {
		return err
	}
	if r.tenant == nil {
		d.Failures = append(d.Failures, "signals: the package has no Cloud SIEM rules in "+RulesDir+"/")
		return nil
	}
	fail := func(format string, args ...any) { d.Failures = append(d.Failures, fmt.Sprintf(format, args...)) }
	if c.Signals != nil {
		unexpected := matchAll(*c.Signals, signals, func(e *ExpectSignal, s *insight.Signal) bool { return e.describes(s) },
			func(e *ExpectSignal, n, want int) { fail("signals: %s: seen %s, want %s", e, times(n), times(want)) },
			func(e *ExpectSignal) *int { return e.Count })
		for _, s := range unexpected {
			fail("signals: %s, which the case does not name", shownSignal(s))
		}
		for i := range *c.Signals { // one that never came: say why
			e := &(*c.Signals)[i]
			if want := countOf(e.Count); want == 0 || e.Rule == "" || anyOf(signals, func(s *insight.Signal) bool { return s.RuleID == e.Rule || strings.EqualFold(s.RuleName, e.Rule) }) {
				continue
			}
			if why, err := r.whySilent(ctx, c, e.Rule); err != nil {
				return err
			} else if why != "" {
				fail("signals: %s", why)
			}
		}
	}
	if c.Insights != nil {
		unexpected := matchAll(*c.Insights, insights, func(e *ExpectInsight, i *insight.Insight) bool { return e.describes(i) },
			func(e *ExpectInsight, n, want int) { fail("insights: %s: seen %s, want %s", e, times(n), times(want)) },
			func(e *ExpectInsight) *int { return e.Count })
		for _, i := range unexpected {
			fail("insights: %s (score %d) on %s, which the case does not name", i.Name, i.Score, i.Entity.ID())
		}
	}
	return nil
}

// made is what the package's Cloud SIEM rules make of a case.
func (r *runner) made(ctx context.Context, c *Case) ([]*insight.Signal, []*insight.Insight, error) {
	if !r.tenantRead {
		var err error
		if r.tenant, err = r.pkg.Tenant(); err != nil {
			return nil, nil, err
		}
		r.tenantRead = true
	}
	if r.tenant == nil {
		return nil, nil, nil
	}
	pass := &tenant.Pass{Tenant: r.tenant, Rules: r.tenant.Rules}
	if err := query.RunTogether(ctx, testRun(c.data), nil, pass.Consumer()); err != nil {
		return nil, nil, err
	}
	signals, insights, _, err := pass.Run.Signals()
	return signals, insights, err
}

// signals tells the severity of each signal that counts, for a case that wants one.
func (r *runner) signals(ctx context.Context, c *Case, see func(what string, s Severity)) error {
	if !c.graded() {
		return nil
	}
	signals, _, err := r.made(ctx, c)
	for _, s := range signals {
		if len(s.Suppressed) == 0 {
			see(s.RuleID, SeverityOfSignal(s.Severity))
		}
	}
	return err
}

// SeverityOfSignal is what a finding of a signal's severity counts as: critical from 8,
// high from 6, medium from 3 (12.2's levels).
func SeverityOfSignal(score int) Severity {
	switch {
	case score >= 8:
		return Critical
	case score >= 6:
		return High
	case score >= 3:
		return Medium
	case score >= 1:
		return Low
	}
	return Informational
}

// whySilent says why a rule made nothing of a case.
func (r *runner) whySilent(ctx context.Context, c *Case, rule string) (string, error) {
	for _, x := range r.tenant.Rules {
		if x.ID == rule || strings.EqualFold(x.Name, rule) {
			w := r.tenant.Why(x)
			if err := query.RunTogether(ctx, testRun(c.data), nil, w.Consumer()); err != nil {
				return "", err
			}
			why, err := w.Why()
			if err != nil {
				return "", err
			}
			return rule + ": " + why.Text, nil
		}
	}
	return fmt.Sprintf("the package has no rule %s that runs", rule), nil
}

// matchAll counts what each expectation describes, names those whose number is wrong,
// and returns what none describes.
func matchAll[E, T any](expect []E, got []*T, describes func(*E, *T) bool, wrong func(e *E, n, want int), count func(*E) *int) (unexpected []*T) {
	for i := range expect {
		n := 0
		for _, g := range got {
			if describes(&expect[i], g) {
				n++
			}
		}
		if want := countOf(count(&expect[i])); n != want {
			wrong(&expect[i], n, want)
		}
	}
	for _, g := range got {
		if !anyOf(expect, func(e E) bool { return describes(&e, g) }) {
			unexpected = append(unexpected, g)
		}
	}
	return unexpected
}

func anyOf[T any](all []T, is func(T) bool) bool {
	for _, x := range all {
		if is(x) {
			return true
		}
	}
	return false
}

func countOf(n *int) int {
	if n == nil {
		return 1
	}
	return *n
}

func (e *ExpectSignal) describes(s *insight.Signal) bool {
	first := ""
	if len(s.Suppressed) > 0 {
		first, _, _ = strings.Cut(s.Suppressed[0], ":")
	}
	return (e.Rule == "" || e.Rule == s.RuleID || strings.EqualFold(e.Rule, s.RuleName)) &&
		(e.Name == "" || e.Name == s.Name) && (e.Entity == "" || e.Entity == s.Entity.ID()) &&
		(e.Severity == nil || *e.Severity == s.Severity) && (e.Suppressed == nil || *e.Suppressed == first)
}

func (e *ExpectSignal) String() string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+" "+value)
		}
	}
	add("rule", e.Rule)
	add("name", e.Name)
	add("entity", e.Entity)
	if e.Severity != nil {
		add("severity", fmt.Sprint(*e.Severity))
	}
	if e.Suppressed != nil {
		add("suppressed", fmt.Sprintf("%q", *e.Suppressed))
	}
	return strings.Join(parts, ", ")
}

func shownSignal(s *insight.Signal) string {
	text := fmt.Sprintf("%s on %s of %s with severity %d", s.Name, s.Entity.ID(), s.RuleID, s.Severity)
	if len(s.Suppressed) > 0 {
		text += ", suppressed: " + strings.Join(s.Suppressed, ", ")
	}
	return text
}

func (e *ExpectInsight) describes(i *insight.Insight) bool {
	return (e.Name == "" || e.Name == i.Name) && (e.Entity == "" || e.Entity == i.Entity.ID()) &&
		(e.Severity == "" || strings.EqualFold(e.Severity, i.Severity)) && (e.Score == nil || *e.Score == i.Score)
}

func (e *ExpectInsight) String() string {
	s := strings.Join(strings.Fields(e.Name+" "+e.Entity+" "+e.Severity), " ")
	if e.Score != nil {
		s += fmt.Sprintf(" score %d", *e.Score)
	}
	return s
}
