package query

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/exec/exectest"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// sifting is a Feeder as a store of columns may be one: it gives only the events that meet
// all that is wanted, the conditions themselves and the literals at their places.
type sifting struct {
	input.Feeder
	dropped *int
}

func (s sifting) Feed(ctx context.Context, want *input.Want) exec.Feed {
	env := &expr.Env{}
	var conds, auto []*expr.Run
	for _, c := range want.Conditions {
		conds = append(conds, expr.Compile(c).Open(env))
	}
	for _, c := range want.AutoConditions {
		auto = append(auto, expr.Compile(c).Open(env))
	}
	plain := *want
	plain.Need, plain.Conditions, plain.AutoConditions = nil, nil, nil
	feed := s.Feeder.Feed(ctx, &plain)
	return func(worker int, front exec.Sink) error {
		return feed(worker, sinkFunc(func(b *event.Batch) error {
			all := len(b.Live)
			for _, c := range conds {
				b.Live = c.Keep(b, b.Live)
			}
			for _, c := range auto {
				if b.Auto {
					b.Live = c.Keep(b, b.Live)
				}
			}
			b.Live = slices.DeleteFunc(b.Live, func(row uint16) bool {
				return slices.ContainsFunc(want.Need, func(n input.Need) bool {
					if n.Slot == event.None || n.Written {
						return false
					}
					text := b.Value(n.Slot, row).String()
					return !slices.ContainsFunc(n.Any, func(l string) bool { return n.At.Holds(text, l) })
				})
			})
			if *s.dropped += all - len(b.Live); len(b.Live) == 0 {
				return nil
			}
			return front.Push(b)
		}))
	}
}

// A query gives the same rows whether whoever feeds it has applied its conditions and
// looked for its literals at the places that it names, or not.
func TestConditionsMayBeApplied(t *testing.T) {
	texts := slices.Concat(splitQueries, []string{
		`* | where k = "a"`, `* | where k != "a" and n > 50`, `* | where k matches "a*"`, `* | where j matches "*3*"`, `* | where j matches "J*3*"`,
		`* | where j matches "*q\""`, `k=a n=5*`, `k=A`, `j="*3*"`, `* | where k in ("a", "B", "c")`, `* | where k = "a" or k matches "b*"`,
		`* | where n = "7" | where k matches "*"`, `* | concat(k, "x") as u | where u = "ax"`, `* | toLowerCase(k) as u | where u matches "a*"`,
		`* | substring(j, 1) as s | where s matches "*3*"`, `* | where !(k = "a")`, `* | where isNull(j)`, `* | where n > 50 | n * 2 as n | where n > 150`,
		`* | where [subquery: * | top 2 k | compose k] | where k matches "*"`, `* | k as m | where m matches "c*"`, `* | where k like "a"`, `k=a* or j=*4*`,
		`* | json auto | where k = "a"`, `* | json auto | where n > 50 | where k matches "*B*"`, `* | where k = "a" | json auto | where j matches "*3*" or n < 9`,
		`* | json auto | concat(k, "x") as u | where u = "ax" and n > 10`, `* | json auto field=j | where k = "a"`, `* | json auto | json "j" as k | where k matches "*3*"`,
	})
	ops, fns, aggs := Standard().Docs()
	type given struct {
		text string
		data []byte
	}
	var all []given
	for _, text := range texts {
		all = append(all, given{text, splitEvents(150)})
	}
	for _, docs := range [][]lang.Doc{ops, fns, aggs} {
		for _, d := range docs {
			for _, ex := range d.Examples {
				if ex.To == 0 && !strings.Contains(ex.Query, "rand(") {
					all = append(all, given{ex.Query, messages(t, ex.In)})
				}
			}
		}
	}
	conditions, anchors, dropped := 0, 0, 0
	jsonl := format.Named("jsonl")
	for _, x := range all {
		q, err := compileText(x.text)
		if err != nil {
			continue
		}
		conditions += len(q.conditions)
		for _, n := range q.need {
			if n.At != expr.Anywhere {
				anchors++
			}
		}
		rows := func(sift bool) []string {
			l := q.Layout.Clone()
			out := &exectest.Collect{Layout: l}
			feed := func() (input.Feeder, error) {
				r := input.NewReader(input.Memory("log", bytes.Clone(x.data)), []*input.Format{jsonl}, input.Options{Force: jsonl, Warnings: &exec.Warnings{}})
				if sift {
					return sifting{r, &dropped}, nil
				}
				return r, nil
			}
			in, _ := feed()
			if err := q.Run(context.Background(), Run{Input: in, Reopen: feed, Layout: l, Workers: 1, Warnings: &exec.Warnings{}}, out); err != nil {
				return []string{err.Error()}
			}
			return out.Rows
		}
		if got, want := rows(true), rows(false); !slices.Equal(got, want) {
			t.Errorf("%s: sifted\n got %.500q\nwant %.500q", x.text, got, want)
		}
	}
	if conditions < 15 || anchors < 10 || dropped < 1000 {
		t.Errorf("%d conditions, %d anchored literals, %d events sifted out: too few to prove much", conditions, anchors, dropped)
	}
}
