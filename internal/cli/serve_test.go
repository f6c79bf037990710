package cli

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// TestServePage does what docs/serve.md shows: it starts a server and runs the page's bash
// blocks one after the other.
func TestServePage(t *testing.T) {
	for _, program := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the page's commands need %s: %v", program, err)
		}
	}
	page, err := os.ReadFile("../../docs/serve.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	work(t, dir)
	env := append(os.Environ(), "NO_COLOR=1", "XDG_CONFIG_HOME="+filepath.Join(dir, "none"))
	ctx, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	server := exec.CommandContext(ctx, "gyoji", "serve", "--listen", "127.0.0.1:0")
	server.Dir, server.Env = dir, env
	var said bytes.Buffer
	server.Stderr = &said
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	stdout := bufio.NewReader(out)
	ready, err := stdout.ReadString('\n')
	if err != nil || !strings.HasPrefix(ready, "gyoji is ready at http://127.0.0.1:") {
		t.Fatalf("%q %v\n%s", ready, err, &said)
	}
	var script strings.Builder
	script.WriteString("set -e\n")
	for _, part := range strings.Split(string(page), "```bash\n")[1:] {
		block, _, ok := strings.Cut(part, "```")
		if !ok {
			t.Fatal("a block has no end")
		}
		script.WriteString(block)
	}
	cmd := exec.CommandContext(ctx, "bash", "-c", script.String())
	cmd.Dir, cmd.Env = dir, env
	answer, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s\n%s", err, answer, &said)
	}
	for _, want := range []string{`{"who":"ann","_count":1}`, `{"who":"bob","_count":1}`, "access key", "analysts"} {
		if !strings.Contains(string(answer), want) {
			t.Errorf("the page's commands do not print %s:\n%s", want, answer)
		}
	}
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(stdout)
	if err := server.Wait(); err != nil || len(rest) > 0 {
		t.Errorf("stopped: %v, and stdout says %q besides\n%s", err, rest, &said)
	}
}

// TestServeSettings compares the page's table of settings with the flags; -update writes it.
func TestServeSettings(t *testing.T) {
	const path, begin, end = "../../docs/serve.md", "<!-- settings -->\n", "<!-- end of settings -->"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("the page has lost its marks")
	}
	var b strings.Builder
	b.WriteString("| flag, and key in a file | variable | default | what |\n|---|---|---|---|\n")
	root := (&app{}).root()
	serve, _, err := root.Find([]string{"serve"})
	if err != nil {
		t.Fatal(err)
	}
	serve.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
		if unsettable(f.Name) {
			return
		}
		value := f.DefValue
		if value != "" && value != "[]" {
			value = "`" + value + "`"
		} else {
			value = ""
		}
		_, usage := pflag.UnquoteUsage(f)
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", f.Name, variable(f), value, strings.ReplaceAll(usage, "|", "\\|"))
	})
	want := before + begin + b.String() + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if testing.Short() {
		t.Skip("the page is compared in full runs: several people add flags at once")
	}
	if string(page) != want {
		t.Error("docs/serve.md does not say what the flags are; go test ./internal/cli -run ServeSettings -update writes it anew")
	}
}
