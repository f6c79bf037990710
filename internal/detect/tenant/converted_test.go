package tenant

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
	"github.com/gyoji-dev/gyoji/sigma"
)

const correlated = `
title: Failed
name: failed
logsource: {product: windows, service: security}
detection: {s: {EventID: 4625}, condition: s}
---
title: Good
name: good
logsource: {product: windows, service: security}
detection: {s: {EventID: 4624}, condition: s}
---
title: C
correlation:
  type: %s
  rules: [%s]
  group-by: [%s]
  timespan: 10m
%s`

// TestConvertedCorrelations: a correlation written as a rule of Cloud SIEM fires first, in
// each group, at the event at which the correlation's sentence first holds. Written back
// it is the correlation that it was.
func TestConvertedCorrelations(t *testing.T) {
	const span = 600_000
	type counts func(window []timed) bool
	distinct := func(window []timed, field string) int {
		has := map[string]bool{}
		for _, e := range window {
			has[e.fields[field]] = true
		}
		return len(has)
	}
	has := func(window []timed, id string) bool {
		return slices.ContainsFunc(window, func(e timed) bool { return e.fields["EventID"] == id })
	}
	for _, c := range []struct {
		typ, rules, by, condition string
		ids                       string // of the events that take part
		complete                  counts // of the window that ends with the newest event
	}{
		{"event_count", "failed", "TargetUserName", "  condition: {gte: 3}\n", "4625", func(w []timed) bool { return len(w) >= 3 }},
		{"event_count", "failed", "TargetUserName, Computer", "  condition: {gt: 3}\n", "4625", func(w []timed) bool { return len(w) > 3 }},
		{"value_count", "failed", "IpAddress", "  condition: {gte: 3, field: TargetUserName}\n", "4625", func(w []timed) bool { return distinct(w, "TargetUserName") >= 3 }},
		{"temporal", "failed, good", "TargetUserName", "", "4625 4624", func(w []timed) bool { return has(w, "4625") && has(w, "4624") }},
		{"temporal_ordered", "failed, good", "TargetUserName, Computer", "", "4625 4624", func(w []timed) bool {
			first := slices.IndexFunc(w, func(e timed) bool { return e.fields["EventID"] == "4625" })
			return first >= 0 && has(w[first:], "4624")
		}},
	} {
		text := fmt.Sprintf(correlated, c.typ, c.rules, c.by, c.condition)
		docs, ds := sigma.Parse(diag.Text("c.yml", text))
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		co := docs[2].(*sigma.Correlation)
		rules := []*sigma.Rule{docs[0].(*sigma.Rule), docs[1].(*sigma.Rule)}[:len(co.Rules)]
		written, err := convert.Correlation(convert.Named("cse"), co, rules, convert.Options{})
		if err != nil {
			t.Fatalf("%s: %v", c.typ, err)
		}
		fired := 0
		for seed := range uint64(8) {
			rnd := rand.New(rand.NewPCG(seed, 20))
			var events []timed
			at := int64(start)
			for i := range 120 {
				at += rnd.Int64N(9)*7_000 + 1
				events = append(events, timed{at, uint64(i), map[string]string{
					"Channel": "Security", "EventID": []string{"4624", "4625"}[rnd.IntN(2)], "Computer": fmt.Sprint("H", rnd.IntN(2)),
					"TargetUserName": fmt.Sprint("U", rnd.IntN(5)), "IpAddress": fmt.Sprint("10.0.0.", rnd.IntN(8)),
				}})
			}
			group := func(e timed) string {
				var of []string
				for n := range strings.SplitSeq(c.by, ", ") {
					of = append(of, e.fields[n])
				}
				return strings.ToLower(strings.Join(of, "|"))
			}
			want := map[string]int64{}
			for i, e := range events {
				if _, done := want[group(e)]; done || !strings.Contains(c.ids, e.fields["EventID"]) {
					continue
				}
				var window []timed
				for _, o := range events[:i+1] {
					if group(o) == group(e) && e.at-o.at < span && strings.Contains(c.ids, o.fields["EventID"]) {
						window = append(window, o)
					}
				}
				if c.complete(window) {
					want[group(e)] = e.at
				}
			}
			ruleDocs, ds := ruledoc.Read(diag.Text("r.json", written))
			x := New(ruleDocs, ds)
			if len(x.Unusable) > 0 || len(x.Rules) != 1 {
				t.Fatalf("%s: %v", written, x.Unusable)
			}
			x.Ready()
			run := x.Open(runtimeOf(t), x.Rules)
			task := run.Task(&expr.Env{})
			if err := task.Push(x.batch(events)); err != nil {
				t.Fatal(err)
			}
			if err := task.Flush(); err != nil {
				t.Fatal(err)
			}
			signals, _, _, err := run.Signals()
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]int64{}
			for _, s := range signals {
				key := group(events[s.Pos])
				if _, done := got[key]; !done {
					got[key] = s.Time
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s by %s, seed %d: first signals %v, want %v\n%s", c.typ, c.by, seed, got, want, written)
			}
			fired += len(want)
		}
		if fired < 10 {
			t.Errorf("%s: %d groups fire in all rounds: too few to judge by", c.typ, fired)
		}
		ruleDocs, _ := ruledoc.Read(diag.Text("r.json", written))
		r, ds := ruleDocs[0].Rule()
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		again, ds := convert.FromSIEM(r)
		back, more := sigma.Parse(diag.Text("again.yml", again))
		if ds.HasErrors() || more.HasErrors() {
			t.Fatalf("%v %v\n%s", ds, more, again)
		}
		c2 := back[len(back)-1].(*sigma.Correlation)
		names := func(list []sigma.Named) (out []string) {
			for _, n := range list {
				out = append(out, n.Name)
			}
			return out
		}
		if c2.Type != co.Type || c2.Timespan != co.Timespan || !slices.Equal(names(c2.GroupBy), names(co.GroupBy)) || !slices.Equal(names(c2.Fields), names(co.Fields)) || len(c2.Rules) != len(co.Rules) {
			t.Errorf("%s comes back as\n%s", c.typ, again)
		}
		for n := range 10 { // the same counts meet both
			if len(co.Bounds) > 0 && c.condition != "" && co.Holds(float64(n)) != c2.Holds(float64(n)) {
				t.Errorf("%s: a count of %d: %v, written back %v", c.typ, n, co.Holds(float64(n)), c2.Holds(float64(n)))
			}
		}
	}
}
