package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// TestFollowingGoesOn: who follows files puts each line in once, however often it ends and
// begins again, before or after it could note how far it was, and where files are rotated,
// written over or replaced meanwhile.
func TestFollowingGoesOn(t *testing.T) {
	dir, logs := t.TempDir(), t.TempDir()
	app := filepath.Join(logs, "app.log")
	n := 0
	write := func(name string, lines int) {
		t.Helper()
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for range lines {
			fmt.Fprintf(f, "{\"time\":\"2026-03-02T08:00:%02dZ\",\"m\":\"line-%d\"}\n", n%60, n)
			n++
		}
	}
	var said []exec.Warning
	// follow takes what is there. With noted false the process ends before it notes how far.
	follow := func(noted bool, paths ...string) {
		t.Helper()
		s := open(t, dir, Options{fileBytes: 1_000})
		defer s.Close(t.Context())
		w := &exec.Warnings{}
		o := input.Options{Warnings: w}
		var err error
		if o.Places, err = s.Places(); err != nil {
			t.Fatal(err)
		}
		f, err := input.Follow(paths, format.All(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		into := s.Files()
		for {
			ctx, done := context.WithTimeout(t.Context(), 700*time.Millisecond)
			parts, err := f.Next(ctx)
			done()
			if err != nil {
				break
			}
			if err := into.Add(t.Context(), input.NewReader(input.List(parts), format.All(), o)); err != nil {
				t.Fatal(err)
			}
			if noted {
				if err := f.Done(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		said = w.List()
	}
	check := func(step string) {
		t.Helper()
		s := open(t, dir, Options{})
		defer s.Close(t.Context())
		got := map[string]int{}
		for _, line := range strings.Split(ask(t, s, "* | fields _raw", View{}), "\n") {
			if _, name, ok := strings.Cut(line, "line-"); ok {
				name, _, _ = strings.Cut(name, `\"`)
				got["line-"+name]++
			}
		}
		for i := range n {
			if k := got[fmt.Sprintf("line-%d", i)]; k != 1 {
				t.Fatalf("%s: line %d of %d is there %d times", step, i, n, k)
			}
		}
	}
	write(app, 30)
	follow(true, app)
	check("the start")
	follow(true, app)
	check("nothing new")
	write(app, 20)
	follow(false, app)
	check("killed before it was noted")
	write(app, 5)
	follow(true, app)
	check("after that")
	write(app, 5) // what comes while nobody follows
	if err := os.Rename(app, app+".1"); err != nil {
		t.Fatal(err)
	}
	write(app, 7)
	follow(true, app)
	check("rotated meanwhile")
	if len(said) > 0 {
		t.Errorf("%v", said)
	}
	write(filepath.Join(logs, "new.log"), 3)
	follow(false, logs)
	write(filepath.Join(logs, "new.log"), 3)
	follow(true, logs)
	check("a folder, with a file that is new, and killed")
	if err := os.Remove(app); err != nil {
		t.Fatal(err)
	}
	write(app, 4)
	follow(true, app)
	check("replaced")
	if len(said) != 1 || !strings.Contains(said[0].Kind, "is not there any more") || !said[0].Lost {
		t.Errorf("a file that went is not told of: %v", said)
	}
	if err := os.Truncate(app, 0); err != nil {
		t.Fatal(err)
	}
	write(app, 9)
	follow(true, app)
	check("written over")
}
