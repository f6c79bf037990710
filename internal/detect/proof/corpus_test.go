package proof_test

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/detect/proof"
	"github.com/gyoji-dev/gyoji/internal/engine/lang/langtest"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
	"github.com/gyoji-dev/gyoji/sigma"
	"github.com/gyoji-dev/gyoji/sigma/sigmatest"
)

var (
	every  = flag.Int("every", 301, "compare every so many of SigmaHQ's rules; 1 is all of them")
	update = flag.Bool("update", false, "write the table of what was proved anew, of the rules that -every takes")
)

// proved counts how the rules of a language came out.
type proved struct{ rules, equal, differ, refused, events, empty int }

// conversions are the ways that are proved: a side of a rule, or an error why
// there is none.
var conversions = []struct {
	name    string
	refused int // of how many rules one may be refused
	of      func(*testing.T, *sigma.Rule) (*proof.Side, error)
}{
	{"Sumo query", 30, func(t *testing.T, r *sigma.Rule) (*proof.Side, error) { return converted(t, "sumo", r) }},
	{"Cloud SIEM expression", 30, func(t *testing.T, r *sigma.Rule) (*proof.Side, error) { return converted(t, "cse", r) }},
	{"Sumo query, and that a Sigma rule again", 30, again},
	{"Cloud SIEM rule, and that a Sigma rule again", 12, siemAgain},
}

func converted(t *testing.T, language string, r *sigma.Rule) (*proof.Side, error) {
	b := convert.Named(language)
	text, err := convert.Rule(b, r, convert.Options{})
	if err != nil {
		return nil, err
	}
	side, ds := proof.Converted(b, r, convert.Options{}, text)
	if ds.HasErrors() {
		t.Errorf("%s: does not compile: %v", r.Place(), ds)
	}
	return side, ds.Err()
}

func again(t *testing.T, r *sigma.Rule) (*proof.Side, error) {
	text, err := convert.Rule(convert.Named("sumo"), r, convert.Options{})
	if err != nil {
		return nil, err
	}
	p, ds := convert.FromSumo(diag.Text(r.File.Name+".sumo", text))
	if p == nil {
		t.Errorf("%s: the query is no rule: %v", r.Place(), ds)
		return nil, ds.Err()
	}
	if len(p.Lost) > 0 {
		return nil, p.Lost[0]
	}
	side, ds := proof.Read(diag.Text(r.File.Name+" again.yml", convert.SigmaText(p, sigma.Meta{Title: r.Title, Description: "D"})))
	if ds.HasErrors() {
		t.Errorf("%s: the rule does not read back: %v", r.Place(), ds)
	}
	return side, ds.Err()
}

// siemAgain is a rule of Cloud SIEM made of a rule, as a Sigma rule.
func siemAgain(t *testing.T, r *sigma.Rule) (*proof.Side, error) {
	text, err := convert.Rule(convert.Named("cse"), r, convert.Options{})
	if err != nil {
		return nil, err
	}
	docs, ds := ruledoc.Read(diag.Text(r.File.Name+".json", text))
	if ds.HasErrors() {
		t.Errorf("%s: the rule is not read: %v", r.Place(), ds)
		return nil, ds.Err()
	}
	rule, ds := docs[0].Rule()
	if ds.HasErrors() {
		t.Errorf("%s: the rule is not read: %v", r.Place(), ds)
		return nil, ds.Err()
	}
	again, ds := convert.FromSIEM(rule)
	if again == "" {
		return nil, ds.Err()
	}
	side, ds := proof.Read(diag.Text(r.File.Name+" again.yml", again))
	if ds.HasErrors() {
		t.Errorf("%s: the rule does not read back: %v\n%s", r.Place(), ds, again)
	}
	return side, ds.Err()
}

// TestEveryConversionIsRead compiles what every rule is converted to: that each
// means the same is proved of a few below.
func TestEveryConversionIsRead(t *testing.T) {
	for _, c := range conversions {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, r := range sigmatest.Windows(t) {
				if _, err := c.of(t, r); err != nil {
					t.Logf("refused: %v", err)
				}
			}
		})
	}
}

// TestConversionsOfTheCorpus compares SigmaHQ's rules with what they are
// converted to.
func TestConversionsOfTheCorpus(t *testing.T) {
	rules := sigmatest.Windows(t)
	counts := make([]proved, len(conversions))
	t.Run("all", func(t *testing.T) {
		for n, c := range conversions {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				p := &counts[n]
				for i := 0; i < len(rules); i += *every {
					p.compare(t, rules[i], c.of)
				}
				t.Logf("%+v", *p)
				if p.refused > p.rules/c.refused+1 {
					t.Errorf("%d of %d rules are refused", p.refused, p.rules)
				}
			})
		}
	})
	if !*update {
		return
	}
	var table strings.Builder
	fmt.Fprintf(&table, "SigmaHQ's rules for Windows (%d of %d), converted and compared with the rule on events made for both:\n\n| as | equal | differ | refused | of the equal, no event was made that they match | events made |\n|---|---:|---:|---:|---:|---:|\n", counts[0].rules, len(rules))
	for n, c := range conversions {
		p := counts[n]
		fmt.Fprintf(&table, "| %s | %d | %d | %d | %d | %d |\n", c.name, p.equal, p.differ, p.refused, p.empty, p.events)
	}
	langtest.SetSection(t, "../../../docs/compatibility.md", "proof", table.String())
}

func (p *proved) compare(t *testing.T, r *sigma.Rule, of func(*testing.T, *sigma.Rule) (*proof.Side, error)) {
	p.rules++
	one, ds := proof.Sigma(r)
	if ds.HasErrors() {
		p.refused++
		return
	}
	two, err := of(t, r)
	if err != nil {
		p.refused++
		t.Logf("refused: %v", err)
		return
	}
	res, err := proof.Check(context.Background(), one, two, nil)
	if err != nil {
		t.Fatalf("%s: %v", r.Place(), err)
	}
	p.events += res.Made
	if !res.Equal() {
		p.differ++
		t.Errorf("%s: differ on %d of %d: rule %v, other %v on %s", r.Place(), res.Different, res.Made, res.Verdict[0], res.Verdict[1], res.Event)
		return
	}
	p.equal++
	if res.Empty() {
		p.empty++
	}
}
