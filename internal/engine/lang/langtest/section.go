package langtest

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Section returns the generated part of a document that stands between
// <!-- name:begin --> and <!-- name:end -->.
func Section(t testing.TB, file, name string) string {
	t.Helper()
	text, from, to := section(t, file, name)
	return text[from:to]
}

// SetSection writes the generated part anew.
func SetSection(t testing.TB, file, name, want string) {
	t.Helper()
	text, from, to := section(t, file, name)
	if err := os.WriteFile(file, []byte(text[:from]+want+text[to:]), 0o644); err != nil {
		t.Fatal(err)
	}
}

func section(t testing.TB, file, name string) (text string, from, to int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = string(b)
	begin, end := fmt.Sprintf("<!-- %s:begin -->\n", name), fmt.Sprintf("<!-- %s:end -->", name)
	from, to = strings.Index(text, begin), strings.Index(text, end)
	if from < 0 || to < from {
		t.Fatalf("%s has no part between %s and %s", file, strings.TrimSpace(begin), end)
	}
	return text, from + len(begin), to
}
