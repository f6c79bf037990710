package highlight

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
	"github.com/gyoji-dev/gyoji/syntax/syntaxtest"
)

var (
	update = flag.Bool("update", false, "write the grammars of editors/")
	share  = flag.Int("share", 101, "one query of the corpus in so many is coloured; 1 is all")
)

const editors = "../../../editors/"

// TestWritten: the grammars in the repository are those of the vocabulary.
func TestWritten(t *testing.T) {
	w := Of(query.Standard())
	for path, text := range map[string][]byte{
		"vscode/syntaxes/sumo.tmLanguage.json": TextMate(w), "codemirror/sumo.js": CodeMirror(w), "tree-sitter/words.js": TreeSitter(w),
	} {
		if *update {
			if err := os.WriteFile(editors+path, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(editors + path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), text) {
			t.Errorf("editors/%s is stale: go test ./internal/detect/highlight -update", path)
		}
	}
}

// TestNewWord: a word of the vocabulary is in all grammars, with the keywords of its line.
func TestNewWord(t *testing.T) {
	v, err := lang.NewVocabulary(lang.Words{Operators: []*lang.Operator{{Doc: lang.Doc{Name: "wink twice", Usage: "(wink twice) <who:field> [slowly]"}}}})
	if err != nil {
		t.Fatal(err)
	}
	w := Of(v)
	for _, text := range [][]byte{TextMate(w), CodeMirror(w), TreeSitter(w)} {
		for _, word := range []string{"wink", "slowly"} {
			if !bytes.Contains(text, []byte(word)) {
				t.Errorf("%s is not in %.80s", word, text)
			}
		}
	}
}

// token is a part of a query with what it has to be coloured as: keyword, function,
// string, comment, number. Places are in UTF-16, as JavaScript counts.
type token struct {
	Start, End int
	Kind       string
}

// tokens are the parts of a query whose colour the tree says.
func tokens(q *syntax.Query, text string) (list []token) {
	add := func(s diag.Span, kind string) {
		if s.End > s.Start && s.Start >= 0 && s.End <= len(text) && !strings.Contains(text[s.Start:s.End], "\n") {
			list = append(list, token{units(text[:s.Start]), units(text[:s.End]), kind})
		}
	}
	syntax.Walk(q, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Query:
			for _, c := range n.Comments {
				add(c.Pos, "comment")
			}
		case *syntax.Stage:
			// The pipe and the operator stand on one line, as everybody writes them.
			pipe := strings.LastIndexByte(text[:n.Pos.Start], '|')
			if n.Op != nil && n.Kind != syntax.Assigning && pipe >= 0 && strings.TrimSpace(text[pipe+1:n.Pos.Start]) == "" && !strings.Contains(text[pipe:n.Pos.Start], "\n") && n.Op.Pos.Start == n.Pos.Start {
				add(n.Op.Pos, "keyword")
			}
		case *syntax.Call:
			add(n.Func.Pos, "function")
		case *syntax.String:
			add(n.Pos, "string")
		case *syntax.Number:
			add(n.Pos, "numeric")
		case *syntax.Binary:
			if n.Op == "and" || n.Op == "or" {
				add(n.OpPos, "operator")
			}
		}
		return true
	})
	return list
}

func units(s string) (n int) {
	for _, r := range s {
		if n++; r > 0xffff {
			n++
		}
	}
	return n
}

// TestColours: over published queries the grammars colour operators, functions, texts,
// numbers and comments as the parser reads them. vscode-textmate, which VS Code itself
// colours with, runs the grammar.
func TestColours(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node here")
	}
	v := query.Standard()
	type item struct {
		ID, Text string
		Tokens   []token
	}
	var items []item
	for i, q := range syntaxtest.Corpus(t) {
		if i%*share != 0 {
			continue
		}
		f := diag.Text("q", q.Text())
		tree, found := syntax.Parse(f, v)
		if found.HasErrors() || strings.ContainsAny(f.Text, "“”") {
			continue
		}
		items = append(items, item{q.ID, f.Text, tokens(tree, f.Text)})
	}
	if len(items) < 40 {
		t.Fatalf("only %d queries", len(items))
	}
	in, err := json.Marshal(items)
	if err != nil {
		t.Fatal(err)
	}
	for _, grammar := range []string{"textmate", "codemirror"} {
		t.Run(grammar, func(t *testing.T) {
			cmd := exec.Command(node, "testdata/colours.mjs", grammar, editors)
			cmd.Stdin = bytes.NewReader(in)
			var said bytes.Buffer
			cmd.Stderr = &said
			out, err := cmd.Output()
			if err != nil {
				if strings.Contains(said.String(), "not installed") {
					t.Skip("vscode-textmate and vscode-oniguruma of npm are not here; name their node_modules in GYOJI_TEST_NODE_MODULES")
				}
				t.Fatalf("%v\n%s", err, said.String())
			}
			var got struct {
				Checked int
				Wrong   []struct{ ID, Text, Kind, Scopes, Line string }
			}
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if got.Checked < 1000 {
				t.Errorf("only %d parts were looked at", got.Checked)
			}
			t.Logf("%d parts, %d wrong", got.Checked, len(got.Wrong))
			// A grammar that reads line by line cannot know all that the parser knows.
			if len(got.Wrong)*200 > got.Checked {
				for _, w := range got.Wrong[:min(len(got.Wrong), 20)] {
					t.Errorf("%s: %q is a %s and coloured as %q in %s", w.ID, w.Text, w.Kind, w.Scopes, w.Line)
				}
				t.Errorf("%d of %d", len(got.Wrong), got.Checked)
			}
		})
	}
}

// TestWords: no word stands in two lists where it may be only one thing, and none is empty.
func TestWords(t *testing.T) {
	w := Of(query.Standard())
	for name, list := range map[string][]string{"operators": w.Operators, "aggregates": w.Aggregates, "functions": w.Functions, "keywords": w.Keywords, "infix": w.Infix, "constants": w.Constants, "metadata": w.Metadata} {
		if len(list) == 0 || slices.Contains(list, "") {
			t.Errorf("%s: %q", name, list)
		}
		if !slices.IsSorted(list) {
			t.Errorf("%s are not sorted", name)
		}
		for _, x := range list {
			if x != strings.ToLower(x) {
				t.Errorf("%s has %s", name, fmt.Sprint(x))
			}
		}
	}
}

// TestSnippets: what VS Code writes for a snippet is a query, or the end of one.
func TestSnippets(t *testing.T) {
	text, err := os.ReadFile(editors + "vscode/snippets/sumo.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]struct {
		Prefix, Description string
		Body                []string
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for name, s := range all {
		body := strings.Join(s.Body, "\n")
		body = regexp.MustCompile(`\$\{\d+:((?:\\.|[^}])*)\}`).ReplaceAllString(body, "$1")
		body = strings.ReplaceAll(strings.ReplaceAll(strings.TrimSuffix(body, "| $0"), "$0", ""), `\\`, `\`)
		if !strings.HasPrefix(body, "_") {
			body = "*\n" + body
		}
		if _, found := query.Compile(diag.Text(name, body), query.Standard()); found.HasErrors() {
			t.Errorf("%s: %v in\n%s", name, found[0], body)
		}
		if s.Prefix == "" || s.Description == "" {
			t.Errorf("%s has no prefix or description", name)
		}
	}
}
