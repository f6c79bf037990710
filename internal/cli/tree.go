package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/detect/process"
	"github.com/gyoji-dev/gyoji/internal/detect/report"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

var _ = command((*app).treeCmd)

func (a *app) treeCmd() *cobra.Command {
	var in inputs
	var detections []string
	var guid, pid, computer, at string
	var n int
	var whole bool
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "tree PATH...",
		Short:   "Show the process tree around a finding, with files, connections and names inline",
		Long: `tree shows a process with its ancestors and all it started, and beside each what
it did: files written, streams, connections, DNS queries.

The process is that of finding N, as hunt numbers them (1 is the most severe), or the
one with --guid, or with --pid on --computer (the last one to start before --at).`,
		Example: `  gyoji tree --finding 1 evtx/
  gyoji tree --pid 4120 --computer WKS-01 --at 2026-03-10T16:20:58Z evtx/`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("tree wants the logs to look at: gyoji tree --finding 1 FOLDER")
			}
			if n == 0 && guid == "" && (pid == "" || computer == "") {
				return usageError("tree wants a process: --finding N, --guid GUID, or --pid PID with --computer HOST")
			}
			s, err := a.open(&in, args)
			if err != nil {
				return err
			}
			mark, moment := "this one", int64(0)
			if at != "" {
				t, err := datefmt.ParseTime(at, s.run.Now, s.run.Zone)
				if err != nil {
					return usageError("--at %s: %v", at, err)
				}
				moment = t.UnixMilli()
			}
			if n != 0 {
				f, err := a.finding(cmd.Context(), s, detections, n)
				if err != nil {
					return err
				}
				guid, pid, computer, moment = identity(f)
				mark = f.Severity.String() + ": " + printable.Text(f.Detection)
				if guid == "" && pid == "" {
					return &exit{exitUsage, fmt.Errorf("finding %d (%s) names no process: it has neither ProcessGuid nor ProcessId", n, f.Detection)}
				}
			}
			var hosts []string
			if computer != "" {
				hosts = []string{computer}
			}
			forest, err := s.forest(cmd.Context(), hosts)
			if err != nil {
				return err
			}
			if moment == 0 {
				moment = 1 << 62
			}
			p := forest.Find(guid, computer, pid, moment)
			if p == nil {
				return &exit{exitInput, fmt.Errorf("the logs do not have that process; is process creation (Sysmon 1 or Security 4688) among them?")}
			}
			style := process.Style{Color: a.colors(a.outTTY), Marks: map[*process.Node]string{p: mark}, Zone: s.run.Zone, Width: a.width}
			if whole {
				err = style.Write(a.styled(a.out, a.outTTY), p.Root())
			} else {
				err = style.WritePath(a.styled(a.out, a.outTTY), p)
			}
			return firstOf(err, s.finish(""))
		},
	}
	in.flags(cmd)
	f := cmd.Flags()
	f.IntVar(&n, "finding", 0, "the process of finding N of a hunt over the same logs")
	f.StringArrayVarP(&detections, "detections", "d", nil, "packages that --finding counts in (default: those that gyoji ships)")
	f.StringVar(&guid, "guid", "", "the process with this ProcessGuid")
	f.StringVar(&pid, "pid", "", "the process with this id, on --computer")
	f.StringVar(&computer, "computer", "", "the host of --pid")
	f.StringVar(&at, "at", "", "a time at which --pid ran, since ids are used again")
	f.BoolVar(&whole, "whole", false, "also show what else the ancestors started")
	return cmd
}

// identity is which process a finding is about.
func identity(f *hunt.Finding) (guid, pid, computer string, at int64) {
	guid, _ = f.Get("ProcessGuid")
	pid, _ = f.Get("ProcessId")
	return guid, pid, f.Host, int64(f.Time)
}

// finding hunts with packages and returns the Nth finding.
func (a *app) finding(ctx context.Context, s *session, dirs []string, n int) (*hunt.Finding, error) {
	pkgs, err := a.packages(dirs)
	if err != nil {
		return nil, err
	}
	h := &huntRun{app: a, session: s, List: newList(s, hunt.Options{})}
	if err := h.search(ctx, pkgs, nil); err != nil {
		return nil, err
	}
	var found *hunt.Finding
	all := 0
	if err := h.Each(ctx, s.locate(ctx, h.List), func(i int, f *hunt.Finding) error {
		if all = i; i == n {
			found = f
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if found == nil {
		return nil, usageError("--finding %d: there are %d findings; gyoji hunt lists them with their numbers", n, all)
	}
	return found, nil
}

// forest reads the process trees of some hosts.
func (s *session) forest(ctx context.Context, hosts []string) (*process.Forest, error) {
	q, err := process.Around(hosts...)
	if err != nil {
		return nil, err
	}
	r, err := s.again()
	if err != nil {
		return nil, err
	}
	run := s.run
	run.Input = r
	return process.Read(ctx, q, run)
}

const (
	// treesMax is how many findings of a report get a process tree.
	treesMax = 200
	// treeSlack is how long before the first and behind the last finding a
	// report looks for processes.
	treeSlack = time.Hour
)

// trees adds process trees to a report's findings. Standard input cannot be read
// again, so its findings have none.
func (s *session) trees(ctx context.Context, r *report.Report) error {
	if slices.Contains(s.paths, "-") {
		r.Notes = append(r.Notes, "no process trees: standard input can be read only once")
		return nil
	}
	var hosts []string
	var low, high int64
	for _, f := range r.Findings {
		guid, pid, host, at := identity(f.Finding)
		if guid == "" && pid == "" || host == "" {
			continue
		}
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
		if low == 0 || at < low {
			low = at
		}
		high = max(high, at)
	}
	if len(hosts) == 0 {
		return nil
	}
	old := s.run
	s.run.Bounded, s.run.From, s.run.To = true, low-treeSlack.Milliseconds(), high+treeSlack.Milliseconds()
	forest, err := s.forest(ctx, hosts)
	s.run = old
	if err != nil {
		return err
	}
	made := 0
	for _, f := range r.Findings {
		guid, pid, host, at := identity(f.Finding)
		n := forest.Find(guid, host, pid, at)
		if n == nil {
			continue
		}
		if made++; made > treesMax {
			r.Notes = append(r.Notes, fmt.Sprintf("process trees are shown for the first %d findings; gyoji tree shows any", treesMax))
			break
		}
		var b strings.Builder
		if err := (process.Style{Marks: map[*process.Node]string{n: f.Severity.String()}, Zone: s.run.Zone}).WritePath(&b, n); err != nil {
			return err
		}
		r.Trees[f.N] = b.String()
	}
	return nil
}
