package insight

import (
	"fmt"
	"slices"
)

// Statuses that every organisation has; it may add its own in between (10.3).
const (
	New        = "new"
	InProgress = "inprogress"
	Closed     = "closed"
)

// Resolutions that a case can be closed with; an organisation may add some below
// them (10.3).
var Resolutions = []string{"Duplicate", "False Positive", "No Action", "Resolved"}

// Case is the life of an insight. It changes by Apply alone, and every change stays
// in its history.
type Case struct {
	Insight       *Insight
	Number        int // INSIGHT-Number
	Status        string
	Resolution    string
	SubResolution string
	Assignee      string
	Severity      string // by hand, or the insight's
	Tags          []string
	Comments      []Comment
	History       []Event
	Created       int64 // ms since 1970, as all times here
	Updated       int64
	Responded     int64 // when it first left New; 0 if it has not
	Closed        int64 // 0 if it is not
	Rev           int   // of changes, for conditional writes
}

// Comment is what somebody wrote on a case.
type Comment struct {
	By   string
	At   int64
	Body string
}

// Event is a change of a case.
type Event struct {
	By             string
	At             int64
	What, From, To string
}

// NewCase opens a case for an insight.
func NewCase(i *Insight, number int, at int64) *Case {
	return &Case{Insight: i, Number: number, Status: New, Severity: i.Severity, Tags: slices.Clone(i.Tags), Created: at, Updated: at}
}

// ReadableID is the id that people use.
func (c *Case) ReadableID() string { return fmt.Sprintf("INSIGHT-%d", c.Number) }

// Change is what somebody wants of a case; nil fields stay.
type Change struct {
	Status        *string
	Resolution    *string // with the status closed
	SubResolution *string
	Assignee      *string // "" is nobody
	Severity      *string
	AddTags       []string
	DropTags      []string
	Comment       string
}

// Life says which statuses and resolutions there are beyond those that every
// organisation has.
type Life struct {
	Statuses    []string            // beyond the three
	Resolutions map[string][]string // resolution -> those below it, beyond the four
}

// Apply makes a change, whole or not at all.
func (l *Life) Apply(c *Case, x Change, by string, at int64) error {
	status, resolution, sub := c.Status, c.Resolution, c.SubResolution
	if x.Status != nil {
		status = *x.Status
		if status != New && status != InProgress && status != Closed && !slices.Contains(l.Statuses, status) {
			return fmt.Errorf("there is no status %q; there are %v", status, append([]string{New, InProgress, Closed}, l.Statuses...))
		}
		if status != Closed {
			resolution, sub = "", ""
		}
	}
	if x.Resolution != nil {
		if status != Closed {
			return fmt.Errorf("only a closed insight has a resolution, and this one is %s", status)
		}
		resolution = *x.Resolution
		if _, own := l.Resolutions[resolution]; !own && !slices.Contains(Resolutions, resolution) {
			return fmt.Errorf("there is no resolution %q; there are %v", resolution, Resolutions)
		}
		sub = ""
	}
	if x.SubResolution != nil {
		sub = *x.SubResolution
		if sub != "" && !slices.Contains(l.Resolutions[resolution], sub) {
			return fmt.Errorf("there is no resolution %q below %q", sub, resolution)
		}
	}
	if status == Closed && resolution == "" {
		return fmt.Errorf("an insight is closed with a resolution: one of %v", Resolutions)
	}
	severity := c.Severity
	if x.Severity != nil {
		severity = *x.Severity
		if !slices.Contains([]string{Low, Medium, High, Critical}, severity) {
			return fmt.Errorf("there is no severity %q; there are LOW, MEDIUM, HIGH and CRITICAL", severity)
		}
	}
	note := func(what, from, to string) {
		if from != to {
			c.History = append(c.History, Event{By: by, At: at, What: what, From: from, To: to})
		}
	}
	note("status", c.Status, status)
	note("resolution", c.Resolution, resolution)
	note("subResolution", c.SubResolution, sub)
	note("severity", c.Severity, severity)
	if status != c.Status {
		if c.Status == New && c.Responded == 0 {
			c.Responded = at
		}
		c.Closed = 0
		if status == Closed {
			c.Closed = at
		}
	}
	c.Status, c.Resolution, c.SubResolution, c.Severity = status, resolution, sub, severity
	if x.Assignee != nil {
		note("assignee", c.Assignee, *x.Assignee)
		c.Assignee = *x.Assignee
	}
	for _, t := range x.AddTags {
		if !slices.Contains(c.Tags, t) {
			c.Tags = append(c.Tags, t)
			note("tag", "", t)
		}
	}
	for _, t := range x.DropTags {
		if n := slices.Index(c.Tags, t); n >= 0 {
			c.Tags = slices.Delete(c.Tags, n, n+1)
			note("tag", t, "")
		}
	}
	if x.Comment != "" {
		c.Comments = append(c.Comments, Comment{By: by, At: at, Body: x.Comment})
		note("comment", "", x.Comment)
	}
	c.Updated = at
	c.Rev++
	return nil
}

// Detection, Response and Remediation are how long it took from the first signal to
// the case, from there to the first one who took it up, and to its closing, in ms;
// -1 of what has not come yet (10.4).
func (c *Case) Detection() int64 {
	if len(c.Insight.Signals) == 0 {
		return 0
	}
	return c.Created - c.Insight.Signals[0].Time
}

// Response is described with Detection.
func (c *Case) Response() int64 {
	if c.Responded == 0 {
		return -1
	}
	return c.Responded - c.Created
}

// Remediation is described with Detection.
func (c *Case) Remediation() int64 {
	if c.Closed == 0 {
		return -1
	}
	return c.Closed - c.Created
}

// Confidence is the share of Resolved among closed cases with the same names of
// signals, 0 to 100, and how many there are. It is a statistic of these cases; the
// product's score is learned from many customers and cannot be had (10.3).
func Confidence(i *Insight, cases []*Case) (percent, of int) {
	want, resolved := signalSet(i), 0
	for _, c := range cases {
		if c.Status != Closed || c.Insight == i || !slices.Equal(signalSet(c.Insight), want) {
			continue
		}
		of++
		if c.Resolution == "Resolved" {
			resolved++
		}
	}
	if of == 0 {
		return 0, 0
	}
	return resolved * 100 / of, of
}

func signalSet(i *Insight) (names []string) {
	for _, s := range i.Signals {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
