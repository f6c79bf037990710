package mapping_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
)

// The table is held against ATT&CK's own list, which stands beside the checkout.
func TestTacticsOfEveryTechnique(t *testing.T) {
	text, err := os.ReadFile(filepath.FromSlash("../../../../shared/data/attack/techniques.json"))
	if err != nil {
		t.Skip("ATT&CK's list is not beside this checkout: ../shared/data/attack is not there")
	}
	var list struct {
		Techniques []struct {
			ID      string
			Name    string
			Tactics []string
			Revoked bool
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, x := range list.Techniques {
		if x.Revoked {
			continue
		}
		n++
		if got := mapping.TechniqueName(x.ID); got != x.Name {
			t.Errorf("%s: name %q, want %q", x.ID, got, x.Name)
		}
		got := append([]string(nil), mapping.TacticsOf(x.ID)...)
		sort.Strings(got)
		sort.Strings(x.Tactics)
		if !reflect.DeepEqual(got, x.Tactics) {
			t.Errorf("%s: %v, want %v", x.ID, got, x.Tactics)
		}
	}
	if n < 600 {
		t.Errorf("only %d techniques were compared", n)
	}
	if got := mapping.TacticsOf("T9999"); got != nil {
		t.Errorf("T9999 has %v", got)
	}
	if tactic, ok := mapping.TacticNamed("defense_evasion"); !ok || tactic.ID != "TA0005" {
		t.Errorf("defense_evasion is %v", tactic)
	}
	for name, id := range map[string]string{"stealth": "TA0005", "defense-impairment": "TA0112", "Defense Impairment": "TA0112"} { // ATT&CK 19
		if tactic, ok := mapping.TacticNamed(name); !ok || tactic.ID != id {
			t.Errorf("%s is %v", name, tactic)
		}
	}
	if name, of := mapping.TechniqueName("T1685.005"), mapping.TacticsOf("t1685.005"); name != "Clear Windows Event Logs" || !reflect.DeepEqual(of, []string{"TA0112"}) {
		t.Errorf("T1685.005 is %q of %v", name, of)
	}
}
