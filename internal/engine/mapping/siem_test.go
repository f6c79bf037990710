package mapping

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestRecordsAreTheProducts checks the attributes of our mappings against the
// facts of the published catalogue.
func TestRecordsAreTheProducts(t *testing.T) {
	text, err := os.ReadFile("../../../../shared/data/cse/windows-mappings.json")
	if err != nil {
		t.Skip("the catalogue's mappings are not beside this checkout: ../shared/data/cse is not there")
	}
	var all struct {
		Mappings []struct {
			LogFormat string `json:"log_format"`
			Vendor    string `json:"vendor"`
			Product   string `json:"product"`
			Pattern   string `json:"event_id_pattern"`
			Skip      []string
			Fields    map[string]struct {
				From  []string
				Const any
			}
		}
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	plain := regexp.MustCompile(`^(EventData\.|Execution\.|Security\.)`)
	checked := 0
	for _, r := range Records() {
		for _, id := range r.IDs {
			event := r.Channel + "-" + id
			found := false
			for _, m := range all.Mappings {
				if m.Vendor != "Microsoft" || m.Product != "Windows" || m.LogFormat != "Windows" {
					continue
				}
				re, err := regexp.Compile(`^(?:` + m.Pattern + `)$`)
				if err != nil || !re.MatchString(event) {
					continue
				}
				found = true
				for name, from := range r.From {
					theirs := m.Fields[name].From
					var names []string
					for _, f := range theirs {
						names = append(names, plain.ReplaceAllString(f, ""))
					}
					for _, f := range from {
						checked++
						if !slices.Contains(names, f) {
							t.Errorf("%s: %s is filled from %v, and the product fills it from %v", event, name, from, theirs)
						}
					}
				}
				for name, value := range r.Const {
					if c, _ := m.Fields[name].Const.(string); c != value {
						t.Errorf("%s: %s is %q, and the product's is %v", event, name, value, m.Fields[name].Const)
					}
				}
				for name, f := range m.Fields {
					if len(f.From) > 0 && strings.HasPrefix(f.From[0], "EventData.") && r.From[name] == nil && core[name] {
						t.Errorf("%s: the product fills %s from %v, and this does not", event, name, f.From)
					}
				}
			}
			if !found {
				t.Errorf("%s has no mapping in the catalogue", event)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d fields were looked at", checked)
	}
}

// core are the attributes that rules for endpoints read most.
var core = map[string]bool{"baseImage": true, "commandLine": true, "parentBaseImage": true, "parentCommandLine": true, "file_path": true, "changeTarget": true, "resource": true, "user_username": true, "dns_query": true, "pid": true, "srcDevice_ip": true, "dstDevice_ip": true}
