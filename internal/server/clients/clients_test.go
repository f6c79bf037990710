// Package clients holds tests that drive clients of Sumo Logic, Splunk and Elastic, as their
// makers publish them, against a server on a free port.
package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server"
)

// clientsDir names a folder where the clients are installed: node_modules by
// testdata/package.json, and a Python environment venv by testdata/requirements.txt.
const clientsDir = "GYOJI_CLIENTS"

// serving is a server that a test drives a client against.
type serving struct {
	t     *testing.T
	base  string
	given server.Credentials
}

func serve(t *testing.T, set func(*server.Config)) *serving {
	t.Helper()
	c := server.Config{Data: t.TempDir(), Listen: "127.0.0.1:0"}
	if set != nil {
		set(&c)
	}
	s, told, err := server.Start(c, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return &serving{t, told.Base, told.Given}
}

// installed is the folder of the clients; the test is skipped where there is none, or it
// lacks what is needed.
func installed(t *testing.T, program string, needs ...string) string {
	t.Helper()
	dir := os.Getenv(clientsDir)
	if dir == "" {
		t.Skipf("%s names no folder with the clients: install testdata/package.json (npm) and testdata/requirements.txt (pip, into venv) in one", clientsDir)
	}
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed: %v", program, err)
	}
	for _, n := range needs {
		if _, err := os.Stat(filepath.Join(dir, n)); err != nil {
			t.Skipf("the client is not in %s: %v", clientsDir, err)
		}
	}
	return dir
}

// run runs a script of testdata with a program; it must succeed.
func (s *serving) run(dir, program, script string) {
	s.t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", script))
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, done := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer done()
	cmd := exec.CommandContext(ctx, program, path)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(dir, "node_modules"), "CLIENTS="+dir, "SOURCE_URL="+s.given.SourceURL, "BASE_URL="+s.base,
		"TOKEN="+s.given.SourceURL[strings.LastIndexByte(s.given.SourceURL, '/')+1:], "ACCESS_ID="+s.given.AccessID, "ACCESS_KEY="+s.given.AccessKey)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%s %s: %v\n%s", program, script, err, out)
	}
}

// call makes a call of the API.
func (s *serving) call(method, path, body string) (status int, answer []byte) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.base+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.SetBasicAuth(s.given.AccessID, s.given.AccessKey)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// search runs a query over all times by a search job, and returns its messages, oldest first.
func (s *serving) search(query string) (rows []map[string]string) {
	s.t.Helper()
	ask, err := json.Marshal(map[string]any{"query": query, "from": 0, "to": time.Now().Add(48 * time.Hour).UnixMilli()})
	if err != nil {
		s.t.Fatal(err)
	}
	status, answer := s.call("POST", "/api/v1/search/jobs", string(ask))
	var job struct{ ID, State string }
	if err := json.Unmarshal(answer, &job); err != nil || status != http.StatusAccepted {
		s.t.Fatalf("search job: %d %s", status, answer)
	}
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if _, answer = s.call("GET", "/api/v1/search/jobs/"+job.ID, ""); bytes.Contains(answer, []byte(`"DONE GATHERING RESULTS"`)) {
			break
		}
		if time.Since(start) > time.Minute {
			s.t.Fatalf("the job does not end: %s", answer)
		}
	}
	status, answer = s.call("GET", "/api/v1/search/jobs/"+job.ID+"/messages?offset=0&limit=1000", "")
	var page struct {
		Messages []struct{ Map map[string]string }
	}
	if err := json.Unmarshal(answer, &page); err != nil || status != http.StatusOK {
		s.t.Fatalf("messages: %d %s", status, answer)
	}
	for _, m := range page.Messages {
		rows = append(rows, m.Map)
	}
	slices.Reverse(rows)
	return rows
}

// await searches until there are as many messages.
func (s *serving) await(query string, n int) (rows []map[string]string) {
	s.t.Helper()
	for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(50 * time.Millisecond) {
		if rows = s.search(query); len(rows) >= n {
			break
		}
	}
	if len(rows) != n {
		s.t.Fatalf("%s: %d messages, want %d: %v", query, len(rows), n, rows)
	}
	return rows
}

// same compares fields of messages, a line each.
func (s *serving) same(rows []map[string]string, fields []string, want ...string) {
	s.t.Helper()
	var got []string
	for _, r := range rows {
		var line []string
		for _, f := range fields {
			line = append(line, r[f])
		}
		got = append(got, strings.Join(line, "|"))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.t.Errorf("messages\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}
