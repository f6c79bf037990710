package rule_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// base are the rules that the correlations of these tests are made of.
const base = `title: A
name: a
logsource: {product: linux}
detection: {s: {kind: a}, condition: s}
---
title: B
name: b
logsource: {product: linux}
detection: {s: {kind: b}, condition: s}
---
title: C
name: c
logsource: {product: linux}
detection: {s: {kind: c}, condition: s}
---
title: X
correlation: `

// day is when the hits begin, in seconds: 0 would be no time.
const day = 86400

// hit is an event, and which of the rules a, b, c match it.
type hit struct {
	at          int64 // s
	rules       []int
	user, value string
}

// plainly is what a correlation finds, by what docs/sigma.md says of it: every
// event is kept, and every window is looked at from its first event to its last.
// measure is the measure of a window and whether that meets the condition;
// slides and ordered are what kind of condition it is.
func plainly(hits []hit, rules int, grouped, slides, ordered bool, span int64, measure func([]hit) (float64, bool)) (found []string) {
	byUser := map[string][]int{}
	order := make([]int, len(hits))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(hits[a].at, hits[b].at) })
	for _, i := range order {
		h := hits[i]
		if len(h.rules) == 0 || grouped && h.user == "" {
			continue
		}
		user := ""
		if grouped {
			user = h.user
		}
		byUser[user] = append(byUser[user], i)
	}
	type one struct {
		first, last int64
		pos         int
		user        string
		value       float64
	}
	var all []one
	for user, is := range byUser {
		at := func(k int) int64 { return hits[is[k]].at }
		window := func(from, to int) (w []hit) {
			for _, i := range is[from:to] {
				for _, r := range hits[i].rules { // an event counts once for each rule
					w = append(w, hit{hits[i].at, []int{r}, hits[i].user, hits[i].value})
				}
			}
			return w
		}
		add := func(from, last int, v float64) {
			all = append(all, one{at(from), at(last), is[last], user, v})
		}
		next := 0
		for k := range is {
			switch {
			case ordered:
				// The latest start of events k1 < k2 < ... < k, one for each rule in turn.
				var latest func(last, rule int) int
				latest = func(last, rule int) int {
					if !slices.Contains(hits[is[last]].rules, rule) {
						return -1
					}
					if rule == 0 {
						return last
					}
					best := -1
					for p := next; p < last; p++ {
						best = max(best, latest(p, rule-1))
					}
					return best
				}
				if from := latest(k, rules-1); from >= next && at(k)-at(from) <= span {
					add(from, k, float64(rules))
					next = k + 1
				}
			case slides:
				from := next
				for at(k)-at(from) > span {
					from++
				}
				// The condition may be met before the last rule of the event is counted.
				w := window(from, k+1)
				for n := len(window(from, k)) + 1; n <= len(w); n++ {
					if v, ok := measure(w[:n]); ok {
						add(from, k, v)
						next = k + 1
						if n < len(w) {
							panic("the test's events must not meet a condition half-way")
						}
						break
					}
				}
			case k == next:
				to := k
				for to < len(is) && at(to)-at(k) <= span {
					to++
				}
				if v, ok := measure(window(k, to)); ok {
					add(k, to-1, v)
				}
				next = to
			}
		}
	}
	slices.SortFunc(all, func(a, b one) int {
		return cmp.Or(cmp.Compare(a.last, b.last), cmp.Compare(a.pos, b.pos), strings.Compare(a.user, b.user))
	})
	for _, o := range all {
		found = append(found, fmt.Sprintf("%d-%d %q %.6g", o.first, o.last, o.user, o.value))
	}
	return found
}

// correlated is what rule.Correlator finds in hits, given to it by some workers
// in the order of perm.
func correlated(t *testing.T, text string, hits []hit, perm []int, workers int, memory int64) ([]string, error) {
	t.Helper()
	sc := rule.NewScope()
	rules := lower(t, sc, "rules.yml", text)
	user, value := sc.Layout.Slot("user"), sc.Layout.Slot("value")
	rt := &exec.Runtime{Ctx: t.Context(), Budget: &exec.Budget{Limit: memory}, TempDir: t.TempDir()}
	co := rule.NewCorrelator(rt, rules)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			var b event.Batch
			mine := perm[len(perm)*w/workers : len(perm)*(w+1)/workers]
			for len(mine) > 0 && errs[w] == nil {
				b.Reset()
				rows := make([][]uint16, 3)
				for _, i := range mine[:min(len(mine), 1+len(perm)/50, event.MaxRows)] {
					h := hits[i]
					row := b.AddRow((day+h.at)*1000, uint64(i))
					if h.user != "" {
						b.Col(user).Set(row, event.Text(h.user))
					}
					b.Col(value).Set(row, event.Text(h.value))
					for _, r := range h.rules {
						rows[r] = append(rows[r], row)
					}
				}
				mine = mine[b.N:]
				for r := range rows {
					if errs[w] == nil && rules[r].Wants() {
						errs[w] = co.Add(rules[r], &b, rows[r])
					}
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var found []string
	err := co.Findings(func(f rule.Finding) error {
		found = append(found, fmt.Sprintf("%d-%d %q %.6g", f.First/1000-day, f.Last/1000-day, strings.Join(f.Groups, ","), f.Value))
		return nil
	})
	if left, _ := os.ReadDir(rt.TempDir); len(left) > 0 {
		t.Errorf("%s is still there", left[0].Name())
	}
	return found, err
}

// What correlations find in made events is what the plain reading of their
// definition finds, whatever order the events come in, by however many workers,
// and with memory for few of them.
func TestCorrelationsFindWhatIsThere(t *testing.T) {
	distinct := func(w []hit) float64 {
		m := map[string]bool{}
		for _, h := range w {
			m[h.value] = true
		}
		return float64(len(m))
	}
	seen := func(w []hit, rule int) bool {
		return slices.ContainsFunc(w, func(h hit) bool { return h.rules[0] == rule })
	}
	kinds := func(w []hit) (n float64) {
		for r := range 3 {
			if seen(w, r) {
				n++
			}
		}
		return n
	}
	numbers := func(w []hit) (ns []float64, sum float64) {
		for _, h := range w {
			var x float64
			if _, err := fmt.Sscan(h.value, &x); err == nil {
				ns, sum = append(ns, x), sum+x
			}
		}
		slices.Sort(ns)
		return ns, sum
	}
	for _, c := range []struct {
		body            string
		rules           int // a, or a, b and c
		slides, ordered bool
		measure         func([]hit) (float64, bool)
	}{
		{"type: event_count, rules: a, condition: {gte: 4}", 1, true, false, func(w []hit) (float64, bool) { return float64(len(w)), len(w) >= 4 }},
		{"type: event_count, rules: a, condition: {gt: 2}", 1, true, false, func(w []hit) (float64, bool) { return float64(len(w)), len(w) > 2 }},
		{"type: event_count, rules: a, condition: {lt: 3}", 1, false, false, func(w []hit) (float64, bool) { return float64(len(w)), len(w) < 3 }},
		{"type: event_count, rules: [a, b, c], condition: {eq: 5}", 3, false, false, func(w []hit) (float64, bool) { return float64(len(w)), len(w) == 5 }},
		{"type: event_count, rules: a, condition: {gt: 2, lte: 4}", 1, false, false, func(w []hit) (float64, bool) { return float64(len(w)), len(w) > 2 && len(w) <= 4 }},
		{"type: event_count, rules: [a, b, c], condition: {neq: 5}", 3, false, false, func(w []hit) (float64, bool) { return float64(len(w)), len(w) != 5 }},
		{"type: value_count, rules: a, condition: {gte: 3, field: value}", 1, true, false, func(w []hit) (float64, bool) { return distinct(w), distinct(w) >= 3 }},
		{"type: value_count, rules: [a, b, c], condition: {lte: 2, field: value}", 3, false, false, func(w []hit) (float64, bool) { return distinct(w), distinct(w) <= 2 }},
		{"type: temporal, rules: [a, b, c]", 3, true, false, func(w []hit) (float64, bool) { return kinds(w), kinds(w) >= 3 }},
		{"type: temporal, rules: [a, b, c], condition: {gte: 2}", 3, true, false, func(w []hit) (float64, bool) { return kinds(w), kinds(w) >= 2 }},
		{"type: temporal, rules: [a, b, c], condition: a and (b or not c)", 3, false, false, func(w []hit) (float64, bool) {
			return kinds(w), seen(w, 0) && (seen(w, 1) || !seen(w, 2))
		}},
		{"type: temporal_ordered, rules: [a, b, c]", 3, false, true, nil},
		{"type: value_sum, rules: a, condition: {gte: 9, field: value}", 1, false, false, func(w []hit) (float64, bool) {
			ns, sum := numbers(w)
			return sum, len(ns) > 0 && sum >= 9
		}},
		{"type: value_avg, rules: a, condition: {lt: 3, field: value}", 1, false, false, func(w []hit) (float64, bool) {
			ns, sum := numbers(w)
			return sum / float64(max(1, len(ns))), len(ns) > 0 && sum/float64(len(ns)) < 3
		}},
		{"type: value_median, rules: a, condition: {gt: 2, field: value}", 1, false, false, func(w []hit) (float64, bool) {
			ns, _ := numbers(w)
			if len(ns) == 0 {
				return 0, false
			}
			m := (ns[(len(ns)-1)/2] + ns[len(ns)/2]) / 2
			return m, m > 2
		}},
		{"type: value_percentile, rules: a, condition: {gte: 4, field: value, percentile: 100}", 1, false, false, func(w []hit) (float64, bool) {
			ns, _ := numbers(w)
			if len(ns) == 0 {
				return 0, false
			}
			return ns[len(ns)-1], ns[len(ns)-1] >= 4
		}},
	} {
		for round := range 8 {
			rnd := rand.New(rand.NewPCG(20261125, uint64(round)))
			n, users, values := 5+rnd.IntN(150), 1+rnd.IntN(4), []string{"1", "2", "3.5", "4", "x"}
			memory := int64(0)
			if round == 0 { // so many that they do not stay in memory
				n, users, memory = 6000, 700, 256<<10
			}
			span, grouped := int64(1+rnd.IntN(30)), rnd.IntN(4) > 0 || round == 0
			var hits []hit
			for range n {
				// Several events fall on one second, and some in no group.
				h := hit{at: int64(rnd.IntN(3 * n)), user: fmt.Sprint("u", rnd.IntN(users)), value: values[rnd.IntN(len(values))]}
				if round > 0 {
					h.at = int64(rnd.IntN(2 * n))
					if rnd.IntN(10) == 0 {
						h.user = ""
					}
				}
				h.rules = []int{rnd.IntN(c.rules)}
				if c.ordered && rnd.IntN(8) == 0 { // one event may be met by two rules
					h.rules = []int{0, 1 + rnd.IntN(2)}
				}
				hits = append(hits, h)
			}
			if round == 0 {
				span = int64(n) // a few of each user
			}
			by := ""
			if grouped {
				by = "group-by: user, "
			}
			text := fmt.Sprintf("%s{%s, %stimespan: %ds}\n", base, c.body, by, span)
			want := plainly(hits, c.rules, grouped, c.slides, c.ordered, span, c.measure)
			if round == 0 && len(want) == 0 {
				t.Errorf("%s: nothing is to be found", c.body)
			}
			sorted := make([]int, n)
			for i := range sorted {
				sorted[i] = i
			}
			shuffled := rnd.Perm(n)
			slices.SortStableFunc(sorted, func(a, b int) int { return cmp.Compare(hits[a].at, hits[b].at) })
			for _, workers := range []int{1, 2, 4} {
				for name, perm := range map[string][]int{"sorted": sorted, "shuffled": shuffled} {
					got, err := correlated(t, text, hits, perm, workers, memory)
					if err != nil {
						t.Fatalf("%s, round %d, %s: %v", c.body, round, name, err)
					}
					if !slices.Equal(got, want) {
						t.Fatalf("%s, round %d, %s, span %d, %d workers: %d findings, want %d\n got %.600q\nwant %.600q", c.body, round, name, span, workers, len(got), len(want), got, want)
					}
				}
			}
		}
	}
}

// Over a long run a window holds what its time span has, and no more.
func TestWindowsForget(t *testing.T) {
	for _, c := range []struct {
		body            string
		matches, values int // at most, of a match each second
	}{
		{"type: event_count, rules: a, timespan: 60s, condition: {gte: 1000}", 61, 0},
		{"type: value_count, rules: a, timespan: 60s, condition: {gte: 1000, field: value}", 61, 61},
		{"type: temporal, rules: [a, b], timespan: 60s", 61, 0},
		{"type: temporal_ordered, rules: [a, b], timespan: 60s", 1, 0},
		{"type: event_count, rules: a, timespan: 60s, condition: {eq: 3}", 0, 0},
		{"type: value_count, rules: a, timespan: 60s, condition: {eq: 3, field: value}", 0, 61},
		{"type: value_sum, rules: a, timespan: 60s, condition: {lt: 0, field: value}", 0, 0},
		{"type: value_median, rules: a, timespan: 60s, condition: {lt: 0, field: value}", 0, 61},
	} {
		rules := lower(t, rule.NewScope(), "rules.yml", base+"{"+c.body+"}\n")
		w := rule.NewWindow(rules[len(rules)-1])
		matches, values := 0, 0
		for i := range 100_000 {
			if w.Take(int64(i)*1000, uint64(i), fmt.Sprint(i)) {
				t.Fatalf("%s: a finding", c.body)
			}
			m, v := w.Held()
			matches, values = max(matches, m), max(values, v)
			if (m+v > 0) != (w.Bytes() > 0) && m+v != 1 {
				t.Fatalf("%s: %d matches and %d values are charged %d bytes", c.body, m, v, w.Bytes())
			}
		}
		if matches != c.matches || values != c.values {
			t.Errorf("%s: up to %d matches and %d values were held, want %d and %d", c.body, matches, values, c.matches, c.values)
		}
	}
}

// Of many groups no more than the window of one is in memory, and the rest on disk.
func TestCorrelationsOfManyGroups(t *testing.T) {
	const n, users = 100_000, 20_000
	hits := make([]hit, n)
	perm := make([]int, n)
	for i := range hits {
		hits[i], perm[i] = hit{at: int64(i), rules: []int{0}, user: fmt.Sprint("somebody with a name ", i%users), value: "v"}, i
	}
	for least, want := range map[int]int{ // every user comes five times within 2 days
		6: 0,
		5: users,
		1: n, // findings are put aside, too
	} {
		body := fmt.Sprintf("%s{type: event_count, rules: a, group-by: user, timespan: 10d, condition: {gte: %d}}\n", base, least)
		found, err := correlated(t, body, hits, perm, 2, 1<<20)
		if err != nil || len(found) != want {
			t.Errorf("at least %d: %d findings, want %d: %v", least, len(found), want, err)
		}
	}
}

// A match without a time is in no window.
func TestCorrelationsLeaveOutWhatHasNoTime(t *testing.T) {
	hits := []hit{{at: -day, rules: []int{0}, user: "u"}, {at: -day, rules: []int{0}, user: "u"}, {at: 5, rules: []int{0}, user: "u"}}
	found, err := correlated(t, base+"{type: event_count, rules: a, group-by: user, timespan: 1h, condition: {gte: 1}}\n", hits, []int{0, 1, 2}, 1, 0)
	if err != nil || len(found) != 1 {
		t.Errorf("got %q, %v; want the one that has a time", found, err)
	}
}

// A window that does not fit the budget ends the hunt, with the rule's name and
// the ways out.
func TestCorrelationsEndWhereAWindowDoesNotFit(t *testing.T) {
	var hits []hit
	var perm []int
	for i := range 40000 {
		hits = append(hits, hit{at: 0, rules: []int{0}, user: "u", value: fmt.Sprint(i)})
		perm = append(perm, i)
	}
	_, err := correlated(t, base+"{type: value_count, rules: a, group-by: user, timespan: 1h, condition: {gte: 50000, field: value}}\n", hits, perm, 1, 2<<20)
	var over *exec.OverBudget
	const want = `the correlation "X" holds more than 2048 KiB (one window of one group). Shorten its timespan, or filter the rules that it is made of, or raise --memory`
	if !errors.As(err, &over) || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}
