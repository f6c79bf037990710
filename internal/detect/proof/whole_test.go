package proof_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/proof"
)

const failedRule = "title: Failed\nname: failed\nlogsource: {product: windows, service: security}\ndetection: {s: {EventID: 4625}, condition: s}\n---\n"
const goodRule = "title: Good\nname: good\nlogsource: {product: windows, service: security}\ndetection: {s: {EventID: 4624}, condition: s}\n---\n"

func correlation(rest string) string {
	return "title: C\ncorrelation: {rules: [failed], group-by: [TargetUserName], timespan: 10m, " + rest + "}\n"
}

func thresholdRule(expression, rest string) string {
	return "kind: threshold_rule\nname: R\nexpression: \"" + expression + "\"\n" + rest + "summary_expression: s\ndescription: d\nscore: 3\n"
}

const byUser = "entity_selectors: [{entity_type: _username, expression: user_username}]\n"

// Rules over many events in three languages: what they want is the same or is said to
// differ. What is expected stands in the rules' own words.
func TestRulesOverManyEvents(t *testing.T) {
	const failed = "metadata_deviceEventId = 'Security-4625'"
	query := `_sourceCategory=windows/security | json auto | where EventID = "4625" | timeslice 10m | count by _timeslice, TargetUserName | where _count >= 3`
	chain := func(steps, rest string) string {
		return "kind: chain_rule\nname: R\nexpressions_and_limits: [" + steps + "]\nwindow_size: T10M\nsummary_expression: s\ndescription: d\nscore: 3\n" + rest + byUser
	}
	const one, two = "{expression: \"metadata_deviceEventId = 'Security-4625'\", limit: 1}", "{expression: \"metadata_deviceEventId = 'Security-4624'\", limit: 1}"
	both := failedRule + goodRule + "title: C\ncorrelation: {rules: [failed, good], group-by: [TargetUserName], timespan: 10m, type: "
	for _, c := range []struct{ name, a, b, want string }{
		{"a correlation and a threshold", failedRule + correlation("type: event_count, condition: {gte: 3}"), thresholdRule(failed, byUser+"limit: 3\nwindow_size: T10M\n"), ""},
		{"more than two is three or more", failedRule + correlation("type: event_count, condition: {gt: 2}"), thresholdRule(failed, byUser+"limit: 3\nwindow_size: 10m\n"), ""},
		{"a count", failedRule + correlation("type: event_count, condition: {gte: 4}"), thresholdRule(failed, byUser+"limit: 3\nwindow_size: T10M\n"), "4 or more"},
		{"a time", failedRule + correlation("type: event_count, condition: {gte: 3}"), thresholdRule(failed, byUser+"limit: 3\nwindow_size: T30M\n"), "within 30m"},
		{"a grouping", failedRule + correlation("type: event_count, condition: {gte: 3}"), thresholdRule(failed, "entity_selectors: [{entity_type: _ip, expression: srcDevice_ip}]\nlimit: 3\nwindow_size: T10M\n"), "by ipaddress"},
		{"values and events", failedRule + correlation("type: event_count, condition: {gte: 3}"), thresholdRule(failed, byUser+"limit: 3\nwindow_size: T10M\ncount_distinct: true\ncount_field: srcDevice_ip\n"), "distinct values of IpAddress"},
		{"values", failedRule + correlation("type: value_count, condition: {gte: 3, field: IpAddress}"), thresholdRule(failed, byUser+"limit: 3\nwindow_size: T10M\ncount_distinct: true\ncount_field: srcDevice_ip\n"), ""},
		{"an aggregation that counts", failedRule + correlation("type: event_count, condition: {gte: 3}"), "kind: aggregation_rule\nname: R\nmatch_expression: \"" + failed + "\"\naggregation_functions: [{name: n, function: count, arguments: ['true']}]\ntrigger_expression: n > 2\nwindow_size: T10M\nname_expression: n\nsummary_expression: s\ndescription_expression: d\nscore: 1\n" + byUser, ""},
		{"a condition", failedRule + correlation("type: event_count, condition: {gte: 3}"), thresholdRule(failed+" AND logonType = 'Network'", byUser+"limit: 3\nwindow_size: T10M\n"), "event"},
		{"a query and a threshold", query, thresholdRule(failed, byUser+"limit: 3\nwindow_size: T10M\n"), ""},
		{"a query and a correlation", query, failedRule + correlation("type: event_count, condition: {gte: 3}"), ""},
		{"a query of another count", strings.Replace(query, ">= 3", "> 3", 1), failedRule + correlation("type: event_count, condition: {gte: 3}"), "4 or more"},
		{"a chain", both + "temporal}\n", chain(one+", "+two, ""), ""},
		{"a chain in another order of its steps", both + "temporal}\n", chain(two+", "+one, ""), ""},
		{"an ordered chain", both + "temporal_ordered}\n", chain(one+", "+two, "ordered: true\n"), ""},
		{"an ordered chain in another order", both + "temporal_ordered}\n", chain(two+", "+one, "ordered: true\n"), "event"},
		{"order", both + "temporal_ordered}\n", chain(one+", "+two, ""), "in any order"},
		{"a step more", both + "temporal}\n", chain(one+", "+two+", "+two, ""), "3"},
		{"chains with counts, other languages apart", chain(strings.Replace(one, "limit: 1", "limit: 5", 1)+", "+two, ""), chain(two+", "+strings.Replace(one, "limit: 1", "limit: 5", 1), ""), ""},
		{"thresholds of another product", thresholdRule("metadata_deviceEventId = 'AwsConsoleSignIn-ConsoleLogin' AND success = false", byUser+"limit: 3\nwindow_size: T10M\n"),
			thresholdRule("metadata_deviceEventId = 'AwsConsoleSignIn-ConsoleLogin' AND NOT success = true", byUser+"limit: 3\nwindow_size: T10M\n"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w [2]*proof.Whole
			for i, text := range []string{c.a, c.b} {
				ending := ".yaml"
				if strings.HasPrefix(text, "_source") {
					ending = ".sumo"
				}
				var ds diag.List
				if w[i], ds = proof.ReadWhole(diag.Text(string(rune('a'+i))+ending, text)); w[i] == nil {
					t.Fatalf("%v\n%s", ds, text)
				}
			}
			r, err := proof.CheckWhole(context.Background(), w[0], w[1], nil)
			if err != nil {
				t.Fatal(err)
			}
			said := strings.Join(r.Differences, "\n")
			for _, p := range r.Results {
				if !p.Equal() {
					said += "event " + p.Event.String() + "\n"
				}
			}
			if c.want == "" && (!r.Equal() || r.Empty()) || c.want != "" && (r.Equal() || !strings.Contains(said, c.want)) {
				t.Errorf("equal %v, empty %v: %swant %q; notes %q", r.Equal(), r.Empty(), said, c.want, r.Notes)
			}
		})
	}
}
