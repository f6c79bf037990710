package editor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
	"github.com/gyoji-dev/gyoji/syntax/syntaxtest"
)

// published are queries of the corpus that compile, one in so many.
func published(t *testing.T, share int) (list []syntaxtest.Query) {
	for i, q := range syntaxtest.Corpus(t) {
		if i%share != 0 {
			continue
		}
		if _, found := query.Compile(diag.Text("q", q.Text()), query.Standard()); !found.HasErrors() {
			list = append(list, q)
		}
	}
	if len(list) < 20 {
		t.Fatalf("only %d queries", len(list))
	}
	return list
}

// hosts put a query into a document of some kind, as a person or a program writes it.
var hosts = []struct {
	name string
	in   func(q string) string
}{
	{"a.yaml", func(q string) string { return "a: 1\nitems:\n  - query: |\n" + indented(q, "      ") + "\n    b: 2\n" }},
	{"b.yml", func(q string) string { b, _ := json.Marshal(q); return "query: " + string(b) + "\n" }},
	{"c.yaml", func(q string) string {
		return "query: |-\r\n" + strings.ReplaceAll(indented(q, "\t "), "\n", "\r\n") + "\r\n"
	}},
	{"d.json", func(q string) string { b, _ := json.Marshal(map[string]string{"queryText": q}); return string(b) }},
	{"e.tf", func(q string) string {
		return "resource \"sumologic_log_search\" \"x\" {\n  query_string = <<-EOT\n" + indented(strings.NewReplacer("${", "$${", "%{", "%%{").Replace(q), "    ") + "\n  EOT\n}\n"
	}},
	{"f.tf", func(q string) string {
		b, _ := json.Marshal(q)
		s := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&", "${", "$${", "%{", "%%{").Replace(string(b))
		return "resource \"sumologic_log_search\" \"x\" {\n  query_string = " + s + "\n}\n"
	}},
	{"h.md", func(q string) string {
		return "> 1. step\n>\n>    ````sumo\n>    " + strings.ReplaceAll(q, "\n", "\n>    ") + "\n>    ````\n"
	}},
	{"g.md", func(q string) string { return "# T\n\n- step\n\n  ````sumo\n" + indented(q, "  ") + "\n  ````\n" }},
}

func indented(q, by string) string {
	lines := strings.Split(q, "\n")
	for i, l := range lines {
		if l != "" || i == 0 {
			lines[i] = by + l
		}
	}
	return strings.Join(lines, "\n")
}

// TestEmbedded: a query says the same wherever it stands: the same findings at the same
// texts, and the same layout when it has been laid out there.
func TestEmbedded(t *testing.T) {
	v := query.Standard()
	said := func(d *Document) (list []string) {
		for _, f := range d.Diagnostics() {
			list = append(list, f.Code)
		}
		slices.Sort(list)
		return list
	}
	for _, q := range published(t, 97) {
		// A line of blanks, or a text that starts with some, is another one in a block.
		text := strings.TrimSpace(strings.ReplaceAll(q.Text(), "\r\n", "\n"))
		if strings.Contains(text, "\r") || strings.Contains(text, "````") {
			continue
		}
		lines := strings.Split(text, "\n")
		for i := range lines {
			if strings.TrimSpace(lines[i]) == "" {
				lines[i] = ""
			}
		}
		text = strings.Join(lines, "\n")
		alone := Open("q.sumo", "", text, settings())
		want := said(alone)
		tree, found := syntax.Parse(alone.File, v)
		if found.HasErrors() {
			continue
		}
		for _, h := range hosts {
			doc := h.in(text)
			d := Open(h.name, "", doc, settings())
			var r *Region
			for _, x := range d.Regions {
				if x.Language == Sumo {
					r = x
				}
			}
			if r == nil {
				t.Errorf("%s: %s has no query:\n%s", q.ID, h.name, doc)
				continue
			}
			if got := strings.ReplaceAll(r.File.Text, "\r\n", "\n"); got != text {
				t.Errorf("%s: %s holds\n%q, want\n%q", q.ID, h.name, got, text)
				continue
			}
			if got := said(d); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: in %s %v, alone %v", q.ID, h.name, got, want)
			}
			for _, f := range d.Diagnostics() {
				if f.Span.Start < r.Span.Start || f.Span.End > r.Span.End {
					t.Errorf("%s: in %s %s is at %v, outside of %v", q.ID, h.name, f.Code, f.Span, r.Span)
				}
			}
			edits := d.Format()
			if len(edits) == 0 {
				continue
			}
			after := Open(h.name, "", diag.Apply(doc, []diag.Fix{{Edits: edits}}), settings())
			for _, x := range after.Regions {
				if got := strings.ReplaceAll(strings.TrimRight(x.File.Text, "\n"), "\r\n", "\n"); x.Language == Sumo && strings.ReplaceAll(got, " \n", "\n") != strings.ReplaceAll(syntax.Print(tree), " \n", "\n") {
					t.Errorf("%s: laid out in %s it is\n%s\nwant\n%s", q.ID, h.name, got, syntax.Print(tree))
				}
			}
			if again := after.Format(); len(again) != 0 {
				t.Errorf("%s: laid out in %s it can be laid out again: %+v", q.ID, h.name, again)
			}
		}
	}
}

// TestRenameBack: a name that is changed and changed back leaves the query as it was.
func TestRenameBack(t *testing.T) {
	renamed := 0
	for _, q := range published(t, 53) {
		text := q.Text()
		d := Open("q.sumo", "", text, settings())
		for _, u := range d.Regions[0].query().survey().Uses {
			if !u.Makes || u.At == nil || u.At.Pos.End <= u.At.Pos.Start || u.At.Quoted {
				continue
			}
			edits, err := d.Rename(u.At.Pos.Start, "renamed_field")
			if err != nil {
				continue
			}
			renamed++
			after := diag.Apply(text, []diag.Fix{{Edits: edits}})
			name := text[u.At.Pos.Start:u.At.Pos.End]
			at := strings.Index(after, "renamed_field")
			if slices.ContainsFunc(Open("q.sumo", "", after, settings()).Regions[0].query().survey().Uses, func(x lang.Use) bool { return strings.EqualFold(x.Name, u.Name) }) {
				continue // the events have a field of the name, which the query reads before
			}
			back, err := Open("q.sumo", "", after, settings()).Rename(at, name)
			if err != nil {
				t.Errorf("%s: %s is not given back: %v in\n%s", q.ID, name, err, after)
				continue
			}
			// Letter case of a name is free; the text is the same but for that.
			if got := diag.Apply(after, []diag.Fix{{Edits: back}}); !strings.EqualFold(strings.ReplaceAll(got, `%"`+name+`"`, name), strings.ReplaceAll(text, `%"`+name+`"`, name)) {
				t.Errorf("%s: %s there and back gives\n%s\nwant\n%s", q.ID, name, got, text)
			}
		}
	}
	if renamed < 100 {
		t.Errorf("only %d names", renamed)
	}
}

// TestCompletionFindsWhatWasWritten: with its first letter typed, each operator, group
// function, function and field of published queries is among what is offered there.
func TestCompletionFindsWhatWasWritten(t *testing.T) {
	asked, missing := 0, 0
	for _, q := range published(t, 211) {
		text := q.Text()
		tree, _ := syntax.Parse(diag.Text("q", text), query.Standard())
		want := func(s diag.Span, name string) {
			if s.End <= s.Start || s.Start >= len(text) || text[s.Start] == '%' {
				return
			}
			asked++
			list, more := Open("q.sumo", "", text[:s.Start+1], settings()).Complete(s.Start + 1)
			if !more && !slices.ContainsFunc(list, func(c Completion) bool { return strings.EqualFold(c.Label, name) }) {
				if missing++; missing < 20 {
					t.Logf("%s: %q is not offered behind %q: %d others", q.ID, name, text[max(0, s.Start-60):s.Start+1], len(list))
				}
			}
		}
		made := map[string]bool{}
		for _, s := range tree.Stages {
			if s.Op != nil && s.Kind == syntax.Operation && s.Op.Pos.Start == s.Pos.Start {
				want(s.Op.Pos, s.Op.Text)
			}
			syntax.Walk(s, func(n syntax.Node) bool {
				switch n := n.(type) {
				case *syntax.Query, *syntax.Subquery:
					return false
				case *syntax.Agg:
					want(n.Func.Pos, n.Func.Text)
				case *syntax.Call:
					want(n.Func.Pos, n.Func.Text)
				case *syntax.Field:
					if made[strings.ToLower(n.Name)] && !n.Quoted {
						want(n.Pos, n.Name)
					}
				}
				return true
			})
			// What the stage makes is known behind it.
			if sv := query.LookAt(&syntax.Query{File: tree.File, Search: tree.Search, Stages: tree.Stages[:slices.Index(tree.Stages, s)+1]}, tree.File, query.Standard()); sv != nil {
				clear(made)
				for _, k := range sv.Known {
					made[strings.ToLower(k)] = true
				}
			}
		}
	}
	t.Logf("%d asked, %d missing", asked, missing)
	if asked < 300 || missing*100 > asked {
		t.Errorf("%d of %d words are not offered where they stand", missing, asked)
	}
}
