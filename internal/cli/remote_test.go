package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
	"github.com/gyoji-dev/gyoji/internal/server"
	"github.com/gyoji-dev/gyoji/internal/server/api"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// served starts a server that has the sample logs, and returns its data folder and the
// address of its source.
func served(t *testing.T) (data string, c server.Credentials) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "data")
	s, told, err := server.Start(server.Config{Data: data, Listen: "127.0.0.1:0"}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	text, err := os.ReadFile("../../samples/ws-fin-014-sysmon.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(told.Given.SourceURL, "text/plain", bytes.NewReader(text))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", resp, err)
	}
	resp.Body.Close()
	return data, told.Given
}

func ran(t *testing.T, args ...string) (out, messages string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = Main(args, strings.NewReader(""), &stdout, &stderr)
	return stdout.String(), stderr.String(), code
}

// TestSearchServer: what a server answers is printed as the same search over its store is.
func TestSearchServer(t *testing.T) {
	data, c := served(t)
	store := filepath.Join(t.TempDir(), "copy") // the server has the folder
	if err := os.CopyFS(store, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{
		`*`, `* | limit 3`, `* | count`, `nosuchword`, `* | nonsense`, `* | json auto | count by EventID, Computer`,
		`EventID=1 | count by Image | sort by _count, Image`, `* | timeslice 1h | count by _timeslice, EventID | transpose row _timeslice column EventID`,
		`* | timeslice 10 buckets | count by _timeslice`, `* | fields Image, _messagetime, EventID`, `* | sort by Image | limit 5`,
		`* | avg(ProcessId), max(ProcessId), pct(ProcessId, 95) by EventID`, `* | 1.5 as x | x * 2 as y | isNull(Image) as z | 0.1 + 0.2 as w | fields x, y, z, w, Image | limit 4`,
		`* | parse "Image\":\"*\"" as img | count by img`, `* | lookup a from path://"/Library/Users/gyoji/none" on Image=a | count by a`,
		`* | where [subquery: EventID=1 | count by ProcessId | compose ProcessId] | count by Image`, `* | fields - Image`,
	} {
		for _, form := range []string{"ndjson", "table", "csv"} {
			for _, limits := range [][]string{nil, {"--from", "2026-03-10T09:00:00Z", "--to", "2026-03-10T12:00:00Z", "--timezone", "Europe/Berlin"}} {
				want, _, code := ran(t, append([]string{"search", "--store", store, "-f", form, query}, limits...)...)
				got, messages, status := ran(t, append([]string{"search", "--server", data, "-f", form, query}, limits...)...)
				if got != want || status != code {
					t.Errorf("%s as %s %v: exit %d, want %d\n%.400s\nwant\n%.400s\n%s", query, form, limits, status, code, got, want, messages)
				}
			}
		}
	}
	// The language server finds in it what it finds in the file.
	r := remote{server: data}
	if err := r.open(); err != nil {
		t.Fatal(err)
	}
	logs := sampleLogs{&r}
	there, err := logs.Sample(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	here, err := logs.Sample(t.Context(), []string{"../../samples/ws-fin-014-sysmon.jsonl"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"EventID", "Image", "ParentCommandLine"} {
		got, want := there.Field(name), here.Field(name)
		if got == nil || want == nil {
			t.Fatalf("%s: %v, want %v", name, got, want)
		}
		slices.Sort(got.Values)
		slices.Sort(want.Values)
		if there.Events != here.Events || got.Events != want.Events || len(want.Values) < sampleValues && !slices.Equal(got.Values, want.Values) {
			t.Errorf("%s: %v of %d, want %v of %d", name, *got, there.Events, *want, here.Events)
		}
	}
	var out strings.Builder
	if !logs.Run(t.Context(), "* | 1 as a | count by a", nil, false, &out) || !strings.Contains(out.String(), "a") {
		t.Errorf("%s", out.String())
	}
	// With the address, the key comes from flags or the environment.
	if _, messages, code := ran(t, "search", "--server", c.WebURL, "--access-id", c.AccessID, "--access-key", c.AccessKey, "* | count"); code != exitRan {
		t.Errorf("%d %s", code, messages)
	}
	t.Setenv(envAccessID, c.AccessID)
	t.Setenv(envAccessKey, "wrong")
	if _, messages, code := ran(t, "search", "--server", c.WebURL+"/", "*"); code != exitInput || !strings.Contains(messages, "access key is wrong") {
		t.Errorf("%d %s", code, messages)
	}
	for args, want := range map[string]string{
		"--server " + data + " * /tmp":                              "leave /tmp out",
		"--server " + data + " --store x *":                         "--store is of searches on this machine",
		"--server ftp://h *":                                        "write an address",
		"--server " + data + "/nothing *":                           "no data folder",
		"--server " + data + " --from 2026-03-02 --to 2026-03-01 *": "range is empty",
	} {
		if _, messages, code := ran(t, append([]string{"search"}, strings.Fields(args)...)...); code != exitUsage || !strings.Contains(messages, want) {
			t.Errorf("%s: %d %s, want %s", args, code, messages, want)
		}
	}
	if _, messages, code := ran(t, "search", "--server", "http://127.0.0.1:1", "--access-id", "a", "--access-key", "b", "*"); code != exitInput || !strings.Contains(messages, "cannot be reached") {
		t.Errorf("%d %s", code, messages)
	}
}

// TestBackupServer: a running server is backed up, and what comes after that changes
// nothing in the copy, which another server goes on from.
func TestBackupServer(t *testing.T) {
	data, c := served(t)
	copied := filepath.Join(t.TempDir(), "copy")
	want, _, _ := ran(t, "search", "--server", data, "* | count by _sourceCategory")
	if _, messages, code := ran(t, "store", "backup", "--server", data, copied); code != exitRan {
		t.Fatalf("%d %s", code, messages)
	}
	if resp, err := http.Post(c.SourceURL, "text/plain", strings.NewReader("later")); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	if got, messages, code := ran(t, "search", "--store", copied, "* | count by _sourceCategory"); got != want || code != exitRan {
		t.Errorf("%d %s%s\nwant\n%s", code, messages, got, want)
	}
	if _, messages, code := ran(t, "store", "verify", copied); code != exitRan {
		t.Errorf("%d %s", code, messages)
	}
	again, _, err := server.Start(server.Config{Data: copied, Listen: "127.0.0.1:0"}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	got, messages, code := ran(t, "search", "--server", copied, "* | count by _sourceCategory")
	if got != want || code != exitRan {
		t.Errorf("%d %s%s\nwant\n%s", code, messages, got, want)
	}
	if err := again.Stop(); err != nil {
		t.Error(err)
	}
	if _, messages, code := ran(t, "store", "backup", "--server", data, copied); code != exitInput || !strings.Contains(messages, "not empty") {
		t.Errorf("%d %s", code, messages)
	}
	if _, messages, code := ran(t, "store", "backup", data, copied+"2"); code != exitInput || !strings.Contains(messages, "--server") {
		t.Errorf("%d %s", code, messages)
	}
	if _, messages, code := ran(t, "store", "backup", data); code != exitUsage {
		t.Errorf("%d %s", code, messages)
	}
}

// TestSearchServerTLS: a server's own certificate is trusted where its data folder or its
// file is named, and nowhere else.
func TestSearchServerTLS(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s, told, err := server.Start(server.Config{Data: data, Listen: "0.0.0.0:0"}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(told.Base, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	at := "https://localhost:" + port
	key := []string{"--access-id", told.Given.AccessID, "--access-key", told.Given.AccessKey}
	if _, messages, code := ran(t, append([]string{"search", "--server", at, "* | count"}, key...)...); code != exitInput || !strings.Contains(messages, "--server-cert") {
		t.Errorf("%d %s", code, messages)
	}
	if _, messages, code := ran(t, append([]string{"search", "--server", at, "--server-cert", filepath.Join(data, server.CertificateName), "* | count"}, key...)...); code != exitRan {
		t.Errorf("%d %s", code, messages)
	}
}

// TestSearchServerInterrupted: a search that is given up is deleted on the server.
func TestSearchServerInterrupted(t *testing.T) {
	deleted := make(chan string, 1)
	ctx, cancel := context.WithCancel(context.Background())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusAccepted)
			_ = json.NewEncoder(w).Encode(map[string]string{"id": "0123456789ABCDEF"})
		case r.Method == http.MethodDelete:
			deleted <- r.URL.Path
			_, _ = w.Write([]byte("{}"))
		case strings.HasSuffix(r.URL.Path, "/rows"):
			_, _ = w.Write([]byte(`{"columns":[],"rows":[]}`))
		default:
			cancel()
			_, _ = w.Write([]byte(`{"state":"GATHERING RESULTS"}`))
		}
	}))
	defer s.Close()
	a := &app{stderr: &bytes.Buffer{}}
	r := &remote{base: s.URL, id: "a", key: "b"}
	err := a.remoteRows(ctx, r, diag.Text("query", "*"), times{zone: time.UTC}, false, func(*api.Rows, *event.Layout) (render.Sink, error) {
		return nil, errors.New("there are no rows")
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	select {
	case path := <-deleted:
		if path != "/api/v1/search/jobs/0123456789ABCDEF" {
			t.Errorf("%s", path)
		}
	case <-time.After(5 * time.Second):
		t.Error("the search was not deleted")
	}
}
