package siem_test

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/siem"
)

// An expression is read into a tree, walked, and printed in one way of writing it.
func ExampleParse() {
	x, diags := siem.Parse(diag.Text("expression", `metadata_vendor="Microsoft" and lower(commandLine) LIKE '%whoami%'`))
	if diags.HasErrors() {
		fmt.Println(diags.Err())
		return
	}
	siem.Walk(x.Cond, func(n siem.Node) bool {
		if f, ok := n.(*siem.Name); ok {
			fmt.Println("reads", f.Name)
		}
		return true
	})
	fmt.Println(siem.Print(x))
	// Output:
	// reads metadata_vendor
	// reads commandLine
	// metadata_vendor = 'Microsoft' AND lower(commandLine) LIKE '%whoami%'
}
