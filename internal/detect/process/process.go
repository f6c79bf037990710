// Package process puts processes of hosts into trees, with what each
// did: files it wrote, connections and names it asked for.
package process

import (
	"sort"
	"strings"
)

// Event is what a tree wants of an event, in Sysmon's names. Times are
// milliseconds since 1970, UTC.
type Event struct {
	ID                                string // 1, 3, 5, 11, 15, 22, 23, 26 of Sysmon; 4688, 4689 of Security
	Time                              int64
	Computer, User                    string
	GUID, PID, Image, CommandLine     string
	ParentGUID, ParentPID             string
	ParentImage, ParentCommandLine    string
	Target                            string // file, stream
	Address, Port, Hostname, Contents string
	Query, Results                    string
	Logon                             string // id of the sign-in it runs in: 0x5addd
}

// Fields are the fields that Read takes from a row, by name.
var Fields = []string{
	"EventID", "_messageTime", "Computer", "User", "ProcessGuid", "ProcessId", "Image", "CommandLine",
	"ParentProcessGuid", "ParentProcessId", "ParentImage", "ParentCommandLine", "TargetFilename",
	"DestinationIp", "DestinationPort", "DestinationHostname", "Contents", "QueryName", "QueryResults", "NewProcessId",
	"LogonId", "SubjectLogonId", "TargetLogonId",
}

// Node is a process.
type Node struct {
	Computer, User       string
	GUID, PID            string
	Image, CommandLine   string
	Logon                string // id of its sign-in, as its start says it
	Start, End           int64  // 0 when not seen
	Parent               *Node
	Children             []*Node
	Acts                 []Act
	Inferred             bool // known from its children or acts alone: its own start is not in the logs
	parentGUID, parentID string
}

// Act is something a process did.
type Act struct {
	Time int64
	Kind string // file, stream, deleted, network, dns
	Text string
}

// Name is the file name of the process.
func (n *Node) Name() string { return n.Image[strings.LastIndexAny(n.Image, `\/`)+1:] }

// Forest is the processes of some hosts.
type Forest struct {
	Roots []*Node
	all   []*Node
	guid  map[string]*Node
	pid   map[string][]*Node // by host and pid, by start
}

// actsMax is how many acts of one process are kept; the rest are counted in the
// last one.
const actsMax = 200

// Build makes the trees of events, which may come in any order.
func Build(events []Event) *Forest {
	f := &Forest{guid: map[string]*Node{}, pid: map[string][]*Node{}}
	events = append([]Event(nil), events...)
	sort.SliceStable(events, func(i, j int) bool { return events[i].Time < events[j].Time })
	for i := range events {
		switch e := &events[i]; e.ID {
		case "1", "4688":
			f.start(e)
		case "5", "4689":
			if n := f.Find(e.GUID, e.Computer, e.PID, e.Time); n != nil {
				n.End = e.Time
			}
		}
	}
	for i := range events {
		f.act(&events[i])
	}
	f.link()
	return f
}

func hostKey(computer, pid string) string { return strings.ToLower(computer) + "\x00" + pid }

// start adds a process at its creation. A 4688 beside a Sysmon 1 of the same
// process (same host and pid, within two seconds) is the same process.
func (f *Forest) start(e *Event) {
	key := hostKey(e.Computer, e.PID)
	if e.GUID == "" {
		for _, n := range f.pid[key] {
			if d := e.Time - n.Start; d > -2000 && d < 2000 && strings.EqualFold(n.Image, e.Image) {
				return
			}
		}
	}
	n := &Node{
		Computer: e.Computer, User: e.User, GUID: e.GUID, PID: e.PID, Image: e.Image, CommandLine: e.CommandLine,
		Logon: e.Logon, Start: e.Time, parentGUID: e.ParentGUID, parentID: e.ParentPID,
	}
	f.all = append(f.all, n)
	if e.GUID != "" {
		f.guid[e.GUID] = n
	}
	f.pid[key] = append(f.pid[key], n)
	if f.Find(e.ParentGUID, e.Computer, e.ParentPID, e.Time) == nil && (e.ParentGUID != "" || e.ParentPID != "") && e.ParentImage != "" {
		p := &Node{Computer: e.Computer, GUID: e.ParentGUID, PID: e.ParentPID, Image: e.ParentImage, CommandLine: e.ParentCommandLine, Inferred: true}
		f.all = append(f.all, p)
		if p.GUID != "" {
			f.guid[p.GUID] = p
		}
		k := hostKey(p.Computer, p.PID)
		f.pid[k] = append([]*Node{p}, f.pid[k]...)
	}
}

// endSlack is how far the clocks of two logs of one host are apart at most, in ms.
const endSlack = 2000

// Find returns a process by its GUID, or by host and pid the one that had
// started last at a time and had not ended; nil when there is none.
func (f *Forest) Find(guid, computer, pid string, at int64) *Node {
	if n := f.guid[guid]; n != nil && guid != "" {
		return n
	}
	if pid == "" {
		return nil
	}
	var found *Node
	for _, n := range f.pid[hostKey(computer, pid)] {
		if n.Start <= at && (n.End == 0 || at <= n.End+endSlack) {
			found = n
		}
	}
	return found
}

// act adds what an event says a process did.
func (f *Forest) act(e *Event) {
	var a Act
	switch e.ID {
	case "11":
		a = Act{e.Time, "file", e.Target}
	case "15":
		a = Act{e.Time, "stream", strings.TrimSpace(e.Target + " " + strings.Join(strings.Fields(e.Contents), " "))}
	case "23", "26":
		a = Act{e.Time, "deleted", e.Target}
	case "3":
		to := e.Address
		if e.Hostname != "" && e.Hostname != "-" {
			to = e.Hostname + " (" + e.Address + ")"
		}
		a = Act{e.Time, "network", to + " port " + e.Port}
	case "22":
		a = Act{e.Time, "dns", strings.TrimSpace(e.Query + " " + e.Results)}
	default:
		return
	}
	n := f.Find(e.GUID, e.Computer, e.PID, e.Time)
	if n == nil {
		if e.GUID == "" && e.PID == "" {
			return
		}
		n = &Node{Computer: e.Computer, User: e.User, GUID: e.GUID, PID: e.PID, Image: e.Image, Inferred: true}
		f.all = append(f.all, n)
		if e.GUID != "" {
			f.guid[e.GUID] = n
		}
		k := hostKey(e.Computer, e.PID)
		f.pid[k] = append([]*Node{n}, f.pid[k]...)
	}
	if len(n.Acts) < actsMax {
		n.Acts = append(n.Acts, a)
	}
}

// link ties children to parents. A process that would be its own ancestor (a
// reused pid in logs without GUIDs) stays a root.
func (f *Forest) link() {
	for _, n := range f.all {
		p := f.Find(n.parentGUID, n.Computer, n.parentID, n.Start)
		for up := p; up != nil; up = up.Parent {
			if up == n {
				p = nil
				break
			}
		}
		if p == nil {
			f.Roots = append(f.Roots, n)
			continue
		}
		n.Parent = p
		p.Children = append(p.Children, n)
	}
	for _, n := range f.all {
		sort.SliceStable(n.Children, func(i, j int) bool { return n.Children[i].Start < n.Children[j].Start })
	}
	sort.SliceStable(f.Roots, func(i, j int) bool { return f.Roots[i].first() < f.Roots[j].first() })
}

// first is when anything of the process or its children was seen.
func (n *Node) first() int64 {
	t := n.Start
	for _, c := range n.Children {
		if s := c.first(); t == 0 || s != 0 && s < t {
			t = s
		}
	}
	if t == 0 && len(n.Acts) > 0 {
		t = n.Acts[0].Time
	}
	return t
}

// Each goes through the processes.
func (f *Forest) Each(do func(*Node)) {
	for _, n := range f.all {
		do(n)
	}
}

// Root is the process's oldest ancestor that the logs know.
func (n *Node) Root() *Node {
	for n.Parent != nil {
		n = n.Parent
	}
	return n
}
