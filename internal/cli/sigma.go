package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/sigma"
)

// sigmaRules are the Sigma rules of a hunt, and the flags that choose them.
type sigmaRules struct {
	filter       hunt.Filter // which rules are wanted
	placeholders string
	sysmonOnly   bool

	tenant *tenant.Tenant // of the Cloud SIEM rules; nil for none

	scope *rule.Scope
	all   []*rule.Rule // that can run
	rules []*rule.Rule // and are wanted
	found int          // rules in the files, those that cannot run included
}

func (s *sigmaRules) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&s.sysmonOnly, "sysmon-only", false, "Sigma rules about network connections and the registry look at Sysmon's events alone, not at Security 5156 and 4657")
	f.StringVar(&s.placeholders, "placeholders", "", "YAML file with the values of placeholders in Sigma rules: NAME: [VALUE, ...]")
}

// load reads the rules of paths. Those that cannot run are named on stderr; with
// strict they end the hunt.
func (s *sigmaRules) load(a *app, paths []string, strict bool) error {
	var values sigma.Placeholders
	if s.placeholders != "" {
		text, err := os.ReadFile(s.placeholders)
		if err != nil {
			return &exit{exitInput, err}
		}
		if err := yaml.Unmarshal(text, &values); err != nil {
			return &exit{exitDiagnostics, fmt.Errorf("%s: a file of placeholders is a map of names to lists of values: %w", s.placeholders, err)}
		}
	}
	collectLate(collectRulesFrom)
	docs, diags, err := sigma.Load(paths, detection.ManifestName)
	if err != nil {
		return &exit{exitInput, err}
	}
	s.scope = rule.NewScope()
	s.scope.Twins = !s.sysmonOnly
	s.scope.Layout.Slot("OperationType") // before rules are lowered at once
	rules, unusable := s.scope.Lower(docs, values)
	broken := map[*diag.File]bool{} // files with mistakes, of which there may be several each
	cannot := len(unusable)
	for _, d := range diags {
		if d.Severity == diag.Error {
			unusable = append(unusable, rule.Unusable{Diagnostic: d})
			broken[d.File] = true
		}
	}
	cannot += len(broken)
	s.found = len(docs) + len(broken)
	s.all = rules
	s.rules = rule.Keep(rules, func(r *rule.Rule) bool {
		return hunt.OfLevel(r.Level) >= s.filter.Least && (s.filter.All() || s.filter.Wants(hunt.OfRule(r)))
	})
	if cannot == 0 {
		return nil
	}
	fmt.Fprintf(a.stderr, "%d of %d Sigma documents cannot run:\n", cannot, s.found)
	listUnusable(a, unusable)
	if strict {
		return &exit{exitDiagnostics, fmt.Errorf("--strict: %d Sigma %s cannot run", cannot, plural(int64(cannot), "document", "documents"))}
	}
	return nil
}

// unusableShown is how many rules that cannot run are named without -v.
const unusableShown = 3

// listUnusable names the rules that cannot run, each with its place and reason.
func listUnusable(a *app, unusable []rule.Unusable) {
	for i, u := range unusable {
		if i == unusableShown && !a.verbose {
			fmt.Fprintf(a.stderr, "  ... and %d more (-v names them all)\n", len(unusable)-i)
			break
		}
		title := ""
		if u.Title != "" {
			title = u.Title + ": "
		}
		fmt.Fprintf(a.stderr, "  %s:%d: %s%s\n", u.File.Name, u.File.Place(u.Span.Start).Line, title, u.Message)
	}
}
