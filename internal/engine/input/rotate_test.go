package input

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
)

// TestFastRotationLosesNothing: a writer that rotates its log as fast as it can, in the
// ways that log rotation has, while the log is followed by its name, or with its folder.
// Every line comes once, or a warning counts what was lost.
func TestFastRotationLosesNothing(t *testing.T) {
	const lines, each = 6000, 150
	ways := map[string]func(dir string, n int) error{
		"rename and create": func(dir string, n int) error {
			os.Remove(filepath.Join(dir, "app.log.60"))
			for i := min(n, 59); i >= 1; i-- {
				os.Rename(filepath.Join(dir, fmt.Sprintf("app.log.%d", i)), filepath.Join(dir, fmt.Sprintf("app.log.%d", i+1)))
			}
			return os.Rename(filepath.Join(dir, "app.log"), filepath.Join(dir, "app.log.1"))
		},
		"rename by number": func(dir string, n int) error {
			return os.Rename(filepath.Join(dir, "app.log"), filepath.Join(dir, fmt.Sprintf("app-2026%04d.log", n)))
		},
		"delete and create": func(dir string, n int) error {
			return os.Remove(filepath.Join(dir, "app.log"))
		},
		"copy and truncate": func(dir string, n int) error {
			for i := n; i >= 1; i-- {
				os.Rename(filepath.Join(dir, fmt.Sprintf("app.log.%d", i)), filepath.Join(dir, fmt.Sprintf("app.log.%d", i+1)))
			}
			text, err := os.ReadFile(filepath.Join(dir, "app.log"))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "app.log.1"), text, 0o600)
			}
			if err == nil {
				err = os.Truncate(filepath.Join(dir, "app.log"), 0)
			}
			return err
		},
	}
	for way, rotate := range ways {
		for _, what := range []string{"app.log", ""} {
			t.Run(way+" "+map[string]string{"": "folder"}[what]+what, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				open := func() *os.File {
					f, err := os.OpenFile(filepath.Join(dir, "app.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
					if err != nil {
						t.Error(err)
					}
					return f
				}
				w := open()
				ctx, stop := context.WithCancel(context.Background())
				defer stop()
				warned := &exec.Warnings{}
				follower, err := Follow([]string{filepath.Join(dir, what)}, []*Format{byLine}, Options{Warnings: warned})
				if err != nil {
					t.Fatal(err)
				}
				defer follower.Close()
				var wg sync.WaitGroup
				wg.Go(func() {
					time.Sleep(20 * time.Millisecond) // it has looked once
					for i := range lines {
						fmt.Fprintf(w, "line %d\n", i)
						if i%each == each-1 {
							if err := rotate(dir, i/each+1); err != nil {
								t.Error(err)
							}
							w.Close()
							w = open()
						}
					}
					w.Close()
					time.Sleep(2*followQuiet + time.Second)
					stop()
				})
				var got bytes.Buffer
				for {
					parts, err := follower.Next(ctx)
					if err != nil {
						break
					}
					for _, p := range parts {
						r, err := p.Open(ctx)
						if err != nil {
							t.Fatal(err)
						}
						io.Copy(&got, r)
					}
				}
				wg.Wait()
				seen := map[string]int{}
				for line := range strings.Lines(got.String()) {
					seen[strings.TrimSpace(line)]++
				}
				missing, twice := 0, 0
				for i := range lines {
					switch n := seen[fmt.Sprintf("line %d", i)]; {
					case n == 0:
						missing++
					case n > 1:
						twice += n - 1
					}
				}
				if way == "delete and create" && twice == 0 && len(warned.List()) > 0 {
					return // a file that came and went between two looks is known to nobody
				}
				if way == "copy and truncate" && len(warned.List()) > 0 {
					// Between the copy and the cut, and where two cuts pass unseen, no reader
					// can tell which lines were which: it is said that the file was cut.
					t.Logf("%d of %d lines missing, %d twice; warned", missing, lines, twice)
					return
				}
				if missing > 0 || twice > 0 || len(seen) != lines-missing {
					t.Errorf("%d of %d lines missing, %d twice, %d kinds; warnings %v", missing, lines, twice, len(seen), warned.List())
				}
			})
		}
	}
}

// TestCutWithoutCopy: a followed file that is cut short is counted as a loss where
// no copy of what it was comes, and not where one does.
func TestCutWithoutCopy(t *testing.T) {
	for _, copied := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "a.log")
		write := func(text string) {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("first line\nsecond line\n")
		warned := &exec.Warnings{}
		follower, err := Follow([]string{path}, []*Format{byLine}, Options{Warnings: warned})
		if err != nil {
			t.Fatal(err)
		}
		next := func(d time.Duration) {
			ctx, cancel := context.WithTimeout(context.Background(), d)
			defer cancel()
			for ctx.Err() == nil {
				_, _ = follower.Next(ctx)
			}
		}
		next(200 * time.Millisecond)
		if copied {
			if err := os.WriteFile(path+".1", []byte("first line\nsecond line\nthird\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("new\n")
		next(copyWait + time.Second)
		lost := int64(0)
		for _, w := range warned.List() {
			if w.Lost {
				lost += w.Count
			}
		}
		if want := map[bool]int64{false: 1, true: 0}[copied]; lost != want {
			t.Errorf("with a copy %v: %d losses, want %d: %v", copied, lost, want, warned.List())
		}
		follower.Close()
	}
}
