package api

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

// defaultPartition is the name of what is in no partition.
const defaultPartition = "sumologic_default"

// intoPartitions writes out what a query asks of partitions: _index=NAME and _view=NAME
// become the routing expression of the partition, since messages are not kept apart by
// partition. Names of what else there may be an _index of, such as records, stay.
func (a *API) intoPartitions(text string) (out string, warnings []string) {
	out, unknown, err := a.resolvePartitions(text)
	for _, name := range unknown {
		warnings = append(warnings, fmt.Sprintf("There is no partition %s, so no message is of it.", name))
	}
	if err != nil {
		warnings = append(warnings, "The partitions of the search could not be written out: "+problem(err, ""))
	}
	return out, warnings
}

// resolvePartitions writes partitions out, and tells the names that none has.
func (a *API) resolvePartitions(text string) (out string, unknown []string, err error) {
	parts := a.keep.list("partitions")
	lower := strings.ToLower(text)
	if !strings.Contains(lower, "_index") && !strings.Contains(lower, "_view") {
		return text, nil, nil
	}
	tree, err := a.tree(text)
	if err != nil || tree.Search == nil {
		return text, nil, nil // said elsewhere
	}
	type edit struct {
		from, to int
		with     string
	}
	var edits []edit
	syntax.Walk(tree.Search, func(n syntax.Node) bool {
		f, ok := n.(*syntax.FieldTerm)
		if !ok || !strings.EqualFold(f.Field.Name, "_index") && !strings.EqualFold(f.Field.Name, "_view") {
			return true
		}
		var any []string
		for _, v := range f.Values {
			if v.Text == "*" || strings.HasPrefix(strings.ToLower(v.Text), "sec_") {
				return true
			}
			glob := match.CompileGlob(v.Text, true)
			found := false
			for _, d := range parts {
				if p := d.fields(); glob.Match(p.text("name")) {
					any, found = append(any, "("+p.text("routingExpression")+")"), true
				}
			}
			if glob.Match(defaultPartition) {
				found = true
				none := "*"
				var all []string
				for _, d := range parts {
					all = append(all, "("+d.fields().text("routingExpression")+")")
				}
				if all != nil {
					none = "NOT (" + strings.Join(all, " OR ") + ")"
				}
				any = append(any, none)
			}
			if !found {
				unknown = append(unknown, v.Text)
			}
		}
		if any == nil {
			return true
		}
		with := "(" + strings.Join(any, " OR ") + ")"
		if f.Op == "!=" || f.Op == "not in" {
			with = "NOT " + with
		}
		edits = append(edits, edit{f.Pos.Start, f.Pos.End, with})
		return true
	})
	out = text
	for i := len(edits) - 1; i >= 0; i-- { // from the end, so that places stay
		out = out[:edits[i].from] + edits[i].with + out[edits[i].to:]
	}
	if _, err := a.tree(out); err != nil {
		return text, unknown, err
	}
	return out, unknown, nil
}

// Rewrite gives a query as search jobs run it: partitions that it names are resolved. The
// warnings are those that the job has of it.
func (a *API) Rewrite(query string) (string, []string) { return a.intoPartitions(query) }
