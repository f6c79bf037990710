package convert_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/engine/lang/langtest"
	"github.com/gyoji-dev/gyoji/sigma"
	"github.com/gyoji-dev/gyoji/syntax/syntaxtest"
)

func fromSumo(t *testing.T, query string) (*convert.Predicate, string) {
	t.Helper()
	p, ds := convert.FromSumo(diag.Text("q.sumo", query))
	if p == nil {
		t.Fatalf("%s: %v", query, ds)
	}
	return p, convert.SigmaText(p, sigma.Meta{Title: "T", Description: "D"})
}

// detectionPart is the rule from detection on, and its log source in one line.
func detectionPart(text string) string {
	_, after, _ := strings.Cut(text, "logsource:\n")
	source, after, _ := strings.Cut(after, "detection:\n")
	return strings.Join(strings.Fields(source), " ") + "\n" + strings.ReplaceAll(after, "\n    ", "\n")[4:]
}

const sysmon1 = "_sourceCategory=*sysmon* | json auto | where EventID = \"1\" | where "

func TestConditionsOfSumoBecomeSearches(t *testing.T) {
	const source = "category: process_creation product: windows service: sysmon\n"
	for _, c := range []struct{ where, want string }{
		{`toLowerCase(Image) matches "*\\cmd.exe"`, "selection_image:\n    Image|endswith: '\\cmd.exe'\ncondition: selection_image\n"},
		{`Image matches "*\\cmd.exe"`, "selection_image:\n    Image|endswith|cased: '\\cmd.exe'\ncondition: selection_image\n"}, // Sumo minds letter case
		{`ProcessId = 4 and toLowerCase(User) = "nt authority\\system"`, "selection:\n    ProcessId: 4\n    User: 'nt authority\\system'\ncondition: selection\n"},
		{`CommandLine matches /(?i)\s-enc\s/`, "selection_commandline:\n    CommandLine|re: '(?i)\\s-enc\\s'\ncondition: selection_commandline\n"},
		{`toLowerCase(CommandLine) matches /-e[nc]+\b/`, "selection_commandline:\n    CommandLine|re|i: '-e[nc]+\\b'\ncondition: selection_commandline\n"},
		{`toLowerCase(CommandLine) matches "*a?c*"`, "selection_commandline:\n    CommandLine|contains: 'a\\?c'\ncondition: selection_commandline\n"}, // ? is plain in Sumo
		{`toLowerCase(CommandLine) contains "it's"`, "selection_commandline:\n    CommandLine|contains: 'it''s'\ncondition: selection_commandline\n"},
		{`isNull(User)`, "selection_user:\n    User: null\ncondition: selection_user\n"},
		{`!isNull(User)`, "selection_user:\n    User|exists: true\ncondition: selection_user\n"},
		{`isEmpty(User)`, "selection_user:\n    User:\n        - null\n        - ''\ncondition: selection_user\n"},
		{`num(LogonId) >= 1000`, "selection_logonid:\n    LogonId|gte: 1000\ncondition: selection_logonid\n"},
		{`toLowerCase(Image) = toLowerCase(ParentImage)`, "selection_image:\n    Image|fieldref: 'ParentImage'\ncondition: selection_image\n"},
		{`compareCIDRPrefix("10.0.0.0", Address, toInt(8))`, "selection_address:\n    Address|cidr: 10.0.0.0/8\ncondition: selection_address\n"},
		// A file's name is the end of its path, or all of it.
		{`replace(toLowerCase(Image), /^.*[\\\/]/, "") in ("a.exe", "b.exe")`,
			"selection_image:\n    - Image|endswith:\n          - '\\a.exe'\n          - '\\b.exe'\n          - '/a.exe'\n          - '/b.exe'\n    - Image:\n          - 'a.exe'\n          - 'b.exe'\ncondition: selection_image\n"},
		{`toLowerCase(Image) matches "*\\a.exe" and !(toLowerCase(User) = "x" and toLowerCase(CommandLine) matches "b*")`,
			"selection_image:\n    Image|endswith: '\\a.exe'\nfilter:\n    User: 'x'\n    CommandLine|startswith: 'b'\ncondition: selection_image and not filter\n"},
		{`User = "x" | parse regex field=CommandLine "(?i)(?<link>https?://\S+)"`, "selection:\n    User|cased: 'x'\n    CommandLine|re: '(?i)(?<link>https?://\\S+)'\ncondition: selection\n"},
		{`User = "x" | parse regex field=CommandLine "(?<a>x)" nodrop`, "selection_user:\n    User|cased: 'x'\ncondition: selection_user\n"}, // drops no event
		{`User = "x" | parse field=CommandLine "a=*,b=*;" as a, b`, "selection:\n    User|cased: 'x'\n    CommandLine|cased: '*a=*,b=*;*'\ncondition: selection\n"},
		{`User = "x" | parse regex field=CommandLine "(?<a>x)" nodrop | parse regex field=CommandLine "(?<b>y)"`, // OP-15: the second keeps what the first fitted
			"selection:\n    User|cased: 'x'\n    CommandLine|re:\n        - '(?<b>y)'\n        - '(?<a>x)'\ncondition: selection\n"},
		{`User = "x" | parse regex "cmd=(?<a>\d+)"`, "selection:\n    User|cased: 'x'\n    '|re': 'cmd=(?<a>\\d+)'\ncondition: selection\n"}, // of the event's text
		{`toLowerCase(Image) = "Cmd.exe" or User = "x"`, "selection_user:\n    User|cased: 'x'\ncondition: selection_user\n"},                // the first never holds
	} {
		p, text := fromSumo(t, sysmon1+c.where)
		if got := detectionPart(text); got != source+c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.where, got, source+c.want)
		}
		if len(p.Lost) > 0 {
			t.Errorf("%s: %v", c.where, p.Lost)
		}
		if _, ds := sigma.Parse(diag.Text("r.yml", text)); len(ds) > 0 {
			t.Errorf("%s: the rule does not read back: %v\n%s", c.where, ds, text)
		}
	}
}

// A keyword of Sumo is a word, and one of Sigma stands inside of others too.
func TestKeywordsAreWords(t *testing.T) {
	for _, c := range []struct{ scope, want string }{
		{"mimikatz", `'|re|i': '(?:^|[^\pL\p{Nd}])mimikatz(?:$|[^\pL\p{Nd}])'`},
		{`"/enc:"`, `- '/enc:'`}, // no letter at an edge
		{`"a b"`, `'|re|i': '(?:^|[^\pL\p{Nd}])a[\t-\r\x1c-\x20\x{1680}\x{2000}-\x{2006}\x{2008}-\x{200a}\x{2028}\x{2029}\x{205f}\x{3000}]+b(?:$|[^\pL\p{Nd}])'`},
		{"mimi*", `'|re|i': '(?:^|[^\pL\p{Nd}])mimi[\pL\p{Nd}]*(?:$|[^\pL\p{Nd}])'`},
	} {
		p, text := fromSumo(t, "_sourceCategory=*sysmon* "+c.scope+` | json auto | where EventID = "1"`)
		if !strings.Contains(text, c.want) {
			t.Errorf("%s: no %s in\n%s", c.scope, c.want, text)
		}
		if len(p.Lost) > 0 {
			t.Errorf("%s: %v", c.scope, p.Lost)
		}
		if _, ds := sigma.Parse(diag.Text("r.yml", text)); len(ds) > 0 {
			t.Errorf("%s: the rule does not read back: %v\n%s", c.scope, ds, text)
		}
	}
}

// A count and a condition on it are a correlation, whose windows slide.
func TestCountsBecomeCorrelations(t *testing.T) {
	for _, c := range []struct {
		rest, want string
		lost       []string
	}{
		{"timeslice 5m | count by _timeslice, Computer | where _count > 10",
			"type: event_count rules: - t group-by: - Computer timespan: 5m condition: gt: 10", []string{"sliding-window", "without-a-group"}},
		{"timeslice 90s as at | count as n by Computer, at | where n >= 3 and 20 > n",
			"type: event_count rules: - t group-by: - Computer timespan: 90s condition: gte: 3 lt: 20", []string{"sliding-window", "without-a-group"}},
		{"where !isNull(Computer) | count_distinct(User) as who by Computer | where who > 4 | sort by who",
			"type: value_count rules: - t group-by: - Computer timespan: 1d condition: gt: 4 field: User", []string{"unknown-timespan"}},
		{"timeslice 1d | toLowerCase(User) as u | count by u, _timeslice | where !(_count < 7)",
			"type: event_count rules: - t group-by: - User timespan: 1d condition: gte: 7", []string{"letter-case", "sliding-window", "without-a-group"}},
		{"length(User) as size | timeslice 1h | count by size, _timeslice | where _count > 7",
			"type: event_count rules: - t timespan: 1h condition: gt: 7", []string{"not-in-sigma", "sliding-window"}},
		{"count by Computer | where _count > 5 | limit 3", "", []string{"after-a-grouping"}},                 // cut short
		{"count by Computer, User | count by Computer | where _count > 5", "", []string{"after-a-grouping"}}, // grouped again
		{"sum(size) as s by Computer | where s > 5", "", []string{"after-a-grouping"}},
		{"count as n by Computer | where n > 5 or Computer = \"a\"", "", []string{"after-a-grouping"}},
		{"count by Computer", "", nil}, // a table
	} {
		p, ds := convert.FromSumo(diag.Text("q.sumo", sysmon1+`Image matches "*\\cmd.exe" | `+c.rest))
		if p == nil {
			t.Errorf("%s: %v", c.rest, ds)
			continue
		}
		text := convert.SigmaText(p, sigma.Meta{Title: "T", Description: "D"})
		_, got, _ := strings.Cut(text, "correlation:\n")
		if got = strings.Join(strings.Fields(got), " "); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.rest, got, c.want)
		}
		lost := map[string]bool{}
		for _, d := range p.Lost {
			lost[d.Code] = true
		}
		if fmt.Sprint(slices.Sorted(maps.Keys(lost))) != fmt.Sprint(c.lost) {
			t.Errorf("%s: lost %v, want %v", c.rest, p.Lost, c.lost)
		}
		docs, ds := sigma.Parse(diag.Text("r.yml", text))
		if len(ds) > 0 || c.want != "" && len(docs) != 2 {
			t.Errorf("%s: the rule does not read back: %v\n%s", c.rest, ds, text)
		}
	}
}

// Flags and scores in a where are decided: two of three is a choice of pairs.
func TestFlagsAreDecided(t *testing.T) {
	p, text := fromSumo(t, sysmon1[:strings.LastIndex(sysmon1, "|")]+`
| if (toLowerCase(CommandLine) matches "*a*", 1, 0) as a | if (toLowerCase(CommandLine) matches "*b*", 1, 0) as b
| if (toLowerCase(User) = "c", 2, 0) as c | a + b + c as score | where score >= 3`)
	if len(p.Lost) > 0 {
		t.Errorf("lost: %v", p.Lost)
	}
	docs, ds := sigma.Parse(diag.Text("r.yml", text))
	if ds.HasErrors() || len(docs) != 1 {
		t.Fatalf("%v\n%s", ds, text)
	}
	for _, want := range []string{"CommandLine|contains: 'a'", "CommandLine|contains: 'b'", "User: 'c'"} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %s:\n%s", want, text)
		}
	}
}

func TestTheLogSourceIsWhereTheQueryLooks(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{`_sourceCategory=*sysmon* | json auto | where EventID in ("12", "13", "14") and User = "x"`, "category: registry_event product: windows"},
		{`_sourceCategory=windows/security EventID=4688 | json auto | where User = "x"`, "category: process_creation product: windows service: security"},
		{`_sourceCategory=windows/security EventID=4624 | json auto | where User = "x"`, "product: windows service: security"},
		{`_sourceCategory=windows/system | json auto | where EventID = "7045"`, "product: windows service: system"},
		{`* | json auto | where Channel = "Microsoft-Windows-PowerShell/Operational" and EventID = "4104" and ScriptBlockText matches "*x*"`, "category: ps_script product: windows"},
	} {
		p, text := fromSumo(t, c.query)
		if got, _, _ := strings.Cut(detectionPart(text), "\n"); got != c.want {
			t.Errorf("%s: %s, want %s", c.query, got, c.want)
		}
		if len(p.Lost) > 0 {
			t.Errorf("%s: %v", c.query, p.Lost)
		}
	}
	// What no channel is known for is named.
	p, text := fromSumo(t, `_sourceCategory=prod/okta | json "actor.alternateId" as who nodrop | where who matches "*@example.com"`)
	if len(p.Lost) != 1 || p.Lost[0].Code != "unknown-source" || !strings.Contains(text, "actor.alternateId|endswith|cased: '@example.com'") {
		t.Errorf("%v\n%s", p.Lost, text)
	}
}

func TestWhatSigmaLacksIsNamedWithItsPlace(t *testing.T) {
	for _, c := range []struct{ rest, code, at string }{
		{`| where length(CommandLine) > 100 and toLowerCase(User) = "x"`, "not-in-sigma", `where length`},
		{`| parse regex field=CommandLine "(?<link>http\S+)" | where link matches "*evil*" and toLowerCase(User) = "x"`, "not-in-sigma", `where link`},
		{`| where toLowerCase(User) = "x" | sum(size) by Computer | where _sum > 5`, "after-a-grouping", `where _sum`},
		{`| where toLowerCase(CommandLine) matches /A/ and toLowerCase(User) = "x"`, "not-in-sigma", `where toLower`},
		{`| where User < "x" and toLowerCase(User) = "x"`, "not-in-sigma", `where User`},
	} {
		p, _ := fromSumo(t, `_sourceCategory=*sysmon* | json auto | where EventID = "1" `+c.rest)
		found := false
		for _, d := range p.Lost {
			found = found || d.Code == c.code && strings.HasPrefix(d.File.Slice(d.Span), c.at)
		}
		if !found {
			t.Errorf("%s: no %s at %q in %v", c.rest, c.code, c.at, p.Lost)
		}
	}
	for _, q := range []string{
		`* | json auto | where length(a) > 5`,                  // nothing is left
		`_sourceCategory=*sysmon* | json auto | where 1 = 2`,   // never
		`_sourceCategory=*sysmon* | json auto | where User = `, // no query
	} {
		if p, ds := convert.FromSumo(diag.Text("q.sumo", q)); p != nil || !ds.HasErrors() {
			t.Errorf("%s: %v, %v", q, p, ds)
		}
	}
}

// TestPublishedQueriesAsSigma counts how many published queries have a predicate
// that Sigma can say; what it writes must read back.
func TestPublishedQueriesAsSigma(t *testing.T) {
	corpus := syntaxtest.Corpus(t)
	whole, unplaced, part, none, bad := 0, 0, 0, 0, 0
	reasons, refused := map[string]int{}, map[string]int{}
	step := 1
	if testing.Short() {
		step = 7
	}
	for i := 0; i < len(corpus); i += step {
		q := corpus[i]
		p, ds := convert.FromSumo(diag.Text(q.ID, syntaxtest.FillTemplates(q.Query)))
		if p == nil {
			code := ""
			for _, d := range ds {
				if d.Severity == diag.Error {
					code = d.Code
				}
			}
			if code == "no-predicate" || code == "never-matches" {
				none++
				refused[code]++
			} else {
				bad++
			}
			continue
		}
		text := convert.SigmaText(p, sigma.Meta{Title: "T", Description: "D"})
		if _, ds := sigma.Parse(diag.Text(q.ID, text)); ds.HasErrors() {
			t.Errorf("%s: the rule does not read back: %v\n%s\n%s", q.ID, ds, q.Query, text)
			continue
		}
		if len(p.Lost) == 0 {
			whole++
			continue
		}
		if len(p.Lost) == 1 && p.Lost[0].Code == "unknown-source" {
			unplaced++
			continue
		}
		part++
		seen := map[string]bool{}
		for _, d := range p.Lost {
			if !seen[d.Code] {
				seen[d.Code] = true
				reasons[d.Code]++
			}
		}
	}
	table := fmt.Sprintf("Of %d published Sumo queries, `gyoji convert -t sigma`:\n\n| | queries |\n|---|---:|\n| writes a rule that says all of the predicate | %d |\n| writes such a rule, whose log source is to be named by hand | %d |\n| writes a rule and names what is lost | %d |\n| finds no predicate to write | %d |\n| does not read the query | %d |\n\nLost most often: %s.\n",
		len(corpus), whole, unplaced, part, none, bad, most(reasons))
	t.Log(table, reasons, refused)
	if step > 1 {
		return
	}
	const page = "../../../docs/compatibility.md"
	if *update {
		langtest.SetSection(t, page, "to-sigma", table)
	}
	if got := langtest.Section(t, page, "to-sigma"); got != table {
		t.Errorf("%s is stale; go test ./convert -run Published -update", page)
	}
}

// What is written again and again costs as much again, not the square of it.
func TestCostOfAQueryIsLinear(t *testing.T) {
	for _, unit := range []string{"/*", "a ", "a OR ", "!a ", `"x y" OR `, "f=a OR ", "*a?b*/", "(a) ", "x*y ", `"*" `} {
		start := time.Now()
		convert.FromSumo(diag.Text("query", "* "+strings.Repeat(unit, 20_000)+"z"))
		convert.FromSumo(diag.Text("query", `* | where x = "`+strings.Repeat(strings.NewReplacer(`"`, "", " ", "").Replace(unit), 20_000)+`"`))
		convert.FromSumo(diag.Text("query", `* | where x matches "`+strings.Repeat(strings.NewReplacer(`"`, "", " ", "").Replace(unit), 20_000)+`"`))
		if d := time.Since(start); d > 8*time.Second {
			t.Errorf("%q took %v", unit, d)
		}
	}
}
