package desk

import (
	"cmp"
	"context"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/server/live"
)

// evidence is what the record that completed a signal says of host, user and process, and
// what is to be done first.
type evidence struct {
	signal *insight.Signal
	record live.Record
	Host   string
	User   string
	Next   string
}

// evidences remembers evidence by signal, so that a list asks the store once.
type evidences struct {
	mu sync.Mutex
	by map[string]*evidence
}

// evidencesMost is how many are remembered.
const evidencesMost = 4096

// remembered is the evidence of a signal without reading the store; nil where it is not known.
func (d *Desk) remembered(s *insight.Signal) *evidence {
	d.told.mu.Lock()
	defer d.told.mu.Unlock()
	return d.told.by[s.ID]
}

// evidence is that of a signal; what is not in the store any more is left out.
func (d *Desk) evidence(ctx context.Context, s *insight.Signal) *evidence {
	if e := d.remembered(s); e != nil {
		return e
	}
	e := &evidence{signal: s}
	last := *s
	if n := len(s.Records); n > 0 {
		last.Records = s.Records[n-1:]
	}
	records, err := d.o.Live.Records(ctx, &last, 1)
	if err != nil {
		d.o.Logf("the record of signal %s: %v", s.ID, err)
		return e
	}
	e.record = records[0]
	said := e.said
	e.Host, e.User = said("Computer"), hunt.UserOf(said)
	switch s.Entity.Type {
	case "_hostname":
		e.Host = cmp.Or(e.Host, s.Shown)
	case "_username":
		e.User = cmp.Or(e.User, s.Shown)
	}
	if e.Next = d.nexts[s.RuleID]; e.Next == "" {
		f := &hunt.Finding{}
		f.About("", e.record.Pos, said)
		f.SetTime(s.Time)
		f.Host, f.User, f.Records = e.Host, e.User, max(s.Total, 1)
		if f.Subject != nil { // the page has the tree: no command for it
			f.Subject = &hunt.Subject{Image: cmp.Or(f.Subject.Image, said("NewProcessName"))}
		}
		f.Next = hunt.Advice(f, said)
		e.Next = f.Next
	}
	d.told.mu.Lock()
	defer d.told.mu.Unlock()
	if d.told.by == nil || len(d.told.by) >= evidencesMost {
		d.told.by = map[string]*evidence{}
	}
	d.told.by[s.ID] = e
	return e
}

// said is a field of the record.
func (e *evidence) said(name string) string { return e.record.Get(name) }

// processed is a process as the page has it.
type processed struct {
	GUID        string `json:"guid"`
	PID         string `json:"pid"`
	Host        string `json:"host"`
	Image       string `json:"image"`
	CommandLine string `json:"commandLine"`
	User        string `json:"user"`
	Time        int64  `json:"time"`
}

// process is the process that the record is about; its fields are empty where it is of none.
func (e *evidence) process() processed {
	f := &hunt.Finding{}
	f.About("", 0, e.said)
	p := processed{Host: e.Host, User: e.User, CommandLine: e.said("CommandLine"), Time: e.signal.Time}
	if s := f.Subject; s != nil {
		p.GUID, p.PID, p.Image = s.GUID, s.PID, cmp.Or(s.Image, e.said("NewProcessName"))
	}
	return p
}

// created are the names that Sysmon has for what Security 4688 says of a process' start; the
// queries of guides have them so.
var created = map[string]string{
	"Image": "NewProcessName", "ParentImage": "ParentProcessName", "User": "SubjectUserName", "ParentProcessId": "ProcessId", "ProcessId": "NewProcessId",
}

// value is a value of the finding, as the queries of guides ask for it.
func (e *evidence) value(name string) (string, bool) {
	if other := created[name]; other != "" && e.said("EventID") == "4688" {
		name = other
	}
	v := e.said(name)
	switch {
	case v != "":
	case name == "Computer":
		v = e.Host
	case name == "User":
		v = e.User
	}
	return v, v != ""
}
