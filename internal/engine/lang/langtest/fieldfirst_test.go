package langtest_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
	"github.com/gyoji-dev/gyoji/syntax/syntaxtest"
)

// afterField is each operator that may follow a field, with what follows it.
var afterField = []string{
	"- b", "+ b", "* b", "/ b", "% 2", "- 60000", "-60000", "- (b + c)", "- floor(b)", "-b*100/c",
	"= b", "== b", "!= b", "<> b", "< b", "<= b", "> b", ">= b", "= \"x\"", "> 5 and c < 2", "> 5 or c", "&& c", "|| c", "and c", "or c",
	"matches \"a*\"", "matches /a/", "not matches \"a*\"", "!matches \"a*\"", "in (\"a\", \"b\")", "not in (\"a\")", "!in (\"a\")",
	"contains \"a\"", "not contains \"a\"", "? b : c", "> 5 ? b : c", "is null", "is not null", "=~ \"a\"",
}

// ownNames are names that resemble the language's own words: each as it is, with
// a letter left out, doubled, changed and added.
func ownNames() []string {
	names := map[string]bool{
		"_count": true, "_count_1d": true, "_max": true, "_min": true, "_timeslice": true, "total": true, "failed": true, "price": true,
		"_sum": true, "_avg": true, "_raw": true, "_size": true, "_messageTime": true, "ok": true, "count_1": true, "bytes": true,
	}
	for _, word := range query.Standard().Names() {
		if strings.Contains(word, " ") {
			continue
		}
		names[word], names["_"+word], names[word+"s"], names[word+"1"] = true, true, true, true
		for i := range word {
			names[word[:i]+word[i+1:]] = true
			names[word[:i]+word[i:i+1]+word[i:]] = true
			names[word[:i]+"x"+word[i+1:]] = true
		}
	}
	return fieldsAmong(names)
}

// publishedNames are the fields that published queries have.
func publishedNames(t *testing.T) []string {
	names := map[string]bool{}
	for _, q := range syntaxtest.Corpus(t) {
		tree, _ := syntax.Parse(diag.Text("query", q.Text()), query.Standard())
		syntax.Walk(tree, func(n syntax.Node) bool {
			if f, ok := n.(*syntax.Field); ok && !f.Quoted {
				names[f.Name] = true
			}
			return true
		})
	}
	return fieldsAmong(names)
}

// fieldsAmong leaves out what is no field as it stands.
func fieldsAmong(names map[string]bool) (list []string) {
	for _, n := range slices.Sorted(maps.Keys(names)) {
		switch strings.ToLower(n) {
		case "", "and", "or", "not", "in", "as", "by", "matches", "contains", "true", "false", "null":
		default:
			if n[0] < '0' || n[0] > '9' {
				list = append(list, n)
			}
		}
	}
	return list
}

// TestStageMayStartWithAnyField reads "FIELD OPERATOR ... as x" for every name
// and every operator: what stands behind the name decides, and never how much it
// looks like the name of an operator of the language.
func TestStageMayStartWithAnyField(t *testing.T) {
	t.Run("like the words of the language", func(t *testing.T) { startWith(t, ownNames(), 1) })
	// Of the many published names each meets every third operator, which third
	// differs from name to name.
	t.Run("published", func(t *testing.T) { startWith(t, publishedNames(t), 3) })
}

func startWith(t *testing.T, names []string, every int) {
	bad := 0
	for i, name := range names {
		for j, rest := range afterField {
			if (i+j)%every != 0 {
				continue
			}
			text := "* | " + name + " " + rest + " as x | where x > 1"
			tree, diags := syntax.Parse(diag.Text("query", text), query.Standard())
			if problem := startsWithField(tree, diags, name); problem != "" {
				if bad++; bad < 20 {
					t.Errorf("%s: %s", text, problem)
				}
			}
		}
	}
	t.Logf("%d names, %d not read", len(names), bad)
}

func startsWithField(tree *syntax.Query, diags diag.List, name string) string {
	for _, d := range diags {
		if d.Severity == diag.Error {
			return d.Message
		}
	}
	if len(tree.Stages) != 2 || tree.Stages[0].Kind != syntax.Assigning || tree.Stages[0].As == nil || tree.Stages[0].As.Name != "x" {
		return "is no assignment"
	}
	first := ""
	syntax.Walk(tree.Stages[0].X, func(n syntax.Node) bool {
		if f, ok := n.(*syntax.Field); ok && first == "" {
			first = f.Name
		}
		return first == ""
	})
	if first != name {
		return "does not start with the field but with " + first
	}
	return ""
}
