// Package sigmatest gives tests the rules of SigmaHQ that stand beside a checkout.
package sigmatest

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/sharedtest"
	"github.com/gyoji-dev/gyoji/sigma"
)

// Windows are SigmaHQ's detection rules for Windows, parsed again; the test is
// skipped where they are not there.
func Windows(t testing.TB) (rules []*sigma.Rule) {
	t.Helper()
	for _, f := range Files(t) {
		docs, _ := sigma.Parse(f)
		for _, d := range docs {
			if r, ok := d.(*sigma.Rule); ok {
				rules = append(rules, r)
			}
		}
	}
	return rules
}

// Files are the files of the same rules, by their paths upstream.
func Files(t testing.TB) (files []*diag.File) {
	t.Helper()
	f, err := os.Open(sharedtest.Path(t, "data", "sigma", "windows-rules.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for tr := tar.NewReader(z); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(h.Name, ".yml") {
			continue
		}
		text, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, diag.Text(h.Name, string(text)))
	}
}
