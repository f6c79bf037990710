package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
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
for these logs. gyoji finds a field under the names that shippers give it; json
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
			in.noMap = true
			s, err := a.open(&in, args)
			if err != nil {
				return err
			}
			c, err := s.census(cmd.Context(), nil)
			s.rows = int64(len(want))
			diagnoseFields(a.stdout, c, s.readers[0].Stats().Formats, want)
			return firstOf(err, s.finish(plural(s.rows, "field of detections", "fields of detections")))
		},
	}
	in.flags(cmd)
	rules.flags(cmd)
	cmd.Flags().StringArrayVarP(&detections, "detections", "d", nil, "whose fields to look for: a folder of detection packages or Sigma rules, a rule, an archive of rules (default: the packages that gyoji ships)")
	return cmd
}

// diagnoseFields prints where each field that a detection wants is, and the
// query text that gives it its name where json auto does not.
func diagnoseFields(w io.Writer, c *census, read map[string]int, want wanting) {
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
			fmt.Fprintf(w, "%s: in %s %s, and in others json auto gives %s here\n", n, in, plural(c.count(n).n, "event", "events"), c.listed(from))
		default:
			fmt.Fprintf(w, "%s: json auto gives %s here\n", n, c.listed(from))
		}
		fix = append(fix, stages...)
	}
	if len(absent) > 0 {
		fmt.Fprintf(w, "in no event, under whatever name: %s\n", strings.Join(absent, ", "))
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
			n := c.count(e + s.Mark).n
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

// known is what the census found of a field.
func (c *census) known(name string) convert.SumoField {
	f := c.count(name)
	if f.n == 0 {
		return convert.SumoField{}
	}
	s, _ := c.layout.Find(name)
	return convert.SumoField{Name: c.layout.Name(s), Always: f.n == c.events, Object: strings.HasPrefix(f.samples[0].text, "{")}
}
