package convert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/siem"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
	"github.com/gyoji-dev/gyoji/sigma"
)

// FromSIEM writes a rule of Cloud SIEM as Sigma documents: a match rule as a rule, a
// threshold as a rule and a correlation for each entity, a chain as a rule for each step
// and a correlation. What Sigma cannot say refuses the rule, with its place; notes are
// what it says a little otherwise.
func FromSIEM(r *ruledoc.Rule) (text string, found diag.List) {
	w := &siemWriter{r: r}
	text, err := w.write()
	if err != nil {
		at := w.at
		if at == (diag.Span{}) {
			at = r.Doc.Body.At
		}
		w.found.Add(&diag.Diagnostic{Severity: diag.Error, Code: "not-in-sigma", File: r.Doc.File, Span: at, Message: r.Name + ": " + err.Error()})
		return "", w.found
	}
	return text, w.found
}

type siemWriter struct {
	r     *ruledoc.Rule
	at    diag.Span // what is being read
	found diag.List
	steps []siemStep
}

// siemStep is one condition of the rule.
type siemStep struct {
	siemCase
	reader *siemReader
}

// note says once what Sigma says a little otherwise.
func (w *siemWriter) note(format string, args ...any) {
	d := &diag.Diagnostic{Severity: diag.Note, Code: "in-sigma", File: w.r.Doc.File, Span: w.r.Doc.Body.At, Message: fmt.Sprintf(format, args...)}
	if !slices.ContainsFunc(w.found, func(o *diag.Diagnostic) bool { return o.Message == d.Message }) {
		w.found.Add(d)
	}
}

func (w *siemWriter) write() (string, error) {
	r := w.r
	m := w.about()
	switch r.What {
	case ruledoc.MatchRule:
		if err := w.read(r.Expression); err != nil {
			return "", err
		}
		return ruleText(w.predicate(0), m, nil), nil
	case ruledoc.ThresholdRule:
		c := &Count{Type: sigma.EventCount, Timespan: span(r.Window), Bounds: []sigma.Bound{{Op: sigma.Ge, Count: float64(r.Limit)}}}
		if r.Distinct {
			c.Type = sigma.ValueCount
		}
		return w.counted(m, c, r.CountField)
	case ruledoc.AggregationRule:
		c, field, err := w.aggregated()
		if err != nil {
			return "", err
		}
		return w.counted(m, c, field)
	case ruledoc.ChainRule:
		return w.chain(m)
	case ruledoc.FirstSeenRule:
		return "", refusedf("Sigma has nothing for a first seen rule: its rules know no past")
	}
	return "", refusedf("Sigma has nothing for an outlier rule: its rules know no past")
}

func span(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// read reads a condition as the next step.
func (w *siemWriter) read(s ruledoc.Source) error {
	w.at = s.At
	x, ds := siem.Parse(diag.Text(w.r.Doc.File.Name, strings.TrimSuffix(s.Text, "\n")))
	if ds.HasErrors() {
		return refusedf("%s", ds[0].Message)
	}
	c, reader, err := readExpression(x)
	if err != nil {
		return err
	}
	w.steps = append(w.steps, siemStep{c, reader})
	w.at = diag.Span{}
	return nil
}

func (w *siemWriter) predicate(step int) *Predicate {
	return &Predicate{LogSource: w.steps[step].source, Cond: w.steps[step].cond}
}

// field is what all steps' events call an attribute.
func (w *siemWriter) field(attribute string) (string, error) {
	name := ""
	for _, s := range w.steps {
		f, err := s.reader.one(asked{name: attribute}, s.reader.places)
		if err != nil {
			return "", err
		}
		if name != "" && f != name {
			return "", refusedf("%s is %s in the events of one step and %s in those of another", attribute, name, f)
		}
		name = f
	}
	return name, nil
}

// groups are the fields of each grouping: an entity's, and those that the rule groups by.
func (w *siemWriter) groups() (out [][]string, err error) {
	var by []string
	for _, g := range w.r.GroupBy {
		f, err := w.field(g)
		if err != nil {
			return nil, err
		}
		by = append(by, f)
		for _, s := range w.steps {
			if s.cond == nil || !hasField(s.cond, f) {
				w.note("a record without %s is in a group of its own in Cloud SIEM, and in none in Sigma", g)
			}
		}
	}
	for _, s := range w.r.Selectors {
		f, err := w.field(s.Attr.Text)
		if err != nil {
			return nil, err
		}
		out = append(out, append([]string{f}, slices.DeleteFunc(slices.Clone(by), func(g string) bool { return g == f })...))
		if e := record.Schema()[s.Attr.Text]; e != nil && slices.Contains([]string{"_username", "_hostname", "_domain"}, e.Entity) {
			w.note("Cloud SIEM counts for a user or host without letter case, and Sigma by the value as it is")
		}
	}
	if out == nil {
		return nil, refusedf("the rule has no entity")
	}
	return out, nil
}

// counted is a rule and, for each grouping, a correlation that counts its events.
func (w *siemWriter) counted(m sigma.Meta, c *Count, field string) (string, error) {
	if err := w.read(w.r.Expression); err != nil {
		return "", err
	}
	if c.Type == sigma.ValueCount {
		var err error
		if c.Field, err = w.field(field); err != nil {
			return "", err
		}
	}
	groups, err := w.groups()
	if err != nil {
		return "", err
	}
	base := w.baseMeta(m, "Each Event", "The events that "+m.Title+" counts.")
	text := ruleText(w.predicate(0), base, nil)
	return text + w.correlations(c, groups, []string{base.Name}, m), nil
}

// correlations are those of each grouping.
func (w *siemWriter) correlations(c *Count, groups [][]string, rules []string, m sigma.Meta) (text string) {
	for _, by := range groups {
		one, about := *c, m
		one.By = by
		if len(groups) > 1 {
			about.Title += ", by " + by[0]
		}
		text += "---\n" + correlationText(&one, rules, about, nil)
	}
	return text
}

func (w *siemWriter) baseMeta(m sigma.Meta, what, description string) sigma.Meta {
	title := m.Title + ", " + what
	return sigma.Meta{
		Title: title, ID: idOf(w.r.ID + title), Name: strings.Trim(notInNames().ReplaceAllString(strings.ToLower(title), "_"), "_"),
		Status: m.Status, Level: sigma.Informational, Description: description,
	}
}

func (w *siemWriter) chain(m sigma.Meta) (string, error) {
	for i, s := range w.r.Steps {
		if s.Limit != 1 {
			w.at = s.Expression.At
			return "", refusedf("step %d wants %d records, and a correlation of Sigma over time wants one of each rule", i+1, s.Limit)
		}
		if err := w.read(s.Expression); err != nil {
			return "", err
		}
	}
	groups, err := w.groups()
	if err != nil {
		return "", err
	}
	var texts, names []string
	for i := range w.steps {
		base := w.baseMeta(m, fmt.Sprintf("Step %d", i+1), fmt.Sprintf("Step %d of %s.", i+1, m.Title))
		names = append(names, base.Name)
		texts = append(texts, ruleText(w.predicate(i), base, nil))
	}
	c := &Count{Type: sigma.Temporal, Timespan: span(w.r.Window)}
	if w.r.Ordered {
		c.Type = sigma.TemporalOrdered
	}
	return strings.Join(texts, "---\n") + w.correlations(c, groups, names, m), nil
}

// aggregated reads an aggregation that counts as a threshold does: one count or
// count_distinct, of which the trigger asks for a least value.
func (w *siemWriter) aggregated() (c *Count, field string, err error) {
	r := w.r
	w.at = r.Trigger.At
	if len(r.Functions) != 1 || !r.GroupByEntity {
		return nil, "", refusedf("Sigma counts the events or values of an entity by one condition, and the rule has %d functions or is not grouped by its entity", len(r.Functions))
	}
	f := r.Functions[0]
	x, ds := siem.Parse(diag.Text(r.Doc.File.Name, r.Trigger.Text))
	if ds.HasErrors() {
		return nil, "", refusedf("%s", ds[0].Message)
	}
	cmp, ok := x.Cond.(*siem.Compare)
	var n *siem.Literal
	if ok {
		name, is := cmp.X.(*siem.Name)
		n, _ = cmp.Y.(*siem.Literal)
		ok = is && name.Name == f.Name && n != nil && n.Kind == siem.Number && (cmp.Op == ">" || cmp.Op == ">=")
	}
	if !ok {
		return nil, "", refusedf("Sigma has nothing for the trigger %s: it compares one count with a number", strings.TrimSpace(r.Trigger.Text))
	}
	c = &Count{Timespan: span(r.Window), Bounds: []sigma.Bound{{Op: map[siem.Op]sigma.Op{">": sigma.Gt, ">=": sigma.Ge}[cmp.Op], Count: n.Number}}}
	arg := strings.TrimSpace(f.Arguments[0].Text)
	switch {
	case f.Function == "count" && strings.EqualFold(arg, "true"):
		c.Type = sigma.EventCount
	case f.Function == "count_distinct" && record.Schema()[arg] != nil:
		c.Type = sigma.ValueCount
	default:
		return nil, "", refusedf("Sigma has nothing for %s(%s): it counts events, and distinct values of a field", f.Function, arg)
	}
	w.at = diag.Span{}
	return c, arg, nil
}

// about is what the rule says of itself.
func (w *siemWriter) about() sigma.Meta {
	r := w.r
	m := sigma.Meta{Title: r.Name, Description: strings.TrimSpace(r.DescriptionTemplate.Text), Status: "stable"}
	if m.Description == "" {
		m.Description = "Written from the Cloud SIEM rule " + r.ID + "."
	}
	switch {
	case !r.Enabled:
		m.Status = "unsupported"
	case r.Prototype:
		m.Status = "experimental"
	}
	score := r.Score
	if s := r.Severity; s != nil {
		score = 0
		if s.Default != nil {
			score = int(*s.Default)
		}
		if s.Type != "constant" {
			w.note("the severity is that of the record's %s, and Sigma has one level for all", s.Field)
		}
	}
	switch {
	case score >= 8:
		m.Level = sigma.Critical
	case score >= 6:
		m.Level = sigma.High
	case score >= 3:
		m.Level = sigma.Medium
	case score >= 1:
		m.Level = sigma.Low
	default:
		m.Level = sigma.Informational
	}
	for _, t := range r.Tags {
		if id, ok := strings.CutPrefix(t, "_mitreAttackTactic:"); ok {
			id, _, _ = strings.Cut(id, " ")
			if known, ok := mapping.TacticNamed(id); ok {
				m.Tags = append(m.Tags, sigma.Tag{Namespace: "attack", Name: known.Short})
			}
		} else if id, ok := strings.CutPrefix(t, "_mitreAttackTechnique:"); ok {
			id, _, _ = strings.Cut(id, " ")
			m.Tags = append(m.Tags, sigma.Tag{Namespace: "attack", Name: strings.ToLower(id)})
		}
	}
	return m
}
