package editor

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/agg"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/fn"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/op"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/sharedtest"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var share = flag.Int("share", 311, "one query of the corpus in so many is cut; 1 is all")

func settings() Settings {
	return Settings{Vocab: query.Standard(), Sample: NewSample("sample.jsonl", 10, []SampleField{
		{"Image", 10, []string{`C:\Windows\cmd.exe`, "powershell.exe"}},
		{"_sourceCategory", 10, []string{"prod/win/sysmon", "prod web"}},
		{"odd name", 2, []string{"`x`\n# y"}},
	})}
}

// cursor takes the | sign of a test's text as the place: ‸.
func cursor(t *testing.T, text string) (string, int) {
	t.Helper()
	i := strings.Index(text, "‸")
	if i < 0 {
		t.Fatal("the test's text has no ‸")
	}
	return text[:i] + text[i+len("‸"):], i
}

func labels(list []Completion) (out []string) {
	for _, c := range list {
		out = append(out, c.Label)
	}
	return out
}

// TestCompletion: what may stand at a place is what the usage line and the parser
// say. Wanted labels are there, unwanted ones are not.
func TestCompletion(t *testing.T) {
	for _, c := range []struct{ name, text, want, not string }{
		{"q.sumo", "‸", "_sourceCategory NOT Image", "where"},
		{"q.sumo", "_sourceCat‸", "_sourceCategory", "where count"},
		{"q.sumo", "_sourceCategory=‸", "prod/win/sysmon windows/sysmon", "where"},
		{"q.sumo", "_sourceCategory=prod/w‸", "prod/win/sysmon", "windows/security"},
		{"q.sumo", `_sourceCategory="prod w‸`, "prod web", ""},
		{"q.sumo", "error | ‸", "where count sum toLowerCase timeslice parse", "AND"},
		{"q.sumo", "error | par‸", "parse", "count"},
		{"q.sumo", "error | parse ‸", "regex xml nodrop field", "count"},
		{"q.sumo", `error | parse "a *" as user | where u‸`, "user toUpperCase", "where"},
		{"q.sumo", `error | parse "a *" as user | where user ‸`, "and or matches|in|not in", "count"},
		{"q.sumo", `error | parse "a *" as ‸`, "", "Image user"},
		{"q.sumo", "error | count by Image | where ‸", "_count Image", "CommandLine _sourceCategory"},
		{"q.sumo", "error | count by ‸", "Image _sourceHost", "count"},
		{"q.sumo", "error | count, ‸", "sum avg", "where"},
		{"q.sumo", "error | timeslice ‸", "by 5m", "count"},
		{"q.sumo", "error | sort by Image ‸", "asc desc", ""},
		{"q.sumo", `error | where Image = "‸`, `C:\Windows\cmd.exe powershell.exe`, "Image"},
		{"q.sumo", `error | where Image in ("a", "p‸`, `powershell.exe`, "Image"},
		{"q.sumo", `error | where %"od‸`, "odd name", "Image"},
		{"q.sumo", "error | join (parse \"*\" as yy | ‸", "where", ""},
		{"q.sumo", "error | where [subquery: x | count by zz | compose z‸", "zz", ""},
		{"q.sumo", "error | where ] | where Im‸", "Image", ""},
		{"q.sumo", "error // wh‸", "", "where"},
		{"q.sumo", "error /* wh‸", "", "where"},
		{"q.sumo", "error | where x y Im‸", "Image", ""},
		{"q.sumo", "error | where toLowerCase(Im‸", "Image", ""},
		{"r.cse", "base‸", "baseImage", "where"},
		{"r.cse", "objectType = '‸", "EndpointProcess", ""},
		{"r.cse", "normalizedAction = 'log‸", "logon logoff", "allow"},
		{"r.yml", "title: x\nlogsource:\n    category: proc‸\ndetection:\n    a: 1\n", "process_creation", ""},
		{"r.yml", "logsource:\n    category: process_creation\ndetection:\n    sel:\n        Comm‸\n", "CommandLine", "title"},
		{"r.yml", "logsource:\n    category: process_creation\ndetection:\n    sel:\n        CommandLine|ends‸\n", "endswith", "startswith"},
		{"r.yml", "logsource:\n    category: process_creation\ndetection:\n    sel:\n        Image: a\n    condition: s‸\n", "sel", ""},
		{"r.yml", "lev‸\ndetection:\n    a: 1\n", "level", ""},
		{"p.yaml", "a: 1\nsteps:\n  - query: |\n      error\n      | par‸\n", "parse", ""},
		{"x.md", "# A\n\n```sumo\nerror\n| par‸\n```\n", "parse", ""},
		{"x.tf", "resource \"sumologic_monitor\" \"a\" {\n  queries {\n    query = \"error | par‸\"\n  }\n}\n", "parse", ""},
		{"x.tf", "resource \"sumologic_cse_match_rule\" \"a\" {\n  expression = <<EOT\n  base‸\n  EOT\n}\n", "baseImage", ""},
		{"x.md", "wh‸ | where", "", "where"},
	} {
		text, at := cursor(t, c.text)
		list, _ := Open(c.name, "", text, settings()).Complete(at)
		got := labels(list)
		sep := " "
		if strings.Contains(c.want, "|") {
			sep = "|"
		}
		for _, w := range strings.Split(strings.ReplaceAll(c.want, "and or matches", "and|or|matches"), sep) {
			if c.text == `_sourceCategory="prod w‸` {
				w = "prod web"
			}
			if strings.Contains(c.text, `%"od`) {
				w = "odd name"
			}
			if w != "" && !slices.Contains(got, w) {
				t.Errorf("%s: %q offers no %q: %v", c.name, c.text, w, got[:min(len(got), 12)])
			}
		}
		for _, w := range strings.Fields(c.not) {
			if slices.Contains(got, w) {
				t.Errorf("%s: %q offers %q", c.name, c.text, w)
			}
		}
		for _, x := range list {
			if x.At.Start > x.At.End || x.At.End > len(text) || x.At.Start > at {
				t.Errorf("%s: %q: %q is written for %v", c.name, c.text, x.Label, x.At)
			}
		}
	}
}

// TestCompletionWrites: what is written in place of what is there gives a whole word.
func TestCompletionWrites(t *testing.T) {
	for _, c := range []struct{ name, text, label, want string }{
		{"q.sumo", "error | par‸ x", "parse", "error | parse x"},
		{"q.sumo", `error | where Image = "C‸"`, `C:\Windows\cmd.exe`, `error | where Image = "C:\\Windows\\cmd.exe"`},
		{"q.sumo", `error | where %"od‸"`, "odd name", `error | where %"odd name"`},
		{"q.sumo", `error | where od‸`, "odd name", `error | where %"odd name"`},
		{"q.sumo", "_sourceCategory=prod‸", "prod web", `_sourceCategory="prod web"`},
		{"x.json", `{"queryText": "error | where Image = \"po‸\""}`, "powershell.exe", `{"queryText": "error | where Image = \"powershell.exe\""}`},
		{"x.json", `{"queryText": "error | where od‸"}`, "odd name", `{"queryText": "error | where %\"odd name\""}`},
	} {
		text, at := cursor(t, c.text)
		list, _ := Open(c.name, "", text, settings()).Complete(at)
		i := slices.IndexFunc(list, func(x Completion) bool { return x.Label == c.label })
		if i < 0 {
			t.Errorf("%q offers no %q: %v", c.text, c.label, labels(list))
			continue
		}
		got := text[:list[i].At.Start] + list[i].Plain + text[list[i].At.End:]
		if got != c.want {
			t.Errorf("%q with %q becomes %q, want %q", c.text, c.label, got, c.want)
		}
	}
}

// wink is an operator that this test makes up.
type wink struct {
	As string `usage:"name"`
}

func (*wink) Check(*lang.Scope)                              {}
func (*wink) Needs(*event.Fields)                            {}
func (*wink) Open(_ *exec.Runtime, next exec.Sink) exec.Task { return nil }

// TestNewWord: a word that is put into the vocabulary is completed, with its keywords
// and slots, and documented, and nothing here was told of it.
func TestNewWord(t *testing.T) {
	words := lang.Words{Operators: []*lang.Operator{{
		Doc: lang.Doc{Name: "wink", Usage: "wink <who:field> [slowly|twice] [at <when:duration>]", Summary: "Winks."},
		New: func() lang.Stage { return &wink{} },
	}}}
	v, err := lang.NewVocabulary(op.Words(), fn.Words(), agg.Words(), words)
	if err != nil {
		t.Fatal(err)
	}
	set := settings()
	set.Vocab = v
	ask := func(text string) ([]string, *Document, int) {
		text, at := cursor(t, text)
		d := Open("q.sumo", "", text, set)
		list, _ := d.Complete(at)
		return labels(list), d, at
	}
	for text, want := range map[string]string{
		"error | wi‸": "wink", "error | wink ‸": "Image", "error | wink Image ‸": "slowly", "error | wink Image t‸": "twice",
		"error | wink Image slowly a‸": "at", "error | wink Image at ‸": "5m",
	} {
		if got, _, _ := ask(text); !slices.Contains(got, want) {
			t.Errorf("%q offers no %s: %v", text, want, got)
		}
	}
	_, d, at := ask("error | wi‸nk Image")
	if h := d.Hover(at); h == nil || !strings.Contains(h.Text, "Winks.") {
		t.Errorf("hover tells %v", h)
	}
	_, d, at = ask("error | wink ‸")
	if s := d.Signature(at); s == nil || s.Label != words.Operators[0].Usage || s.Active != 0 {
		t.Errorf("the form is %+v", s)
	}
}

func TestHover(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"q.sumo", "error | time‸slice 5m", "timeslice"},
		{"q.sumo", "error | parse re‸gex \"(?<a>x)\"", "parse regex"},
		{"q.sumo", "error | parse re‸gex ", "parse regex"},
		{"q.sumo", "error | where toLower‸Case(a) = \"b\"", "lower"},
		{"q.sumo", "error | where toLower‸Case(", "lower"},
		{"q.sumo", "error | sum(a‸) as b", "field of the events"},
		{"q.sumo", "error | su‸m(a) as b", "sum("},
		{"q.sumo", "error | parse \"*\" as who | count by wh‸o", "made by this query, in line 1"},
		{"q.sumo", "error | where Ima‸ge = \"a\"", "10 of 10 events"},
		{"q.sumo", "error | where Ima‸ge = \"a", "10 of 10 events"},
		{"q.sumo", "error | where Nob‸ody = 1", "None of the 10 events"},
		{"q.sumo", "_source‸Category=a", "metadata"},
		{"r.cse", "base‸Image = 'a'", "attribute of Cloud SIEM"},
		{"r.yml", "detection:\n  a:\n    Image|ends‸with: b\nlogsource:\n  product: windows\n", "ends with"},
		{"x.md", "```sumo\nerror | time‸slice 5m\n```", "timeslice"},
	} {
		text, at := cursor(t, c.text)
		h := Open(c.name, "", text, settings()).Hover(at)
		if h == nil || !strings.Contains(h.Text, c.want) {
			t.Errorf("%q tells %+v, want %q", c.text, h, c.want)
		}
	}
	for _, c := range []struct{ name, text string }{
		{"q.sumo", "error // time‸slice"}, {"q.sumo", "error | where a = \"time‸slice\""}, {"r.cse", "a = 'base‸Image'"}, {"q.sumo", "‸"},
	} {
		text, at := cursor(t, c.text)
		if h := Open(c.name, "", text, settings()).Hover(at); h != nil {
			t.Errorf("%q tells %+v", c.text, h)
		}
	}
}

// TestLogTextStaysText: a value of a log cannot end the code it is shown as, or become
// a link or a heading.
func TestLogTextStaysText(t *testing.T) {
	text, at := cursor(t, `error | where %"odd ‸name" = 1`)
	h := Open("q.sumo", "", text, settings()).Hover(at)
	if h == nil || strings.Count(h.Text, "`")%2 != 0 || strings.Contains(h.Text, "\n# y") {
		t.Errorf("%+v", h)
	}
}

func TestSignature(t *testing.T) {
	for _, c := range []struct {
		text, label string
		active      string
	}{
		{"error | substring(a, ‸", "substring(", "<from:expr>"},
		{"error | where substring(toLowerCase(a), 1, ‸", "substring(", "<to:expr>"},
		{"error | where toLowerCase(‸", "toLowerCase(", "<"},
		{"error | where substring(a, \"x‸", "substring(", "<from:expr>"},
		{"error | timeslice ‸", "timeslice", ""},
		{"error | sum(‸", "sum(", "<"},
	} {
		text, at := cursor(t, c.text)
		s := Open("q.sumo", "", text, settings()).Signature(at)
		if s == nil || !strings.HasPrefix(s.Label, c.label) {
			t.Errorf("%q: %+v", c.text, s)
			continue
		}
		if c.active != "" && (s.Active < 0 || !strings.HasPrefix(s.Label[s.Params[s.Active].Start:], c.active)) {
			t.Errorf("%q: %+v, want %s", c.text, s, c.active)
		}
	}
}

func TestRename(t *testing.T) {
	for _, c := range []struct{ text, name, want string }{
		{"e | parse \"*\" as a‸ | where a = 1 | count by a", "b", "e | parse \"*\" as b | where b = 1 | count by b"},
		{"e | parse \"*\" as a | where a = 1 | count by a‸", "b c", "e | parse \"*\" as %\"b c\" | where %\"b c\" = 1 | count by %\"b c\""},
		{"e | where x = 1 | toLowerCase(x) as x‸ | count by x", "y", "e | where x = 1 | toLowerCase(x) as y | count by y"},
		{"e | count by x as n‸ | where n > 1", "m", "e | count by x as m | where m > 1"},
		{"e | sum(a) as total‸ by x | sort by total", "t", "e | sum(a) as t by x | sort by t"},
		{"e | count as n by x | where x‸ = 1", "y", ""},
		{"e | parse \"*\" as x | count as n by x | where x‸ = 1", "y", "e | parse \"*\" as y | count as n by y | where y = 1"},
		{"e | where x‸ = 1", "y", ""},
		{"e | count by a | where _count‸ > 1", "n", ""},
		{"e | parse \"*\" as a‸ | parse \"*\" as b", "b", ""},
		{"e | parse \"*\" as a‸", "", ""},
	} {
		text, at := cursor(t, c.text)
		edits, err := Open("q.sumo", "", text, settings()).Rename(at, c.name)
		got := ""
		if err == nil {
			got = diag.Apply(text, []diag.Fix{{Edits: edits}})
		}
		if got != c.want && !(c.want == "" && err != nil) && !(c.want == "" && got == text) {
			t.Errorf("%q to %q: %q, %v; want %q", c.text, c.name, got, err, c.want)
		}
	}
}

func TestDefinition(t *testing.T) {
	text, at := cursor(t, "e\n| parse \"* *\" as a, b\n| where a = 1\n| count by a‸")
	d := Open("q.sumo", "", text, settings())
	def := d.Definition(at)
	if len(def) != 1 || text[def[0].Start:def[0].End] != "a" || d.File.Place(def[0].Start).Line != 2 {
		t.Errorf("made at %v", def)
	}
	if refs := d.References(at); len(refs) != 3 {
		t.Errorf("named at %v", refs)
	}
}

func TestActions(t *testing.T) {
	for _, c := range []struct{ name, text, title, want string }{
		{"q.sumo", "_sourceCategory=a | where x = '‸b'", "write \"b\"", "_sourceCategory=a | where x = \"b\""},
		{"q.sumo", "_sourceCategory=a\n| sort by size\n| where us‸er = \"root\"", "Move this filter before sort", "_sourceCategory=a\n| where user = \"root\"\n| sort by size"},
		{"q.sumo", "_sourceCategory=a | eval‸ x = 1", "Write it in Sumo Logic's own words", "_sourceCategory=a | 1 as x"},
		{"p.yaml", "query: |\n  _sourceCategory=a\n  | sort by size\n  | where us‸er = \"root\"\n", "Move this filter before sort", "query: |\n  _sourceCategory=a\n  | where user = \"root\"\n  | sort by size\n"},
		{"x.json", `{"queryText": "_sourceCategory=a | tol‸owercas(x) as y"}`, "write toLowerCase", `{"queryText": "_sourceCategory=a | toLowerCase(x) as y"}`},
	} {
		text, at := cursor(t, c.text)
		list := Open(c.name, "", text, settings()).Actions(diag.Span{Start: at, End: at})
		i := slices.IndexFunc(list, func(a Action) bool { return a.Title == c.title })
		if i < 0 {
			t.Errorf("%q: no action %q: %+v", c.text, c.title, list)
			continue
		}
		if got := diag.Apply(text, []diag.Fix{{Edits: list[i].Edits}}); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.text, got, c.want)
		}
	}
	text, at := cursor(t, "_sourceCategory=windows/sysmon | where Image = \"a‸\"")
	list := Open("hunt.sumo", "", text, settings()).Actions(diag.Span{Start: at, End: at})
	if i := slices.IndexFunc(list, func(a Action) bool { return a.Kind == Conversion }); i < 0 || list[i].NewFile != "hunt.sigma.yml" || !strings.Contains(list[i].Text, "detection:") {
		t.Errorf("no Sigma rule is offered: %+v", list)
	}
}

// TestActionsInTime: changes are offered while somebody waits, of the longest query that
// gyoji ships too. To show that each keeps the meaning takes minutes.
func TestActionsInTime(t *testing.T) {
	text, err := os.ReadFile("../../../packages/T1204.001-malicious-link/query.sumo")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	list := Open("query.sumo", "", string(text), settings()).Actions(diag.Span{End: len(text)})
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("%v", took)
	}
	if len(list) == 0 {
		t.Error("nothing is offered")
	}
}

// TestRegions: what of a document is which language, and that places of a region are
// those of its text in the document.
func TestRegions(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a.yaml", "query: query.sumo\n", ""},
		{"a.yaml", "query: error | count\nname: x\n", "sumo:error | count"},
		{"a.yaml", "- query: |-\n    a\n    | b\n  x: 1\n- query: 'it''s'\n", "sumo:a\n| b sumo:it's"},
		{"a.yaml", "expression: \"a = \\\"b\\\"\" # c\n", `siem:a = "b"`},
		{"a.yaml", "query: |\n  {{\n: :\n", "sumo:{{"},
		{"a.yaml", "\ufeffquery: |\r\n  a\r\n  | b\r\n", "sumo:a\r\n| b"},
		{"a.yaml", "query: &q !!str |\n  a\nother:\n  query: *q\n", "sumo:a"},
		{"a.yaml", "query: \"a | where b = \\\"x\\\\y\\\" \\\n   | count \\u00e9\n\n  by z\"\nexpression: 'a\n  = ''b'''\n", "sumo:a | where b = \"x\\y\" | count é\nby z siem:a = 'b'"},
		{"a.yaml", "d: [{id: a, query: \"a | b\"}, {\"query\": 'it''s'}]\n- {query: \"c\", x: 'query: \"no\"'}\n", "sumo:a | b sumo:it's sumo:c"},
		{"a.yaml", "query: \"never ends\nname: \"x\"\nexpression: a\n", "siem:a"},
		{"a.yml", "query: error\n    | count by x\nb: 1\n", "sumo:error | count by x"},
		{"a.yml", "query:\n    error\n\n    | count\nb: 1\n", "sumo:error  | count"},
		{"a.yml", "query:\n    bool:\n      must: 1\n", ""},
		{"a.yml", "query:\n  - a\n  - b\n", ""},
		{"a.yml", "query: x.sumo\n  \nb: 1", ""},
		{"a.yml", "q: &x\n  query: >\n    a\n    b\n", "sumo:a b"},
		{"a.yml", "query: >-\n    a // x\n      | b\n\n    c\n", "sumo:a // x\n  | b\n\nc"},
		{"a.md", "~~~sumo\na\n~~~\n```\nb\n```\n", "sumo:a"},
		{"a.md", "- x\n  ```sumologic\n  a\n  | b\n  ```", "sumo:a\n| b"},
		{"a.md", "```sumo\na", "sumo:a"},
		{"a.md", "> ```sumo\n> a\n>\n> | b\n> ```\n> ```sumo\n> c\n```sumo\nd\n```\n", "sumo:a\n\n| b sumo:c sumo:d"},
		{"a.md", "1. x\n   > ~~~sumo\n   >   a\n   >| b\n   > ~~~\n", "sumo:  a\n| b"},
		{"a.md", "- ```sumo\n  a\n| b\n  ```\n> - ```sumo\n>   c\n>   ```", "sumo:a\n| b sumo:c"},
		{"a.yml", "query: |2-\n   a\n  | b\nx: 1\ny:\n- query: |1\n    a\n   | b\n", "sumo: a\n| b sumo: a\n| b"},
		{"a.tf", "resource \"sumologic_monitor\" \"m\" {\n query = \"a ${var.x} \\\"b\\\"\"\n}", `sumo:a {{var.x}} "b"`},
		{"a.tf", "resource \"sumologic_monitor\" \"m\" {\n monitor_type = \"Metrics\"\n query = \"cpu\"\n}", ""},
		{"a.tf", "locals {\n expression = \"x\"\n}", ""},
		{"a.tf", "resource \"sumologic_log_search\" \"m\" {\n query_string = <<-EOT\n    a\n      | b\n  EOT\n}", "sumo:a\n  | b"},
		{"a.json", `{"queryText":"a\n| \u0062 \ud83d\ude00"}`, "sumo:a\n| b \U0001f600"},
		{"a.json", `{"query":"SELECT 1"}`, ""},
	} {
		d := Open(c.name, "", c.text, settings())
		var got []string
		for _, r := range d.Regions {
			got = append(got, string(r.Language)+":"+r.File.Text)
			last := -1
			for i := 0; i <= len(r.File.Text); i++ {
				at := r.start(i)
				if at < last || at > len(c.text) {
					t.Errorf("%s: place %d of %q is %d, behind %d", c.name, i, r.File.Text, at, last)
				}
				last = at
				if i < len(r.File.Text) && r.File.Text[i] < 0x80 && !r.joined && r.pieces[0].inLen == r.pieces[0].outLen && at < len(c.text) && !strings.ContainsAny(c.text, "\\$'") && c.text[at] != r.File.Text[i] {
					t.Errorf("%s: %q of the region is %q of the document", c.name, r.File.Text[i], c.text[at])
				}
				if back, ok := r.in(at); !ok || back > i {
					t.Errorf("%s: place %d of %q is %d and back %d", c.name, i, r.File.Text, at, back)
				}
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s %q holds %q, want %q", c.name, c.text, got, c.want)
		}
	}
}

func TestTokens(t *testing.T) {
	text := "query: |\n  a /* x\n  y */\n  | where b = \"c\" and d > 5\n  | sum(e) as f\n"
	var got []string
	for _, k := range Open("q.yaml", "", text, settings()).Tokens() {
		got = append(got, fmt.Sprint(k.Kind, " ", text[k.At.Start:k.At.End]))
	}
	if want := "4 /* x|4 y */|0 where|5 b|2 \"c\"|0 and|5 d|3 5|1 sum|5 e|6 f"; strings.Join(got, "|") != want {
		t.Errorf("%s, want %s", strings.Join(got, "|"), want)
	}
}

func TestLayout(t *testing.T) {
	text := "// one\n// two\nerror\n| where a=1 and\n  b=2\n| parse \"*\" as x\r\n"
	d := Open("q.sumo", "", text, settings())
	edits := d.Format()
	if len(edits) != 1 || edits[0].New != "// one\r\n// two\r\nerror\r\n| where a = 1 and b = 2\r\n| parse \"*\" as x\r\n" {
		t.Errorf("the layout is %+v", edits)
	}
	if f := d.Folds(); fmt.Sprint(f) != "[{1 2 true} {4 5 false}]" {
		t.Errorf("folds %v", f)
	}
	var names []string
	for _, s := range d.Symbols() {
		names = append(names, s.Name)
		for _, i := range s.Inside {
			names = append(names, "."+i.Name)
		}
	}
	if strings.Join(names, " ") != "search where parse .x" {
		t.Errorf("symbols %v", names)
	}
	in := "a: 1\nquery: |\n    error\n    |where a=1\nb: 2\n"
	d = Open("q.yaml", "", in, settings())
	if got := diag.Apply(in, []diag.Fix{{Edits: d.Format()}}); got != "a: 1\nquery: |\n    error\n    | where a = 1\nb: 2\n" {
		t.Errorf("%q", got)
	}
	if len(Open("q.sumo", "", "error | where (", settings()).Format()) != 0 {
		t.Error("a query with a mistake was laid out")
	}
}

// TestCut: at every 17th byte of published queries, cut there, everything that an editor
// asks has an answer, in time. A query cut short is what an editor has most of the time.
func TestCut(t *testing.T) {
	file, err := os.Open(sharedtest.Path(t, "corpus", "queries.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in := bufio.NewScanner(file)
	in.Buffer(nil, 4<<20)
	cuts, slowest, slow := 0, time.Duration(0), ""
	for n := 0; in.Scan(); n++ {
		if n%*share != 0 {
			continue
		}
		var q struct{ ID, Query string }
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			t.Fatal(err)
		}
		for at := 17; at < len(q.Query); at += 17 {
			cuts++
			began := time.Now()
			ask(t, "q.sumo", q.Query[:at], at)
			if took := time.Since(began); took > slowest {
				slowest, slow = took, fmt.Sprintf("%s at %d", q.ID, at)
			}
		}
	}
	if cuts < 200 {
		t.Fatalf("only %d cuts", cuts)
	}
	t.Logf("%d cuts; the slowest took %v: %s", cuts, slowest, slow)
	if slowest > 5*time.Second {
		t.Errorf("%s took %v", slow, slowest)
	}
}

// ask asks all of a document; panics are failures.
func ask(t *testing.T, name, text string, at int) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%q at %d: %v", text, at, p)
		}
	}()
	d := Open(name, "", text, settings())
	for _, f := range d.Diagnostics() {
		if f.Span.Start < 0 || f.Span.End > len(text) || f.Span.Start > f.Span.End {
			t.Errorf("%q: %s is at %v", text, f.Code, f.Span)
		}
	}
	list, _ := d.Complete(at)
	for _, c := range list {
		if c.At.Start < 0 || c.At.End > len(text) || c.At.Start > c.At.End {
			t.Errorf("%q: %s is written for %v", text, c.Label, c.At)
		}
	}
	d.Hover(at)
	d.Hover(at / 2)
	d.Signature(at)
	d.Format()
	d.Folds()
	last := 0
	for _, k := range d.Tokens() {
		if k.At.Start < last || k.At.End <= k.At.Start || k.At.End > len(text) || strings.Contains(text[k.At.Start:k.At.End], "\n") {
			t.Errorf("%q: a token at %v behind %d", text, k.At, last)
		}
		last = k.At.End
	}
	d.Symbols()
	d.Lenses()
	d.Definition(at / 2)
	d.References(at / 2)
	if _, err := d.Rename(at/2, "renamed"); err != nil && err.Error() == "" {
		t.Error("an error without a reason")
	}
}

// FuzzDocument: no text of any kind of document makes a panic.
func FuzzDocument(f *testing.F) {
	for i, name := range kinds {
		f.Add(uint8(i), "error | where a = \"b\" | count by c", uint16(9))
		f.Add(uint8(i), "query: |\n  a\n  | b\nexpression: \"x\\u00e9\"", uint16(14))
		f.Add(uint8(i), "```sumo\na ${x} \U0001f600\n```\nquery = <<-E\n\ta\n\tE\n", uint16(12))
		f.Add(uint8(i), "resource \"sumologic_cse_match_rule\" \"a\" {\n expression = \"${", uint16(60))
		f.Add(uint8(i), "{\"queryText\": \"a\\ud83d\\ude00 | \\", uint16(30))
		_ = name
	}
	f.Fuzz(func(t *testing.T, kind uint8, text string, at uint16) {
		if len(text) > 2000 {
			return
		}
		ask(t, kinds[int(kind)%len(kinds)], text, min(int(at), len(text)))
	})
}

var kinds = []string{"q.sumo", "a.yaml", "a.md", "a.tf", "a.json", "r.cse", "r.yml"}

// BenchmarkDiagnostics is of queries of 500 lines. The promise is 20 ms.
func BenchmarkDiagnostics(b *testing.B) {
	set := settings()
	for _, s := range shapes {
		text := s.of(500)
		b.Run(s.name, func(b *testing.B) {
			for b.Loop() {
				Open("q.sumo", "", text, set).Diagnostics()
			}
		})
	}
}

// TestLongQuery: what the diagnostics of a query take grows as the query does. Memory is
// what is counted, since that is the same on every machine.
func TestLongQuery(t *testing.T) {
	set := settings()
	for _, s := range shapes {
		var bytes [2]float64
		for i, lines := range []int{250, 500} {
			text := s.of(lines)
			Open("q.sumo", "", text, set).Diagnostics() // what is made once is made here
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			Open("q.sumo", "", text, set).Diagnostics()
			runtime.ReadMemStats(&after)
			bytes[i] = float64(after.TotalAlloc - before.TotalAlloc)
		}
		if ratio := bytes[1] / bytes[0]; ratio > 2.8 {
			t.Errorf("%s: twice as long takes %.1f times the memory", s.name, ratio)
		}
	}
}

// A shape is a kind of long query: its head, one line of many, and its end; closing stands
// after that once for each line.
type shape struct{ name, head, line, end, closing, last string }

func (s shape) of(lines int) string {
	var b strings.Builder
	b.WriteString(s.head)
	n := (lines - 2) / (1 + strings.Count(s.line, "\n"))
	for i := range n {
		b.WriteString(strings.ReplaceAll(s.line, "#", strconv.Itoa(i)) + "\n")
	}
	return b.String() + s.end + strings.Repeat(s.closing, n) + s.last
}

var shapes = []shape{
	{name: "stages", head: "_sourceCategory=a\n| json auto\n", line: `| parse "user#=* " as user# nodrop` + "\n" + `| where CommandLine matches "*cmd#*" or ParentImage = "C:\\\\p#.exe"` + "\n" + `| if(isNull(user#), "none", toLowerCase(user#)) as who#`},
	{name: "or", head: "_sourceCategory=a\n| where ", line: `CommandLine matches "*x#*" or`, end: "a = 1"},
	{name: "and", head: "_sourceCategory=a\n| where ", line: `!(CommandLine matches "*x#*") and`, end: "a = 1"},
	{name: "pairs", head: "_sourceCategory=a\n| where ", line: `(Image matches "*p#.exe" and !(ParentImage = "c#")) or`, end: "a = 1"},
	{name: "where", head: "_sourceCategory=a\n", line: `| where !(CommandLine matches "*x#*")`},
	{name: "score", head: "_sourceCategory=a\n| 0 as score\n", line: `| if (CommandLine matches "*x#*", score + #, score) as score`},
	{name: "if in if", head: "_sourceCategory=a\n| ", line: `if (CommandLine matches "*x#*", #,`, end: "0", closing: ")", last: " as level"},
	{name: "keywords", line: `(a# or !"b #")`, end: "last"},
	{name: "regular expressions", head: "_sourceCategory=a\n", line: `| parse regex field=a# "(?<b#>[a-z]+\d{1,3}) .*?(?:x|y)+" nodrop`},
	{name: "lookups", head: "_sourceCategory=a\n", line: `| lookup a# from path://"/Library/x#" on k=k`},
	{name: "misspelt", head: "_sourceCategory=a\n", line: `| wher a# = 1`},
	{name: "aggregates", head: "_sourceCategory=a\n| ", line: `sum(a#) as s#,`, end: "count by k | where s1 > 0"},
	{name: "not closed", head: "a | where (", line: "(a = 1 and (b = 2 or"},
}

// What a query says is held against the user's logs: names and paths, and nothing of other
// logs than those of the sample.
func TestLogsShowWhatIsMeant(t *testing.T) {
	s := NewSample("logs", 100, []SampleField{
		{Name: "ParentImage", Events: 50, Values: []string{`C:\Windows\explorer.exe`, `C:\Program Files\chrome.exe`, "-"}},
		{Name: "EventID", Events: 100, Values: []string{"1", "3"}},
		{Name: "CommandLine", Events: 50, Values: []string{`C:\x.exe -a`, "cmd /c"}},
	})
	for _, c := range []struct{ text, want string }{
		{`* | where ParentImage = "chrome.exe"`, `* | where ParentImage matches "*\\chrome.exe"`},
		{`ParentImage=chrome.exe`, `ParentImage=*chrome.exe`},
		{`* | where ParentImag matches "*x"`, `* | where ParentImage matches "*x"`},
		{`* | where %"EventId2" = "1" | count by EvntID`, `* | where %"EventId2" = "1" | count by EventID`},
		{`* | where ParentImage = "C:\\Windows\\explorer.exe"`, ""}, // a whole path
		{`* | where CommandLine = "cmd"`, ""},                       // not only paths
		{`* | "x" as ParentImag | where ParentImag = "x"`, ""},      // the query makes it
		{`* | count by EventID as n | where n > 3`, ""},
		{`* | where SomethingElse = "x"`, ""}, // of other logs
		{`* | where ParentImage != "chrome.exe"`, ""},
	} {
		d := Open("q.sumo", "sumo", c.text, Settings{Vocab: query.Standard(), Sample: s})
		got := ""
		for _, f := range d.Mended() {
			if f.Code == "not-in-logs" {
				got = diag.Apply(c.text, []diag.Fix{*f.Fix})
			}
		}
		if got != c.want {
			t.Errorf("%s: mended %q, want %q", c.text, got, c.want)
		}
	}
}
