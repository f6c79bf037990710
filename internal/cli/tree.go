package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/detect/incident"
	"github.com/gyoji-dev/gyoji/internal/detect/process"
	"github.com/gyoji-dev/gyoji/internal/detect/report"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

var _ = command((*app).treeCmd)

func (a *app) treeCmd() *cobra.Command {
	var in inputs
	var detections []string
	var rules sigmaRules
	var guid, pid, computer, at string
	var which findingName
	var whole bool
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "tree PATH...",
		Short:   "Show the process tree around a finding, with files, connections and names inline",
		Long: `tree shows a process with its ancestors and all it started, and beside each what
it did: files written, streams, connections, DNS queries. It reads Sysmon, also of
Linux, Security 4688, exec of macOS (eslogger) and of auditd (LAUREL, audit.log).

The process is that of a finding, by its number or id in a hunt over the same logs
with the same -d (1 is the most severe), or the one with --guid, or with --pid on
--computer (the last one to start before --at).`,
		Example: `  gyoji tree --finding 1 evtx/
  gyoji tree --finding 3 -d sigma/rules/windows evtx/
  gyoji tree --pid 4120 --computer WKS-01 --at 2026-03-10T16:20:58Z evtx/`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("tree wants the logs to look at: gyoji tree --finding 1 FOLDER")
			}
			if which == "" && guid == "" && (pid == "" || computer == "") {
				return usageError("tree wants a process: --finding N, --guid GUID, or --pid PID with --computer HOST")
			}
			s, err := a.open(&in, args)
			if err != nil {
				return err
			}
			s.unique = true // as of hunt, whose numbers findings have
			mark, moment := "this one", int64(0)
			if at != "" {
				t, err := datefmt.ParseTime(at, s.run.Now, s.run.Zone)
				if err != nil {
					return usageError("--at %s: %v", at, err)
				}
				moment = t.UnixMilli()
			}
			if which != "" {
				pkgs, err := a.detections(detections, &rules, in.strict)
				if err != nil {
					return err
				}
				n, f, err := a.finding(cmd.Context(), s, pkgs, &rules, which)
				if err != nil {
					return err
				}
				guid, pid, computer, moment = identity(f)
				mark = f.Severity.String() + ": " + printable.Text(f.Detection)
				if guid == "" && pid == "" {
					return &exit{exitUsage, fmt.Errorf("finding %d (%s) is of no process: its record has neither ProcessGuid nor ProcessId; what it has: %s", n, f.Detection, cmp.Or(f.Command(), "gyoji hunt -f list"))}
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
				return &exit{exitInput, fmt.Errorf("the logs do not have that process; is process creation (Sysmon 1, Security 4688, exec of auditd or eslogger) among them?")}
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
	f.Var(&which, "finding", "the process of this finding of a hunt over the same logs: its number, or its id")
	f.StringArrayVarP(&detections, "detections", "d", nil, "what the hunt ran: packages, Sigma rules, as in hunt -d (default: the packages that gyoji ships)")
	rules.flags(cmd)
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

// findingName is the value of --finding: a finding's number in the list, or its id, of
// which a beginning will do.
type findingName string

func (n *findingName) String() string { return string(*n) }
func (n *findingName) Type() string   { return "N|ID" }

func (n *findingName) Set(v string) error {
	v = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(v), "#"))
	if number, err := strconv.Atoi(v); err == nil && len(v) < findingIDMin {
		if number < 1 {
			return errors.New("findings are numbered from 1")
		}
	} else if len(v) < findingIDMin || strings.Trim(v, "0123456789abcdef") != "" {
		return errors.New("write a finding's number, such as 1, or its id, such as 35bdca5fd75c")
	}
	*n = findingName(v)
	return nil
}

// findingIDMin is how much of a finding's id is enough to name it.
const findingIDMin = 8

// is reports whether a finding has the name.
func (n findingName) is(number int, f *hunt.Finding) bool {
	if len(n) < findingIDMin {
		return string(n) == strconv.Itoa(number)
	}
	return strings.HasPrefix(f.ID, string(n))
}

// finding hunts and returns the finding of a name, with its number.
func (a *app) finding(ctx context.Context, s *session, pkgs []*detection.Package, rules *sigmaRules, which findingName) (int, *hunt.Finding, error) {
	h := &huntRun{app: a, session: s, List: newList(s, hunt.Options{})}
	if err := h.search(ctx, pkgs, rules); err != nil {
		return 0, nil, err
	}
	var found *hunt.Finding
	at, all := 0, 0
	if err := h.Each(ctx, s.locate(ctx, h.List), func(i int, f *hunt.Finding) error {
		if all = i; found == nil && which.is(i, f) {
			at, found = i, f
		}
		return nil
	}); err != nil {
		return 0, nil, err
	}
	if found == nil {
		are := plural(int64(all), "there is 1 finding", fmt.Sprintf("there are %s findings", number(int64(all))))
		return 0, nil, usageError("--finding %s: %s here; gyoji hunt over the same logs, with the same -d, lists them", which, are)
	}
	return at, found, nil
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

// surroundings are the hosts of a report's findings, and the times of the first and the last
// of them, in ms. Only those are asked that a process is known of, unless all are.
func surroundings(r *report.Report, all bool) (hosts []string, low, high int64) {
	for _, f := range r.Findings {
		guid, pid, host, at := identity(f.Finding)
		if host == "" || !all && guid == "" && pid == "" {
			continue
		}
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
		if !f.Timed() {
			continue
		}
		if low == 0 || at < low {
			low = at
		}
		high = max(high, at)
	}
	return hosts, low, high
}

// signInsBefore is how long before the first finding a story looks for sign-ins.
const signInsBefore = 24 * time.Hour

// tell makes the story of a report's findings, with what the logs hold around them.
func (s *session) tell(ctx context.Context, r *report.Report) error {
	hosts, low, high := surroundings(r, true)
	if slices.Contains(s.paths, "-") && s.spool == nil {
		r.Notes = append(r.Notes, "standard input, a second time: it can be read only once")
		hosts = nil
	}
	if len(hosts) == 0 || low == 0 {
		r.Story = incident.Tell(r.Findings, nil)
		return nil
	}
	in, err := s.again()
	if err != nil {
		return err
	}
	run := s.run
	run.Input = in
	run.Bounded, run.From, run.To = true, low-signInsBefore.Milliseconds(), high+treeSlack.Milliseconds()
	around, err := incident.Read(ctx, run, hosts)
	if err != nil {
		return err
	}
	r.Story = incident.Tell(r.Findings, around)
	return nil
}

// trees adds process trees to a report's findings. Standard input cannot be read
// again, so its findings have none.
func (s *session) trees(ctx context.Context, r *report.Report) error {
	if slices.Contains(s.paths, "-") {
		r.Notes = append(r.Notes, "no process trees: standard input can be read only once")
		return nil
	}
	hosts, low, high := surroundings(r, false)
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
