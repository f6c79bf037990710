package syntax_test

import (
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
)

func stage(t *testing.T, src string) *syntax.Stage {
	t.Helper()
	q, l := syntax.Parse(diag.Text("query", "* | "+src), query.Standard())
	if l.HasErrors() || len(q.Stages) != 1 {
		t.Fatalf("%s: %d stages\n%s", src, len(q.Stages), l)
	}
	return q.Stages[0]
}

func TestBindFillsFieldsByTheirTags(t *testing.T) {
	var args struct {
		From  *syntax.Field `usage:"from"`
		Rules []struct {
			Pattern *syntax.String  `usage:"pattern"`
			Names   []*syntax.Field `usage:"names"`
		} `usage:"rules"`
		Nodrop bool `usage:"nodrop"`
		Other  int
	}
	if err := syntax.Bind(stage(t, `parse field=msg "a=*, b=*" as a, b, "c=*" as c nodrop`), &args); err != nil {
		t.Fatal(err)
	}
	if args.From.Name != "msg" || !args.Nodrop || len(args.Rules) != 2 {
		t.Fatalf("got %+v", args)
	}
	if r := args.Rules[0]; r.Pattern.Value != "a=*, b=*" || len(r.Names) != 2 || r.Names[1].Name != "b" {
		t.Errorf("first rule: got %+v", r)
	}
	if r := args.Rules[1]; r.Pattern.Value != "c=*" || len(r.Names) != 1 || r.Names[0].Name != "c" {
		t.Errorf("second rule: got %+v", r)
	}
}

func TestBindLeavesOutWhatWasNotWritten(t *testing.T) {
	var args struct {
		Every *syntax.Duration `usage:"every"`
		N     *syntax.Number   `usage:"n"`
		Out   *syntax.Field    `usage:"out"`
		By    bool             `usage:"by"`
	}
	if err := syntax.Bind(stage(t, `timeslice 15m`), &args); err != nil {
		t.Fatal(err)
	}
	if args.N != nil || args.Out != nil || args.By || args.Every == nil || args.Every.Millis != 15*60*1000 {
		t.Errorf("got %+v", args)
	}
}

func TestBindTakesKeywordsAsText(t *testing.T) {
	var args struct {
		Shifts []struct {
			By   *syntax.Duration `usage:"by"`
			How  string           `usage:"avg|min|max"`
			Name *syntax.Field    `usage:"name"`
		} `usage:"shifts"`
	}
	if err := syntax.Bind(stage(t, `compare with timeshift 1d 7 AVG as week, timeshift 1d`), &args); err != nil {
		t.Fatal(err)
	}
	if len(args.Shifts) != 2 || args.Shifts[0].How != "avg" || args.Shifts[0].Name.Name != "week" || args.Shifts[1].How != "" {
		t.Errorf("got %+v", args.Shifts)
	}
}

func TestBindTellsWhenLineAndStructDisagree(t *testing.T) {
	var args struct {
		N *syntax.Field `usage:"n"`
	}
	if err := syntax.Bind(stage(t, `limit 5`), &args); err == nil {
		t.Error("a number went into a field")
	}
	if err := syntax.Bind(stage(t, `limit 5`), args); err == nil {
		t.Error("a struct that is no pointer was filled")
	}
}

func TestBindTellsAKeywordFromASlotOfItsName(t *testing.T) {
	var args struct {
		Fringe *syntax.Duration `usage:"fringe"`
	}
	u, err := syntax.ParseUsage("probe fringe=<fringe:duration>")
	if err != nil {
		t.Fatal(err)
	}
	q, l := syntax.Parse(diag.Text("query", "* | probe fringe=10m"), oneMore{query.Standard(), u})
	if l.HasErrors() {
		t.Fatal(l)
	}
	if err := syntax.Bind(q.Stages[0], &args); err != nil {
		t.Fatal(err)
	}
	if args.Fringe == nil || args.Fringe.Millis != 600_000 {
		t.Errorf("got %+v", args.Fringe)
	}
}

// oneMore is a grammar with one more operator, probe.
type oneMore struct {
	syntax.Grammar
	probe *syntax.Usage
}

func (g oneMore) Usage(op string) (*syntax.Usage, bool) {
	if op == "probe" {
		return g.probe, true
	}
	return g.Grammar.Usage(op)
}
