package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

var _ = command((*app).docCmd)

func (a *app) docCmd() *cobra.Command {
	return &cobra.Command{
		GroupID: groupQuery,
		Use:     "doc [WORD]",
		Short:   "Read about a word of the query language",
		Long:    "doc prints what a word means, its form, what it does with null, and examples. Without a word it lists all.",
		Example: "  gyoji doc timeslice\n  gyoji doc 'parse regex'",
		RunE: func(_ *cobra.Command, args []string) error {
			v := query.Standard()
			ops, fns, aggs := v.Docs()
			if len(args) == 0 {
				listDocs(a.stdout, "Operators", ops)
				listDocs(a.stdout, "Group functions", aggs)
				listDocs(a.stdout, "Functions", fns)
				return nil
			}
			word := strings.ToLower(strings.Join(args, " "))
			found := false
			for _, k := range []struct {
				kind string
				docs []lang.Doc
			}{{"operator", ops}, {"group function", aggs}, {"function", fns}} {
				for _, d := range k.docs {
					if isWord(d, word) {
						if found {
							fmt.Fprintln(a.stdout)
						}
						printDoc(a.stdout, k.kind, d)
						if k.kind == "function" {
							fmt.Fprintf(a.stdout, "\nNull: %s\n", v.FunctionOf(d.Name).OfNull())
						}
						printExamples(a.stdout, d)
						found = true
					}
				}
			}
			if found {
				return nil
			}
			msg := fmt.Sprintf("there is no word %s", strings.Join(args, " "))
			if near := diag.Nearest(word, v.Names()); near != "" {
				msg += "; did you mean " + near + "?"
			}
			return usageError("%s", msg)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return query.Standard().Names(), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

func isWord(d lang.Doc, word string) bool {
	if strings.ToLower(d.Name) == word {
		return true
	}
	for _, al := range d.Aliases {
		if strings.ToLower(al) == word {
			return true
		}
	}
	return false
}

func listDocs(w io.Writer, title string, docs []lang.Doc) {
	fmt.Fprintf(w, "%s\n", title)
	for _, d := range docs {
		mark := ""
		if d.Status != "" {
			mark = " [" + d.Status + "]"
		}
		fmt.Fprintf(w, "  %-20s %s%s\n", d.Name, d.Summary, mark)
	}
	fmt.Fprintln(w)
}

func printDoc(w io.Writer, kind string, d lang.Doc) {
	fmt.Fprintf(w, "%s (%s)\n\n  %s\n\n%s\n", d.Name, kind, d.Usage, d.Summary)
	if len(d.Aliases) > 0 {
		fmt.Fprintf(w, "\nAlso written: %s\n", strings.Join(d.Aliases, ", "))
	}
	if d.Text != "" {
		fmt.Fprintf(w, "\n%s\n", d.Text)
	}
	if d.Dialect != "" {
		fmt.Fprintf(w, "\nNot a Sumo Logic word. Portable form: %s\n", d.Dialect)
	}
	if d.Differs != "" {
		fmt.Fprintf(w, "\nOur reading where Sumo's documentation is silent: %s\n", d.Differs)
	}
	if d.Status != "" {
		fmt.Fprintf(w, "\nStatus: %s\n", d.Status)
	}
}

func printExamples(w io.Writer, d lang.Doc) {
	for i, ex := range d.Examples {
		if i == 0 {
			fmt.Fprintf(w, "\nExamples\n")
		}
		fmt.Fprintf(w, "  %s\n", ex.Query)
		for _, in := range ex.In {
			if in != `{"_raw":""}` { // any event: the example reads none of it
				fmt.Fprintf(w, "    in:  %s\n", in)
			}
		}
		for _, out := range ex.Out {
			fmt.Fprintf(w, "    out: %s\n", out)
		}
	}
}
