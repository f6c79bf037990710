package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/content"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/report"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/packages"
)

var _ = command((*app).huntCmd)

func (a *app) huntCmd() *cobra.Command {
	var in inputs
	var out output
	var detections []string
	var rules sigmaRules
	var failOn string
	var timeline bool
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "hunt PATH...",
		Short:   "Run detections over logs and list what they find",
		Long: `hunt runs detection packages and Sigma rules over files, folders and globs, and
lists their findings. Without -d it runs the packages that gyoji ships.

-d names a folder of packages, a Sigma rule, a folder of rules or an archive of
them (.zip, .tar.gz); it may be repeated, and a folder may hold both. All Sigma
rules run in one pass over the logs. A rule, package or detection that cannot run
is named with its place and reason, and the others run; with --strict that ends
the hunt.

Reports hold all findings in one document: html and md to read, with process
trees; sarif and junit for CI; ocsf for other products; navigator is a layer of
the ATT&CK Navigator.

With --fail-on it exits with 1 when there is a finding of that severity or a
higher one, for use in scripts and CI.`,
		Example: `  gyoji hunt evtx/
  gyoji hunt -f html -o report.html evtx/
  gyoji hunt --timeline evtx/
  gyoji hunt -d detections/ --fail-on high -f ndjson logs/
  gyoji hunt -d sigma/rules/windows --level high evtx/
  gyoji hunt -d sigma_core.zip --tag attack.t1059 evtx/`,
		RunE: func(cmd *cobra.Command, args []string) error {
			threshold := detection.Severity(255)
			if failOn != "" {
				s, err := detection.ParseSeverity(failOn)
				if err != nil {
					return usageError("--fail-on: %v", err)
				}
				threshold = s
			}
			if len(args) == 0 {
				return usageError("hunt wants the logs to look at: gyoji hunt FOLDER")
			}
			out.reports = report.Formats()
			if timeline {
				out.format = "timeline"
			}
			if err := out.check(); err != nil {
				return err
			}
			least, err := rules.least()
			if err != nil {
				return err
			}
			pkgs, err := a.detections(detections, &rules, in.strict)
			if err != nil {
				return err
			}
			lib, err := in.library()
			if err != nil {
				return err
			}
			s, err := a.open(&in, args)
			if err != nil {
				return err
			}
			s.needed = failOn != ""
			h := &hunt{app: a, session: s, tables: lib, findings: newFindings(&s.run, out.kind(a) != "table")}
			h.least = least
			w, done, err := out.open(a, cmd, s)
			if err != nil {
				return err
			}
			err = done(h.run(cmd.Context(), pkgs, &rules, &out, w))
			h.tally(a)
			s.rows = h.shown
			err = firstOf(err, s.finish(plural(s.rows, "finding", "findings")))
			if err == nil && h.found && h.worst >= threshold {
				return &exit{code: exitFindings}
			}
			return err
		},
	}
	in.flags(cmd)
	out.reports = report.Formats()
	out.flags(cmd)
	rules.flags(cmd)
	cmd.Flags().BoolVar(&timeline, "timeline", false, "a line for each finding, oldest first (-f timeline)")
	cmd.Flags().StringArrayVarP(&detections, "detections", "d", nil, "what to run: a folder of detection packages or Sigma rules, a rule, an archive of rules (default: the packages that gyoji ships)")
	cmd.Flags().StringVar(&failOn, "fail-on", "", "exit with 1 on findings of this severity or higher: informational, low, medium, high, critical")
	return cmd
}

// detections loads what -d names: packages, which are in folders, and Sigma rules.
func (a *app) detections(names []string, rules *sigmaRules, strict bool) ([]*detection.Package, error) {
	if len(names) == 0 {
		return a.packages(nil)
	}
	var pkgs []*detection.Package
	var wrong []error
	var others []string // names that are no Cloud SIEM documents
	for _, n := range names {
		st, err := os.Stat(n)
		if err != nil {
			return nil, &exit{exitInput, err}
		}
		if st.IsDir() {
			found, errs := detection.Load(os.DirFS(n), filepath.ToSlash(n))
			pkgs, wrong = append(pkgs, found...), append(wrong, errs...)
		} else if !isArchive(n) {
			if tenant.IsFile(n, headOf(n)) || content.Of(n, headOf(n)) == content.SIEMRule || content.Of(n, headOf(n)) == content.Terraform {
				continue
			}
			if _, err := asked(n, headOf(n), "hunt -d", content.Sigma); err != nil {
				return nil, err
			}
		}
		others = append(others, n)
	}
	var out []string
	for _, err := range wrong {
		out = append(out, err.Error())
	}
	if err := a.leftOut(out, strict); err != nil {
		return nil, err
	}
	if err := rules.load(a, others, strict); err != nil {
		return nil, err
	}
	documents := slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		st, err := os.Stat(n)
		return err == nil && !st.IsDir() && slices.Contains(others, n)
	})
	if len(documents) > 0 {
		t, err := a.tenant(documents, strict)
		if err != nil {
			return nil, err
		}
		if len(t.Rules)+t.Disabled > 0 {
			rules.tenant = t
			return pkgs, nil
		}
		if t.Found > 0 && len(pkgs) == 0 && rules.found == 0 {
			return nil, noRules(t.Found)
		}
	}
	switch {
	case len(pkgs) == 0 && rules.found == 0 && len(wrong) > 0:
		return nil, &exit{exitDiagnostics, errors.New("no detection is left to run")}
	case len(pkgs) == 0 && rules.found == 0:
		return nil, &exit{exitDiagnostics, fmt.Errorf("no detection packages found, and no Sigma rules: a package is a folder with a %s, a rule a .yml file", detection.ManifestName)}
	case len(pkgs) == 0 && len(rules.rules) == 0:
		return nil, &exit{exitDiagnostics, fmt.Errorf("none of the %d Sigma documents is a rule that can run and is asked for", rules.found)}
	}
	return pkgs, nil
}

// leftOut names the packages and detections that cannot run, each with its reason.
// The others run without them, unless strict.
func (a *app) leftOut(out []string, strict bool) error {
	for _, o := range out {
		fmt.Fprintf(a.stderr, "gyoji: %s\n", o)
	}
	n := int64(len(out))
	switch {
	case n == 0:
		return nil
	case strict:
		return &exit{exitDiagnostics, fmt.Errorf("--strict: %d %s cannot run", n, plural(n, "detection", "detections"))}
	}
	fmt.Fprintf(a.stderr, "gyoji: %d %s cannot run; the others do\n", n, plural(n, "detection", "detections"))
	return nil
}

// packages loads the packages named with -d, or the built-in ones.
func (a *app) packages(dirs []string) ([]*detection.Package, error) {
	type place struct {
		fsys fs.FS
		name string
	}
	places := []place{{packages.FS, "packages"}}
	if len(dirs) > 0 {
		places = nil
		for _, d := range dirs {
			d = strings.TrimSuffix(d, "/...") // as go names a folder with all below it
			if st, err := os.Stat(d); err != nil {
				return nil, &exit{exitInput, err}
			} else if !st.IsDir() {
				return nil, usageError("%s is %s; a detection package is a folder with a %s: %s", d, content.Of(d, headOf(d)), detection.ManifestName, content.Of(d, headOf(d)).Use())
			}
			places = append(places, place{os.DirFS(d), filepath.ToSlash(d)})
		}
	}
	var all []*detection.Package
	var wrong []error
	for _, p := range places {
		pkgs, errs := detection.Load(p.fsys, p.name)
		all, wrong = append(all, pkgs...), append(wrong, errs...)
	}
	if len(wrong) > 0 {
		return nil, &exit{exitDiagnostics, errors.Join(wrong...)}
	}
	if len(all) == 0 {
		return nil, &exit{exitDiagnostics, fmt.Errorf("no detection packages found: a package is a folder with a %s", detection.ManifestName)}
	}
	return all, nil
}

// hunt is one run of some detections over a session's logs.
type hunt struct {
	*findings
	app     *app
	session *session
	tables  *lookup.Library
	set     *rule.Set // of the Sigma rules; nil for none
	siem    *siemHunt // of the Cloud SIEM rules; nil for none
}

// run runs all detections and rules over one reading of the logs, and prints
// their findings.
func (h *hunt) run(ctx context.Context, pkgs []*detection.Package, rules *sigmaRules, out *output, w io.Writer) error {
	err := h.search(ctx, pkgs, rules)
	if err != nil && !exec.IsBug(err) {
		return err
	}
	return firstOf(err, h.print(ctx, h.app, h.session, out, w)) // what the others found stands
}

// search runs the packages' detections and the rules, if there are any.
func (h *hunt) search(ctx context.Context, pkgs []*detection.Package, rules *sigmaRules) error {
	type job struct {
		of *detection.Detection
		q  *query.Query
	}
	var jobs []job
	var diags diag.List
	var out []string
	for _, p := range pkgs {
		for _, d := range p.Detections {
			q, ds := query.Compile(d.Query, query.Standard(), query.Tables(h.tables))
			for _, d := range ds {
				if d.Severity == diag.Error || h.app.verbose {
					diags = append(diags, d)
				}
			}
			if q == nil {
				out = append(out, fmt.Sprintf("%s: detection %s is left out, since its query does not compile", p.Dir, d.ID))
				continue
			}
			jobs = append(jobs, job{d, q})
		}
	}
	if len(diags) > 0 {
		h.app.diagnose(diags)
	}
	if err := h.app.leftOut(out, h.session.strict); err != nil {
		return err
	}
	if len(jobs) == 0 && len(out) > 0 && (rules == nil || len(rules.rules) == 0 && rules.tenant == nil) {
		return &exit{exitDiagnostics, errors.New("no detection is left to run")}
	}
	var siem *siemHunt
	if rules != nil && rules.tenant != nil {
		siem = h.session.siem(rules.tenant)
		h.columns(siem.columns(), "score")
	}
	if rules != nil && len(rules.rules) > 0 {
		h.columns(rules.columns(), "")
	} else {
		rules = nil
	}
	for _, j := range jobs {
		h.columns(j.q.Columns, j.of.Score.Field)
	}
	var parts []query.Part
	var seen []*query.Seen
	for _, j := range jobs {
		seen = append(seen, &query.Seen{})
		layout := j.q.Layout.Clone()
		parts = append(parts, query.Part{Query: j.q, Layout: layout, Seen: seen[len(seen)-1], Out: h.from(&detected{
			Name: j.of.Name, Technique: strings.Join(j.of.Package.Attack.Techniques, ", "),
			ID: path.Base(j.of.Package.Dir) + "/" + j.of.ID, Package: j.of.Package.Name, Next: j.of.Next, Entities: j.of.Whom(),
			SeverityOf: j.of.SeverityOf, ScoreField: j.of.Score.Field, Severity: j.of.Base(),
		}, layout)})
	}
	var beside []query.Beside
	var after []func() error
	if rules != nil {
		g := h.sigma(rules)
		list := sync.OnceFunc(g.list)
		defer list()
		beside, after = append(beside, g.beside()), append(after, func() error {
			err := g.correlations()
			list() // before others add to what it puts in order
			return err
		})
	}
	if siem != nil {
		beside, after = append(beside, siem.beside()), append(after, func() error { return h.signals(siem) })
	}
	if len(parts)+len(beside) > 0 {
		if err := h.session.searchAll(ctx, parts, beside...); err != nil {
			return err
		}
		for _, f := range after {
			if err := f(); err != nil {
				return err
			}
		}
	}
	h.nothingReached(ctx, rules, seen)
	return nil
}

// signals lists the signals of the Cloud SIEM rules that are not suppressed.
func (h *hunt) signals(g *siemHunt) error {
	h.siem = g
	if err := g.judge(); err != nil {
		return err
	}
	if err := g.findings(h.findings); err != nil {
		return err
	}
	g.tell()
	if why := g.why(); why != "" && !h.app.quiet {
		fmt.Fprintln(h.app.stderr, why)
	}
	return nil
}
