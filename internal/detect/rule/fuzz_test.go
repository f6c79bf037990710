package rule_test

import (
	"slices"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/sigma"
)

// Whatever a rule says and an event holds, the index finds what the plain
// condition finds, and nothing falls over.
func FuzzIndex(f *testing.F) {
	for _, s := range []string{`{A: foo}`, `{A|contains: [x, "é"]}`, `{A|re: 'a|b.*c'}`, `{A|neq: x, B|startswith|all: [a, 'b?']}`,
		`[{A: x}, {B|endswith: y}]`, `{A: null, B|exists: true}`, `{A|windash|contains: ' -a'}`, `{A|cidr: 10.0.0.0/8}`, `{A|fieldref: B}`, `{A|re|i: '(K|ſ)x'}`} {
		f.Add(s, "foo", "bar")
		f.Add(s, "X\u212aé", "10.1.2.3")
	}
	f.Fuzz(func(t *testing.T, detection, a, b string) {
		docs, diags := sigma.Parse(diag.Text("f.yml", "title: t\nlogsource: {product: linux}\ndetection:\n  s: "+detection+"\n  condition: s\n"))
		if diags.HasErrors() {
			return
		}
		sc := rule.NewScope()
		rules, _ := sc.Lower(docs, nil)
		if len(rules) != 1 {
			return
		}
		batch := &event.Batch{}
		slotA, slotB := sc.Layout.Slot("A"), sc.Layout.Slot("B")
		for i, v := range [][2]string{{a, b}, {b, a}, {a, ""}, {"x" + a + "x", b}} {
			row := batch.AddRow(0, uint64(i))
			batch.Col(slotA).Set(row, event.Text(v[0]))
			if v[1] != "" {
				batch.Col(slotB).Set(row, event.Text(v[1]))
			}
		}
		var got []uint16
		set := rule.Compile(sc, rules)
		if err := set.Open(&expr.Env{}).Match(batch, func(_ int, rows []uint16) error {
			got = append(got, rows...)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		want := expr.Compile(rules[0].When()).Open(&expr.Env{}).Keep(batch, slices.Clone(batch.Live))
		if !slices.Equal(got, want) {
			t.Errorf("%s over %q, %q: the index finds rows %v, the condition %v", detection, a, b, got, want)
		}
	})
}
