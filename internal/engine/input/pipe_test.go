//go:build unix

package input

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
)

// TestNamedPipe reads what is written to a pipe, a zip too, once; does not wait
// for a writer once the run ends; and passes one in a folder over, saying so.
func TestNamedPipe(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip("no named pipes here: ", err)
	}
	for name, data := range map[string][]byte{"text": []byte("a\n"), "zip": zipOf(t, packed{"m", []byte("a\n")})} {
		go func() {
			if f, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
				f.Write(data)
				f.Close()
			}
		}()
		src, _ := Paths([]string{path}, Options{TempDir: dir})
		n := 0
		for p, err := range src.Parts(context.Background()) {
			if err != nil {
				t.Fatal(name, err)
			}
			r, err := p.Open(context.Background())
			if err != nil {
				t.Fatal(name, err)
			}
			if text, err := io.ReadAll(r); err != nil || string(text) != "a\n" {
				t.Errorf("%s: %q, %v", name, text, err)
			}
			r.Close()
			n++
		}
		if n != 1 {
			t.Errorf("%s: %d parts, want 1", name, n)
		}
	}
	if _, ok := Line(path, 1); ok {
		t.Error("a pipe has lines to count")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	src, _ := Paths([]string{path}, Options{})
	for _, err := range src.Parts(ctx) {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a pipe nobody writes to: %v", err)
		}
	}
	o := Options{Warnings: &exec.Warnings{}}
	src, _ = Paths([]string{dir}, o)
	for p, err := range src.Parts(context.Background()) {
		t.Errorf("in a folder a pipe is read: %v %v", p, err)
	}
	if w := o.Warnings.List(); len(w) != 1 || w[0].Count != 1 || w[0].Sample[0].Part != path {
		t.Errorf("warnings %+v, want one of the pipe", w)
	}
}
