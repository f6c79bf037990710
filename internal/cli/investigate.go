package cli

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/process"
	"github.com/gyoji-dev/gyoji/internal/detect/report"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

var _ = command((*app).investigateCmd)

func (a *app) investigateCmd() *cobra.Command {
	var in inputs
	which := findingName("1")
	var form, file string
	var playbook bool
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "investigate PACKAGE --finding N PATH...",
		Short:   "Run a package's investigation guide for a finding, and write down the answers",
		Long: `investigate fills the queries of a package's guide with the values of finding N,
runs each over the logs around the finding's time, and writes the evidence with
what each answer means and where it leads.

PACKAGE is a technique (T1204.001) or the name of a package that gyoji ships, or
a folder. Findings are numbered as gyoji hunt lists those of that package.`,
		Example: `  gyoji investigate T1204.001 --finding 1 evtx/
  gyoji investigate T1204.001 --finding 1 -f html -o case.html evtx/`,
		RunE: func(cmd *cobra.Command, args []string) (failed error) {
			if len(args) < 2 {
				return usageError("investigate wants a package and the logs: gyoji investigate T1204.001 --finding 1 FOLDER")
			}
			if named := formOf(file, investigationForms); named != "" && !cmd.Flags().Changed("format") {
				form = named
			}
			p, err := a.packageNamed(args[0])
			if err != nil {
				return err
			}
			guideFile := p.Guide
			if playbook {
				guideFile = p.Playbook
			}
			if guideFile == "" {
				return &exit{exitDiagnostics, usageError("%s has no guide", p.Dir)}
			}
			g, err := p.ReadGuide(guideFile)
			if err != nil {
				return &exit{exitDiagnostics, err}
			}
			s, err := a.open(&in, args[1:])
			if err != nil {
				return err
			}
			s.unique = true // as of hunt, whose numbers findings have
			if slices.Contains(s.paths, "-") {
				return usageError("investigate reads the logs once for each step; standard input can be read only once, so save it to a file first")
			}
			out := output{file: file}
			w, done, err := out.open(a, cmd, s)
			if err != nil {
				return err
			}
			defer func() { failed = done(failed) }()
			n, f, err := a.finding(cmd.Context(), s, []*detection.Package{p}, nil, which)
			if err != nil {
				return err
			}
			inv := &report.Investigation{Tool: "gyoji " + Version(), Made: s.run.Now, Package: p.Name, Guide: g.Title, Finding: &report.Finding{N: n, Finding: f}}
			inv.Evidence, err = g.Investigate(cmd.Context(), f.Get, int64(f.Time), func(from, to int64) (query.Run, error) {
				r, err := s.again()
				run := s.run
				run.Input = r
				if f.Timed() { // else nothing says how far from it an event is
					run.Bounded, run.From, run.To = true, from, to
				}
				return run, err
			})
			if err != nil {
				return err
			}
			laidOut := form == "md" && file == "" && a.outTTY && !cmd.Flags().Changed("format")
			treeWidth := 0
			if laidOut {
				treeWidth = min(max(a.width, 20), proseMax) - 2
			}
			if guid, pid, host, at := identity(f); host != "" && (guid != "" || pid != "") {
				forest, err := s.forest(cmd.Context(), []string{host})
				if err != nil {
					return err
				}
				if node := forest.Find(guid, host, pid, at); node != nil {
					var b strings.Builder
					if err := (process.Style{Marks: map[*process.Node]string{node: f.Severity.String()}, Zone: s.run.Zone, Width: treeWidth}).WritePath(&b, node); err != nil {
						return err
					}
					inv.Tree = b.String()
				}
			}
			if laidOut {
				var text strings.Builder
				err := report.WriteInvestigation(&text, form, inv)
				prose(a.styled(a.out, true), text.String(), a.width, a.colors(true))
				return firstOf(err, s.finish(""))
			}
			return firstOf(report.WriteInvestigation(w, form, inv), s.finish(""))
		},
	}
	in.flags(cmd)
	fl := cmd.Flags()
	fl.Var(&which, "finding", "which finding of the package: its number in a hunt with -d PACKAGE, or its id")
	formatFlag(fl, &form, "md", investigationForms, "md or html (default: what the name of -o ends in, else md, which a terminal shows laid out)")
	fileFlag(fl, &file, investigationForms)
	fl.BoolVar(&playbook, "playbook", false, "run the playbook's queries instead of the guide's")
	return cmd
}

// investigationForms are what -f takes.
var investigationForms = []string{"md", "html"}

// packageNamed finds one package: a folder, or by technique, name or folder
// among those that gyoji ships.
func (a *app) packageNamed(name string) (*detection.Package, error) {
	if _, err := os.Stat(name); err != nil {
		return a.shipped(name, err)
	}
	pkgs, err := a.packages([]string{name})
	if err != nil {
		return nil, err
	}
	if len(pkgs) != 1 {
		return nil, usageError("%s holds %d packages; name one", name, len(pkgs))
	}
	return pkgs[0], nil
}
