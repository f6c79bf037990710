package sigma_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

func parse(t *testing.T, text string) ([]sigma.Document, diag.List) {
	t.Helper()
	return sigma.Parse(diag.Text("r.yml", text))
}

// showExpr writes a condition with all its parentheses.
func showExpr(x sigma.Expr) string {
	list := func(word string, of []sigma.Expr) string {
		var all []string
		for _, e := range of {
			all = append(all, showExpr(e))
		}
		return "(" + strings.Join(all, " "+word+" ") + ")"
	}
	switch x := x.(type) {
	case *sigma.And:
		return list("and", x.Of)
	case *sigma.Or:
		return list("or", x.Of)
	case *sigma.Not:
		return "not " + showExpr(x.X)
	case *sigma.Use:
		return x.Name
	case *sigma.Of:
		word := "1 of"
		if x.All {
			word = "all of"
		}
		var all []string
		for _, s := range x.Searches {
			all = append(all, s.Name)
		}
		return word + "[" + strings.Join(all, " ") + "]"
	}
	return "?"
}

const searches = `
  sel_a: {f: 1}
  sel_b: {f: 2}
  filter: {f: 3}
  notsel: {f: 4}
  a-b: {f: 5}
  _private: {f: 6}
`

func TestConditions(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"sel_a", "sel_a"},
		{"sel_a and not filter", "(sel_a and not filter)"},
		{"sel_a or sel_b and filter", "(sel_a or (sel_b and filter))"},
		{"not sel_a and sel_b", "(not sel_a and sel_b)"},
		{"not (sel_a or sel_b)", "not (sel_a or sel_b)"},
		{"not not sel_a", "not not sel_a"},
		{"notsel and a-b", "(notsel and a-b)"},
		{"1 of sel_*", "1 of[sel_a sel_b]"},
		{"any of sel_*", "1 of[sel_a sel_b]"},
		{"all of sel_* and not 1 of filter*", "(all of[sel_a sel_b] and not 1 of[filter])"},
		{"all of them", "all of[sel_a sel_b filter notsel a-b]"},
		{"1 of _*", "1 of[_private]"},
		{"1 of *sel*", "1 of[sel_a sel_b notsel]"},
		{"sel_a and sel_b and filter", "(sel_a and sel_b and filter)"},
		{"((sel_a))", "sel_a"},
		{"sel_a AND NOT sel_b", "(sel_a and not sel_b)"},
	} {
		docs, diags := parse(t, "title: t\nlogsource: {product: windows}\ndetection:"+searches+"  condition: "+c.text+"\n")
		if len(docs) != 1 {
			t.Errorf("%s: %v", c.text, diags)
			continue
		}
		if got := showExpr(docs[0].(*sigma.Rule).Conditions[0].Expr); got != c.want {
			t.Errorf("%s reads %s, want %s", c.text, got, c.want)
		}
	}
}

func TestConditionMistakes(t *testing.T) {
	for _, c := range []struct{ text, at, message string }{
		{"sel_c", "sel_c", "did you mean sel_"},
		{"sel_a and", "", "ends where"},
		{"sel_a and and sel_b", "and", "stands where"},
		{"sel_a sel_b", "sel_b", "not expected"},
		{"(sel_a or sel_b", "(", "not closed"},
		{"sel_a)", ")", "not expected"},
		{"2 of sel_*", "2", "write 1 of"},
		{"1 of other*", "other*", "no search identifier fits"},
		{"sel_a | count() > 5", "|", "correlation"},
		{"''", "", "is empty"},
		{strings.Repeat("(", 100) + "sel_a", "", "too deep"},
		{strings.Repeat("not ", 100) + "sel_a", "", "too deep"},
	} {
		docs, diags := parse(t, "title: t\nlogsource: {product: windows}\ndetection:"+searches+"  condition: "+c.text+"\n")
		if len(docs) != 0 || !diags.HasErrors() {
			t.Errorf("%s is read without a complaint", c.text)
			continue
		}
		d := diags[0]
		if !strings.Contains(d.Message, c.message) || c.at != "" && d.File.Slice(d.Span) != c.at {
			t.Errorf("%s: %v at %q", c.text, d, d.File.Slice(d.Span))
		}
	}
}

// A map's items must all hold; of a list of maps one must; a list of scalars is
// of keywords.
func TestSearchShapes(t *testing.T) {
	docs, diags := parse(t, `
title: shapes
logsource: {category: process_creation, product: windows}
detection:
  map:
    A: x
    B|contains|all: [y, z]
  maps:
    - A: x
    - B: y
      C: z
  words: [one, 'two*']
  word: one
  re:
    '|re': 'a.b'
  condition: map and maps and words and word and re
`)
	if len(docs) != 1 {
		t.Fatal(diags)
	}
	r := docs[0].(*sigma.Rule)
	var got []string
	var describe func(i sigma.Item) string
	describe = func(i sigma.Item) string {
		switch i := i.(type) {
		case *sigma.Group:
			var all []string
			for _, j := range i.Items {
				all = append(all, describe(j))
			}
			return fmt.Sprintf("%v[%s]", i.All, strings.Join(all, "; "))
		case *sigma.Test:
			var all []string
			for _, v := range i.Values {
				all = append(all, show(v))
			}
			return fmt.Sprintf("%s all=%v %s", i.Field, i.All, strings.Join(all, ","))
		}
		return "?"
	}
	for _, s := range r.Searches {
		got = append(got, s.Name+": "+describe(s.Item))
	}
	want := []string{
		"map: true[A all=false x; B all=true (*)y(*),(*)z(*)]",
		"maps: false[true[A all=false x]; true[B all=false y; C all=false z]]",
		"words:  all=false one,two(*)",
		"word:  all=false one",
		"re: true[ all=false /a.b/]",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestMetaAndPlaces(t *testing.T) {
	docs, diags := parse(t, `# a comment
title: Odd Tool
id: 8a2f4b1c-3d5e-4f7a-9b2c-1e4f6d8a9c2b
status: test
level: high
author: someone
date: 2026-01-02
tags:
  - attack.execution
  - attack.t1059.001
  - cve.2021-1
related:
  - id: other
    type: similar
references: [https://example.org]
logsource: {product: windows, category: process_creation}
detection:
  selection:
    Image|endswith: '\odd.exe'
  condition: selection
falsepositives: [Unknown]
`)
	if len(docs) != 1 || len(diags) != 0 {
		t.Fatal(docs, diags)
	}
	r := docs[0].(*sigma.Rule)
	m := r.About()
	if m.Title != "Odd Tool" || m.Level != sigma.High || m.Date != "2026-01-02" || m.Place() != "r.yml:2" {
		t.Errorf("%+v at %s", m, m.Place())
	}
	if got := m.Techniques(); len(got) != 1 || got[0] != "T1059.001" {
		t.Errorf("techniques %v", got)
	}
	if len(m.Related) != 1 || m.Related[0] != (sigma.Related{ID: "other", Type: "similar"}) {
		t.Errorf("related %v", m.Related)
	}
	test := r.Searches[0].Item.(*sigma.Group).Items[0].(*sigma.Test)
	for _, c := range []struct {
		span diag.Span
		want string
	}{{test.FieldSpan, "Image"}, {test.Modifiers[0].Span, "endswith"}, {test.Given[0].Span, `'\odd.exe'`}, {r.Conditions[0].Span, "selection"}, {m.Tags[1].Span, "attack.t1059.001"}} {
		if got := m.File.Slice(c.span); got != c.want {
			t.Errorf("a span is of %q, want %q", got, c.want)
		}
	}
}

// Documents of a file: global is added to what follows, repeat starts from the
// rule before, reset forgets the global part.
func TestActions(t *testing.T) {
	docs, diags := parse(t, `
action: global
title: shared
level: low
logsource: {product: windows}
detection:
  condition: s
---
detection:
  s: {EventID: 1}
---
action: repeat
level: high
detection:
  s: {EventID: 2}
---
action: reset
---
title: own
logsource: {product: linux}
detection:
  s: {a: b}
  condition: s
`)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var got []string
	for _, d := range docs {
		r := d.(*sigma.Rule)
		got = append(got, fmt.Sprint(r.Title, " ", r.Level, " ", r.LogSource, " ", show(r.Searches[0].Item.(*sigma.Group).Items[0].(*sigma.Test).Values[0])))
	}
	want := []string{
		"shared low product windows sigma.Number {Text:1 Float:1}",
		"shared high product windows sigma.Number {Text:2 Float:2}",
		"own  product linux b",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCorrelations(t *testing.T) {
	docs, diags := parse(t, `
title: many failures
name: many
level: high
correlation:
  type: event_count
  rules: [failed, locked]
  group-by: [user, host]
  timespan: 5m
  aliases:
    user:
      failed: TargetUserName
      locked: User
  condition: {gte: 10}
---
title: accounts
correlation:
  type: value_count
  rules: failed
  timespan: 1h
  condition: {gt: 3, field: TargetUserName}
---
title: both
correlation:
  type: temporal
  rules: [a, b]
  timespan: 2h
---
title: expression
correlation:
  type: temporal_ordered
  timespan: 1d
  condition: a and (b or not c)
---
title: share
correlation:
  type: value_percentile
  rules: [a]
  timespan: 1w
  condition: {lte: 0.5, field: size, percentile: 95}
---
title: some
generate: true
correlation:
  type: event_count
  rules: [a]
  timespan: 1w
  condition: {gt: 100, lte: 200}
`)
	if diags.HasErrors() || len(docs) != 6 {
		t.Fatal(len(docs), diags)
	}
	var c [6]*sigma.Correlation
	for i, d := range docs {
		c[i] = d.(*sigma.Correlation)
	}
	if x := c[0]; x.Type != sigma.EventCount || len(x.Rules) != 2 || len(x.GroupBy) != 2 || x.Timespan != 5*time.Minute ||
		len(x.Bounds) != 1 || x.Bounds[0].Op != sigma.Ge || x.Bounds[0].Count != 10 || x.Aliases[0].Fields["locked"] != "User" {
		t.Errorf("%+v", x)
	}
	if x := c[1]; x.Type != sigma.ValueCount || x.Fields[0].Name != "TargetUserName" || x.Bounds[0].Op != sigma.Gt || x.Bounds[0].Count != 3 {
		t.Errorf("%+v", x)
	}
	if x := c[2]; x.Type != sigma.Temporal || x.Bounds[0].Op != sigma.Ge || x.Bounds[0].Count != 2 || x.Expr != nil {
		t.Errorf("%+v", x)
	}
	if x := c[3]; x.Type != sigma.TemporalOrdered || showExpr(x.Expr) != "(a and (b or not c))" || len(x.Rules) != 3 {
		t.Errorf("%+v", x)
	}
	if x := c[4]; x.Type != sigma.ValuePercentile || x.Percentile != 95 || x.Bounds[0].Count != 0.5 || x.Timespan != 7*24*time.Hour {
		t.Errorf("%+v", x)
	}
	if x := c[5]; !x.Generate || x.Holds(100) || !x.Holds(101) || !x.Holds(200) || x.Holds(201) {
		t.Errorf("%+v", x)
	}
}

// An alias may name a rule by its name where the correlation has its id.
func TestAliases(t *testing.T) {
	docs, diags := parse(t, `
title: c
correlation:
  type: temporal
  rules: [8a2f4b1c-3d5e-4f7a-9b2c-1e4f6d8a9c2b, b]
  group-by: who
  timespan: 1h
  aliases: {who: {failed: User, b: Account}}
`)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	c := docs[0].(*sigma.Correlation)
	failed := &sigma.Meta{ID: "8a2f4b1c-3d5e-4f7a-9b2c-1e4f6d8a9c2b", Name: "failed"}
	for _, x := range []struct {
		name string
		ref  int
		rule *sigma.Meta
		want string
	}{
		{"who", 0, failed, "User"},
		{"who", 1, &sigma.Meta{Name: "b"}, "Account"},
		{"who", 0, &sigma.Meta{Name: "other"}, "who"},
		{"Computer", 0, failed, "Computer"},
	} {
		if got := c.FieldOf(x.name, c.Rules[x.ref], x.rule); got != x.want {
			t.Errorf("%s of %s is %s, want %s", x.name, x.rule.Name, got, x.want)
		}
	}
}

func TestCorrelationMistakes(t *testing.T) {
	for _, c := range []struct{ body, message string }{
		{"{rules: [a], timespan: 5m}", "no type"},
		{"{type: count, rules: [a], timespan: 5m}", "no type of correlation"},
		{"{type: event_count, rules: [a], timespan: 5m}", "wants a condition"},
		{"{type: event_count, rules: [a], condition: {gte: 1}}", "no timespan"},
		{"{type: event_count, rules: [a], timespan: 5x, condition: {gte: 1}}", "no time span"},
		{"{type: event_count, rules: [a], timespan: 0m, condition: {gte: 1}}", "no time span"},
		{"{type: event_count, timespan: 5m, condition: {gte: 1}}", "names no rules"},
		{"{type: event_count, rules: [a], timespan: 5m, condition: {field: x}}", "here is none"},
		{"{type: event_count, rules: [a], timespan: 5m, condition: {ge: 1}}", `"ge" is not part`},
		{"{type: event_count, rules: [a], timespan: 5m, condition: {gte: x}}", "no number"},
		{"{type: value_count, rules: [a], timespan: 5m, condition: {gte: 1}}", "wants the field"},
		{"{type: event_count, rules: [a], timespan: 5m, condition: a and b}", "is a map"},
		{"{type: temporal, rules: [a, b], timespan: 5m, condition: a and b and c}", "not among the rules"},
		{"{type: temporal, rules: [a, b], timespan: 5m, condition: a}", "does not use this rule"},
		{"{type: value_percentile, rules: [a], timespan: 5m, condition: {gte: 1, field: f, percentile: 101}}", "0 to 100"},
	} {
		docs, diags := parse(t, "title: t\ncorrelation: "+c.body+"\n")
		if len(docs) != 0 || !diags.HasErrors() || !strings.Contains(diags.Err().Error(), c.message) {
			t.Errorf("%s: %v; want a complaint of %q", c.body, diags, c.message)
		}
	}
}

func TestFilters(t *testing.T) {
	docs, diags := parse(t, `
title: not our admins
logsource: {category: process_creation, product: windows}
filter:
  rules: [8a2f4b1c-3d5e-4f7a-9b2c-1e4f6d8a9c2b, odd_tool]
  ours: {User|startswith: 'ADM_'}
  condition: not ours
---
title: all
logsource: {product: windows}
filter:
  rules: any
  s: {Computer: TEST}
  condition: not s
`)
	if len(docs) != 2 {
		t.Fatal(diags)
	}
	some, any := docs[0].(*sigma.Filter), docs[1].(*sigma.Filter)
	rule := func(id, name, category string) *sigma.Rule {
		return &sigma.Rule{Meta: sigma.Meta{ID: id, Name: name}, LogSource: sigma.LogSource{Product: "windows", Category: category}}
	}
	for _, c := range []struct {
		f    *sigma.Filter
		r    *sigma.Rule
		want bool
	}{
		{some, rule("8A2F4B1C-3d5e-4f7a-9b2c-1e4f6d8a9c2b", "", "process_creation"), true},
		{some, rule("", "odd_tool", "process_creation"), true},
		{some, rule("", "odd_tool", "image_load"), false},
		{some, rule("", "other", "process_creation"), false},
		{any, rule("", "", "image_load"), true},
		{any, rule("", "", ""), true},
	} {
		if got := c.f.Applies(c.r); got != c.want {
			t.Errorf("%s applies to %+v: %v, want %v", c.f.Title, c.r.Meta.Name, got, c.want)
		}
	}
}

func TestDocumentMistakes(t *testing.T) {
	for _, c := range []struct{ text, message string }{
		{"a: [", "not YAML"},
		{"just text", "is a map"},
		{"title: t", "no Sigma rule"},
		{"title: t\ndetection: {s: {a: b}, condition: s}", "no logsource"},
		{"title: t\nlogsource: {}\ndetection: {s: {a: b}, condition: s}", "names no product"},
		{"title: t\nlogsource: {product: windows}\ndetection: {s: {a: b}}", "no condition"},
		{"title: t\nlogsource: {product: windows}\ndetection: {condition: s}", "no search identifier"},
		{"title: t\nlogsource: {product: windows}\ndetection: {s: {}, condition: s}", "is empty"},
		{"title: t\nlogsource: {product: windows}\ndetection: {s: [], condition: s}", "is empty"},
		{"title: t\nlogsource: {product: windows}\ndetection:\n  s: {a: b}\n  s: {c: d}\n  condition: s", "twice"},
		{"title: t\nlogsource: {product: windows}\ndetection:\n  s:\n    a: b\n    a: c\n  condition: s", "twice"},
		{"action: other", "is no action"},
		{"action: repeat", "no rule before"},
		{"title: t\nlogsource: {product: windows}\nfilter: {s: {a: b}, condition: s}", "which rules"},
	} {
		docs, diags := parse(t, c.text)
		if len(docs) != 0 || !diags.HasErrors() || !strings.Contains(diags.Err().Error(), c.message) {
			t.Errorf("%q: %v; want a complaint of %q", c.text, diags, c.message)
		}
	}
}

// A few lines of aliases that stand for billions of values are refused, and a
// structure that holds itself does not go round for ever.
func TestAliasBombs(t *testing.T) {
	var b strings.Builder
	b.WriteString("title: t\nlogsource: {product: windows}\ndetection:\n  condition: s\n  a0: &a0 [x, y, z]\n")
	for i := 1; i < 30; i++ {
		fmt.Fprintf(&b, "  a%d: &a%d [*a%d, *a%d, {f: v}]\n", i, i, i-1, i-1)
	}
	b.WriteString("  s: *a29\n")
	if docs, diags := parse(t, b.String()); len(docs) != 0 || !strings.Contains(diags.Err().Error(), "aliases") && !strings.Contains(diags.Err().Error(), "deep") {
		t.Errorf("a bomb is read: %d documents, %v", len(docs), diags)
	}
	if docs, diags := parse(t, "title: t\nlogsource: {product: windows}\ndetection:\n  condition: s\n  s: &s\n    - *s\n    - {a: b}\n"); len(docs) != 0 || !diags.HasErrors() {
		t.Errorf("a list that holds itself is read: %v", diags)
	}
}

func TestPlaceholders(t *testing.T) {
	docs, diags := parse(t, `
title: t
logsource: {product: windows}
detection:
  s:
    User|expand: 'x%admins%'
    Host|re|expand: '^%hosts%$'
  condition: s
`)
	if len(docs) != 1 {
		t.Fatal(diags)
	}
	r := docs[0].(*sigma.Rule)
	if diags := sigma.Expand(r.File, r.Searches, sigma.Placeholders{"admins": {"a"}}); len(diags) != 1 || !strings.Contains(diags[0].Message, "%hosts%") {
		t.Errorf("without values: %v", diags)
	}
	docs, _ = parse(t, r.File.Text)
	r = docs[0].(*sigma.Rule)
	if diags := sigma.Expand(r.File, r.Searches, sigma.Placeholders{"admins": {"a", "b*"}, "hosts": {"h.1", "h2"}}); len(diags) != 0 {
		t.Fatal(diags)
	}
	g := r.Searches[0].Item.(*sigma.Group)
	if got := show(g.Items[0].(*sigma.Test).Values[0]); got != "{xa | xb(*)}" {
		t.Error(got)
	}
	if got := show(g.Items[1].(*sigma.Test).Values[0]); got != `/^(?:h\.1|h2)$/` {
		t.Error(got)
	}
}

// No text makes the parser fall over.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		head + "    a|contains: b\n",
		"action: global\ntitle: t\n---\naction: repeat\n",
		"title: t\ncorrelation: {type: temporal, rules: [a, b], timespan: 5m, condition: a and not b}\n",
		"title: t\nlogsource: {product: windows}\nfilter: {rules: any, s: {a: b}, condition: not s}\n",
		"title: t\nlogsource: {product: windows}\ndetection:" + searches + "  condition: 1 of sel* and not (filter or all of them)\n",
		head + "    a|re|i: ['x(y)?', \"\\u00e9\"]\n    b|windash|contains|all: [' -a', *x]\n",
		"? {a: b}\n: c\n",
		"a: &a [*a]\n",
		"<<: {title: t}\ndetection: !!binary abc\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		docs, diags := sigma.Parse(diag.Text("f.yml", text))
		for _, d := range diags {
			if d.Span.Start < 0 || d.Span.End > len(text) || d.Span.Start > d.Span.End {
				t.Errorf("%v is outside of the text", d)
			}
		}
		for _, d := range docs {
			if r, ok := d.(*sigma.Rule); ok {
				if len(r.Searches) == 0 || len(r.Conditions) == 0 {
					t.Error("a rule without search or condition")
				}
				for _, s := range r.Searches {
					sigma.WalkTests(s.Item, func(x *sigma.Test) {
						if len(x.Values) != len(x.Given) || len(x.Values) == 0 {
							t.Errorf("%s has %d values of %d", x.Field, len(x.Values), len(x.Given))
						}
					})
				}
			}
		}
	})
}
