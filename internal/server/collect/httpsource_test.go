package collect

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/gyoji-dev/gyoji/internal/store"
)

func pack(t testing.TB, how string, text string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch how {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zlib":
		w = zlib.NewWriter(&b)
	case "raw":
		w, err = flate.NewWriter(&b, 5)
	case "zstd":
		w, err = zstd.NewWriter(&b)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const source = "/receiver/v1/http/TOKEN"

// TestHTTPSource: http-api.md 2, and the requests that clients were seen to send.
func TestHTTPSource(t *testing.T) {
	h := open(t)
	gz := pack(t, "gzip", "a\nb")
	for _, c := range []struct {
		name           string
		method, path   string
		body           string
		headers        []string
		status         int
		want           []string // messages
		category, from string   // _sourceCategory, _sourceName
		host           string
		fields         string
	}{
		{name: "POST", method: "POST", path: source, body: "a\nb\n", status: 200, want: []string{"a", "b"}, from: "http", host: "127.0.0.1"},
		{name: "PUT", method: "PUT", path: source, body: "a", status: 200, want: []string{"a"}, from: "http", host: "127.0.0.1"},
		{name: "GET", method: "GET", path: source, status: 200},
		{name: "GET without a token", method: "GET", path: "/receiver/v1/http", status: 200},
		{name: "nothing", method: "POST", path: source, status: 200},
		{name: "query parameters are ignored", method: "POST", path: source + "?a=b&c", body: "a", status: 200, want: []string{"a"}, from: "http", host: "127.0.0.1"},
		{name: "token percent-encoded", method: "POST", path: "/receiver/v1/http/" + url.QueryEscape(h.token), body: "a", status: 200, want: []string{"a"}, from: "http", host: "127.0.0.1"},
		{name: "token in a header", method: "POST", path: "/receiver/v1/http", body: "a", headers: []string{"x-sumo-token", h.token}, status: 200, want: []string{"a"}, from: "http", host: "127.0.0.1"},
		{name: "wrong token", method: "POST", path: "/receiver/v1/http/x==", body: "a", status: 401},
		{name: "no token", method: "POST", path: "/receiver/v1/http", body: "a", status: 401},
		{name: "part of the token", method: "POST", path: "/receiver/v1/http/" + h.token[:40], body: "a", status: 401},
		{name: "metadata", method: "POST", path: source, body: "a", headers: []string{"X-Sumo-Name", "n", "X-Sumo-Host", "h", "X-Sumo-Category", "c/d", "X-Sumo-Client", "x"}, status: 200, want: []string{"a"}, category: "c/d", from: "n", host: "h"},
		{name: "fields", method: "POST", path: source, body: "a", headers: []string{"X-Sumo-Fields", " env = prod ,bad,k=a=b, ,ENV=test,=x,_raw=y,_siemForward=true", "X-Sumo-Category", "c"}, status: 200, want: []string{"a"}, category: "c", from: "http", host: "127.0.0.1", fields: "env=test k=a=b _siemForward=true"},
		{name: "fields too long", method: "POST", path: source, body: "a", headers: []string{"X-Sumo-Fields", "a=" + strings.Repeat("é", 201) + ",b=" + strings.Repeat("é", 200) + "," + strings.Repeat("n", 256) + "=1"}, status: 200, want: []string{"a"}, from: "http", host: "127.0.0.1", fields: "b=" + strings.Repeat("é", 200)},
		{name: "gzip", method: "POST", path: source, body: gz, headers: []string{"Content-Encoding", "gzip"}, status: 200, want: []string{"a", "b"}, from: "http", host: "127.0.0.1"},
		{name: "gzip twice over", method: "POST", path: source, body: gz + pack(t, "gzip", "\nc"), headers: []string{"Content-Encoding", "GZIP"}, status: 200, want: []string{"a", "b", "c"}, from: "http", host: "127.0.0.1"},
		{name: "zlib", method: "POST", path: source, body: pack(t, "zlib", "a\nb"), headers: []string{"Content-Encoding", "deflate"}, status: 200, want: []string{"a", "b"}, from: "http", host: "127.0.0.1"},
		{name: "raw deflate", method: "POST", path: source, body: pack(t, "raw", "a\nb"), headers: []string{"Content-Encoding", "deflate"}, status: 200, want: []string{"a", "b"}, from: "http", host: "127.0.0.1"},
		{name: "zstd", method: "POST", path: source, body: pack(t, "zstd", "a\nb"), headers: []string{"Content-Encoding", "zstd"}, status: 200, want: []string{"a", "b"}, from: "http", host: "127.0.0.1"},
		{name: "identity", method: "POST", path: source, body: "a", headers: []string{"Content-Encoding", "identity"}, status: 200, want: []string{"a"}, from: "http", host: "127.0.0.1"},
		{name: "unknown encoding", method: "POST", path: source, body: "a", headers: []string{"Content-Encoding", "br"}, status: 415},
		{name: "two encodings", method: "POST", path: source, body: "a", headers: []string{"Content-Encoding", "gzip, zstd"}, status: 415},
		{name: "no gzip at all", method: "POST", path: source, body: "plain", headers: []string{"Content-Encoding", "gzip"}, status: 400},
		{name: "gzip cut off", method: "POST", path: source, body: gz[:len(gz)-5], headers: []string{"Content-Encoding", "gzip"}, status: 400},
		{name: "gzip with rubbish after", method: "POST", path: source, body: gz + "rubbish", headers: []string{"Content-Encoding", "gzip"}, status: 400},
		{name: "zstd cut off", method: "POST", path: source, body: pack(t, "zstd", "abcdef")[:9], headers: []string{"Content-Encoding", "zstd"}, status: 400},
		{name: "deflate of nothing", method: "POST", path: source, headers: []string{"Content-Encoding", "deflate"}, status: 400},
		{name: "metrics", method: "POST", path: source, body: "a.b 1 2", headers: []string{"Content-Type", "application/vnd.sumologic.graphite"}, status: 200},
		{name: "any content type", method: "POST", path: source, body: "q=1", headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 200, want: []string{"q=1"}, from: "http", host: "127.0.0.1"},
		{name: "no content type that is known", method: "POST", path: source, body: "a", headers: []string{"Content-Type", ";;;"}, status: 200, want: []string{"a"}, from: "http", host: "127.0.0.1"},
		{name: "sumo-logger", method: "POST", path: source, body: `{"msg":"one","sessionId":"e","timestamp":"2026-11-30T08:29:31.377Z","url":""}` + "\n" + `{"sessionId":"e","timestamp":"2026-11-30T08:29:31.377Z","url":"","msg":"two"}`,
			headers: []string{"Content-Type", "application/json", "X-Sumo-Name", "n", "X-Sumo-Category", "c/d", "X-Sumo-Host", "h", "X-Sumo-Client", "sumo-javascript-sdk"}, status: 200,
			want: []string{`{"msg":"one","sessionId":"e","timestamp":"2026-11-30T08:29:31.377Z","url":""}`, `{"sessionId":"e","timestamp":"2026-11-30T08:29:31.377Z","url":"","msg":"two"}`}, category: "c/d", from: "n", host: "h"},
	} {
		status, answer := h.send(c.method, c.path, c.body, c.headers...)
		if status != c.status || status == 200 && answer != "" || status != 200 && !strings.HasPrefix(answer, fmt.Sprintf(`{"status":%d,"id":"`, c.status)) {
			t.Errorf("%s: %d %s, want %d", c.name, status, answer, c.status)
			continue
		}
		got := h.log.taken()
		if g := texts(got); strings.Join(g, "|") != strings.Join(c.want, "|") {
			t.Errorf("%s: messages %q, want %q", c.name, g, c.want)
			continue
		}
		if len(c.want) == 0 {
			continue
		}
		if want := (store.Source{Collector: "gyoji", Source: "http", Category: c.category, Host: c.host, Name: c.from}); got[0].Source != want {
			t.Errorf("%s: %+v, want %+v", c.name, got[0].Source, want)
		}
		var fields []string
		for _, f := range got[0].Fields {
			fields = append(fields, f.Name+"="+f.Value)
		}
		if strings.Join(fields, " ") != c.fields {
			t.Errorf("%s: fields %q, want %q", c.name, fields, c.fields)
		}
	}
}

func TestManyFields(t *testing.T) {
	var all []string
	for i := range 40 {
		all = append(all, fmt.Sprintf("k%d=%d", i, i))
	}
	fields, lost := parseFields([]string{strings.Join(all, ",")})
	if len(fields) != 30 || lost != 10 {
		t.Errorf("%d fields and %d lost, want 30 and 10", len(fields), lost)
	}
}

// TestSourceOfItsOwn: fields of source and collector, and headers as fields.
func TestSourceOfItsOwn(t *testing.T) {
	h := open(t)
	c, err := h.sources.AddCollector(Collector{Name: "web", Category: "collector", Fields: map[string]string{"site": "b", "both": "collector"}})
	if err != nil {
		t.Fatal(err)
	}
	s := NewSource("app")
	s.Fields = map[string]string{"both": "source", "only": "source", "_convertHeadersToFields": "true"}
	s.HostName = "set"
	s, token, err := h.sources.AddSource(c.ID, s)
	if err != nil {
		t.Fatal(err)
	}
	status, _ := h.send("POST", "/receiver/v1/http/"+token, "a", "X-Sumo-Fields", "only=header", "X-Team", "red", "X-Sumo-Name", "n", "Webhook-AuthID", "no", "Authorization", "no")
	got := h.log.taken()
	if status != 200 || len(got) != 1 {
		t.Fatalf("%d %+v", status, got)
	}
	fields := map[string]string{}
	for _, f := range got[0].Fields {
		fields[f.Name] = f.Value
	}
	// http-api.md 2.2: the collector's field goes before the source's, the header's X-Sumo-Fields before other headers.
	for name, want := range map[string]string{"site": "b", "both": "collector", "only": "header", "x-team": "red", "webhook-authid": "", "authorization": "", "x-sumo-name": "", "_convertHeadersToFields": ""} {
		if fields[name] != want {
			t.Errorf("%s is %q, want %q (%v)", name, fields[name], want, fields)
		}
	}
	if want := (store.Source{Collector: "web", Source: "app", Category: "collector", Host: "set", Name: "n"}); got[0].Source != want {
		t.Errorf("%+v, want %+v", got[0].Source, want)
	}
	if err := h.sources.DropSource(c.ID, s.ID); err != nil {
		t.Fatal(err)
	}
	if status, _ := h.send("POST", "/receiver/v1/http/"+token, "a"); status != 401 {
		t.Errorf("a source that was ended: %d, want 401", status)
	}
}

func TestPreflight(t *testing.T) {
	h := open(t)
	r, _ := http.NewRequest("OPTIONS", h.server.URL+"/receiver/v1/http/"+h.token, nil)
	r.Header.Set("Origin", "https://page.example")
	r.Header.Set("Access-Control-Request-Headers", "content-type,x-sumo-category")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || resp.Header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(resp.Header.Get("Access-Control-Allow-Headers"), "X-Sumo-Category") {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}

// TestLarge: 64 MiB are taken, one byte more is not, and a bomb is found early.
func TestLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("64 MiB are sent")
	}
	h := open(t)
	line := strings.Repeat("0123456789abcde", 4) + "xyz\n" // 64 bytes
	body := strings.Repeat(line, bodyMax/64)
	if status, answer := h.send("POST", source, body); status != 200 || len(texts(h.log.taken())) != bodyMax/64 {
		t.Errorf("64 MiB: %d %s", status, answer)
	}
	if status, answer := h.send("POST", source, body+"x"); status != 413 {
		t.Errorf("a byte more: %d %s", status, answer)
	}
	zeros := strings.Repeat("\x00", bodyMax)
	for _, how := range []string{"gzip", "zlib", "raw", "zstd"} {
		encoding := map[string]string{"zlib": "deflate", "raw": "deflate"}[how]
		if encoding == "" {
			encoding = how
		}
		bomb := pack(t, how, zeros)
		if status, answer := h.send("POST", source, bomb, "Content-Encoding", encoding); status != 413 {
			t.Errorf("%s of %d bytes that unpacks to 64 MiB: %d %s", how, len(bomb), status, answer)
		}
	}
	if got := h.log.taken(); len(got) != 0 {
		t.Errorf("%d receipts of what was refused", len(got))
	}
	h.doors.memory.mu.Lock()
	defer h.doors.memory.mu.Unlock()
	if h.doors.memory.free != MemoryDefault {
		t.Errorf("%d bytes of memory are not given back", MemoryDefault-h.doors.memory.free)
	}
}

// TestFull: nothing is kept and nothing lost of what does not fit.
func TestFull(t *testing.T) {
	h := open(t)
	h.log.full = &store.FullError{Reason: "the disk is full", After: 7 * time.Second}
	for path, kind := range map[string]string{source: "text/plain", source + "/v1/logs": "application/json", "/services/collector/raw": "", "/x/_bulk": ""} {
		body := "a"
		switch {
		case strings.HasSuffix(path, "logs"):
			body = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}}]}]}]}`
		case strings.HasSuffix(path, "_bulk"):
			body = "{\"create\":{}}\n{\"a\":1}\n"
		}
		r, err := http.NewRequest("POST", h.server.URL+strings.ReplaceAll(path, "TOKEN", h.token), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", kind)
		r.SetBasicAuth(h.id, h.key)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		want := 503
		if strings.HasSuffix(path, "_bulk") {
			want = 429 // what Elastic's clients try again
		}
		if resp.StatusCode != want || resp.Header.Get("Retry-After") != "7" {
			t.Errorf("%s: %d, Retry-After %q: %s", path, resp.StatusCode, resp.Header.Get("Retry-After"), answer)
		}
	}
	h.log.full = nil
	if status, _ := h.send("POST", source, "a"); status != 200 {
		t.Errorf("once there is room: %d", status)
	}
}

// TestSlowBody: 408 once a body has had its time.
func TestSlowBody(t *testing.T) {
	h := open(t)
	h.doors.bodyTime = 200 * time.Millisecond
	r, w := io.Pipe()
	go func() {
		for range 20 {
			if _, err := w.Write([]byte("a\n")); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		w.Close()
	}()
	req, err := http.NewRequest("POST", h.server.URL+"/receiver/v1/http/"+h.token, r)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode != 408 {
			t.Errorf("status %d, want 408", resp.StatusCode)
		}
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if got := h.log.taken(); len(got) != 0 {
		t.Errorf("of a body that was not complete %q were kept", texts(got))
	}
}
