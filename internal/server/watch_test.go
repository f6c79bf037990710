package server

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSigmaRulesOfYours: Sigma rules of --detections stand in content with their level and in
// coverage with their technique, and Health names what does not hunt.
func TestSigmaRulesOfYours(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"good.yml": `title: Recovery off
id: 7a4a1a5c-0000-4000-8000-000000000001
status: test
level: high
tags: [attack.t1490, attack.impact]
logsource: {product: windows, category: process_creation}
detection:
  selection: {CommandLine|contains: 'recoveryenabled no'}
  condition: selection
`,
		"broken.yml": `title: Broken
id: 7a4a1a5c-0000-4000-8000-000000000002
status: test
level: low
logsource: {product: windows, category: process_creation}
detection:
  selection: {CommandLine|contains: x}
  condition: selektion
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v := serve(t, Config{Detect: []string{dir}}, usual)
	ask := func(path string, to any) {
		t.Helper()
		status, _, body := v.call(v.told.Given.AccessID, v.told.Given.AccessKey, "GET", "/api/gyoji/v1"+path, "")
		if err := json.Unmarshal([]byte(body), to); status != 200 || err != nil {
			t.Fatal(path, status, err, body)
		}
	}
	var content struct {
		Rules []struct{ ID, Kind, Level string }
	}
	ask("/rules", &content)
	met := 0
	for _, r := range content.Rules {
		if r.Kind == "sigma" {
			if met++; r.ID != "7a4a1a5c-0000-4000-8000-000000000001" || r.Level != "high" {
				t.Errorf("content has %+v", r)
			}
		}
	}
	if met != 1 {
		t.Errorf("content has %d Sigma rules, want the one that hunts", met)
	}
	var coverage struct {
		Tactics []struct {
			Techniques []struct {
				ID    string
				Rules []struct{ ID, Kind string }
			}
		}
	}
	ask("/coverage", &coverage)
	met = 0
	for _, tactic := range coverage.Tactics {
		for _, c := range tactic.Techniques {
			for _, r := range c.Rules {
				if r.Kind == "detection" {
					if met++; c.ID != "T1490" || r.ID != "7a4a1a5c-0000-4000-8000-000000000001" {
						t.Errorf("coverage has %+v at %s", r, c.ID)
					}
				}
			}
		}
	}
	if met != 1 {
		t.Errorf("coverage has the Sigma rule %d times, want once", met)
	}
	var health struct {
		Care []struct{ Text, Reason string }
	}
	ask("/health", &health)
	for _, c := range health.Care {
		if strings.Contains(c.Text, "--detections") && strings.Contains(c.Reason, "selektion") && strings.Contains(c.Reason, "broken.yml") {
			return
		}
	}
	t.Errorf("Health does not name what does not hunt: %+v", health.Care)
}

// TestLogsThatNoPackageLooksAt: where the category of all that comes is none that packages ask
// for, Health says so; where a source has none, each record has that of its channel.
func TestLogsThatNoPackageLooksAt(t *testing.T) {
	v := serve(t, Config{}, usual)
	send := func(category string) {
		t.Helper()
		r, err := http.NewRequest("POST", v.told.Given.SourceURL, strings.NewReader("a line"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Sumo-Category", category)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	blind := func() string {
		t.Helper()
		var health struct {
			Care []struct{ What, Text, Reason string }
		}
		status, _, body := v.call(v.told.Given.AccessID, v.told.Given.AccessKey, "GET", "/api/gyoji/v1/health", "")
		if err := json.Unmarshal([]byte(body), &health); status != 200 || err != nil {
			t.Fatal(status, err, body)
		}
		for _, c := range health.Care {
			if c.What == "blind" {
				return c.Text + ": " + c.Reason
			}
		}
		return ""
	}
	if got := blind(); got != "" {
		t.Errorf("before anything came: %s", got)
	}
	send("prod/endpoints")
	if got := blind(); !strings.Contains(got, "can find nothing") || !strings.Contains(got, "prod/endpoints") || !strings.Contains(got, "T1003.001-lsass-memory/lsass-access") {
		t.Errorf("of a category that no package asks for: %q", got)
	}
	send("lab/windows")
	if got := blind(); strings.Contains(got, "T1003.001-lsass-memory/lsass-access") {
		t.Errorf("of one that packages ask for: %q", got)
	}
	send("")
	if got := blind(); got != "" {
		t.Errorf("of a source without category: %q", got)
	}
}
