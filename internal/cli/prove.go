package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/content"
	"github.com/gyoji-dev/gyoji/internal/detect/proof"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

var _ = command((*app).proveCmd)

func (a *app) proveCmd() *cobra.Command {
	var form string
	values := params{many: true}
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "prove A B [PATH...]",
		Short:   "Run two conditions over the same events and show where they differ",
		Long: `prove compares two conditions on events, each a file: a Sumo query (.sumo; what
stands before its first grouping), a Sigma rule (.yml), a Cloud SIEM rule (.json,
.tf or .yaml), or a Cloud SIEM expression (.cse). What a file is, its content
says; one that is none of these is refused. --param gives values to the template
parameters, {{name}}, of queries.

Of two rules over many events (a Sigma correlation with its rules, a threshold,
chain or aggregation rule, a query that counts) it compares the conditions of each
step in this way, and how many events they want, of what, by which groups and
within which time.

Both run over the events of PATH, if given, and over events made for them: for
every predicate of either side some that meet it and some that just miss it (a
character more or less, other letter case, a longer name such as notcmd.exe,
empty, missing), in a setting where that predicate decides. It says on how many
events they are equal, or shows the smallest event on which they differ. That is
evidence, not a proof of logic; "matched" says how many of the events either
side was about.

It exits with 1 when they differ, or when neither matched any event, which shows
nothing; with 2 when one does not compile or is no condition.`,
		Example: `  gyoji prove rule.yml rule.sumo
  gyoji prove old.sumo new.sumo logs/
  gyoji prove -f json rule.yml rule.json`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var sides [2]*proof.Side
			var wholes [2]*proof.Whole
			for i, name := range args[:2] {
				f, kind, err := a.readAs(name, "prove", content.Query, content.Sigma, content.SIEMExpression, content.SIEMRule, content.Terraform)
				if err != nil {
					return err
				}
				if kind == content.Query {
					var left diag.List
					if f, left, err = values.fill(f); err != nil {
						return err
					}
					a.diagnose(left)
				}
				w, ds := proof.ReadWhole(f)
				if wholes[i] = w; w != nil && i == 1 && wholes[0] != nil {
					continue // both are about many events
				}
				if i == 0 && w != nil && ds == nil { // of the other it is seen next whether it is, too
					if s, ds := proof.Read(f); !ds.HasErrors() {
						sides[i] = s
					}
					continue
				}
				if w != nil && len(w.Parts) > 1 || i == 1 && wholes[0] != nil && sides[0] == nil {
					return &exit{exitDiagnostics, fmt.Errorf("of %s and %s one is a rule over many events and the other a condition on one: that is not compared", args[0], args[1])}
				}
				s, more := proof.Read(f)
				if ds = append(ds, more...); ds.HasErrors() {
					a.diagnose(ds)
					return &exit{code: exitDiagnostics}
				}
				sides[i] = s
			}
			if err := values.unused(); err != nil {
				return err
			}
			var open func() (*input.Reader, error)
			if len(args) > 2 {
				in := inputs{names: mapSysmon, zone: "UTC", workers: 1, memory: memoryDefault}
				s, err := a.open(&in, args[2:])
				if err != nil {
					return err
				}
				open = func() (*input.Reader, error) {
					src, err := input.Paths(s.paths, s.opt)
					if err != nil {
						return nil, &exit{exitInput, err}
					}
					return input.NewReader(src, s.formats, s.opt), nil
				}
			}
			if wholes[0] != nil && wholes[1] != nil {
				return a.proveWhole(cmd, wholes[0], wholes[1], open, form)
			}
			for i, s := range sides {
				if wholes[i] != nil {
					s.Notes = append(s.Notes, fmt.Sprintf("%s: how many events it wants, and in which time, is not compared", s.Name))
				}
			}
			r, err := proof.Check(cmd.Context(), sides[0], sides[1], open)
			if err != nil {
				return err
			}
			if form == "json" {
				e := json.NewEncoder(a.json())
				e.SetEscapeHTML(false)
				e.SetIndent("", "  ")
				err = e.Encode(newProved(sides, r))
			} else {
				err = writeProof(a.stdout, sides, r)
			}
			if err != nil {
				return err
			}
			if !r.Equal() || r.Empty() {
				return &exit{code: exitFindings}
			}
			return nil
		},
	}
	values.flags(cmd)
	formatFlag(cmd.Flags(), &form, "text", textOrJSON, "text or json")
	return cmd
}

// proved is the result for programs.
type proved struct {
	A         provedSide  `json:"a"`
	B         provedSide  `json:"b"`
	Equal     bool        `json:"equal"` // no difference was found; without a match that shows nothing
	Empty     bool        `json:"neither_matched,omitempty"`
	Given     int         `json:"given"`
	Made      int         `json:"made"`
	Different int         `json:"different"`
	Event     proof.Event `json:"event,omitempty"`
	Raw       string      `json:"raw,omitempty"`
	Notes     []string    `json:"notes,omitempty"`
}

type provedSide struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Matched int    `json:"matched"`
	Matches *bool  `json:"matches,omitempty"` // the event shown
}

func newProved(sides [2]*proof.Side, r *proof.Result) *proved {
	p := &proved{Equal: r.Equal(), Empty: r.Empty(), Given: r.Given, Made: r.Made, Different: r.Different, Event: r.Event, Raw: r.Raw, Notes: r.Notes}
	for i, to := range []*provedSide{&p.A, &p.B} {
		*to = provedSide{Name: sides[i].Name, Kind: sides[i].Kind, Matched: r.Matched[i]}
		if !r.Equal() {
			to.Matches = &r.Verdict[i]
		}
	}
	return p
}

func writeProof(w io.Writer, sides [2]*proof.Side, r *proof.Result) error {
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	all := fmt.Sprintf("%d events (%d given, %d made)", r.Given+r.Made, r.Given, r.Made)
	if r.Equal() {
		if r.Empty() {
			_, err := fmt.Fprintf(w, "nothing is shown: neither side matches any of %s\n", all)
			return err
		}
		_, err := fmt.Fprintf(w, "equal on %s; both match %d\n", all, r.Matched[0])
		return err
	}
	shown := r.Raw
	if r.Event != nil {
		shown = r.Event.String()
	}
	fmt.Fprintf(w, "differ on %d of %s; the smallest:\n  %s\n", r.Different, all, shown)
	for i, s := range sides {
		verdict := "does not match"
		if r.Verdict[i] {
			verdict = "matches"
		}
		fmt.Fprintf(w, "  %s (%s) %s\n", s.Name, s.Kind, verdict)
	}
	return nil
}

// proveWhole compares two rules over many events.
func (a *app) proveWhole(cmd *cobra.Command, one, two *proof.Whole, open func() (*input.Reader, error), form string) error {
	r, err := proof.CheckWhole(cmd.Context(), one, two, open)
	if err != nil {
		return err
	}
	if form == "json" {
		type named struct {
			Name string `json:"name"`
			Kind string `json:"kind"`
		}
		out := struct {
			A           named     `json:"a"`
			B           named     `json:"b"`
			Equal       bool      `json:"equal"`
			Empty       bool      `json:"neither_matched,omitempty"`
			Differences []string  `json:"differences,omitempty"`
			Steps       []*proved `json:"steps"`
			Notes       []string  `json:"notes,omitempty"`
		}{named{one.Name, one.Kind}, named{two.Name, two.Kind}, r.Equal(), r.Empty(), r.Differences, []*proved{}, r.Notes}
		for i, p := range r.Parts {
			out.Steps = append(out.Steps, newProved([2]*proof.Side{one.Parts[p[0]], two.Parts[p[1]]}, r.Results[i]))
		}
		e := json.NewEncoder(a.json())
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		err = e.Encode(out)
	} else {
		for _, n := range r.Notes {
			fmt.Fprintf(a.stdout, "note: %s\n", n)
		}
		for _, d := range r.Differences {
			fmt.Fprintf(a.stdout, "differ: %s\n", d)
		}
		for i, p := range r.Parts {
			if len(r.Parts) > 1 {
				fmt.Fprintf(a.stdout, "step %d: ", p[0]+1)
			}
			if err = writeProof(a.stdout, [2]*proof.Side{one.Parts[p[0]], two.Parts[p[1]]}, r.Results[i]); err != nil {
				return err
			}
		}
		if len(r.Differences) == 0 && r.Equal() {
			fmt.Fprintf(a.stdout, "both want %s\n", r.Says)
		}
	}
	if err == nil && (!r.Equal() || r.Empty()) {
		return &exit{code: exitFindings}
	}
	return err
}

// provesConverted runs a converted rule against the rule. It returns what keeps
// it from being proved; "" when nothing does.
func (a *app) provesConverted(cmd *cobra.Command, one, two *proof.Side) (string, error) {
	r, why, err := compared(cmd, one, two)
	if err == nil && why == "" && !a.quiet {
		fmt.Fprintf(a.stderr, "%s: equal on %d events made\n", two.Name, r.Made)
	}
	return why, err
}

// compared runs a converted rule against the rule; why is "" when they are equal.
func compared(cmd *cobra.Command, one, two *proof.Side) (r *proof.Result, why string, err error) {
	r, err = proof.Check(cmd.Context(), one, two, nil)
	switch {
	case err != nil:
	case !r.Equal():
		why = fmt.Sprintf("differs on %d of %d events; the smallest: %s: the %s says %v, this %v", r.Different, r.Made, r.Event, noun(one), r.Verdict[0], r.Verdict[1])
	case r.Empty():
		why = "no event could be made that the " + noun(one) + " matches"
	}
	return r, why, err
}

// noun is what a side is called in a sentence: rule, query, expression.
func noun(s *proof.Side) string {
	words := strings.Fields(s.Kind)
	return words[len(words)-1]
}
