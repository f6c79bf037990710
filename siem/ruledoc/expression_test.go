package ruledoc_test

import (
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

func TestExpressions(t *testing.T) {
	type want struct{ rule, kind, key, text string }
	for name, c := range map[string]struct {
		text string
		want []want
	}{
		"api.json":   {`{"fields": {"expression": "a = 'b'", "name": "r", "entitySelectors": [{"entityType": "_ip", "expression": "srcDevice_ip"}]}}`, []want{{"r", "match_rule", "expression", "a = 'b'"}}},
		"flat.json":  {`{"name": "r", "pattern_type": "aggregation", "match_expression": "a = 1", "trigger_expression": "n > 3"}`, []want{{"r", "aggregation_rule", "match_expression", "a = 1"}}},
		"chain.json": {`{"fields": {"expressionsAndLimits": [{"expression": "a", "limit": 1}, {"expression": "b", "limit": 2}], "name": "c"}}`, []want{{"c", "chain_rule", "expressions_and_limits", "a"}, {"c", "chain_rule", "expressions_and_limits", "b"}}},
		"all.json":   {`{"rules": [{"name": "1", "expression": "a"}, {"name": "2", "valueFields": ["v"], "filterExpression": "b\"c"}]}`, []want{{"1", "match_rule", "expression", "a"}, {"2", "first_seen_rule", "filter_expression", `b"c`}}},
		"list.json":  {"\ufeff[{\"name\": \"1\", \"expression\": \"a\"}]", []want{{"1", "match_rule", "expression", "a"}}},
		"match.tf":   {"resource \"sumologic_cse_match_rule\" \"r\" {\n  name = \"n\"\n  expression = \"a = 'b' and c = \\\"d\\\"\"\n  entity_selectors {\n    expression = \"x\"\n  }\n}\n", []want{{"n", "match_rule", "expression", `a = 'b' and c = "d"`}}},
		"chain.tf":   {"resource \"sumologic_cse_chain_rule\" \"r\" {\n  expressions_and_limits {\n    expression = <<-EOT\n      a\n      or b\n    EOT\n    limit = 1\n  }\n}\n", []want{{"r", "chain_rule", "expressions_and_limits", "a\nor b"}}},
		"other.tf":   {"resource \"aws_iam_role\" \"r\" {\n  expression = \"a\"\n}\n", nil},
		"tuning.tf":  {"resource \"sumologic_cse_rule_tuning_expression\" \"r\" {\n  name = \"t\"\n  expression = \"a\"\n}\n", []want{{"t", "rule_tuning_expression", "expression", "a"}}},
	} {
		f := diag.Text(name, c.text)
		got, found := ruledoc.Expressions(f)
		if len(found) > 0 || len(got) != len(c.want) {
			t.Errorf("%s: %v\n%s", name, got, found)
			continue
		}
		for i, w := range c.want {
			if g := got[i]; (want{g.Rule, g.What, g.Key, g.Text}) != w {
				t.Errorf("%s: %+v, want %+v", name, g, w)
			}
			if q := f.Slice(got[i].At); q == "" || q[0] != '"' && q[0] != '<' {
				t.Errorf("%s: the place of %v is %q", name, got[i], q)
			}
		}
	}
}

func TestExpressionsNamesWhatItCannotRead(t *testing.T) {
	for name, text := range map[string]string{
		"a.json": `{"fields": {"expression": `, "b.json": `{"expression": {}}`, "c.tf": `resource "a" {`,
		"d.tf": "resource \"sumologic_cse_match_rule\" \"r\" {\n  expression = var.x\n}\n", "e.tf": "resource \"sumologic_cse_match_rule\" \"r\" {\n  expression = \"a = '${var.x}'\"\n}\n",
	} {
		if got, found := ruledoc.Expressions(diag.Text(name, text)); !found.HasErrors() || len(got) > 0 {
			t.Errorf("%s: %v, %s", name, got, found)
		}
	}
}
