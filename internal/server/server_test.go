package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/job"
)

// serving is a server of a test.
type serving struct {
	t    testing.TB
	s    *Server
	told Told

	mu   sync.Mutex
	said []string
}

func serve(t testing.TB, c Config, p pace) *serving {
	t.Helper()
	if c.Data == "" {
		c.Data = t.TempDir()
	}
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	v := &serving{t: t}
	var err error
	if v.s, v.told, err = start(c, p, func(format string, args ...any) {
		v.mu.Lock()
		v.said = append(v.said, fmt.Sprintf(format, args...))
		v.mu.Unlock()
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.stop() })
	return v
}

func (v *serving) stop() {
	if v.s != nil {
		if err := v.s.Stop(); err != nil {
			v.t.Errorf("stop: %v", err)
		}
		v.s = nil
	}
}

// call makes a request with an access id and key ("" for none) and returns status, header and body.
func (v *serving) call(id, key, method, path, body string) (int, http.Header, string) {
	v.t.Helper()
	r, err := http.NewRequest(method, v.told.Base+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if id != "" {
		r.SetBasicAuth(id, key)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(text)
}

func TestFirstStart(t *testing.T) {
	dir := t.TempDir()
	began := time.Now()
	v := serve(t, Config{Data: dir}, usual)
	t.Logf("ready after %v", time.Since(began))
	first, err := ReadCredentials(dir)
	if err != nil || !v.told.First {
		t.Fatalf("%+v %v", v.told, err)
	}
	if len(first.AccessID) != 14 || len(first.AccessKey) != 64 || first.WebURL != v.told.Base || !strings.HasPrefix(first.SourceURL, v.told.Base+"/receiver/v1/http/") {
		t.Errorf("%+v at %s", first, v.told.Base)
	}
	if st, err := os.Stat(filepath.Join(dir, CredentialsName)); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v %v, want mode 0600", st.Mode(), err)
	}
	token := first.SourceURL[strings.LastIndexByte(first.SourceURL, '/')+1:]
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == CredentialsName {
			return err
		}
		text, err := os.ReadFile(path)
		for _, secret := range []string{first.AccessKey, token} {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s holds a secret in clear", path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Start(Config{Data: dir, Listen: "127.0.0.1:0"}, t.Logf); err == nil || !strings.Contains(err.Error(), "one process") {
		t.Errorf("a second server in the folder: %v", err)
	}
	v.stop()

	again := serve(t, Config{Data: dir}, usual)
	second, err := ReadCredentials(dir)
	if err != nil {
		t.Fatal(err)
	}
	if again.told.First || second.AccessID != first.AccessID || second.AccessKey != first.AccessKey || second.WebURL != again.told.Base || second.SourceURL != again.told.Base+"/receiver/v1/http/"+token {
		t.Errorf("after another start: %+v, first %v", second, again.told.First)
	}
	if status, _, body := again.call("", "", "POST", "/receiver/v1/http/"+token, "a"); status != 200 {
		t.Errorf("the source after another start: %d %s", status, body)
	}
	if status, _, _ := again.call(first.AccessID, first.AccessKey, "GET", "/api/v1/accessKeys", ""); status != 200 {
		t.Errorf("the key after another start: %d", status)
	}
	again.stop()

	// Who has noted the secrets may remove the file.
	if err := os.Remove(filepath.Join(dir, CredentialsName)); err != nil {
		t.Fatal(err)
	}
	third := serve(t, Config{Data: dir}, usual)
	if c, err := ReadCredentials(dir); err != nil || c.AccessKey != "" || c.WebURL != third.told.Base || third.told.First {
		t.Errorf("without the file: %+v %v", c, err)
	}
	if status, _, _ := third.call(first.AccessID, first.AccessKey, "GET", "/api/v1/accessKeys", ""); status != 200 {
		t.Errorf("the key without the file: %d", status)
	}
	third.stop()

	// A later format is refused.
	if err := os.WriteFile(filepath.Join(dir, "VERSION"), []byte("999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Start(Config{Data: dir, Listen: "127.0.0.1:0"}, t.Logf); err == nil || !strings.Contains(err.Error(), "999") {
		t.Errorf("a later format: %v", err)
	}
}

// TestKeysAndRoles: every route of every role, by keys of every role.
func TestKeysAndRoles(t *testing.T) {
	v := serve(t, Config{}, usual)
	c := v.told.Given
	keys := map[access.Role][2]string{}
	for _, role := range access.Roles {
		status, _, body := v.call(c.AccessID, c.AccessKey, "POST", "/api/v1/accessKeys", fmt.Sprintf(`{"label":"x","role":%q}`, role))
		var got struct{ ID, Key string }
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 || len(got.ID) != 14 || len(got.Key) != 64 {
			t.Fatalf("%d %s", status, body)
		}
		keys[role] = [2]string{got.ID, got.Key}
	}
	for _, role := range access.Roles {
		want := 403
		if role == access.Admin {
			want = 200
		}
		if status, _, _ := v.call(keys[role][0], keys[role][1], "GET", "/api/v1/accessKeys", ""); status != want {
			t.Errorf("the keys with a key of the role %s: %d, want %d", role, status, want)
		}
		want = 403
		if role == access.Ingest || role == access.Admin {
			want = 200
		}
		if status, _, _ := v.call(keys[role][0], keys[role][1], "POST", "/x/_bulk", "{\"create\":{}}\n{}\n"); status != want {
			t.Errorf("_bulk with a key of the role %s: %d, want %d", role, status, want)
		}
		want = 200
		if role == access.Ingest {
			want = 403
		}
		if status, _, body := v.call(keys[role][0], keys[role][1], "GET", "/api/v1/collectors", ""); status != want {
			t.Errorf("collectors with a key of the role %s: %d, want %d: %s", role, status, want, body)
		}
	}
	for _, bad := range []string{``, `[]`, `{"label":"x"}`, `{"label":"x","role":"root"}`, `{"role":"read"}`} {
		if status, _, body := v.call(c.AccessID, c.AccessKey, "POST", "/api/v1/accessKeys", bad); status != 400 || !strings.Contains(body, `"errors":[{"code":"`) {
			t.Errorf("%s: %d %s", bad, status, body)
		}
	}
	reader := keys[access.Read]
	if status, _, _ := v.call(c.AccessID, c.AccessKey, "DELETE", "/api/v1/accessKeys/"+reader[0], ""); status != 204 {
		t.Errorf("end a key: %d", status)
	}
	if status, h, body := v.call(reader[0], reader[1], "GET", "/api/v1/collectors", ""); status != 401 || h.Get("WWW-Authenticate") == "" || !strings.Contains(body, `"code":"unauthorized"`) {
		t.Errorf("a key that was ended: %d %s", status, body)
	}
	if status, _, _ := v.call(c.AccessID, c.AccessKey, "DELETE", "/api/v1/accessKeys/"+reader[0], ""); status != 404 {
		t.Errorf("end it again: %d", status)
	}
	// Every route but those that are public or look after their keys themselves refuses who has none.
	for _, r := range v.s.routes {
		method, path, _ := strings.Cut(r.Pattern, " ")
		if r.Role == access.Public {
			continue
		}
		path = regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "1")
		if status, _, _ := v.call("", "", method, path, "{}"); status != 401 {
			t.Errorf("%s without a key: %d", r.Pattern, status)
		}
		if status, _, _ := v.call(keys[access.Ingest][0], keys[access.Ingest][1], method, path, "{}"); r.Role != access.Ingest && status != 403 {
			t.Errorf("%s with a key that may only send: %d", r.Pattern, status)
		}
	}
	text, err := os.ReadFile(filepath.Join(v.s.c.Data, "audit.jsonl"))
	if err != nil || !strings.Contains(string(text), `"what":"key.add"`) || !strings.Contains(string(text), `"what":"key.end","on":"`+reader[0]+`"`) || strings.Contains(string(text), reader[1]) {
		t.Errorf("the audit log: %v\n%s", err, text)
	}
}

// TestWhatIsNot: 404 and 405 in Sumo's form, logged once.
func TestWhatIsNot(t *testing.T) {
	v := serve(t, Config{}, usual)
	c := v.told.Given
	sumo := regexp.MustCompile(`^\{"status":(\d+),"id":"[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}","code":"([a-z.]+)","message":"[^"]+.*"\}$`)
	for _, x := range []struct {
		method, path string
		key          bool
		status       int
		code         string
	}{
		{"GET", "/nothing", false, 404, "notfound"}, {"GET", "/api/v1/nothing/12345", true, 404, "notfound"}, {"GET", "/api/v1/nothing", false, 401, "unauthorized"},
		{"DELETE", "/receiver/v1/http/x", false, 405, "method.unsupported"}, {"PATCH", "/api/v1/accessKeys", true, 405, "method.unsupported"},
		{"GET", "/api/v1/search/jobs", true, 405, "method.unsupported"}, {"POST", "/receiver/v1/http/../../../etc/passwd", false, 404, "notfound"}, {"GET", "/%2e%2e/%2e%2e/etc/passwd", false, 404, "notfound"},
		{"GET", "//healthz", false, 404, "notfound"}, {"GET", "/api//v1/collectors", true, 404, "notfound"}, {"GET", "/healthz/./x/..", false, 404, "notfound"},
	} {
		id, key := "", ""
		if x.key {
			id, key = c.AccessID, c.AccessKey
		}
		for range 3 {
			status, _, body := v.call(id, key, x.method, x.path, "")
			m := sumo.FindStringSubmatch(body)
			if status != x.status || m == nil || m[1] != fmt.Sprint(x.status) || m[2] != x.code {
				t.Errorf("%s %s: %d %s, want %d %s", x.method, x.path, status, body, x.status, x.code)
			}
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, call := range []string{"GET /nothing ", "GET /api/v1/nothing/{id} "} {
		n := 0
		for _, s := range v.said {
			if strings.HasPrefix(s, call) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s is logged %d times, want once: %q", call, n, v.said)
		}
	}
}

func TestHealth(t *testing.T) {
	v := serve(t, Config{}, usual)
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n"} {
		if status, _, body := v.call("", "", "GET", path, ""); status != 200 || body != want {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
	status, h, body := v.call("", "", "GET", "/metrics", "")
	if status != 200 || !strings.HasPrefix(h.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Errorf("metrics: %d %v", status, h)
	}
	// Prometheus' text form: a name, labels, a number; each name's type before it.
	line := regexp.MustCompile(`^([a-z_]+)(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? (-?[0-9.e+]+)$`)
	typed := map[string]bool{}
	for text := range strings.Lines(body) {
		text = strings.TrimSuffix(text, "\n")
		if rest, ok := strings.CutPrefix(text, "# TYPE "); ok {
			name, _, _ := strings.Cut(rest, " ")
			if typed[name] {
				t.Errorf("%s has its type twice", name)
			}
			typed[name] = true
			continue
		}
		if strings.HasPrefix(text, "# HELP ") {
			continue
		}
		if m := line.FindStringSubmatch(text); m == nil || !typed[m[1]] {
			t.Errorf("not Prometheus': %q", text)
		}
	}
	if status, h, body := v.call("", "", "GET", "/", ""); status != 200 || !strings.HasPrefix(h.Get("Content-Type"), "text/html") || !strings.Contains(body, "<title>gyoji</title>") {
		t.Errorf("/: %d %v", status, h)
	}
}

// TestTLS: beyond this machine there is TLS, unless it is told otherwise.
func TestTLS(t *testing.T) {
	v := serve(t, Config{Listen: "0.0.0.0:0"}, usual)
	if !strings.HasPrefix(v.told.Base, "https://") {
		t.Fatalf("at %s", v.told.Base)
	}
	pem, err := os.ReadFile(filepath.Join(v.s.c.Data, "tls-cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(filepath.Join(v.s.c.Data, "tls-key.pem")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v %v", st.Mode(), err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	resp, err := client.Post(v.told.Given.SourceURL, "text/plain", strings.NewReader("a"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("over TLS: %d", resp.StatusCode)
	}
	if _, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}}}).Get(v.told.Base + "/healthz"); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	if resp, err := http.Get("http" + strings.TrimPrefix(v.told.Base, "https") + "/healthz"); err == nil {
		resp.Body.Close()
		if resp.StatusCode == 200 {
			t.Error("plain HTTP is answered")
		}
	}
	logs := serve(t, Config{Syslog: []string{"tls://127.0.0.1:0?category=net"}}, usual)
	if pem, err = os.ReadFile(filepath.Join(logs.s.c.Data, "tls-cert.pem")); err != nil {
		t.Fatal(err)
	}
	pool.AppendCertsFromPEM(pem)
	conn, err := tls.Dial("tcp", strings.TrimPrefix(logs.told.Listeners[0], "tls://"), &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "<34>1 2026-03-02T08:00:00Z box su - - - over TLS\n")
	conn.Close()
	for start := time.Now(); logs.count() == 0 && time.Since(start) < time.Minute; time.Sleep(10 * time.Millisecond) {
	}
	if got := logs.messages(); len(got) != 1 || !strings.HasSuffix(got[0], "over TLS") {
		t.Errorf("syslog over TLS: %q", got)
	}
	plain := serve(t, Config{Listen: "0.0.0.0:0", Insecure: true}, usual)
	if !strings.HasPrefix(plain.told.Base, "http://") {
		t.Errorf("insecure: at %s", plain.told.Base)
	}
	for _, c := range []Config{
		{Listen: "nonsense"}, {TLSCert: "x"}, {TLSCert: "x", TLSKey: "y", Insecure: true}, {PublicURL: "ftp://x"}, {RateLimit: -1}, {Syslog: []string{"tcp://0.0.0.0:1"}}, {Syslog: []string{"514"}}, {Kafka: []string{"kafka://x"}},
	} {
		c.Data = t.TempDir()
		if c.Listen == "" {
			c.Listen = "127.0.0.1:0"
		}
		_, _, err := Start(c, t.Logf)
		if _, ok := err.(*ConfigError); !ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestRateLimit(t *testing.T) {
	v := serve(t, Config{RateLimit: 4}, usual)
	c := v.told.Given
	many := 0
	for range 20 {
		status, h, body := v.call(c.AccessID, c.AccessKey, "GET", "/api/v1/collectors", "")
		if status == 429 {
			many++
			if h.Get("Retry-After") != "1" || !strings.Contains(body, "rate.limit.exceeded") {
				t.Errorf("Retry-After %q: %s", h.Get("Retry-After"), body)
			}
		}
	}
	if many < 10 {
		t.Errorf("of 20 requests at once %d were too many", many)
	}
	var l limits
	l.perSecond = 4
	at, let := time.Unix(0, 0), 0
	for range 1000 {
		if l.take("k", at) == 0 {
			let++
		}
		at = at.Add(10 * time.Millisecond)
	}
	if let < 42 || let > 45 { // four at once, and four a second for ten seconds
		t.Errorf("%d requests in ten seconds, want 44", let)
	}
}

// TestBadClients: a thousand clients that are slow or broken, each in its own way, at once.
// Good ones are answered meanwhile, and in the end none of the bad is left.
func TestBadClients(t *testing.T) {
	patience := pace{header: 2 * time.Second, body: 3 * time.Second, write: 3 * time.Second, idle: 2 * time.Second}
	v := serve(t, Config{}, patience)
	address := strings.TrimPrefix(v.told.Base, "http://")
	path := strings.TrimPrefix(v.told.Given.SourceURL, v.told.Base)
	ways := []func(net.Conn){
		func(net.Conn) {}, // says nothing
		func(c net.Conn) { fmt.Fprint(c, "POST") },
		func(c net.Conn) { fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\n", path) },
		func(c net.Conn) { // a header, letter by letter
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nX-Sumo-Name: ", path)
			drip(c, "a")
		},
		func(c net.Conn) { // a body, letter by letter
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", path)
			drip(c, "a")
		},
		func(c net.Conn) { // a body that nobody wants, letter by letter
			fmt.Fprint(c, "POST /api/v1/search/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
			drip(c, "a")
		},
		func(c net.Conn) { // the same where there is nothing
			fmt.Fprint(c, "POST /nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
			drip(c, "1\r\na\r\n")
		},
		func(c net.Conn) { // chunks, one by one
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", path)
			drip(c, "1\r\na\r\n")
		},
		func(c net.Conn) { // half a body, and gone
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf", path)
			c.Close()
		},
		func(c net.Conn) { io.WriteString(c, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03") }, // TLS
		func(c net.Conn) { io.WriteString(c, strings.Repeat("\x00\xff\r\n", 1000)) },
		func(c net.Conn) {
			fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("a", 1<<20))
		},
		func(c net.Conn) { // a body that is no gzip
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain", path)
		},
		func(c net.Conn) { fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", path) },
		func(c net.Conn) {
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", path)
		},
	}
	const bad = 1000
	var there, left sync.WaitGroup
	there.Add(bad)
	for i := range bad {
		left.Go(func() {
			conn, err := net.Dial("tcp", address)
			there.Done()
			if err != nil {
				t.Errorf("connection %d: %v", i, err)
				return
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(2 * time.Minute)) // else the test would hang
			if i%100 == 0 {                                   // asks and asks, and never reads an answer
				conn.(*net.TCPConn).SetReadBuffer(1 << 10)
				for err == nil {
					_, err = fmt.Fprint(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
					time.Sleep(time.Millisecond)
				}
			} else {
				go ways[i%len(ways)](conn)
				_, err = io.Copy(io.Discard, conn)
			}
			if e, ok := err.(net.Error); ok && e.Timeout() {
				t.Errorf("connection %d of kind %d was not ended", i, i%len(ways))
			}
		})
	}
	good := 0
	there.Wait()
	for range 20 {
		if status, _, body := v.call("", "", "POST", path, fmt.Sprintf("good %d", good)); status != 200 {
			t.Fatalf("a good client among bad ones: %d %s", status, body)
		}
		good++
	}
	t.Logf("%d good requests while %d of %d bad connections were open", good, v.s.stats.conns.Load(), bad)
	left.Wait()
	for start := time.Now(); v.s.stats.conns.Load() > 2; time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatalf("%d connections are left", v.s.stats.conns.Load())
		}
	}
	if n := v.s.stats.panics.Load(); n != 0 {
		t.Errorf("%d panics: %q", n, v.said)
	}
	if got := v.count(); got != good {
		t.Errorf("%d messages are stored, and %d were sent whole", got, good)
	}
}

// drip writes a text again and again, slowly, until it fails.
func drip(c net.Conn, text string) {
	for {
		if _, err := io.WriteString(c, text); err != nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// count is how many messages the store has, by its own count.
func (v *serving) count() int { return int(v.s.store.Stats().Appended) }

// TestFull: a log that may not grow more answers 503 with Retry-After; what was answered
// with 200 is there, and nothing else.
func TestFull(t *testing.T) {
	v := serve(t, Config{LogMax: 200 << 10}, usual)
	path := strings.TrimPrefix(v.told.Given.SourceURL, v.told.Base)
	taken, refused := 0, 0
	for i := range 400 {
		var noise [4096]byte
		for j := range noise {
			noise[j] = "0123456789abcdefghijklmnopqrstuvwxyz"[rand.IntN(36)]
		}
		status, h, body := v.call("", "", "POST", path, fmt.Sprintf("n=%d %s", i, noise))
		switch status {
		case 200:
			taken++
		case 503:
			refused++
			if h.Get("Retry-After") == "" || !strings.Contains(body, "service.unavailable") {
				t.Fatalf("%v %s", h, body)
			}
		default:
			t.Fatalf("%d %s", status, body)
		}
	}
	if refused == 0 || taken == 0 || v.count() != taken {
		t.Errorf("%d taken, %d refused, %d stored", taken, refused, v.count())
	}
}

// TestMain is a server where the environment asks for one: that which TestKill kills.
func TestMain(m *testing.M) {
	dir := os.Getenv("GYOJI_TEST_SERVE")
	if dir == "" {
		os.Exit(m.Run())
	}
	c := Config{Data: dir, Listen: "127.0.0.1:0"}
	if name := filepath.Join(dir, "notify.yaml"); exists(name) {
		c.Notify = []string{name}
	}
	s, told, err := Start(c, func(string, ...any) {})
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println(told.Base)
	if err := s.Wait(context.Background()); err != nil {
		os.Exit(1)
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// TestKill kills a server under load again and again: every message that was answered with
// 200 is there afterwards, and none twice.
func TestKill(t *testing.T) {
	kills := 12
	if testing.Short() {
		kills = 2
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var mu sync.Mutex
	acked, sent := map[string]bool{}, map[string]bool{}
	var number atomic.Int64
	for range kills {
		cmd := exec.Command(program)
		cmd.Env = append(os.Environ(), "GYOJI_TEST_SERVE="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		base, err := bufio.NewReader(out).ReadString('\n')
		if err != nil || !strings.HasPrefix(base, "http://") {
			t.Fatalf("%q %v", base, err)
		}
		c, err := ReadCredentials(dir)
		if err != nil {
			t.Fatal(err)
		}
		var senders sync.WaitGroup
		for range 8 {
			senders.Go(func() {
				client := &http.Client{Transport: &http.Transport{}}
				defer client.CloseIdleConnections()
				for number.Load() < 90_000 { // a search job gives at most 100,000 messages
					var lines []string
					for range 1 + rand.IntN(20) {
						lines = append(lines, fmt.Sprintf("message number %d;", number.Add(1)))
					}
					mu.Lock()
					for _, l := range lines {
						sent[l] = true
					}
					mu.Unlock()
					resp, err := client.Post(c.SourceURL, "text/plain", strings.NewReader(strings.Join(lines, "\n")))
					if err != nil {
						return
					}
					resp.Body.Close()
					if resp.StatusCode != 200 {
						t.Errorf("status %d", resp.StatusCode)
						return
					}
					mu.Lock()
					for _, l := range lines {
						acked[l] = true
					}
					mu.Unlock()
				}
			})
		}
		time.Sleep(time.Duration(50+rand.IntN(400)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		senders.Wait()
	}
	v := serve(t, Config{Data: dir}, usual)
	met := map[string]int{}
	for _, m := range v.messages() {
		met[m]++
	}
	lost, twice, strange := 0, 0, 0
	for m := range acked {
		if met[m] == 0 {
			lost++
		}
	}
	for m, n := range met {
		if n > 1 {
			twice++
		}
		if !sent[m] {
			strange++
		}
	}
	t.Logf("%d kills, %d sent, %d acknowledged, %d stored", kills, len(sent), len(acked), len(met))
	if lost+twice+strange > 0 || len(acked) == 0 {
		t.Errorf("%d acknowledged and lost, %d twice, %d never sent", lost, twice, strange)
	}
}

// messages are the texts of all messages, by a search job.
func (v *serving) messages() (list []string) {
	v.t.Helper()
	c, err := ReadCredentials(v.s.c.Data)
	if err != nil {
		v.t.Fatal(err)
	}
	status, _, body := v.call(c.AccessID, c.AccessKey, "POST", "/api/v1/search/jobs", fmt.Sprintf(`{"query":"*","from":0,"to":%d}`, time.Now().Add(time.Hour).UnixMilli()))
	var job struct{ ID string }
	if err := json.Unmarshal([]byte(body), &job); err != nil || status != 202 {
		v.t.Fatalf("%d %s", status, body)
	}
	total := 0
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		_, _, body = v.call(c.AccessID, c.AccessKey, "GET", "/api/v1/search/jobs/"+job.ID, "")
		var st struct {
			State        string
			MessageCount int
		}
		if err := json.Unmarshal([]byte(body), &st); err != nil {
			v.t.Fatal(err)
		}
		if total = st.MessageCount; st.State == "DONE GATHERING RESULTS" {
			break
		}
		if time.Since(start) > 2*time.Minute {
			v.t.Fatal(body)
		}
	}
	for len(list) < total {
		_, _, body = v.call(c.AccessID, c.AccessKey, "GET", "/api/v1/search/jobs/"+job.ID+"/messages?limit=10000&offset="+strconv.Itoa(len(list)), "")
		var page struct {
			Messages []struct{ Map map[string]string }
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil || len(page.Messages) == 0 {
			v.t.Fatalf("%d of %d: %s", len(list), total, body[:min(len(body), 300)])
		}
		for _, m := range page.Messages {
			list = append(list, m.Map["_raw"])
		}
	}
	return list
}

// TestLongConnection: a connection that is used for longer than an answer may take to be read
// goes on, whatever its answers are.
func TestLongConnection(t *testing.T) {
	v := serve(t, Config{}, pace{header: time.Minute, body: time.Minute, write: 200 * time.Millisecond, idle: time.Minute})
	path := strings.TrimPrefix(v.told.Given.SourceURL, v.told.Base)
	conn, err := net.Dial("tcp", strings.TrimPrefix(v.told.Base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for _, request := range []string{"GET /healthz", "POST " + path, "GET /readyz", "POST " + path, "POST " + path} {
		fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na", request)
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("%s: %v", request, err)
		}
		io.Copy(io.Discard, resp.Body)
		if resp.StatusCode != 200 {
			t.Errorf("%s: %d", request, resp.StatusCode)
		}
		time.Sleep(300 * time.Millisecond)
	}
}

// TestOneMessageIsOneRow: what is one message by http-api.md 3 is one row of a search, with
// its text as it was sent, also where a file of that text would be several events.
func TestOneMessageIsOneRow(t *testing.T) {
	v := serve(t, Config{}, usual)
	path := strings.TrimPrefix(v.told.Given.SourceURL, v.told.Base)
	want := []string{
		`[{"a":1},{"a":2}]`, "[\n {\"a\":1},\n {\"a\":2}\n]", `{"Records":[{"eventTime":"2026-03-02T08:00:00Z"},{"eventTime":"2026-03-02T08:00:01Z"}]}`, "{\n \"a\": {\"b\": [1]}\n}",
		"<34>1 2026-03-02T08:00:00Z h a - - - one\n  two", "2026-03-02 08:00:00 a\n\tat b\n\n\tat c",
	}
	for _, body := range want {
		if status, _, answer := v.call("", "", "POST", path, body+"\n"); status != 200 {
			t.Fatalf("%d %s", status, answer)
		}
	}
	got := v.messages()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("messages\n%q\nwant\n%q", got, want)
	}
}

// TestStop: a server that is stopped finishes what it answers, and takes no more.
func TestStop(t *testing.T) {
	v := serve(t, Config{}, usual)
	url := v.told.Given.SourceURL
	r, w := io.Pipe()
	done := make(chan int, 1)
	go func() {
		resp, err := http.Post(url, "text/plain", r)
		if err != nil {
			done <- 0
			return
		}
		resp.Body.Close()
		done <- resp.StatusCode
	}()
	if _, err := w.Write([]byte("begun\n")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	go func() {
		time.Sleep(300 * time.Millisecond)
		w.Write([]byte("ended\n"))
		w.Close()
	}()
	s := v.s
	ctx, stop := context.WithCancel(context.Background())
	stop()
	began := time.Now()
	err := s.Wait(ctx)
	v.s = nil
	if took := time.Since(began); err != nil || took > 30*time.Second {
		t.Errorf("stopped after %v: %v", took, err)
	}
	if status := <-done; status != 200 {
		t.Errorf("the request that was being answered: %d", status)
	}
	if _, err := http.Post(url, "text/plain", strings.NewReader("late")); err == nil {
		t.Error("a stopped server answers")
	}
}

// TestSignalsAreSearched: _index=sec_signal has the signals that live detection has made.
func TestSignalsAreSearched(t *testing.T) {
	v := serve(t, Config{}, usual)
	text, err := os.ReadFile("../../samples/ws-fin-014-sysmon.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if status, _, answer := v.call("", "", "POST", strings.TrimPrefix(v.told.Given.SourceURL, v.told.Base), string(text)); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	for deadline := time.Now().Add(time.Minute); v.s.live.Status().Place < v.s.store.Stats().Next && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	signals, err := v.s.live.Alerts().Signals(t.Context(), nil)
	if err != nil || len(signals) == 0 {
		t.Fatal(len(signals), err)
	}
	want := map[string]int{}
	for _, s := range signals {
		want[s.RuleID]++
	}
	for _, query := range []string{"_index=sec_signal | json auto | count by ruleId", "_index=sec_sig* objectClassification=Signal | count by ruleId"} {
		j, err := v.s.calls.Jobs().Start(job.Request{Query: query, From: 0, To: time.Now().UnixMilli()})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(j.Wait(t.Context()), j.Err()); err != nil {
			t.Fatal(err)
		}
		p, err := j.Records(0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, r := range p.Rows {
			var m map[string]string
			if err := json.Unmarshal(p.AppendMap(nil, r), &m); err != nil {
				t.Fatal(err)
			}
			got[m["ruleid"]], _ = strconv.Atoi(m["_count"])
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
}

// TestRenewedCertificate: a certificate whose files are replaced is used without a start, and
// files that are no certificate change nothing.
func TestRenewedCertificate(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := makeCertificate(cert, key); err != nil {
		t.Fatal(err)
	}
	var said []string
	c := Config{TLSCert: cert, TLSKey: key}
	with, err := c.certificate(func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
	if err != nil {
		t.Fatal(err)
	}
	serial := func() string {
		t.Helper()
		pair, err := with.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.SerialNumber.String()
	}
	later := func(after string) string { // it is looked at once a second
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if now := serial(); now != after {
				return now
			}
		}
		return after
	}
	first := serial()
	if err := makeCertificate(cert, key); err != nil {
		t.Fatal(err)
	}
	second := later(first)
	if second == first {
		t.Error("the new certificate is not used")
	}
	if err := os.WriteFile(cert, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := len(said)
	for deadline := time.Now().Add(20 * time.Second); len(said) == n && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if serial() != second {
			t.Fatal("a certificate that is none is used")
		}
	}
	if !strings.Contains(said[len(said)-1], "cannot be used") {
		t.Errorf("%q", said)
	}
}
