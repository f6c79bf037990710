package cli

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/draft"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = command((*app).draftCmd)

// examplesMax bounds the example events, which are held in memory.
const examplesMax = 10_000

func (a *app) draftCmd() *cobra.Command {
	var in inputs
	var from, baseline []string
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "draft --from EVENTS [--baseline EVENTS]",
		Short:   "Draft a Sigma rule from example events against a baseline",
		Long: `draft reads example events, finds their log source and what they have in common,
and chooses the tests that all examples and as few events of the baseline as
possible meet. It prints a Sigma rule, with how many events of each meet every
test. Before, it runs the rule over the examples and the baseline: a rule that does
not find every example is not printed.

The same events give the same rule. Without a baseline nothing says what is
usual, and the rule asks for the programs and the longest common word.`,
		Example: `  gyoji draft --from incident.evtx --baseline quiet-week/
  gyoji draft --from one.jsonl > rule.yml && gyoji lint rule.yml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			from = append(from, args...)
			if len(from) == 0 {
				return usageError("draft wants example events: gyoji draft --from FILE")
			}
			return a.draft(cmd.Context(), &in, from, baseline)
		},
	}
	// --from are the examples here, and not the start of a time range.
	logs := &cobra.Command{}
	in.flags(logs)
	logs.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "from" && f.Name != "to" {
			cmd.Flags().AddFlag(f)
		}
	})
	cmd.Flags().StringArrayVar(&from, "from", nil, "logs whose events the rule is to find, all of them (repeatable)")
	cmd.Flags().StringArrayVar(&baseline, "baseline", nil, "logs whose events the rule is not to find (repeatable)")
	return cmd
}

func (a *app) draft(ctx context.Context, in *inputs, from, baseline []string) error {
	s, err := a.open(in, from)
	if err != nil {
		return err
	}
	var examples []draft.Event
	err = s.events(ctx, func(e draft.Event) error {
		if examples = append(examples, e); len(examples) > examplesMax {
			return &exit{exitInput, fmt.Errorf("more than %d example events: give those that the rule is about", examplesMax)}
		}
		return nil
	})
	if err != nil {
		return err
	}
	d, err := draft.New(examples)
	if err != nil {
		return &exit{exitInput, err}
	}
	var quiet *session
	if len(baseline) > 0 {
		if quiet, err = a.open(in, baseline); err != nil {
			return err
		}
		if err := quiet.events(ctx, func(e draft.Event) error { d.Add(e); return nil }); err != nil {
			return err
		}
	}
	r := d.Rule()
	text := r.YAML()
	// The rule is held to its word, by the engine that will run it.
	docs, diags := sigma.Parse(diag.Text("draft", text))
	if err := diags.Err(); err != nil {
		panic(fmt.Sprintf("bug: draft: %v in\n%s", err, text))
	}
	if n, err := s.matching(ctx, docs); err != nil {
		return err
	} else if n != r.Examples {
		return fmt.Errorf("the drafted rule finds %d of %d examples, so it is not printed", n, r.Examples)
	}
	if quiet != nil {
		n, err := quiet.matching(ctx, docs)
		if err != nil {
			return err
		}
		if n != r.Matched {
			return fmt.Errorf("the drafted rule finds %d events of the baseline and was to find %d, so it is not printed", n, r.Matched)
		}
	}
	if _, err := fmt.Fprint(a.data(), text); err != nil {
		return err
	}
	err = s.finish("")
	if quiet != nil {
		err = firstOf(err, quiet.finish(""))
	}
	return err
}

// events gives every event of the input as text, in the order of the input.
func (s *session) events(ctx context.Context, fn func(draft.Event) error) error {
	return s.read(func(run query.Run) error {
		layout := event.NewLayout()
		return run.Input.Feed(ctx, &input.Want{
			Layout: layout, Fields: event.Fields{All: true}, NoMap: run.NoMap, Category: run.Category,
			Carve: run.Carve, Now: run.Now, Zone: run.Zone, From: run.From, To: run.To, Bounded: run.Bounded, Warnings: run.Warnings,
		})(0, &eventTexts{run: run, layout: layout, fn: fn})
	})
}

type eventTexts struct {
	run    query.Run
	layout *event.Layout
	fn     func(draft.Event) error
}

func (t *eventTexts) Push(b *event.Batch) error {
	for _, row := range b.Live {
		if at := b.Time[row]; t.run.Bounded && (at < t.run.From || at >= t.run.To || at == event.NoTime) {
			continue
		}
		e := draft.Event{}
		for i := range b.Cols {
			v := b.Cols[i].At(row)
			if name := t.layout.Name(event.Slot(i)); !v.IsNull() && name != "_raw" {
				e[name] = strings.Clone(v.String())
			}
		}
		if err := t.fn(e); err != nil {
			return err
		}
	}
	return nil
}

// matching counts the events that a Sigma rule finds.
func (s *session) matching(ctx context.Context, docs []sigma.Document) (int, error) {
	scope := rule.NewScope()
	rules, unusable := scope.Lower(docs, nil)
	if len(unusable) > 0 {
		return 0, unusable[0].Diagnostic
	}
	set := rule.Compile(scope, rules)
	var n atomic.Int64
	err := s.read(func(run query.Run) error {
		return query.RunTogether(ctx, run, nil, query.Consumer{Layout: scope.Layout, Fields: set.Fields(), Open: func(rt *exec.Runtime) exec.Pipeline {
			env := &expr.Env{Now: rt.Now.UnixMilli(), From: rt.From, To: rt.To, Zone: rt.Zone, Warn: func(string, string) {}}
			return exec.Pipeline{
				Front: func(exec.Sink) exec.Task {
					return set.Task(env, nil, func(_ *rule.Rule, b *event.Batch) error {
						n.Add(int64(len(b.Live)))
						return nil
					})
				},
				Back: exec.Chain(nothing{}),
			}
		}})
	})
	return int(n.Load()), err
}

// nothing takes rows and keeps none.
type nothing struct{}

func (nothing) Push(*event.Batch) error { return nil }
