package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// whyRules says of Cloud SIEM rules why they make no signal of some logs.
func (a *app) whyRules(cmd *cobra.Command, in *inputs, names []string, only, form string, paths []string) error {
	if len(paths) == 0 && a.stdinIsTerminal() {
		return usageError("--why-not wants the logs to look at")
	}
	t, err := a.tenant(names, in.strict)
	if err != nil {
		return err
	}
	if len(t.Rules) == 0 {
		return noRules(t.Found, names...)
	}
	var asked []*tenant.Asked
	var near []string
	for _, r := range t.Rules {
		near = append(near, r.ID, r.Name)
		if only == "" || strings.EqualFold(only, r.ID) || strings.EqualFold(only, r.Name) {
			asked = append(asked, t.Why(r))
		}
	}
	if len(asked) == 0 {
		help := ""
		if n := diag.Nearest(only, near); n != "" {
			help = fmt.Sprintf("; did you mean %s?", n)
		}
		return usageError("--rule: no rule that runs is called %s%s", only, help)
	}
	s, err := a.open(in, paths)
	if err != nil {
		return err
	}
	err = s.read(func(run query.Run) error {
		var beside []query.Consumer
		for _, x := range asked {
			beside = append(beside, x.Consumer())
		}
		return query.RunTogether(cmd.Context(), run, nil, beside...)
	})
	whys := []*tenant.Why{}
	for _, x := range asked {
		if err != nil {
			break
		}
		var w *tenant.Why
		if w, err = x.Why(); err == nil {
			whys = append(whys, w)
		}
	}
	switch {
	case err != nil:
	case form == "json":
		e := json.NewEncoder(a.json())
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		err = e.Encode(whys)
	default:
		w := printable.NewWriter(a.out, printable.People, false)
		for i, why := range whys {
			if i > 0 {
				fmt.Fprintln(w)
			}
			printWhy(w, why)
		}
	}
	return firstOf(err, s.finish(""))
}

// printWhy prints what became of the records on their way through a rule.
func printWhy(w io.Writer, why *tenant.Why) {
	fmt.Fprintf(w, "%s %s: %s records\n", why.ID, why.Name, number(why.Records))
	for _, s := range why.Steps {
		if len(why.Steps) > 1 {
			fmt.Fprintf(w, "  step %d\n", s.Step)
		}
		in := s.In
		for _, c := range s.Conditions {
			text := c.Text
			if c.Tuning != "" {
				text = "tuning " + c.Tuning + ": " + text
			}
			fmt.Fprintf(w, "  %9s -> %-9s %s\n", number(in), number(c.Left), text)
			if c.Left == 0 && in > 0 {
				fmt.Fprintf(w, "  %22s on its own it holds for %s\n", "", number(c.Holds))
				for _, at := range c.Attributes {
					var seen []string
					for _, v := range at.Values {
						seen = append(seen, fmt.Sprintf("%q (%s)", v.Value, number(v.Count)))
					}
					line := fmt.Sprintf("%s: null in %s", at.Name, number(at.Null))
					if seen != nil {
						line += "; " + strings.Join(seen, ", ")
					}
					if at.Help != "" {
						line += "; " + at.Help
					}
					fmt.Fprintf(w, "  %22s %s\n", "", line)
				}
			}
			in = c.Left
		}
	}
	switch {
	case why.Counted > 0:
		fmt.Fprintf(w, "  %s %s, %s of them not suppressed\n", number(int64(why.Signals)), plural(int64(why.Signals), "signal", "signals"), number(int64(why.Counted)))
	case why.Signals > 0:
		fmt.Fprintf(w, "  %s\n", why.Text)
	default:
		fmt.Fprintf(w, "  no signal: %s\n", why.Text)
	}
}
