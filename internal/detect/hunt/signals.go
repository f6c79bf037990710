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

	// Details are the Detailed fields of records, by position, where they were read again.
	// Else they are those that the records have carried along.
	Details map[uint64]map[string]string
}

// Records are the positions of the records that the findings of signals are made of.
func Records(signals []*insight.Signal) map[uint64]bool {
	at := map[uint64]bool{}
	for _, s := range signals {
		if len(s.Suppressed) == 0 {
			for _, r := range recordsOf(s) {
				at[r.Pos] = true
			}
		}
	}
	return at
}

// recordsOf are a signal's records, those that an earlier process has read left out.
func recordsOf(s *insight.Signal) (all []insight.Record) {
	for _, r := range s.Records {
		if !r.Past {
			all = append(all, r)
		}
	}
	if all == nil {
		all = append(all, insight.Record{Pos: s.Pos})
	}
	return all
}

// NewSignals tells to which rules run.
func NewSignals(rules []*tenant.Rule, to Taker, part func(index int) string) *Signals {
	s := &Signals{to: to, part: part, found: map[string]*Detection{}}
	for _, r := range rules {
		d := OfTenant(r)
		s.found[r.ID] = d
		to.Ran(d)
	}
	return s
}

// OfTenant is what the findings of a Cloud SIEM rule have in common.
func OfTenant(r *tenant.Rule) *Detection {
	ids := techniques(r.Tags)
	d := &Detection{ID: r.ID, Name: r.Name, Kind: CloudSIEM, Techniques: TechniquesOf(ids), Tactics: TacticsOf(insight.Tactics(r.Tags), ids)}
	d.Tags = append(attackTags(d.Techniques, d.Tactics), r.Tags...)
	return d
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
			signal:   s.ID,
			Severity: detection.SeverityOfSignal(s.Severity), Score: &score, Records: s.Total,
			Entities: []Entity{{Type: typ, Value: strings.ReplaceAll(value, "--", "-")}},
			Fields:   Fields{{Name: "entity", Value: event.Text(s.Entity.ID())}, {Name: "signal", Value: event.Text(s.Name)}},
		}
		f.SetTime(s.Time)
		switch typ {
		case "_hostname":
			f.Host = f.Entities[0].Value
		case "_username":
			f.User = f.Entities[0].Value
		}
		if s.Stronger {
			f.Fields = append(f.Fields, Field{Name: "stronger", Value: event.Bool(true)})
		}
		if s.Summary != "" {
			f.Fields = append(f.Fields, Field{Name: "summary", Value: event.Text(s.Summary)})
		}
		same := func(to *string, v string, first bool) {
			if first {
				*to = v
			} else if !strings.EqualFold(*to, v) {
				*to = ""
			}
		}
		var host, user string
		last := func(string) string { return "" } // of the record that the signal is about
		for i, r := range recordsOf(s) {
			said := g.said(r)
			if r.Pos == s.Pos {
				last = said
			}
			f.Evidence = append(f.Evidence, EvidenceOf(g.part(part(r.Pos)), r.Pos, said))
			same(&host, said("Computer"), i == 0)
			same(&user, UserOf(said), i == 0)
			if s.Total == 1 {
				f.Subject = processOf(said)
			}
		}
		if f.Host == "" || strings.EqualFold(f.Host, host) { // entities are in small letters
			f.Host = host
		}
		if f.User == "" {
			f.User = user
		}
		f.Next = Advice(f, last)
		if err := g.to.Add(g.found[s.RuleID], f); err != nil {
			return err
		}
	}
	return nil
}

// said gives the fields of a record's event.
func (g *Signals) said(r insight.Record) Said {
	if g.Details == nil && r.Said != "" {
		return tenant.Said(Detailed(), r.Said)
	}
	return func(name string) string { return g.Details[r.Pos][name] }
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
