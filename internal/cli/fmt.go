package cli

import (
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/content"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = command((*app).fmtCmd)

func (a *app) fmtCmd() *cobra.Command {
	var write, check, short bool
	values := params{many: true}
	cmd := &cobra.Command{
		GroupID: groupQuery,
		Use:     "fmt [FILE...]",
		Short:   "Print queries in canonical form; comments are kept",
		Long: `fmt prints each query in one canonical layout: a stage a line, keywords in
lower case, one blank around operators. Comments stay where they are and the
meaning does not change. Without files it reads standard input. Template
parameters, {{name}}, stay as they are unless --param gives them values.

With --short the comments go and each stage is one line, for pasting into Sumo
Logic, which takes 15,000 characters; a query that is longer even so is named,
and the exit code is 1.`,
		Example: "  gyoji fmt query.sumo\n  gyoji fmt -w packages/*/*.sumo\n  gyoji fmt --short query.sumo | clip",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"-"}
			}
			changed, long := false, false
			for _, name := range args {
				f, _, err := a.readAs(name, "fmt", content.Query)
				if err != nil {
					return err
				}
				text := f.Text
				f, left, err := values.fill(f)
				if err != nil {
					return err
				}
				a.diagnose(left)
				tree, diags := syntax.Parse(f, query.Standard())
				if err := syntax.Filled(diags).Err(); err != nil {
					return err
				}
				out := syntax.Print(tree) + "\n"
				if short {
					out = syntax.PrintShort(tree) + "\n"
					if n, most := utf8.RuneCountInString(out)-1, convert.Named("sumo").Limit.Max; n > most {
						fmt.Fprintf(a.err, "gyoji: %s: %s characters without comments, and Sumo Logic takes %s\n", name, number(int64(n)), number(int64(most)))
						long = true
					}
				}
				changed = changed || out != text
				switch {
				case check:
					if out != text {
						fmt.Fprintln(a.stdout, name)
					}
				case write && name != "-":
					if out != text {
						if err := a.replace(name, []byte(out)); err != nil {
							return err
						}
					}
				default:
					if _, err := io.WriteString(a.data(), out); err != nil {
						return err
					}
				}
			}
			if err := values.unused(); err != nil {
				return err
			}
			if check && changed || long {
				return &exit{code: exitFindings}
			}
			return nil
		},
	}
	values.flags(cmd)
	cmd.Flags().BoolVarP(&write, "write", "w", false, "write the result back to the files")
	cmd.Flags().BoolVar(&short, "short", false, "leave comments out and write each stage on one line")
	cmd.Flags().BoolVar(&check, "check", false, "list the files whose layout differs, and exit with 1 if there are any")
	return cmd
}

// readText reads a whole file, or standard input for "-".
func (a *app) readText(name string) (string, error) {
	if name == "-" {
		b, err := io.ReadAll(a.stdin)
		if err != nil {
			return "", &exit{exitInput, fmt.Errorf("read standard input: %w", err)}
		}
		return string(b), nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return "", &exit{exitInput, err}
	}
	return string(b), nil
}
