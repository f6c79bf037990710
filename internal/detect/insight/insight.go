package insight

import (
	"slices"
	"strings"
)

// Levels of insights, lowest first.
const (
	Low      = "LOW"
	Medium   = "MEDIUM"
	High     = "HIGH"
	Critical = "CRITICAL"
)

// Insight is a case: signals on one entity that together are worth a look (10).
type Insight struct {
	ID          string
	Name        string
	Description string
	Severity    string // LOW, MEDIUM, HIGH or CRITICAL
	Source      string // ALGORITHM, RULE of a custom insight, USER by hand
	Custom      string // id of the custom insight that made it, or ""
	Score       int    // of the algorithm
	Threshold   float64
	Entity      Entity
	Time        int64     // event time of the signal that made it, ms since 1970
	Signals     []*Signal // in order of time
	// Stronger are signals on the entity that repeat a name and did not count, although
	// they are more severe than what they repeat (8.3).
	Stronger []*Signal
	Related  []string // ids of other entities of the signals' records
	Tags     []string // of the signals, each once
}

// Part is one name's share of an insight's score.
type Part struct {
	Name     string
	Severity int // the highest of the name's signals
	Signals  int // how many there are
}

// Parts are the shares that add up to the score, in the order in which the names
// came (10.1).
func (i *Insight) Parts() (parts []Part) {
	at := map[string]int{}
	for _, s := range i.Signals {
		n, ok := at[s.Name]
		if !ok {
			n = len(parts)
			at[s.Name] = n
			parts = append(parts, Part{Name: s.Name, Severity: s.Severity})
		}
		parts[n].Severity = max(parts[n].Severity, s.Severity)
		parts[n].Signals++
	}
	return parts
}

// algorithm makes the insight of all signals since the last one.
func (d *Desk) algorithm(at int64, set Settings) *Insight {
	i := &Insight{Source: "ALGORITHM", Entity: d.Entity, Time: at, Score: d.Score, Threshold: set.Threshold, Stronger: d.Stronger}
	for _, s := range d.Signals {
		if s.Time > d.Cut {
			i.Signals = append(i.Signals, s)
		}
	}
	i.finish()
	tactics := Tactics(i.Tags)
	i.Name, i.Description = titled(tactics), strings.Join(tactics, ", ")
	if i.Name == "" {
		// No signal has a tactic: the strongest one's name says more than nothing.
		top := i.Signals[0]
		for _, s := range i.Signals {
			if s.Severity > top.Severity {
				top = s
			}
		}
		i.Name = top.Name
	}
	switch over := float64(d.Score) - set.Threshold; {
	case over >= 4:
		i.Severity = High
	case over >= 2:
		i.Severity = Medium
	default:
		i.Severity = Low
	}
	return i
}

// finish fills what follows from the signals.
func (i *Insight) finish() {
	parts := []string{"insight", i.Source, i.Custom, i.Entity.ID()}
	related, own := map[string]bool{}, i.Entity.ID()
	tags := map[string]bool{}
	for _, s := range i.Signals {
		parts = append(parts, s.ID)
		for _, id := range append(slices.Clone(s.Beside), s.Related...) {
			if id != own && !related[id] {
				related[id] = true
				i.Related = append(i.Related, id)
			}
		}
		for _, t := range s.Tags {
			if !tags[t] {
				tags[t] = true
				i.Tags = append(i.Tags, t)
			}
		}
	}
	slices.Sort(i.Related)
	i.ID = hashed(parts...)
}

// titled joins tactics as "A", "A with B", "A with B and C", "A with B, C and D"
// (10.1; 18, R23).
func titled(tactics []string) string {
	switch n := len(tactics); n {
	case 0:
		return ""
	case 1:
		return tactics[0]
	case 2:
		return tactics[0] + " with " + tactics[1]
	default:
		return tactics[0] + " with " + strings.Join(tactics[1:n-1], ", ") + " and " + tactics[n-1]
	}
}
