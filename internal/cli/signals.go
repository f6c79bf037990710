package cli

import (
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
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
	state      string
	against    string // the version before, of backtest
	tags       []string
	variants   bool // each rule runs with and without its tunings
}

func (f *siemFlags) flags(cmd *cobra.Command) {
	f.in.flags(cmd)
	f.out.flags(cmd)
	cmd.Flags().StringArrayVarP(&f.detections, "detections", "d", nil, "Cloud SIEM rules and settings: a folder or a file; may be repeated (default: those of the packages that gyoji ships)")
	cmd.Flags().StringVar(&f.settings, "settings", "", "a document of insight settings: threshold, lookbackDays, globalSignalSuppressionWindow (hours)")
	cmd.Flags().StringArrayVar(&f.tags, "tag", nil, "only rules with this tag: T1059, TA0002, _mitreAttackTechnique:T1059.001, or a word; may be repeated")
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
	lib, err := f.in.library()
	if err != nil {
		return err
	}
	t, err := a.tenant(names, f.in.strict, tenant.Indicators(lib.Threat()), tenant.Geo(lib.Geo()))
	if err != nil {
		return err
	}
	if f.tags != nil {
		if t.Keep(f.tags); len(t.Rules) == 0 {
			return usageError("--tag: no Cloud SIEM rule that runs has the tag %s", strings.Join(f.tags, " or "))
		}
	}
	if len(t.Rules)+t.Disabled == 0 {
		return noRules(t.Found, names...)
	}
	s, err := a.open(&f.in, args)
	if err != nil {
		return err
	}
	s.unique = true
	w, done, err := f.out.open(a, cmd, s)
	if err != nil {
		return err
	}
	g := s.siem(t)
	if f.variants {
		g.vary()
	}
	if f.against != "" {
		old := append([]string{f.against}, names[1:]...) // names[0] is the rule
		before, err := a.tenant(old, f.in.strict, tenant.Indicators(lib.Threat()), tenant.Geo(lib.Geo()))
		if err != nil {
			return err
		}
		if len(before.Rules) == 0 {
			return noRules(before.Found, old...)
		}
		g.before = s.siem(before)
		g.before.variants = map[string]variant{} // so that no desk takes the signals of all rules together
	}
	if f.state != "" {
		g.keep(f.state)
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
		err = g.keepState()
	}
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
	stateFlag(cmd, &f.state)
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
	Events      []string `json:"events,omitempty"`  // what the records' events are: Security-4625
	Channel     string   `json:"channel,omitempty"` // of the record that completed it
	EventID     string   `json:"event_id,omitempty"`

	ListMatches []string           `json:"list_matches,omitempty"`
	Matched     []insight.ListItem `json:"matched_items,omitempty"`
	Threats     []string           `json:"threat_indicators,omitempty"`
	Related     []string           `json:"related_entities,omitempty"`

	Tags []string `json:"tags,omitempty"`
	ID   string   `json:"id"`
}

func lineOf(s *insight.Signal) signalLine {
	l := signalLine{
		TimeMS: s.Time, Severity: s.Severity, Entity: s.Entity.ID(), Name: s.Name, RuleID: s.RuleID, RuleName: s.RuleName, Summary: s.Summary,
		Description: s.Description, Stage: s.Stage(), ContentType: s.ContentType, Prototype: s.Prototype, Suppressed: s.Suppressed,
		Stronger: s.Stronger, Records: s.Total, Tags: s.Tags, ID: s.ID,
	}
	for _, r := range s.Records {
		l.RecordIDs = append(l.RecordIDs, r.UID)
		if r.Kind != "" && !slices.Contains(l.Events, r.Kind) {
			l.Events = append(l.Events, r.Kind)
		}
	}
	l.Channel, l.EventID = s.Event()
	for _, m := range s.Lists {
		if !slices.Contains(l.ListMatches, m.List) {
			l.ListMatches = append(l.ListMatches, m.List)
		}
	}
	l.Matched, l.Threats = s.Lists, s.Threats
	for _, id := range s.Related {
		if id != l.Entity {
			l.Related = append(l.Related, id)
		}
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
