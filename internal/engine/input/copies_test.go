package input_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// TestCopiesThatAreNone: a part that is no copy, however much it begins like one, is read
// whole, and one that cannot be read to its end is read as far as it goes, and named.
func TestCopiesThatAreNone(t *testing.T) {
	var log bytes.Buffer
	for i := range 2000 {
		fmt.Fprintf(&log, `{"n":%d,"filler":"%080d"}`+"\n", i, i)
	}
	other := bytes.Replace(log.Bytes(), []byte(`{"n":1999,`), []byte(`{"n":2999,`), 1)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(log.Bytes())
	z.Close()
	inLine := append(bytes.Clone(log.Bytes()[:150_030]), `x"}`+"\n"...) // the same, up to the middle of a line
	windows := bytes.ReplaceAll(log.Bytes(), []byte{'\n'}, []byte("\r\n"))
	few := windows[:bytes.Index(windows[2000:], []byte{'\n'})+2001]
	lines := int64(bytes.Count(few, []byte{'\n'}))
	for _, c := range []struct {
		name   string
		files  map[string][]byte
		events int64
		copies int
		failed int
	}{
		{"a copy", map[string][]byte{"a": log.Bytes(), "b": log.Bytes()}, 2000, 1, 0},
		{"three copies", map[string][]byte{"a": log.Bytes(), "b": log.Bytes(), "c": packed.Bytes()}, 2000, 2, 0},
		{"another last line", map[string][]byte{"a": log.Bytes(), "b": other}, 4000, 0, 0},
		{"grown, and copied in the middle of a line", map[string][]byte{"a": inLine, "b": log.Bytes()}, 2000 + int64(bytes.Count(inLine, []byte{'\n'})), 0, 0},
		// The line whose end is missing has none here; it is not read again.
		{"cut before CR LF", map[string][]byte{"a": windows[:len(windows)-2], "b": windows}, 1999, 1, 0},
		{"cut within CR LF", map[string][]byte{"a": windows[:len(windows)-1], "b": windows}, 1999, 1, 0},
		{"a small one cut before CR LF", map[string][]byte{"a": few[:len(few)-2], "b": few}, lines - 1, 1, 0},
		{"a small one cut within CR LF", map[string][]byte{"a": few[:len(few)-1], "b": few}, lines - 1, 1, 0},
		{"a packed copy that is cut short", map[string][]byte{"a": log.Bytes(), "b": packed.Bytes()[:packed.Len()/2]}, -1, 0, 1},
		{"one line", map[string][]byte{"a": []byte(`{"n":1}` + "\n"), "b": []byte(`{"n":1}` + "\n")}, 1, 1, 0},
		{"a start too short to tell", map[string][]byte{"a": []byte(`{"n":1}` + "\n"), "b": []byte(`{"n":1}` + "\n" + `{"n":2}` + "\n")}, 3, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, data := range c.files {
				if err := os.WriteFile(filepath.Join(dir, name+".jsonl"), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			opt := input.Options{Stdin: strings.NewReader(""), Copies: true}
			src, err := input.Paths([]string{dir}, opt)
			if err != nil {
				t.Fatal(err)
			}
			r := input.NewReader(src, format.All(), opt)
			events := int64(0)
			if err := r.Pieces(context.Background(), func(b input.Block, _ *input.Format) (int, error) {
				n := bytes.Count(b.Data, []byte{'\n'})
				events += int64(n)
				return n, nil
			}); err != nil {
				t.Fatal(err)
			}
			copies := 0
			for _, list := range r.Copies() {
				copies += len(list)
			}
			if c.events >= 0 && events != c.events || c.events < 0 && events <= 2000 || copies != c.copies || len(r.Stats().Failed) != c.failed {
				t.Errorf("%d events, %d copies, failed: %v; want %d, %d, %d", events, copies, r.Stats().Failed, c.events, c.copies, c.failed)
			}
		})
	}
}
