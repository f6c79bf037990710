package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/content"
	"github.com/gyoji-dev/gyoji/internal/detect/lint"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/kafka"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = command((*app).searchCmd)

func (a *app) searchCmd() *cobra.Command {
	var in inputs
	var out output
	var file string
	var follow bool
	var rules []string
	var access kafkaAccess
	var values params
	var at remote
	cmd := &cobra.Command{
		GroupID: groupQuery,
		Use:     "search 'QUERY' [PATH...]",
		Short:   "Run a query over logs",
		Long: `search runs a Sumo Logic query over files, folders (with everything below
them), globs, or standard input: Windows logs in any of the formats of docs/inputs.md,
also compressed. What a file is, is recognised by its content.

Rows come newest first, or in the order that the query asks for.`,
		Example: `  gyoji search '_sourceCategory=*sysmon* | json auto | count by Image' evtx/
  gyoji search -q hunt.sumo -f csv -o hits.csv logs/*.jsonl.gz
  zcat day.json.gz | gyoji search 'error | count by _sourceHost'
  gyoji search --store /var/lib/gyoji --from -1d 'error | count by _sourceHost'
  gyoji search --server gyoji-data --from -1d 'error | count by _sourceHost'
  gyoji search --param sc=prod/web --param-default '*' -q dashboard.sumo logs/`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if at.server != "" {
				return a.searchServer(cmd, &at, &in, &out, &values, file, args)
			}
			lib, err := in.library()
			if err != nil {
				return err
			}
			q, args, err := a.compile(&values, file, args, query.Tables(lib))
			if err != nil {
				return err
			}
			s, err := a.open(&in, args)
			if err != nil {
				return err
			}
			s.geo, s.signals = lib.Geo(), &secSignals{names: rules}
			if in.store != "" && follow {
				return firstOf(usageError("--store is what was put in by now; --follow is of files and standard input"), s.finish(""))
			}
			if follow || slices.ContainsFunc(args, kafka.IsAddress) {
				err = a.follow(cmd, s, q, &out, &access)
			} else {
				err = a.print(cmd, s, q, &out)
				if err == nil && s.rows == 0 {
					a.noRows(q.Tree.File, file, args, query.Tables(lib))
				}
			}
			return firstOf(err, s.finish(plural(s.rows, "row", "rows")))
		},
	}
	in.flags(cmd)
	in.storeFlag(cmd)
	at.flags(cmd)
	out.flags(cmd)
	access.flags(cmd)
	values.flags(cmd)
	cmd.Flags().StringVarP(&file, "query", "q", "", "read the query from a file")
	cmd.Flags().StringArrayVarP(&rules, "detections", "d", nil, "Cloud SIEM rules whose signals _index=sec_signal is about: a folder or a file; may be repeated (default: those that gyoji ships)")
	cmd.Flags().BoolVar(&follow, "follow", false, "go on with what is added to the files, or comes on standard input, until Ctrl-C; always so for kafka://BROKER:PORT/TOPIC")
	return cmd
}

// firstOf returns the first error that is not nil.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// compile reads the query from a file or the first argument, prints what there
// is to say of it, and returns the arguments left.
func (a *app) compile(values *params, file string, args []string, with ...query.Option) (*query.Query, []string, error) {
	f, args, err := a.queryText(file, args)
	if err != nil {
		return nil, nil, err
	}
	if strings.TrimSpace(f.Text) == "" {
		return nil, nil, diag.List{{Code: "empty-query", File: f, Message: "the query is empty", Help: "write * for every event"}}.Err()
	}
	f, left, err := values.fill(f)
	if err != nil {
		return nil, nil, err
	}
	q, diags := query.Compile(f, query.Standard(), with...)
	if diags.HasErrors() {
		if d := lint.OtherLanguage(f); d != nil {
			diags.Add(d)
		}
	}
	if err := diags.Err(); err != nil {
		return nil, nil, err
	}
	if !a.quiet {
		a.remark(append(left, diags...))
	}
	return q, args, nil
}

// remark prints what there is to say of a query that runs: of each kind the
// first, unless more was asked for.
func (a *app) remark(diags diag.List) {
	if a.verbose {
		a.diagnose(diags)
		return
	}
	counts := map[string]int{}
	var first diag.List
	for _, d := range diags {
		if counts[d.Code]++; counts[d.Code] == 1 {
			first = append(first, d)
		}
	}
	a.diagnose(first)
	for _, d := range first {
		if n := counts[d.Code] - 1; n > 0 {
			fmt.Fprintf(a.stderr, "%d more of [%s]; -v shows all\n", n, d.Code)
		}
	}
}

func (a *app) queryText(file string, args []string) (*diag.File, []string, error) {
	if file != "" {
		if file != "-" && strings.ContainsAny(file, " |=*\"") && !there(file) {
			return nil, nil, usageError("-q names the file that holds the query, and there is no file %s; write a query without -q, as the first argument", shellWord(file))
		}
		f, _, err := a.readAs(file, "-q", content.Query)
		return f, args, err
	}
	if len(args) == 0 {
		return nil, nil, usageError("no query: write it as the first argument, or name its file with -q")
	}
	if st, err := os.Stat(args[0]); err == nil && st.Mode().IsRegular() && filepath.Ext(args[0]) != "" {
		k := content.Of(args[0], headOf(args[0]))
		if k == content.Query {
			return nil, nil, usageError("%s is a file, and the query comes first; to read the query from it write -q %s", args[0], args[0])
		}
		return nil, nil, usageError("%s is %s, and the query comes first: %s", args[0], k, k.Use())
	}
	if len(args) > 1 && there(args[0]) && !there(args[1]) && (strings.ContainsAny(args[1], "|\"=") || args[1] == "*") {
		return nil, nil, usageError("the query comes first: %s %s", shellWord(args[1]), strings.Join(shellWords(append(args[:1:1], args[2:]...)), " "))
	}
	if there(args[0]) && len(args) == 1 && a.stdinIsTerminal() {
		return nil, nil, usageError("%s is a file or folder, and the query is missing: write it before the paths, such as '*' %s, or name its file with -q", args[0], args[0])
	}
	if _, err := os.Stat(args[0]); err == nil && (len(args) == 1 || !strings.ContainsAny(args[0], " *|=\"")) && strings.ContainsAny(args[0], `/\.`) {
		return nil, nil, usageError("%s is a file or folder, and the query is missing: write it before the paths, such as '*' %s, or name its file with -q", args[0], args[0])
	}
	return diag.Text("query", args[0]), args[1:], nil
}

// there reports whether there is a file or folder of a name.
func there(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// print runs a query and prints its rows.
func (a *app) print(cmd *cobra.Command, s *session, q *query.Query, out *output) error {
	w, done, err := out.open(a, cmd, s)
	if err != nil {
		return err
	}
	var sink render.Sink
	err = s.search(cmd.Context(), q, func(l *event.Layout) (exec.Sink, error) {
		sink, err = render.New(out.kind(a), w, out.look(a, render.Options{
			Columns: q.Columns, Layout: l, Messages: q.Messages, Zone: s.run.Zone,
		}))
		if err != nil {
			return nil, usageError("%v", err)
		}
		return sink, nil
	})
	if sink != nil {
		err = firstOf(err, sink.Close())
	}
	return done(err)
}
