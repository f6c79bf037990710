package tenant

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/machine"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// TestHostileDocuments: what is too much of something is named, and the sound rule beside
// it runs; what is merely large is used.
func TestHostileDocuments(t *testing.T) {
	sound := matchRule("MATCH-U00001", "metadata_deviceEventId = 'Security-4625'")
	other := func(old, with string) string {
		return "---\n" + strings.Replace(matchRule("MATCH-U00002", "metadata_deviceEventId = 'Security-4625'"), old, with, 1)[4:]
	}
	many := func(term, join string, n int) string { return strings.Repeat(term+join, n-1) + term }
	for _, c := range []struct {
		name, text string
		unusable   string // part of its reason, "" where it is used
		warning    string // a code among the warnings, "" for none
		signals    int
	}{
		{"a template that does not end", other("name_expression: MATCH-U00002", "name_expression: 'a {{user_username'"), "", "broken-template", 2},
		{"a template with a name that is none", other("name_expression: MATCH-U00002", "name_expression: 'a {{nosuch}}'"), "", "unknown-in-template", 2},
		{"a template with a formula", other("name_expression: MATCH-U00002", "name_expression: '{{user_username | upper}}'"), "", "unknown-in-template", 2},
		{"an unknown type of entity", other("_hostname", "_planet"), "no type of entities _planet", "", 1},
		{"no entity", other("entity_selectors: [{entity_type: _hostname, expression: device_hostname}]", "entity_selectors: []"), "entity", "", 1},
		{"a window of 0", "---\nkind: threshold_rule\nname: t\nexpression: 'true'\nlimit: 1\nwindow_size: CUSTOM\nwindow_size_milliseconds: \"0\"\nscore: 1\ndescription: d\nsummary_expression: s\nentity_selectors: [{entity_type: _hostname, expression: device_hostname}]\n", "this is 0", "", 1},
		{"a limit of 0", "---\nkind: threshold_rule\nname: t\nexpression: 'true'\nlimit: 0\nwindow_size: T05M\nscore: 1\ndescription: d\nsummary_expression: s\nentity_selectors: [{entity_type: _hostname, expression: device_hostname}]\n", "limit", "", 1},
		{"a chain of 65 steps", "---\nkind: chain_rule\nname: t\nwindow_size: T05M\nscore: 1\ndescription: d\nsummary_expression: s\nentity_selectors: [{entity_type: _hostname, expression: device_hostname}]\nexpressions_and_limits:\n" + strings.Repeat("  - {expression: 'true', limit: 1}\n", 65), "65", "", 1},
		{"a list of 100,001 items", "---\nkind: match_list\nname: l\ntarget_column: Ip\nitems: [" + many("10.0.0.1", ", ", 100_001) + "]\n", "100001 items", "", 1},
		{"an expression of 100,000 terms", other(`"metadata_deviceEventId = 'Security-4625'"`, `"`+many("pid=1", "||", 100_000)+`"`), "", "", 1},
		{"as many that must all hold", other(`"metadata_deviceEventId = 'Security-4625'"`, `"`+many("pid!=1", "&&", 100_000)+`"`), "", "", 1},
		{"an expression of two megabytes", other(`"metadata_deviceEventId = 'Security-4625'"`, `"`+many("commandLine = 'a'", " OR ", 100_000)+`"`), "longer than", "", 1},
		{"100,000 parentheses", other(`"metadata_deviceEventId = 'Security-4625'"`, `"`+strings.Repeat("(", 100_000)+"true"+strings.Repeat(")", 100_000)+`"`), "nested", "", 1},
		{"a regular expression that explodes", other(`"metadata_deviceEventId = 'Security-4625'"`, `"device_hostname matches /((a{1,1000}){1,1000}){1,1000}/"`), "regular expression", "", 1},
		{"a network block that is none", "---\nkind: network_block\naddress_block: 300.0.0.0/8\n", "300.0.0.0/8", "", 1},
		{"a group of nothing", "---\nkind: entity_entity_group_configuration\nname: g\nentity_type: _ip\n", "holds nothing", "", 1},
		{"a column of no attribute", "---\nkind: custom_match_list_column\nname: c\nfields: [nosuch]\n", "nosuch", "", 1},
	} {
		x := documents(t, sound+c.text)
		if c.unusable == "" && len(x.Unusable) > 0 || c.unusable != "" && (len(x.Unusable) != 1 || !strings.Contains(x.Unusable[0].Message, c.unusable)) {
			t.Errorf("%s: %.200v, want a reason with %q", c.name, x.Unusable, c.unusable)
		}
		found := c.warning == ""
		for _, w := range x.Warnings {
			found = found || w.Code == c.warning
		}
		if !found {
			t.Errorf("%s: no warning %s in %v", c.name, c.warning, x.Warnings)
		}
		if got := run(t, x, []map[string]string{{"Channel": "Security", "EventID": "4625", "Computer": "A"}}, 1, 10, false); len(got) != c.signals {
			t.Errorf("%s: %d signals, want %d: %.300v", c.name, len(got), c.signals, got)
		}
	}
}

// TestWideRecords: a record of ten thousand fields is judged by those that rules read.
func TestWideRecords(t *testing.T) {
	e := map[string]string{"Channel": "Security", "EventID": "4625", "Computer": "A", "TargetUserName": "bob"}
	for i := range 10_000 {
		e[fmt.Sprintf("field%d", i)] = "v"
	}
	x := documents(t, matchRule("MATCH-U00001", "fields['EventData.field9999'] = 'v' AND user_username = 'bob'"))
	if got := run(t, x, []map[string]string{e}, 1, 10, false); len(got) != 1 {
		t.Errorf("%d signals, want 1", len(got))
	}
}

// TestTooManyGroups: groups beyond the bound go, the longest quiet first, are counted, and
// the rule still judges the others.
func TestTooManyGroups(t *testing.T) {
	g := &machine.Groups{New: func() machine.Machine { return machine.NewThreshold(2, 60_000, false) }, Max: 1000}
	fired := 0
	fire := func(*machine.Firing) bool { fired++; return true }
	for i := range 100_000 {
		g.Take(fmt.Sprint(i), &machine.Hit{Time: int64(i % 50), Args: []event.Value{}}, fire)
	}
	g.Take("99999", &machine.Hit{Time: 51}, fire)
	if g.Len() > 1000 || g.Evicted < 90_000 || fired != 1 {
		t.Errorf("%d groups, %d went, %d fired", g.Len(), g.Evicted, fired)
	}
}

// TestBrokenState of hits: what is written to disk and comes back changed is an error, not
// a panic that ends the others.
func TestHitsThatAreNotWhole(t *testing.T) {
	x := documents(t, matchRule("MATCH-U00001", "true"))
	x.Ready()
	r := x.Open(runtimeOf(t), x.Rules)
	_ = r.Task(&expr.Env{})
	for _, bad := range []string{"", "\xff", strings.Repeat("\xff", 20), "\x05abc"} {
		if err := r.judge.hit(0, 0, 0, bad); err == nil {
			t.Errorf("%q is taken for a hit", bad)
		}
	}
}
