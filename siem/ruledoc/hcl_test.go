package ruledoc

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
)

// TestHCLRoundTrip: what is written is what HashiCorp's parser reads, whatever stands in
// texts: escapes, templates, control characters, letters of all planes.
func TestHCLRoundTrip(t *testing.T) {
	pieces := strings.Split(`a|"|\|\n|${|%{|$${|$|%|{|}|$$|`+"\n|\r|\t|\x00|\x1b|\x7f|\u0085|\u200f|é|\U0001f600|\U000e0001|<<-E\nE|#|//", "|")
	rnd := rand.New(rand.NewPCG(7, 7))
	text := func() string {
		var b strings.Builder
		for range rnd.IntN(8) {
			b.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		return b.String()
	}
	var value func(depth int) Value
	value = func(depth int) Value {
		switch n := rnd.IntN(7); {
		case n == 0:
			return Of(rnd.IntN(2) == 0)
		case n == 1:
			return Value{Kind: Number, Text: []string{"0", "-12", "1.5", "2e3", "123456789012345678"}[rnd.IntN(5)]}
		case n == 2 && depth > 0:
			v := Value{Kind: List}
			for range rnd.IntN(3) {
				v.Items = append(v.Items, Of(text()))
			}
			return v
		case n == 3 && depth > 0: // a list of objects is blocks
			v := Value{Kind: List}
			for range 1 + rnd.IntN(3) {
				v.Items = append(v.Items, Value{Kind: Object, Members: []Member{{Key: "one", Value: value(depth - 1)}, {Key: "two", Value: value(0)}}})
			}
			return v
		}
		return Of(text())
	}
	for range 2000 {
		v := Value{Kind: Object, Members: []Member{{Key: "a", Value: value(2)}, {Key: "b", Value: value(2)}, {Key: "c", Value: Of(text())}}}
		out := writeHCL("match_rule", "x", &v)
		all, found := parseHCL(diag.Text("x.tf", out))
		if len(found) > 0 || len(all) != 1 || !Same(&all[0].Body, &v) {
			t.Fatalf("%s\n%v\n%+v\nwant\n%+v", out, found, all, v)
		}
	}
}
