package query

import (
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
)

func TestSearchThatReadsAsAStageIsWarnedOf(t *testing.T) {
	for text, want := range map[string]bool{
		`json auto | where a = "1"`:         true,
		`Parse Regex "(?<a>x)" | count`:     true,
		`parse "a=*" as a`:                  true,
		`where EventID = "1"`:               true,
		`count by Image`:                    true,
		`* | json auto | where a = "1"`:     false,
		`"json auto" | count`:               false,
		`json | count`:                      false,
		`transaction failed | count`:        false,
		`error json auto | count`:           false,
		`json OR auto | count`:              false,
		`_sourceCategory=json auto | count`: false,
	} {
		_, diags := Compile(diag.Text("query", text), Standard())
		got := false
		for _, d := range diags {
			got = got || d.Code == "operator-as-keyword"
		}
		if got != want {
			t.Errorf("%s: warned %v, want %v", text, got, want)
		}
	}
}
