package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"context"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
)

var _ = command((*app).testCmd)

func (a *app) testCmd() *cobra.Command {
	var form, run, base string
	var update, changed bool
	var minKill float64
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "test [PACKAGE...]",
		Short:   "Test detection packages: what must be seen, what must fire, what evades",
		Long: `test runs the cases of detection packages. Each case is a recording with two
verdicts: the events it must show, and the detections that must fire on it, how
often, about whom and with which score. A detection that a case does not name
must stay silent.

The positive cases are then changed as an attacker would change them (letter
case, carets, quotes, other dashes, abbreviated switches, renamed programs, ...).
The share a detection still catches, with no lower a score, is its kill score.

Without PACKAGE it tests the packages that gyoji ships. It exits with 1 when a
case fails or a kill score is too low.`,
		Example: `  gyoji test packages/T1204.001-malicious-link
  gyoji test --run 'benign-.*' -v packages/
  gyoji test --changed --base origin/main -f junit packages/ >results.xml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o := detection.Verify{}
			if run != "" {
				re, err := regexp.Compile(run)
				if err != nil {
					return usageError("--run: %v", err)
				}
				o.Only = re
			}
			if changed {
				kept, err := changedSince(cmd, base, args)
				if err != nil {
					return err
				}
				if len(kept) == 0 {
					fmt.Fprintf(a.stderr, "nothing has changed since %s\n", base)
					return nil
				}
				args = kept
			}
			pkgs, err := a.packages(args)
			if err != nil {
				return err
			}
			report, passed := &render.Tests{}, true
			for _, p := range pkgs {
				po := o
				if update {
					po.Golden = func(name string, got []byte) error { return a.writeGolden(p, name, got) }
				}
				v, err := p.Verify(cmd.Context(), po)
				if err != nil {
					return &exit{exitDiagnostics, err}
				}
				if v == nil {
					report.Suites = append(report.Suites, render.TestSuite{Name: p.Dir, Cases: []render.Test{{Name: p.Name, Skipped: "the package has no tests"}}})
					continue
				}
				for _, k := range v.Kills {
					k.Min = max(k.Min, minKillOf(cmd, k, minKill))
				}
				report.Suites = append(report.Suites, suite(v, a.verbose))
				passed = passed && v.Passed()
			}
			style := render.TestStyle{Color: a.colors(a.outTTY), All: a.verbose}
			if err := render.WriteTests(a.out, report, form, style); err != nil {
				return usageError("-f: %v", err)
			}
			if !passed {
				return &exit{code: exitFindings}
			}
			return nil
		},
	}
	f := cmd.Flags()
	formatFlag(f, &form, "text", render.TestFormats, "how to print the results: "+strings.Join(render.TestFormats, ", "))
	f.StringVar(&run, "run", "", "only the cases whose id matches this regular expression")
	f.BoolVar(&update, "update", false, "record the rows of every case in tests/golden; read the difference before you commit it")
	f.BoolVar(&changed, "changed", false, "only packages with files that differ from --base")
	f.StringVar(&base, "base", "HEAD", "what --changed compares with, as git names it")
	f.Float64Var(&minKill, "min-kill", 0, "the lowest kill score that passes, 0 to 1, for detections that set one (theirs, if higher, stays)")
	return cmd
}

// minKillOf applies --min-kill to detections that ask for a kill score: a
// baseline is there to compare with, not to pass.
func minKillOf(cmd *cobra.Command, k *detection.Kills, flag float64) float64 {
	if cmd.Flags().Changed("min-kill") && k.Min > 0 {
		return flag
	}
	return 0
}

// suite makes a report of a package's verification.
func suite(v *detection.Verification, survivors bool) render.TestSuite {
	s := render.TestSuite{Name: v.Package.Dir}
	for _, d := range v.Verdicts {
		s.Cases = append(s.Cases, render.Test{Name: d.Case.ID, Title: d.Case.Title, File: v.Suite.File, Line: d.Case.Line, Failures: d.Failures, Took: d.Took})
	}
	for _, k := range v.Kills {
		line := fmt.Sprintf("kill score of %s: %.1f%% (%d of %d mutations)", k.Detection.ID, 100*k.Score(), k.Killed, k.Total)
		s.Notes = append(s.Notes, line)
		if k.Min > 0 {
			t := render.Test{Name: "mutations of " + k.Detection.ID, File: v.Suite.File, Line: 1}
			if k.Score() < k.Min {
				t.Failures = []string{fmt.Sprintf("%s, want %.1f%%", line, 100*k.Min)}
			}
			s.Cases = append(s.Cases, t)
		}
		if k.Min > 0 || survivors {
			for _, e := range k.Survivors {
				s.Notes = append(s.Notes, fmt.Sprintf("  survives %s on %s: %s: %s %s", e.Mutator, e.Case, e.Why, e.Image, e.CommandLine))
			}
		}
	}
	for _, g := range v.Stale {
		s.Cases = append(s.Cases, render.Test{Name: "golden rows", File: v.Suite.File, Line: 1, Failures: []string{g, "run with --update and read the difference if this is meant"}})
	}
	return s
}

func (a *app) writeGolden(p *detection.Package, name string, got []byte) error {
	path := filepath.Join(filepath.FromSlash(p.Dir), filepath.FromSlash(name))
	if _, err := os.Stat(filepath.FromSlash(p.Dir)); err != nil {
		return usageError("--update wants the package's folder, not the copy inside gyoji: gyoji test --update %s", p.Dir)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, got) {
		return nil
	}
	fmt.Fprintf(a.stderr, "recorded %s\n", path)
	return a.replace(path, got)
}

// changedSince keeps those of the packages' folders that hold a file which git
// finds different from a revision, or does not track.
func changedSince(cmd *cobra.Command, base string, dirs []string) ([]string, error) {
	if len(dirs) == 0 {
		return nil, usageError("--changed wants the folders to look at: gyoji test --changed packages/")
	}
	var kept []string
	for _, root := range dirs {
		pkgs, errs := detection.LoadDir(root)
		if err := errors.Join(errs...); err != nil {
			return nil, &exit{exitDiagnostics, err}
		}
		for _, p := range pkgs {
			dir := filepath.FromSlash(p.Dir)
			for _, args := range [][]string{
				{"diff", "--name-only", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all", "--end-of-options", base},
				{"ls-files", "--others", "--exclude-standard"},
			} {
				out, err := git(cmd.Context(), dir, args...)
				if err != nil {
					return nil, &exit{exitUsage, fmt.Errorf("--changed asks git what changed: %w", err)}
				}
				if len(bytes.TrimSpace(out)) > 0 {
					kept = append(kept, dir)
					break
				}
			}
		}
	}
	return kept, nil
}

// git asks git about a folder. A package is someone else's: nothing in it may have git
// run a program. So git takes no repository that is in a package (its configuration could
// name a program as core.fsmonitor, or as an external diff), is told where the repository
// is rather than left to find one, and runs without hooks, monitors, filters of the
// network and the system's configuration.
func git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	top, err := repository(dir)
	if err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, err
	}
	safe := []string{
		"--git-dir=" + filepath.Join(top, ".git"), "--work-tree=" + top, "--no-pager", "--literal-pathspecs",
		"-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull, "-c", "diff.external=", "-c", "protocol.allow=never",
		"-c", "core.sshCommand=false", "-c", "core.askPass=", "-c", "credential.helper=",
	}
	c := exec.CommandContext(ctx, "git", append(append(safe, args...), "--", abs)...)
	c.Dir = top
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GIT_") {
			c.Env = append(c.Env, v)
		}
	}
	c.Env = append(c.Env, "GIT_CONFIG_NOSYSTEM=1", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	out, err := c.Output()
	var e *exec.ExitError
	if errors.As(err, &e) && len(e.Stderr) > 0 {
		err = errors.New(strings.TrimSpace(string(e.Stderr)))
	}
	return out, err
}

// repository is the folder of the repository that a folder is in. One that is itself in a
// package is refused.
func repository(dir string) (string, error) {
	at, err := filepath.Abs(dir)
	if err == nil {
		at, err = filepath.EvalSymlinks(at)
	}
	if err != nil {
		return "", err
	}
	top := ""
	for {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil && top == "" {
			top = at
		}
		if _, err := os.Lstat(filepath.Join(at, detection.ManifestName)); err == nil && top != "" {
			return "", fmt.Errorf("%s is a repository inside a package, whose settings could make git run programs; keep packages in a repository of your own", top)
		}
		if up := filepath.Dir(at); up != at {
			at = up
			continue
		}
		if top == "" {
			return "", fmt.Errorf("%s is in no git repository", dir)
		}
		return top, nil
	}
}
