package server

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/flate"
)

var update = flag.Bool("update", false, "write demo.zip anew")

// TestDemoIsTheSamples compares what the binary holds with samples/.
func TestDemoIsTheSamples(t *testing.T) {
	dir := os.DirFS("../../samples")
	names, err := fs.Glob(dir, "*")
	if err != nil || len(names) < 3 {
		t.Fatal(names, err)
	}
	if *update {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		w.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
		for _, name := range names {
			text, err := fs.ReadFile(dir, name)
			if err != nil {
				t.Fatal(err)
			}
			to, err := w.Create(name)
			if err == nil {
				_, err = to.Write(text)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("demo.zip", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	packed, err := zip.NewReader(bytes.NewReader(demoZip), int64(len(demoZip)))
	if err != nil {
		t.Fatal(err)
	}
	if len(packed.File) != len(names) {
		t.Errorf("%d files are packed, and samples/ has %d", len(packed.File), len(names))
	}
	for _, name := range names {
		want, err := fs.ReadFile(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := fs.ReadFile(packed, name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not as in samples/ (%v); go test ./internal/server -run Demo -update writes demo.zip anew", name, err)
		}
	}
}

// TestDemo: the logs are there once, and the packages' queries are saved.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	want := 0
	for range 2 {
		v := serve(t, Config{Data: dir}, usual)
		if err := v.s.Demo(t.Context()); err != nil {
			t.Fatal(err)
		}
		n := int(v.s.store.Stats().Messages)
		if want == 0 {
			want = n
		}
		if n < 500 || n != want {
			t.Errorf("%d messages, want %d of the first time", n, want)
		}
		c := v.told.Given
		_, _, body := v.call(c.AccessID, c.AccessKey, "GET", "/api/v2/content/folders/personal", "")
		var personal struct{ Children []struct{ ID, Name string } }
		if err := json.Unmarshal([]byte(body), &personal); err != nil || len(personal.Children) != 1 || personal.Children[0].Name != "Packages" {
			t.Fatalf("%v %s", err, body)
		}
		_, _, body = v.call(c.AccessID, c.AccessKey, "GET", "/api/v2/content/folders/"+personal.Children[0].ID, "")
		for _, name := range []string{"T1204.001-malicious-link", "T1204.004-malicious-copy-and-paste: run-dialog-commands"} {
			if strings.Count(body, `"name":"`+name+`"`) != 1 {
				t.Errorf("%s is not saved once: %s", name, body)
			}
		}
		v.stop()
	}
}
