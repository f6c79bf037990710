// Package draft makes a Sigma rule of events: tests that all of them meet and as
// few events of a baseline as possible.
package draft

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
)

const (
	// valuesMax is how many values a test may list: more describe the examples and
	// not what they have in common.
	valuesMax = 8
	// tokensMax is how many words of a field are tried.
	tokensMax = 24
	// candidatesMax bounds the tests that are tried, by the width of a set of them.
	candidatesMax = 64
	// testsMax is how many tests a rule gets.
	testsMax = 5
	// alsoMax is how many of the tests that were not taken are told, alsoOfField
	// how many of those are of one field.
	alsoMax, alsoOfField = 6, 2
	// tokenMin is the shortest word that is tried.
	tokenMin = 4
)

// Event is an event as text, by flat field name.
type Event map[string]string

// Draft is a rule in the making.
type Draft struct {
	Source   Source
	Examples int

	candidates []*Test
	baseline   map[uint64]int // events of the baseline by the candidates that they meet
	seen       int            // events of the baseline, of any log source
	within     int            // of this one
}

// Source is the log source of the examples. With a service the event ids are
// tests of their own.
type Source struct {
	Category, Service string
	EventIDs          []string
}

// Test is one line of a selection. Values are in small letters and compared so.
type Test struct {
	Field, Modifier string // Modifier is "", endswith or contains
	Values          []string
	Baseline        int // events of the baseline's log source that meet it
}

// New finds the log source of the examples, and what they have in common.
func New(examples []Event) (*Draft, error) {
	if len(examples) == 0 {
		return nil, errors.New("there are no example events")
	}
	d := &Draft{Examples: len(examples), baseline: map[uint64]int{}}
	sources := map[string]int{}
	ids := map[string]bool{}
	for _, e := range examples {
		category, service := mapping.SigmaSource(e["Channel"], e["Provider"], e["EventID"])
		if category == "" && service == "" {
			return nil, fmt.Errorf("no log source of Sigma is known for an event of channel %q, id %q", cmp.Or(e["Channel"], e["Provider"]), e["EventID"])
		}
		d.Source.Category, d.Source.Service = category, service
		sources[category+service]++
		ids[e["EventID"]] = true
	}
	if len(sources) > 1 {
		return nil, fmt.Errorf("the examples are of several log sources, %s: a rule is for one", strings.Join(slices.Sorted(maps.Keys(sources)), ", "))
	}
	if d.Source.Service != "" {
		d.Source.EventIDs = slices.Sorted(maps.Keys(ids))
	}
	d.propose(examples)
	if len(d.candidates) == 0 {
		return nil, errors.New("the examples have nothing in common that a rule could ask for")
	}
	return d, nil
}

// Add counts an event of the baseline.
func (d *Draft) Add(e Event) {
	d.seen++
	category, service := mapping.SigmaSource(e["Channel"], e["Provider"], e["EventID"])
	if category != d.Source.Category || service != d.Source.Service || service != "" && !slices.Contains(d.Source.EventIDs, e["EventID"]) {
		return
	}
	d.within++
	var met uint64
	for i, t := range d.candidates {
		if t.Meets(e) {
			met |= 1 << i
			t.Baseline++
		}
	}
	d.baseline[met]++
}

// Meets reports whether an event meets the test.
func (t *Test) Meets(e Event) bool {
	v, ok := e[t.Field]
	if !ok {
		return false
	}
	v = strings.ToLower(v)
	return slices.ContainsFunc(t.Values, func(w string) bool {
		switch t.Modifier {
		case "endswith":
			return strings.HasSuffix(v, w)
		case "contains":
			return strings.Contains(v, w)
		}
		return v == w
	})
}

// propose lists the tests that all examples meet.
func (d *Draft) propose(examples []Event) {
	known := mapping.SigmaFields(d.Source.Category, d.Source.Service, d.Source.EventIDs)
	for _, field := range slices.SortedFunc(maps.Keys(examples[0]), byWorth) {
		if passing[strings.ToLower(field)] || strings.HasPrefix(field, "_") ||
			known != nil && !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, field) }) {
			continue
		}
		var values []string
		complete := true
		for _, e := range examples {
			v := strings.ToLower(e[field])
			complete = complete && v != "" && v != "-"
			values = append(values, v)
		}
		if !complete {
			continue
		}
		for _, t := range testsOf(field, values) {
			if len(d.candidates) < candidatesMax {
				d.candidates = append(d.candidates, t)
			}
		}
	}
}

// testsOf are the tests that a field's values all meet.
func testsOf(field string, values []string) (list []*Test) {
	add := func(modifier string, values []string) {
		values = slices.Compact(slices.Sorted(slices.Values(values)))
		if len(values) <= valuesMax {
			list = append(list, &Test{Field: field, Modifier: modifier, Values: values})
		}
	}
	if text[strings.ToLower(field)] {
		for _, w := range common(values) {
			add("contains", []string{w})
		}
		return list
	}
	var names []string
	for _, v := range values {
		if i := strings.LastIndexByte(v, '\\'); i >= 0 && i < len(v)-1 {
			names = append(names, v[i:])
		}
	}
	if len(names) < len(values) {
		add("", values)
		return list
	}
	add("endswith", names)
	// Where names differ, folders may tell.
	if slices.ContainsFunc(names, func(n string) bool { return n != names[0] }) {
		for _, w := range common(values) {
			add("contains", []string{w})
		}
	}
	return list
}

// common are the words that stand in all values, longest first.
func common(values []string) []string {
	words := strings.FieldsFunc(values[0], func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'`,;()|<>=", r) })
	// Pieces of a path are words as well.
	for _, w := range slices.Clone(words) {
		if strings.Count(w, `\`) > 1 {
			for _, p := range strings.Split(w, `\`) {
				words = append(words, `\`+p)
			}
		}
	}
	var out []string
	for _, w := range words {
		if len(w) >= tokenMin && !strings.Contains(w, `\users\`) && !slices.Contains(out, w) &&
			!slices.ContainsFunc(values, func(v string) bool { return !strings.Contains(v, w) }) {
			out = append(out, w)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	return out[:min(len(out), tokensMax)]
}

// Rule is what a draft comes to.
type Rule struct {
	Source            Source
	Tests             []*Test
	Also              []*Test // further tests that all examples meet, the rarest in the baseline first
	Examples          int     // events that the rule was made of; it matches all
	Matched           int     // events of the baseline that it matches too
	Baseline, Outside int     // events of the baseline, of the log source and of others
}

// Rule chooses tests: each time the one that leaves the fewest events of the
// baseline, until none is left or none helps. Tests that later ones made
// needless go again.
func (d *Draft) Rule() *Rule {
	r := &Rule{Source: d.Source, Examples: d.Examples, Baseline: d.within, Outside: d.seen - d.within}
	left := func(chosen uint64) (n int) {
		for met, count := range d.baseline {
			if met&chosen == chosen {
				n += count
			}
		}
		return n
	}
	var chosen uint64
	now := d.within
	for n := 0; n < testsMax && (n == 0 || now > 0); n++ {
		best, fewest := -1, now
		for i := range d.candidates {
			if chosen&(1<<i) != 0 {
				continue
			}
			// Candidates stand in the order of their worth, so the first of equals wins.
			if k := left(chosen | 1<<i); k < fewest || best < 0 && n == 0 {
				best, fewest = i, k
			}
		}
		if best < 0 {
			break
		}
		chosen, now = chosen|1<<best, fewest
	}
	for i := range d.candidates {
		if without := chosen &^ (1 << i); without != chosen && without != 0 && left(without) == now {
			chosen = without
		}
	}
	if d.within == 0 { // nothing to choose by: the programs, and the longest word
		chosen = d.unopposed()
	}
	r.Matched = left(chosen)
	told := map[string]int{}
	for i, t := range d.candidates {
		if chosen&(1<<i) != 0 {
			r.Tests = append(r.Tests, t)
		} else if told[t.Field]++; told[t.Field] <= alsoOfField {
			r.Also = append(r.Also, t)
		}
	}
	slices.SortStableFunc(r.Also, func(a, b *Test) int { return cmp.Compare(a.Baseline, b.Baseline) })
	r.Also = r.Also[:min(len(r.Also), alsoMax)]
	return r
}

// unopposed takes the first test of each of the first fields.
func (d *Draft) unopposed() (chosen uint64) {
	field := ""
	n := 0
	for i, t := range d.candidates {
		if t.Field != field && n < 3 {
			chosen |= 1 << i
			field = t.Field
			n++
		}
	}
	return chosen
}

// worth are the fields that rules are mostly made of, best first.
var worth = strings.Fields("image parentimage originalfilename targetfilename targetobject imageloaded sourceimage targetimage pipename queryname scriptblocktext payload " +
	"commandline parentcommandline details grantedaccess servicename servicefilename taskname objectname logontype")

func byWorth(a, b string) int {
	at := func(f string) int {
		if i := slices.Index(worth, strings.ToLower(f)); i >= 0 {
			return i
		}
		return len(worth)
	}
	return cmp.Or(cmp.Compare(at(a), at(b)), strings.Compare(a, b))
}

func set(names string) map[string]bool {
	out := map[string]bool{}
	for _, n := range strings.Fields(names) {
		out[n] = true
	}
	return out
}

var (
	// text are the fields that are searched for words.
	text = set("commandline parentcommandline scriptblocktext payload contextinfo taskcontent data message processcommandline")
	// passing are fields that say who, when and where: a rule made of them knows the
	// examples again and nothing else.
	passing = set("eventid channel provider provider_name providerguid computer computername eventrecordid executionprocessid executionthreadid systemtime utctime creationutctime " +
		"previouscreationutctime processguid processid parentprocessguid parentprocessid sourceprocessguid sourceprocessid targetprocessguid targetprocessid newprocessid sourcethreadid newthreadid " +
		"logonguid logonid terminalsessionid user parentuser sourceuser targetuser hashes md5 sha1 sha256 imphash rulename currentdirectory version level task opcode keywords userid " +
		"subjectusersid subjectusername subjectdomainname subjectlogonid targetusersid targetusername targetdomainname targetlogonid activityid sourceip sourceport sourcehostname startaddress handleid " +
		"ipport ipaddress workstationname time newprocessname parentprocessname scriptblockid messagenumber messagetotal path fileversion")
)
