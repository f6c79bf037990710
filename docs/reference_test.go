// Package docs checks that the pages of this folder say what is so, and writes
// those that are generated:
//
//	go test ./docs -update
package docs

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/conformance"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

var update = flag.Bool("update", false, "write the generated pages anew")

// kind is a sort of word, and a folder of the reference.
type kind struct {
	name, plural, folder string
	docs                 []lang.Doc
}

func kinds() []kind {
	ops, fns, aggs := query.Standard().Docs()
	return []kind{
		{"operator", "Operators", "operators", ops},
		{"group function", "Group functions", "aggregates", aggs},
		{"function", "Functions", "functions", fns},
	}
}

// file is the page of a word: parse-regex.md.
func file(d lang.Doc) string {
	return strings.ReplaceAll(strings.ToLower(d.Name), " ", "-") + ".md"
}

// TestReference compares docs/reference with what the vocabulary says.
func TestReference(t *testing.T) {
	pages := map[string][]byte{"reference/README.md": contents(), "reference/lint.md": checks(), "reference/sigma-modifiers.md": modifiers()}
	for _, k := range kinds() {
		for _, d := range k.docs {
			pages[filepath.Join("reference", k.folder, file(d))] = page(k, d)
		}
	}
	if *update {
		if err := os.RemoveAll("reference"); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range pages {
		check(t, path, want)
	}
	err := filepath.WalkDir("reference", func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && pages[path] == nil {
			t.Errorf("%s is the page of no word", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// check compares a generated page with the file, or writes it.
func check(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if testing.Short() {
		t.Skip("the pages are compared in full runs: they change with every word, and several people add words at once")
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/%s is not what the code says; go test ./docs -update writes it anew", path)
	}
}

func contents() []byte {
	var b bytes.Buffer
	b.WriteString("# Reference\n\nEvery word of the query language, by kind. The pages are generated from the code, and\n" +
		"their examples are run by tests. `gyoji doc WORD` shows the same.\n" +
		"What `gyoji lint` looks for in queries and rules stands in [Checks](lint.md), what a word after\n" +
		"a `|` does in a Sigma rule in [Modifiers](sigma-modifiers.md).\n")
	for _, k := range kinds() {
		fmt.Fprintf(&b, "\n## %s\n\n| word | what it does |\n|---|---|\n", k.plural)
		for _, d := range k.docs {
			summary := d.Summary
			if s := status(d); s != "supported" {
				summary += " *(" + s + ")*"
			}
			fmt.Fprintf(&b, "| [%s](%s/%s) | %s |\n", d.Name, k.folder, file(d), cell(summary))
		}
	}
	return b.Bytes()
}

// status is supported, partial, planned, refused or dialect.
func status(d lang.Doc) string {
	word, _, _ := strings.Cut(d.Status, ":")
	switch {
	case word != "":
		return word
	case d.Dialect != "":
		return "dialect"
	}
	return "supported"
}

// cell makes a text fit into a cell of a table.
func cell(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "\n", " "), "|", `\|`) }

func page(k kind, d lang.Doc) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n\n*%s.* %s\n\n```\n%s\n```\n", d.Name, strings.ToUpper(k.name[:1])+k.name[1:], d.Summary, d.Usage)
	if len(d.Aliases) > 0 {
		fmt.Fprintf(&b, "\nAlso written `%s`.\n", strings.Join(d.Aliases, "`, `"))
	}
	if d.Status != "" {
		fmt.Fprintf(&b, "\n**Status: %s**\n", d.Status)
	}
	if d.Dialect != "" {
		fmt.Fprintf(&b, "\nSumo Logic does not have this word. The portable form is `%s`.\n", d.Dialect)
	}
	if d.Text != "" {
		fmt.Fprintf(&b, "\n%s\n", d.Text)
	}
	if null := nullOf(k, d); null != "" {
		fmt.Fprintf(&b, "\n## Null\n\n%s\n", null)
	}
	if d.Differs != "" {
		fmt.Fprintf(&b, "\n## Where Sumo's documentation is silent\n\n%s\n", d.Differs)
	}
	for i, ex := range d.Examples {
		if i == 0 {
			b.WriteString("\n## Examples\n")
		}
		fmt.Fprintf(&b, "\n```\n%s\n```\n", ex.Query)
		if len(ex.In) > 0 && !(len(ex.In) == 1 && ex.In[0] == `{"_raw":""}`) {
			fmt.Fprintf(&b, "\nof\n\n```\n%s\n```\n", strings.Join(ex.In, "\n"))
		}
		if ex.To != 0 {
			const layout = "2006-01-02 15:04"
			fmt.Fprintf(&b, "\nfrom %s to %s\n", time.UnixMilli(ex.From).UTC().Format(layout), time.UnixMilli(ex.To).UTC().Format(layout))
		}
		if len(ex.Out) == 0 {
			b.WriteString("\ngives no rows.\n")
			continue
		}
		fmt.Fprintf(&b, "\ngives\n\n```\n%s\n```\n", strings.Join(ex.Out, "\n"))
	}
	return b.Bytes()
}

// nullOf says what a word makes of null where its contract decides that.
func nullOf(k kind, d lang.Doc) string {
	if k.name != "function" {
		return ""
	}
	return query.Standard().FunctionOf(d.Name).OfNull()
}

// TestExamples runs every example of every word and compares the columns it names.
func TestExamples(t *testing.T) {
	for _, k := range kinds() {
		for _, d := range k.docs {
			for i, ex := range d.Examples {
				t.Run(fmt.Sprintf("%s/%s/%d", k.folder, strings.ReplaceAll(d.Name, " ", "-"), i+1), func(t *testing.T) {
					c, err := caseOf(ex)
					if err != nil {
						t.Fatal(err)
					}
					for _, workers := range []int{1, 3} {
						r := conformance.Run(context.Background(), c, workers)
						if r.Failure != "" {
							t.Errorf("%s, %d workers: %s", ex.Query, workers, r.Failure)
						}
					}
				})
			}
		}
	}
}

// caseOf makes a conformance case of an example. A case compares the same
// columns of all rows: those that every row of the example names.
func caseOf(ex lang.Example) (*conformance.Case, error) {
	c := &conformance.Case{ID: "example", Query: ex.Query, Ordered: true}
	if ex.To != 0 {
		c.Context = conformance.Context{From: &ex.From, To: &ex.To}
	}
	for _, in := range ex.In {
		raw := json.RawMessage(in)
		// An object with _raw is a message; any other line is text.
		var message struct {
			Raw *string `json:"_raw"`
		}
		if json.Unmarshal(raw, &message) != nil || message.Raw == nil {
			text, err := json.Marshal(in)
			if err != nil {
				return nil, err
			}
			raw = text
		}
		c.Input = append(c.Input, raw)
	}
	var rows []map[string]any
	names := map[string]int{}
	for _, out := range ex.Out {
		d := json.NewDecoder(strings.NewReader(out))
		d.UseNumber()
		row := map[string]any{}
		if err := d.Decode(&row); err != nil {
			return nil, fmt.Errorf("%s is no JSON object: %w", out, err)
		}
		rows = append(rows, row)
		for n := range row {
			names[n]++
		}
	}
	c.Expect.Fields = []string{}
	for n, rowsWith := range names {
		if rowsWith == len(rows) {
			c.Expect.Fields = append(c.Expect.Fields, n)
		}
	}
	sort.Strings(c.Expect.Fields)
	for _, row := range rows {
		var vals []any
		for _, n := range c.Expect.Fields {
			vals = append(vals, row[n])
		}
		c.Expect.Rows = append(c.Expect.Rows, vals)
	}
	return c, nil
}

// TestWordsAreDocumented asks of every word that is built what its page needs.
func TestWordsAreDocumented(t *testing.T) {
	for _, k := range kinds() {
		for _, d := range k.docs {
			switch {
			case status(d) == "planned", status(d) == "refused":
			case d.Summary == "" || !strings.HasSuffix(d.Summary, "."):
				t.Errorf("%s %s: its summary is no sentence: %q", k.name, d.Name, d.Summary)
			case len(d.Examples) == 0:
				t.Errorf("%s %s has no example", k.name, d.Name)
			}
		}
	}
}

// specCases is the specification's file of cases, which stands beside the checkout.
const specCases = "../../shared/spec/operator-cases.jsonl"

// TestCompatibility compares the table of words in compatibility.md with the
// vocabulary and the specification's cases.
func TestCompatibility(t *testing.T) {
	f, err := os.Open(filepath.FromSlash(specCases))
	if err != nil {
		t.Skip("the specification's cases are not beside this checkout: ../shared/spec is not there")
	}
	defer f.Close()
	cases, err := conformance.Load("operator-cases.jsonl", f)
	if err != nil {
		t.Fatal(err)
	}
	part(t, "compatibility.md", "words", words(cases))
}

// part compares a part of a page, between its marks, with what it must say.
func part(t *testing.T, path, name, want string) {
	t.Helper()
	begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->\n"
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(old), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("docs/%s has lost its marks %s%s", path, begin, end)
	}
	check(t, path, []byte(before+begin+want+end+after))
}

// TestInputs compares the lists in inputs.md with the code.
func TestInputs(t *testing.T) {
	var formats, names, categories strings.Builder
	formats.WriteString("\n| `--input-format` | what it is |\n|---|---|\n")
	for _, f := range format.All() {
		fmt.Fprintf(&formats, "| `%s` | %s |\n", f.Name, cell(f.Summary))
	}
	names.WriteString("\n| written by | known by | fields stand under |\n|---|---|---|\n")
	for _, s := range mapping.Shapes() {
		under := "the top"
		places := slices.Clone(s.Roots)
		if s.Envelope != "" {
			places = append(places, s.Envelope)
		}
		for _, in := range s.Inside {
			if in.As != mapping.Prefixed && !slices.Contains(places, in.Field) {
				places = append(places, in.Field)
			}
		}
		if len(places) > 0 {
			under = "`" + strings.Join(places, "`, `") + "`"
		}
		mark := ""
		if s.Mark != "" {
			mark = "`" + s.Mark + "`"
		}
		fmt.Fprintf(&names, "| %s | %s | %s |\n", cell(s.Summary), mark, under)
	}
	categories.WriteString("\n| channel or provider | `_sourceCategory` |\n|---|---|\n")
	for _, c := range mapping.Categories() {
		fmt.Fprintf(&categories, "| %s | `%s` |\n", c[0], c[1])
	}
	part(t, "inputs.md", "formats", formats.String()+"\n")
	part(t, "inputs.md", "shapes", names.String()+"\n")
	part(t, "inputs.md", "times", "\n`"+strings.Join(mapping.Times, "`, `")+"`\n\n")
	part(t, "inputs.md", "categories", categories.String()+"\n")
}

// words is the table of words, and the cases that do not pass.
func words(cases []*conformance.Case) string {
	all, passed := map[string]int{}, map[string]int{}
	var failing []string
	n := 0
	for _, c := range cases {
		op := strings.ToLower(c.Operator)
		all[op]++
		if r := conformance.Run(context.Background(), c, 1); r.Failure == "" {
			passed[op]++
			n++
		} else {
			reason, _, _ := strings.Cut(strings.TrimSpace(r.Failure), "\n")
			failing = append(failing, fmt.Sprintf("| `%s` | %s | %s |\n", c.ID, c.Operator, cell(reason)))
		}
	}
	count := func(names ...string) string {
		a, p := 0, 0
		for _, name := range names {
			name = strings.ToLower(name)
			a, p = a+all[name], p+passed[name]
			delete(all, name)
		}
		if a == 0 {
			return ""
		}
		return fmt.Sprintf("%d of %d", p, a)
	}
	var b strings.Builder
	ks := kinds()
	totals := map[string]int{}
	for _, k := range ks {
		for _, d := range k.docs {
			totals[status(d)]++
		}
	}
	fmt.Fprintf(&b, "\n%d words are supported, %d partly, %d planned; %d need Sumo Logic's service and are refused;\n"+
		"%d are dialect: accepted, with a warning and the portable form. Of the specification's %d cases %d pass.\n",
		totals["supported"], totals["partial"], totals["planned"], totals["refused"], totals["dialect"], len(cases), n)
	for _, k := range ks {
		fmt.Fprintf(&b, "\n### %s\n\n| word | status | cases passed | our reading where Sumo's documentation is silent |\n|---|---|---|---|\n", k.plural)
		for _, d := range k.docs {
			s := status(d)
			if _, what, ok := strings.Cut(d.Status, ": "); ok {
				s += ": " + what
			}
			fmt.Fprintf(&b, "| [%s](reference/%s/%s) | %s | %s | %s |\n",
				d.Name, k.folder, file(d), cell(s), count(append([]string{d.Name}, d.Aliases...)...), cell(d.Differs))
		}
	}
	var other []string
	for op := range all {
		other = append(other, op)
	}
	slices.Sort(other)
	b.WriteString("\n### The rest of the language\n\n| what | cases passed |\n|---|---|\n")
	for _, op := range other {
		fmt.Fprintf(&b, "| %s | %s |\n", op, count(op))
	}
	if len(failing) > 0 {
		b.WriteString("\n### Cases that do not pass\n\n| case | about | why |\n|---|---|---|\n")
		for _, f := range failing {
			b.WriteString(f)
		}
	}
	b.WriteString("\n")
	return b.String()
}
