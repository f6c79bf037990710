package live_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/store"
)

// TestBaselineFromTheStore adds a first seen rule to a store that has logs: it learns from
// them, signals nothing in them, and from then on signals what a run signals that was given the
// same logs as its baseline. What ran before goes on undisturbed.
func TestBaselineFromTheStore(t *testing.T) {
	for round := range 3 {
		rnd := rand.New(rand.NewPCG(uint64(round), 7))
		all := strings.Split(rules, "---\n")
		b := newBench(t, strings.Join(all[:3], "---\n"))
		lines := logons(rnd, 900, time.Minute)
		for i := 600; i < len(lines); i += 1 + rnd.IntN(20) { // addresses that no log had before
			lines[i] = strings.Replace(lines[i], `"10.0.0.`, fmt.Sprintf(`"10.9.%d.`, rnd.IntN(9)), 1)
		}
		b.add(lines[:600]...)
		b.start()
		snap := b.store.Snapshot(store.View{})
		place := snap.Next()
		defer snap.Close()
		until := func(what string, holds func() bool) {
			t.Helper()
			for began := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
				if time.Since(began) > 30*time.Second {
					t.Fatalf("after 30 s not %s: %+v", what, b.engine.Status())
				}
			}
		}
		until("all is judged", func() bool { return b.engine.Status().Place >= place })
		b.docs = documents(t, rules)
		b.engine.Changed()
		waited := false
		until("it is built", func() bool {
			s := b.engine.Status()
			waited = waited || len(s.Pending) > 0
			return s.Rules == 4 && len(s.Pending) == 0
		})
		if !waited {
			t.Error("the rule never waited for its baseline")
		}
		b.add(lines[600:]...)
		got, _ := b.end()
		first := func(all []string) (some []string) {
			for _, s := range all {
				if strings.Contains(s, "FIRST-U00005") {
					some = append(some, cutSuppressed(s))
				}
			}
			slices.Sort(some)
			return some
		}

		x := tenant.New(documents(t, rules), nil)
		x.Rules = slices.DeleteFunc(x.Rules, func(r *tenant.Rule) bool { return !r.Learns() })
		pass := &tenant.Pass{Tenant: x, Rules: x.Rules}
		rest := b.store.Snapshot(store.View{After: place})
		defer rest.Close()
		if err := query.RunTogether(context.Background(), query.Run{Input: snap.Feeder()}, nil, pass.Baseline()); err != nil {
			t.Fatal(err)
		}
		if err := query.RunTogether(context.Background(), query.Run{Input: rest.Feeder()}, nil, pass.Consumer()); err != nil {
			t.Fatal(err)
		}
		made, _, _, err := pass.Run.Signals()
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, s := range made {
			want = append(want, said(s))
		}
		if len(want) == 0 || !slices.Equal(first(got), first(want)) {
			t.Errorf("round %d: the rule signals\n%s\nwant\n%s", round, strings.Join(first(got), "\n"), strings.Join(first(want), "\n"))
		}
	}
}

// cutSuppressed leaves out of a signal's words whether it counts: on the desks there are those
// of other rules, too.
func cutSuppressed(s string) string {
	at := strings.Index(s, " [")
	return s[:at]
}
