package content_test

import (
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/content"
)

func TestOf(t *testing.T) {
	const (
		sigma = "title: x\nlogsource:\n  product: windows\ndetection:\n  s:\n    a: b\n  condition: s\n"
		tf    = "# a rule\nresource \"sumologic_cse_match_rule\" \"r\" {\n  expression = \"a = 'b'\"\n}\n"
		api   = `{"fields": {"name": "r", "expression": "a = 'b'"}}`
	)
	for _, c := range []struct {
		name, text string
		want       content.Kind
	}{
		{"q.sumo", "_sourceCategory=a | count", content.Query},
		{"-", "error", content.Query},
		{"q.txt", "// title: x\n_sourceCategory=a\n| where x matches \"logsource:\"", content.Query},
		{"q", "title: broken", content.Query},
		{"README.md", "# Hunts\nerror | count", content.Unknown},
		{"q.spl", "index=x | stats count", content.Query}, // lint answers with the Sumo form
		{"-", sigma, content.Sigma},
		{"rule.yml", sigma, content.Sigma},
		{"rule.sumo", sigma, content.Sigma},
		{"rules.zip#a/rule.yaml", "title: [", content.Sigma},
		{"c.yml", "# count\r\ntitle: c\ncorrelation:\n  type: event_count\n", content.Sigma},
		{"compose.yml", "services:\n  web:\n    image: x\n", content.Unknown},
		{"p/detection.yaml", "name: x\n", content.Manifest},
		{"rule.cse", "user_username = 'x'", content.SIEMExpression},
		{"rule.txt", "lower(baseImage) LIKE '%cmd.exe'", content.SIEMExpression},
		{"q.txt", "_sourceCategory=a user_username=x | count", content.Query},
		{"rule.json", api, content.SIEMRule},
		{"-", api, content.SIEMRule},
		{"rule.txt", "\ufeff\n" + api, content.SIEMRule},
		{"flat.json", `{"name": "r", "match_expression": "a = 'b'"}`, content.SIEMRule},
		{"chain.json", `{"fields": {"expressionsAndLimits": [{"expression": "a = 'b'", "limit": 1}]}}`, content.SIEMRule},
		{"all.json", `{"rules": []}`, content.SIEMRule},
		{"list.json", `[{"expression": "x"}]`, content.SIEMRule},
		{"broken.json", `{"fields": {"expression": `, content.SIEMRule},
		{"rule.tf", tf, content.Terraform},
		{"rule", tf, content.Terraform},
		{"main.tf", "variable \"x\" {}\n", content.Terraform},
		{"rule.tf.json", `{"resource": {"sumologic_cse_match_rule": {"r": {"expression": "a = 'b'"}}}}`, content.Terraform},
		{"saved.json", `{"type": "SavedSearchWithScheduleSyncDefinition", "search": {"queryText": "error"}}`, content.Export},
		{"in.jsonl", `{"EventID": 1}` + "\n" + `{"EventID": 2}`, content.Log},
		{"in.json", `[{"EventID": 1}]`, content.Log},
		{"in", `{"EventID": 1}`, content.Log},
		{"in.evtx", "ElfFile\x00\x00", content.Log},
		{"in.xml", "<Event xmlns='x'>", content.Log},
		{"list.csv", "ip,name\n", content.Table},
		{"q.sumo", "{{scope}} | count", content.Query},
		{"q.sumo", "[subquery: _sourceCategory=a | compose ip] | count", content.Query},
	} {
		if got := content.Of(c.name, c.text); got != c.want {
			t.Errorf("%s %q is %v, want %v", c.name, c.text, got, c.want)
		}
	}
}

func FuzzOf(f *testing.F) {
	f.Add("a.json", `{"fields":`)
	f.Add("a.tf", "resource \"a\" \"b\" {")
	f.Fuzz(func(t *testing.T, name, text string) {
		k := content.Of(name, text)
		if k.String() == "" || k.Use() == "" {
			t.Error("a kind has a name and a use")
		}
	})
}
