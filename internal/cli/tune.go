package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

var _ = command((*app).tuneCmd)

func (a *app) tuneCmd() *cobra.Command {
	var in inputs
	var falses, trues []string
	var id, owner, expires string
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "tune PACKAGE --fp EVENTS --tp EVENTS",
		Short:   "Propose exclusions from false positives, and prove that true ones still fire",
		Long: `tune runs a detection over logs of false positives and proposes a ledger entry for
each kind of line it finds there: the program and the whole command line, with
ids and long numbers left open. Each proposal is run over the logs of true
positives, all of which must still fire.

A line that an attacker could use (it names a folder users can write, an address,
a share, code, or nothing at all) is refused, with the reason. Save a proposal to
the package's tuning/ folder, say why it is benign, list it under the detection's
tuning, and run gyoji pkg build.

It exits with 1 when a false positive is left without a proposal.`,
		Example: "  gyoji tune T1204.001 --fp benign.jsonl --tp attacks.jsonl",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || len(falses) == 0 || len(trues) == 0 {
				return usageError("tune wants a package, false positives and true ones: gyoji tune PACKAGE --fp EVENTS --tp EVENTS")
			}
			p, err := a.packageNamed(args[0])
			if err != nil {
				return err
			}
			d := p.Detections[0]
			if id != "" {
				if d = p.Detection(id); d == nil {
					return usageError("--detection: %s has no detection %s", p.Dir, id)
				}
			}
			wrong, err := a.open(&in, falses)
			if err != nil {
				return err
			}
			right, err := a.open(&in, trues)
			if err != nil {
				return err
			}
			now := wrong.run.Now
			until := now.AddDate(1, 0, 0).Format(time.DateOnly)
			if expires != "" {
				if _, err := time.Parse(time.DateOnly, expires); err != nil {
					return usageError("--expires: %q is no date; write 2027-03-01", expires)
				}
				until = expires
			}
			list, err := d.Tune(cmd.Context(), detection.Labelled{False: wrong.reading, True: right.reading}, owner, now.Format(time.DateOnly), until)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				return &exit{exitFindings, fmt.Errorf("%s fires on nothing in --fp %s, so there is nothing to tune; why it does not: gyoji explain --why-not -q %s %s", d.ID, strings.Join(falses, " --fp "), d.Query.Name, strings.Join(falses, " "))}
			}
			if list[0].Positives == 0 && !a.quiet {
				fmt.Fprintf(a.stderr, "gyoji: %s fires on nothing in --tp %s, so nothing shows that a proposal keeps true positives\n", d.ID, strings.Join(trues, " --tp "))
			}
			left := 0
			for _, x := range list {
				if x.Refused != "" {
					left += x.Removes
					fmt.Fprintf(a.stderr, "refused: %s\n  %d of %d false positives: %s\n", x.Refused, x.Removes, x.Of, x.Example)
					continue
				}
				fmt.Fprintf(a.stdout, "# removes %d of %d false positives; all %d true positives still fire\n---\n%s", x.Removes, x.Of, x.Positives, x.Text)
			}
			if !a.quiet {
				fmt.Fprintf(a.stderr, "%d %s, %d refused or none needed\n", len(list), plural(int64(len(list)), "kind of line", "kinds of lines"), left)
			}
			if left > 0 {
				return &exit{code: exitFindings}
			}
			return nil
		},
	}
	in.flags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&falses, "fp", nil, "logs of false positives; may be repeated")
	f.StringArrayVar(&trues, "tp", nil, "logs of true positives; may be repeated")
	f.StringVar(&id, "detection", "", "which detection of the package (default: its first)")
	f.StringVar(&owner, "owner", "detection engineering", "who answers for the entries")
	f.StringVar(&expires, "expires", "", "the day they end (default: in a year)")
	return cmd
}

// reading readies one more reading of the session's logs.
func (s *session) reading() (query.Run, error) {
	r, err := s.again()
	run := s.run
	run.Input = r
	return run, err
}

var _ = command((*app).diffCmd)

func (a *app) diffCmd() *cobra.Command {
	var in inputs
	var score string
	var rowsMax int
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "diff OLD NEW PATH...",
		Short:   "Show which events a new version of a detection gains, loses and scores otherwise",
		Long: `diff runs two versions of a detection over the same logs and lists the events that
only one of them finds, and those that both find with another score. OLD and NEW
are query files, or packages, whose detections are compared by id.

It exits with 1 when there is a difference.`,
		Example: `  gyoji diff old.sumo new.sumo evtx/
  gyoji diff packages-1.0/malicious-link packages/malicious-link evtx/`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < 3 {
				return usageError("diff wants two versions and the logs: gyoji diff OLD NEW FOLDER")
			}
			pairs, err := a.versions(args[0], args[1], score)
			if err != nil {
				return err
			}
			s, err := a.open(&in, args[2:])
			if err != nil {
				return err
			}
			changed := false
			for _, p := range pairs {
				d, err := detection.Compare(cmd.Context(), p.old, p.fresh, s.reading, p.score)
				if err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "%s: %d in both, %d gained, %d lost, %d with another score\n", p.name, d.Both, len(d.Gained.Values), len(d.Lost.Values), len(d.Rescored))
				printRows(a, "+", d.Gained, rowsMax)
				printRows(a, "-", d.Lost, rowsMax)
				for i, r := range d.Rescored {
					if i == rowsMax {
						fmt.Fprintf(a.stdout, "  and %d more with another score\n", len(d.Rescored)-i)
						break
					}
					fmt.Fprintf(a.stdout, "  %s -> %s %s\n", r.Old, r.New, oneLine(r.Evidence))
				}
				changed = changed || len(d.Gained.Values)+len(d.Lost.Values)+len(d.Rescored) > 0
			}
			err = s.finish("")
			if err == nil && changed {
				return &exit{code: exitFindings}
			}
			return err
		},
	}
	in.flags(cmd)
	cmd.Flags().StringVar(&score, "score", "suspicion_score", "the score's column, when OLD and NEW are query files")
	cmd.Flags().IntVar(&rowsMax, "rows", 50, "how many events of each kind to list")
	return cmd
}

// version is a detection in two versions.
type version struct {
	name, score string
	old, fresh  *query.Query
}

// versions pairs what two names stand for: query files, or packages.
func (a *app) versions(old, fresh, score string) ([]version, error) {
	if strings.HasSuffix(old, ".sumo") || strings.HasSuffix(fresh, ".sumo") {
		x, _, err := a.compile(nil, old, nil)
		if err != nil {
			return nil, err
		}
		y, _, err := a.compile(nil, fresh, nil)
		return []version{{fresh, score, x, y}}, err
	}
	before, err := a.packages([]string{old})
	if err != nil {
		return nil, err
	}
	after, err := a.packages([]string{fresh})
	if err != nil {
		return nil, err
	}
	var out []version
	for _, p := range after {
		for _, d := range p.Detections {
			for _, q := range before {
				if q.ID != p.ID || q.Detection(d.ID) == nil {
					continue
				}
				x, ds := query.Compile(q.Detection(d.ID).Query, query.Standard())
				if err := ds.Err(); err != nil {
					return nil, err
				}
				y, ds := query.Compile(d.Query, query.Standard())
				if err := ds.Err(); err != nil {
					return nil, err
				}
				out = append(out, version{d.ID, d.Score.Field, x, y})
			}
		}
	}
	if len(out) == 0 {
		return nil, usageError("%s and %s have no detection in common: packages are the same by their id", old, fresh)
	}
	return out, nil
}

func printRows(a *app, sign string, r *query.Rows, most int) {
	for i := range r.Values {
		if i == most {
			fmt.Fprintf(a.stdout, "  %s and %d more\n", sign, len(r.Values)-i)
			return
		}
		var parts []string
		for _, c := range []string{"_messageTime", "Computer", "User", "CommandLine", "TargetFilename", "path"} {
			if v := r.Get(i, c); !v.IsNull() && v.String() != "" {
				t := v.String()
				if ms, ok := v.Int(); ok && c == "_messageTime" {
					t = time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
				}
				parts = append(parts, oneLine(t))
			}
		}
		fmt.Fprintf(a.stdout, "  %s %s\n", sign, strings.Join(parts, " "))
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
