package server

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestKillsOfDetection kills a server at random moments while logs come in: signals, insights,
// findings and what others are told are those of a server that nobody disturbed. Notifications
// come at least once, with the same keys. GYOJI_TEST_KILLS is how often, 10 where it is not set.
func TestKillsOfDetection(t *testing.T) {
	kills := 10
	if testing.Short() {
		kills = 2
	}
	if n, err := strconv.Atoi(os.Getenv("GYOJI_TEST_KILLS")); err == nil {
		kills = n
	}
	want := newSubject(t)
	want.start()
	var lines []string
	for _, name := range []string{"security.jsonl", "ws-dev-022-sysmon.jsonl", "ws-fin-014-sysmon.jsonl"} {
		text, err := os.ReadFile("../../samples/" + name)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Split(strings.TrimSpace(string(text)), "\n")...)
	}
	at := func(line string) string { // times of one form, as text
		var o struct{ TimeCreated, UtcTime, SystemTime string }
		_ = json.Unmarshal([]byte(line), &o)
		return strings.Replace(cmp.Or(o.SystemTime, o.TimeCreated, o.UtcTime), " ", "T", 1)
	}
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(at(a), at(b)) })
	got := newSubject(t)
	got.start()
	rnd := rand.New(rand.NewPCG(100, 1))
	left := kills
	for n := 0; n < len(lines); {
		k := min(1+rnd.IntN(30), len(lines)-n)
		body := strings.Join(lines[n:n+k], "\n")
		want.send(body)
		got.send(body)
		n += k
		for ; left > 0 && n*kills >= (kills-left+1)*len(lines); left-- {
			time.Sleep(time.Duration(rnd.IntN(400)) * time.Millisecond)
			got.kill()
			got.start()
		}
	}
	w, g := want.end(), got.end()
	for what, n := range map[string]int{"signals": 20, "insights": 2, "findings": 20, "told": 2} {
		if len(w[what]) < n {
			t.Errorf("%d %s prove little", len(w[what]), what)
		}
		if !reflect.DeepEqual(g[what], w[what]) {
			t.Errorf("%d %s after %d kills, want %d\ngot  %s\nwant %s", len(g[what]), what, kills-left, len(w[what]), without(g[what], w[what]), without(w[what], g[what]))
		}
	}
	t.Logf("%d kills, %d events: %d signals, %d insights, %d findings, %d notifications (%d tries)", kills-left, len(lines), len(w["signals"]), len(w["insights"]), len(w["findings"]), len(w["told"]), got.tries)
}

// without are the first of the texts that others do not have.
func without(all, others []string) (some []string) {
	for _, s := range all {
		if !slices.Contains(others, s) && len(some) < 5 {
			some = append(some, s)
		}
	}
	return some
}

// subject is a server in a process of its own, and somebody who is told by it.
type subject struct {
	t     *testing.T
	dir   string
	cmd   *exec.Cmd
	given Credentials

	mu    sync.Mutex
	told  map[string]bool // keys
	tries int
}

func newSubject(t *testing.T) *subject {
	s := &subject{t: t, dir: t.TempDir(), told: map[string]bool{}}
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told[r.Header.Get("Idempotency-Key")] = true
		s.tries++
	}))
	t.Cleanup(hook.Close)
	channels := "- name: all\n  kind: webhook\n  url: " + hook.URL + "\n  filter: {what: all}\n"
	if err := os.WriteFile(filepath.Join(s.dir, "notify.yaml"), []byte(channels), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.cmd != nil {
			s.kill()
		}
	})
	return s
}

func (s *subject) start() {
	s.t.Helper()
	program, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd = exec.Command(program)
	s.cmd.Env = append(os.Environ(), "GYOJI_TEST_SERVE="+s.dir)
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if base, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(base, "http://") {
		s.t.Fatalf("%q %v", base, err)
	}
	if s.given, err = ReadCredentials(s.dir); err != nil {
		s.t.Fatal(err)
	}
}

func (s *subject) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

func (s *subject) send(body string) {
	s.t.Helper()
	resp, err := http.Post(s.given.SourceURL, "text/plain", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		s.t.Fatalf("status %d", resp.StatusCode)
	}
}

// end waits until nothing more is found and told, and gives all of it.
func (s *subject) end() map[string][]string {
	s.t.Helper()
	s.kill()
	v := serve(s.t, Config{Data: s.dir, Notify: []string{filepath.Join(s.dir, "notify.yaml")}}, usual)
	ids := func(path, field string) (all []string) {
		for {
			status, _, body := v.call(s.given.AccessID, s.given.AccessKey, "GET", fmt.Sprintf("%s?limit=100&offset=%d", path, len(all)), "")
			var o struct {
				Data struct {
					Objects     []map[string]any
					HasNextPage bool
				}
			}
			if err := json.Unmarshal([]byte(body), &o); status != 200 || err != nil {
				s.t.Fatal(path, status, err, body)
			}
			for _, x := range o.Data.Objects {
				all = append(all, fmt.Sprint(x[field], " ", x["name"], " ", x["severity"], " ", x["timestamp"]))
			}
			if !o.Data.HasNextPage {
				slices.Sort(all)
				return all
			}
		}
	}
	var last, now map[string][]string
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Second) {
		next := v.s.store.Stats().Next
		if v.s.live.Status().Place < next || v.s.hunter.Status().Place < next {
			continue
		}
		now = map[string][]string{"signals": ids("/api/sec/v1/signals", "id"), "insights": ids("/api/sec/v1/insights", "id"), "findings": ids("/api/gyoji/v1/findings", "id")}
		s.mu.Lock()
		for key := range s.told {
			now["told"] = append(now["told"], key)
		}
		s.mu.Unlock()
		slices.Sort(now["told"])
		waiting, err := v.s.notify.Problems(s.t.Context())
		if err == nil && len(waiting) == 0 && reflect.DeepEqual(now, last) {
			return now
		}
		last = now
	}
	s.t.Fatalf("it does not come to an end: %d signals, %+v", len(now["signals"]), v.s.live.Status())
	return nil
}
