package syntax_test

import (
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
	"github.com/gyoji-dev/gyoji/syntax/syntaxtest"
)

// TestProbe: what may stand at the end of a text, by hand from the usage lines of the
// reference: words as they are, types in <>.
func TestProbe(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "<term>",
		"error ":                        "<term>",
		"_sourceCategory=":              "<value>",
		"error | ":                      "<stage>",
		"error | where ":                "<expr>",
		"error | where x ":              "<infix>",
		"error | where x = ":            "<expr>",
		"error | count by ":             "<field>",
		"error | count, ":               "<agg>",
		"error | count ":                "by as",
		"error | sort by x ":            "asc desc",
		"error | parse \"a*\" as x ":    "nodrop",
		"error | lookup a from ":        "<path>",
		"error | where [subquery: x | ": "<stage> compose",
		"error | where ) | where ":      "<expr>",
		"error | where x in (":          "<expr>",
		"error | timeslice 5m ":         "as",
		"error // a":                    "!comment",
		"error | where a = \"b":         "!string",
		"error | where f(\"a\", \"b":    "!string",
	} {
		p := syntax.Probe(diag.Text("q", text), words, len(text))
		var got []string
		for _, w := range p.Wants {
			if w.Type != "" {
				got = append(got, "<"+w.Type+">")
			} else if w.Word != "," && w.Word != "=" {
				got = append(got, w.Word)
			}
		}
		if p.Inside != "" {
			got = []string{"!" + p.Inside}
		}
		for _, w := range strings.Fields(want) {
			if !strings.Contains(" "+strings.Join(got, " ")+" ", " "+w+" ") {
				t.Errorf("%q: %v, want %s", text, got, want)
			}
		}
	}
}

// TestProbePlace: what stands around a place.
func TestProbePlace(t *testing.T) {
	text := "e | parse \"*\" as a | join (where x = 1 | count by substring(b, 1, "
	p := syntax.Probe(diag.Text("q", text), words, len(text))
	if len(p.Pipes) != 2 || len(p.Pipes[0].Stages) != 1 || len(p.Pipes[1].Stages) != 1 {
		t.Fatalf("%d pipes", len(p.Pipes))
	}
	if n := len(p.Calls); n != 1 || p.Calls[0].Name != "substring" || p.Calls[0].Arg != 2 {
		t.Errorf("in %+v", p.Calls)
	}
}

// TestProbeGoesOn: in published queries the next token after a place is of what may
// stand there, so far as keywords are: a by, as or nodrop that the parser took is one that
// the probe named.
func TestProbeGoesOn(t *testing.T) {
	checked := 0
	for i, q := range syntaxtest.Corpus(t) {
		if i%97 != 0 {
			continue
		}
		text := q.Text()
		f := diag.Text("q", text)
		tree, found := syntax.Parse(f, words)
		if found.HasErrors() {
			continue
		}
		for _, s := range tree.Stages {
			for _, a := range s.Args {
				n, ok := a.Value.(*syntax.Name)
				if !ok || !strings.EqualFold(n.Text, a.Slot) || n.Pos.Start == 0 || text[n.Pos.Start-1] != ' ' {
					continue
				}
				checked++
				p, met := syntax.Probe(f, words, n.Pos.Start), false
				for _, w := range p.Wants {
					met = met || strings.EqualFold(w.Word, n.Text)
				}
				if !met {
					t.Errorf("%s: %q is not among %v behind %q", q.ID, n.Text, p.Wants, text[s.Pos.Start:n.Pos.Start])
				}
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d keywords", checked)
	}
}
