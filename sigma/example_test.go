package sigma_test

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

// A rule is a tree; each part knows its place in the text.
func ExampleParse() {
	docs, diags := sigma.Parse(diag.Text("rule.yml", `title: Encoded PowerShell
level: high
logsource: {product: windows, category: process_creation}
detection:
  selection:
    Image|endswith: '\powershell.exe'
    CommandLine|contains: ' -enc '
  condition: selection
`))
	if diags.HasErrors() {
		fmt.Println(diags.Err())
		return
	}
	for _, d := range docs {
		r := d.(*sigma.Rule)
		fmt.Println(r.Title, "is about", r.LogSource)
		for _, s := range r.Searches {
			sigma.WalkTests(s.Item, func(t *sigma.Test) { fmt.Println(s.Name, "reads", t.Field) })
		}
	}
	// Output:
	// Encoded PowerShell is about product windows, category process_creation
	// selection reads Image
	// selection reads CommandLine
}
