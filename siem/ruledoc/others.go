package ruledoc

import (
	"net/netip"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

// TuningExpression narrows or excludes what rules fire on (5.8).
type TuningExpression struct {
	ID, Name   string
	Expression Source
	Enabled    bool
	Exclude    bool // what matches is taken out; else only what matches stays
	Global     bool // for every rule
	RuleIDs    []string
	Doc        *Document
}

// Tuning is the document as a tuning expression, nil with an error in the list if it
// cannot be used.
func (d *Document) Tuning() (*TuningExpression, diag.List) {
	r := &reader{d: d}
	x := &TuningExpression{
		ID: r.text("id"), Name: r.text("name"), Expression: r.source("expression"), Enabled: r.yes("enabled", true), Exclude: r.yes("exclude", true),
		Global: r.yes("is_global", false), RuleIDs: plain(r.texts(r.get("rule_ids"), "rule_ids")), Doc: d,
	}
	if x.Name == "" {
		x.Name = d.Label
	}
	if x.ID == "" {
		x.ID = x.Name
	}
	if x.Expression.Text == "" {
		r.fail(d.Body.At, "no-expression", "the tuning has no expression")
	}
	if !x.Global && len(x.RuleIDs) == 0 {
		r.found.Add(&diag.Diagnostic{
			Severity: diag.Warning, Code: "tuning-of-nothing", File: d.File, Span: d.Body.At,
			Message: "the tuning is for no rule", Help: "name rules in rule_ids, or set is_global",
		})
	}
	if r.found.HasErrors() {
		return nil, r.found
	}
	return x, r.found
}

// Insight is a custom insight (10.2).
type Insight struct {
	ID, Name, Description string
	Enabled               bool
	RuleIDs, SignalNames  []string
	Ordered               bool
	Severity              string // LOW, MEDIUM, HIGH or CRITICAL
	Dynamic               []DynamicSeverity
	Tags                  []string
	Strict                bool
	Doc                   *Document
}

// DynamicSeverity is the severity of an insight whose strongest signal has at least
// a severity.
type DynamicSeverity struct {
	Least    int
	Severity string
}

var levels = map[string]bool{"LOW": true, "MEDIUM": true, "HIGH": true, "CRITICAL": true}

// Insight is the document as a custom insight, nil with an error in the list if it
// cannot be used.
func (d *Document) Insight() (*Insight, diag.List) {
	r := &reader{d: d}
	x := &Insight{
		ID: r.text("id"), Name: r.text("name"), Description: r.text("description"), Enabled: r.yes("enabled", true),
		RuleIDs: plain(r.texts(r.get("rule_ids"), "rule_ids")), SignalNames: plain(r.texts(r.get("signal_names"), "signal_names")),
		Ordered: r.yes("ordered", false), Severity: strings.ToUpper(r.text("severity")), Tags: plain(r.texts(r.get("tags"), "tags")),
		Strict: strings.EqualFold(r.text("signal_match_strategy"), "STRICT"), Doc: d,
	}
	if x.Name == "" {
		x.Name = d.Label
	}
	if x.ID == "" {
		x.ID = x.Name
	}
	if x.Name == "" {
		r.fail(d.Body.At, "no-name", "the custom insight has no name")
	}
	if len(x.RuleIDs) == 0 && len(x.SignalNames) == 0 {
		r.fail(d.Body.At, "no-signals", "the custom insight wants rule_ids or signal_names")
	}
	if len(x.RuleIDs) > 0 && len(x.SignalNames) > 0 {
		r.fail(r.at("signal_names"), "two-kinds-of-signals", "the custom insight wants rule_ids or signal_names, not both")
	}
	if !levels[x.Severity] {
		r.fail(r.at("severity"), "bad-severity", "the severity of an insight is LOW, MEDIUM, HIGH or CRITICAL, and this is %q", x.Severity)
	}
	if v := r.get("dynamic_severity"); v != nil {
		for i := range v.Items {
			e := &v.Items[i]
			least, level := e.Get("minimum_signal_severity"), e.Get("insight_severity")
			if least == nil || level == nil || !levels[strings.ToUpper(level.Text)] {
				r.fail(e.At, "bad-severity", "a dynamic severity wants minimum_signal_severity and insight_severity")
				continue
			}
			f, ok := least.float()
			if !ok {
				r.fail(least.At, "bad-severity", "minimum_signal_severity must be a number")
			}
			x.Dynamic = append(x.Dynamic, DynamicSeverity{int(f), strings.ToUpper(level.Text)})
		}
	}
	if r.found.HasErrors() {
		return nil, r.found
	}
	return x, r.found
}

// ListOfValues is a match list or a suppressed list (11).
type ListOfValues struct {
	Name, Column string
	Active       bool
	Suppresses   bool // signals of records that it matches
	Items        []Item
	Doc          *Document
}

// Item is an entry of a list.
type Item struct {
	Value      string
	Active     bool
	Expiration string // a time, or ""
	At         diag.Span
}

// itemsMost is how many items a list may have (11): match lists, suppressed lists.
const (
	itemsMost           = 100_000
	itemsMostSuppressed = 50_000
)

// List is the document as a match list or suppressed list, nil with an error in the
// list if it cannot be used.
func (d *Document) List() (*ListOfValues, diag.List) {
	r := &reader{d: d}
	x := &ListOfValues{Name: r.text("name"), Column: r.text("target_column"), Active: r.yes("active", true), Suppresses: d.What == SuppressedList, Doc: d}
	if x.Name == "" {
		r.fail(d.Body.At, "no-name", "the list has no name")
	}
	if x.Column == "" {
		r.fail(d.Body.At, "no-column", "the list has no target_column: which attributes it is compared with")
	}
	most := itemsMost
	if x.Suppresses {
		most = itemsMostSuppressed
	}
	if v := r.get("items"); v != nil {
		if len(v.Items) > most {
			r.fail(v.At, "too-many-items", "the list has %d items, and at most %d are used", len(v.Items), most)
		}
		for i := range v.Items {
			e := &v.Items[i]
			if e.Kind == Text {
				x.Items = append(x.Items, Item{Value: e.Text, Active: true, At: e.At})
				continue
			}
			value := e.Get("value")
			if value == nil || value.Kind == Object || value.Kind == List {
				r.fail(e.At, "bad-item", "an item of a list wants a value")
				continue
			}
			item := Item{Value: value.Text, Active: true, At: e.At}
			if a := e.Get("active"); a != nil {
				item.Active, _ = a.bool()
			}
			if a := e.Get("expiration"); a != nil {
				item.Expiration = a.Text
			}
			x.Items = append(x.Items, item)
		}
	}
	if r.found.HasErrors() {
		return nil, r.found
	}
	return x, r.found
}

// Block is a network block (11).
type Block struct {
	CIDR       netip.Prefix
	Label      string
	Internal   bool
	Suppresses bool
	Doc        *Document
}

// Block is the document as a network block, nil with an error in the list if it
// cannot be used.
func (d *Document) Block() (*Block, diag.List) {
	r := &reader{d: d}
	x := &Block{Label: r.text("label"), Internal: r.yes("internal", false), Suppresses: r.yes("suppresses_signals", false), Doc: d}
	s := r.source("address_block")
	var err error
	if x.CIDR, err = netip.ParsePrefix(s.Text); err != nil {
		ip, err := netip.ParseAddr(s.Text)
		if err != nil {
			r.fail(s.At, "bad-network", "address_block wants a network such as 10.0.0.0/8, and this is %q", s.Text)
			return nil, r.found
		}
		x.CIDR = netip.PrefixFrom(ip, ip.BitLen())
	}
	if r.found.HasErrors() {
		return nil, r.found
	}
	return x, r.found
}

// CriticalityConfig is a named change of severities (9.5).
type CriticalityConfig struct {
	Name       string
	Expression Source
	Doc        *Document
}

// Criticality is the document as a criticality, nil with an error in the list if it
// cannot be used.
func (d *Document) Criticality() (*CriticalityConfig, diag.List) {
	r := &reader{d: d}
	x := &CriticalityConfig{Name: r.text("name"), Expression: r.source("severity_expression"), Doc: d}
	if x.Name == "" || x.Expression.Text == "" {
		r.fail(d.Body.At, "bad-criticality", "a criticality wants a name and a severity_expression such as severity + 3")
	}
	if r.found.HasErrors() {
		return nil, r.found
	}
	return x, r.found
}

// Group is an entity group (9.6).
type Group struct {
	Name, Type                   string
	Prefix, Suffix               string
	Network                      netip.Prefix // not valid where there is none
	InventoryKey, InventoryValue string
	Criticality                  string
	Suppressed                   bool
	Tags                         []string
	Doc                          *Document
}

// Group is the document as an entity group, nil with an error in the list if it
// cannot be used.
func (d *Document) Group() (*Group, diag.List) {
	r := &reader{d: d}
	x := &Group{
		Name: r.text("name"), Type: r.text("entity_type"), Prefix: r.text("prefix"), Suffix: r.text("suffix"), InventoryKey: r.text("inventory_key"),
		InventoryValue: r.text("inventory_value", "group"), Criticality: r.text("criticality"), Suppressed: r.yes("suppressed", false),
		Tags: plain(r.texts(r.get("tags"), "tags")), Doc: d,
	}
	if x.Name == "" {
		x.Name = d.Label
	}
	if x.Type != "" && !strings.HasPrefix(x.Type, "_") {
		x.Type = "_" + x.Type
	}
	if s := r.source("network_block"); s.Text != "" {
		var err error
		if x.Network, err = netip.ParsePrefix(s.Text); err != nil {
			r.fail(s.At, "bad-network", "network_block wants a network such as 10.0.0.0/8, and this is %q", s.Text)
		}
	}
	if x.Prefix == "" && x.Suffix == "" && x.InventoryKey == "" && !x.Network.IsValid() && !r.found.HasErrors() {
		r.fail(d.Body.At, "group-of-nothing", "the entity group holds nothing: it wants prefix, suffix, network_block or an inventory key")
	}
	if r.found.HasErrors() {
		return nil, r.found
	}
	return x, r.found
}

// InsightSettings are those of the insight algorithm (10.1); nil of what is not set.
type InsightSettings struct {
	LookbackDays *float64
	Threshold    *float64
	CeilingHours *float64 // global_signal_suppression_window
	Profile      Source   // record_profile, gyoji's own: sumo or sumo+
	Doc          *Document
}

// Settings is the document as settings, nil with an error in the list if it cannot
// be used.
func (d *Document) Settings() (*InsightSettings, diag.List) {
	r := &reader{d: d}
	x := &InsightSettings{Doc: d, Profile: r.source("record_profile")}
	for key, to := range map[string]**float64{"lookback_days": &x.LookbackDays, "threshold": &x.Threshold, "global_signal_suppression_window": &x.CeilingHours} {
		if r.get(key) != nil {
			f := r.number(0, key)
			if f < 0 || f == 0 && key != "threshold" {
				r.fail(r.at(key), "bad-value", "%s is above 0, and this is %v", key, f)
			}
			*to = &f
		}
	}
	if r.found.HasErrors() {
		return nil, r.found
	}
	return x, r.found
}

// ListColumn is a target column of lists that an organisation has made (11).
type ListColumn struct {
	Name       string
	Attributes []string
	Doc        *Document
}

// Column is the document as a column of lists, nil with an error in the list if it
// cannot be used.
func (d *Document) Column() (*ListColumn, diag.List) {
	r := &reader{d: d}
	x := &ListColumn{Name: r.text("name"), Attributes: plain(r.texts(r.get("fields"), "fields")), Doc: d}
	if x.Name == "" {
		x.Name = d.Label
	}
	if x.Name == "" || len(x.Attributes) == 0 {
		r.fail(d.Body.At, "bad-column", "a column of lists wants a name and fields: the attributes that it looks at")
	}
	if r.found.HasErrors() {
		return nil, r.found
	}
	return x, r.found
}

// NameSettings say how the names of users and hosts are normalised (9.3).
type NameSettings struct {
	AD, FQDN, AWS bool
	Users, Hosts  bool
	DefaultDomain string
	Domains       map[string]string // raw domain in small letters -> normalised domain
	Doc           *Document
}

// Names is the document as settings of names, nil with an error in the list if it cannot
// be used.
func (d *Document) Names() (*NameSettings, diag.List) {
	r := &reader{d: d}
	x := &NameSettings{
		AD: r.yes("ad_domain_normalization_enabled", false), FQDN: r.yes("fqdn_normalization_enabled", false), AWS: r.yes("aws_normalization_enabled", false),
		Users: r.yes("normalize_usernames", true), Hosts: r.yes("normalize_hostnames", true),
		DefaultDomain: r.text("default_normalized_domain"), Domains: map[string]string{}, Doc: d,
	}
	if v := r.get("domain_mappings"); v != nil {
		for i := range v.Items {
			e := &v.Items[i]
			raw, to := e.Get("raw_domain"), e.Get("normalized_domain")
			if raw == nil || to == nil {
				r.fail(e.At, "bad-domain", "a domain mapping wants raw_domain and normalized_domain")
				continue
			}
			x.Domains[strings.ToLower(raw.Text)] = to.Text
		}
	}
	if r.found.HasErrors() {
		return nil, r.found
	}
	return x, r.found
}
