package proof_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/detect/proof"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/sigma"
)

const sysmon = `_sourceCategory=windows/sysmon | json auto | where EventID = "1" | `

func side(t *testing.T, name, text string) *proof.Side {
	t.Helper()
	s, ds := proof.Read(diag.Text(name, text))
	if ds.HasErrors() {
		t.Fatalf("%s: %v", name, ds)
	}
	return s
}

func check(t *testing.T, a, b *proof.Side) *proof.Result {
	t.Helper()
	r, err := proof.Check(context.Background(), a, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Pairs of conditions that are not the same, each for a reason of its own, and
// the event that shows it: the values are worked out by hand.
func TestTheSmallestDifference(t *testing.T) {
	for _, c := range []struct{ name, a, b, field, want string }{
		{"a name without its anchor", `where toLowerCase(Image) matches "*\\cmd.exe"`, `where toLowerCase(Image) matches "*cmd.exe"`, "Image", "cmd.exe"},
		{"letter case", `where Image = "a"`, `where toLowerCase(Image) = "a"`, "Image", "A"},
		{"one value more", `where Image in ("a", "b")`, `where Image in ("a", "b", "c")`, "Image", "c"},
		{"missing", `where !(Image = "a")`, `where Image != "a" and !isNull(Image)`, "", ""},
		{"a regular expression's anchor", `where Image matches /^ab$/`, `where Image matches /^ab/`, "", ""},
		{"a number's boundary", `where ProcessId > 4`, `where ProcessId >= 4`, "ProcessId", "4"},
		{"after an if", `if (Image = "a", 1, 0) as x | where x = 1`, `where Image = "b"`, "", ""},
		{"after other conditions", `where CommandLine matches "*-enc*" and Image = "p"`, `where CommandLine matches "*-en*" and Image = "p"`, "CommandLine", "-en"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := side(t, "a.sumo", sysmon+c.a), side(t, "b.sumo", sysmon+c.b)
			r := check(t, a, b)
			if r.Equal() {
				t.Fatalf("equal on %d events", r.Made)
			}
			if c.field != "" && r.Event[c.field] != c.want {
				t.Errorf("the event is %s, want %s=%q", r.Event, c.field, c.want)
			}
			if r2 := check(t, a, b); r2.Event.String() != r.Event.String() || r2.Made != r.Made {
				t.Errorf("another time it is %s of %d", r2.Event, r2.Made)
			}
			if same := check(t, a, side(t, "again.sumo", sysmon+c.a)); !same.Equal() || same.Empty() {
				t.Errorf("a query differs from itself, or matches nothing: %s", same.Event)
			}
		})
	}
}

const whoami = "title: Whoami\nlogsource:\n  product: windows\n  category: process_creation\ndetection:\n  s:\n    Image|endswith: '\\whoami.exe'\n  condition: s\n"

func TestLanguagesAreComparedWithEachOther(t *testing.T) {
	rule := side(t, "r.yml", whoami)
	same := side(t, "r.cse", `metadata_deviceEventId IN ('Microsoft-Windows-Sysmon/Operational-1', 'Security-4688') AND lower(baseImage) LIKE '%\whoami.exe'`)
	if r := check(t, rule, same); !r.Equal() || r.Empty() {
		t.Errorf("differ on %s", r.Event)
	}
	api := side(t, "r.json", `{"fields":{"expression":"metadata_deviceEventId = 'Microsoft-Windows-Sysmon/Operational-1' AND lower(baseImage) LIKE '%\\whoami.exe'"}}`)
	r := check(t, rule, api)
	if r.Equal() || r.Event["EventID"] != "4688" || r.Event["NewProcessName"] != `\whoami.exe` || r.Verdict != [2]bool{true, false} {
		t.Errorf("the rule is about 4688 too: %s %v", r.Event, r.Verdict)
	}
}

func TestGivenEventsAreCompared(t *testing.T) {
	a := side(t, "a.sumo", `* | json auto | where Custom = "x"`)
	b := side(t, "b.sumo", `* | json auto | where Custom = "x" and !(Other matches "needle*")`)
	const logs = `{"Custom":"x","Other":"hay"}` + "\n" + `{"Custom":"x","Other":"needle 1"}` + "\n"
	r, err := proof.Check(context.Background(), a, b, func() (*input.Reader, error) {
		return input.NewReader(input.Memory("logs", []byte(logs)), format.All(), input.Options{}), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Given != 2 || r.Equal() {
		t.Errorf("given %d, equal %v", r.Given, r.Equal())
	}
	if r.Event["Other"] != "needle" {
		t.Errorf("the event is %s", r.Event)
	}
}

func TestWhatCannotBeComparedIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"two.yml": whoami + "---\n" + whoami, "bad.sumo": "* | where", "bad.cse": "a = ", "bad.json": "{}", "worse.json": "x",
	} {
		if s, ds := proof.Read(diag.Text(name, text)); s != nil || !ds.HasErrors() {
			t.Errorf("%s was taken", name)
		}
	}
}

// What a query asks of texts is what the rule made of it asks: pairs of stages
// that Sigma has patterns for.
func TestQueriesAndTheirRulesAreProved(t *testing.T) {
	for _, query := range []string{
		sysmon + `where User = "x" | parse regex field=CommandLine "(?i)(?<link>https?://\S+)"`,
		sysmon + `where User = "x" | parse field=CommandLine "a=*,b=*;" as a, b`,
		sysmon + `where User = "x" | parse regex field=CommandLine "(?<a>x+y)" nodrop | parse regex field=CommandLine "(?<b>yz)"`,
		sysmon + `where User = "x" | parse regex "cmd=(?<a>\d+)"`,
		`_sourceCategory=windows/sysmon mimikatz | json auto | where EventID = "1"`,
		`_sourceCategory=windows/sysmon ("lsa dump" mimi* or "-enc ") | json auto | where EventID = "1"`,
		`_sourceCategory=*security* | json auto | where EventID = "4625"`,
		sysmon + "replace(toLowerCase(CommandLine), /[\\^\"'`]/, \"\") as c | where c matches /(https?:\\/\\/|-e(nc)?\\b)/ or c = \"cmd\"",
		sysmon + `replace(toLowerCase(CommandLine), /:zone\.identifier$/, "") as path | where path matches /\.(exe|scr)$/`,
		sysmon + `if (User = "x", Image, CommandLine) as what | replace(what, /\^/, "") as what | where what matches "*a^b*" or what matches "ab*c"`,
		sysmon + `where User = "x" | timeslice 5m | count by _timeslice, User | where _count > 5`,
	} {
		f := diag.Text("q.sumo", query)
		p, ds := convert.FromSumo(f)
		if p == nil {
			t.Errorf("%s: %v", query, ds)
			continue
		}
		p.Count = nil
		text := convert.SigmaText(p, sigma.Meta{Title: "T", Description: "D"})
		if r := check(t, side(t, "q.sumo", query), side(t, "r.yml", text)); !r.Equal() || r.Empty() {
			t.Errorf("%s: differ on %s, %v matched\n%s", query, r.Event, r.Matched, text)
		}
	}
}

// A keyword with a backslash or quote is looked for as JSON escapes it, and what
// only looks like the escape is none: the verdicts are worked out by hand.
func TestKeywordsInJSON(t *testing.T) {
	docs, ds := sigma.Parse(diag.Text("k.yml", "title: K\nlogsource: {product: windows, service: msexchange-management}\ndetection:\n  k: ['a\\b', 'x\"y', 'nc']\n  condition: k\n"))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	r := docs[0].(*sigma.Rule)
	rule, ds := proof.Sigma(r)
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	query, err := converted(t, "sumo", r)
	if err != nil {
		t.Fatal(err)
	}
	var logs strings.Builder
	want := 0
	for message, match := range map[string]bool{
		`1 a\\b`: true, `2 a\\\\b`: false, `3 \\a\\b`: true, `4 x\"y`: true, `5 x\\\"y`: false, `6 A\\B`: true, `7 ab`: false, `8 nc`: true,
	} {
		if match {
			want++
		}
		logs.WriteString(`{"Channel":"MSExchange Management","Message":"` + message + "\"}\n")
	}
	for _, s := range []*proof.Side{rule, query} {
		res, err := proof.Check(context.Background(), rule, s, func() (*input.Reader, error) {
			return input.NewReader(input.Memory("logs", []byte(logs.String())), format.All(), input.Options{}), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		only, err := proof.Check(context.Background(), rule, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !res.Equal() || res.Given != 8 || res.Matched[1]-only.Matched[1] != want {
			t.Errorf("%s: differ on %s; %d of %d given match, want %d", s.Kind, res.Event, res.Matched[1]-only.Matched[1], res.Given, want)
		}
	}
}

// What stands behind a grouping no longer says which events.
func TestOnlyThePredicateOfAQueryIsCompared(t *testing.T) {
	s := side(t, "a.sumo", sysmon+`where Image = "a" | count by Computer | where _count > 5`)
	if len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "count by Computer") {
		t.Errorf("notes: %q", s.Notes)
	}
	if r := check(t, s, side(t, "b.sumo", sysmon+`where Image = "a"`)); !r.Equal() {
		t.Errorf("differ on %s", r.Event)
	}
}

// Attributes of records are shared parts of a condition; events are made through them.
func TestExpressionsOfCloudSIEMAreMetByEventsMade(t *testing.T) {
	for _, x := range []string{
		"commandLine = 'a'", "commandLine LIKE '%ab'", "lower(baseImage) LIKE '%cmd.exe' OR user_username IN ('a', 'b')",
		"metadata_deviceEventId = 'Microsoft-Windows-Sysmon/Operational-1' AND commandLine = 'a'",
	} {
		if r := check(t, side(t, "a.cse", x), side(t, "b.cse", x)); !r.Equal() || r.Empty() {
			t.Errorf("%s: equal %v, matched %v of %d", x, r.Equal(), r.Matched, r.Made)
		}
	}
	tf := "resource \"sumologic_cse_match_rule\" \"r\" {\n  name = \"r\"\n  expression = \"commandLine = 'a'\"\n}\n"
	if r := check(t, side(t, "a.tf", tf), side(t, "b.cse", "commandLine = 'b'")); r.Equal() {
		t.Error("two expressions of other values are equal")
	}
}

// The mapper of an event decides what its record holds: by tables, under names of its own,
// and for products other than Windows. The verdicts are worked out by hand from the
// mappings.
func TestRecordsAreMadeByTheirMappers(t *testing.T) {
	const logon = "metadata_deviceEventId = 'Security-4624' AND "
	const trail = "metadata_vendor = 'Amazon AWS' AND metadata_deviceEventId = 'AwsConsoleSignIn-ConsoleLogin' AND "
	for _, c := range []struct{ a, b, field, want string }{
		{logon + "logonType = 'RemoteInteractive'", logon + "fields['EventData.LogonType'] = '10'", "", ""},
		{logon + "logonType = 'RemoteInteractive'", logon + "logonType = 'Network'", "LogonType", "3"},
		{"metadata_deviceEventId = 'Microsoft-Windows-Sysmon/Operational-7' AND baseImage = 'a'", "metadata_deviceEventId = 'Microsoft-Windows-Sysmon/Operational-7' AND fields['EventData.ImageLoaded'] = 'a'", "", ""},
		{"metadata_deviceEventId = 'Microsoft-Windows-Sysmon/Operational-1' AND file_hash_md5 = 'AB'", "metadata_deviceEventId = 'Microsoft-Windows-Sysmon/Operational-1' AND fields['MD5'] = 'AB'", "", ""},
		{trail + "success = true", trail + "lower(fields['responseElements.ConsoleLogin']) = 'success'", "", ""},
		{trail + "success = false", trail + "fields['responseElements.ConsoleLogin'] = 'Failure'", "eventType", "AwsConsoleSignIn"}, // false is the default
		{trail + "srcDevice_ip_isInternal", trail + "srcDevice_ip LIKE '10.%'", "sourceIPAddress", "10."},
		{trail + "srcDevice_ip = '10.0.0.1'", trail + "fields['sourceIPAddress'] = '10.0.0.1'", "", ""},
	} {
		r := check(t, side(t, "a.cse", c.a), side(t, "b.cse", c.b))
		if r.Empty() {
			t.Errorf("%s: nothing matched of %d events", c.a, r.Made)
		}
		if c.field != "" && (r.Equal() || r.Event[c.field] != c.want) {
			t.Errorf("%s and %s: %s", c.a, c.b, r.Event)
		}
		if c.field == "" && !r.Equal() {
			t.Errorf("%s and %s: differ on %s", c.a, c.b, r.Event)
		}
	}
}
