package proof_test

import (
	"context"
	"flag"
	"testing"

	"github.com/gyoji-dev/gyoji/convert"
	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/proof"
	"github.com/gyoji-dev/gyoji/sigma"
	"github.com/gyoji-dev/gyoji/sigma/sigmatest"
)

var every = flag.Int("every", 301, "compare every so many of SigmaHQ's rules; 1 is all of them")

// TestConversionsOfTheCorpus compares SigmaHQ's rules with what they are
// converted to.
func TestConversionsOfTheCorpus(t *testing.T) {
	rules := sigmatest.Windows(t)
	for _, language := range []string{"sumo", "cse"} {
		t.Run(language, func(t *testing.T) {
			b := convert.Named(language)
			equal, refused, broken, events, hits := 0, 0, 0, 0, 0
			for i := 0; i < len(rules); i += *every {
				r := rules[i]
				text, err := convert.Rule(b, r, convert.Options{})
				if err != nil {
					refused++
					continue
				}
				one, ds := proof.Sigma(r)
				if ds.HasErrors() {
					refused++
					continue
				}
				two, ds := proof.Converted(b, r, convert.Options{}, text)
				if ds.HasErrors() {
					t.Errorf("%s: does not compile: %v", r.Place(), ds)
					broken++
					continue
				}
				res, err := proof.Check(context.Background(), one, two, nil)
				if err != nil {
					t.Fatalf("%s: %v", r.Place(), err)
				}
				events += res.Made
				if res.Matched[0] > 0 {
					hits++
				}
				if res.Equal() {
					equal++
					continue
				}
				t.Errorf("%s: differ on %d of %d: rule %v, %s %v on %s", r.Place(), res.Different, res.Made, res.Verdict[0], language, res.Verdict[1], res.Event)
			}
			t.Logf("%d equal, %d refused, %d do not compile, of %d; %d events made; %d rules matched some", equal, refused, broken, (len(rules)+*every-1) / *every, events, hits)
		})
	}
}

// TestQueriesOfRulesAreRulesAgain converts rules to Sumo queries and those to
// rules, which must be the first ones still.
func TestQueriesOfRulesAreRulesAgain(t *testing.T) {
	rules := sigmatest.Windows(t)
	equal, lossy, refused := 0, 0, 0
	for i := 0; i < len(rules); i += *every {
		r := rules[i]
		text, err := convert.Rule(convert.Named("sumo"), r, convert.Options{})
		if err != nil {
			refused++
			continue
		}
		p, ds := convert.FromSumo(diag.Text(r.File.Name+".sumo", text))
		if p == nil {
			t.Errorf("%s: the query is no rule: %v", r.Place(), ds)
			continue
		}
		if len(p.Lost) > 0 {
			t.Logf("%s: %v", r.Place(), p.Lost)
			lossy++
			continue
		}
		one, ds := proof.Sigma(r)
		if ds.HasErrors() {
			t.Fatalf("%s: %v", r.Place(), ds)
		}
		back := convert.SigmaText(p, sigma.Meta{Title: r.Title, Description: "D"})
		two, ds := proof.Read(diag.Text(r.File.Name+" again.yml", back))
		if ds.HasErrors() {
			t.Errorf("%s: %v\n%s", r.Place(), ds, back)
			continue
		}
		res, err := proof.Check(context.Background(), one, two, nil)
		if err != nil {
			t.Fatalf("%s: %v", r.Place(), err)
		}
		if !res.Equal() {
			t.Errorf("%s: differ on %d of %d: first %v, again %v on %s\n%s", r.Place(), res.Different, res.Made, res.Verdict[0], res.Verdict[1], res.Event, back)
			continue
		}
		equal++
	}
	t.Logf("%d equal, %d lose something, %d refused", equal, lossy, refused)
	if lossy > equal/50 {
		t.Errorf("%d rules of %d lose something on the way", lossy, lossy+equal)
	}
}
