package desk

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/server/sec"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

const (
	// daysShown is of how many days a rule's counts are told.
	daysShown = 14
	// noisyDay is how many signals a day make a rule noisy, over the days in which it fired.
	noisyDay = 100
	// falseLeast is how many closed insights say that a rule is wrong, if more than half of
	// them were false.
	falseLeast = 4
)

// end is the time that the last days are counted back from: now, or where the newest event is
// a day older than that (old evidence, samples) the newest event's.
func (d *Desk) end(ctx context.Context) (time.Time, error) {
	now := d.o.Now()
	newest, err := d.alerts.Newest(ctx)
	if err != nil || newest.IsZero() || now.Sub(newest) < 24*time.Hour {
		return now, err
	}
	return newest, nil
}

// wrong is something that is wrong with a rule.
type wrong struct {
	What string `json:"what"` // cannot, degraded, noisy, false, baseline, name, off
	Text string `json:"text"`
}

// ruleRow is a rule, or a detection of a package, in the list of content.
type ruleRow struct {
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Kind     string         `json:"kind"`   // match, threshold, chain, aggregation, first_seen, outlier, query, sigma
	Source   string         `json:"source"` // builtin, user or package
	Package  string         `json:"package"`
	Enabled  bool           `json:"enabled"`
	Proto    bool           `json:"prototype"`
	Severity *int           `json:"severity"` // null where it depends on the record
	Level    string         `json:"level"`
	Revision int64          `json:"revision"`
	Updated  int64          `json:"updated"`
	By       string         `json:"updatedBy"`
	Last     *int64         `json:"lastFired"`
	Days     []int          `json:"days"` // the last day last
	Count    int            `json:"count"`
	Closed   map[string]int `json:"closed"` // insights with its signals, by how they were closed
	Care     []wrong        `json:"care"`
	Says     string         `json:"says"`
	Tags     []string       `json:"tags"`

	techniques []string
}

// rules are the rules of the tenant and those that are built in, without counts.
func (d *Desk) rules(ctx context.Context) ([]*ruleRow, error) {
	if d.o.Content == nil {
		return nil, nil
	}
	docs, err := d.o.Content.Rules(ctx)
	if err != nil {
		return nil, err
	}
	var out []*ruleRow
	for _, doc := range docs {
		out = append(out, d.ruleRow(doc))
	}
	return out, nil
}

func (d *Desk) ruleRow(doc *sec.Document) *ruleRow {
	x := &ruleRow{ID: doc.ID, Name: doc.Name, Kind: strings.TrimSuffix(doc.Kind, "_rule"), Source: "user", Revision: doc.Revision, Updated: stampOf(doc.Updated), By: doc.UpdatedBy,
		Days: make([]int, daysShown), Closed: map[string]int{}, Care: []wrong{}, Tags: []string{}}
	if doc.Number == 0 {
		x.Source = "builtin"
	}
	if p := d.byRule[doc.ID]; p != nil {
		x.Package = p.Name
	}
	x.Enabled, _ = doc.Body["enabled"].(bool)
	if parsed, err := sec.Parsed(doc); err == nil {
		if r, _ := parsed.Rule(); r != nil {
			x.Proto = r.Prototype
			x.Tags = append(x.Tags, r.Tags...)
			for _, t := range r.Tags {
				if id, ok := strings.CutPrefix(t, "_mitreAttackTechnique:"); ok {
					id, _, _ = strings.Cut(id, " ")
					x.techniques = append(x.techniques, id)
				}
			}
			if n, ok := severityOf(r); ok {
				x.Severity, x.Level = &n, levelOf(n)
			}
		}
	}
	return x
}

// severityOf is the one severity that a rule's signals have; not ok where it depends.
func severityOf(r *ruledoc.Rule) (int, bool) {
	if m := r.Severity; m != nil {
		if m.Type == "constant" && m.Default != nil {
			return int(*m.Default), true
		}
		return 0, false
	}
	return r.Score, true
}

// content is the list of rules and of what packages' queries and Sigma rules look for.
func (d *Desk) content(r *http.Request) (any, error) {
	ctx := r.Context()
	rows, err := d.rules(ctx)
	if err != nil {
		return nil, err
	}
	if d.o.Hunter != nil {
		for _, x := range d.o.Hunter.Detections() {
			rows = append(rows, d.detectionRow(x))
		}
	}
	end, err := d.end(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.counted(ctx, rows, end); err != nil {
		return nil, err
	}
	care := 0
	for _, x := range rows {
		if len(x.Care) > 0 {
			care++
		}
	}
	slices.SortStableFunc(rows, func(a, b *ruleRow) int {
		return cmp.Or(cmp.Compare(min(len(b.Care), 1), min(len(a.Care), 1)), cmp.Compare(b.Count, a.Count), cmp.Compare(rank(b.Level), rank(a.Level)), strings.Compare(a.ID, b.ID))
	})
	if rows == nil {
		rows = []*ruleRow{}
	}
	return map[string]any{"rules": rows, "care": care, "to": end.UnixMilli(), "days": daysShown}, nil
}

// detectionRow is a query of a package, or a Sigma rule.
func (d *Desk) detectionRow(x *hunt.Detection) *ruleRow {
	row := &ruleRow{ID: x.ID, Name: x.Name, Kind: "query", Source: "package", Package: x.Package, Enabled: true, Days: make([]int, daysShown), Closed: map[string]int{}, Care: []wrong{}, Tags: append([]string{}, x.Tags...), Level: short(x.Base.String())}
	if x.Package == "" {
		row.Kind, row.Source = "sigma", "user"
	}
	return row
}

// packaged is the package's query that a detection is; nil for none.
func (d *Desk) packaged(id string) (*detection.Package, *detection.Detection) {
	for _, p := range d.o.Packages {
		if name, ok := strings.CutPrefix(id, p.Folder+"/"); ok {
			if det := p.Detection(name); det != nil {
				return p, det
			}
		}
	}
	return nil, nil
}

// counted gives rules their counts, and says what is wrong with them.
func (d *Desk) counted(ctx context.Context, rows []*ruleRow, end time.Time) error {
	const day = 24 * time.Hour
	last := end.Truncate(day).Add(day) // of the day that the end is on
	from := last.Add(-daysShown * day)
	counts, err := d.alerts.Counts(ctx, from.UnixMilli(), last.UnixMilli())
	if err != nil {
		return err
	}
	fired, err := d.alerts.LastFired(ctx)
	if err != nil {
		return err
	}
	ends, err := d.alerts.Ends(ctx)
	if err != nil {
		return err
	}
	st := d.o.Live.Status()
	building := d.o.Live.Building()
	cannot, warns := map[string]string{}, map[string]string{}
	if t := d.o.Live.Tenant(); t != nil {
		for _, u := range t.Unusable {
			cannot[u.Title] = u.Diagnostic.Message
		}
		for _, w := range t.Warnings {
			for _, r := range t.Rules {
				if w.Code == "one-name" && w.File == r.Doc.File && w.File != nil && strings.HasPrefix(w.Message, r.Name+" ") {
					warns[r.Name] = w.Message
				}
			}
		}
	}
	for _, x := range rows {
		for at, n := range counts[x.ID] {
			if i := int(at - from.UnixMilli()/day.Milliseconds()); i >= 0 && i < daysShown {
				x.Days[i] += n
				x.Count += n
			}
		}
		if at := fired[x.ID]; at != 0 {
			x.Last = &at
		}
		for k, n := range ends[x.ID] {
			x.Closed[k] = n
		}
		d.judge(x, st, building[x.ID], cannot)
		if text := warns[x.Name]; text != "" {
			x.Care = append(x.Care, wrong{"name", text})
		}
	}
	return nil
}

// judge says what is wrong with a rule, and how it stands in a sentence.
func (d *Desk) judge(x *ruleRow, st live.Status, build *live.Build, cannot map[string]string) {
	add := func(what, format string, args ...any) {
		x.Care = append(x.Care, wrong{what, fmt.Sprintf(format, args...)})
	}
	if why := cannot[x.Name]; why != "" {
		add("cannot", "Cannot run: %s", why)
	}
	for _, g := range st.Degraded {
		if id, why, _ := strings.Cut(g, ":"); id == x.ID {
			add("degraded", "Forgets: %s", strings.TrimSpace(why))
		}
	}
	if build != nil {
		switch {
		case build.Problem != "":
			add("baseline", "Its baseline could not be built: %s", build.Problem)
		case !build.Done:
			add("baseline", "Pending Baseline: %d %%", build.Percent())
		}
	}
	days := 0
	for _, n := range x.Days {
		if n > 0 {
			days++
		}
	}
	if days > 0 && x.Count/days >= noisyDay {
		add("noisy", "Noisy: %d signals a day", x.Count/days)
	}
	total, false_ := 0, x.Closed["False Positive"]
	for _, n := range x.Closed {
		total += n
	}
	if total >= falseLeast && false_*2 > total {
		add("false", "%d of %d closed insights were false", false_, total)
	}
	switch {
	case !x.Enabled:
		x.Says = "It is switched off."
	case len(x.Care) > 0:
		x.Says = x.Care[0].Text + "."
	case x.Last == nil:
		x.Says = "It runs, and has not fired yet."
	default:
		x.Says = fmt.Sprintf("It runs; %s in %d days.", plural(x.Count, "signal"), daysShown)
	}
	if real := x.Closed["Resolved"]; total > 0 {
		x.Says += fmt.Sprintf(" %d of %d closed insights were real.", real, total)
	}
}

// oneRule is a rule with its document.
func (d *Desk) oneRule(r *http.Request) (any, error) {
	ctx, id := r.Context(), r.PathValue("id")
	if d.o.Content == nil {
		return nil, access.Missing("there is no rule %s", id)
	}
	docs, err := d.o.Content.Rules(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(docs, func(x *sec.Document) bool { return x.ID == id })
	if i < 0 {
		return d.oneDetection(ctx, id)
	}
	x := d.ruleRow(docs[i])
	end, err := d.end(ctx)
	if err == nil {
		err = d.counted(ctx, []*ruleRow{x}, end)
	}
	if err != nil {
		return nil, err
	}
	yaml := ""
	if doc, err := sec.Parsed(docs[i]); err == nil {
		if text, err := ruledoc.Write([]*ruledoc.Document{doc}, ruledoc.YAML); err == nil {
			yaml = string(text)
		}
	}
	recent, err := d.alerts.OfRule(ctx, id, 50)
	if err != nil {
		return nil, err
	}
	signals := []any{}
	for _, s := range recent {
		signals = append(signals, signalShown(s))
	}
	return struct {
		*ruleRow
		Fields   map[string]any `json:"fields"`
		YAML     string         `json:"yaml"`
		Query    string         `json:"query"`
		Signals  []any          `json:"signals"`
		Editable bool           `json:"editable"`
	}{x, docs[i].Body, yaml, "", signals, docs[i].Number != 0}, nil
}

// oneDetection is a query of a package, or a Sigma rule, which are changed in their files.
func (d *Desk) oneDetection(ctx context.Context, id string) (any, error) {
	if d.o.Hunter == nil {
		return nil, access.Missing("there is no rule %s", id)
	}
	all := d.o.Hunter.Detections()
	i := slices.IndexFunc(all, func(x *hunt.Detection) bool { return x.ID == id })
	if i < 0 {
		return nil, access.Missing("there is no rule %s", id)
	}
	x := d.detectionRow(all[i])
	end, err := d.end(ctx)
	if err == nil {
		err = d.counted(ctx, []*ruleRow{x}, end)
	}
	if err != nil {
		return nil, err
	}
	text := ""
	if _, det := d.packaged(id); det != nil && det.Query != nil {
		text = det.Query.Text
	}
	return struct {
		*ruleRow
		Query    string `json:"query"`
		Signals  []any  `json:"signals"`
		Editable bool   `json:"editable"`
	}{x, text, []any{}, false}, nil
}

// signalShown is a signal in a list.
func signalShown(s *live.Signal) map[string]any {
	return map[string]any{
		"id": s.ID, "name": s.Name, "summary": s.Summary, "rule": s.RuleID, "ruleName": s.RuleName, "severity": s.Severity, "level": levelOf(s.Severity), "time": s.Time,
		"entity": entity{ID: s.Entity.ID(), Type: s.Entity.Type, Value: s.Entity.Value, Shown: cmp.Or(s.Shown, s.Entity.Value)}, "counted": s.Counts(), "reason": reasonOf(s.Signal), "insight": s.Insight,
		"tactics": append([]string{}, insight.Tactics(s.Tags)...),
	}
}
