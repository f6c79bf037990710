package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/engine/logic"
)

var _ = command((*app).scoreCmd)

func (a *app) scoreCmd() *cobra.Command {
	var form string
	var exhaustive bool
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "score [PACKAGE...]",
		Short:   "Say what a detection's score can be, and what each threshold would catch",
		Long: `score reads the queries of detection packages and finds, without any events,
which values a score can reach: flags that exclude each other, and values that
the range promises but no event can have, come to light. It compares that with
the range and the severities of the manifest.

It then runs the package's test cases, whose labels (benign or not) are known,
and shows for each threshold how many attacks it catches (recall) and how many
of its findings are attacks (precision).

Where gyoji measure --write has put it into the package, the precision of each score over
labelled recordings follows, with how many findings it was taken of, and the least that it
may be with so few (Wilson's interval of 95 %).

It exits with 1 when a range is not what the query says.`,
		Example: "  gyoji score\n  gyoji score -f json packages/T1204.001-malicious-link",
		RunE: func(cmd *cobra.Command, args []string) error {
			pkgs, err := a.packages(args)
			if err != nil {
				return err
			}
			var all []*scored
			for _, p := range pkgs {
				sweep, err := p.Sweep(cmd.Context())
				if err != nil {
					return &exit{exitDiagnostics, err}
				}
				for _, d := range slices.Concat(p.Detections, p.Baselines) {
					steps := scoreSteps
					if exhaustive {
						steps = 0
					}
					an, err := d.AnalyseScore(steps)
					if err != nil {
						return &exit{exitDiagnostics, err}
					}
					all = append(all, newScored(an, sweep[d.ID]))
				}
			}
			wrong := false
			switch form {
			case "json":
				e := json.NewEncoder(a.json())
				e.SetIndent("", "  ")
				err = e.Encode(all)
			default:
				for _, s := range all {
					s.print(a)
				}
			}
			for _, s := range all {
				wrong = wrong || len(s.Problems) > 0
			}
			if err == nil && wrong {
				return &exit{code: exitFindings}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&exhaustive, "exhaustive", false, "try all combinations of conditions, also where that takes minutes")
	formatFlag(cmd.Flags(), &form, "text", textOrJSON, "how to print: text or json")
	return cmd
}

// scoreSteps is how much is searched for the values of one score: some seconds.
const scoreSteps = 400_000

// scored is what is said of one detection's score.
type scored struct {
	Detection string                `json:"detection"`
	Declared  []int                 `json:"declared,omitempty"`
	Reachable []int64               `json:"reachable,omitempty"`
	Ways      map[int64]int         `json:"ways,omitempty"`
	Unknown   string                `json:"unknown,omitempty"`
	Problems  []string              `json:"problems,omitempty"`
	Sweep     []detection.Threshold `json:"sweep,omitempty"`
	Measured  []measuredScore       `json:"measured,omitempty"`
	Before    bool                  `json:"measured_before,omitempty"` // the query was changed since

	d *detection.Detection
}

// measuredScore is the measured precision of a score.
type measuredScore struct {
	Score     int     `json:"score"`
	N         int     `json:"n"`
	Attacks   int     `json:"attacks"`
	Precision float64 `json:"precision"`
	AtLeast   float64 `json:"at_least"` // Wilson, 95 %
}

func newScored(an *detection.ScoreAnalysis, sweep []detection.Threshold) *scored {
	d := an.Detection
	out := &scored{
		Detection: d.ID, Declared: d.Score.Range, Reachable: an.Values, Ways: an.Ways,
		Unknown: an.Unknown, Problems: an.Problems(), Sweep: sweep, d: d,
	}
	m, before := d.Measured()
	if m != nil {
		out.Before = before
		for _, s := range m.Scores {
			share, least := s.Precision()
			out.Measured = append(out.Measured, measuredScore{s.Score, s.N, s.Attacks, share, least})
		}
	}
	return out
}

func (s *scored) print(a *app) {
	fmt.Fprintf(a.stdout, "%s: %s\n", s.d.Package.Dir, s.Detection)
	if s.Unknown != "" {
		fmt.Fprintf(a.stdout, "  the values cannot be found from the query: %s\n", s.Unknown)
		if s.Unknown == logic.ErrEffort.Error() {
			fmt.Fprintf(a.stdout, "  --exhaustive goes on until they are\n")
		}
	} else {
		var values []string
		for _, v := range s.Reachable {
			values = append(values, fmt.Sprintf("%d (%d %s, %s)", v, s.Ways[v], plural(int64(s.Ways[v]), "way", "ways"), s.d.SeverityOf(int(v))))
		}
		fmt.Fprintf(a.stdout, "  reaches %s\n", strings.Join(values, ", "))
	}
	for _, p := range s.Problems {
		fmt.Fprintf(a.stdout, "  wrong: %s\n", p)
	}
	if len(s.Measured) > 0 {
		before := ""
		if s.Before {
			before = ", before the query was last changed"
		}
		fmt.Fprintf(a.stdout, "  measured over labelled recordings%s:\n", before)
		w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(w, "  score\tn\tof attacks\tprecision\tat least\t")
		for _, m := range s.Measured {
			fmt.Fprintf(w, "  %d\t%d\t%d\t%.0f%%\t%.0f%%\t\n", m.Score, m.N, m.Attacks, 100*m.Precision, 100*m.AtLeast)
		}
		w.Flush()
	}
	if len(s.Sweep) == 0 {
		return
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "  score at least\tattacks\trecall\tbenign\tprecision\t")
	for _, t := range s.Sweep {
		fmt.Fprintf(w, "  %d\t%d of %d\t%.0f%%\t%d of %d\t%.0f%%\t\n", t.Score, t.Attacks, t.AttacksAll, 100*t.Recall(), t.Benign, t.BenignAll, 100*t.Precision())
	}
	w.Flush()
}
