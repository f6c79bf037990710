package convert_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/sigma"
)

// rule makes a rule for process creations of one selection.
func rule(t *testing.T, selection string) *sigma.Rule {
	t.Helper()
	text := fmt.Sprintf("title: T\nid: 6c0f0d0e-7d3b-4a55-9a58-4f0e7a2b9c11\nlogsource:\n  product: windows\n  service: sysmon\ndetection:\n  s:\n%s\n  condition: s\n",
		"    "+strings.ReplaceAll(selection, "\n", "\n    "))
	docs, ds := sigma.Parse(diag.Text("t.yml", text))
	if err := ds.Err(); err != nil {
		t.Fatalf("%s: %v", selection, err)
	}
	return docs[0].(*sigma.Rule)
}

// The expected text is each language's own manual, by hand.
func TestValuesInEachLanguage(t *testing.T) {
	for _, c := range []struct {
		selection string
		want      map[string]string // by language; "!" is a refusal
	}{
		{`Image|endswith: '\cmd.exe'`, map[string]string{
			"sumo": `toLowerCase(Image) matches "*\\cmd.exe"`, "cse": `LIKE '%\\cmd.exe'`, "splunk": `Image="*\\cmd.exe"`,
			"sentinel": `tostring(EventData.Image) endswith @"\cmd.exe"`, "eql": `process.executable : "*\\cmd.exe"`,
			"esql": `ENDS_WITH(TO_LOWER(process.executable), "\\cmd.exe")`, "lucene": `process.executable:*\\cmd.exe`,
			"logscale": `Image=/\\cmd\.exe$/id`, "qradar": `"Image" ILIKE '%\cmd.exe'`,
			"duckdb": `coalesce("Image" ILIKE '%\cmd.exe' ESCAPE '!', false)`, "clickhouse": "ifNull(ilike(`Image`, '%\\\\\\\\cmd.exe'), false)",
		}},
		{`CommandLine|contains: '100%_*x'`, map[string]string{ // wildcard in the middle; % and _ are plain
			"sumo": `toLowerCase(CommandLine) matches "*100%_*x*"`, "splunk": `CommandLine="*100%_*x*"`,
			"duckdb": `"CommandLine" ILIKE '%100!%!_%x%' ESCAPE '!'`, "clickhouse": "ilike(`CommandLine`, '%100\\\\%\\\\_%x%')",
			"qradar": `"CommandLine" IMATCHES '(?s).*100%_.*x.*'`,
		}},
		{`CommandLine: 'a?c'`, map[string]string{
			"sumo": `CommandLine matches /(?is)^a.c$/`, "eql": `process.command_line : "a?c"`, "splunk": `match(CommandLine, "(?is)^a.c$")`,
			"duckdb": `"CommandLine" ILIKE 'a_c' ESCAPE '!'`, "lucene": `process.command_line:a?c`,
		}},
		{`CommandLine: 'a\*c'`, map[string]string{ // a plain star
			"sumo": `toLowerCase(CommandLine) = "a*c"`, "eql": `process.command_line regex~ "a\\*c"`, "lucene": `process.command_line:a\*c`,
			"esql": `TO_LOWER(process.command_line) == "a*c"`,
		}},
		{`CommandLine|contains: 'a\*c'`, map[string]string{"sumo": `CommandLine matches /(?is)a\*c/`, "splunk": `match(CommandLine, "(?is)a\\*c")`}},
		{`CommandLine|re: '^a/b.c$'`, map[string]string{
			"sumo": `CommandLine matches /^a\/b.c$/`, "eql": `process.command_line regex "a/b.c"`, "sentinel": `matches regex @"^a/b.c$"`,
			"logscale": `CommandLine=/^a\/b.c$/`, "lucene": `process.command_line:/a\/b.c/`, "qradar": `"CommandLine" MATCHES '^a/b.c$'`,
		}},
		{`CommandLine|re: 'a(?=b)'`, map[string]string{"sumo": `CommandLine matches /a(?=b)/`, "cse": "!", "duckdb": "!", "eql": "!", "splunk": `match(CommandLine, "a(?=b)")`}},
		{`CommandLine|cased: 'Ab'`, map[string]string{"sumo": `CommandLine = "Ab"`, "eql": `process.command_line == "Ab"`, "duckdb": `"CommandLine" = 'Ab'`, "splunk": `match(CommandLine, "(?s)^Ab$")`}},
		{`DestinationIp|cidr: 10.0.0.0/8`, map[string]string{
			"sumo": `compareCIDRPrefix("10.0.0.0", DestinationIp, toInt(8))`, "splunk": `cidrmatch("10.0.0.0/8", DestinationIp)`,
			"eql": `cidrMatch(destination.ip, "10.0.0.0/8")`, "qradar": `INCIDR('10.0.0.0/8', "DestinationIp")`,
		}},
		{`DestinationIp|cidr: ::/0`, map[string]string{"sumo": "!", "cse": "!"}},
		{`DestinationIp|cidr: fe80::/10`, map[string]string{
			"sumo":     `isValidIPv6(replace(DestinationIp, /(?s)%.+$/, "")) AND DestinationIp matches /(?is)^fe[89ab][0-9a-f]:[0-9a-f:.]*(?:%.+)?$/`,
			"cse":      `matches /(?i)^fe[89ab][0-9a-f]:[0-9a-f:.]*$/`,
			"sentinel": `ipv6_is_in_range(tostring(EventData.DestinationIp), "fe80::/10")`,
		}},
		{`User: null`, map[string]string{"sumo": `isNull(User)`, "splunk": `NOT (User=*)`, "eql": `user.name == null`, "duckdb": `"User" IS NULL`}},
		{`User|exists: true`, map[string]string{"sumo": `!isNull(User)`, "lucene": `_exists_:user.name`, "logscale": `User=*`}},
		{`DestinationPort|gte: 1024`, map[string]string{"sumo": `DestinationPort >= 1024`, "duckdb": `TRY_CAST("DestinationPort" AS DOUBLE) >= 1024`, "lucene": `destination.port:>=1024`}},
		{`Image|fieldref: ParentImage`, map[string]string{"sumo": `toLowerCase(Image) = toLowerCase(ParentImage)`, "lucene": "!", "eql": "!"}},
		{"User:\n  - It's\n  - \"b\\\"c\"", map[string]string{
			"sumo": `toLowerCase(User) in ("it's", "b\"c")`, "duckdb": `lower("User") IN ('it''s', 'b"c')`, "splunk": `User IN ("It's", "b\"c")`,
		}},
		{"Image|endswith:\n  - a\n  - b\nUser: c", map[string]string{ // or within and
			"sumo": `(toLowerCase(Image) matches "*a" OR toLowerCase(Image) matches "*b") AND toLowerCase(User) = "c"`,
		}},
		{`CommandLine|contains|expand: '%site%'`, map[string]string{"sumo": "!", "cse": "!", "duckdb": "!", "eql": "!", "splunk": "!"}},
		{`ProcessId: 4`, map[string]string{"sumo": `ProcessId = "4"`, "duckdb": `"ProcessId" = '4'`, "cse": `= '4'`}},
		{`UtcTime|hour: 3`, map[string]string{"sumo": "!", "splunk": "!", "duckdb": "!"}},
	} {
		r := rule(t, c.selection)
		for name, want := range c.want {
			got, err := convert.Rule(convert.Named(name), r, convert.Options{})
			switch {
			case want == "!" && err == nil:
				t.Errorf("%s in %s is not refused:\n%s", c.selection, name, got)
			case want != "!" && err != nil:
				t.Errorf("%s in %s: %v", c.selection, name, err)
			case want != "!" && !strings.Contains(got, want):
				t.Errorf("%s in %s lacks %s:\n%s", c.selection, name, want, got)
			}
		}
	}
}

func TestARefusalNamesTheConstructAndItsPlace(t *testing.T) {
	_, err := convert.Rule(convert.Named("duckdb"), rule(t, `CommandLine|re: 'a(?=b)'`), convert.Options{})
	if want := "t.yml:8: CommandLine: a regular expression that looks around or refers back"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
