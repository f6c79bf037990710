package convert_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/engine/lang/langtest"
	"github.com/gyoji-dev/gyoji/sigma/sigmatest"
)

var update = flag.Bool("update", false, "write the table of conversions anew")

// refusals are the shares of SigmaHQ's Windows rules that a language may refuse:
// those without events in it (Defender and UDM have no Windows event log), those
// for the text of PowerShell scripts, which Elastic keeps word by word and EQL cannot
// compare, and the few constructs each lacks.
var refusals = map[string]float64{"defender": 0.35, "secops": 0.35, "eql": 0.085}

func TestRulesAreWrittenOrRefusedWithAReason(t *testing.T) {
	rules := sigmatest.Windows(t)
	if len(rules) < 2800 {
		t.Fatalf("only %d rules", len(rules))
	}
	var table strings.Builder
	fmt.Fprintf(&table, "SigmaHQ's %d rules for Windows, written by `gyoji convert`:\n\n| language | written | of them nearly | refused | most refused |\n|---|---:|---:|---:|---|\n", len(rules))
	for _, b := range convert.Backends() {
		refused, near := 0, 0
		reasons := map[string]int{}
		for _, r := range rules {
			nearly := false
			out, err := convert.Rule(b, r, convert.Options{Near: func(*convert.Refusal) { nearly = true }})
			if err == nil {
				if nearly {
					near++
				}
				if strings.TrimSpace(out) == "" {
					t.Errorf("%s: %s: nothing was written", b.Name, r.Place())
				}
				continue
			}
			refused++
			var ref *convert.Refusal
			if !errors.As(err, &ref) || ref.What == "" || !strings.Contains(err.Error(), r.File.Name+":") {
				t.Errorf("%s: %s: refused without a reason and place: %v", b.Name, r.Place(), err)
				continue
			}
			reasons[reasonOf(ref.What)]++
		}
		fmt.Fprintf(&table, "| `%s` | %d | %d | %d | %s |\n", b.Name, len(rules)-refused, near, refused, most(reasons))
		t.Logf("%-10s %d written, %d refused", b.Name, len(rules)-refused, refused)
		limit := 0.025 // of them 0.006 wait for the values of placeholders
		if l, ok := refusals[b.Name]; ok {
			limit = l
		}
		if share := float64(refused) / float64(len(rules)); share > limit {
			t.Errorf("%s refuses %.1f%% of the rules", b.Name, 100*share)
		}
	}
	const page = "../../../docs/compatibility.md"
	if *update {
		langtest.SetSection(t, page, "conversion", table.String())
	}
	if got := langtest.Section(t, page, "conversion"); got != table.String() {
		t.Errorf("%s is stale; go test ./convert -run Rules -update", page)
	}
}

// reasonOf is a refusal without the name of the rule's own log source.
func reasonOf(what string) string {
	if strings.HasPrefix(what, "the placeholder ") {
		return "a placeholder"
	}
	if i := strings.Index(what, "the log source "); i >= 0 {
		return strings.TrimSpace(what[:i]) + " its log source"
	}
	what, _, _ = strings.Cut(what, ":")
	return what
}

// most lists the three reasons that stand most often.
func most(reasons map[string]int) string {
	names := slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(reasons[b], reasons[a]), strings.Compare(a, b))
	})
	var out []string
	for _, n := range names[:min(3, len(names))] {
		out = append(out, fmt.Sprintf("%s (%d)", n, reasons[n]))
	}
	return strings.Join(out, "; ")
}
