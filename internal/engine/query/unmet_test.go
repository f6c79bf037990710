package query_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/exec/exectest"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

// jsonLines are lines as a file.
func jsonLines(t *testing.T, lines []string) *input.Reader {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.jsonl")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := input.Paths([]string{name}, input.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return input.NewReader(src, format.All(), input.Options{})
}

// rowsOf is how many events a search finds in lines.
func rowsOf(t *testing.T, text string, lines []string) int {
	t.Helper()
	q := compile(t, text)
	out := &exectest.Collect{Layout: q.Layout.Clone()}
	if err := q.Run(t.Context(), query.Run{Input: jsonLines(t, lines), Layout: out.Layout, Warnings: &exec.Warnings{}, Workers: 1}, out); err != nil {
		t.Fatal(err)
	}
	return len(out.Rows)
}

// TestUnmetOfKeywords: which keywords no event meets is found in the events that hold one of
// their literals, and is what looking at every event gives: each part as a search of its own.
func TestUnmetOfKeywords(t *testing.T) {
	rnd := rand.New(rand.NewPCG(16, 7))
	words := []string{"chrome", "update", "powershell", "Straße", "svchost", "curl", "kelvin"}
	word := func() string { return words[rnd.IntN(len(words))] }
	for range 100 {
		var lines []string
		for i := range 20 {
			text := fmt.Sprintf("%s.exe %s\\\\%s", word(), word(), word())
			if rnd.IntN(4) == 0 {
				text = strings.ReplaceAll(text, "k", "\\u212a")
			}
			lines = append(lines, fmt.Sprintf(`{"time":"2026-03-02T08:00:%02dZ","a":"%s"}`, i, text))
		}
		parts := []string{word(), fmt.Sprintf("*%s*%s*", word(), word()), fmt.Sprintf(`"%s.exe %s"`, word(), word()), "zz" + word()}
		parts = parts[:1+rnd.IntN(4)]
		text := strings.Join(parts, " ") + " | count"
		q := compile(t, text)
		unmet, err := q.Unmet(t.Context(), query.Run{Input: jsonLines(t, lines), Layout: q.Layout.Clone(), Warnings: &exec.Warnings{}, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, u := range unmet {
			got[u.Text] = true
		}
		for _, p := range parts {
			if rows := rowsOf(t, p, lines); (rows == 0) != got[p] {
				t.Errorf("%s over %s: %s has %d events; said to be unmet: %v", text, lines, p, rows, got[p])
			}
		}
	}
}
