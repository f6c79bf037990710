package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/content"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/detect/proof"
	"github.com/gyoji-dev/gyoji/internal/folder"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
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
		Short:   "Write Sigma rules, Sumo queries and Cloud SIEM rules in another language",
		Long: `convert writes Sigma rules as queries and rules of other products:

` + languageList() + `
A rule that a language cannot say is refused, with the construct and its place;
what is written says all of the rule. RULE is a file or a folder, read with all
below it. With -o each rule becomes a file in that folder.

RULE may also be a Sumo query (.sumo) or a file of Cloud SIEM rules (.json, .tf,
.yaml): it is written as Sigma says it. Correlations become threshold and chain
rules of Cloud SIEM, and so does a query that counts in slices of time; the rules
that a correlation is made of are then not written on their own, unless it has
generate: true.

With --model a rule is written for the product's data model where it has one for
the log source (CIM of Splunk, ASIM of Sentinel, ECS events of Elastic), and the
columns that an analyst or a custom detection needs are shown. A rule that asks
for more than the model holds is refused. Packages are built so.

With --prove a rule is written only when it and the rule give the same verdicts
on events made for both (gyoji prove). gyoji runs sumo, cse and terraform; for
the other languages it says that nothing was proved.

With -t sigma it goes the other way: RULE is a Sumo query, a Cloud SIEM rule, a
folder of them or a detection package. Of a query, what says which events it is
about becomes a Sigma rule. Scores, columns and tables become notes in the rule's
description; a condition that Sigma cannot say is left out and named, with its
place; so is one with a template parameter, {{name}}, that --param gives no
value. With --strict such a query is refused. A Cloud SIEM rule is written whole
or refused, by name: Sigma has no past, so none for first seen and outlier rules.

It exits with 2 when a rule was refused or cannot be read.`,
		Example: `  gyoji convert -t sumo rules/proc_creation_win_mshta_http.yml
  gyoji convert -t splunk -o spl/ rules/
  gyoji convert -t sumo --category prod/win/sysmon rule.yml
  gyoji convert -t cse correlation.yml
  gyoji convert -t sigma --prove hunt.sumo
  gyoji convert -t sigma threshold.json`,
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
			parts, refused, err := a.partsOf(b, files, strict)
			if err != nil {
				return err
			}
			known := rulesAmong(parts)
			written := 0
			for _, p := range parts {
				out, err := p.write(b, known, o)
				if err != nil {
					fmt.Fprintf(a.stderr, "gyoji: %s cannot say %v\n", b.Name, err)
					refused++
					continue
				}
				if out == "" { // it is said by a correlation alone
					continue
				}
				if prove && p.ready == "" {
					why, err := a.unproved(cmd, b, &p, known, o, out)
					if err != nil {
						return err
					}
					if why != "" {
						fmt.Fprintf(a.stderr, "gyoji: %s: %s is not proved: %s\n", p.doc.About().Place(), b.Name, why)
						refused++
						continue
					}
				}
				if err := a.writeConverted(b, dir, p.file, p.n, out, written > 0); err != nil {
					return err
				}
				written++
			}
			if o.Model && refused > 0 && !a.quiet {
				fmt.Fprintln(a.stderr, "gyoji: without --model the events are asked as they are stored, which can say more")
			}
			return a.converted(len(files), written, refused)
		},
	}
	f := cmd.Flags()
	choiceFlag(f, &target, "to", "t", "sumo", append(languageNames(), "sigma"), "the language to write: "+strings.Join(languageNames(), ", ")+"; sigma of a Sumo query")
	f.StringVarP(&dir, "output", "o", "", "write each rule to a file in this folder")
	f.StringVar(&o.Category, "category", "", "_sourceCategory of Sumo queries (default: that of the rule's log source)")
	f.StringVar(&o.Index, "index", "", "index or table, where the language names one")
	f.BoolVar(&o.Model, "model", false, "write for the product's data model (CIM, ASIM, ECS), and show the columns that an analyst needs")
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

// part is a document of a file of Sigma rules.
type part struct {
	file   string
	n      int // its place in the file
	doc    sigma.Document
	silent string // the correlation that it is a part of and that says it, or ""
	ready  string // it is a document of Cloud SIEM already: its text in the language; "" of others
}

// partsOf reads the documents of files: Sigma rules, and what a Sumo query or a rule of
// Cloud SIEM says as Sigma. Those that cannot be read are named and counted. With strict
// a query of which something is lost is refused.
func (a *app) partsOf(b *convert.Backend, files []string, strict bool) (parts []part, refused int, err error) {
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, 0, &exit{exitInput, err}
		}
		kind, err := asked(name, string(text), "convert -t "+b.Name, content.Sigma, content.Query, content.SIEMRule, content.Terraform, content.Manifest, content.Unknown)
		if err != nil {
			return nil, 0, err
		}
		texts := []*diag.File{diag.Text(name, string(text))}
		switch kind {
		case content.Query:
			var ok bool
			if texts, ok = a.queryAsSigma(texts[0], strict); !ok {
				refused++
				continue
			}
		case content.SIEMRule, content.Terraform:
			if to, own := map[string]ruledoc.Format{"cse": ruledoc.API, "terraform": ruledoc.Terraform}[b.Name]; own {
				docs, found := ruledoc.Read(texts[0])
				if found.HasErrors() {
					a.diagnose(found)
					refused++
				}
				for i, d := range docs {
					text, err := ruledoc.Write([]*ruledoc.Document{d}, to)
					if err != nil {
						return nil, 0, err
					}
					parts = append(parts, part{file: name, n: i, ready: string(text)})
				}
				continue
			}
			var bad int
			texts, bad = a.siemAsSigma(texts[0])
			refused += bad
		}
		n := 0
		for _, f := range texts {
			docs, diags := sigma.Parse(f)
			if diags.HasErrors() {
				a.diagnose(diags)
				refused++
				continue
			}
			for _, d := range docs {
				parts = append(parts, part{file: name, n: n, doc: d})
				n++
			}
		}
	}
	if b.Correlation == nil {
		return parts, refused, nil
	}
	for _, p := range parts {
		c, ok := p.doc.(*sigma.Correlation)
		if !ok || c.Generate {
			continue
		}
		for _, ref := range c.Rules {
			for i := range parts {
				if parts[i].doc != nil && parts[i].doc.About().Known(ref.Name) {
					parts[i].silent = c.Title
				}
			}
		}
	}
	return parts, refused, nil
}

// queryAsSigma is a Sumo query as Sigma documents; it is not ok where it is none.
func (a *app) queryAsSigma(f *diag.File, strict bool) (texts []*diag.File, ok bool) {
	p, ds := convert.FromSumo(f)
	if p == nil {
		a.diagnose(ds)
		return nil, false
	}
	a.diagnose(p.Lost)
	if strict && len(p.Lost) > 0 {
		return nil, false
	}
	q := packaged(f.Name)
	q.text = f
	return []*diag.File{diag.Text(f.Name+", as Sigma", convert.SigmaText(p, q.about(p)))}, true
}

// siemAsSigma are the rules of Cloud SIEM of a file as Sigma documents, those of one rule
// together. It counts the rules that Sigma cannot say, and names them.
func (a *app) siemAsSigma(f *diag.File) (texts []*diag.File, refused int) {
	docs, found := ruledoc.Read(f)
	if found.HasErrors() {
		a.diagnose(found)
		refused++
	}
	other := 0
	for _, d := range docs {
		if !d.IsRule() {
			other++
			continue
		}
		r, ds := d.Rule()
		if r == nil || ds.HasErrors() {
			a.diagnose(ds)
			refused++
			continue
		}
		text, ds := convert.FromSIEM(r)
		if ds.HasErrors() || !a.quiet {
			a.diagnose(ds)
		}
		if text == "" {
			refused++
			continue
		}
		texts = append(texts, diag.Text(f.Name+", as Sigma", text))
	}
	if other > 0 && !a.quiet {
		fmt.Fprintf(a.stderr, "gyoji: %s: %d %s no rules, and not converted: tunings, lists and settings\n", f.Name, other, plural(int64(other), "document is", "documents are"))
	}
	return texts, refused
}

// rulesAmong finds what a correlation names: its rules in their order. An error says
// which is not there, or is no rule.
func rulesAmong(parts []part) func(*sigma.Correlation) ([]*sigma.Rule, error) {
	return func(c *sigma.Correlation) (rules []*sigma.Rule, err error) {
		refuse := func(ref sigma.Ref, format string, args ...any) error {
			return &convert.Refusal{Rule: &sigma.Rule{Meta: c.Meta}, Span: ref.Span, What: fmt.Sprintf(format, args...)}
		}
		for _, ref := range c.Rules {
			i := slices.IndexFunc(parts, func(p part) bool { return p.doc != nil && p.doc.About().Known(ref.Name) })
			if i < 0 {
				return nil, refuse(ref, "a correlation without its rules: none of the files has the rule %s", ref.Name)
			}
			r, ok := parts[i].doc.(*sigma.Rule)
			if !ok {
				return nil, refuse(ref, "a correlation of a correlation: %s", ref.Name)
			}
			rules = append(rules, r)
		}
		return rules, nil
	}
}

// write is the document in a language, "" of a rule that a correlation says.
func (p *part) write(b *convert.Backend, known func(*sigma.Correlation) ([]*sigma.Rule, error), o convert.Options) (string, error) {
	switch d := p.doc.(type) {
	case nil:
		return p.ready, nil
	case *sigma.Rule:
		if p.silent != "" {
			return "", nil
		}
		return convert.Rule(b, d, o)
	case *sigma.Correlation:
		rules, err := known(d)
		if err != nil && b.Correlation != nil {
			return "", err
		}
		return convert.Correlation(b, d, rules, o)
	}
	m := p.doc.About()
	return "", &convert.Refusal{Rule: &sigma.Rule{Meta: *m}, What: "a filter: it is a part of the rules that it names"}
}

// unproved is what keeps a converted document from being proved; "" when nothing does.
func (a *app) unproved(cmd *cobra.Command, b *convert.Backend, p *part, known func(*sigma.Correlation) ([]*sigma.Rule, error), o convert.Options, text string) (string, error) {
	if c, ok := p.doc.(*sigma.Correlation); ok {
		rules, err := known(c)
		if err != nil {
			return err.Error(), nil
		}
		one, ds := proof.Correlation(p.file, c, rules)
		if ds.HasErrors() {
			return ds[0].Message, nil
		}
		two, ds := proof.ReadWhole(diag.Text(p.file+" in "+b.Name+"."+b.Extension, text))
		if two == nil {
			return "it does not compile: " + fmt.Sprint(ds.Err()), nil
		}
		r, err := proof.CheckWhole(cmd.Context(), one, two, nil)
		switch {
		case err != nil:
			return "", err
		case len(r.Differences) > 0:
			return r.Differences[0], nil
		case r.Empty():
			return "no event could be made that the rules match", nil
		case !r.Equal():
			i := slices.IndexFunc(r.Results, func(x *proof.Result) bool { return !x.Equal() })
			return fmt.Sprintf("step %d differs on %s", i+1, r.Results[i].Event), nil
		}
		return "", nil
	}
	r := p.doc.(*sigma.Rule)
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
