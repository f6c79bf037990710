package cli

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/conformance"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
)

var _ = command((*app).conformanceCmd)

func (a *app) conformanceCmd() *cobra.Command {
	var form, run string
	var jobs []int
	cmd := &cobra.Command{
		GroupID: groupQuery,
		Use:     "conformance FILE...",
		Short:   "Run cases that pin the language: queries, messages, and the rows they must give",
		Long: `conformance runs files of cases. Each case is a query, the messages it runs
over, and the rows it must give, or the error it must be refused with. Cases are
JSON objects, one a line, or the form for people in files that end in .case.

Messages without a time are a second apart from 2024-01-01T00:00:00Z on. They are
read newest first. An expected text is compared with the text of a value, a number
by its value, null only with null. Without "ordered" the order of rows does not
count. Every case runs with each number of workers that -j lists.

It exits with 1 when a case fails.`,
		Example: `  gyoji conformance operator-cases.jsonl
  gyoji conformance --run '^transpose-' -v cases/*.case
  gyoji conformance -f junit cases/*.jsonl >results.xml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("no cases: name a file of them")
			}
			only, err := regexp.Compile(run)
			if err != nil {
				return usageError("--run: %v", err)
			}
			for _, n := range jobs {
				if n < 1 {
					return usageError("-j: there is at least one worker")
				}
			}
			report := &render.Tests{}
			for _, name := range args {
				cases, err := loadCases(name)
				if err != nil {
					return err
				}
				suite := render.TestSuite{Name: filepath.ToSlash(name)}
				for _, c := range cases {
					if only.MatchString(c.ID) {
						suite.Cases = append(suite.Cases, runCase(cmd.Context(), c, jobs))
					}
					if err := cmd.Context().Err(); err != nil {
						return err
					}
				}
				report.Suites = append(report.Suites, suite)
			}
			style := render.TestStyle{Color: a.colors(a.outTTY), All: a.verbose}
			if err := render.WriteTests(a.out, report, form, style); err != nil {
				return usageError("-f: %v", err)
			}
			passed, failed, _ := report.Count()
			switch {
			case failed > 0:
				return &exit{code: exitFindings}
			case passed == 0:
				return usageError("no case ran: --run %q matches the id of none", run)
			}
			return nil
		},
	}
	f := cmd.Flags()
	formatFlag(f, &form, "text", render.TestFormats, "how to print the results: "+strings.Join(render.TestFormats, ", "))
	f.StringVar(&run, "run", "", "only the cases whose id matches this regular expression")
	f.IntSliceVarP(&jobs, "jobs", "j", []int{1, 3}, "numbers of workers to run each case with")
	return cmd
}

func loadCases(name string) ([]*conformance.Case, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, &exit{exitInput, err}
	}
	defer f.Close()
	cases, err := conformance.LoadFile(filepath.ToSlash(name), f)
	if err != nil {
		return nil, &exit{exitDiagnostics, err}
	}
	return cases, nil
}

// runCase runs one case with each number of workers, up to the first failure.
func runCase(ctx context.Context, c *conformance.Case, jobs []int) render.Test {
	t := render.Test{Name: c.ID, Title: c.Note, File: c.File, Line: c.Line}
	for _, n := range jobs {
		r := conformance.Run(ctx, c, n)
		t.Took += r.Took
		if r.Failure != "" {
			t.Failures = []string{r.Failure}
			break
		}
	}
	return t
}
