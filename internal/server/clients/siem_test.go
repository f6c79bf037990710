package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/packages"
)

var samples = []string{"../../../samples/security.jsonl", "../../../samples/ws-dev-022-sysmon.jsonl", "../../../samples/ws-fin-014-sysmon.jsonl"}

// offline is how many signals and insights the shipped rules make of the samples, all read
// at once.
func offline(t *testing.T) (signals, insights int) {
	t.Helper()
	docs, found, err := tenant.Read([]tenant.Place{{FS: packages.FS, Path: ".", Name: "packages"}})
	if err != nil {
		t.Fatal(err)
	}
	x := tenant.New(docs, found)
	pass := &tenant.Pass{Tenant: x, Rules: x.Rules}
	o := input.Options{Warnings: &exec.Warnings{}}
	src, err := input.Paths(samples, o)
	if err != nil {
		t.Fatal(err)
	}
	all, err := query.StartTogether(t.Context(), query.Run{Warnings: o.Warnings}, nil, pass.Consumer())
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	if err := errors.Join(all.Add(t.Context(), input.NewReader(src, format.All(), o)), all.Settle()); err != nil {
		t.Fatal(err)
	}
	made, cut, _, err := pass.Run.Signals()
	if err != nil || len(made) == 0 || len(cut) == 0 {
		t.Fatal(len(made), len(cut), err)
	}
	return len(made), len(cut)
}

// TestSumologicCSE sends the samples, and has the Python client of Cloud SIEM work on an
// insight. What there is to be found is what `gyoji insights samples` shows.
func TestSumologicCSE(t *testing.T) {
	dir := installed(t, "python3", "venv/bin/python")
	s := serve(t, nil)
	for _, name := range samples {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Post(s.given.SourceURL, "application/json", bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", name, resp.Status)
		}
	}
	signals, insights := offline(t)
	t.Setenv("SIGNALS", strconv.Itoa(signals))
	t.Setenv("INSIGHTS", strconv.Itoa(insights))
	t.Setenv("WORK", t.TempDir())
	s.run(dir, filepath.Join(dir, "venv/bin/python"), "siem/cse.py")
}

// TestTerraform applies, changes, imports and destroys a resource of each kind of Cloud SIEM
// with Sumo Logic's own provider; each plan after it is empty. The provider is in no
// registry of Go: it is built from github.com/SumoLogic/terraform-provider-sumologic.
func TestTerraform(t *testing.T) {
	const provider = "terraform-provider-sumologic"
	dir := installed(t, "terraform", provider)
	s := serve(t, nil)
	work := t.TempDir()
	rc := filepath.Join(work, "rc")
	for path, text := range map[string]string{
		rc:                                 fmt.Sprintf("provider_installation {\n dev_overrides { \"SumoLogic/sumologic\" = %q }\n direct {}\n}\n", dir),
		filepath.Join(work, "provider.tf"): fmt.Sprintf("provider \"sumologic\" {\n base_url = %q\n access_id = %q\n access_key = %q\n}\n", s.base+"/api/", s.given.AccessID, s.given.AccessKey),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	main, err := os.ReadFile("testdata/siem/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(work, "main.tf"), main, 0o600); err != nil {
		t.Fatal(err)
	}
	terraform := func(want int, args ...string) string {
		t.Helper()
		ctx, done := context.WithTimeout(t.Context(), 5*time.Minute)
		defer done()
		cmd := osexec.CommandContext(ctx, "terraform", append(args, "-no-color")...)
		cmd.Dir = work
		cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+rc, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
		out, err := cmd.CombinedOutput()
		code := 0
		var exit *osexec.ExitError
		if errors.As(err, &exit) {
			code = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if code != want {
			t.Fatalf("terraform %s: exit %d, want %d\n%s", strings.Join(args, " "), code, want, out)
		}
		return string(out)
	}
	rules := func() int {
		_, text := s.call("GET", "/api/sec/v1/rules?q=ruleSource:user&limit=100", "")
		var out struct{ Data struct{ Total int } }
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatal(err)
		}
		return out.Data.Total
	}
	terraform(0, "apply", "-auto-approve")
	terraform(0, "plan", "-detailed-exitcode")
	if n := rules(); n != 7 {
		t.Errorf("the server has %d rules, want 7", n)
	}
	terraform(2, "plan", "-detailed-exitcode", "-var", "again=true")
	terraform(0, "apply", "-auto-approve", "-var", "again=true")
	terraform(0, "plan", "-detailed-exitcode", "-var", "again=true")
	id := strings.TrimSpace(terraform(0, "state", "show", "sumologic_cse_match_rule.match"))
	_, id, _ = strings.Cut(id, "    id ")
	_, id, _ = strings.Cut(id, `"`)
	id, _, _ = strings.Cut(id, `"`)
	terraform(0, "state", "rm", "sumologic_cse_match_rule.match")
	terraform(0, "import", "-var", "again=true", "sumologic_cse_match_rule.match", id)
	terraform(0, "plan", "-detailed-exitcode", "-var", "again=true")
	terraform(0, "destroy", "-auto-approve", "-var", "again=true")
	if n := rules(); n != 0 {
		t.Errorf("the server has %d rules after destroy", n)
	}
}
