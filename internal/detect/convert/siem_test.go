package convert_test

import (
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
	"github.com/gyoji-dev/gyoji/sigma"
)

const twoRules = `title: Failed
name: failed
logsource: {product: windows, service: security}
detection: {s: {EventID: 4625}, condition: s}
---
title: Start
name: start
logsource: {product: windows, category: process_creation}
detection: {s: {Image|endswith: '\a.exe'}, condition: s}
---
title: C
correlation:
`

// What of a correlation Cloud SIEM has no equal meaning for is refused by name.
func TestCorrelationsThatCloudSIEMCannotSay(t *testing.T) {
	for body, want := range map[string]string{
		"{type: event_count, rules: [failed], group-by: [TargetUserName], timespan: 10m, condition: {lt: 5}}":                                "not a least one",
		"{type: event_count, rules: [failed], group-by: [TargetUserName], timespan: 10m, condition: {gte: 5, lt: 9}}":                        "not a least one",
		"{type: event_count, rules: [failed], group-by: [TargetUserName], timespan: 10m, condition: {eq: 5}}":                                "not a least one",
		"{type: event_count, rules: [failed], timespan: 10m, condition: {gte: 5}}":                                                           "not grouped by a user",
		"{type: event_count, rules: [failed], group-by: [LogonType], timespan: 10m, condition: {gte: 5}}":                                    "LogonType",
		"{type: event_count, rules: [failed], group-by: [TargetUserName], timespan: 30s, condition: {gte: 5}}":                               "a time span of 30s",
		"{type: event_count, rules: [failed], group-by: [TargetUserName], timespan: 30d, condition: {gte: 5}}":                               "a time span of 30d",
		"{type: value_sum, rules: [failed], group-by: [TargetUserName], timespan: 10m, condition: {gte: 5, field: IpPort}}":                  "value_sum",
		"{type: temporal, rules: [failed, start], group-by: [Computer], timespan: 10m, condition: {gte: 1}}":                                 "some of the rules",
		"{type: temporal, rules: [failed, start], group-by: [Computer], timespan: 10m, condition: failed or start}":                          "some of the rules",
		"{type: temporal, rules: [failed, start], group-by: [TargetUserName], timespan: 10m}":                                                "TargetUserName",
		"{type: event_count, rules: [failed], group-by: [NoSuchField], timespan: 10m, condition: {gte: 5}}":                                  "no attribute of records has the field NoSuchField",
		"{type: value_count, rules: [failed], group-by: [TargetUserName], timespan: 10m, condition: {gte: 5, field: NoSuchField}}":           "NoSuchField",
		"{type: event_count, rules: [failed, start], group-by: [Computer], timespan: 10m, condition: {gte: 5}}":                              "counts twice",
		"{type: event_count, rules: [start], group-by: [ParentImage, User], timespan: 10m, condition: {gte: 5}}":                             "made of another field in some",
		"{type: temporal, rules: [failed, start], group-by: [u], timespan: 10m, aliases: {u: {failed: TargetUserName, start: CommandLine}}}": "two attributes",
	} {
		docs, ds := sigma.Parse(diag.Text("c.yml", twoRules+"  "+strings.Trim(strings.ReplaceAll(body, "\n", ""), "")))
		if len(docs) < 3 {
			docs, ds = sigma.Parse(diag.Text("c.yml", strings.TrimSuffix(twoRules, "\n")+" "+body+"\n"))
		}
		if ds.HasErrors() {
			t.Errorf("%s: %v", body, ds)
			continue
		}
		c := docs[2].(*sigma.Correlation)
		var rules []*sigma.Rule
		for _, ref := range c.Rules {
			for _, d := range docs {
				if d.About().Known(ref.Name) {
					rules = append(rules, d.(*sigma.Rule))
				}
			}
		}
		text, err := convert.Correlation(convert.Named("terraform"), c, rules, convert.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q\n%s", body, err, want, text)
		}
	}
}

func siemRule(t *testing.T, yaml string) *ruledoc.Rule {
	t.Helper()
	docs, ds := ruledoc.Read(diag.Text("r.yaml", yaml))
	if ds.HasErrors() || len(docs) != 1 {
		t.Fatalf("%v\n%s", ds, yaml)
	}
	r, ds := docs[0].Rule()
	if ds.HasErrors() {
		t.Fatalf("%v\n%s", ds, yaml)
	}
	return r
}

// match is a match rule with an expression.
func match(expression string) string {
	return "kind: match_rule\nname: R\nexpression: |-\n  " + expression + "\nname_expression: R\nsummary_expression: s\ndescription_expression: d\nscore: 3\nentity_selectors: [{entity_type: _hostname, expression: device_hostname}]\n"
}

// What mappers make of an event's fields is undone: an attribute is the field, or the
// fields, that fill it; what a table makes is what the table knows. The rows are worked
// out by hand from the mappings of 3.3.
func TestExpressionsBecomeSearches(t *testing.T) {
	const sysmon1 = "metadata_deviceEventId = 'Microsoft-Windows-Sysmon/Operational-1' AND "
	const logon = "metadata_deviceEventId = 'Security-4624' AND "
	for _, c := range []struct{ expression, want string }{
		{sysmon1 + `lower(baseImage) LIKE '%\cmd.exe'`, `Image|endswith: '\cmd.exe'`},
		{sysmon1 + `baseImage LIKE '%\cmd.exe'`, `Image|endswith|cased: '\cmd.exe'`},
		{sysmon1 + `lower(commandLine) LIKE '%\temp\%'`, "CommandLine|contains: '\\temp\\'"}, // one reading of two
		{sysmon1 + `lower(commandLine) LIKE '%\temp\%'`, "CommandLine|endswith: '\\temp%'"},  // the other
		{sysmon1 + `commandLine matches /(?i)-enc/`, "CommandLine|re|i: '-enc'"},
		{sysmon1 + `lower(commandLine) RLIKE '-e[nc]+'`, "CommandLine|re|i: '-e[nc]+'"},
		{sysmon1 + `commandLine matches 'a*b?'`, "CommandLine|cased: 'a*b?'"},
		{sysmon1 + `pid = 4`, "ProcessId: 4"},
		{sysmon1 + `pid BETWEEN 4 AND 8`, "ProcessId|gte: 4"},
		{sysmon1 + `lower(commandLine) IN ('a', 'b')`, "- 'b'"},
		{sysmon1 + `fields['EventData.IntegrityLevel'] = 'High'`, "IntegrityLevel|cased: 'High'"},
		{sysmon1 + `fields['EventData.IntegrityLevel'] IS NULL`, "IntegrityLevel: null"},
		{sysmon1 + `normalizedAction = 'create' AND pid = 1`, "ProcessId: 1"}, // a constant of the mapper
		{sysmon1 + `lower(file_hash_md5) = '00112233445566778899aabbccddeeff'`, "Hashes|contains: 'MD5=00112233445566778899aabbccddeeff'"},
		{sysmon1 + `contains(lower(commandLine), 'x')`, "CommandLine|contains: 'x'"},
		{sysmon1 + `lower(baseImage) = lower(parentBaseImage)`, "Image|fieldref: 'ParentImage'"},
		{logon + `logonType = 'RemoteInteractive'`, "LogonType: '10'"},
		{logon + `user_username = 'Admin'`, "TargetUserName|cased: 'Admin'"},
		{logon + `compareCIDRPrefix('10.0.0.0', srcDevice_ip, 8)`, "IpAddress|cidr: 10.0.0.0/8"},
		{logon + `success`, "EventID: 4624"},
		{"metadata_deviceEventId IN ('Security-4688', 'Microsoft-Windows-Sysmon/Operational-1') AND lower(baseImage) LIKE '%x'", "Image|endswith: 'x'"},
		{"metadata_deviceEventId IN ('Security-4688', 'Microsoft-Windows-Sysmon/Operational-1') AND user_username = 'Bob'", "SubjectUserName|cased: 'Bob'"},
	} {
		text, ds := convert.FromSIEM(siemRule(t, match(c.expression)))
		if text == "" || !strings.Contains(text, c.want) {
			t.Errorf("%s: %v, want %q in\n%s", c.expression, ds, c.want, text)
			continue
		}
		if _, ds := sigma.Parse(diag.Text("again.yml", text)); ds.HasErrors() {
			t.Errorf("%s: is not read: %v\n%s", c.expression, ds, text)
		}
	}
}

// What Sigma cannot say refuses a rule, by name.
func TestRulesThatSigmaCannotSay(t *testing.T) {
	const of = "metadata_deviceEventId = 'Security-4625'"
	threshold := func(kind, more string) string {
		return "kind: " + kind + "\nname: R\nsummary_expression: s\ndescription: d\nscore: 3\nwindow_size: T10M\n" + more
	}
	const user = "entity_selectors: [{entity_type: _username, expression: user_username}]\n"
	for yaml, want := range map[string]string{
		match("lower(baseImage) = 'a'"):                                           "does not say by metadata_deviceEventId",
		match("metadata_deviceEventId = 'AwsApiCall-GetObject' AND action = 'a'"): "no event of Windows",
		match(of + " AND lower(user_username) = 'A'"):                             "no record can meet",
		match(of + " AND array_contains(listMatches, 'x')"):                       "array_contains",
		match(of + " AND hasThreatMatch([srcDevice_ip])"):                         "hasThreatMatch",
		match(of + " AND length(user_username) > 3"):                              "what is computed of them",
		match(of + " AND user_username < 'b'"):                                    "no order of texts",
		match(of + " AND srcDevice_ip_isInternal"):                                "computed of another attribute",
		match("json field=fields 'a' as b | where " + of):                         "json",
		threshold("chain_rule", user+"ordered: true\nexpressions_and_limits: [{expression: \""+of+"\", limit: 10}, {expression: \"metadata_deviceEventId = 'Security-4624'\", limit: 1}]\n"):                                                                                                        "step 1 wants 10 records",
		threshold("threshold_rule", "expression: \""+of+"\"\nlimit: 3\nentity_selectors: [{entity_type: _ip, expression: dstDevice_natIp}]\n"):                                                                                                                                                      "dstDevice_natIp is not one field",
		"kind: first_seen_rule\nname: R\nfilter_expression: \"" + of + "\"\nvalue_fields: [srcDevice_ip]\nbaseline_type: GLOBAL\nbaseline_window_size: \"86400000\"\nretention_window_size: \"864000000\"\nname_expression: n\nsummary_expression: s\ndescription_expression: d\nscore: 1\n" + user: "first seen rule",
		"kind: aggregation_rule\nname: R\nmatch_expression: \"" + of + "\"\naggregation_functions: [{name: n, function: avg, arguments: [pid]}]\ntrigger_expression: n > 3\nwindow_size: T10M\nname_expression: n\nsummary_expression: s\ndescription_expression: d\nscore: 1\n" + user:             "avg(pid)",
		"kind: aggregation_rule\nname: R\nmatch_expression: \"" + of + "\"\naggregation_functions: [{name: n, function: count, arguments: ['true']}]\ntrigger_expression: n < 3\nwindow_size: T10M\nname_expression: n\nsummary_expression: s\ndescription_expression: d\nscore: 1\n" + user:        "the trigger n < 3",
	} {
		text, ds := convert.FromSIEM(siemRule(t, yaml))
		said := ""
		for _, d := range ds {
			said += d.Message + "\n"
		}
		if text != "" || !ds.HasErrors() || !strings.Contains(said, want) {
			t.Errorf("%s\n%swant %q\n%s", yaml, said, want, text)
		}
	}
}
