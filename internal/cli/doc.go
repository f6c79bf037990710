package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
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
			width := a.width
			if width > 0 {
				width = min(width, proseMax)
			}
			if len(args) == 0 {
				listDocs(a.stdout, "Operators", ops, width)
				listDocs(a.stdout, "Group functions", aggs, width)
				listDocs(a.stdout, "Functions", fns, width)
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
						printDoc(a.stdout, k.kind, d, width, a.colors(a.outTTY))
						if k.kind == "function" {
							para(a.stdout, "\nNull: "+v.FunctionOf(d.Name).OfNull(), width)
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

func listDocs(w io.Writer, title string, docs []lang.Doc, width int) {
	fmt.Fprintf(w, "%s\n", title)
	for _, d := range docs {
		mark := ""
		if d.Status != "" {
			mark = " [" + d.Status + "]"
		}
		for i, line := range printable.Wrap(d.Summary+mark, max(width-23, 0)) {
			name := d.Name
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(w, "  %-20s %s\n", name, line)
		}
	}
	fmt.Fprintln(w)
}

// para writes paragraphs, broken between words where there is a width; what is indented
// keeps its lines.
func para(w io.Writer, text string, width int) {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, " ") {
			fmt.Fprintln(w, line)
			continue
		}
		fmt.Fprintln(w, strings.Join(printable.Wrap(line, width), "\n"))
	}
}

func printDoc(w io.Writer, kind string, d lang.Doc, width int, color bool) {
	fmt.Fprintf(w, "%s (%s)\n\n  %s\n\n", paint(color, "1", d.Name), kind, d.Usage)
	para(w, d.Summary, width)
	if len(d.Aliases) > 0 {
		para(w, "\nAlso written: "+strings.Join(d.Aliases, ", "), width)
	}
	if d.Text != "" {
		para(w, "\n"+d.Text, width)
	}
	if d.Dialect != "" {
		para(w, "\nNot a Sumo Logic word. Portable form: "+d.Dialect, width)
	}
	if d.Differs != "" {
		para(w, "\nOur reading where Sumo's documentation is silent: "+d.Differs, width)
	}
	if d.Status != "" {
		para(w, "\nStatus: "+d.Status, width)
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
