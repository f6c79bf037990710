package query

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/syntax"
)

// FuzzBudget runs queries put together of stages of others twice: with all
// memory, and with so little that what can be put aside is. The rows are the
// same, or the stage that holds too much says so.
func FuzzBudget(f *testing.F) {
	var pool []string
	for _, text := range splitQueries {
		file := diag.Text("query", text)
		tree, _ := syntax.Parse(file, Standard())
		for _, s := range tree.Stages {
			pool = append(pool, file.Slice(s.Pos))
		}
	}
	data := splitEvents(120)
	for i := range 40 {
		f.Add(uint64(i), uint16(i*i))
	}
	f.Fuzz(func(t *testing.T, seed uint64, memory uint16) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		text := "*"
		for range 1 + rnd.IntN(4) {
			text += " | " + strings.TrimSpace(pool[rnd.IntN(len(pool))])
		}
		q, diags := Compile(diag.Text("query", text), Standard())
		if diags.HasErrors() {
			return // the stages do not follow each other
		}
		want, err := split{workers: 1}.run(q, data)
		if err != nil {
			return
		}
		s := split{workers: 1 + int(seed%3), block: 500, memory: 1 + int64(memory)}
		got, err := s.run(q, data)
		var over *exec.OverBudget
		switch {
		case errors.As(err, &over) && !spills(q):
		case err != nil:
			t.Errorf("%s\nwith %d bytes: %v", text, s.memory, err)
		case !slices.Equal(got, want):
			t.Errorf("%s\nwith %d bytes and %d workers:\n got %s\nwant %s", text, s.memory, s.workers, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	})
}
