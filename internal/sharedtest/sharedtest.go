// Package sharedtest finds the data that lies beside a checkout: published
// queries, real logs, rules of others. They are not part of the project.
package sharedtest

import (
	"os"
	"path/filepath"
	"testing"
)

// Path is the path of a file or folder of that data, whichever package asks. A
// test that needs it is skipped, with the reason, where it is not there.
func Path(t testing.TB, parts ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
	path := filepath.Join(parts...)
	file := filepath.Join(dir, "..", "shared", filepath.FromSlash(path))
	if _, err := os.Stat(file); err != nil {
		t.Skipf("../shared/%s is not beside this checkout", filepath.ToSlash(path))
	}
	return file
}
