package notify

import (
	"net/url"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
)

// Event is what is told, in its general form: its JSON is what generic webhooks, syslog and
// Kafka get.
type Event struct {
	Type       string   `json:"type"` // insight.created, insight.changed, signal.created, test
	Key        string   `json:"key"`  // the same each time that it is sent: id:revision
	ID         string   `json:"id"`
	Revision   int      `json:"revision"`
	ReadableID string   `json:"readableId,omitempty"`
	Name       string   `json:"name"`
	Level      string   `json:"level"` // critical, high, medium, low, info
	Score      int      `json:"score"` // of a signal its severity
	Threshold  float64  `json:"threshold,omitempty"`
	Time       int64    `json:"time"` // ms since 1970, of the event that completed it
	Status     string   `json:"status,omitempty"`
	Resolution string   `json:"resolution,omitempty"`
	Assignee   string   `json:"assignee,omitempty"`
	Entity     string   `json:"entity"`
	EntityType string   `json:"entityType"`
	Rule       string   `json:"rule,omitempty"`
	Summary    string   `json:"summary,omitempty"`
	Suppressed bool     `json:"suppressed,omitempty"`
	Tactics    []string `json:"tactics"`
	Tags       []string `json:"tags"`
	Packages   []string `json:"packages,omitempty"`
	Signals    []Told   `json:"signals,omitempty"` // the first of an insight's
	URL        string   `json:"url"`
}

// Told is a signal of an insight that is told.
type Told struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Summary  string `json:"summary"`
	Rule     string `json:"rule"`
	Severity int    `json:"severity"`
	Time     int64  `json:"time"`
}

// signalsTold is how many signals an event has.
const signalsTold = 20

func (e *Event) addPackage(name string) {
	if name != "" && !slices.Contains(e.Packages, name) {
		e.Packages = append(e.Packages, name)
	}
}

// levels, lowest first.
var levels = []string{"info", "low", "medium", "high", "critical"}

func levelOf(severity int) string {
	if l := detection.SeverityOfSignal(severity).String(); l != "informational" {
		return l
	}
	return "info"
}

func escape(s string) string { return url.PathEscape(s) }

// title is the event in a line.
func (e *Event) title() string {
	switch e.Type {
	case "insight.changed":
		if e.Status == "closed" {
			return e.ReadableID + " closed as " + e.Resolution + ": " + e.Name + " on " + e.Entity
		}
		return e.ReadableID + " changed: " + e.Name + " on " + e.Entity
	case "insight.created":
		return e.ReadableID + " (" + e.Level + "): " + e.Name + " on " + e.Entity
	}
	return e.Name + " (" + e.Level + ") on " + e.Entity
}

// lines are what the event says, most telling first.
func (e *Event) lines() (out []string) {
	if e.Summary != "" {
		out = append(out, e.Summary)
	}
	for _, s := range e.Signals {
		line := s.Name
		if s.Summary != "" {
			line += ": " + s.Summary
		}
		out = append(out, line)
	}
	return out
}
