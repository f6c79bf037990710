package syntax_test

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
)

// A query is read into a tree, and printed in canonical form. The grammar says which words
// there are; gyoji's own is that of the engine.
func ExampleParse() {
	q, diags := syntax.Parse(diag.Text("query", `error|where status=500|count by host|sort by _count`), query.Standard())
	if diags.HasErrors() {
		fmt.Println(diags.Err())
		return
	}
	for _, s := range q.Stages {
		fmt.Printf("%q\n", q.File.Text[s.Pos.Start:s.Pos.End])
	}
	fmt.Println(syntax.Print(q))
	// Output:
	// "where status=500"
	// "count by host"
	// "sort by _count"
	// error
	// | where status = 500
	// | count by host
	// | sort by _count
}
