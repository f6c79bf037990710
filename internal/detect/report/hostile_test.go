package report

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// hostile is what an attacker can put into every field of an event, its names, a rule's
// title and a file's name.
const hostile = "evil \x1b]0;P\x07\x1b[31m\x9b31m\u009b2J\u202egpj.exe\u200b\u2066\r\b![i](http://example.invalid/z) [l](http://example.invalid) " +
	"<script>alert(1)</script><img src=http://example.invalid/b> </pre> </style> ``` http://example.invalid www.example.invalid | \"' &#33;"

func hostileFinding() *Finding {
	f := found(detection.High, nil, hostile, 1, hunt.Finding{
		ID: hostile, DetectionID: hostile, Techniques: []hunt.Technique{{ID: hostile, Name: hostile}}, Tactics: []hunt.Tactic{{ID: hostile, Name: hostile}}, Package: hostile, Next: hostile, Host: hostile, User: hostile,
		Entities: []hunt.Entity{{Type: hostile, Value: hostile}}, Subject: &hunt.Subject{Kind: "process", Key: hostile, GUID: hostile, PID: hostile, Image: hostile},
		Fields: hunt.Fields{{Name: hostile, Value: event.Text(hostile)}, {Name: "CommandLine", Value: event.Text(hostile)}},
	})
	f.Place = hunt.Place{File: hostile, Channel: hostile, EventID: hostile, Category: hostile}
	f.Evidence = []hunt.Evidence{{Place: f.Place, Copies: []hunt.Place{f.Place}}}
	return &Finding{N: 1, Finding: f}
}

// writers are all ways to write a document: the reports by their own list.
func writers() map[string]func(io.Writer) error {
	out := map[string]func(io.Writer) error{}
	r := &Report{Tool: "gyoji", Made: time.Unix(0, 0), Inputs: []string{hostile}, Findings: []*Finding{hostileFinding()}, Notes: []string{hostile}, Trees: map[int]string{1: hostile + "\n"}}
	for _, f := range Formats() {
		out[f] = func(w io.Writer) error { return Write(w, f, r) }
	}
	c := &CoverageReport{Tool: "gyoji", Looked: true, Rows: []CoverageRow{{hostile, techniqueURL(hostile), hostile, hostile, hostile, false, []string{hostile}}}}
	out["coverage html"] = c.HTML
	for _, f := range []string{"md", "html"} {
		i := &Investigation{Tool: "gyoji", Made: time.Unix(0, 0), Package: hostile, Guide: hostile, Finding: hostileFinding(), Tree: hostile + "\n"}
		i.Evidence = []*detection.Evidence{{
			Step: &detection.Step{ID: hostile, Title: hostile, Text: hostile}, Query: hostile, OnPath: true, Answer: detection.Answer{Text: hostile},
			Rows: &query.Rows{Columns: []string{hostile}, Values: [][]event.Value{{event.Text(hostile)}}},
		}}
		out["investigation "+f] = func(w io.Writer) error { return WriteInvestigation(w, f, i) }
	}
	return out
}

// One hostile event through every report: no reader is sent what a terminal obeys, and
// nothing of it is live.
func TestHostileEventThroughEveryReport(t *testing.T) {
	live := map[string]*regexp.Regexp{
		"a script":           regexp.MustCompile(`(?i)<script`),
		"a picture":          regexp.MustCompile(`(?i)<img`),
		"an address as such": regexp.MustCompile(`(?i)<[^>"]*\s(src|href|action)\s*=\s*["']?\s*(javascript|data|http)`),
	}
	markdown := map[string]*regexp.Regexp{
		"a picture":   regexp.MustCompile(`(^|[^\\])!\[`),
		"a link":      regexp.MustCompile(`[^\\!]\[[^\]]*[^\\]\]\(`),
		"a bare link": regexp.MustCompile(`(?m)^[^` + "`" + `\n]*[^\\]://`),
		"www":         regexp.MustCompile(`www\.e`),
	}
	for name, write := range writers() {
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := b.String()
		if !utf8.ValidString(got) {
			t.Errorf("%s: not UTF-8", name)
		}
		for i, r := range got {
			if r != '\n' && r != '\t' && !printable.Shown(r) {
				t.Errorf("%s: sends %U in %q", name, r, got[max(0, i-30):min(len(got), i+30)])
				break
			}
		}
		switch {
		case strings.HasSuffix(name, "html") || name == "incident":
			for what, re := range live {
				if m := re.FindString(strings.Replace(strings.ReplaceAll(got, `href="https://attack.mitre.org/techniques/`, `href="#`), "<script>"+huntScript+"</script>", "", 1)); m != "" {
					t.Errorf("%s: holds %s: %q", name, what, m)
				}
			}
			if !strings.Contains(got, `http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-`) {
				t.Errorf("%s: has no policy", name)
			}
		case strings.HasSuffix(name, "md"):
			text := got
			if i := strings.Index(text, "```sumo"); i >= 0 { // a query, in a fence that it cannot end
				fence := text[strings.LastIndex(text[:i+3], "\n")+1 : i+3]
				end := strings.Index(text[i+3:], "\n"+fence+"\n")
				if end < 0 || strings.Count(text[i+3:i+3+end], "\n"+fence) > 0 {
					t.Fatalf("%s: the query's fence does not hold", name)
				}
				text = text[:i] + text[i+3+end+len(fence):]
			}
			tree := regexp.MustCompile(`(?s)<pre>.*?</pre>\n`)
			if n := strings.Count(tree.ReplaceAllString(text, ""), "pre>"); strings.Contains(tree.FindString(text), "<script") || n != 0 {
				t.Errorf("%s: the tree ends before its end", name)
			}
			text = tree.ReplaceAllString(text, "")
			for what, re := range markdown {
				if m := re.FindString(text); m != "" {
					t.Errorf("%s: holds %s: %q", name, what, m)
				}
			}
			if m := regexp.MustCompile(`(^|[^\\])<[a-z/]`).FindString(text); m != "" {
				t.Errorf("%s: holds HTML: %q", name, m)
			}
		case name == "sarif" || name == "navigator" || name == "ocsf":
			var v any
			if err := json.Unmarshal([]byte(got), &v); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if name != "navigator" && !strings.Contains(got, `\u009b2J\u202egpj.exe\u200b\u2066`) {
				t.Errorf("%s: the value is not kept: %s", name, got)
			}
		case name == "junit":
			var v struct{ XMLName xml.Name }
			if err := xml.Unmarshal([]byte(got), &v); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		default:
			t.Errorf("%s: say here what a %s may hold", name, name)
		}
	}
}
