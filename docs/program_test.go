package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The README's program is a program outside this module, and prints what it should.
func TestOutsideTheModule(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "```go\n")
	body, _, _ := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("the README has no Go program")
	}
	if n := strings.Count(body, "\n"); n > 10 {
		t.Errorf("the README's program has %d lines", n)
	}
	example, err := os.ReadFile("../example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	indented := ""
	for line := range strings.Lines(body) {
		indented += "\t" + line
	}
	if !strings.Contains(string(example), indented) {
		t.Error("the README's program is not that of ExampleQuery_Rows")
	}
	dir := t.TempDir()
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, requires, _ := strings.Cut(string(mod), "require (")
	sum, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.sum", string(sum))
	write("go.mod", fmt.Sprintf("module example.org/x\n\ngo 1.26\n\nrequire github.com/gyoji-dev/gyoji v0.0.0\n\nreplace github.com/gyoji-dev/gyoji => %s\n\nrequire (%s", root, requires))
	write("main.go", `package main

import (
	"context"
	"fmt"
	"log"

	"github.com/gyoji-dev/gyoji"
)

func main() {
	events := make(chan map[string]any, 1)
	events <- map[string]any{"EventID": 1, "Image": "C:\\Windows\\powershell.exe", "User": "eve"}
	close(events)
`+indented+"}\n")
	cmd := exec.Command("go", "run", "-mod=mod", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if want := `eve C:\Windows\powershell.exe` + "\n"; err != nil || string(out) != want {
		t.Errorf("%v: %s", err, out)
	}
}
