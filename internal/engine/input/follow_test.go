package input

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
)

// byLine is a format of lines, for tests.
var byLine = &Format{
	Name: "lines", Sniff: func([]byte) int { return 50 },
	Cut: func(buf []byte, _ int64, last bool) int {
		if last {
			return len(buf)
		}
		return bytes.LastIndexByte(buf, '\n') + 1
	},
}

func next(ctx context.Context, t *testing.T, f Follower) string {
	t.Helper()
	parts, err := f.Next(ctx)
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	var out []byte
	for _, p := range parts {
		r, err := p.Open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		all, _ := io.ReadAll(r)
		out = append(out, all...)
	}
	return string(out)
}

// TestFollowFiles: growth, a line that is not yet whole, a new file, rotation
// with lines written to the old file meanwhile, truncation, and a file written over
// in place.
func TestFollowFiles(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	add := func(path, text string) {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	add(path, "1\n2\nhal")
	w := &exec.Warnings{}
	f, err := Follow([]string{filepath.Join(dir, "*.log*")}, []*Format{byLine}, Options{Warnings: w})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	expect := func(want string) {
		t.Helper()
		if got := next(ctx, t, f); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	expect("1\n2\n")
	add(path, "f\n")
	expect("half\n")
	add(filepath.Join(dir, "b.log"), "b\n")
	expect("b\n")
	add(path, "3\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	add(path, "4\n")
	expect("3\n4\n")
	add(path, "55\n66\n")
	expect("55\n66\n")
	if err := os.WriteFile(path, []byte("7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect("7\n")
	over, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer over.Close()
	for _, text := range []string{"8\n", "9\n0\n"} { // as many bytes, and more
		if _, err := over.WriteAt([]byte(text), 0); err != nil {
			t.Fatal(err)
		}
		expect(text)
	}
	if again := f.(*followFiles); len(again.lookAt(again.byPath[path])) > 0 {
		t.Error("what was written over is read twice")
	}
	if l := w.List(); len(l) != 2 || l[0].Count+l[1].Count != 3 {
		t.Errorf("what was written over is not told of: %v", l)
	}
}

// TestFollowReadsOnce: what does not only grow at its end is read as it is, and
// said so; a compressed file that comes later may hold what was read already.
func TestFollowReadsOnce(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.gz", gz([]byte("1\n")))
	write("b.zip", zipOf(t, packed{"b", []byte("2\n")}))
	write("c.log", []byte("3\n"))
	write("d.log", []byte("\xff\xfe4\x00\n\x00"))
	w := &exec.Warnings{}
	f, err := Follow([]string{dir}, []*Format{byLine}, Options{Warnings: w})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	read := func() (out string) {
		parts, err := f.(*followFiles).look()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			r, err := p.Open(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			text, err := decompress(r)
			if err != nil {
				t.Fatal(err)
			}
			all, _ := io.ReadAll(text)
			out += filepath.Base(p.Name) + "=" + string(all)
		}
		return out
	}
	if got, want := read(), "a.gz=1\nc.log=3\nd.log=4\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	write("c.log.1.gz", gz([]byte("3\n")))
	if got := read(); got != "" {
		t.Errorf("later %q", got)
	}
	got := map[string]int64{}
	for _, k := range w.List() {
		got[k.Kind] = k.Count
	}
	if got["file read once and not followed"] != 2 || got["file that cannot be followed"] != 2 {
		t.Errorf("warnings %v", got)
	}
}

// TestFollowStandardInput: events as they come, and the rest at the end.
func TestFollowStandardInput(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, w := io.Pipe()
	f, err := Follow([]string{"-"}, []*Format{byLine}, Options{Stdin: r})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		io.WriteString(w, "1\n2")
		io.WriteString(w, "\n3")
		w.Close()
	}()
	got := ""
	for range 3 {
		got += next(ctx, t, f) + "|"
	}
	if got != "1\n|2\n|3|" {
		t.Errorf("got %q", got)
	}
}

// TestFollowStandardInputGoesQuiet: an event whose end only the next would show is
// given after a while without one.
func TestFollowStandardInputGoesQuiet(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, w := io.Pipe()
	defer w.Close()
	paragraphs := &Format{Name: "paragraphs", Sniff: func([]byte) int { return 50 }, Cut: func(buf []byte, _ int64, last bool) int {
		if last {
			return len(buf)
		}
		return bytes.LastIndex(buf, []byte("\n\n")) + 1
	}}
	f, err := Follow([]string{"-"}, []*Format{paragraphs}, Options{Stdin: r})
	if err != nil {
		t.Fatal(err)
	}
	go io.WriteString(w, "1\n 2\n")
	if got := next(ctx, t, f); got != "1\n 2\n" {
		t.Errorf("got %q", got)
	}
	go io.WriteString(w, "3\n\n4\n")
	if got := next(ctx, t, f) + "|" + next(ctx, t, f); got != "3\n|\n4\n" {
		t.Errorf("got %q", got)
	}
}

// TestFollowRefuses: what does not only grow at its end.
func TestFollowRefuses(t *testing.T) {
	r := NewReader(List(nil), []*Format{byLine}, Options{})
	for name, head := range map[string][]byte{"gzip": gz([]byte("1\n")), "UTF-16": []byte("\xff\xfea\x00\n\x00"), "zip": zipOf(t, packed{"a", []byte("1\n")})} {
		if f, err := r.followable(head, "x"); err == nil {
			t.Errorf("%s is followed as %s", name, f.Name)
		}
	}
	if f, err := r.followable([]byte("\xef\xbb\xbf1\n"), "x"); err != nil || f != byLine {
		t.Errorf("text with a byte order mark: %v, %v", f, err)
	}
}
