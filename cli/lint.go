package cli

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/lint"
	"github.com/gyoji-dev/gyoji/query"
)

var _ = command((*app).lintCmd)

// queryExtension is that of files that hold a query.
const queryExtension = ".sumo"

func (a *app) lintCmd() *cobra.Command {
	var form string
	var fix, unsafe, strict, list bool
	cmd := &cobra.Command{
		GroupID: groupQuery,
		Use:     "lint [FILE|FOLDER...]",
		Short:   "Find what runs in a query and is probably not meant",
		Long: `lint reads queries and reports what is wrong, what Sumo Logic does not have, and
what runs and is probably not meant: comparisons that never hold, patterns that
match too much, filters that come late. In folders it reads the ` + queryExtension + ` files,
without arguments standard input.

A comment takes findings back: "// lint:ignore ID why" behind something for its
line, before a stage for the stage; "// lint:ignore-file ID why" for the file.

It exits with 2 when there are errors, with --strict also when there are
warnings. Notes never fail it.`,
		Example: "  gyoji lint packages/\n  gyoji lint --fix query.sumo\n  gyoji lint -f sarif detections/ > lint.sarif",
		RunE: func(_ *cobra.Command, args []string) error {
			if list {
				for _, c := range lint.Checks() {
					fmt.Fprintf(a.stdout, "%-22s %-8s %s\n", c.ID, c.Severity, c.What)
				}
				return nil
			}
			if form != "text" && form != "json" && form != "sarif" && form != "github" {
				return usageError("-f %s: choose one of text, json, sarif, github", form)
			}
			files, err := a.queryFiles(args)
			if err != nil {
				return err
			}
			var all diag.List
			out := a.stdout
			for _, f := range files {
				if fix || unsafe {
					if f.Name == "-" {
						out = a.stderr // the mended text takes its place
					}
					if f, err = a.fixed(f, unsafe); err != nil {
						return err
					}
				}
				all = append(all, lint.Text(f, query.Standard())...)
			}
			if err := a.writeFindings(out, form, all); err != nil {
				return err
			}
			var errors, warnings int64
			for _, d := range all {
				switch d.Severity {
				case diag.Error:
					errors++
				case diag.Warning:
					warnings++
				}
			}
			if !a.quiet {
				n, notes := int64(len(files)), int64(len(all))-errors-warnings
				fmt.Fprintf(a.stderr, "%d %s: %d %s, %d %s, %d %s\n", n, plural(n, "query", "queries"),
					errors, plural(errors, "error", "errors"), warnings, plural(warnings, "warning", "warnings"), notes, plural(notes, "note", "notes"))
			}
			if errors > 0 || strict && warnings > 0 {
				return &exit{code: exitDiagnostics}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVarP(&form, "output", "f", "text", "output: text, json, sarif, github")
	f.BoolVar(&fix, "fix", false, "make the fixes that keep the meaning; comments are kept")
	f.BoolVar(&unsafe, "unsafe-fixes", false, "make every fix, those that change what matches as well")
	f.BoolVar(&strict, "strict", false, "exit with 2 on warnings as well")
	f.BoolVar(&list, "list", false, "list the checks")
	return cmd
}

// queryFiles reads the queries of files, folders and standard input.
func (a *app) queryFiles(args []string) (files []*diag.File, err error) {
	if len(args) == 0 {
		args = []string{"-"}
	}
	add := func(name string) error {
		text, err := a.readText(name)
		if err == nil {
			files = append(files, diag.Text(name, text))
		}
		return err
	}
	for _, name := range args {
		if st, err := os.Stat(name); name == "-" || err != nil || !st.IsDir() {
			if err := add(name); err != nil {
				return nil, err
			}
			continue
		}
		found := false
		err := filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return &exit{exitInput, err}
			}
			if d.IsDir() || !strings.EqualFold(filepath.Ext(path), queryExtension) {
				return nil
			}
			found = true
			return add(path)
		})
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, usageError("%s holds no %s file", name, queryExtension)
		}
	}
	return files, nil
}

// fixed makes the fixes of a file and writes it back. The text of standard input
// goes to standard output.
func (a *app) fixed(f *diag.File, all bool) (*diag.File, error) {
	text := lint.Fix(f, query.Standard(), all)
	switch {
	case f.Name == "-":
		if _, err := fmt.Fprint(a.stdout, text); err != nil {
			return nil, err
		}
	case text != f.Text:
		st, err := os.Stat(f.Name)
		if err == nil {
			err = os.WriteFile(f.Name, []byte(text), st.Mode().Perm())
		}
		if err != nil {
			return nil, &exit{exitInput, err}
		}
	}
	return diag.Text(f.Name, text), nil
}

// writeFindings prints findings, which are what the command is for, to standard
// output.
func (a *app) writeFindings(out io.Writer, form string, l diag.List) error {
	switch form {
	case "json":
		return diag.WriteJSON(out, l)
	case "github":
		return diag.WriteGitHub(out, l)
	case "sarif":
		var rules []diag.Rule
		for _, c := range lint.Checks() {
			rules = append(rules, diag.Rule{Code: c.ID, Severity: c.Severity, What: c.What, Why: c.Why})
		}
		return diag.WriteSARIF(out, l, "gyoji", Version(), "https://github.com/gyoji-dev/gyoji", rules)
	}
	return diag.WriteText(out, l, diag.Style{Color: out == a.stdout && a.colors(a.outTTY), All: true})
}
