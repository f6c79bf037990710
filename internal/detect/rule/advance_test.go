package rule_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// bodies are correlations of every kind, also of correlations.
var bodies = []string{
	"{type: event_count, rules: a, condition: {gte: 4}, BY}",
	"{type: event_count, rules: a, condition: {lt: 3}, BY}",
	"{type: event_count, rules: [a, b, c], condition: {eq: 5}, BY}",
	"{type: event_count, rules: [a, b, c], condition: {gt: 2, lte: 4}, BY}",
	"{type: value_count, rules: a, condition: {gte: 3, field: value}, BY}",
	"{type: value_count, rules: [a, b, c], condition: {lte: 2, field: value}, BY}",
	"{type: temporal, rules: [a, b, c], BY}",
	"{type: temporal, rules: [a, b, c], condition: {gte: 2}, BY}",
	"{type: temporal, rules: [a, b, c], condition: a and (b or not c), BY}",
	"{type: temporal_ordered, rules: [a, b, c], BY}",
	"{type: value_sum, rules: a, condition: {gte: 9, field: value}, BY}",
	"{type: value_avg, rules: a, condition: {lt: 3, field: value}, BY}",
	"{type: value_median, rules: a, condition: {gt: 2, field: value}, BY}",
	"{type: value_percentile, rules: a, condition: {gte: 4, field: value, percentile: 90}, BY}",
	// Of correlations: one that is met with its last match, and one whose window must be over.
	"{type: event_count, rules: a, condition: {gte: 2}, generate: true, BY}\nname: x1\n---\ntitle: Y\ncorrelation: {type: temporal_ordered, rules: [x1, b], generate: true, BY}\nname: y1\n---\ntitle: Z\ncorrelation: {type: event_count, rules: y1, condition: {gte: 2}, BY}",
	"{type: event_count, rules: a, condition: {lt: 3}, generate: true, BY}\nname: x1\n---\ntitle: Y\ncorrelation: {type: temporal, rules: [x1, b, c], generate: true, BY}\nname: y1\n---\ntitle: Z\ncorrelation: {type: value_count, rules: [x1, y1], condition: {lte: 1, field: user}, BY}",
}

// correlating is a Correlator that events are given to.
type correlating struct {
	t           *testing.T
	rules       []*rule.Rule
	user, value event.Slot
	co          *rule.Correlator
	rt          *exec.Runtime
	found       []string
	times       []int64
}

func startCorrelating(t *testing.T, text string, memory int64) *correlating {
	t.Helper()
	sc := rule.NewScope()
	c := &correlating{t: t, rules: lower(t, sc, "rules.yml", text)}
	c.user, c.value = sc.Layout.Slot("user"), sc.Layout.Slot("value")
	c.rt = &exec.Runtime{Ctx: t.Context(), Budget: &exec.Budget{Limit: memory}, TempDir: t.TempDir(), Warnings: &exec.Warnings{}}
	c.co = rule.NewCorrelator(c.rt, c.rules)
	return c
}

func (c *correlating) add(hits []hit, from int) {
	c.t.Helper()
	for len(hits) > 0 {
		var b event.Batch
		rows := map[int][]uint16{}
		n := min(len(hits), event.MaxRows)
		for i, h := range hits[:n] {
			row := b.AddRow((day+h.at)*1000, uint64(from+i))
			if h.user != "" {
				b.Col(c.user).Set(row, event.Text(h.user))
			}
			b.Col(c.value).Set(row, event.Text(h.value))
			for _, r := range h.rules {
				rows[r] = append(rows[r], row)
			}
		}
		for r := range 3 {
			if c.rules[r].Wants() && len(rows[r]) > 0 {
				if err := c.co.Add(c.rules[r], &b, rows[r]); err != nil {
					c.t.Fatal(err)
				}
			}
		}
		hits, from = hits[n:], from+n
	}
}

func shown(f rule.Finding) string {
	return fmt.Sprintf("%s %d-%d %d %q %.6g %d", f.Rule.Title, f.First/1000-day, f.Last/1000-day, f.Pos, strings.Join(f.Groups, ","), f.Value, f.Events)
}

func (c *correlating) take(f rule.Finding) error {
	c.found = append(c.found, shown(f))
	c.times = append(c.times, f.Last)
	return nil
}

// reopen saves the Correlator and goes on with another that has loaded it.
func (c *correlating) reopen() {
	c.t.Helper()
	var state bytes.Buffer
	to := exec.NewSaver(&state)
	if err := c.co.Save(to); err != nil {
		c.t.Fatal(err)
	}
	if err := to.Flush(); err != nil {
		c.t.Fatal(err)
	}
	c.co.Close()
	c.co = rule.NewCorrelator(c.rt, c.rules)
	if err := c.co.Load(exec.NewLoader(&state)); err != nil {
		c.t.Fatal(err)
	}
}

// made are random events of a run of some seconds; they come at most late seconds after
// an event of a later time.
func made(rnd *rand.Rand, n, users, late int) (hits []hit) {
	values := []string{"1", "2", "3.5", "4", "x"}
	at := 0
	for range n {
		at += rnd.IntN(3)
		h := hit{at: int64(max(0, at-rnd.IntN(late+1))), user: fmt.Sprint("u", rnd.IntN(users)), value: values[rnd.IntN(len(values))]}
		if rnd.IntN(10) == 0 {
			h.user = ""
		}
		h.rules = []int{rnd.IntN(3)}
		if rnd.IntN(5) == 0 {
			h.rules = []int{0, 1 + rnd.IntN(2)}
		}
		hits = append(hits, h)
	}
	return hits
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

// Findings that come with Advance and at the end are those of all events at once,
// wherever the stream is cut, and saved and gone on with; and at any moment those
// given and those of a Snapshot are what all events so far come to.
func TestCorrelationsAsEventsCome(t *testing.T) {
	total := 0
	for i, body := range bodies {
		for round := range 8 {
			rnd := rand.New(rand.NewPCG(uint64(i), uint64(round)))
			by := ""
			if rnd.IntN(4) > 0 {
				by = "group-by: user, "
			} else if strings.Contains(body, "field: user") {
				continue
			}
			late := []int{0, 3, 40}[rnd.IntN(3)]
			hits := made(rnd, 20+rnd.IntN(300), 1+rnd.IntN(4), late)
			text := base + strings.ReplaceAll(body, "BY", fmt.Sprintf("%stimespan: %ds", by, 1+rnd.IntN(30)))
			offline := func(hits []hit) []string {
				c := startCorrelating(t, text, 0)
				c.add(hits, 0)
				if err := c.co.Findings(c.take); err != nil {
					t.Fatal(err)
				}
				return c.found
			}
			c := startCorrelating(t, text, 0)
			least := make([]int64, len(hits)+1) // of the events from here on
			least[len(hits)] = 1 << 40
			for k := len(hits) - 1; k >= 0; k-- {
				least[k] = min(least[k+1], hits[k].at)
			}
			for from := 0; from < len(hits); {
				n := 1 + rnd.IntN(1+rnd.IntN(1+len(hits)/4))
				n = min(n, len(hits)-from)
				c.add(hits[from:from+n], from)
				from += n
				if rnd.IntN(3) > 0 {
					was := len(c.times)
					if err := c.co.Advance((day+least[from])*1000, c.take); err != nil {
						t.Fatal(err)
					}
					if len(c.rules) == 4 && !slices.IsSorted(c.times[was:]) {
						t.Fatalf("%s: findings of one Advance do not come by time: %v", text, c.times[was:])
					}
				}
				if rnd.IntN(4) == 0 {
					c.reopen()
				}
				if rnd.IntN(8) == 0 {
					now := slices.Clone(c.found)
					if err := c.co.Snapshot(func(f rule.Finding) error { now = append(now, shown(f)); return nil }); err != nil {
						t.Fatal(err)
					}
					if want := sorted(offline(hits[:from])); !slices.Equal(sorted(now), want) {
						t.Fatalf("%s\nround %d, after %d events so far, %v\n got %q\nwant %q", text, round, from, c.rt.Warnings.List(), sorted(now), want)
					}
				}
			}
			if err := c.co.Findings(c.take); err != nil {
				t.Fatal(err)
			}
			want := offline(hits)
			total += len(want)
			if !slices.Equal(sorted(c.found), sorted(want)) {
				t.Fatalf("%s\nround %d, late %d\n got %q\nwant %q", text, round, late, sorted(c.found), sorted(want))
			}
			if n := len(c.rt.Warnings.List()); n > 0 {
				t.Fatalf("warnings: %v", c.rt.Warnings.List())
			}
			if used := c.rt.Budget.Used(); used != 0 {
				t.Errorf("%s: %d bytes stay charged", text, used)
			}
		}
	}
	if total < 1000 {
		t.Errorf("only %d findings in all: the events prove little", total)
	}
}

// A condition that is met with its last match is found as soon as event time has come
// past that match; a match of an earlier time is then counted as lost.
func TestCorrelationsAreFoundAtOnce(t *testing.T) {
	c := startCorrelating(t, base+"{type: event_count, rules: a, group-by: user, timespan: 1h, condition: {gte: 3}}\n", 0)
	for i := range 3 {
		c.add([]hit{{at: int64(i), rules: []int{0}, user: "u"}}, i)
		if err := c.co.Advance((day+int64(i)+1)*1000, c.take); err != nil {
			t.Fatal(err)
		}
		if want := max(0, i-1); len(c.found) != want {
			t.Errorf("after event %d there are %d findings, want %d", i, len(c.found), want)
		}
	}
	c.add([]hit{{at: 1, rules: []int{0}, user: "u"}}, 3)
	if l := c.rt.Warnings.List(); len(l) != 1 || l[0].Count != 1 || !l[0].Lost {
		t.Errorf("of an event that came late it is said: %v", l)
	}
}

// A stream that goes on for long holds what its time spans have; where that is more than
// the memory, windows are dropped and counted, and the run goes on.
func TestCorrelationsOfLongStreamsAreBounded(t *testing.T) {
	for _, memory := range []int64{0, 1 << 20} {
		c := startCorrelating(t, base+"{type: event_count, rules: a, group-by: user, timespan: 10s, condition: {gte: 6}}\n", memory)
		most := int64(0)
		for i := range 60_000 {
			user := fmt.Sprint("u", i)
			if memory > 0 {
				user = fmt.Sprint("a user with quite a long name ", i)
			}
			at := int64(i / 60)
			if memory > 0 {
				at = int64(i / 1500)
			}
			c.add([]hit{{at: at, rules: []int{0}, user: user}}, i)
			if i%50 == 0 {
				if err := c.co.Advance((day+at)*1000, c.take); err != nil {
					t.Fatal(err)
				}
				most = max(most, c.rt.Budget.Used())
			}
		}
		if most > 2<<20 || memory > 0 && most > memory {
			t.Errorf("up to %d bytes were held, of %d", most, memory)
		}
		if lost := len(c.rt.Warnings.List()) > 0; lost != (memory > 0) {
			t.Errorf("with %d bytes it is said: %v", memory, c.rt.Warnings.List())
		}
	}
}

// Saved state that is cut, changed or of other rules is an error and nothing worse.
func TestCorrelationStateOfOthers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, body := range bodies {
		text := base + strings.ReplaceAll(body, "BY", "group-by: user, timespan: 30s")
		c := startCorrelating(t, text, 0)
		c.add(made(rnd, 100, 3, 0), 0)
		if err := c.co.Advance((day+50)*1000, c.take); err != nil {
			t.Fatal(err)
		}
		var state bytes.Buffer
		to := exec.NewSaver(&state)
		if err := c.co.Save(to); err != nil {
			t.Fatal(err)
		}
		if err := to.Flush(); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			bad := bytes.Clone(state.Bytes())
			if rnd.IntN(2) == 0 {
				bad = bad[:rnd.IntN(len(bad))]
			} else {
				bad[rnd.IntN(len(bad))] ^= byte(1 + rnd.IntN(255))
			}
			x := startCorrelating(t, text, 1<<20)
			func() {
				defer func() { recover() }() // damaged rows may panic; what loads a file recovers
				_ = x.co.Load(exec.NewLoader(bytes.NewReader(bad)))
			}()
		}
		other := startCorrelating(t, base+"{type: event_count, rules: a, timespan: 1s, condition: {gte: 1}}\nid: 929a690e-bef0-4204-a928-ef5e620d6fcc\n", 0)
		if err := other.co.Load(exec.NewLoader(bytes.NewReader(state.Bytes()))); err == nil {
			t.Errorf("%s: the state is loaded into another correlation", body)
		}
	}
}
