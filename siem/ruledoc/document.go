// Package ruledoc reads and writes what Cloud SIEM is set up with: rules of six
// kinds, tuning expressions, custom insights, match and suppressed lists, network
// blocks, criticality, entity groups, log mappings and log parsers, as the API's JSON, the
// catalogue's, Terraform or YAML. Reading one and writing another loses nothing:
// keys that it does not know are kept. A package of its own, for HashiCorp's library.
// Source: ../shared/spec/cloud-siem.md, sections 5, 6, 10 to 12 and 18 (R07); numbers
// in comments are sections of it.
package ruledoc

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

// What a Document is; for rules the kind of rule as Terraform calls it.
const (
	MatchRule       = "match_rule"
	ThresholdRule   = "threshold_rule"
	ChainRule       = "chain_rule"
	AggregationRule = "aggregation_rule"
	FirstSeenRule   = "first_seen_rule"
	OutlierRule     = "outlier_rule"

	Tuning         = "rule_tuning_expression"
	CustomInsight  = "custom_insight"
	MatchList      = "match_list"
	SuppressedList = "suppressed_list"
	NetworkBlock   = "network_block"
	Criticality    = "entity_criticality_config"
	EntityGroup    = "entity_entity_group_configuration"
	LogMapping     = "log_mapping"
	Parser         = "log_parser"
	EntityType     = "custom_entity_type"
	Settings       = "insights_configuration"
	Column         = "custom_match_list_column" // of match lists
	Names          = "entity_normalization"     // the domain configuration of 9.3
)

// RuleKinds are the six kinds of rules.
var RuleKinds = []string{MatchRule, ThresholdRule, ChainRule, AggregationRule, FirstSeenRule, OutlierRule}

// patterns are the kinds of rules as exports and rule ids call them.
var patterns = []struct{ kind, export, id string }{
	{MatchRule, "templated_match", "MATCH"},
	{MatchRule, "match", "LEGACY"},
	{ThresholdRule, "threshold", "THRESHOLD"},
	{ChainRule, "chain", "CHAIN"},
	{AggregationRule, "aggregation", "AGGREGATION"},
	{FirstSeenRule, "first_seen", "FIRST"},
	{OutlierRule, "outlier", "OUTLIER"},
}

// Document is one document: its keys in snake case, by the names of the exports.
type Document struct {
	What  string
	Label string // of a Terraform resource
	Body  Value
	File  *diag.File
	From  Format
}

// onlyStream is what all rules read.
const onlyStream = "record"

// IsRule says whether the document is a rule.
func (d *Document) IsRule() bool { return slices.Contains(RuleKinds, d.What) }

// Name is what the document calls itself.
func (d *Document) Name() string {
	for _, k := range []string{"name", "label", "address_block"} {
		if v := d.Body.Get(k); v != nil && v.Kind == Text && v.Text != "" {
			return v.Text
		}
	}
	return d.Label
}

// Read reads the documents of a file, in the order of the text. What in it cannot
// be read is named, and the rest is still there.
func Read(f *diag.File) (all []*Document, found diag.List) {
	text := strings.TrimLeft(strings.TrimPrefix(f.Text, "\ufeff"), " \t\r\n")
	lower := strings.ToLower(f.Name)
	switch {
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		v, d := parseJSON(f)
		if d != nil {
			return nil, diag.List{d}
		}
		return fromJSON(f, v)
	case strings.HasSuffix(lower, ".yaml"), strings.HasSuffix(lower, ".yml"):
		values, ds := parseYAML(f)
		found = ds
		for _, v := range values {
			if v.Kind == Null {
				continue
			}
			docs, ds := fromTree(f, v, YAML)
			all, found = append(all, docs...), append(found, ds...)
		}
		return all, found
	}
	resources, found := parseHCL(f)
	for _, r := range resources {
		what := r.Type
		if !known(what) {
			found.Add(&diag.Diagnostic{
				Severity: diag.Warning, Code: "unknown-resource", File: f, Span: r.At,
				Message: fmt.Sprintf("%s%s is not a resource that gyoji uses", resourcePrefix, what),
			})
		}
		body := rename(r.Body, func(k string) string { return ours(k, group(what), Terraform) })
		if slices.Contains(RuleKinds, what) && body.Get("stream") == nil {
			body.Set("stream", Of(onlyStream))
		}
		all = append(all, &Document{What: what, Label: r.Label, Body: body, File: f, From: Terraform})
	}
	return all, found
}

func known(what string) bool {
	switch what {
	case Tuning, CustomInsight, MatchList, SuppressedList, NetworkBlock, Criticality, EntityGroup, LogMapping, Parser, EntityType, Settings, Column, Names:
		return true
	}
	return slices.Contains(RuleKinds, what)
}

// group is which table of names a kind of document has.
func group(what string) string {
	if slices.Contains(RuleKinds, what) {
		return "rule"
	}
	return what
}

func fromJSON(f *diag.File, v Value) ([]*Document, diag.List) { return fromTree(f, v, Flat) }

// lists are the keys of an export that hold documents, with what these are; "" is
// to be seen from each.
var lists = map[string]string{
	"rules": "", "objects": "", "tunings": Tuning, "rule_tuning_expressions": Tuning, "custom_insights": CustomInsight, "match_lists": MatchList,
	"suppressed_lists": SuppressedList, "network_blocks": NetworkBlock, "entity_criticality_configs": Criticality, "log_mappings": LogMapping, "log_parsers": Parser,
	"custom_match_list_columns": Column,
}

// fromTree finds the documents in a tree: one, a list, an export's list, or what the
// API wraps in fields or data.
func fromTree(f *diag.File, v Value, from Format) (all []*Document, found diag.List) {
	switch v.Kind {
	case List:
		for _, x := range v.Items {
			docs, ds := fromTree(f, x, from)
			all, found = append(all, docs...), append(found, ds...)
		}
		return all, found
	case Object:
	default:
		return nil, diag.List{problem(f, v.At, "bad-document", "a document is an object, and this is %s", v.Kind)}
	}
	for _, wrap := range []string{"fields", "data", "config"} {
		if x := v.Get(wrap); x != nil && x.Kind == Object && len(v.Members) <= 2 {
			if from == Flat && wrap == "fields" {
				from = API
			}
			return fromTree(f, *x, from)
		}
	}
	body := rename(v, func(k string) string { return ours(k, "", from) })
	listed := false
	for i := range body.Members {
		m := &body.Members[i]
		what, ok := lists[m.Key]
		if !ok || m.Value.Kind != List {
			continue
		}
		listed = true
		for _, x := range m.Value.Items {
			as := from
			if m.Key == "rules" && from != YAML {
				as = Export
			}
			docs, ds := fromTree(f, x, as)
			for _, d := range docs {
				if what != "" {
					d.What = what
				}
			}
			all, found = append(all, docs...), append(found, ds...)
		}
	}
	if listed {
		return all, found
	}
	d := &Document{Body: body, File: f, From: from}
	if d.What = what(&d.Body); d.What == "" {
		return nil, diag.List{problem(f, v.At, "unknown-document", "this is no document of Cloud SIEM that gyoji knows")}
	}
	return []*Document{d}, nil
}

// what says what an object is by the keys that it has (R07).
func what(v *Value) string {
	has := func(keys ...string) bool {
		return slices.ContainsFunc(keys, func(k string) bool { x := v.Get(k); return x != nil && x.Kind != Null })
	}
	if k := v.Get("kind"); k != nil && known(k.Text) {
		v.Drop("kind")
		return k.Text
	}
	for _, key := range []string{"pattern_type", "rule_type"} {
		if p := v.Get(key); p != nil {
			for _, x := range patterns {
				if strings.EqualFold(strings.ReplaceAll(strings.ReplaceAll(p.Text, " ", "_"), "-", "_"), x.export) {
					return x.kind
				}
			}
		}
	}
	switch {
	case has("exclude") && (has("rule_ids") || has("is_global")):
		return Tuning
	case has("rule_ids", "signal_names") && has("severity") && !has("expression", "exclude"):
		return CustomInsight
	case has("expressions_and_limits"):
		return ChainRule
	case has("deviation_threshold"):
		return OutlierRule
	case has("value_fields", "value_expression", "baseline_type"):
		return FirstSeenRule
	case has("trigger_expression", "aggregation_functions"):
		return AggregationRule
	case has("expression") && has("limit", "count_field", "count_distinct"):
		return ThresholdRule
	case has("target_column"):
		return MatchList
	case has("address_block"):
		return NetworkBlock
	case has("severity_expression"):
		return Criticality
	case has("structured_inputs", "record_type"):
		return LogMapping
	case has("recognise", "extract") && has("vendor"):
		return Parser
	case has("expression"):
		return MatchRule
	case has("lookback_days", "threshold", "global_signal_suppression_window", "record_profile"):
		return Settings
	case has("entity_type", "entity_namespace") && has("prefix", "suffix", "network_block", "inventory_key", "group"):
		return EntityGroup
	case has("identifier") && has("fields"):
		return EntityType
	case has("name") && has("fields") && v.Get("fields").Kind == List:
		return Column
	case has("ad_domain_normalization_enabled", "fqdn_normalization_enabled", "aws_normalization_enabled", "normalize_usernames", "normalize_hostnames", "domain_mappings"):
		return Names
	}
	return ""
}

func problem(f *diag.File, at diag.Span, code, format string, args ...any) *diag.Diagnostic {
	return &diag.Diagnostic{Severity: diag.Error, Code: code, File: f, Span: at, Message: fmt.Sprintf(format, args...)}
}

// Write writes documents in a format. Of API and Flat each is a JSON text of its
// own, one after the other; an Export holds them all.
func Write(docs []*Document, to Format) ([]byte, error) {
	var b bytes.Buffer
	switch to {
	case Export:
		var rules []Value
		for _, d := range docs {
			v := cloned(d.Body)
			if d.IsRule() && v.Get("pattern_type") == nil {
				v.Set("pattern_type", Of(exportName(d)))
			}
			rules = append(rules, v)
		}
		all := Value{Kind: Object, Members: []Member{{Key: "rules", Value: Of(rules)}}}
		writeJSON(&b, &all, "")
		b.WriteByte('\n')
	case Terraform:
		labels := map[string]int{}
		for i, d := range docs {
			if i > 0 {
				b.WriteByte('\n')
			}
			label := d.Label
			if label == "" {
				label = labelOf(d.Name())
			}
			if labels[d.What+label]++; labels[d.What+label] > 1 {
				label = fmt.Sprintf("%s_%d", label, labels[d.What+label])
			}
			v := rename(cloned(d.Body), func(k string) string { return theirs(k, group(d.What), Terraform) })
			if x := v.Get("stream"); x != nil && x.Text == onlyStream {
				v.Drop("stream") // the resources know no other, and refuse the name
			}
			b.WriteString(writeHCL(d.What, label, &v))
		}
	case YAML:
		for i, d := range docs {
			if i > 0 {
				b.WriteString("---\n")
			}
			v := Value{Kind: Object, Members: append([]Member{{Key: "kind", Value: Of(d.What)}}, d.Body.Members...)}
			if err := writeYAML(&b, &v); err != nil {
				return nil, err
			}
		}
	default:
		for _, d := range docs {
			v := rename(cloned(d.Body), func(k string) string { return theirs(k, group(d.What), to) })
			if to == API {
				v = Value{Kind: Object, Members: []Member{{Key: "fields", Value: v}}}
			}
			writeJSON(&b, &v, "")
			b.WriteByte('\n')
		}
	}
	return b.Bytes(), nil
}

func cloned(v Value) Value { return rename(v, func(k string) string { return k }) }

func exportName(d *Document) string {
	for _, p := range patterns {
		if p.kind == d.What {
			return p.export
		}
	}
	return d.What
}

// labelOf makes a Terraform label of a name.
func labelOf(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' && b.Len() > 0 {
			b.WriteRune(r)
		} else if n := b.Len(); n > 0 && b.String()[n-1] != '_' {
			b.WriteByte('_')
		}
	}
	if s := strings.TrimRight(b.String(), "_"); s != "" {
		return s
	}
	return "rule"
}

func sortBy[T any](list []T, by func(T) int) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(by(a), by(b)) })
}
