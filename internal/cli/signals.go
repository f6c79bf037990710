package cli

import (
	"encoding/json"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

var _ = command((*app).signalsCmd)

// siemFlags are the flags of commands that run Cloud SIEM rules alone.
type siemFlags struct {
	in         inputs
	out        output
	detections []string
	settings   string
	baseline   []string
	variants   bool // each rule runs with and without its tunings
}

func (f *siemFlags) flags(cmd *cobra.Command) {
	f.in.flags(cmd)
	f.out.flags(cmd)
	cmd.Flags().StringArrayVarP(&f.detections, "detections", "d", nil, "Cloud SIEM rules and settings: a folder or a file; may be repeated (default: those of the packages that gyoji ships)")
	cmd.Flags().StringVar(&f.settings, "settings", "", "a document of insight settings: threshold, lookbackDays, globalSignalSuppressionWindow (hours)")
	cmd.Flags().StringArrayVar(&f.baseline, "baseline", nil, "older logs that first seen and outlier rules learn from, without signals of them; may be repeated")
}

// run loads the rules, reads the logs, judges them, and prints with show.
func (f *siemFlags) run(a *app, cmd *cobra.Command, args []string, what [2]string, show func(g *siemHunt, w io.Writer) (int64, error)) error {
	if len(args) == 0 {
		return usageError("%s wants the logs to look at: gyoji %s -d RULES FOLDER", cmd.Name(), cmd.Name())
	}
	names := f.detections
	if f.settings != "" {
		if names == nil {
			return usageError("--settings needs -d RULES, too")
		}
		names = append(names[:len(names):len(names)], f.settings)
	}
	t, err := a.tenant(names, f.in.strict)
	if err != nil {
		return err
	}
	if len(t.Rules)+t.Disabled == 0 {
		return noRules(t.Found)
	}
	s, err := a.open(&f.in, args)
	if err != nil {
		return err
	}
	w, done, err := f.out.open(a, cmd, s)
	if err != nil {
		return err
	}
	g := s.siem(t)
	if f.variants {
		g.vary()
	}
	if f.baseline != nil {
		err = g.learn(cmd.Context(), &f.in, f.baseline)
	}
	if err == nil {
		err = g.read(cmd.Context())
	}
	if err == nil {
		s.rows, err = show(g, w)
	}
	err = done(err)
	if err == nil {
		g.tell()
	}
	return firstOf(err, s.finish(plural(s.rows, what[0], what[1])))
}

func (a *app) signalsCmd() *cobra.Command {
	var f siemFlags
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "signals -d RULES PATH...",
		Short:   "Run Cloud SIEM rules over logs and list all signals, suppressed ones included",
		Long: `signals runs Cloud SIEM rules of all six kinds over logs: events become records as
the product's mappers make them, rules make signals of records, and each signal is
on one entity. -d names rules and settings: JSON of the API or of an export,
Terraform, YAML; files and folders.

Every signal is listed, also those that the product would suppress, with the
reasons: entity, network, list, redundant. A suppressed signal that is more severe
than what it repeats is marked as stronger.`,
		Example: `  gyoji signals -d rules/ logs/
  gyoji signals -d rules/ -f ndjson evtx/ | jq -c 'select(.suppressed == null)'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(a, cmd, args, [2]string{"signal", "signals"}, func(g *siemHunt, w io.Writer) (int64, error) {
				return int64(len(g.signals)), g.printSignals(&f.out, w)
			})
		},
	}
	f.flags(cmd)
	return cmd
}

// signalLine is a signal as a line of JSON.
type signalLine struct {
	TimeMS      int64    `json:"time_ms"`
	Severity    int      `json:"severity"`
	Entity      string   `json:"entity"`
	Name        string   `json:"name"`
	RuleID      string   `json:"rule_id"`
	RuleName    string   `json:"rule_name"`
	Summary     string   `json:"summary,omitempty"`
	Description string   `json:"description,omitempty"`
	Stage       string   `json:"stage,omitempty"`
	ContentType string   `json:"content_type"`
	Prototype   bool     `json:"prototype,omitempty"`
	Suppressed  []string `json:"suppressed,omitempty"`
	Stronger    bool     `json:"stronger,omitempty"`
	Records     int      `json:"records"`
	RecordIDs   []string `json:"record_ids"`
	Tags        []string `json:"tags,omitempty"`
	ID          string   `json:"id"`
}

func lineOf(s *insight.Signal) signalLine {
	l := signalLine{
		TimeMS: s.Time, Severity: s.Severity, Entity: s.Entity.ID(), Name: s.Name, RuleID: s.RuleID, RuleName: s.RuleName, Summary: s.Summary,
		Description: s.Description, Stage: s.Stage(), ContentType: s.ContentType, Prototype: s.Prototype, Suppressed: s.Suppressed,
		Stronger: s.Stronger, Records: s.Total, Tags: s.Tags, ID: s.ID,
	}
	for _, r := range s.Records {
		l.RecordIDs = append(l.RecordIDs, r.UID)
	}
	return l
}

// jsonLines writes values as lines of JSON.
func jsonLines(w io.Writer) *json.Encoder {
	e := json.NewEncoder(printable.NewWriter(w, printable.JSON, false))
	e.SetEscapeHTML(false)
	return e
}

func (g *siemHunt) printSignals(out *output, w io.Writer) error {
	if out.kind(g.app) == "ndjson" {
		e := jsonLines(w)
		for _, s := range g.signals {
			if err := e.Encode(lineOf(s)); err != nil {
				return err
			}
		}
		return nil
	}
	columns := []string{"time", "severity", "entity", "name", "rule_id", "suppressed", "records", "summary"}
	return g.app.table(w, out, g.session, columns, func(add func(...event.Value) error) error {
		for _, s := range g.signals {
			why := strings.Join(s.Suppressed, ", ")
			if s.Stronger {
				why += " (stronger)"
			}
			if s.Prototype {
				why = strings.TrimPrefix(why+", prototype", ", ")
			}
			err := add(event.Millis(s.Time), event.Int(int64(s.Severity)), event.Text(s.Entity.ID()), event.Text(s.Name), event.Text(s.RuleID), orNull(why), event.Int(int64(s.Total)), orNull(s.Summary))
			if err != nil {
				return err
			}
		}
		return nil
	})
}
