package query

import (
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
)

func TestCanRead(t *testing.T) {
	for _, c := range []struct {
		query, category string
		want            bool
	}{
		{`_sourceCategory=*sysmon* | json auto | where EventID = 1`, "windows/sysmon", true},
		{`_sourceCategory=*sysmon* | json auto | where EventID = 1`, "Prod/SYSMON", true},
		{`_sourceCategory=*sysmon* | json auto | where EventID = 1`, "winlogbeat-8", false},
		{`(_sourceCategory=*sysmon* OR _sourceCategory=*security* OR _sourceCategory=*windows*)`, "windows/powershell", true},
		{`(_sourceCategory=*sysmon* OR _sourceCategory=*security*) error`, "prod/endpoints", false},
		{`_sourceCategory=a and _sourceHost=b`, "a", true},
		{`_sourceCategory=a and _sourceHost=b`, "b", false},
		{`!_sourceCategory=a x`, "a", false},
		{`!_sourceCategory=a x`, "b", true},
		{`error`, "b", true},
		{`*`, "b", true},
		{`_sourceHost=b`, "b", true},
	} {
		q, diags := Compile(diag.Text("query", c.query), Standard())
		if diags.HasErrors() {
			t.Fatal(diags.Err())
		}
		if got := q.CanRead("_sourceCategory", c.category); got != c.want {
			t.Errorf("%s over %s: %v, want %v", c.query, c.category, got, c.want)
		}
	}
}
