package store

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

// TestAnEarlierFormatIsRead: testdata/format1.tar.gz is a store that gyoji made when format
// before format 2) made, with what it was made of: a.jsonl sealed, b.jsonl in the log, and
// twice two messages of text, sealed and not. It gives what the files give, is left as it is by
// readers, and goes on as a store of the present format.
func TestAnEarlierFormatIsRead(t *testing.T) {
	dir := unpacked(t, "testdata/format1.tar.gz")
	t.Chdir(dir) // the names of files are those that they had
	store := filepath.Join(dir, "store")
	version := func() string {
		text, err := os.ReadFile(filepath.Join(store, versionFile))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	texts := []string{
		`*`,
		`EventID=1 | fields _messagetime, _raw, _size, Image, CommandLine, ParentImage`,
		`* | count by EventID, Image, _sourceCategory, _sourceHost`,
		`powershell | json auto | fields Image, User, _raw`,
	}
	want := make([]string, len(texts))
	for i, text := range texts {
		want[i] = answer(t, compile(t, text), query.Run{Input: files(t, input.Options{}, "a.jsonl", "b.jsonl")})
	}
	check := func(s *Store, total string) {
		t.Helper()
		for i, text := range texts {
			v := s.Snapshot(View{})
			if got := answer(t, compile(t, `_sourceCategory=windows/* `+text), query.Run{Input: v.Feeder()}); got != want[i] {
				t.Errorf("%s: the store gives\n%.500s\nthe files\n%.500s", text, got, want[i])
			}
			v.Close()
		}
		v := s.Snapshot(View{})
		defer v.Close()
		if got := answer(t, compile(t, `* | count`), query.Run{Input: v.Feeder()}); !strings.Contains(got, total) {
			t.Errorf("%s messages, want %s", got, total)
		}
	}

	s := open(t, store, Options{ReadOnly: true})
	check(s, "239")
	s.Close(t.Context())
	if version() != "1" {
		t.Errorf("a reader made the folder one of format %s", version())
	}

	told := ""
	s = open(t, store, Options{Told: func(text string) { told += text }})
	if version() != "2" || !strings.Contains(told, "format 1") {
		t.Errorf("format %s, and told was %q", version(), told)
	}
	check(s, "239")
	if _, err := s.Append(t.Context(), messages("one more")); err != nil {
		t.Fatal(err)
	}
	check(s, "240")
	seal(t, s, true)
	check(s, "240")
	s.Close(t.Context())
}

// unpacked is a folder with what is in a tar archive.
func unpacked(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.FileInfo().IsDir() {
			err = os.MkdirAll(to, 0o700)
		} else {
			var data []byte
			if data, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(to, data, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
