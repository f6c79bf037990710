package sigma_test

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

// corpus are SigmaHQ's rules for Windows; the test is skipped without them.
func corpus(t testing.TB) []*diag.File {
	t.Helper()
	f, err := os.Open("../../shared/data/sigma/windows-rules.tar.gz")
	if err != nil {
		t.Skip("SigmaHQ's rules are not here: ", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []*diag.File
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(h.Name, ".yml") {
			continue
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, diag.Text(h.Name, string(text)))
	}
}

// Every rule of SigmaHQ for Windows is read without a complaint.
func TestCorpusIsRead(t *testing.T) {
	files := corpus(t)
	if len(files) != 2872 {
		t.Errorf("%d files, want 2872", len(files))
	}
	for _, f := range files {
		docs, diags := sigma.Parse(f)
		for _, d := range diags {
			t.Error(d)
		}
		if len(docs) != 1 {
			t.Errorf("%s: %d documents, want 1", f.Name, len(docs))
		}
	}
}

func BenchmarkParse(b *testing.B) {
	files := corpus(b)
	for b.Loop() {
		for _, f := range files {
			sigma.Parse(f)
		}
	}
	b.ReportMetric(float64(len(files)*b.N)/b.Elapsed().Seconds(), "rules/s")
}
