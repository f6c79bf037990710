// Package tenant is what an organisation's Cloud SIEM is set up with: rules of six
// kinds with their tuning expressions, match and suppressed lists, network blocks,
// custom insights, criticality, entity groups and settings. It loads them from
// folders and files, and runs them over events: record, rule, signal, insight.
// Source: Cloud SIEM as ../shared/spec/cloud-siem.md describes it; numbers in
// comments are sections of it.
package tenant

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// Tenant is a set-up that can run.
type Tenant struct {
	Rules    []*Rule // that run, by their ids
	Disabled int     // rules that are switched off
	Content  *insight.Content
	Names    *insight.Names // how entities' names are normalised; nil is letter case alone

	Found    int             // documents, those that cannot be used included
	Unusable []rule.Unusable // what cannot be used, with place and reason
	Warnings diag.List       // of documents that are used

	records *event.Layout // attributes that somebody reads
	events  *event.Layout
	attrs   rule.Attributes // of records
	related []relatedAttr
	// Columns that tell a record of Windows from all others.
	numberSlot, computerSlot event.Slot
	saying                   sync.Mutex
	said                     []event.Slot // of Say, in events
	geo                      *lookup.Geo  // nil where no database is given
	planned                  sync.Once
	plan                     *record.Plan        // made by Ready
	made                     *record.Catalogue   // what records are made by
	maps                     []*ruledoc.Document // log mappings and log parsers
	profile                  record.Profile
	lists                    []*list
	columns                  map[string][]string // of lists, that the organisation has made; by name in small letters
	// What records get beyond their mappers' attributes; None of what nobody reads.
	fieldTags event.Slot
	tagged    []tagged
	types     map[string]bool // of entities
	tunings   []*tuning
	byID      map[string]*Rule
}

// Option changes what New makes.
type Option func(*Tenant)

// Indicators has hasThreatMatch look values up in a feed of threat indicators.
func Indicators(feed *lookup.Feed) Option {
	return func(t *Tenant) {
		if feed != nil {
			t.attrs = rule.WithIndicators(t.attrs, feed)
		}
	}
}

// Geo has the attributes of addresses that say where they are filled from a database.
func Geo(db *lookup.Geo) Option {
	return func(t *Tenant) { t.geo = db }
}

// New is the set-up that documents describe. What cannot be used is in Unusable; the
// rest goes on without it.
func New(docs []*ruledoc.Document, found diag.List, with ...Option) *Tenant {
	t := &Tenant{
		Content: &insight.Content{Settings: insight.Defaults(), Criticality: map[string]*insight.Criticality{}},
		records: event.NewLayout(routes...), events: event.NewLayout(), types: map[string]bool{}, byID: map[string]*Rule{},
	}
	t.attrs = rule.RecordAttributes(t.records)
	t.numberSlot, t.computerSlot = t.records.Exact(record.RawPrefix+"EventRecordID"), t.records.Exact(record.RawPrefix+"Computer")
	for _, name := range relatedNames {
		t.related = append(t.related, relatedAttr{t.records.Exact(name), record.Schema()[name].Entity})
	}
	t.fieldTags, t.columns = event.None, map[string][]string{}
	for _, o := range with {
		o(t)
	}
	for _, d := range found {
		if d.Severity == diag.Error {
			t.Found++
			t.Unusable = append(t.Unusable, rule.Unusable{Diagnostic: d})
		} else {
			t.Warnings.Add(d)
		}
	}
	t.Found += len(docs)
	for _, typ := range insight.Types {
		t.types[typ] = true
	}
	for _, d := range docs {
		switch d.What { // what others refer to
		case ruledoc.EntityType:
			if id := d.Body.Get("identifier"); id != nil {
				t.types["_"+strings.TrimPrefix(id.Text, "_")] = true
			}
		case ruledoc.Column:
			if x, ds := d.Column(); t.took(d, ds) {
				t.addColumn(x)
			}
		case ruledoc.Names:
			if x, ds := d.Names(); t.took(d, ds) {
				t.Names = &insight.Names{AD: x.AD, FQDN: x.FQDN, AWS: x.AWS, Users: x.Users, Hosts: x.Hosts, DefaultDomain: x.DefaultDomain, Domains: x.Domains}
			}
		}
	}
	var blocks []*insight.Block
	for _, d := range docs {
		switch d.What {
		case ruledoc.Tuning:
			t.addTuning(d)
		case ruledoc.MatchList, ruledoc.SuppressedList:
			t.addList(d)
		case ruledoc.NetworkBlock:
			if x, ds := d.Block(); t.took(d, ds) {
				blocks = append(blocks, &insight.Block{CIDR: x.CIDR, Label: x.Label, Internal: x.Internal, Suppresses: x.Suppresses})
			}
		case ruledoc.CustomInsight:
			if x, ds := d.Insight(); t.took(d, ds) && x.Enabled {
				c := &insight.Custom{
					ID: x.ID, Name: x.Name, Description: x.Description, RuleIDs: x.RuleIDs, SignalNames: x.SignalNames, Ordered: x.Ordered,
					Severity: x.Severity, Tags: x.Tags, Strict: x.Strict,
				}
				for _, y := range x.Dynamic {
					c.Dynamic = append(c.Dynamic, insight.Dynamic{Least: y.Least, Severity: y.Severity})
				}
				t.Content.Customs = append(t.Content.Customs, c)
			}
		case ruledoc.Criticality:
			if x, ds := d.Criticality(); t.took(d, ds) {
				c, ds := insight.ParseCriticality(x.Name, diag.Text(d.File.Name, x.Expression.Text))
				if t.took(d, t.within(d, x.Expression, ds)) {
					t.Content.Criticality[x.Name] = c
				}
			}
		case ruledoc.EntityGroup:
			if x, ds := d.Group(); t.took(d, ds) {
				t.Content.Groups = append(t.Content.Groups, &insight.Group{
					Name: x.Name, Type: x.Type, Attribute: x.InventoryKey, Value: x.InventoryValue, Block: x.Network, Prefix: x.Prefix, Suffix: x.Suffix,
					Criticality: x.Criticality, Suppressed: x.Suppressed, Tags: x.Tags,
				})
			}
		case ruledoc.LogMapping, ruledoc.Parser:
			t.maps = append(t.maps, d)
		case ruledoc.Settings:
			if x, ds := d.Settings(); t.took(d, ds) {
				t.set(x)
			}
		}
	}
	t.Content.Blocks = insight.NewBlocks(blocks)
	made, ds := record.NewCatalogue(t.profile, t.maps)
	t.made, made.Geo = made, t.geo
	for _, x := range ds {
		if x.Severity == diag.Error {
			t.Unusable = append(t.Unusable, rule.Unusable{Title: "log mapping", Diagnostic: x})
		} else {
			t.Warnings.Add(x)
		}
	}
	for _, d := range docs {
		if d.IsRule() {
			t.addRule(d)
		}
	}
	t.Rules = slices.SortedFunc(maps.Values(t.byID), func(a, b *Rule) int { return strings.Compare(a.ID, b.ID) })
	t.attach()
	t.checkNames()
	t.checkOneName()
	return t
}

// Some are the documents without the rules that want does not want, by their ids.
func Some(docs []*ruledoc.Document, want func(id string) bool) []*ruledoc.Document {
	return slices.DeleteFunc(slices.Clone(docs), func(d *ruledoc.Document) bool {
		if !d.IsRule() {
			return false
		}
		r, _ := d.Rule()
		return r == nil || !want(r.ID)
	})
}

// relatedNames are the attributes whose entities are listed as related to a record's
// others (10.1): who and where.
var relatedNames = []string{
	"device_hostname", "srcDevice_hostname", "dstDevice_hostname", "device_ip", "srcDevice_ip", "dstDevice_ip", "user_username", "targetUser_username", "fromUser_username",
}

type relatedAttr struct {
	slot event.Slot
	typ  string
}

const hour = 60 * 60 * 1000

// set takes what settings say of the algorithm (10.1).
func (t *Tenant) set(x *ruledoc.InsightSettings) {
	if p := x.Profile.Text; p != "" {
		if !slices.Contains(record.Profiles, p) {
			t.Unusable = append(t.Unusable, rule.Unusable{Title: "record_profile", Diagnostic: &diag.Diagnostic{
				Severity: diag.Error, Code: "bad-value", File: x.Doc.File, Span: x.Profile.At,
				Message: fmt.Sprintf("record_profile is %q, and must be one of %s", p, strings.Join(record.Profiles, ", ")),
			}})
		}
		t.profile = record.Profile(p)
	}
	s := &t.Content.Settings
	if x.LookbackDays != nil {
		s.Lookback = int64(*x.LookbackDays * 24 * hour)
	}
	if x.Threshold != nil {
		s.Threshold = *x.Threshold
	}
	if x.CeilingHours != nil {
		s.Ceiling = int64(*x.CeilingHours * hour)
	}
}

// took keeps what was found in a document, and says whether the document is used.
func (t *Tenant) took(d *ruledoc.Document, found diag.List) bool {
	ok := true
	for _, x := range found {
		if x.Severity != diag.Error {
			t.Warnings.Add(x)
			continue
		}
		if ok { // the first reason is enough
			t.Unusable = append(t.Unusable, rule.Unusable{Title: d.Name(), Diagnostic: x})
		}
		ok = false
	}
	return ok
}

// within turns what was found in a text of a document into places of the document.
func (t *Tenant) within(d *ruledoc.Document, s ruledoc.Source, found diag.List) (out diag.List) {
	for _, x := range found {
		y := *x
		if y.File != nil && y.File != d.File {
			at := y.File.Place(y.Span.Start)
			y.Message = fmt.Sprintf("%s (line %d, column %d of the expression)", y.Message, at.Line, at.Col)
		}
		y.File, y.Span, y.Fix = d.File, s.At, nil
		out.Add(&y)
	}
	return out
}

// checkNames warns of names in settings that nothing has.
func (t *Tenant) checkNames() {
	for _, g := range t.Content.Groups {
		if g.Criticality != "" && t.Content.Criticality[g.Criticality] == nil {
			t.Warnings.Add(&diag.Diagnostic{Severity: diag.Warning, Code: "unknown-criticality", Message: fmt.Sprintf("the entity group %s has the criticality %s, which no document describes", g.Name, g.Criticality)})
		}
	}
}

// checkOneName warns of rules whose signals have one name, although the one is more severe
// than the other: on an entity the weaker one keeps the stronger from counting (8.3).
func (t *Tenant) checkOneName() {
	first := map[string]*Rule{}
	for _, r := range t.Rules {
		name := strings.TrimSpace(r.NameTemplate.Text)
		if name == "" || r.Prototype {
			continue
		}
		old := first[name]
		if old == nil {
			first[name] = r
			continue
		}
		a, known := old.OneSeverity()
		b, known2 := r.OneSeverity()
		if known && known2 && a != b {
			t.Warnings.Add(&diag.Diagnostic{
				Severity: diag.Warning, Code: "one-name", File: r.Doc.File, Span: r.NameTemplate.At,
				Message: fmt.Sprintf("%s (%s) has severity %d and %s (%s) %d, and their signals have one name, %q: a strong one after a weak one on an entity is not counted", r.Name, r.ID, b, old.Name, old.ID, a, name),
				Help:    "give them names of their own, or put what tells them apart into the name: {{baseImage}}",
			})
		}
	}
}

// Catalogue is what records are made by; p is "" for the profile of the settings.
func (t *Tenant) Catalogue(p record.Profile) *record.Catalogue {
	if p == "" || p == t.profile {
		return t.made
	}
	c, _ := record.NewCatalogue(p, t.maps) // what is wrong with them is known
	c.Geo = t.geo
	return c
}

// MappingsOff is how many log mappings are switched off.
func (t *Tenant) MappingsOff() int { return t.made.Off }

// Attributes are the columns of records that somebody reads.
func (t *Tenant) Attributes() *event.Layout { return t.records }

// Say names fields of events that hits carry along in runs that ask for it: see Pass.Says
// and insight.Record.Said. The first call counts; it is made before the first run.
func (t *Tenant) Say(names []string) {
	t.saying.Lock()
	defer t.saying.Unlock()
	if t.said == nil {
		for _, n := range names {
			t.said = append(t.said, t.events.Slot(n))
		}
	}
}

// Ready ends the loading: from now on no attribute is added. Events and Fields are
// what the runs want to be given.
func (t *Tenant) Ready() (events *event.Layout, fields event.Fields) {
	t.planned.Do(func() {
		t.enriches()
		if t.Content.Blocks.Any() {
			for _, name := range t.records.Names() { // a block says where an address is
				if base, ok := strings.CutSuffix(name, "_location"); ok {
					t.records.Exact(base)
				}
			}
		}
		t.plan = record.NewPlan(t.made.Mappers, t.made.Parsers, t.events, t.records)
	})
	return t.events, t.plan.Fields
}
