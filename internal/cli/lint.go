package cli

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/content"
	"github.com/gyoji-dev/gyoji/internal/detect/lint"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/folder"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
	"github.com/gyoji-dev/gyoji/sigma"
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
		Short:   "Find what runs in a query or rule and is probably not meant",
		Long: `lint reads queries and Sigma rules and reports what is wrong, what Sumo Logic does
not have, and what runs and is probably not meant: comparisons that never hold,
patterns that match too much, filters that come late; in Sigma rules also fields
that the log source lacks and what SigmaHQ asks for. Of Cloud SIEM it reads
expressions (.cse) and the rules in JSON and Terraform files: syntax, functions,
attributes. In folders it reads the ` + queryExtension + ` files and what else holds rules,
without arguments a query from standard input. What a file is, its content says;
one that is none of these is refused. Rules in archives are checked and not mended.

A comment takes findings back: "// lint:ignore ID why" after something for its
line, before a stage for the stage; "// lint:ignore-file ID why" for the file. In
YAML it starts with #, and before a key it is for all of that key.

It exits with 2 when there are errors, with --strict also when there are
warnings. Notes never fail it.`,
		Example: "  gyoji lint packages/\n  gyoji lint --fix query.sumo\n  gyoji lint --fix rules/proc_creation_win_certutil.yml\n  gyoji lint -f sarif detections/ > lint.sarif",
		RunE: func(cmd *cobra.Command, args []string) error {
			if list {
				for _, c := range lint.Checks() {
					fmt.Fprintf(a.stdout, "%-22s %-8s %s\n", c.ID, c.Severity, c.What)
				}
				return nil
			}
			files, err := a.lintFiles(args)
			if err != nil {
				return err
			}
			var all diag.List
			var rules []*diag.File
			counts := map[content.Kind]int64{}
			out := a.stdout
			for _, f := range files {
				k := content.Of(f.Name, f.Text)
				if fix || unsafe {
					if f.Name == "-" {
						out = a.stderr // the mended text takes its place
					}
					if f, err = a.fixed(f, k, unsafe); err != nil {
						return err
					}
				}
				switch k {
				case content.Sigma:
					rules = append(rules, f)
				case content.SIEMExpression:
					all = append(all, lint.SIEMExpression(f)...)
				case content.SIEMRule, content.Terraform:
					all = append(all, lint.SIEMRules(f)...)
					k = content.SIEMRule
				default:
					ctx, done := context.WithTimeout(cmd.Context(), fixesTime)
					all = append(all, lint.Within(ctx, f, query.Standard(), query.Unfilled)...)
					late := ctx.Err() != nil
					done()
					if err := cmd.Context().Err(); err != nil {
						return err
					}
					if late {
						fmt.Fprintf(a.stderr, "gyoji: %s: fixes that were not shown to keep the query's meaning within %s are not offered\n", f.Name, fixesTime)
					}
				}
				counts[k]++
			}
			all = append(all, lint.SigmaFiles(rules)...)
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
				var what []string
				for _, of := range []struct {
					kind      content.Kind
					one, many string
				}{
					{content.Query, "query", "queries"}, {content.Sigma, "Sigma file", "Sigma files"},
					{content.SIEMExpression, "Cloud SIEM expression", "Cloud SIEM expressions"}, {content.SIEMRule, "file of Cloud SIEM rules", "files of Cloud SIEM rules"},
				} {
					if n := counts[of.kind]; n > 0 {
						what = append(what, fmt.Sprint(n, " ", plural(n, of.one, of.many)))
					}
				}
				notes := int64(len(all)) - errors - warnings
				fmt.Fprintf(a.stderr, "%s: %d %s, %d %s, %d %s\n", strings.Join(what, " and "),
					errors, plural(errors, "error", "errors"), warnings, plural(warnings, "warning", "warnings"), notes, plural(notes, "note", "notes"))
			}
			if errors > 0 || strict && warnings > 0 {
				return &exit{code: exitDiagnostics}
			}
			return nil
		},
	}
	f := cmd.Flags()
	formatFlag(f, &form, "text", []string{"text", "json", "sarif", "github"}, "text, json, sarif or github")
	f.BoolVar(&fix, "fix", false, "make the fixes that keep the meaning; comments are kept")
	f.BoolVar(&unsafe, "unsafe-fixes", false, "make every fix, those that change what matches as well")
	f.BoolVar(&strict, "strict", false, "exit with 2 on warnings as well")
	f.BoolVar(&list, "list", false, "list the checks")
	return cmd
}

// lintFiles reads the queries and Sigma rules of files, folders, archives and
// standard input.
// fixesTime is how long the fixes of a query may take to be shown to keep its meaning;
// those that are not by then are not offered as such.
const fixesTime = 10 * time.Second

func (a *app) lintFiles(args []string) (files []*diag.File, err error) {
	if len(args) == 0 {
		args = []string{"-"}
	}
	add := func(name string) error {
		f, _, err := a.readAs(name, "lint", lintKinds...)
		if err == nil {
			files = append(files, f)
		}
		return err
	}
	for _, name := range args {
		switch st, err := os.Stat(name); {
		case err == nil && !st.IsDir() && isArchive(name):
			rules, errs := sigma.Files(name, "")
			if len(errs) > 0 {
				return nil, &exit{exitInput, errs[0]}
			}
			files = append(files, rules...)
			continue
		case name == "-" || err != nil || !st.IsDir():
			if err := add(name); err != nil {
				return nil, err
			}
			continue
		}
		before := len(files)
		err := filepath.WalkDir(name, folder.Visible(name, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return &exit{exitInput, err}
			}
			if d.IsDir() || !lintEndings[strings.ToLower(filepath.Ext(path))] {
				return nil
			}
			// Among other YAML, JSON and Terraform those with rules are read.
			if k := content.Of(path, headOf(path)); k == content.Query || k == content.SIEMExpression || k == content.SIEMRule ||
				k == content.Sigma && holdsSigma().MatchString(headOf(path)) || k == content.Terraform && strings.Contains(headOf(path), "sumologic_cse_") {
				return add(path)
			}
			return nil
		}))

		if err != nil {
			return nil, err
		}
		if len(files) == before {
			return nil, usageError("%s holds no %s file, no Sigma rule and no Cloud SIEM rule", name, queryExtension)
		}
	}
	return files, nil
}

// holdsSigma recognises a Sigma document among other YAML.
var holdsSigma = match.Lazy(`(?m)^(logsource|correlation)[ \t]*:`)

// lintKinds are what lint takes.
var lintKinds = []content.Kind{content.Query, content.Sigma, content.SIEMExpression, content.SIEMRule, content.Terraform}

// lintEndings are those of the files that are looked at in folders.
var lintEndings = map[string]bool{queryExtension: true, ".yml": true, ".yaml": true, ".cse": true, ".json": true, ".tf": true}

func isArchive(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".zip") || strings.HasSuffix(name, ".tar") || strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz")
}

// fixed makes the fixes of a file and writes it back. The text of standard input
// goes to standard output.
func (a *app) fixed(f *diag.File, k content.Kind, all bool) (*diag.File, error) {
	text := f.Text
	switch k {
	case content.Sigma:
		text = lint.FixSigma(f, all)
	case content.Query:
		text = lint.Fix(f, query.Standard(), all, query.Unfilled)
	}
	switch {
	case f.Name == "-":
		if _, err := fmt.Fprint(a.data(), text); err != nil {
			return nil, err
		}
	case text != f.Text && strings.Contains(f.Name, "#"): // in an archive
		return f, nil
	case text != f.Text:
		if err := a.replace(f.Name, []byte(text)); err != nil {
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
		return diag.WriteJSON(printable.NewWriter(a.streamOf(out), printable.JSON, false), l)
	case "github":
		return diag.WriteGitHub(out, l)
	case "sarif":
		var rules []diag.Rule
		for _, c := range lint.Checks() {
			rules = append(rules, diag.Rule{Code: c.ID, Severity: c.Severity, What: c.What, Why: c.Why})
		}
		return diag.WriteSARIF(printable.NewWriter(a.streamOf(out), printable.JSON, false), l, "gyoji", Version(), "https://github.com/gyoji-dev/gyoji", rules)
	}
	color := out == a.stdout && a.colors(a.outTTY)
	if color {
		out = a.styled(a.out, a.outTTY)
	}
	return diag.WriteText(out, l, diag.Style{Color: color, All: true})
}
