package detection

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
)

// Measured is what gyoji measure found of a package over labelled recordings. It is made,
// and stands in the manifest between two lines that say so.
type Measured struct {
	Events     int64               `yaml:"events"` // that were read
	Files      int                 `yaml:"files"`
	Detections []MeasuredDetection `yaml:"detections"`
	Agreement  []Agreement         `yaml:"agreement"` // with others' rules of the same technique
}

// MeasuredDetection is what was measured of a detection, by score.
type MeasuredDetection struct {
	ID     string          `yaml:"id"`
	Query  string          `yaml:"query"` // digest of the query that was measured
	Scores []MeasuredScore `yaml:"scores"`
}

// MeasuredScore is how many labelled findings of a score there were, and how many of them in
// recordings of attacks.
type MeasuredScore struct {
	Score   int `yaml:"score"`
	N       int `yaml:"n"`
	Attacks int `yaml:"attacks"`
}

// Precision is the share of the findings that are of attacks, and the least that it may be:
// the lower end of Wilson's interval of 95 %. Source: Wilson, 1927; Brown, Cai and DasGupta,
// Interval Estimation for a Binomial Proportion, 2001.
func (s MeasuredScore) Precision() (share, least float64) {
	if s.N == 0 {
		return 0, 0
	}
	const z = 1.959964
	n, p := float64(s.N), float64(s.Attacks)/float64(s.N)
	return p, max(0, (p+z*z/(2*n)-z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n)))/(1+z*z/n))
}

func (s MeasuredScore) String() string {
	share, least := s.Precision()
	return fmt.Sprintf("score %d: precision %.0f %%, n = %d (at least %.0f %%)", s.Score, 100*share, s.N, 100*least)
}

// Agreement is how far a package and others' rules of a technique find the same processes and
// records, at medium or more.
type Agreement struct {
	Technique string `yaml:"technique" json:"technique"`
	Rules     int    `yaml:"rules" json:"rules"` // of the technique, that ran
	Both      int    `yaml:"both" json:"both"`
	Ours      int    `yaml:"ours" json:"ours"`     // that the package alone finds
	Theirs    int    `yaml:"theirs" json:"theirs"` // that the rules alone find
}

// N is how many processes and records one of the two finds.
func (a Agreement) N() int { return a.Both + a.Ours + a.Theirs }

// Digest names the query's text in a few letters.
func (d *Detection) Digest() string {
	sum := sha256.Sum256([]byte(d.Query.Text))
	return hex.EncodeToString(sum[:6])
}

// Measured is what was measured of the detection; stale says that its query was changed since.
// It is nil where nothing was.
func (d *Detection) Measured() (m *MeasuredDetection, stale bool) {
	if d.Package.Measured == nil {
		return nil, false
	}
	for i := range d.Package.Measured.Detections {
		if m := &d.Package.Measured.Detections[i]; m.ID == d.ID {
			return m, m.Query != d.Digest()
		}
	}
	return nil, false
}

const (
	measuredBegin = "# measured: begin (made by gyoji measure --write; change nothing here)\n"
	measuredEnd   = "# measured: end\n"
)

// WithMeasured is the text of a manifest with what was measured in place of what it has of it.
func WithMeasured(manifest string, m *Measured) string {
	if i := strings.Index(manifest, "# measured: begin"); i >= 0 {
		rest := manifest[i:]
		if j := strings.Index(rest, measuredEnd); j >= 0 {
			manifest = manifest[:i] + rest[j+len(measuredEnd):]
		}
	}
	var b strings.Builder
	b.WriteString(strings.TrimRight(manifest, "\n") + "\n\n" + measuredBegin)
	fmt.Fprintf(&b, "measured:\n  events: %d\n  files: %d\n  detections:\n", m.Events, m.Files)
	for _, d := range m.Detections {
		fmt.Fprintf(&b, "    - id: %s\n      query: '%s'\n", d.ID, d.Query)
		if len(d.Scores) == 0 {
			b.WriteString("      scores: []   # no labelled finding: n = 0\n")
			continue
		}
		b.WriteString("      scores:\n")
		for _, s := range d.Scores {
			share, least := s.Precision()
			fmt.Fprintf(&b, "        - {score: %d, n: %d, attacks: %d}   # precision %.0f %%, at least %.0f %%\n", s.Score, s.N, s.Attacks, 100*share, 100*least)
		}
	}
	if len(m.Agreement) > 0 {
		b.WriteString("  agreement:\n")
		for _, a := range m.Agreement {
			fmt.Fprintf(&b, "    - {technique: %s, rules: %d, both: %d, ours: %d, theirs: %d}   # n = %d\n", a.Technique, a.Rules, a.Both, a.Ours, a.Theirs, a.N())
		}
	}
	b.WriteString(measuredEnd)
	return b.String()
}
