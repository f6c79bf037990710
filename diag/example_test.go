package diag_test

import (
	"os"

	"github.com/gyoji-dev/gyoji/diag"
)

// A diagnostic is shown with the line it is about, and a way out.
func ExampleWriteText() {
	f := diag.Text("hunt.sumo", "error | where count > 5\n| count by user")
	l := diag.List{{
		Severity: diag.Error, Code: "unknown-field", File: f, Span: diag.Span{Start: 14, End: 19},
		Message: "there is no field count yet", Help: "move where after count",
	}}
	diag.WriteText(os.Stdout, l, diag.Style{})
	// Output:
	// hunt.sumo:1:15: error: there is no field count yet [unknown-field]
	// 1 | error | where count > 5
	//   |               ^^^^^
	//   = help: move where after count
}
