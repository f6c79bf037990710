package sigma_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

// rulesArchive is an archive of some hundred files: rules, two to a file here and
// there, rules that cannot be read, and what is no rule.
func rulesArchive(t *testing.T) string {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	w := tar.NewWriter(z)
	for i := range 300 {
		text := fmt.Sprintf("title: rule %d\nlogsource:\n  product: windows\ndetection:\n  s:\n    A: b%d\n  condition: s\n", i, i)
		switch i % 7 {
		case 2:
			text += "---\n" + text
		case 3:
			text = strings.Replace(text, "condition: s", "condition: t", 1)
		case 4:
			text = "\ufeff" + text
		case 5:
			text += "  - not YAML"
		}
		name := fmt.Sprintf("rules/%03d.yml", i)
		if i%11 == 0 {
			name = fmt.Sprintf("rules/%03d.txt", i)
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rules.tar.gz")
	if err := os.WriteFile(path, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Load, which reads and parses at once, gives what reading and then parsing one
// file after the other gives, in the same order.
func TestLoadIsReadingAndParsing(t *testing.T) {
	path := rulesArchive(t)
	files, errs := sigma.Files(path, "")
	if len(errs) > 0 || len(files) != 300-28 {
		t.Fatalf("%d files, %v; want 272", len(files), errs)
	}
	var want []sigma.Document
	var wrong diag.List
	for _, f := range files {
		docs, diags := sigma.Parse(f)
		want, wrong = append(want, docs...), append(wrong, diags...)
	}
	docs, diags, err := sigma.Load([]string{path}, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(wrong) == 0 || !reflect.DeepEqual(diags, wrong) {
		t.Errorf("diagnostics are\n%v\nand should be\n%v", diags, wrong)
	}
	if len(docs) != len(want) {
		t.Fatalf("%d documents, want %d", len(docs), len(want))
	}
	for i := range docs {
		if !reflect.DeepEqual(docs[i], want[i]) {
			t.Errorf("document %d is %s, and should be %s", i, docs[i].About().Title, want[i].About().Title)
		}
	}
}

// What cannot be read is an error, and the files beside it are read all the same.
func TestLoadTellsWhatCannotBeRead(t *testing.T) {
	docs, _, err := sigma.Load([]string{filepath.Join(t.TempDir(), "none.yml"), rulesArchive(t)}, "")
	if err == nil || !strings.Contains(err.Error(), "none.yml") || len(docs) == 0 {
		t.Errorf("%d documents, %v", len(docs), err)
	}
}
