package detection

import (
	"fmt"
	"io"
	"strings"
)

// Summary is a package for a reader: what it finds, from what, and what it
// cannot see.
type Summary struct {
	ID          string             `json:"id"`
	Name        string             `json:"name"`
	Version     string             `json:"version"`
	Summary     string             `json:"summary"`
	Severity    string             `json:"severity"`
	Techniques  []string           `json:"techniques"`
	Reference   string             `json:"reference,omitempty"`
	Strategy    string             `json:"strategy,omitempty"`
	Needs       []string           `json:"needs"`
	Detections  []DetectionSummary `json:"detections"`
	BlindSpots  []string           `json:"blind_spots"`
	Tests       int                `json:"tests"`
	BenignTests int                `json:"benign_tests"`
	Tuning      int                `json:"tuning"`
	Hunts       int                `json:"hunts"`
	Related     []string           `json:"related"`
}

// DetectionSummary is one detection of a Summary.
type DetectionSummary struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Severity string `json:"severity"`
	Query    string `json:"query"`
	Next     string `json:"next,omitempty"`
}

// Summarise makes the package's Summary. Parts that cannot be read count as none:
// Check reports them.
func (p *Package) Summarise() *Summary {
	s := &Summary{
		ID: p.ID, Name: p.Name, Version: p.Version, Summary: p.Summary, Severity: p.Severity.String(),
		Techniques: p.Attack.Techniques, Reference: p.Attack.Reference, Strategy: p.Attack.Strategy,
		BlindSpots: p.BlindSpots, Hunts: len(p.Hunts),
	}
	for _, d := range p.Data {
		ids := strings.Trim(strings.ReplaceAll(fmt.Sprint(d.Events), " ", ", "), "[]")
		need := d.Source
		if ids != "" {
			need += " " + ids
		}
		if len(d.Required) > 0 {
			need += " (" + strings.Join(d.Required, ", ") + ")"
		}
		s.Needs = append(s.Needs, need)
	}
	for _, d := range p.Detections {
		s.Detections = append(s.Detections, DetectionSummary{d.ID, d.Name, d.Base().String(), d.File, d.Next})
	}
	for _, r := range p.Related {
		s.Related = append(s.Related, strings.TrimSuffix(r.ID+": "+r.Note, ": "))
	}
	if suite, err := p.Suite(); err == nil && suite != nil {
		s.Tests = len(suite.Cases)
		for _, c := range suite.Cases {
			if c.Benign {
				s.BenignTests++
			}
		}
	}
	if ledger, err := p.Ledger(); err == nil {
		s.Tuning = len(ledger)
	}
	return s
}

// Write prints the summary as text.
func (s *Summary) Write(w io.Writer) {
	fmt.Fprintf(w, "%s %s (%s), severity %s\n  %s\n", s.Name, s.Version, strings.Join(s.Techniques, ", "), s.Severity, s.Summary)
	if s.Reference != "" {
		fmt.Fprintf(w, "  %s\n", s.Reference)
	}
	fmt.Fprintln(w, "needs")
	for _, n := range s.Needs {
		fmt.Fprintf(w, "  %s\n", n)
	}
	fmt.Fprintln(w, "detections")
	for _, d := range s.Detections {
		fmt.Fprintf(w, "  %-16s %s [%s]\n", d.ID, d.Name, d.Severity)
	}
	fmt.Fprintln(w, "cannot see")
	for _, b := range s.BlindSpots {
		fmt.Fprintf(w, "  %s\n", b)
	}
	fmt.Fprintf(w, "%d tests (%d benign), %d tuning entries, %d hunting queries\n", s.Tests, s.BenignTests, s.Tuning, s.Hunts)
}
