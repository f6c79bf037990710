package api

import (
	"flag"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/sharedtest"
)

var update = flag.Bool("update", false, "write the generated page anew")

// TestPage: the page says what the code does.
func TestPage(t *testing.T) {
	const path = "../../../docs/compatibility-http.md"
	if *update {
		if err := os.WriteFile(path, []byte(Page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != Page() {
		t.Error("docs/compatibility-http.md is not what the code says; go test ./internal/server/api -update writes it anew")
	}
}

// TestPageIsComplete: every call that http-api.md names is answered, or known not to be.
func TestPageIsComplete(t *testing.T) {
	text, err := os.ReadFile(sharedtest.Path(t, "spec", "http-api.md"))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, r := range (&API{}).Routes() {
		mux.HandleFunc(r.Pattern, func(http.ResponseWriter, *http.Request) {})
	}
	for _, e := range elsewhere {
		mux.HandleFunc(e.pattern, func(http.ResponseWriter, *http.Request) {})
	}
	call := regexp.MustCompile(`\b((?:GET|POST|PUT|DELETE)(?:, (?:GET|POST|PUT|DELETE))*) ((?:…)?/[A-Za-z0-9{}<>/…]+)`)
	found := 0
	for _, m := range call.FindAllStringSubmatch(string(text), -1) {
		path := m[2]
		path = strings.TrimPrefix(path, "…")
		switch {
		case strings.HasPrefix(path, "/TOK"), strings.HasPrefix(path, "/sources"), strings.HasPrefix(path, "/{id}"), strings.HasPrefix(path, "/{sid}"), path == "/api", strings.HasPrefix(path, "/v1/"):
			continue // parts of what is written out elsewhere
		case strings.HasPrefix(path, "/collectors"), strings.HasPrefix(path, "/lookupTables"):
			path = "/api/v1" + path
		}
		path = strings.TrimSuffix(strings.NewReplacer("{", "", "}", "", "<", "", ">", "", "…", "", "TOK==", "t").Replace(path), "/")
		if strings.HasPrefix(path, "/api/v1/livetail") {
			path += "/x"
		}
		for _, method := range strings.Split(m[1], ", ") {
			r, err := http.NewRequest(method, "http://h"+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, pattern := mux.Handler(r); pattern == "" {
				t.Errorf("%s %s of http-api.md is not in the table", method, path)
			}
			found++
		}
	}
	if found < 30 {
		t.Errorf("only %d calls were found in http-api.md", found)
	}
}
