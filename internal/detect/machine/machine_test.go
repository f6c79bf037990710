package machine_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/machine"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// stream is hits in order of time, many of them at the same one.
func stream(r *rand.Rand, n int, gap int64, fill func(*machine.Hit)) (hits []*machine.Hit) {
	at := int64(0)
	for i := range n {
		if r.IntN(3) > 0 {
			at += r.Int64N(gap)
		}
		h := &machine.Hit{Time: at, Pos: uint64(i), UID: fmt.Sprint(i)}
		fill(h)
		hits = append(hits, h)
	}
	return hits
}

// run gives hits to a machine that is saved and loaded at random, and lists the
// positions of its firings. A signal is made of a firing unless its position is a
// multiple of 5.
func run(t *testing.T, r *rand.Rand, fresh func() machine.Machine, hits []*machine.Hit) (at []uint64, fired []*machine.Firing) {
	t.Helper()
	m := fresh()
	fire := func(f *machine.Firing) bool {
		at, fired = append(at, f.Hit.Pos), append(fired, f)
		return signal(f.Hit)
	}
	for _, h := range hits {
		m.Take(h, fire)
		if r.IntN(6) == 0 {
			state, err := m.Save()
			if err != nil {
				t.Fatal(err)
			}
			m = fresh()
			if err := m.Load(state); err != nil {
				t.Fatal(err)
			}
		}
		if r.IntN(6) == 0 {
			m.Close(h.Time, fire)
		}
	}
	m.Close(math.MaxInt64, fire)
	return at, fired
}

func signal(h *machine.Hit) bool { return h.Pos%5 != 0 }

// judged goes through hits as the sentences of 7 and 18, R01 and R16 say: complete
// is asked at each hit that is not in a quiet time, with the hits of (t-size, t].
func judged(hits []*machine.Hit, size int64, complete func(window []*machine.Hit) bool) (at []uint64) {
	quiet := int64(math.MinInt64)
	for i, h := range hits {
		var window []*machine.Hit
		for _, p := range hits[:i+1] {
			if p.Time > h.Time-size {
				window = append(window, p)
			}
		}
		if (quiet == math.MinInt64 || h.Time >= quiet+size) && complete(window) {
			at = append(at, h.Pos)
			if signal(h) {
				quiet = h.Time
			}
		}
	}
	return at
}

func rounds(t *testing.T, n, least int, round func(r *rand.Rand) (got, want []uint64)) {
	t.Helper()
	fired := 0
	for seed := range n {
		got, want := round(rand.New(rand.NewPCG(uint64(seed), 7)))
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: fires at %v, want %v", seed, got, want)
		}
		fired += len(got)
	}
	if fired < least {
		t.Errorf("%d firings in all rounds: too few to judge by", fired)
	}
}

func TestMatchFiresForEveryHit(t *testing.T) {
	rounds(t, 5, 100, func(r *rand.Rand) (got, want []uint64) {
		hits := stream(r, 30, 10, func(*machine.Hit) {})
		for _, h := range hits {
			want = append(want, h.Pos)
		}
		got, _ = run(t, r, machine.NewMatch, hits)
		return got, want
	})
}

func TestThresholdAgainstTheSentences(t *testing.T) {
	rounds(t, 800, 800, func(r *rand.Rand) (got, want []uint64) {
		size, limit, distinct := 1+r.Int64N(50), 1+r.IntN(6), r.IntN(2) == 0
		hits := stream(r, 60, 15, func(h *machine.Hit) {
			h.Value, h.Null = string(rune('a'+r.IntN(6))), r.IntN(5) == 0
		})
		want = judged(hits, size, func(window []*machine.Hit) bool {
			if !distinct {
				return len(window) >= limit
			}
			values := map[string]bool{}
			for _, h := range window {
				if !h.Null {
					values[h.Value] = true
				}
			}
			return len(values) >= limit && !window[len(window)-1].Null
		})
		got, _ = run(t, r, func() machine.Machine { return machine.NewThreshold(limit, size, distinct) }, hits)
		return got, want
	})
}

// choice tries every way to give the hits to the steps' places, in order of the
// steps, such that none of a step is later than one of the next, and the last hit
// has a place.
func choice(hits []*machine.Hit, limits []int) bool {
	last := hits[len(hits)-1]
	used := make([]bool, len(hits))
	var try func(step, left int, from, top int64, counted bool) bool
	try = func(step, left int, from, top int64, counted bool) bool {
		if left == 0 {
			if step++; step == len(limits) {
				return counted
			}
			return try(step, limits[step], top, top, counted)
		}
		for i, h := range hits {
			if !used[i] && h.Time >= from && h.Steps&(1<<step) != 0 {
				used[i] = true
				if try(step, left-1, from, max(top, h.Time), counted || h == last) {
					return true
				}
				used[i] = false
			}
		}
		return false
	}
	return try(0, limits[0], math.MinInt64, math.MinInt64, false)
}

func TestChainAgainstEveryChoice(t *testing.T) {
	rounds(t, 1500, 1500, func(r *rand.Rand) (got, want []uint64) {
		var limits []int
		for range 2 + r.IntN(2) {
			limits = append(limits, 1+r.IntN(2))
		}
		size, ordered := 1+r.Int64N(20), r.IntN(3) > 0
		hits := stream(r, 24, 8, func(h *machine.Hit) {
			h.Steps = 1 << r.IntN(len(limits))
			if r.IntN(3) == 0 {
				h.Steps |= 1 << r.IntN(len(limits))
			}
		})
		want = judged(hits, size, func(window []*machine.Hit) bool {
			if ordered {
				return choice(window, limits)
			}
			for step, limit := range limits {
				n := 0
				for _, h := range window {
					if h.Steps&(1<<step) != 0 {
						n++
					}
				}
				if n < limit {
					return false
				}
			}
			return true
		})
		got, _ = run(t, r, func() machine.Machine { return machine.NewChain(limits, ordered, size) }, hits)
		return got, want
	})
}

func TestAggregationAgainstTheSentences(t *testing.T) {
	rounds(t, 800, 800, func(r *rand.Rand) (got, want []uint64) {
		size, limit := 1+r.Int64N(60), float64(r.IntN(30))
		function := machine.Functions[r.IntN(len(machine.Functions))]
		hits := stream(r, 60, 15, func(h *machine.Hit) {
			v := event.Int(r.Int64N(21) - 5)
			switch r.IntN(6) {
			case 0:
				v = event.Value{}
			case 1:
				v = event.Text(fmt.Sprint(r.IntN(9)))
			case 2:
				v = event.Float(float64(r.IntN(40)) / 4) // quarters add up exactly
			case 3:
				v = event.Bool(r.IntN(2) == 0)
			}
			h.Args = []event.Value{v}
		})
		float := func(v event.Value) (float64, bool) {
			if v.IsNull() || v.Kind() == event.Boolean {
				return 0, false
			}
			return v.Float()
		}
		value := func(window []*machine.Hit) (x float64, ok bool) {
			var all []float64
			n, distinct := 0, map[string]bool{}
			first, last := event.Value{}, event.Value{}
			for _, h := range window {
				v := h.Args[0]
				if v.IsNull() {
					continue
				}
				if first.IsNull() {
					first = v
				}
				last = v
				distinct[v.String()] = true
				if v.Kind() != event.Boolean || v.True() {
					n++
				}
				if x, ok := float(v); ok {
					all = append(all, x)
				}
			}
			switch function {
			case "count":
				return float64(n), true
			case "count_distinct":
				return float64(len(distinct)), true
			case "first":
				return float(first)
			case "last":
				return float(last)
			}
			if len(all) == 0 {
				return 0, false
			}
			sum := 0.0
			for _, x := range all {
				sum += x
			}
			return map[string]float64{"sum": sum, "avg": sum / float64(len(all)), "min": slices.Min(all), "max": slices.Max(all)}[function], true
		}
		// Booleans are no numbers: where the greatest is one, only its being there
		// is known, so that streams for max and min have none.
		if function == "max" || function == "min" {
			for _, h := range hits {
				if h.Args[0].Kind() == event.Boolean {
					h.Args[0] = event.Value{}
				}
			}
		}
		want = judged(hits, size, func(window []*machine.Hit) bool {
			x, ok := value(window)
			return ok && x > limit
		})
		got, _ = run(t, r, func() machine.Machine {
			return machine.NewAggregation([]string{function}, func(v []event.Value, _ *machine.Hit) bool {
				x, ok := float(v[0])
				return ok && x > limit
			}, size)
		}, hits)
		return got, want
	})
}

func TestFirstSeenAgainstTheSentences(t *testing.T) {
	rounds(t, 800, 800, func(r *rand.Rand) (got, want []uint64) {
		learning, retention := r.Int64N(100), 1+r.Int64N(200)
		hits := stream(r, 80, 20, func(h *machine.Hit) {
			h.Value, h.Null = string(rune('a'+r.IntN(8)))+"\xff", r.IntN(6) == 0
		})
		for i, h := range hits {
			if h.Null {
				continue
			}
			first, last := h.Time, int64(math.MinInt64)
			for _, p := range hits[:i] {
				if p.Null {
					continue
				}
				first = min(first, p.Time)
				if p.Value == h.Value {
					last = max(last, p.Time)
				}
			}
			if (last == math.MinInt64 || last < h.Time-retention) && h.Time-first >= learning {
				want = append(want, h.Pos)
			}
		}
		got, _ = run(t, r, func() machine.Machine { return machine.NewFirstSeen(learning, retention) }, hits)
		return got, want
	})
}

func TestFirstSeenIsBounded(t *testing.T) {
	defer machine.SetMaxValues(2000)()
	m := machine.NewFirstSeen(0, math.MaxInt64)
	fired := 0
	for n := range 10_000 {
		m.Take(&machine.Hit{Value: fmt.Sprint(n), Time: int64(n)}, func(*machine.Firing) bool { fired++; return true })
	}
	if m.Lost() < 8000 || fired != 10_000 {
		t.Errorf("%d values lost, %d fired", m.Lost(), fired)
	}
	m.Take(&machine.Hit{Value: "9999", Time: 10_000}, func(*machine.Firing) bool { t.Error("the newest value is forgotten"); return true })
}

func TestOutlierAgainstTheSentences(t *testing.T) {
	const size = 100
	rounds(t, 600, 300, func(r *rand.Rand) (got, want []uint64) {
		rule := &machine.OutlierRule{
			Function: machine.Functions[r.IntN(len(machine.Functions))], Bucket: size, Learning: r.Int64N(800), Retention: 200 + r.Int64N(2000),
			Deviations: float64(1 + r.IntN(3)), Floor: float64(r.IntN(4)), SkipEmpty: r.IntN(3) == 0,
		}
		hits := stream(r, 150, 80, func(h *machine.Hit) {
			h.Args = []event.Value{event.Int(r.Int64N(6))}
			if r.IntN(20) == 0 {
				h.Args[0] = event.Int(20 + r.Int64N(50))
			}
			if r.IntN(9) == 0 {
				h.Args[0] = event.Value{}
			}
		})
		buckets := map[int64][]*machine.Hit{}
		for _, h := range hits {
			buckets[h.Time/size*size] = append(buckets[h.Time/size*size], h)
		}
		value := func(in []*machine.Hit) (x float64, ok bool) {
			var all []float64
			distinct := map[float64]bool{}
			for _, h := range in {
				if x, ok := h.Args[0].Float(); ok {
					all = append(all, x)
					distinct[x] = true
				}
			}
			switch rule.Function {
			case "count":
				return float64(len(all)), true
			case "count_distinct":
				return float64(len(distinct)), true
			}
			if len(all) == 0 {
				return 0, false
			}
			sum := 0.0
			for _, x := range all {
				sum += x
			}
			return map[string]float64{
				"sum": sum, "avg": sum / float64(len(all)), "min": slices.Min(all), "max": slices.Max(all), "first": all[0], "last": all[len(all)-1],
			}[rule.Function], true
		}
		first := hits[0].Time
		done := map[int64]bool{}
		early := slices.Contains([]string{"count", "count_distinct", "sum", "max"}, rule.Function)
		for i, h := range hits {
			start := h.Time / size * size
			in := buckets[start]
			if early {
				in = in[:slices.Index(in, h)+1]
			} else if h != in[len(in)-1] {
				continue
			}
			x, ok := value(in)
			if done[start] || !ok || x <= rule.Floor || hits[i].Time-first < rule.Learning {
				continue
			}
			var past []float64
			for b := first / size * size; b < start; b += size {
				if b < start-rule.Retention {
					continue
				}
				v, ok := value(buckets[b])
				if len(buckets[b]) == 0 || !ok {
					if rule.SkipEmpty {
						continue
					}
					v = 0
				}
				past = append(past, v)
			}
			if len(past) < 2 {
				continue
			}
			mean, squares := 0.0, 0.0
			for _, v := range past {
				mean += v / float64(len(past))
			}
			for _, v := range past {
				squares += (v - mean) * (v - mean)
			}
			limit := mean + rule.Deviations*math.Sqrt(squares/float64(len(past)))
			if math.Abs(x-limit) < 1e-9 {
				// Too near to say which of two ways to add is right.
				return nil, nil
			}
			if x > limit {
				want = append(want, h.Pos)
				done[start] = signal(h)
			}
		}
		got, _ = run(t, r, func() machine.Machine { return machine.NewOutlier(rule) }, hits)
		return got, want
	})
}

// Test idea 7: a constant history has no spread, and one more than the mean stands out.
func TestOutlierOfAConstantHistory(t *testing.T) {
	rule := &machine.OutlierRule{Function: "count", Bucket: 100, Learning: 0, Retention: 10_000, Deviations: 5, Floor: 1}
	for extra, want := range map[int]int{0: 0, 1: 1} {
		m, fired := machine.NewOutlier(rule), 0
		for b := range int64(6) {
			n := 2
			if b == 5 {
				n += extra
			}
			for range n {
				m.Take(&machine.Hit{Time: b * 100, Args: []event.Value{event.Bool(true)}}, func(*machine.Firing) bool { fired++; return true })
			}
		}
		if fired != want {
			t.Errorf("%d more than always: %d firings, want %d", extra, fired, want)
		}
	}
}

// A signal lists the first and the last records of many (8.1).
func TestFiringListsFirstAndLastRecords(t *testing.T) {
	m := machine.NewThreshold(500, 1000, false)
	var f *machine.Firing
	for n := range 500 {
		m.Take(&machine.Hit{Pos: uint64(n)}, func(x *machine.Firing) bool { f = x; return true })
	}
	if f == nil || f.Total != 500 || len(f.Records) != 100 || f.Records[49].Pos != 49 || f.Records[50].Pos != 450 {
		t.Fatalf("%+v", f)
	}
}

// Many records of one time do not take for ever.
func TestOrderedChainOfOneTime(t *testing.T) {
	m := machine.NewChain([]int{700, 700, 700}, true, 1000)
	fired := 0
	for n := range 2100 {
		h := &machine.Hit{Pos: uint64(n), Steps: 1<<(n%3) | 1<<((n+1)%3)}
		m.Take(h, func(*machine.Firing) bool { fired++; return true })
	}
	if fired != 1 {
		t.Errorf("%d firings", fired)
	}
}

func TestGroups(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	fresh := func() machine.Machine { return machine.NewThreshold(3, 50, false) }
	whole, cut := &machine.Groups{New: fresh}, &machine.Groups{New: fresh}
	var a, b []uint64
	for n := range 5000 {
		h := &machine.Hit{Time: int64(n), Pos: uint64(n)}
		key := fmt.Sprint(r.IntN(40))
		whole.Take(key, h, func(f *machine.Firing) bool { a = append(a, f.Hit.Pos); return true })
		cut.Take(key, h, func(f *machine.Firing) bool { b = append(b, f.Hit.Pos); return true })
		if n%100 == 0 {
			next := &machine.Groups{New: fresh}
			if err := cut.Save(next.Load); err != nil {
				t.Fatal(err)
			}
			cut = next
			cut.Close(int64(n), nil)
		}
	}
	if len(a) == 0 || !slices.Equal(a, b) {
		t.Errorf("%d firings, saved and loaded %d", len(a), len(b))
	}
	whole.Close(math.MaxInt64, nil)
	if whole.Len() != 0 {
		t.Errorf("%d groups stay", whole.Len())
	}
	few := &machine.Groups{New: fresh, Max: 2}
	for n, key := range []string{"a", "b", "a", "c", "a"} {
		few.Take(key, &machine.Hit{Time: int64(n)}, func(f *machine.Firing) bool { a = append(a, 1<<40); return true })
	}
	if few.Evicted != 1 || few.Len() != 2 || a[len(a)-1] != 1<<40 {
		t.Errorf("%d evicted, %d stay: the group that was quiet for longest goes", few.Evicted, few.Len())
	}
}

func TestStateOfAnotherVersionIsRefused(t *testing.T) {
	for name, m := range map[string]machine.Machine{
		"threshold": machine.NewThreshold(1, 1, true), "first seen": machine.NewFirstSeen(1, 1), "outlier": machine.NewOutlier(&machine.OutlierRule{Bucket: 1}),
	} {
		for _, state := range []string{`{"Version":99}`, `{"Vers`, ``} {
			if m.Load([]byte(state)) == nil {
				t.Errorf("%s takes %q", name, state)
			}
		}
	}
}
