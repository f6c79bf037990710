package ruledoc_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/sharedtest"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

var endings = map[ruledoc.Format]string{ruledoc.API: "x.json", ruledoc.Flat: "x.json", ruledoc.Export: "x.json", ruledoc.Terraform: "x.tf", ruledoc.YAML: "x.yaml"}

// text is a text that each format has to quote in its own way.
func text(r *rand.Rand) string {
	parts := []string{"a", "ä𝄞", `\`, `"`, "'", "${x}", "%{y}", "%", "\n", "\t", "null", "true", "1.50", "<<EOT", "{{a}}", ": ", "# ", "- ", "\u00a0", "$$", "é\u0301"}
	var b strings.Builder
	for range r.IntN(6) {
		b.WriteString(parts[r.IntN(len(parts))])
	}
	return b.String()
}

func object(kv ...any) ruledoc.Value {
	v := ruledoc.Value{Kind: ruledoc.Object}
	for i := 0; i < len(kv); i += 2 {
		v.Members = append(v.Members, ruledoc.Member{Key: kv[i].(string), Value: ruledoc.Of(kv[i+1])})
	}
	return v
}

// made is a rule of any kind with all its keys, and some that nobody knows.
func made(r *rand.Rand, what string) *ruledoc.Document {
	v := object("id", "MATCH-U1", "name", "n"+text(r), "enabled", r.IntN(2) == 0, "stream", "record", "is_prototype", false, "tags", []string{"_mitreAttackTactic:TA0001", text(r)},
		"summary_expression", text(r), "suppression_window_size", 43200000, "future_key", text(r), "future_list", []string{text(r)}, "future_number", 1.5,
		"entity_selectors", []ruledoc.Value{object("entity_type", "_ip", "expression", "srcDevice_ip"), object("entity_type", "_username", "expression", "user_username")})
	set := func(kv ...any) { v.Members = append(v.Members, object(kv...).Members...) }
	mapping := object("type", "fieldValueMapping", "field", "severity", "default", 1, "mapping", []ruledoc.Value{object("type", "equal", "from", text(r), "to", 7), object("type", "range", "from", "1", "from_end", "4", "to", 2)})
	switch what {
	case ruledoc.MatchRule:
		set("expression", "a = '"+text(r)+"'", "name_expression", text(r)+"x", "description_expression", text(r), "score_mapping", mapping)
	case ruledoc.ThresholdRule:
		set("expression", "a = 1", "count_distinct", true, "count_field", "user_username", "limit", 20, "window_size", "CUSTOM", "window_size_milliseconds", "1200000", "group_by_fields", []string{"a", "b"}, "score", 5)
	case ruledoc.ChainRule:
		set("ordered", true, "window_size", "T10M", "score", 6, "expressions_and_limits", []ruledoc.Value{object("expression", text(r)+"a", "limit", 10), object("expression", "b", "limit", 1)})
	case ruledoc.AggregationRule:
		set("match_expression", "a", "trigger_expression", "t > 3", "group_by_asset", true, "window_size", "T10M", "score_mapping", object("type", "constant", "default", 3),
			"aggregation_functions", []ruledoc.Value{object("name", "t", "function", "count_distinct", "arguments", []string{"lower(baseImage)"})})
	case ruledoc.FirstSeenRule:
		set("filter_expression", "a", "value_fields", []string{"srcDevice_ip"}, "baseline_type", "PER_ENTITY", "group_by_fields", []string{"user_username"},
			"baseline_window_size", "2592000000", "retention_window_size", "7776000000", "score", 2)
	case ruledoc.OutlierRule:
		set("match_expression", "a", "window_size", "T24H", "baseline_window_size", "1296000000", "retention_window_size", "7776000000", "deviation_threshold", 3, "floor_value", 2.5, "score", 3,
			"group_by_fields", []string{"device_hostname"}, "aggregation_functions", []ruledoc.Value{object("name", "current", "function", "max", "arguments", []string{"length(commandLine)"})})
	}
	return &ruledoc.Document{What: what, Body: v}
}

// What is read, printed in another format and read again is the same (12).
func TestFormatsLoseNothing(t *testing.T) {
	for seed := range 100 {
		r := rand.New(rand.NewPCG(uint64(seed), 3))
		var docs []*ruledoc.Document
		for _, what := range ruledoc.RuleKinds {
			docs = append(docs, made(r, what))
		}
		now := docs
		var way []string
		for range 4 {
			to := ruledoc.Format(r.IntN(5))
			way = append(way, fmt.Sprint(to))
			var next []*ruledoc.Document
			texts := [][]*ruledoc.Document{now}
			if to == ruledoc.API || to == ruledoc.Flat {
				texts = nil
				for _, d := range now {
					texts = append(texts, []*ruledoc.Document{d})
				}
			}
			for _, few := range texts {
				out, err := ruledoc.Write(few, to)
				if err != nil {
					t.Fatal(err)
				}
				back, ds := ruledoc.Read(diag.Text(endings[to], string(out)))
				if ds.HasErrors() {
					t.Fatalf("seed %d, %v: %v\n%s", seed, way, ds, out)
				}
				next = append(next, back...)
			}
			if len(next) != len(docs) {
				t.Fatalf("seed %d, %v: %d documents come back", seed, way, len(next))
			}
			now = next
		}
		for i, d := range now {
			d.Body.Drop("pattern_type")
			if d.What != docs[i].What || !ruledoc.Same(&d.Body, &docs[i].Body) {
				t.Fatalf("seed %d, %v: %s\n%+v\nwant\n%+v", seed, way, d.What, d.Body, docs[i].Body)
			}
			a, ds := docs[i].Rule()
			if a == nil {
				t.Fatal(ds)
			}
			b, ds := d.Rule()
			if b == nil {
				t.Fatal(ds)
			}
			if a.ID != b.ID || a.Window != b.Window || a.Limit != b.Limit || len(a.Steps) != len(b.Steps) || a.Expression.Text != b.Expression.Text || a.Learning != b.Learning || a.Floor != b.Floor {
				t.Fatalf("seed %d, %v: the rule is another one:\n%+v\n%+v", seed, way, a, b)
			}
		}
	}
}

// The examples of the specification are read, each in both of its forms (6, 12.1).
func TestExamplesOfTheSpecification(t *testing.T) {
	spec, err := os.ReadFile(sharedtest.Path(t, "spec", "cloud-siem.md"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for i, part := range strings.Split(string(spec), "```") {
		if i%2 == 0 {
			continue
		}
		lang, body, _ := strings.Cut(part, "\n")
		name := map[string]string{"json": "x.json", "hcl": "x.tf"}[lang]
		if name == "" || !strings.Contains(body, "xpression") || strings.Contains(body, `"fullRecords"`) || strings.Contains(body, "readableId") {
			continue
		}
		docs, ds := ruledoc.Read(diag.Text(name, body))
		if ds.HasErrors() {
			t.Errorf("%s: %v", body[:60], ds)
		}
		for _, d := range docs {
			if _, ds := d.Rule(); ds.HasErrors() {
				t.Errorf("%s %q: %v", d.What, d.Name(), ds)
			}
			kinds[lang+" "+d.What]++
		}
	}
	for _, k := range ruledoc.RuleKinds {
		if kinds["json "+k] == 0 || kinds["hcl "+k] == 0 {
			t.Errorf("no example of a %s in both forms was read: %v", k, kinds)
		}
	}
}

// The bodies that Terraform's own provider sends are read.
func TestRequestsOfTerraform(t *testing.T) {
	dir := sharedtest.Path(t, "design", "operate", "requests")
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no requests", err)
	}
	kinds := map[string]int{}
	for _, f := range files {
		log, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(log)) {
			at := strings.Index(line, `{"fields":`)
			if at < 0 || !strings.Contains(line, "ntitySelectors") {
				continue
			}
			body := line[at:]
			body = body[:strings.LastIndexByte(body, '}')+1]
			if !json.Valid([]byte(body)) {
				continue // the log cuts long lines
			}
			docs, ds := ruledoc.Read(diag.Text("x.json", body))
			for _, d := range docs {
				if _, more := d.Rule(); more.HasErrors() {
					t.Errorf("%s: %v", body, more)
				}
				kinds[d.What]++
			}
			if ds.HasErrors() {
				t.Errorf("%s: %v", body, ds)
			}
		}
	}
	if len(kinds) != len(ruledoc.RuleKinds) {
		t.Errorf("requests of all six kinds were captured, and these were read: %v", kinds)
	}
}

func TestWhatCannotBeUsedIsNamed(t *testing.T) {
	const entity = `"entitySelectors":[{"entityType":"_ip","expression":"srcDevice_ip"}]`
	for text, code := range map[string]string{
		`{"fields":`:         "bad-json",
		`{"fields":{}} x`:    "bad-json",
		`[1]`:                "bad-document",
		`{"fields":{"a":1}}`: "unknown-document",
		`{"expression":"a"}`: "rule-without-name",
		`{"expression":true,"name":"x",` + entity + `,"score":5}`:                                                                                                                               "bad-value",
		`{"expression":"a","name":"x","score":5}`:                                                                                                                                               "no-entity",
		`{"expression":"a","name":"x",` + entity + `}`:                                                                                                                                          "no-severity",
		`{"expression":"a","name":"x",` + entity + `,"score":11}`:                                                                                                                               "bad-severity",
		`{"expression":"a","name":"x",` + entity + `,"scoreMapping":{"type":"guess"}}`:                                                                                                          "bad-severity",
		`{"expression":"a","name":"x",` + entity + `,"score":1,"limit":0,"windowSize":"T05M"}`:                                                                                                  "bad-limit",
		`{"expression":"a","name":"x",` + entity + `,"score":1,"limit":3,"windowSize":"T06M"}`:                                                                                                  "bad-window",
		`{"expression":"a","name":"x",` + entity + `,"score":1,"limit":3,"windowSize":0}`:                                                                                                       "bad-window",
		`{"expression":"a","name":"x",` + entity + `,"score":1,"limit":3,"windowSize":"CUSTOM","windowSizeMilliseconds":"999999999"}`:                                                           "bad-window",
		`{"expression":"a","name":"x",` + entity + `,"score":1,"limit":3,"windowSize":"T05M","countDistinct":true}`:                                                                             "no-count-field",
		`{"expressionsAndLimits":[],"name":"x",` + entity + `,"score":1,"windowSize":"T05M"}`:                                                                                                   "no-steps",
		`{"matchExpression":"a","triggerExpression":"x>1","aggregationFunctions":[{"name":"x","function":"median","arguments":["a"]}],"name":"x",` + entity + `,"score":1,"windowSize":"T05M"}`: "bad-function",
		`{"filterExpression":"a","valueFields":["b"],"baselineType":"PER_ENTITY","name":"x",` + entity + `,"score":1}`:                                                                          "no-group-by",
		`{"filterExpression":"a","valueFields":["b"],"retentionWindowSize":"99999999999","name":"x",` + entity + `,"score":1}`:                                                                  "bad-window",
		`{"matchExpression":"a","deviationThreshold":3,"aggregationFunctions":[{"name":"x","function":"count"}],"windowSize":"T05M","name":"x",` + entity + `,"score":1}`:                       "bad-window",
		strings.Repeat("[", 300): "bad-json",
	} {
		var codes []string
		docs, ds := ruledoc.Read(diag.Text("x.json", text))
		for _, d := range docs {
			x, more := d.Rule()
			if (x == nil) != more.HasErrors() {
				t.Errorf("%s: a rule with errors", text)
			}
			ds = append(ds, more...)
		}
		for _, d := range ds {
			codes = append(codes, d.Code)
			if d.Span.End > len(text) {
				t.Errorf("%s: %s stands after the end", text, d.Code)
			}
		}
		if !slices.Contains(codes, code) {
			t.Errorf("%s: %v, want %s", text, codes, code)
		}
	}
	_, ds := ruledoc.Read(diag.Text("x.tf", "resource \"sumologic_cse_match_rule\" \"a\" {\n  name = var.x\n}"))
	if !ds.HasErrors() || ds[0].Code != "terraform-computed" {
		t.Errorf("a computed value: %v", ds)
	}
}

func TestOtherDocuments(t *testing.T) {
	docs, ds := ruledoc.Read(diag.Text("x.yaml", `
kind: rule_tuning_expression
name: t
expression: user_username = 'x'
exclude: true
rule_ids: [MATCH-U1]
---
kind: custom_insight
name: c
rule_ids: [A, B]
ordered: true
severity: high
dynamic_severity: [{minimum_signal_severity: 8, insight_severity: CRITICAL}]
---
kind: match_list
name: admins
target_column: Username
items: [{value: ana}, bob, {value: old, active: false}]
---
kind: network_block
address_block: 10.1.0.0/16
suppresses_signals: true
---
kind: entity_criticality_config
name: vital
severity_expression: severity + 3
---
kind: insights_configuration
threshold: 6
`))
	if ds.HasErrors() || len(docs) != 6 {
		t.Fatal(len(docs), ds)
	}
	tune, _ := docs[0].Tuning()
	insight, _ := docs[1].Insight()
	list, _ := docs[2].List()
	block, _ := docs[3].Block()
	critical, _ := docs[4].Criticality()
	set, _ := docs[5].Settings()
	if tune == nil || !tune.Exclude || insight == nil || insight.Severity != "HIGH" || insight.Dynamic[0].Least != 8 || list == nil || len(list.Items) != 3 || list.Items[2].Active ||
		block == nil || !block.Suppresses || critical == nil || set == nil || *set.Threshold != 6 || set.LookbackDays != nil {
		t.Errorf("%+v %+v %+v %+v %+v %+v", tune, insight, list, block, critical, set)
	}
}

func FuzzRead(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, what := range ruledoc.RuleKinds {
		for to, name := range endings {
			out, err := ruledoc.Write([]*ruledoc.Document{made(r, what)}, to)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(name, string(out))
		}
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		docs, ds := ruledoc.Read(diag.Text(name, text))
		for _, d := range docs {
			_, more := d.Rule()
			ds = append(ds, more...)
			for _, read := range []func() diag.List{
				func() diag.List { _, l := d.Tuning(); return l }, func() diag.List { _, l := d.Insight(); return l }, func() diag.List { _, l := d.List(); return l },
				func() diag.List { _, l := d.Block(); return l }, func() diag.List { _, l := d.Group(); return l }, func() diag.List { _, l := d.Settings(); return l },
			} {
				ds = append(ds, read()...)
			}
		}
		for _, d := range ds {
			if d.Span.Start < 0 || d.Span.End > len(text) || d.Span.Start > d.Span.End {
				t.Errorf("%s stands at %v of %d bytes", d.Code, d.Span, len(text))
			}
		}
	})
}

// The catalogue of built-in rules has a number of its own as id, the rule's in
// id_compiled, and says of rules whether they are enabled by default.
func TestRuleOfTheCatalogue(t *testing.T) {
	docs, ds := ruledoc.Read(diag.Text("x.json", `{"rules":[{"id":2,"id_compiled":"MATCH-S00002","name":"n","enabled_by_default":false,"pattern_type":"templated_match",
		"expression":"a = 1","entity_selectors":[{"entity_type":"_ip","expression":"srcDevice_ip"}],"score_mapping":{"default":3,"field":"","mapping":null,"type":"constant"},"tags":null}]}`))
	if ds.HasErrors() || len(docs) != 1 {
		t.Fatal(len(docs), ds)
	}
	x, ds := docs[0].Rule()
	if x == nil || x.ID != "MATCH-S00002" || x.Enabled || *x.Severity.Default != 3 {
		t.Errorf("%+v, %v", x, ds)
	}
}
