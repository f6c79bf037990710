package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/detection"
	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/exec"
	"github.com/gyoji-dev/gyoji/lang"
	"github.com/gyoji-dev/gyoji/packages"
	"github.com/gyoji-dev/gyoji/query"
	"github.com/gyoji-dev/gyoji/render"
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
			pkgs, err := a.packages(detections)
			if err != nil {
				return err
			}
			s, err := a.open(&in, args)
			if err != nil {
				return err
			}
			h := &hunt{app: a, session: s, layout: event.NewLayout()}
			err = h.run(cmd, pkgs, &out)
			err = firstOf(err, s.finish(plural(int(s.rows), "finding", "findings")))
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

// hunt is one run of some packages.
type hunt struct {
	app     *app
	session *session
	layout  *event.Layout
	found   bool
	worst   detection.Severity
}

// run runs the packages one after the other and prints their findings.
func (h *hunt) run(cmd *cobra.Command, pkgs []*detection.Package, out *output) error {
	type job struct {
		pkg *detection.Package
		q   *query.Query
	}
	var jobs []job
	var diags diag.List
	for _, p := range pkgs {
		q, ds := query.Compile(p.Query, query.Standard())
		for _, d := range ds {
			if d.Severity == diag.Error || h.app.verbose {
				diags = append(diags, d)
			}
		}
		jobs = append(jobs, job{p, q})
	}
	if err := diags.Err(); err != nil {
		return err
	}
	if len(diags) > 0 {
		h.app.diagnose(diags)
	}
	w, closeFile, err := out.open(h.app)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		var sink render.Sink
		err := h.session.search(cmd.Context(), j.q, func(l *event.Layout) (exec.Sink, error) {
			f := &findings{hunt: h, pkg: j.pkg}
			cols := f.columns(j.q, l)
			sink, err = render.New(out.kind(h.app), w, render.Options{
				Columns: cols, Layout: l, Messages: j.q.Messages, Zone: h.session.run.Zone,
				Color: out.file == "" && h.app.colors(h.app.outTTY), Width: h.app.width,
			})
			if err != nil {
				return nil, usageError("%v", err)
			}
			f.next = sink
			return f, nil
		})
		if sink != nil {
			err = firstOf(err, sink.Close())
		}
		if err != nil {
			return firstOf(err, closeFile())
		}
	}
	return closeFile()
}

// findings puts the detection's name, technique and the finding's severity in
// front of each row.
type findings struct {
	hunt *hunt
	pkg  *detection.Package
	next exec.Sink

	score                          event.Slot
	severity, technique, detection event.Slot
}

func (f *findings) columns(q *query.Query, l *event.Layout) []lang.Column {
	f.severity, f.technique, f.detection = l.Slot("severity"), l.Slot("technique"), l.Slot("detection")
	f.score = event.None
	cols := []lang.Column{{Slot: f.severity, Name: "severity"}, {Slot: f.technique, Name: "technique"}, {Slot: f.detection, Name: "detection"}}
	if s, ok := l.Find(f.pkg.Score.Field); ok && f.pkg.Score.Field != "" {
		f.score = s
	}
	return append(cols, q.Columns...)
}

func (f *findings) Push(b *event.Batch) error {
	for _, row := range b.Live {
		sev := f.pkg.Severity
		if f.score != event.None {
			if n, ok := b.Value(f.score, row).Int(); ok {
				sev = f.pkg.SeverityOf(int(n))
			}
		}
		f.hunt.found = true
		f.hunt.worst = max(f.hunt.worst, sev)
		b.Col(f.severity).Set(row, event.Text(sev.String()))
	}
	b.Col(f.technique).Fill(b.N, event.Text(f.pkg.Technique()))
	b.Col(f.detection).Fill(b.N, event.Text(f.pkg.Name))
	return f.next.Push(b)
}
