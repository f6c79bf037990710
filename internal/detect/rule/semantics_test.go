package rule_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/sigma"
)

// events writes objects to a file, one a line.
func events(t *testing.T, objects ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "events.jsonl")
	if err := os.WriteFile(name, []byte(strings.Join(objects, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// What tests mean, by the Sigma specification and pySigma: each detection over
// one event. %s of the rule is the detection, in YAML's short form.
func TestMeaning(t *testing.T) {
	for _, c := range []struct {
		detection string
		event     string
		want      bool
	}{
		// Text is compared whole, letter case aside.
		{`{A: foo}`, `"A":"FOO"`, true},
		{`{A: foo}`, `"A":"foobar"`, false},
		{`{A: 'é'}`, `"A":"É"`, true},
		{`{A|cased: foo}`, `"A":"FOO"`, false},
		{`{A|cased: foo}`, `"A":"foo"`, true},
		{`{A: ''}`, `"A":""`, true},
		{`{A: ''}`, `"B":"x"`, false},
		{`{A|contains: o}`, `"A":"FOO"`, true},
		{`{A|contains|cased: o}`, `"A":"FOO"`, false},
		{`{A|startswith: fo}`, `"A":"Foo"`, true},
		{`{A|startswith: oo}`, `"A":"foo"`, false},
		{`{A|endswith: OO}`, `"A":"foo"`, true},
		// Wildcards, and what escapes them.
		{`{A: 'f*o'}`, `"A":"f\no"`, true},
		{`{A: 'f?o'}`, `"A":"fxo"`, true},
		{`{A: 'f?o'}`, `"A":"fo"`, false},
		{`{A: 'f?o'}`, `"A":"fxxo"`, false},
		{`{A: '?'}`, `"A":"é"`, true},
		{`{A: 'f\*o'}`, `"A":"f*o"`, true},
		{`{A: 'f\*o'}`, `"A":"fxo"`, false},
		{`{A: 'f\?o'}`, `"A":"f?o"`, true},
		{`{A: 'f\\*'}`, `"A":"f\\x"`, true},
		{`{A|contains: 'a.b+c'}`, `"A":"xa.b+cx"`, true},
		{`{A|contains: 'a.b?c'}`, `"A":"xaxbxcx"`, false},
		{`{A: '*'}`, `"A":""`, true},
		{`{A: '*'}`, `"B":""`, false},
		// Digests stand in Sysmon's lists of them.
		{`{Imphash: 0A1B}`, `"Hashes":"SHA1=FF,MD5=00,IMPHASH=0a1b"`, true},
		{`{Imphash: 0A1B}`, `"Hashes":"SHA1=0A1B,MD5=00,IMPHASH=FFFF"`, false},
		{`{Imphash: 0A1B}`, `"Hashes":"IMPHASH=0A1B2C"`, false},
		{`{imphash|startswith: 0a}`, `"Hashes":"MD5=00, IMPHASH=0A1B"`, true},
		{`{md5: [x, '00']}`, `"Hashes":"MD5=00,SHA256=01"`, true},
		{`{sha1: '01'}`, `"Hashes":"MD5=00,SHA256=01"`, false},
		{`{sha256: '01'}`, `"Hash":"MD5=00,SHA256=01"`, true},
		{`{sha256|contains: '0'}`, `"sha256":"1","Hashes":"SHA256=00"`, false},
		{`{sha256: '1'}`, `"sha256":"1"`, true},
		{`{md5: null}`, `"Hashes":"SHA1=FF"`, true},
		{`{md5: null}`, `"Hashes":"SHA1=FF,MD5=00"`, false},
		{`{md5|exists: true}`, `"Hashes":"SHA1=FF,MD5=00"`, true},
		{`{Imphash|re: '^0a|^0A'}`, `"Hashes":"SHA1=FF,IMPHASH=0A"`, true},
		// Lists: one of, all of.
		{`{A|contains: [x, y]}`, `"A":"y"`, true},
		{`{A|contains|all: [x, y]}`, `"A":"y"`, false},
		{`{A|contains|all: [x, y]}`, `"A":"yx"`, true},
		{`[{A: x}, {B: y}]`, `"B":"y"`, true},
		{`{A: x, B: y}`, `"B":"y"`, false},
		{`{A|contains|windash|all: [' -a', b]}`, `"A":"x /a b"`, true},
		{`{A|contains|windash|all: [' -a', b]}`, `"A":"x -a"`, false},
		{`{A|neq: x}`, `"A":"y"`, true},
		{`{A|neq: x}`, `"A":"x"`, false},
		{`{A|neq: x}`, `"B":"x"`, true},
		// Null, missing, present.
		{`{A: null}`, `"B":"x"`, true},
		{`{A: null}`, `"A":null`, true},
		{`{A: null}`, `"A":""`, false},
		{`{A: [null, x]}`, `"A":"x"`, true},
		{`{A|exists: true}`, `"A":""`, true},
		{`{A|exists: true}`, `"B":"x"`, false},
		{`{A|exists: false}`, `"B":"x"`, true},
		// Numbers and booleans.
		{`{A: 5}`, `"A":5`, true},
		{`{A: 5}`, `"A":"5"`, true},
		{`{A: 5}`, `"A":"15"`, false},
		{`{A: true}`, `"A":true`, true},
		{`{A: 'true'}`, `"A":"True"`, true},
		{`{A|gt: 5}`, `"A":"6"`, true},
		{`{A|gt: 5}`, `"A":"10"`, true},
		{`{A|gt: 5}`, `"A":5`, false},
		{`{A|gte: 5}`, `"A":5`, true},
		{`{A|lt: 5}`, `"A":"x"`, false},
		{`{A|lte: 5.5}`, `"A":"5.5"`, true},
		{`{A|lt: 5}`, `"B":"1"`, false},
		// Regular expressions are searched for, letter case as written.
		{`{A|re: 'o{2}'}`, `"A":"foo"`, true},
		{`{A|re: 'O{2}'}`, `"A":"foo"`, false},
		{`{A|re|i: 'O{2}'}`, `"A":"foo"`, true},
		{`{A|re: '^b$'}`, `"A":"a\nb"`, false},
		{`{A|re|m: '^b$'}`, `"A":"a\nb"`, true},
		{`{A|re: 'a.b'}`, `"A":"a\nb"`, false},
		{`{A|re|s: 'a.b'}`, `"A":"a\nb"`, true},
		{`{A|re|startswith: 'b|c'}`, `"A":"ac"`, false},
		{`{A|re|endswith: 'b|c'}`, `"A":"ac"`, true},
		{`{A|re: '(?<!x)b'}`, `"A":"ab"`, true},
		{`{A|re: '(?<!x)b'}`, `"A":"xb"`, false},
		{`{A|re: '.{3,}'}`, `"A":"ab\ncd"`, false},
		{`{A|re: '.{3,}'}`, `"A":"ab\ncdé"`, true},
		{`{A|re|s: '.{3,}'}`, `"A":"ab\ncd"`, true},
		// Networks.
		{`{A|cidr: 10.0.0.0/8}`, `"A":"10.255.0.1"`, true},
		{`{A|cidr: 10.0.0.0/8}`, `"A":"11.0.0.1"`, false},
		{`{A|cidr: 10.0.0.0/8}`, `"A":"10.0"`, false},
		{`{A|cidr: ['::1/128', 'fe80::/10']}`, `"A":"fe80:0:0:0:1:2:3:4"`, true},
		{`{A|cidr: 127.0.0.0/8}`, `"A":"::ffff:127.0.0.1"`, true},
		// Encodings.
		{`{A|base64offset|contains: 'http://'}`, `"A":"xx aHR0cDovL2E= xx"`, true},
		{`{A|wide|base64offset|contains: 'IEX'}`, `"A":"-enc SQBFAFgA"`, true},
		// Other fields, times.
		{`{A|fieldref: B}`, `"A":"x","B":"X"`, true},
		{`{A|fieldref: B}`, `"A":"x"`, false},
		{`{A|fieldref|startswith: B}`, `"A":"xyz","B":"xy"`, true},
		{`{A|fieldref|endswith: B}`, `"A":"xyz","B":"xy"`, false},
		{`{A|fieldref|contains: B}`, `"A":"xyz","B":"y"`, true},
		{`{A|hour: 7}`, `"A":"2026-01-02T07:59:00Z"`, true},
		{`{A|year: 2026}`, `"A":"2026-01-02T07:59:00Z"`, true},
		{`{A|week: 1}`, `"A":"2026-01-02T07:59:00Z"`, true},
		{`{A|minute: 7}`, `"A":"no time"`, false},
		// Keywords stand anywhere in a value, and not in names.
		{`[evil]`, `"B":"an EVIL thing"`, true},
		{`[evil]`, `"evil":"x"`, false},
		{`[evil]`, `"B":{"C":["x","evil"]}`, true},
		{`['a\b']`, `"B":"xa\\bx"`, true},
		{`['a"b']`, `"B":"a\"b"`, true},
		{`['é']`, `"B":"\u00c9"`, true},
		{`{'|all': [evil, twin]}`, `"B":"evil","C":"twin"`, true},
		{`{'|all': [evil, twin]}`, `"B":"evil"`, false},
		{`{'|re': 'e.il'}`, `"B":"evil"`, true},
		{`['e*l']`, `"B":"an evil"`, true},
		{`['e?il']`, `"B":"an evil"`, true},
		{`[7]`, `"B":"x 7 y"`, true},
		// A list is several values: one of them is enough (SEP 212).
		{`{Data|contains: 'C:\x'}`, `"Data":["a","HostApplication=C:\\x"]`, true},
		{`{A|contains|all: [x, y]}`, `"A":["x","y"]`, true},
		{`{A|contains|all: [x, y]}`, `"A":["x","z"]`, false},
		{`{A|neq: x}`, `"A":["x","y"]`, false},
		{`{A|neq: x}`, `"A":["z","y"]`, true},
		{`{A: '["x","y"]'}`, `"A":["x","y"]`, false},
		{`{A: '["x","y"]'}`, `"A":"[\"x\",\"y\"]"`, true},
		{`{A|re: '^\['}`, `"A":["x"]`, false},
		{`{A: x}`, `"A":[["y",["x"]]]`, true},
		{`{A: x}`, `"A":[]`, false},
		{`{A: null}`, `"A":[]`, true},
		{`{A: null}`, `"A":["x",null]`, true},
		{`{A: null}`, `"A":["x"]`, false},
		{`{A|exists: true}`, `"A":[]`, true},
		{`{A|exists: true}`, `"A":[null]`, true},
		{`{md5: '00'}`, `"Hashes":["SHA1=FF","MD5=00"]`, true},
		{`{md5: '00'}`, `"md5":["01","00"]`, true},
		{`{A|fieldref: B}`, `"A":["x","y"],"B":["z","Y"]`, true},
		{`{A|fieldref: B}`, `"A":["x","y"],"B":"z"`, false},
		{`{A: 1.10}`, `"A":1.1`, true},
		{`{A: 1.5}`, `"A":"1.50"`, true},
		{`{A|gt: 18446744073709551614}`, `"A":18446744073709551615`, true},
		{`{A|gt: 18446744073709551614}`, `"A":18446744073709551614`, false},
		{`{A: 123456789012345678901234567890}`, `"A":123456789012345678901234567890`, true},
		// Blanks that Windows writes at the ends of some fields.
		{`{LogonProcessName: NtLmSsp}`, `"LogonProcessName":"NtLmSsp "`, true},
		{`{LogonProcessName: 'NtLmSsp '}`, `"LogonProcessName":"NtLmSsp "`, true},
		{`{CommandLine|endswith: ' -x'}`, `"CommandLine":"a -x  "`, true},
		{`{CommandLine|endswith: ' '}`, `"CommandLine":"a -x "`, true},
		{`{CommandLine|re: '-x$'}`, `"CommandLine":"a -x\t"`, true},
		{`{CommandLine|startswith: a}`, `"CommandLine":" a"`, true},
		{`{CommandLine: 'a?'}`, `"CommandLine":"ab "`, true},
		{`{CommandLine|contains: 'x '}`, `"CommandLine":"a x "`, true},
		{`{CommandLine|neq: a}`, `"CommandLine":"a "`, false},
		{`{CommandLine: ''}`, `"CommandLine":"  "`, true},
		{`{A: x}`, `"A":"x "`, false},
	} {
		text := "title: t\nlogsource: {product: linux}\ndetection:\n  s: " + c.detection + "\n  condition: s\n"
		sc := rule.NewScope()
		rules := lower(t, sc, "r.yml", text)
		path := events(t, "{"+c.event+"}")
		if !json.Valid([]byte("{" + c.event + "}")) {
			t.Fatalf("%s is no event", c.event)
		}
		if got := scan(t, sc, rules, 1, path)[rules[0]] == 1; got != c.want {
			t.Errorf("%s over %s: %v, want %v", c.detection, c.event, got, c.want)
		}
		// And without the index; the texts for keywords are the set's to make.
		if strings.Contains(c.detection, "'|") || strings.HasPrefix(c.detection, "[") && !strings.HasPrefix(c.detection, "[{") {
			continue
		}
		n := 0
		set := rule.Compile(sc, rules)
		read(t, sc, set.Fields(), 1, func() exec.Task {
			return both{set.Task(&expr.Env{}, nil, func(*rule.Rule, *event.Batch) error { return nil }), newPlain(rules, func(int, uint64) { n++ })}
		}, path)
		if plain := n == 1; plain != c.want {
			t.Errorf("plain: %s over %s: %v, want %v", c.detection, c.event, plain, c.want)
		}
	}
}

// Which events a log source is about.
func TestLogSources(t *testing.T) {
	for _, c := range []struct {
		source, event string
		want          bool
	}{
		{`{product: windows, category: process_creation}`, `"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1`, true},
		{`{product: windows, category: process_creation}`, `"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":3`, false},
		{`{product: windows, category: process_creation}`, `"Channel":"Security","EventID":"4688"`, true},
		{`{product: windows, category: process_creation}`, `"Channel":"Security","EventID":"1"`, false},
		{`{product: windows, category: process_creation}`, `"Provider":"Microsoft-Windows-Sysmon","EventID":1`, true},
		{`{product: windows, category: process_creation}`, `"EventID":1`, false},
		{`{category: process_creation}`, `"Channel":"Security","EventID":4688`, true},
		{`{product: windows, service: security}`, `"Channel":"security","EventID":1`, true},
		{`{product: windows, service: powershell}`, `"Channel":"PowerShellCore/Operational","EventID":4104`, true},
		{`{product: windows, category: ps_script}`, `"Channel":"PowerShellCore/Operational","EventID":4104`, true},
		{`{product: windows, category: ps_script}`, `"Channel":"Microsoft-Windows-PowerShell/Operational","EventID":4103`, false},
		{`{product: windows}`, `"Channel":"Anything"`, true},
		{`{product: windows}`, `"A":"x"`, false},
		{`{product: linux, service: auditd}`, `"A":"x"`, true},
		{`{product: linux, service: auditd}`, `"Channel":"Security"`, false},
	} {
		sc := rule.NewScope()
		rules := lower(t, sc, "r.yml", "title: t\nlogsource: "+c.source+"\ndetection:\n  s: {X|exists: false}\n  condition: s\n")
		if got := scan(t, sc, rules, 1, events(t, "{"+c.event+"}"))[rules[0]] == 1; got != c.want {
			t.Errorf("%s of %s: %v, want %v", c.source, c.event, got, c.want)
		}
	}
}

// correlate runs a collection over events of the form "seconds kind user value".
func correlate(t *testing.T, rules string, lines ...string) []string {
	t.Helper()
	docs, diags := sigma.Parse(diag.Text("c.yml", `
action: global
logsource: {product: linux}
---
title: A
name: a
detection: {s: {kind: a}, condition: s}
---
title: B
name: b
detection: {s: {kind: b}, condition: s}
---
title: C
name: c
detection: {s: {kind: [c, ab]}, condition: s}
---
`+rules))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	sc := rule.NewScope()
	lowered, unusable := sc.Lower(docs, nil)
	for _, u := range unusable {
		t.Fatal(u.Diagnostic)
	}
	var objects []string
	for _, l := range lines {
		var sec int
		var kind, user, value string
		fmt.Sscan(l, &sec, &kind, &user, &value)
		objects = append(objects, fmt.Sprintf(`{"@timestamp":"2026-01-01T00:%02d:%02dZ","kind":%q,"user":%q,"value":%q}`, sec/60, sec%60, kind, user, value))
	}
	c := rule.NewCorrelator(&exec.Runtime{Ctx: t.Context(), Budget: &exec.Budget{}}, lowered)
	set := rule.Compile(sc, lowered)
	read(t, sc, set.Fields(), 1, func() exec.Task {
		return set.Task(&expr.Env{}, c, func(*rule.Rule, *event.Batch) error { return nil })
	}, events(t, objects...))
	const start = 1767225600000 // 2026-01-01
	var out []string
	if err := c.Findings(func(f rule.Finding) error {
		out = append(out, fmt.Sprintf("%s %d-%d %v %g", f.Rule.Title, (f.First-start)/1000, (f.Last-start)/1000, f.Groups, f.Value))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCorrelations(t *testing.T) {
	for _, c := range []struct {
		name, body string
		events     []string
		want       []string
	}{
		{
			"a window slides, and after a finding starts anew",
			"{type: event_count, rules: a, group-by: [user], timespan: 60s, condition: {gte: 3}}",
			[]string{"0 a u", "50 a u", "100 a u", "110 a u", "111 a u", "112 a u", "113 a u", "114 a v"},
			[]string{"X 50-110 [u] 3", "X 111-113 [u] 3"},
		},
		{
			"groups are apart; what has no such field is in none",
			"{type: event_count, rules: [a, b], group-by: user, timespan: 60s, condition: {gte: 2}}",
			[]string{"0 a u", "1 b u", "2 a v"},
			[]string{"X 0-1 [u] 2"},
		},
		{
			"fewer than: windows begin with the first event that is in none",
			"{type: event_count, rules: a, timespan: 60s, condition: {lt: 3}}",
			[]string{"0 a u", "10 a u", "20 a u", "100 a u", "110 a u", "300 a u"},
			[]string{"X 100-110 [] 2", "X 300-300 [] 1"},
		},
		{
			"equal to",
			"{type: event_count, rules: a, timespan: 60s, condition: {eq: 2}}",
			[]string{"0 a u", "10 a u", "20 a u", "100 a u", "110 a u"},
			[]string{"X 100-110 [] 2"},
		},
		{
			"distinct values",
			"{type: value_count, rules: a, group-by: user, timespan: 60s, condition: {gte: 3, field: value}}",
			[]string{"0 a u x", "1 a u x", "2 a u y", "3 a u z", "4 a v x"},
			[]string{"X 0-3 [u] 3"},
		},
		{
			"rules in any order",
			"{type: temporal, rules: [a, b, c], group-by: user, timespan: 60s}",
			[]string{"0 c u", "30 a u", "50 b u", "51 a v", "52 b v"},
			[]string{"X 0-50 [u] 3"},
		},
		{
			"not within the time span",
			"{type: temporal, rules: [a, b], timespan: 60s}",
			[]string{"0 a u", "61 b u", "200 b u", "260 a u"},
			[]string{"X 200-260 [] 2"},
		},
		{
			"rules in order, from the latest start",
			"{type: temporal_ordered, rules: [a, b, c], timespan: 60s}",
			[]string{"0 b u", "1 a u", "30 a u", "70 b u", "80 c u", "90 c u", "100 a u", "101 c u", "102 b u"},
			[]string{"X 30-80 [] 3"},
		},
		{
			"an expression without not",
			"{type: temporal, rules: [a, b, c], timespan: 60s, condition: a and (b or c)}",
			[]string{"0 a u", "10 c u", "100 b u", "110 c u"},
			[]string{"X 0-10 [] 2"},
		},
		{
			"an expression with not waits for the window's end",
			"{type: temporal, rules: [a, b], timespan: 60s, condition: a and not b}",
			[]string{"0 a u", "10 b u", "100 a u"},
			[]string{"X 100-100 [] 1"},
		},
		{
			"sums", "{type: value_sum, rules: a, timespan: 60s, condition: {gte: 10, field: value}}",
			[]string{"0 a u 4", "1 a u 6.5", "2 a u x", "100 a u 9"},
			[]string{"X 0-2 [] 10.5"},
		},
		{
			"averages", "{type: value_avg, rules: a, timespan: 60s, condition: {gt: 4, field: value}}",
			[]string{"0 a u 4", "1 a u 6"},
			[]string{"X 0-1 [] 5"},
		},
		{
			"medians", "{type: value_median, rules: a, timespan: 60s, condition: {lte: 3, field: value}}",
			[]string{"0 a u 1", "1 a u 100", "2 a u 3"},
			[]string{"X 0-2 [] 3"},
		},
		{
			"percentiles between two ranks", "{type: value_percentile, rules: a, timespan: 60s, condition: {gt: 0, field: value, percentile: 75}}",
			[]string{"0 a u 1", "1 a u 2", "2 a u 3", "3 a u 4"},
			[]string{"X 0-3 [] 3.25"},
		},
		{
			"aliases",
			"{type: temporal, rules: [a, b], group-by: who, timespan: 60s, aliases: {who: {a: user, b: value}}}",
			[]string{"0 a u x", "1 b y u", "2 b u z"},
			[]string{"X 0-1 [u] 2"},
		},
	} {
		got := correlate(t, "action: reset\n---\ntitle: X\ncorrelation: "+c.body+"\n", c.events...)
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

// A correlation of correlations sees the group-by fields of those it is made of.
func TestCorrelationOfCorrelations(t *testing.T) {
	got := correlate(t, `
action: reset
---
title: many
name: many
correlation: {type: event_count, rules: a, group-by: user, timespan: 10s, condition: {gte: 2}}
---
title: then
correlation: {type: temporal_ordered, rules: [many, b], group-by: user, timespan: 60s}
`, "0 a u", "1 a u", "2 b v", "30 b u")
	if want := []string{"then 1-30 [u] 2"}; strings.Join(got, ";") != strings.Join(want, ";") {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Correlations that cannot run are named.
func TestCorrelationProblems(t *testing.T) {
	for _, c := range []struct{ text, message string }{
		{"title: X\ncorrelation: {type: event_count, rules: nosuch, timespan: 1m, condition: {gte: 1}}", "no rule that can run has the id or name nosuch"},
		{"title: X\nname: x\ncorrelation: {type: event_count, rules: x, timespan: 1m, condition: {gte: 1}}", "made of itself"},
		{"title: X\nname: x\ncorrelation: {type: temporal_ordered, rules: [x, y], timespan: 1m, condition: {gte: 1}}", "order of some of the rules"},
		{"title: X\nname: x\ncorrelation: {type: temporal_ordered, rules: [x, y], timespan: 1m, condition: x or y}", "or or not has no meaning"},
	} {
		docs, diags := sigma.Parse(diag.Text("c.yml", c.text))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		rules, unusable := rule.NewScope().Lower(docs, nil)
		if len(rules) != 0 || len(unusable) != 1 || !strings.Contains(unusable[0].Message, c.message) {
			t.Errorf("%s: %v, want %q", c.text, unusable, c.message)
		}
	}
}
