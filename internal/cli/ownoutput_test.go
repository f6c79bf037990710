//go:build unix

package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is printed into a file of the folder that is read is not read: followed, it would
// come again without end.
func TestOwnOutputIsNotRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.jsonl"), []byte(`{"n":1}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (printed, said string, code int) {
		t.Helper()
		out, err := os.Create(filepath.Join(dir, "out.txt"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		var errs bytes.Buffer
		cmd := exec.Command("gyoji", append([]string{"search", "-f", "ndjson", "* | fields n"}, args...)...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(2*time.Second, func() { _ = cmd.Process.Signal(os.Interrupt) })
		_ = cmd.Wait()
		b, err := os.ReadFile(out.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(b), errs.String(), cmd.ProcessState.ExitCode()
	}
	for _, args := range [][]string{{"."}, {"*"}, {"--follow", "."}, {"--follow", "*"}} {
		if got, said, _ := run(args...); got != `{"n":"1"}`+"\n" {
			t.Errorf("%q prints %.300q\n%s", args, got, said)
		}
	}
	for _, args := range [][]string{{"out.txt"}, {"--follow", "out.txt"}} {
		if got, said, code := run(args...); got != "" || code != exitInput || !strings.Contains(said, "goes into this file") {
			t.Errorf("%q prints %.300q and ends with %d\n%s", args, got, code, said)
		}
	}
}
