package input

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLine(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name string
		data []byte
		off  int64
		want int // 0: there are no lines
	}{
		{"first", []byte("a\nb\n"), 0, 1},
		{"second", []byte("a\nb\n"), 2, 2},
		{"end", []byte("a\nb\n"), 4, 3},
		{"beyond", []byte("a\nb\n"), 5, 0},
		{"gzip", gz([]byte("a\nb\nc")), 4, 3},
		{"a byte order mark", []byte("\xef\xbb\xbfa\nb\n"), 2, 2},
		{"UTF-16", []byte("\xff\xfea\x00\n\x00b\x00"), 2, 2},
		{"binary", []byte("a\x00\nb"), 3, 0},
		{"archive", zipOf(t, packed{"a", []byte("a\nb\n")}), 2, 0},
	} {
		path := filepath.Join(dir, c.name)
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		line, ok := Line(path, c.off)
		if !ok {
			line = 0
		}
		if line != c.want {
			t.Errorf("%s: line %d, want %d", c.name, line, c.want)
		}
	}
	for _, path := range []string{dir, "-", filepath.Join(dir, "zip#member")} {
		if _, ok := Line(path, 0); ok {
			t.Errorf("%s has lines", path)
		}
	}
}
