package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

var _ = command((*app).explainCmd)

func (a *app) explainCmd() *cobra.Command {
	var in inputs
	var file, one, form string
	var whyNot bool
	var values params
	var detections []string
	var only string
	cmd := &cobra.Command{
		GroupID: groupQuery,
		Use:     "explain 'QUERY' [PATH...]",
		Short:   "Show how a query would run, or why it finds nothing",
		Long: `explain prints the plan of a query: its steps in the order they run, the fields
that are read from events, what is searched for in the raw bytes before an event
is decoded, and how field names are found; with logs, also where the query's
fields were found in them. It exits with 2 when the query does not compile.

--why-not runs the query over the logs and prints how many rows go into and come
out of every stage. Where they drop to nothing it says which predicate failed,
the values it saw, and the field or value that was probably meant.

With -d the rules are of Cloud SIEM: for each it prints how many records are left
after each part of its condition, tunings included, which attributes were null in
them and which mapper would fill those, and what a window lacked. --rule names one.

--event takes one event, as JSON or as a file that holds it, and prints each
predicate with the values it reads.`,
		Example: `  gyoji explain 'error | timeslice 5m | count by _timeslice'
  gyoji explain --why-not -q hunt.sumo evtx/
  gyoji explain --why-not -d rules/ --rule MATCH-U00012 logs/
  gyoji explain -q hunt.sumo --event '{"EventID":1,"Image":"cmd.exe"}'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if whyNot && detections == nil && file != "" && tenant.IsFile(file, headOf(file)) {
				detections, file = []string{file}, ""
			}
			if detections != nil || only != "" {
				switch {
				case detections == nil:
					return usageError("--rule wants -d RULES beside it")
				case file != "" || one != "":
					return usageError("-d is for Cloud SIEM rules, and -q and --event for queries: leave one out")
				case !whyNot:
					return usageError("-d wants --why-not: gyoji explain --why-not -d RULES PATH")
				}
				return a.whyRules(cmd, &in, detections, only, form, args)
			}
			lib, err := in.library()
			if err != nil {
				return err
			}
			with := []query.Option{query.Tables(lib)}
			if !whyNot && one == "" && (len(args) == 0 || len(args) == 1 && file == "") {
				with = append(with, query.Unfilled) // nothing runs
			}
			q, rest, err := a.compile(&values, file, args, with...)
			if err != nil {
				return err
			}
			switch {
			case form == "json" && (!whyNot || one != ""):
				return usageError("-f json is for --why-not: gyoji explain --why-not -f json 'QUERY' PATH")
			case one != "" && len(rest) > 0:
				return usageError("--event is the event to look at; leave %s out", rest[0])
			case one != "":
				if rest = []string{one}; strings.HasPrefix(strings.TrimSpace(one), "{") {
					a.stdin, rest = bytes.NewReader([]byte(one)), []string{"-"}
				}
			case whyNot && len(rest) == 0 && file == "" && len(args) > 0 && there(args[0]):
				return usageError("%s is a file or folder, and the query is missing: gyoji explain --why-not 'QUERY' %s", args[0], args[0])
			case whyNot && len(rest) == 0 && a.stdinIsTerminal():
				return usageError("--why-not wants the logs to look at")
			case !whyNot && len(rest) == 0:
				q.Explain(a.prosaic())
				fmt.Fprint(a.stdout, "\nField names\n", q.MappingText(in.unmapped()))
				return nil
			}
			s, err := a.open(&in, rest)
			if err != nil {
				return err
			}
			err = s.pass(cmd.Context(), q, func(run query.Run) error {
				if form == "json" {
					why, err := q.Why(cmd.Context(), run)
					if err != nil {
						return err
					}
					e := json.NewEncoder(a.json())
					e.SetIndent("", "  ")
					e.SetEscapeHTML(false)
					return e.Encode(why)
				}
				if whyNot || one != "" {
					return q.WhyNot(cmd.Context(), run, a.prosaic(), one != "")
				}
				q.Explain(a.prosaic())
				fmt.Fprint(a.stdout, "\nField names\n", q.MappingText(in.unmapped()))
				return q.Found(cmd.Context(), run, a.stdout)
			})
			return firstOf(err, s.finish(""))
		},
	}
	in.flags(cmd)
	formatFlag(cmd.Flags(), &form, "text", textOrJSON, "text, or with --why-not json: stages, counts, predicates, values and the nearest one")
	values.flags(cmd)
	cmd.Flags().StringVarP(&file, "query", "q", "", "read the query from a file")
	cmd.Flags().StringArrayVarP(&detections, "detections", "d", nil, "with --why-not: Cloud SIEM rules, a folder or a file; may be repeated")
	cmd.Flags().StringVar(&only, "rule", "", "with -d: only the rule of this id or name")
	cmd.Flags().BoolVar(&whyNot, "why-not", false, "count the rows through every stage, and say why none are left")
	cmd.Flags().StringVar(&one, "event", "", "one event, as JSON or as a file: print each predicate with the values it reads")
	return cmd
}

// stdinIsTerminal reports whether nobody pipes anything in.
func (a *app) stdinIsTerminal() bool {
	f, ok := a.stdin.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
