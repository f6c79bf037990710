package incident

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/process"
)

// Chain is processes of a host that came from one another, with what was found of them.
type Chain struct {
	N           int // in the order of the story, from 1
	Host        *Host
	First, Last int64
	Worst       detection.Severity
	Users       []string
	Findings    []*Finding // by time
	Above       []*process.Node
	Top         *Step
	Program     []string // names, from the top to the first of the worst findings
	Session     *SignIn  // that its processes ran in; nil where the logs do not have it
	Alike       []*Chain // later ones that differ in times and numbers alone
}

// Step is a process of a chain.
type Step struct {
	*process.Node
	Findings []*Finding
	Acts     []*process.Folded
	MoreActs int // that are not shown
	Steps    []*Step
	Others   int // processes it started that are not shown
}

const (
	actsMax     = 25 // of a process
	childrenMax = 12 // of a process, without findings
	stepsMax    = 400
)

// hubs start what users and the system run: what they started does not belong together.
var hubs = []string{
	"explorer.exe", "services.exe", "svchost.exe", "wininit.exe", "winlogon.exe", "userinit.exe", "smss.exe", "csrss.exe", "system",
	"taskeng.exe", "taskhostw.exe", "sihost.exe", "runtimebroker.exe",
	"systemd", "init", "launchd", "loginwindow", "finder", "dock", "gnome-shell", "plasmashell", "sshd", "cron", "crond",
}

// hub reports whether a process is one, by where its program stands in a path of its own
// system. A program of that name elsewhere is none.
func hub(n *process.Node) bool {
	name := strings.ToLower(n.Name())
	if !slices.Contains(hubs, name) {
		return false
	}
	dir := strings.ToLower(strings.ReplaceAll(strings.TrimSuffix(n.Image, n.Name()), `\`, "/"))
	return dir == "" || strings.HasSuffix(dir, "/windows/") || strings.Contains(dir, "/windows/system32/") || strings.Contains(dir, "/windows/syswow64/") || strings.HasPrefix(dir, "/usr/") || strings.HasPrefix(dir, "/lib/") ||
		strings.HasPrefix(dir, "/sbin/") || strings.HasPrefix(dir, "/bin/") || strings.HasPrefix(dir, "/system/")
}

// node is a process that findings name and the forest does not have.
type node = process.Node

// process is that of a finding, nil for one of none.
func (t *teller) process(f *Finding) *node {
	if f.Host == "" || f.Records > 1 {
		return nil
	}
	guid, _ := f.Get("ProcessGuid")
	pid, _ := f.Get("ProcessId")
	if s := f.Subject; s != nil {
		guid, pid = cmp.Or(s.GUID, guid), cmp.Or(s.PID, pid)
	}
	pid = process.Number(pid)
	if strings.Trim(guid, "{0-}") == "" {
		guid = ""
	}
	if guid == "" && (pid == "" || pid == "0" || pid == "-") {
		return nil
	}
	if t.around.Forest != nil {
		at := int64(f.Time)
		if !f.Timed() {
			at = 1 << 62
		}
		if n := t.around.Forest.Find(guid, f.Host, pid, at); n != nil {
			return n
		}
	}
	key := strings.ToLower(t.known.host(f.Host)) + "\x00" + cmp.Or(strings.ToLower(guid), pid)
	n := t.nodes[key]
	if n == nil {
		n = &node{Computer: f.Host, User: f.User, GUID: guid, PID: pid, Inferred: true}
		t.nodes[key] = n
	}
	if f.Subject != nil && n.Image == "" {
		n.Image = f.Subject.Image
	}
	return n
}

// top is the oldest ancestor of a process that belongs to its chain.
func top(n *process.Node) *process.Node {
	if hub(n) {
		return n
	}
	for n.Parent != nil && !hub(n.Parent) {
		n = n.Parent
	}
	return n
}

// tellChains puts findings to their hosts and chains.
func (t *teller) tellChains() {
	marks := map[*process.Node][]*Finding{}
	chains, tops := map[*process.Node]*Chain{}, map[*Chain]*process.Node{}
	type place struct {
		file         string
		record, line int64
	}
	where := map[place]*process.Node{} // of records, the process that a finding has them of
	var later []*Finding
	put := func(f *Finding, n *process.Node) {
		h := t.host(f.Host)
		k := top(n)
		c := chains[k]
		if c == nil {
			c = &Chain{Host: h, First: none, Last: none}
			chains[k], tops[c] = c, k
			h.Chains = append(h.Chains, c)
		}
		marks[n] = append(marks[n], f)
		c.add(f, t.known.user(f.User))
	}
	for _, f := range t.Findings {
		if f.Host != "" || f.Records <= 1 {
			h := t.host(f.Host)
			h.Findings = append(h.Findings, f)
			span(&h.First, &h.Last, int64(f.Time))
			h.Worst = max(h.Worst, f.Severity)
			if u := t.known.user(f.User); u != "" {
				h.Users = addName(h.Users, u)
			}
		}
		n := t.process(f)
		if n == nil {
			later = append(later, f)
			continue
		}
		put(f, n)
		if len(f.Evidence) > 0 {
			e := &f.Evidence[0]
			where[place{e.File, e.RecordID, e.Line}] = n
		}
	}
	for _, f := range later {
		if f.Host == "" && f.Records > 1 {
			t.Across = append(t.Across, f)
			continue
		}
		// What was made of several records belongs to the chain that all of them are of.
		var n *process.Node
		one := f.Records > 1 && f.Records == len(f.Evidence)
		for i := range f.Evidence {
			e := &f.Evidence[i]
			m := where[place{e.File, e.RecordID, e.Line}]
			one = one && m != nil && (n == nil || top(m) == top(n))
			n = m
		}
		if one && n != nil {
			put(f, n)
		} else {
			h := t.host(f.Host)
			h.Loose = append(h.Loose, f)
		}
	}
	slices.SortStableFunc(t.Hosts, func(a, b *Host) int { return compareTimes(a.First, b.First) })
	for _, h := range t.Hosts {
		slices.SortStableFunc(h.Loose, func(a, b *Finding) int { return cmp.Or(byTime(a, b), cmp.Compare(a.N, b.N)) })
		for _, c := range h.Chains {
			slices.SortStableFunc(c.Findings, func(a, b *Finding) int { return cmp.Or(byTime(a, b), cmp.Compare(a.N, b.N)) })
			c.grow(tops[c], marks)
		}
		slices.SortStableFunc(h.Chains, inOrder)
		h.Chains = foldChains(h.Chains)
		t.Chains = append(t.Chains, h.Chains...)
	}
	slices.SortStableFunc(t.Chains, inOrder)
	for i, c := range t.Chains {
		c.N = i + 1
	}
}

// inOrder has chains by their first findings.
func inOrder(a, b *Chain) int {
	return cmp.Or(compareTimes(a.First, b.First), cmp.Compare(a.Findings[0].N, b.Findings[0].N))
}

// compareTimes has times that are not known last.
func compareTimes(a, b int64) int {
	if (a == none) != (b == none) {
		if a == none {
			return 1
		}
		return -1
	}
	return cmp.Compare(a, b)
}

func (c *Chain) add(f *Finding, user string) {
	c.Findings = append(c.Findings, f)
	c.Worst = max(c.Worst, f.Severity)
	span(&c.First, &c.Last, int64(f.Time))
	if user != "" {
		c.Users = addName(c.Users, user)
	}
}

// grow makes the steps of a chain below its top.
func (c *Chain) grow(top *process.Node, marks map[*process.Node][]*Finding) {
	for p := top.Parent; p != nil; p = p.Parent {
		c.Above = append(c.Above, p)
	}
	slices.Reverse(c.Above)
	holds := map[*process.Node]bool{} // a finding, there or below
	var look func(n *process.Node) bool
	look = func(n *process.Node) bool {
		h := len(marks[n]) > 0
		for _, k := range n.Children {
			if !hub(k) && !hub(n) && look(k) {
				h = true
			}
		}
		holds[n] = h
		return h
	}
	look(top)
	left := stepsMax
	var step func(n *process.Node, below bool) *Step
	step = func(n *process.Node, below bool) *Step {
		left--
		s := &Step{Node: n, Findings: slices.Clone(marks[n])}
		slices.SortStableFunc(s.Findings, func(a, b *Finding) int {
			return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.N, b.N))
		})
		below = below || len(s.Findings) > 0
		if below { // what it did belongs to the story
			acts := near(n, marks)
			s.MoreActs = len(process.Fold(n.Acts)) - len(process.Fold(acts))
			s.Acts = process.Fold(acts)
			if k := len(s.Acts) - actsMax; k > 0 {
				s.Acts, s.MoreActs = s.Acts[:actsMax], s.MoreActs+k
			}
		}
		plain := 0
		for _, k := range n.Children {
			switch {
			case hub(n) || hub(k): // which belong to chains of their own
				if !holds[k] {
					s.Others++
				}
			case holds[k]:
				s.Steps = append(s.Steps, step(k, below))
			case below && plain < childrenMax && left > 0 && !(k.Image == n.Image && len(k.Children)+len(k.Acts) == 0): // a browser's own
				plain++
				s.Steps = append(s.Steps, step(k, true))
			default:
				s.Others++
			}
		}
		return s
	}
	c.Top = step(top, false)
	c.Program = pathTo(c.Top, c.Gravest())
}

// Gravest is the first of the worst findings.
func (c *Chain) Gravest() *Finding {
	for _, f := range c.Findings {
		if f.Severity == c.Worst {
			return f
		}
	}
	return nil
}

// More is how many findings there are besides the gravest, those of chains that are alike
// included.
func (c *Chain) More() int {
	n := len(c.Findings) - 1
	for _, a := range c.Alike {
		n += len(a.Findings)
	}
	return n
}

const (
	// longLived is how long a process has to run before its first finding to be one that does
	// much besides: a browser, a mail program. In ms.
	longLived = 30 * 60_000
	// nearMax is how far from a finding what such a process did still belongs to it, in ms.
	nearMax = 5 * 60_000
)

// near is what a process did that belongs to the story: all of it, or of a process that runs
// long what is near a finding of its own or of one that it started.
func near(n *process.Node, marks map[*process.Node][]*Finding) (out []process.Act) {
	found := slices.Clone(marks[n])
	for _, k := range n.Children {
		found = append(found, marks[k]...)
	}
	first, last := none, none
	for _, f := range found {
		span(&first, &last, int64(f.Time))
	}
	if first == none || n.Start == 0 || first-n.Start < longLived {
		return n.Acts
	}
	for _, a := range n.Acts {
		if slices.ContainsFunc(found, func(f *Finding) bool {
			return f.Timed() && a.Time-int64(f.Time) <= nearMax && int64(f.Time)-a.Time <= nearMax
		}) {
			out = append(out, a)
		}
	}
	return out
}

// pathTo are the names of the processes from a step to the one that a finding is of.
func pathTo(s *Step, f *Finding) []string {
	name := cmp.Or(s.Name(), "process "+s.PID)
	if slices.Contains(s.Findings, f) {
		return []string{name}
	}
	for _, k := range s.Steps {
		if p := pathTo(k, f); p != nil {
			return append([]string{name}, p...)
		}
	}
	return nil
}

// foldChains puts chains of a host that are alike together, the later ones with the first.
func foldChains(chains []*Chain) (out []*Chain) {
	first := map[string]*Chain{}
	for _, c := range chains {
		var b strings.Builder
		c.Top.signature(&b)
		b.WriteString(strings.ToLower(strings.Join(c.Users, ",")))
		if old := first[b.String()]; old != nil {
			old.Alike = append(old.Alike, c)
			span(&old.First, &old.Last, c.Last)
			continue
		}
		first[b.String()] = c
		out = append(out, c)
	}
	return out
}

// signature is what a step and those below have but for times and numbers of processes.
func (s *Step) signature(b *strings.Builder) {
	b.WriteString(s.Image + "\x00" + s.CommandLine + "\x00")
	for _, f := range s.Findings {
		b.WriteString(f.DetectionID + " " + f.Severity.String() + "\x00")
	}
	for _, a := range s.Acts {
		b.WriteString(a.Kind + " " + a.Text + "\x00")
	}
	b.WriteString(strconv.Itoa(s.Others) + "(")
	for _, k := range s.Steps {
		k.signature(b)
	}
	b.WriteString(")")
}
