package sigma_test

import (
	"testing"

	"github.com/gyoji-dev/gyoji/sigma"
	"github.com/gyoji-dev/gyoji/sigma/sigmatest"
)

// Every rule of SigmaHQ for Windows is read without a complaint.
func TestCorpusIsRead(t *testing.T) {
	files := sigmatest.Files(t)
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
	files := sigmatest.Files(b)
	for b.Loop() {
		for _, f := range files {
			sigma.Parse(f)
		}
	}
	b.ReportMetric(float64(len(files)*b.N)/b.Elapsed().Seconds(), "rules/s")
}
