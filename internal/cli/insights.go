package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/report"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = command((*app).insightsCmd)

func (a *app) insightsCmd() *cobra.Command {
	f := siemFlags{out: output{reports: []string{"html"}}}
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "insights -d RULES PATH...",
		Short:   "Run Cloud SIEM rules over logs and list the insights that their signals make",
		Long: `insights runs Cloud SIEM rules as gyoji signals does, adds the signals of each
entity up as the product does, and lists the insights: an entity whose signals of
distinct names within the look-back (14 days) come to more than the threshold (12),
and what custom insights say. Each insight says why it came about: the arithmetic,
and its signals.

--settings names a document with threshold, lookbackDays and
globalSignalSuppressionWindow, as the API's insights-configuration has them.`,
		Example: `  gyoji insights samples/
  gyoji insights -f html -o insights.html samples/
  gyoji insights -d rules/ --settings insights.json -f ndjson logs/`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(a, cmd, args, [2]string{"insight", "insights"}, func(g *siemHunt, w io.Writer) (int64, error) {
				return int64(len(g.insights)), g.printInsights(&f.out, w)
			})
		},
	}
	f.flags(cmd)
	stateFlag(cmd, &f.state)
	return cmd
}

// insightLine is an insight as a line of JSON.
type insightLine struct {
	TimeMS      int64        `json:"time_ms"`
	Severity    string       `json:"severity"`
	Entity      string       `json:"entity"`
	Name        string       `json:"name"`
	Score       int          `json:"score"`
	Threshold   float64      `json:"threshold,omitempty"`
	Source      string       `json:"source"`
	Why         string       `json:"why"`
	Description string       `json:"description,omitempty"`
	Signals     []signalLine `json:"signals"`
	Stronger    []signalLine `json:"stronger_repeats,omitempty"`
	Related     []string     `json:"related_entities,omitempty"`
	Tags        []string     `json:"tags,omitempty"`
	ID          string       `json:"id"`
}

// arithmetic is how an insight's score came about: 5 (A) + 8 (B) = 13 > 12.
func arithmetic(i *insight.Insight) string {
	if i.Source != "ALGORITHM" {
		return fmt.Sprintf("the custom insight %s wants its signals alone, not a score", i.Name)
	}
	var parts []string
	for _, p := range i.Parts() {
		times := ""
		if p.Signals > 1 {
			times = fmt.Sprintf(", %d times", p.Signals)
		}
		parts = append(parts, fmt.Sprintf("%d (%s%s)", p.Severity, p.Name, times))
	}
	more := ""
	for _, s := range i.Stronger {
		more += fmt.Sprintf("; not counted: %d (%s), a more severe repeat", s.Severity, s.Name)
	}
	return fmt.Sprintf("%s = %d > %v%s", strings.Join(parts, " + "), i.Score, i.Threshold, more)
}

func (g *siemHunt) printInsights(out *output, w io.Writer) error {
	if out.kind(g.app) == "ndjson" {
		e := jsonLines(w)
		for _, i := range g.insights {
			l := insightLine{
				TimeMS: i.Time, Severity: i.Severity, Entity: i.Entity.ID(), Name: i.Name, Score: i.Score, Threshold: i.Threshold, Source: i.Source,
				Why: arithmetic(i), Description: i.Description, Related: i.Related, Tags: i.Tags, ID: i.ID,
			}
			for _, s := range i.Signals {
				l.Signals = append(l.Signals, lineOf(s))
			}
			for _, s := range i.Stronger {
				l.Stronger = append(l.Stronger, lineOf(s))
			}
			if err := e.Encode(l); err != nil {
				return err
			}
		}
		return nil
	}
	if strings.EqualFold(out.kind(g.app), "html") {
		return report.Insights(w, "gyoji "+Version(), g.insights, g.session.run.Zone)
	}
	columns := []string{"time", "severity", "score", "entity", "name", "signals", "why"}
	return g.app.table(w, out, g.session, columns, func(add func(...event.Value) error) error {
		for _, i := range g.insights {
			err := add(event.Millis(i.Time), event.Text(i.Severity), event.Int(int64(i.Score)), event.Text(i.Entity.ID()), event.Text(i.Name), event.Int(int64(len(i.Signals))), event.Text(arithmetic(i)))
			if err != nil {
				return err
			}
		}
		return nil
	})
}
