package detection

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/engine/logic"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

// ScoreAnalysis is what a detection's score can be, by its query alone.
type ScoreAnalysis struct {
	Detection *Detection
	Values    []int64       // reachable, ascending
	Ways      map[int64]int // combinations of flags that give a value
	Total     int           // combinations in all
	Unknown   string        // why the score could not be analysed
}

// Range is the lowest and the highest reachable value.
func (a *ScoreAnalysis) Range() (low, high int64) {
	if len(a.Values) == 0 {
		return 0, 0
	}
	return a.Values[0], a.Values[len(a.Values)-1]
}

// AnalyseScore finds the values that the detection's score can reach, in so many steps of
// search at most (logic.Combinations); 0 is no bound.
func (d *Detection) AnalyseScore(steps int) (*ScoreAnalysis, error) {
	a := &ScoreAnalysis{Detection: d, Ways: map[int64]int{}}
	if d.Score.Field == "" {
		a.Unknown = "it has no score"
		return a, nil
	}
	q, ds := query.Compile(d.Query, query.Standard())
	if err := ds.Err(); err != nil {
		return nil, err
	}
	slot, ok := q.Layout.Find(d.Score.Field)
	if !ok {
		return nil, fmt.Errorf("%s: no stage makes %s", d.File, d.Score.Field)
	}
	r := q.Read()
	x := r.Fields[slot]
	if x == nil {
		a.Unknown = fmt.Sprintf("%s is made after %s, which is more than conditions and assignments", d.Score.Field, query.Names(r.Opaque))
		return a, nil
	}
	var facts []logic.Fact
	for _, c := range r.Conditions {
		facts = append(facts, logic.Fact{Cond: c.Cond})
	}
	combos, err := logic.Combinations(steps, x, facts)
	if err != nil {
		a.Unknown = err.Error()
		return a, nil
	}
	for _, c := range combos {
		if a.Ways[c.Value] == 0 {
			a.Values = append(a.Values, c.Value)
		}
		a.Ways[c.Value]++
	}
	a.Total = len(combos)
	slices.Sort(a.Values)
	return a, nil
}

// Problems lists where the manifest says something else than the query.
func (a *ScoreAnalysis) Problems() (out []string) {
	d := a.Detection
	if a.Unknown != "" {
		return nil
	}
	low, high := a.Range()
	if r := d.Score.Range; len(r) == 2 && (int64(r[0]) != low || int64(r[1]) != high) {
		out = append(out, fmt.Sprintf("the range is declared as %d to %d, and the query reaches %d to %d", r[0], r[1], low, high))
	}
	if len(d.Score.Severity) > 0 {
		least := slices.Min(slices.Collect(maps.Keys(d.Score.Severity)))
		for _, v := range a.Values {
			if int(v) < least {
				out = append(out, fmt.Sprintf("the value %d can be reached and has no severity", v))
			}
		}
	}
	return out
}

// Threshold is what a detection would catch in the labelled cases if only
// findings of at least this score counted.
type Threshold struct {
	Score      int64 `json:"score"`
	Attacks    int   `json:"attacks"`     // cases it finds
	AttacksAll int   `json:"attacks_all"` // that it is meant to find
	Benign     int   `json:"benign"`
	BenignAll  int   `json:"benign_all"`
}

// Recall is the share of the attacks that are found.
func (t Threshold) Recall() float64 { return share(t.Attacks, t.AttacksAll) }

// Precision is the share of what is found that are attacks.
func (t Threshold) Precision() float64 { return share(t.Attacks, t.Attacks+t.Benign) }

func share(a, b int) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}

// Sweep runs each detection that has a score over the package's cases. An
// attack counts for a detection when its case expects the detection to fire.
func (p *Package) Sweep(ctx context.Context) (map[string][]Threshold, error) {
	suite, err := p.Suite()
	if suite == nil || err != nil {
		return nil, err
	}
	run, err := newRunner(p)
	if err != nil {
		return nil, err
	}
	out := map[string][]Threshold{}
	for _, d := range run.detections {
		if d.Score.Field == "" {
			continue
		}
		best := map[*Case]int64{}
		var values []int64
		for _, c := range suite.Cases {
			rows, err := run.rows(ctx, d, c.data)
			if err != nil {
				return nil, fmt.Errorf("case %s: %s: %w", c.ID, d.ID, err)
			}
			for i := range rows.Values {
				if n, ok := rows.Get(i, d.Score.Field).Int(); ok {
					values = append(values, n)
					if old, seen := best[c]; !seen || n > old {
						best[c] = n
					}
				}
			}
		}
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			t := Threshold{Score: v}
			for _, c := range suite.Cases {
				n, fired := best[c]
				fired = fired && n >= v
				switch {
				case c.Benign:
					t.BenignAll++
					if fired {
						t.Benign++
					}
				case c.Detections[d.ID].Count > 0, c.Detections[d.Equal].Count > 0:
					t.AttacksAll++
					if fired {
						t.Attacks++
					}
				}
			}
			out[d.ID] = append(out[d.ID], t)
		}
	}
	return out, nil
}
