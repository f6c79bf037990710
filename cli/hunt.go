package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/detection"
	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/packages"
	"github.com/gyoji-dev/gyoji/query"
)

var _ = command((*app).huntCmd)

func (a *app) huntCmd() *cobra.Command {
	var in inputs
	var out output
	var detections []string
	var failOn string
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "hunt PATH...",
		Short:   "Run detections over logs and list what they find",
		Long: `hunt runs detection packages over files, folders and globs, and lists their
findings. Without -d it runs the packages that gyoji ships.

With --fail-on it exits with 1 when there is a finding of that severity or a
higher one, for use in scripts and CI.`,
		Example: `  gyoji hunt evtx/
  gyoji hunt -d detections/ --fail-on high -f ndjson logs/`,
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
			if err := out.check(); err != nil {
				return err
			}
			pkgs, err := a.packages(detections)
			if err != nil {
				return err
			}
			s, err := a.open(&in, args)
			if err != nil {
				return err
			}
			h := &hunt{app: a, session: s, findings: newFindings(&s.run)}
			err = h.run(cmd.Context(), pkgs, &out)
			h.tally(a)
			err = firstOf(err, s.finish(plural(s.rows, "finding", "findings")))
			if err == nil && h.found && h.worst >= threshold {
				return &exit{code: exitFindings}
			}
			return err
		},
	}
	in.flags(cmd)
	out.flags(cmd)
	cmd.Flags().StringArrayVarP(&detections, "detections", "d", nil, "detection packages to run: a folder of one, or of many (default: those that gyoji ships)")
	cmd.Flags().StringVar(&failOn, "fail-on", "", "exit with 1 on findings of this severity or higher: informational, low, medium, high, critical")
	return cmd
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
			if st, err := os.Stat(d); err != nil {
				return nil, &exit{exitInput, err}
			} else if !st.IsDir() {
				return nil, usageError("-d %s: a detection package is a folder with a %s", d, detection.ManifestName)
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
}

// run runs all detections over one reading of the logs and prints their findings.
func (h *hunt) run(ctx context.Context, pkgs []*detection.Package, out *output) error {
	type job struct {
		of *detection.Detection
		q  *query.Query
	}
	var jobs []job
	var diags diag.List
	for _, p := range pkgs {
		for _, d := range p.Detections {
			q, ds := query.Compile(d.Query, query.Standard())
			for _, d := range ds {
				if d.Severity == diag.Error || h.app.verbose {
					diags = append(diags, d)
				}
			}
			jobs = append(jobs, job{d, q})
		}
	}
	if err := diags.Err(); err != nil {
		return err
	}
	if len(diags) > 0 {
		h.app.diagnose(diags)
	}
	for _, j := range jobs {
		h.columns(j.q.Columns, j.of.Score.Field)
	}
	var parts []query.Part
	for _, j := range jobs {
		layout := j.q.Layout.Clone()
		parts = append(parts, query.Part{Query: j.q, Layout: layout, Out: h.from(&detected{
			Name: j.of.Name, Technique: j.of.Package.Technique(),
			SeverityOf: j.of.SeverityOf, ScoreField: j.of.Score.Field, Severity: j.of.Base(),
		}, layout)})
	}
	if err := h.session.searchAll(ctx, parts); err != nil {
		return err
	}
	return h.print(ctx, h.app, h.session, out)
}
