package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/content"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/detect/proof"
	"github.com/gyoji-dev/gyoji/internal/folder"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = command((*app).convertCmd)

func (a *app) convertCmd() *cobra.Command {
	var target, dir string
	var fields []string
	var o convert.Options
	values := params{many: true}
	var prove, strict bool
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "convert -t LANGUAGE RULE...",
		Short:   "Write Sigma rules in another language, or Sumo queries as Sigma rules",
		Long: `convert writes Sigma rules as queries and rules of other products:

` + languageList() + `
A rule that a language cannot say is refused, with the construct and its place;
what is written says all of the rule. RULE is a file or a folder, read with all
below it. With -o each rule becomes a file in that folder.

With --prove a rule is written only when it and the rule give the same verdicts
on events made for both (gyoji prove). gyoji runs sumo, cse and terraform; for
the other languages it says that nothing was proved.

With -t sigma it goes the other way: RULE is a Sumo query (.sumo), a folder of
them or a detection package, and what of a query says which events it is about
becomes a Sigma rule. Scores, columns and tables become notes in the rule's
description; a condition that Sigma cannot say is left out and named, with its
place; so is one with a template parameter, {{name}}, that --param gives no
value. With --strict such a query is refused.

It exits with 2 when a rule was refused or cannot be read.`,
		Example: `  gyoji convert -t sumo rules/proc_creation_win_mshta_http.yml
  gyoji convert -t splunk -o spl/ rules/
  gyoji convert -t sumo --category prod/win/sysmon rule.yml
  gyoji convert -t sigma --prove hunt.sumo`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.EqualFold(target, "sigma") {
				for _, only := range []string{"category", "index", "field"} {
					if cmd.Flags().Changed(only) {
						return usageError("--%s is for what is written of Sigma rules; a Sigma rule has its query's own fields and log source", only)
					}
				}
				return a.convertToSigma(cmd, args, &values, dir, prove, strict)
			}
			for _, only := range []string{"param", "params", "param-default"} {
				if cmd.Flags().Changed(only) {
					return usageError("--%s is for -t sigma: it gives values to the template parameters of Sumo queries", only)
				}
			}
			b := convert.Named(target)
			if b == nil {
				return usageError("-t: there is no language %q; choose one of %s", target, strings.Join(append(languageNames(), "sigma"), ", "))
			}
			if !strict {
				o.Near = func(n *convert.Refusal) { fmt.Fprintf(a.stderr, "gyoji: nearly: %v\n", n) }
			}
			if prove && !proof.Runs(b) {
				fmt.Fprintf(a.stderr, "gyoji: not proved: gyoji does not run %s\n", b.Summary)
				prove = false
			}
			if len(args) == 0 {
				return usageError("convert wants the rules: gyoji convert -t %s RULE", b.Name)
			}
			o.Fields = map[string]string{}
			for _, f := range fields {
				from, to, ok := strings.Cut(f, "=")
				if !ok {
					return usageError("--field wants SIGMA=NAME, not %q", f)
				}
				o.Fields[from] = to
			}
			files, err := ruleFiles(args)
			if err != nil {
				return &exit{exitInput, err}
			}
			written, refused := 0, 0
			for _, name := range files {
				text, err := os.ReadFile(name)
				if err != nil {
					return &exit{exitInput, err}
				}
				if _, err := asked(name, string(text), "convert -t "+b.Name, content.Sigma, content.Manifest, content.Unknown); err != nil {
					return err
				}
				docs, diags := sigma.Parse(diag.Text(name, string(text)))
				if diags.HasErrors() {
					a.diagnose(diags)
					refused++
					continue
				}
				for i, d := range docs {
					r, ok := d.(*sigma.Rule)
					if !ok {
						fmt.Fprintf(a.stderr, "gyoji: %s: correlations and filters are not converted: a query says one rule\n", d.About().Place())
						refused++
						continue
					}
					out, err := convert.Rule(b, r, o)
					if err != nil {
						fmt.Fprintf(a.stderr, "gyoji: %s cannot say %v\n", b.Name, err)
						refused++
						continue
					}
					if prove {
						why, err := a.unproved(cmd, b, r, o, out)
						if err != nil {
							return err
						}
						if why != "" {
							fmt.Fprintf(a.stderr, "gyoji: %s: %s is not proved: %s\n", r.Place(), b.Name, why)
							refused++
							continue
						}
					}
					if err := a.writeConverted(b, dir, name, i, out, written > 0); err != nil {
						return err
					}
					written++
				}
			}
			return a.converted(len(files), written, refused)
		},
	}
	f := cmd.Flags()
	choiceFlag(f, &target, "to", "t", "sumo", append(languageNames(), "sigma"), "the language to write: "+strings.Join(languageNames(), ", ")+"; sigma of a Sumo query")
	f.StringVarP(&dir, "output", "o", "", "write each rule to a file in this folder")
	f.StringVar(&o.Category, "category", "", "_sourceCategory of Sumo queries (default: that of the rule's log source)")
	f.StringVar(&o.Index, "index", "", "index or table, where the language names one")
	f.BoolVar(&prove, "prove", false, "write only what gives the rule's own verdicts on events made for it")
	f.BoolVar(&strict, "strict", false, "refuse a rule that the language says only nearly; with -t sigma: a query of which something is lost")
	f.StringArrayVar(&fields, "field", nil, "another name for a field of the rules: --field Image=process_path")
	values.flags(cmd)
	return cmd
}

// converted says how many rules of some files were written, and fails if one was not.
func (a *app) converted(files, written, refused int) error {
	if !a.quiet && (files > 1 || refused > 0) {
		fmt.Fprintf(a.stderr, "%d %s written, %d refused\n", written, plural(int64(written), "rule", "rules"), refused)
	}
	if refused > 0 {
		return &exit{code: exitDiagnostics}
	}
	return nil
}

// unproved is what keeps a converted rule from being proved; "" when nothing does.
func (a *app) unproved(cmd *cobra.Command, b *convert.Backend, r *sigma.Rule, o convert.Options, text string) (string, error) {
	one, ds := proof.Sigma(r)
	if ds.HasErrors() {
		return "the rule does not run: " + ds[0].Message, nil
	}
	two, ds := proof.Converted(b, r, o, text)
	if ds.HasErrors() {
		return "it does not compile: " + ds[0].Message, nil
	}
	return a.provesConverted(cmd, one, two)
}

func languageNames() (names []string) {
	for _, b := range convert.Backends() {
		names = append(names, b.Name)
	}
	return names
}

func languageList() string {
	var b strings.Builder
	for _, l := range convert.Backends() {
		fmt.Fprintf(&b, "  %-12s %s\n", l.Name, l.Summary)
	}
	return b.String()
}

// ruleFiles lists the rule files that are named, and those below folders.
func ruleFiles(args []string) (files []string, err error) {
	for _, arg := range args {
		st, err := os.Stat(arg)
		if err != nil {
			return nil, err
		}
		if !st.IsDir() {
			files = append(files, arg)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(arg, folder.Visible(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (strings.HasSuffix(path, ".yml") || strings.HasSuffix(path, ".yaml")) {
				files = append(files, path)
			}
			return err
		}))

		if err != nil {
			return nil, err
		}
		if len(files) == before {
			return nil, errors.New(arg + " holds no rules: no file ends in .yml or .yaml")
		}
	}
	return files, nil
}

func (a *app) writeConverted(b *convert.Backend, dir, rule string, i int, text string, again bool) error {
	if dir == "" {
		if again {
			text = "\n" + text
		}
		_, err := a.data().Write([]byte(text))
		return err
	}
	base := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(rule), ".yml"), ".yaml")
	if i > 0 {
		base = fmt.Sprintf("%s-%d", base, i+1)
	}
	return a.writeInto(dir, base+"."+b.Suffix(), text)
}

// writeInto writes a file in a folder, which is made when it is not there. What this run
// has written there is not written over: the name gets a number.
func (a *app) writeInto(dir, name, text string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	for i := 2; a.written[strings.ToLower(path)]; i++ {
		ext := filepath.Ext(name)
		path = filepath.Join(dir, fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), i, ext))
	}
	if path != filepath.Join(dir, name) {
		fmt.Fprintf(a.stderr, "gyoji: another rule of this run is %s; this one is written to %s\n", name, path)
	}
	if a.written == nil {
		a.written = map[string]bool{}
	}
	a.written[strings.ToLower(path)] = true
	return a.replace(path, []byte(text))
}
