// Package incident tells what a hunt found as a story: hosts in the order in which something
// was found on them, the processes that belong together, sign-ins and connections beside
// them, techniques in order, and what the logs do not say.
package incident

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
)

// Finding is a finding with its number in the hunt's list.
type Finding = hunt.Numbered

// Incident is what was found, in order. Times are milliseconds since 1970, none where no
// finding says one.
type Incident struct {
	First, Last int64
	Findings    []*Finding // all of them, by time, then by number
	Hosts       []*Host    // in the order of their first findings
	Users       []string   // the same
	Techniques  []*Technique
	Chains      []*Chain   // of all hosts, in order
	Across      []*Finding // of several hosts or chains, as correlations are
	Links       []*Link    // from host to host, in order
	Records     []*Record  // what the findings were made of, in order
	Unknown     []string   // what the logs do not say, a sentence each
}

// Host is a host of the story. Name is "" for findings whose events name none.
type Host struct {
	Name        string
	First, Last int64
	Worst       detection.Severity
	Users       []string
	Findings    []*Finding // by time
	Chains      []*Chain   // in order
	Loose       []*Finding // of no process, in order
	SignIns     []*SignIn  // alike ones folded, in order
	Services    int        // sign-ins of services and of Windows itself, which are not among them
	MoreSignIns int        // past signInsMax
	Logs        []*Log
	Changes     []Change
}

// Log is what was read of a log of a host.
type Log struct {
	Name        string
	First, Last int64
	Events      int64
	Missing     int64 // record numbers between the lowest and the highest that were not read
	low, high   int64
}

// Technique is a technique with when and where it was found first.
type Technique struct {
	hunt.Technique
	Tactics     []string // names
	First, Last int64
	Hosts       []string // in order
	Worst       detection.Severity
	Findings    []*Finding // by time
}

// Link is what went from one host of the story to another.
type Link struct {
	First, Last int64
	From, To    string
	How, User   string
	Records     int
}

// Record is a record with the findings that were made of it first of all.
type Record struct {
	hunt.Evidence
	Time     int64
	Findings []*Finding
	Values   []Value
}

// Value is a field that findings have, and which of them: none for all of a record's.
type Value struct {
	Name, Text string
	Of         []int
}

// Tell makes the story of the findings of a hunt, in the order of its list. around may be
// nil where the logs cannot be read again.
func Tell(findings []*Finding, around *Around) *Incident {
	t := &teller{Incident: &Incident{First: none, Last: none}, around: around, hosts: map[string]*Host{}, known: namesOf(findings), nodes: map[string]*node{}}
	if t.around == nil {
		t.around = &Around{}
	}
	t.Findings = slices.Clone(findings)
	slices.SortStableFunc(t.Findings, func(a, b *Finding) int { return cmp.Or(byTime(a, b), cmp.Compare(a.N, b.N)) })
	for _, f := range t.Findings {
		span(&t.First, &t.Last, int64(f.Time))
		if u := t.known.user(f.User); u != "" {
			t.Users = addName(t.Users, u)
		}
		t.technique(f)
	}
	t.tellChains()
	t.tellSignIns()
	t.tellLogs()
	t.Links = t.links()
	t.Records = recordsOf(t.Findings)
	t.Unknown = t.unknown()
	return t.Incident
}

// teller makes an Incident.
type teller struct {
	*Incident
	around *Around
	hosts  map[string]*Host // by name in small letters
	known  *names
	nodes  map[string]*node // of processes that the forest does not have, by host and id
}

// byTime has findings without a time last.
func byTime(a, b *Finding) int {
	switch {
	case a.Timed() && b.Timed():
		return cmp.Compare(a.Time, b.Time)
	case a.Timed():
		return -1
	case b.Timed():
		return 1
	}
	return 0
}

// span widens a stretch of time.
func span(first, last *int64, at int64) {
	if at == none {
		return
	}
	if *first == none || at < *first {
		*first = at
	}
	if *last == none || at > *last {
		*last = at
	}
}

// host is the host of a name, made when it is named first.
func (t *teller) host(name string) *Host {
	name = t.known.host(name)
	key := strings.ToLower(name)
	h := t.hosts[key]
	if h == nil {
		h = &Host{Name: name, First: none, Last: none}
		t.hosts[key] = h
		t.Hosts = append(t.Hosts, h)
	}
	return h
}

// UserOf is the user of a finding, as the story writes the name.
func (i *Incident) UserOf(f *Finding) string {
	for _, u := range i.Users {
		if strings.EqualFold(u, f.User) {
			return u
		}
	}
	return f.User
}

// technique notes the techniques of a finding.
func (t *teller) technique(f *Finding) {
	for _, x := range f.Techniques {
		i := slices.IndexFunc(t.Techniques, func(k *Technique) bool { return k.ID == x.ID })
		if i < 0 {
			k := &Technique{Technique: x, First: none, Last: none}
			for _, id := range mapping.TacticsOf(x.ID) {
				if tactic, ok := mapping.TacticNamed(id); ok {
					k.Tactics = append(k.Tactics, tactic.Name)
				}
			}
			i, t.Techniques = len(t.Techniques), append(t.Techniques, k)
		}
		k := t.Techniques[i]
		span(&k.First, &k.Last, int64(f.Time))
		k.Worst = max(k.Worst, f.Severity)
		k.Findings = append(k.Findings, f)
		if h := t.known.host(f.Host); h != "" {
			k.Hosts = addName(k.Hosts, h)
		}
	}
}

// Counts is how many findings there are of a severity.
func (i *Incident) Counts(s detection.Severity) (n int) {
	for _, f := range i.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Named is how many hosts there are whose name is known.
func (i *Incident) Named() (n int) {
	for _, h := range i.Hosts {
		if h.Name != "" {
			n++
		}
	}
	return n
}

// Start is the first finding of medium or more, and of any severity where there is none;
// nil for none.
func (i *Incident) Start() *Finding {
	for _, f := range i.Findings {
		if f.Severity >= detection.Medium {
			return f
		}
	}
	if len(i.Findings) > 0 {
		return i.Findings[0]
	}
	return nil
}

// Lasts is how long it was from the first finding to the last.
func (i *Incident) Lasts() time.Duration {
	if i.First == none {
		return 0
	}
	return time.Duration(i.Last-i.First) * time.Millisecond
}

// Day is the day of a time, UTC, "" for none.
func Day(ms int64) string {
	if ms == none {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02")
}

// Clock is a time as the story writes it, UTC, with its day if that is not the day of
// another time; "" for none.
func Clock(ms, beside int64) string {
	switch {
	case ms == none || ms == 0:
		return ""
	case Day(ms) == Day(beside):
		return time.UnixMilli(ms).UTC().Format("15:04:05")
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05")
}

// names are the hosts and users that findings name, for what else they are called: without
// their domain, in other letters.
type names struct{ hosts, users map[string]string } // by what they are called, in small letters

func namesOf(findings []*Finding) *names {
	n := &names{map[string]string{}, map[string]string{}}
	add := func(to map[string]string, name, short string) {
		if name == "" {
			return
		}
		if old, ok := to[strings.ToLower(name)]; !ok || old == strings.ToLower(old) { // Cloud SIEM's are in small letters
			to[strings.ToLower(name)] = name
		}
		if short = strings.ToLower(short); short != strings.ToLower(name) {
			if old, ok := to["\x00"+short]; ok && !strings.EqualFold(old, name) {
				name = "" // several have it
			}
			to["\x00"+short] = name
		}
	}
	for _, f := range findings {
		add(n.hosts, f.Host, shortHost(f.Host))
		add(n.users, f.User, f.User[strings.LastIndexByte(f.User, '\\')+1:])
	}
	return n
}

// shortHost is a host's name without its domain; an address stays.
func shortHost(name string) string {
	first, _, _ := strings.Cut(name, ".")
	if strings.Trim(first, "0123456789") == "" {
		return name
	}
	return first
}

func named(in map[string]string, name string) string {
	low := strings.ToLower(name)
	if long := in["\x00"+low]; long != "" {
		low = strings.ToLower(long)
	}
	if n, ok := in[low]; ok {
		return n
	}
	return name
}

func (n *names) host(name string) string { return named(n.hosts, name) }
func (n *names) user(name string) string { return named(n.users, name) }

// addName adds a name that is not there yet, letter case aside.
func addName(to []string, name string) []string {
	if slices.ContainsFunc(to, func(s string) bool { return strings.EqualFold(s, name) }) {
		return to
	}
	return append(to, name)
}

// recordsOf are the first records of findings with what was found in each, in order.
func recordsOf(findings []*Finding) (out []*Record) {
	type key struct {
		file, host, channel string
		line, record        int64
		offset              int64
		id                  string
	}
	by := map[key]*Record{}
	for _, f := range findings {
		p := f.Place
		k := key{p.File, strings.ToLower(f.Host), p.Channel, p.Line, p.RecordID, -1, ""}
		if p.Offset != nil {
			k.offset = *p.Offset
		}
		if p.File == "" || f.Records > 1 || len(f.Evidence) != 1 || k.line+k.record == 0 && k.offset < 0 {
			k.id = f.ID // one of several records stands alone
		}
		r := by[k]
		if r == nil {
			r = &Record{Time: int64(f.Time)}
			if len(f.Evidence) > 0 {
				r.Evidence = f.Evidence[0]
			}
			by[k] = r
			out = append(out, r)
		}
		r.Findings = append(r.Findings, f)
	}
	for _, r := range out {
		r.Values = valuesOf(r.Findings)
	}
	return out
}

// valuesOf are the fields of findings of one record, each value once. Marks are not among
// them, and stand with the finding (hunt.Finding.Flags) when they are set.
func valuesOf(findings []*Finding) (out []Value) {
	at := map[[2]string]int{}
	for _, f := range findings {
		for _, x := range f.Values() {
			k := [2]string{x.Name, x.Value.String()}
			i, ok := at[k]
			if !ok {
				i = len(out)
				at[k] = i
				out = append(out, Value{Name: x.Name, Text: k[1]})
			}
			if o := out[i].Of; len(o) == 0 || o[len(o)-1] != f.N {
				out[i].Of = append(o, f.N)
			}
		}
	}
	for i := range out {
		if len(out[i].Of) == len(findings) {
			out[i].Of = nil
		}
	}
	return out
}
