package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

var _ = command((*app).doctorCmd)

func (a *app) doctorCmd() *cobra.Command {
	var in inputs
	var detections []string
	var rules sigmaRules
	cmd := &cobra.Command{
		GroupID: groupLogs,
		Use:     "doctor PATH...",
		Short:   "Say which fields of detections these logs have, under which names, and what to write on Sumo Logic",
		Long: `doctor compares the fields that detections want with those that json auto gives
for these logs, and says of each whether it can fire on them and why not. gyoji finds a field under the names that shippers give it; json
auto on Sumo Logic does not, so doctor prints the stages that a query wants there.

Detections are the packages that gyoji ships, or with -d others and Sigma rules.`,
		Example: `  gyoji doctor winlogbeat.ndjson
  gyoji doctor -d detections/ export.jsonl`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("doctor wants the logs to look at: gyoji doctor FOLDER")
			}
			pkgs, err := a.detections(detections, &rules, in.strict)
			if err != nil {
				return err
			}
			want, err := wantingOf(pkgs, &rules)
			if err != nil {
				return err
			}
			noMap := in.noMap
			in.noMap = true
			s, err := a.open(&in, args)
			if err != nil {
				return err
			}
			c, err := s.census(cmd.Context(), nil, sampling{})
			s.rows = int64(len(want))
			if err == nil && !slices.Contains(args, "-") {
				in.noMap = noMap
				err = a.whatFires(cmd.Context(), &in, args, pkgs, &rules)
			}
			a.diagnoseFields(a.stdout, c, s.readers[0].Stats().Formats, want)
			return firstOf(err, s.finish(plural(s.rows, "field of detections", "fields of detections")))
		},
	}
	in.flags(cmd)
	rules.flags(cmd)
	cmd.Flags().StringArrayVarP(&detections, "detections", "d", nil, "whose fields to look for: a folder of detection packages or Sigma rules, a rule, an archive of rules (default: the packages that gyoji ships)")
	return cmd
}

// fired counts the findings of detections.
type fired struct {
	mu sync.Mutex
	n  map[string]int64 // by the detection's id
}

func (f *fired) Ran(*hunt.Detection) {}
func (f *fired) Add(d *hunt.Detection, _ *hunt.Finding) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n[d.ID]++
	return nil
}

// rulesNamed is how many Sigma rules are named one by one without -v.
const rulesNamed = 20

// whatFires hunts, and prints of each detection whether it fires, can, or cannot and why.
func (a *app) whatFires(ctx context.Context, in *inputs, paths []string, pkgs []*detection.Package, rules *sigmaRules) error {
	s, err := a.open(in, paths)
	if err != nil {
		return err
	}
	ready, _ := hunt.Compile(hunt.Detections{Packages: pkgs, Scope: rules.scope, Rules: rules.rules})
	count := &fired{n: map[string]int64{}}
	pass := ready.Pass(count, s.partName, nil)
	if len(pass.Parts)+len(pass.Consumers) == 0 {
		return nil
	}
	if err := s.searchAll(ctx, pass.Parts, pass.Consumers...); err != nil {
		return err
	}
	if err := pass.Finish(); err != nil {
		return err
	}
	w := a.stdout
	width := a.width
	say := func(what, name, why string) {
		text := name
		if why != "" {
			text += ": " + why
		}
		lines := printable.Wrap(text, max(width-14, 0))
		for i, line := range lines {
			if i > 0 {
				what = ""
			}
			fmt.Fprintf(w, "  %-11s %s\n", what, line)
		}
	}
	verdict := func(n int64, why string) (what, reason string) {
		switch {
		case n > 0:
			return "fires", number(n) + " " + plural(n, "finding", "findings")
		case why != "":
			return "cannot", why
		}
		return "can fire", "events of its log source are here; none meets its conditions"
	}
	fmt.Fprintf(w, "On these logs\n")
	defer fmt.Fprintln(w)
	i := 0
	for _, p := range pkgs {
		for _, d := range p.Detections {
			if i == len(pass.Seen) {
				break
			}
			of := hunt.OfPackage(d)
			n := count.n[of.ID]
			why := ""
			if n == 0 {
				if why, _ = pass.Seen[i].Nothing(0); why == "" && !pass.Seen[i].Reached() {
					why = "no event comes past its search expression"
				}
			}
			i++
			what, reason := verdict(n, why)
			say(what, of.Title(), reason)
		}
	}
	if len(rules.rules) == 0 {
		return nil
	}
	set := ready.Set()
	var fires, can int
	cannot := map[string]int{}
	for _, r := range rules.rules {
		if r.Correlation != nil || r.Silent {
			continue
		}
		n, why := count.n[hunt.OfRule(r).ID], ""
		if n == 0 && !set.Met(r) {
			why = "no event of its log source" + sourceOf(r)
		}
		switch {
		case n > 0:
			fires++
		case why != "":
			cannot[why]++
		default:
			can++
		}
		if a.verbose || len(rules.rules) <= rulesNamed {
			what, reason := verdict(n, why)
			say(what, r.Title, reason)
		}
	}
	if !a.verbose && len(rules.rules) > rulesNamed {
		say("fire", fmt.Sprintf("%s Sigma rules", number(int64(fires))), "")
		say("can fire", fmt.Sprintf("%s Sigma rules, of whose log source events are here", number(int64(can))), "")
		why := slices.Sorted(maps.Keys(cannot))
		slices.SortStableFunc(why, func(x, y string) int { return cmp.Compare(cannot[y], cannot[x]) })
		for i, x := range why {
			if i == topShown {
				left := 0
				for _, y := range why[i:] {
					left += cannot[y]
				}
				say("cannot", fmt.Sprintf("%s more, of %d other log sources (-v names each rule)", number(int64(left)), len(why)-i), "")
				break
			}
			say("cannot", fmt.Sprintf("%s %s", number(int64(cannot[x])), plural(int64(cannot[x]), "rule", "rules")), x)
		}
	}
	return nil
}

// sourceOf is a rule's log source in words.
func sourceOf(r *rule.Rule) string {
	var parts []string
	for _, x := range [3][2]string{{"product", r.Source.Product}, {"category", r.Source.Category}, {"service", r.Source.Service}} {
		if x[1] != "" {
			parts = append(parts, x[0]+" "+x[1])
		}
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// diagnoseFields prints where each field that a detection wants is, and the
// query text that gives it its name where json auto does not.
func (a *app) diagnoseFields(w io.Writer, c *census, read map[string]int, want wanting) {
	say := func(format string, with ...any) {
		if text := fmt.Sprintf(format, with...); a.outTTY {
			para(w, text, a.width)
		} else {
			fmt.Fprintln(w, text)
		}
	}
	shapes := c.shapes(read)
	if len(shapes) > 0 {
		fmt.Fprintf(w, "%s %s, written by\n", number(c.events), plural(c.events, "event", "events"))
		for _, s := range shapes {
			fmt.Fprintf(w, "  %s\n", s)
		}
		fmt.Fprintln(w)
	}
	var fix, absent []string
	for _, n := range want.names() {
		own := c.known(n)
		stages, from := convert.SumoNames(n, c.known)
		switch in := number(c.count(n).n); {
		case own.Always, own.Name != "" && from == nil:
			fmt.Fprintf(w, "%s: in %s %s\n", n, in, plural(c.count(n).n, "event", "events"))
			continue
		case from == nil:
			absent = append(absent, n)
			continue
		case own.Name != "":
			say("%s: in %s %s, and in others json auto gives %s here", n, in, plural(c.count(n).n, "event", "events"), c.listed(from))
		default:
			say("%s: json auto gives %s here", n, c.listed(from))
		}
		fix = append(fix, stages...)
	}
	if len(absent) > 0 {
		say("in no event, under whatever name: %s", strings.Join(absent, ", "))
	}
	for _, e := range mapping.Envelopes() {
		if f := c.count(e); f.n > 0 && strings.HasPrefix(f.samples[0].text, "<Event") {
			fmt.Fprintf(w, "\n%s holds event XML in %s %s, which json auto does not look into and gyoji does.\nOn Sumo Logic use parse xml field=%s, or have the collector send fields.\n", e, number(f.n), plural(f.n, "event", "events"), e)
		}
	}
	if len(fix) > 0 {
		fmt.Fprintf(w, "\ngyoji finds these under their plain names by itself (--map sysmon, the default; --no-map switches it off).\nOn Sumo Logic, write after json auto:\n\n%s\n", strings.Join(fix, "\n"))
	}
}

// listed are fields with how many events have them.
func (c *census) listed(names []string) string {
	var out []string
	for _, n := range names {
		k := c.count(n).n
		out = append(out, fmt.Sprintf("%s (%s %s)", n, number(k), plural(k, "event", "events")))
	}
	return strings.Join(out, ", ")
}

// shapes names the products that wrote the events, by the marks that these have.
func (c *census) shapes(read map[string]int) (out []string) {
	if n := read["evtx"]; n > 0 {
		out = append(out, fmt.Sprintf("Windows itself: %s event log %s (EVTX)", number(int64(n)), plural(int64(n), "file", "files")))
	}
	if len(read) == 1 && read["evtx"] > 0 {
		return out
	}
	for _, s := range mapping.Shapes() {
		for _, e := range append([]string{""}, mapping.Envelopes()...) {
			if e != "" {
				e += "."
			}
			n := c.spelled(e + s.Mark)
			if len(s.Signs) > 0 {
				most := int64(0)
				for _, sign := range s.Signs {
					most = max(most, c.count(e+sign).n)
				}
				n = min(n, most)
			}
			if n > 0 {
				out = append(out, fmt.Sprintf("%s: %s in %s", s.Summary, e+s.Mark, number(n)))
				break
			}
		}
	}
	return out
}

// spelled is how many events have a field of exactly this spelling: products are told
// apart by it, eventRecordID of Promtail from Windows' own EventRecordID.
func (c *census) spelled(name string) int64 {
	if s, ok := c.layout.Find(name); !ok || c.layout.Name(s) != name {
		return 0
	}
	return c.count(name).n
}

// known is what the census found of a field.
func (c *census) known(name string) convert.SumoField {
	f := c.count(name)
	if f.n == 0 {
		return convert.SumoField{}
	}
	s, _ := c.layout.Find(name)
	return convert.SumoField{Name: c.layout.Name(s), Always: f.n == c.events, Object: strings.HasPrefix(f.samples[0].text, "{")}
}
