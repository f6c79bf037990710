package op

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
)

// The set finds what the terms find one by one: words, phrases, names with dots,
// wildcards, letters whose cases are odd.
func TestTermSetFindsWhatItsTermsFind(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	pieces := []string{"a", "ab", "K", "k", "\u212a", "s", "\u017f", "é", "É", "1", "10.1", "-", "_", " ", "  ", "\n", ".", "x*", "*", "?", "\u00a0", "b c", "\xff", "İ"}
	text := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(pieces[r.IntN(len(pieces))])
			if r.IntN(3) == 0 {
				b.WriteByte(' ')
			}
		}
		return b.String()
	}
	found := 0
	for range 20_000 {
		var tree expr.Expr
		var terms []*term
		for range termSetLeast + r.IntN(4) {
			term, _ := compileTerm(text(1+r.IntN(3)), r.IntN(3) == 0)
			terms = append(terms, term)
			var x expr.Expr = &termTest{X: &expr.Field{}, term: term}
			if tree != nil {
				x = &expr.Or{X: tree, Y: x}
			}
			tree = x
		}
		message := text(1 + r.IntN(8))
		if at := r.IntN(len(terms)); r.IntN(2) == 0 && len(terms[at].parts) > 0 { // one of them is there, in capitals
			message = text(1) + " " + strings.ToUpper(terms[at].parts[0].text) + " " + text(2)
		}
		var set *termSet
		expr.Walk(setsOfTerms(tree), func(x expr.Expr) bool {
			if y, ok := x.(*termSet); ok {
				set = y
			}
			return true
		})
		if set == nil {
			continue
		}
		want := false
		for _, t := range terms {
			if _, ok := t.firstToken(); ok {
				want = want || t.Match(message)
			}
		}
		if want {
			found++
		}
		if got := set.match(message); got != want {
			t.Fatalf("%q: the set says %v, its terms %v", message, got, want)
		}
	}
	if found < 100 {
		t.Errorf("only %d were found", found)
	}
}
