package hunt

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Signals makes findings of the signals of Cloud SIEM rules.
type Signals struct {
	to    Taker
	part  func(index int) string // name of a part of the input
	found map[string]*Detection  // by the rule's id
}

// NewSignals tells to which rules run.
func NewSignals(rules []*tenant.Rule, to Taker, part func(index int) string) *Signals {
	s := &Signals{to: to, part: part, found: map[string]*Detection{}}
	for _, r := range rules {
		ids := techniques(r.Tags)
		d := &Detection{
			ID: r.ID, Name: r.Name, Kind: CloudSIEM, Techniques: TechniquesOf(ids), Tactics: TacticsOf(insight.Tactics(r.Tags), ids),
		}
		s.found[r.ID] = d
		to.Ran(d)
	}
	return s
}

// Add gives the findings of signals; one that is suppressed makes none.
func (g *Signals) Add(signals []*insight.Signal) error {
	for _, s := range signals {
		if len(s.Suppressed) > 0 {
			continue
		}
		typ, value, _ := strings.Cut(s.Entity.ID(), "-")
		score := float64(s.Severity)
		f := &Finding{
			Severity: severityOf(s.Severity), Score: &score, Records: s.Total,
			Entities: []Entity{{Type: typ, Value: strings.ReplaceAll(value, "--", "-")}},
			Evidence: []Evidence{Record(Place{File: g.part(part(s.Pos))}, s.Pos)},
			Fields:   Fields{{Name: "entity", Value: event.Text(s.Entity.ID())}, {Name: "signal", Value: event.Text(s.Name)}},
		}
		f.SetTime(s.Time)
		switch typ {
		case "_hostname":
			f.Host = f.Entities[0].Value
		case "_username":
			f.User = f.Entities[0].Value
		}
		if s.Summary != "" {
			f.Fields = append(f.Fields, Field{Name: "summary", Value: event.Text(s.Summary)})
		}
		if err := g.to.Add(g.found[s.RuleID], f); err != nil {
			return err
		}
	}
	return nil
}

// severityOf is what a finding of a signal's severity counts as: critical from 8,
// high from 6, medium from 3 (12.2's levels).
func severityOf(score int) detection.Severity {
	switch {
	case score >= 8:
		return detection.Critical
	case score >= 6:
		return detection.High
	case score >= 3:
		return detection.Medium
	case score >= 1:
		return detection.Low
	}
	return detection.Informational
}

// techniques are the techniques that tags name.
func techniques(tags []string) (ids []string) {
	for _, t := range tags {
		if id, ok := strings.CutPrefix(t, "_mitreAttackTechnique:"); ok {
			id, _, _ = strings.Cut(id, " ")
			ids = append(ids, id)
		}
	}
	return ids
}
