package tenant

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
)

// TestArchives: the documents of an archive are those of the folder that it was made of;
// what stands outside it, or is cut off, is not read.
func TestArchives(t *testing.T) {
	files := map[string]string{
		"rules/a.yaml": matchRule("MATCH-U00001", "true")[4:], "rules/sigma.yml": "title: t\nlogsource:\n  product: windows\ndetection:\n  a: {b: c}\n  condition: a\n",
		"../outside.yaml": matchRule("MATCH-U00002", "true")[4:], "notes.txt": "nothing",
	}
	var zipped, tarred bytes.Buffer
	z, g := zip.NewWriter(&zipped), gzip.NewWriter(&tarred)
	w := tar.NewWriter(g)
	for name, text := range files {
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []interface{ Close() error }{z, w, g} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string][]byte{"r.zip": zipped.Bytes(), "r.tar.gz": tarred.Bytes(), "r.tgz": tarred.Bytes()} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		packed, err := Archive(path)
		if err != nil {
			t.Fatal(name, err)
		}
		docs, found, err := Read([]Place{{FS: packed, Path: ".", Name: name}})
		if err != nil || len(found) > 0 || len(docs) != 1 || docs[0].File.Name != name+"/rules/a.yaml" {
			t.Errorf("%s: %v %v %v", name, docs, found, err)
		}
		if err := os.WriteFile(path, text[:len(text)/2], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Archive(path); err == nil {
			t.Errorf("%s cut in half is read", name)
		}
	}
}
