package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
)

var _ = command((*app).driftCmd)

func (a *app) driftCmd() *cobra.Command {
	var form string
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "drift [PACKAGE...]",
		Short:   "Say where the languages of a detection package have come apart",
		Long: `drift compares what a package says in its languages: the conditions of its query
with the portable Sigma rule and its filters, and the files in platforms/, rules/
and sigma/filters/ with what the rule and the ledger make of them. It names each
literal, field and time window that one has and another lacks. What only the
query's score looks at does not count.

A difference that is meant to be is declared in the manifest, with its reason, and shown
with -v:

  platforms:
    differences:
      - {file: sigma/rule.yml, lacks: curl.exe, reason: "too common outside Windows"}

It exits with 1 when a difference is not declared, or a declared one is no
longer there; with 2 when a file cannot be read as what it is.`,
		Example: `  gyoji drift packages/T1204.001-malicious-link
  gyoji drift -f json my-detections/`,
		RunE: func(cmd *cobra.Command, args []string) error {
			pkgs, err := a.packages(args)
			if err != nil {
				return err
			}
			type result struct {
				Package  string               `json:"package"`
				Compared []string             `json:"compared"`
				Found    []detection.Drift    `json:"differences"`
				Unused   []detection.Intended `json:"declared_and_not_found,omitempty"`
			}
			drifted := false
			results := []result{}
			for _, p := range pkgs {
				r := result{Package: p.Name, Found: []detection.Drift{}}
				found, unused, compared, err := p.Drift()
				if err != nil {
					return &exit{exitDiagnostics, fmt.Errorf("%s: %w", p.Dir, err)}
				}
				r.Found, r.Unused, r.Compared = append(r.Found, found...), unused, compared
				results = append(results, r)
				explained := 0
				for _, d := range found {
					if d.Reason != "" {
						explained++
					}
				}
				drifted = drifted || len(found) > explained || len(unused) > 0
				if form == "json" {
					continue
				}
				for _, d := range found {
					mark := "drift"
					if d.Reason != "" {
						if !a.verbose {
							continue
						}
						mark = "meant"
					}
					fmt.Fprintf(a.stdout, "%s: %s\n", mark, d)
				}
				for _, u := range unused {
					fmt.Fprintf(a.stdout, "drift: the manifest says that %s lacks %q, and it does not\n", u.File, u.Lacks)
				}
				fmt.Fprintf(a.stdout, "%s: %d files compared, %d differences, %d of them meant\n", p.Name, len(compared), len(found), explained)
			}
			if form == "json" {
				e := json.NewEncoder(a.json())
				e.SetEscapeHTML(false)
				e.SetIndent("", "  ")
				if err := e.Encode(results); err != nil {
					return err
				}
			}
			if drifted {
				return &exit{code: exitFindings}
			}
			return nil
		},
	}
	formatFlag(cmd.Flags(), &form, "text", textOrJSON, "text or json")
	return cmd
}
