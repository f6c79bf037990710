package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = command((*app).backtestCmd)

func (a *app) backtestCmd() *cobra.Command {
	var f siemFlags
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "backtest RULE PATH...",
		Short:   "Count what a Cloud SIEM rule would have signalled, with and without its tunings",
		Long: `backtest runs the rules of a file or folder over logs and counts their signals by
day, entity and name: as they are, and, where tunings are attached, without all of
them and without each. A signal counts unless it is suppressed; each variant is
suppressed on its own.

-d names more documents: tunings, lists, settings.

--against names another version of the rules, as it was before, and counts what that
would have signalled beside it: change says what is new, gone, more or fewer.`,
		Example: `  gyoji backtest rules/spray.json logs/
  gyoji backtest rules/spray.json -d tunings/ -f ndjson logs/
  gyoji backtest rules/spray.json --against old/spray.json logs/`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usageError("backtest wants a rule and the logs to look at: gyoji backtest RULE FOLDER")
			}
			f.detections = append([]string{args[0]}, f.detections...)
			return f.run(a, cmd, args[1:], [2]string{"line", "lines"}, func(g *siemHunt, w io.Writer) (int64, error) { return g.printBacktest(&f.out, w) })
		},
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&f.against, "against", "", "another version of the rules to compare with: a file or a folder")
	f.variants = true
	return cmd
}

// variant is a rule with some of its tunings.
type variant struct {
	rule    *tenant.Rule
	tunings string // all, none, or without NAME
}

// vary adds each rule's variants to the rules that run.
func (g *siemHunt) vary() {
	g.variants = map[string]variant{}
	var all []*tenant.Rule
	add := func(r *tenant.Rule, of, tunings string) {
		g.variants[r.ID] = variant{r, tunings}
		all = append(all, r)
	}
	for _, r := range g.Rules {
		if len(r.Tunings) == 0 {
			add(r, r.ID, "")
			continue
		}
		add(r, r.ID, "all")
		add(r.Variant(r.ID+"\x00none", nil), r.ID, "none")
		if len(r.Tunings) == 1 {
			continue
		}
		for i, t := range r.Tunings {
			without := slices.Delete(slices.Clone(r.Tunings), i, i+1)
			add(r.Variant(r.ID+"\x00"+t.ID, without), r.ID, "without "+t.Name)
		}
	}
	g.Rules = all
}

func (g *siemHunt) printBacktest(out *output, w io.Writer) (lines int64, err error) {
	if g.before != nil {
		return g.printDifference(out, w)
	}
	type key struct {
		rule           int // of g.Rules
		day, who, name string
	}
	type count struct{ signals, counted, stronger int64 }
	place := map[string]int{}
	for i, r := range g.Rules {
		place[r.ID] = i
	}
	apart := make([][]*insight.Signal, len(g.Rules))
	for _, s := range g.signals {
		apart[place[s.RuleID]] = append(apart[place[s.RuleID]], s)
	}
	counts := map[key]*count{}
	var keys []key
	for i, signals := range apart {
		insight.NewDesks(g.Tenant.Content).Take(signals) // each variant is suppressed on its own
		var total count
		for _, s := range signals {
			k := key{i, time.UnixMilli(s.Time).In(g.session.run.Zone).Format(time.DateOnly), s.Entity.ID(), s.Name}
			c := counts[k]
			if c == nil {
				c = &count{}
				counts[k] = c
				keys = append(keys, k)
			}
			c.signals++
			total.signals++
			if len(s.Suppressed) == 0 {
				c.counted++
				total.counted++
			}
			if s.Stronger {
				c.stronger++
				total.stronger++
			}
		}
		if v := g.variants[g.Rules[i].ID]; !g.app.quiet {
			name := g.Rules[i].Name
			if v.tunings != "" {
				name += " (tunings: " + v.tunings + ")"
			}
			stronger := ""
			if n := total.stronger; n > 0 {
				stronger = fmt.Sprintf("; %s more severe than the %s", isAre(int(n)), plural(n, "signal that it repeats", "signals that they repeat"))
			}
			fmt.Fprintf(g.app.stderr, "%s: %s %s, %s not suppressed%s\n", name, number(total.signals), plural(total.signals, "signal", "signals"), number(total.counted), stronger)
		}
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.day, b.day), cmp.Compare(a.who, b.who), cmp.Compare(a.name, b.name))
	})
	columns := []string{"rule", "tunings", "day", "entity", "name", "signals", "counted", "stronger_repeats"}
	err = g.app.table(w, out, g.session, columns, func(add func(...event.Value) error) error {
		for _, k := range keys {
			c, v := counts[k], g.variants[g.Rules[k.rule].ID]
			if err := add(event.Text(v.id()), orNull(v.tunings), event.Text(k.day), event.Text(k.who), event.Text(k.name), event.Int(c.signals), event.Int(c.counted), event.Int(c.stronger)); err != nil {
				return err
			}
		}
		return nil
	})
	return int64(len(keys)), err
}

// printDifference counts the signals of the rules beside those of the version before.
// Rules are paired by their ids, by their names, or where there is one of each.
func (g *siemHunt) printDifference(out *output, w io.Writer) (lines int64, err error) {
	type key struct{ rule, day, who, name string }
	type count struct{ signals, counted [2]int64 } // before, now
	counts := map[key]*count{}
	var keys []key
	ids := map[string]string{} // of the rule before -> of the rule now
	for _, old := range g.before.Rules {
		ids[old.ID] = old.ID
		for _, r := range g.Tenant.Rules {
			if r.ID == old.ID || len(g.Tenant.Rules) == 1 && len(g.before.Rules) == 1 {
				ids[old.ID] = r.ID
				break
			}
			if r.Name == old.Name {
				ids[old.ID] = r.ID
			}
		}
	}
	take := func(h *siemHunt, at int, id func(string) (string, bool)) (all, counted int64) {
		apart := map[string][]*insight.Signal{}
		for _, s := range h.signals {
			if r, ok := id(s.RuleID); ok {
				apart[r] = append(apart[r], s)
			}
		}
		for r, signals := range apart {
			insight.NewDesks(h.Tenant.Content).Take(signals)
			for _, s := range signals {
				k := key{r, time.UnixMilli(s.Time).In(g.session.run.Zone).Format(time.DateOnly), s.Entity.ID(), s.Name}
				c := counts[k]
				if c == nil {
					c = &count{}
					counts[k] = c
					keys = append(keys, k)
				}
				c.signals[at]++
				all++
				if len(s.Suppressed) == 0 {
					c.counted[at]++
					counted++
				}
			}
		}
		return all, counted
	}
	was, wasCounted := take(g.before, 0, func(id string) (string, bool) { return ids[id], true })
	is, isCounted := take(g, 1, func(id string) (string, bool) { // as the rules are, with all their tunings
		v := g.variants[id]
		return v.id(), v.tunings == "" || v.tunings == "all"
	})
	if !g.app.quiet {
		fmt.Fprintf(g.app.stderr, "before: %s %s, %s not suppressed; now: %s, %s not suppressed\n",
			number(was), plural(was, "signal", "signals"), number(wasCounted), number(is), number(isCounted))
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.day, b.day), cmp.Compare(a.who, b.who), cmp.Compare(a.name, b.name))
	})
	columns := []string{"rule", "change", "day", "entity", "name", "before", "now", "counted_before", "counted_now"}
	err = g.app.table(w, out, g.session, columns, func(add func(...event.Value) error) error {
		for _, k := range keys {
			c := counts[k]
			change := "same"
			switch before, now := c.signals[0], c.signals[1]; {
			case before == 0:
				change = "new"
			case now == 0:
				change = "gone"
			case now > before || now == before && c.counted[1] > c.counted[0]:
				change = "more"
			case now < before || c.counted[1] < c.counted[0]:
				change = "fewer"
			}
			err := add(event.Text(k.rule), event.Text(change), event.Text(k.day), event.Text(k.who), event.Text(k.name),
				event.Int(c.signals[0]), event.Int(c.signals[1]), event.Int(c.counted[0]), event.Int(c.counted[1]))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return int64(len(keys)), err
}

// id is the id of the rule that it is a variant of.
func (v variant) id() string {
	for i := range v.rule.ID {
		if v.rule.ID[i] == 0 {
			return v.rule.ID[:i]
		}
	}
	return v.rule.ID
}
