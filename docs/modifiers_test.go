package docs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

// modifiers is the page of all modifiers of Sigma.
func modifiers() []byte {
	var b strings.Builder
	b.WriteString(`# Modifiers

A Sigma rule compares a field with a value as a whole, ignoring letter case, where ` + "`*` and `?`" + ` are
wildcards. Words after a ` + "`|`" + ` change that, from left to right:

` + "```yaml" + `
selection:
    CommandLine|windash|contains|all: [' -decode ', ' -f ']
` + "```" + `

This page is written by a test, from the modifiers themselves.

| modifier | what it says | as in |
|---|---|---|
`)
	for _, m := range sigma.Modifiers() {
		name := "`" + m.Name + "`"
		if m.Also != "" {
			name += ", `" + m.Also + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` |\n", name, cell(m.Summary), cell(m.Example))
	}
	return []byte(b.String())
}

// Every modifier's example is a line of a rule that has it.
func TestModifiersHaveExamples(t *testing.T) {
	for _, m := range sigma.Modifiers() {
		docs, ds := sigma.Parse(diag.Text("m.yml", "title: T\nlogsource: {product: windows}\ndetection:\n  s:\n    "+m.Example+"\n  condition: s\n"))
		if len(ds) > 0 || len(docs) != 1 {
			t.Errorf("%s: %s: %v", m.Name, m.Example, ds)
			continue
		}
		test := docs[0].(*sigma.Rule).Searches[0].Item.(*sigma.Group).Items[0].(*sigma.Test)
		if !test.Has(m.Name) || m.Summary == "" {
			t.Errorf("%s: %s does not have it", m.Name, m.Example)
		}
	}
}
