package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// browser is a client as a page is one: with cookies, and the headers that browsers send.
type browser struct {
	v      *serving
	cookie *http.Cookie
	header map[string]string
}

func (b *browser) call(method, path, body string) (int, http.Header, string) {
	b.v.t.Helper()
	r, err := http.NewRequest(method, b.v.told.Base+path, strings.NewReader(body))
	if err != nil {
		b.v.t.Fatal(err)
	}
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	for k, x := range b.header {
		r.Header.Set(k, x)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.v.t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, c := range resp.Cookies() {
		b.cookie = c
	}
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(text)
}

func own(b *browser) *browser {
	b.header = map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "X-Requested-With": "gyoji"}
	return b
}

func TestSession(t *testing.T) {
	dir := t.TempDir()
	v := serve(t, Config{Data: dir}, usual)
	c, err := ReadCredentials(dir)
	if err != nil {
		t.Fatal(err)
	}
	b := own(&browser{v: v})
	if status, _, body := b.call("GET", sessionPath, ""); status != 200 || body != `{"signedIn":false}` {
		t.Errorf("nobody: %d %s", status, body)
	}
	status, h, _ := b.call("GET", "/api/sec/v1/insights", "")
	if status != 401 || h.Get("WWW-Authenticate") != "" {
		t.Errorf("a page's call by nobody: %d %v, want 401 and no form of the browser's", status, h)
	}
	if status, h, _ := v.call("", "", "GET", "/api/sec/v1/insights", ""); status != 401 || h.Get("WWW-Authenticate") == "" {
		t.Errorf("another client's call by nobody: %d %v", status, h)
	}
	sign := fmt.Sprintf(`{"access_id":%q,"access_key":%q}`, c.AccessID, c.AccessKey)
	if status, _, body := b.call("POST", sessionPath, sign); status != 200 || !strings.Contains(body, `"role":"admin"`) || !strings.Contains(body, `"label":"first"`) {
		t.Fatalf("sign in: %d %s", status, body)
	}
	if k := b.cookie; k == nil || !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || k.Secure || k.Path != "/" || strings.Contains(c.AccessKey, k.Value) {
		t.Errorf("cookie %+v", k)
	}
	if status, _, body := b.call("GET", sessionPath, ""); status != 200 || !strings.Contains(body, `"signedIn":true`) {
		t.Errorf("who: %d %s", status, body)
	}
	if status, _, body := b.call("GET", "/api/sec/v1/insights", ""); status != 200 {
		t.Errorf("insights: %d %s", status, body)
	}
	const add = `{"label":"x","role":"read"}`
	if status, _, body := b.call("POST", "/api/v1/accessKeys", add); status != 200 {
		t.Errorf("a page's own change: %d %s", status, body)
	}
	for name, header := range map[string]map[string]string{
		"neither header":  {},
		"another site":    {"Sec-Fetch-Site": "cross-site"},
		"another port":    {"Sec-Fetch-Site": "same-site"},
		"another origin":  {"Origin": "https://example.com"},
		"an opaque one":   {"Origin": "null"},
		"typed by a user": {"Sec-Fetch-Site": "none"},
	} {
		b.header = header
		for _, call := range [][2]string{{"POST", "/api/v1/accessKeys"}, {"DELETE", sessionPath}, {"PUT", "/api/sec/v1/insights/x/status"}} {
			if status, _, body := b.call(call[0], call[1], add); status != 403 {
				t.Errorf("%s: %s %s is answered %d %s", name, call[0], call[1], status, body)
			}
		}
	}
	b.header = map[string]string{"Origin": v.told.Base}
	if status, _, body := b.call("POST", "/api/v1/accessKeys", add); status != 200 {
		t.Errorf("an older browser, by Origin: %d %s", status, body)
	}
	own(b)

	// A server that starts again signs nobody out, and keeps no session in clear.
	was := *b.cookie
	if text, err := os.ReadFile(filepath.Join(dir, "sessions.json")); err != nil || strings.Contains(string(text), was.Value) {
		t.Errorf("sessions.json: %v %s", err, text)
	}
	port := v.s.listener.Addr().String()
	v.stop()
	v = serve(t, Config{Data: dir, Listen: port}, usual)
	b.v = v
	if status, _, body := b.call("GET", "/api/sec/v1/insights", ""); status != 200 {
		t.Errorf("after another start: %d %s", status, body)
	}
	if status, _, _ := b.call("DELETE", sessionPath, ""); status != 204 {
		t.Errorf("sign out: %d", status)
	}
	b.cookie = &was
	if status, _, _ := b.call("GET", "/api/sec/v1/insights", ""); status != 401 {
		t.Errorf("a session that has ended: %d", status)
	}

	// With its key a session ends.
	_, _, body := v.call(c.AccessID, c.AccessKey, "POST", "/api/v1/accessKeys", `{"label":"ann","role":"triage"}`)
	var key struct{ ID, Key string }
	if err := json.Unmarshal([]byte(body), &key); err != nil {
		t.Fatal(err)
	}
	ann := own(&browser{v: v})
	if status, _, body := ann.call("POST", sessionPath, fmt.Sprintf(`{"access_id":%q,"access_key":%q}`, key.ID, key.Key)); status != 200 || !strings.Contains(body, `"name":"ann"`) {
		t.Fatalf("ann: %d %s", status, body)
	}
	if status, _, _ := ann.call("POST", "/api/v1/accessKeys", add); status != 403 {
		t.Errorf("ann makes a key: %d", status)
	}
	v.call(c.AccessID, c.AccessKey, "DELETE", "/api/v1/accessKeys/"+key.ID, "")
	if status, _, _ := ann.call("GET", "/api/sec/v1/insights", ""); status != 401 {
		t.Errorf("a session whose key has ended: %d", status)
	}
}

func TestSignInLink(t *testing.T) {
	dir := t.TempDir()
	v := serve(t, Config{Data: dir}, usual)
	c, _ := ReadCredentials(dir)
	if c.WebURL != v.told.Base {
		t.Errorf("web_url %q, want the plain address: clients use it as their base", c.WebURL)
	}
	token, ok := strings.CutPrefix(c.SigninURL, v.told.Base+"/signin#")
	if !ok || len(token) < 40 || token == c.AccessKey {
		t.Fatalf("signin_url %q", c.SigninURL)
	}
	b := own(&browser{v: v})
	if status, _, body := b.call("POST", sessionPath, `{"token":"`+token+`"}`); status != 200 || !strings.Contains(body, `"role":"admin"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, _, _ := own(&browser{v: v}).call("POST", sessionPath, `{"token":"`+token[1:]+`"}`); status != 401 {
		t.Errorf("a token that was cut: %d", status)
	}
	v.stop()
	v = serve(t, Config{Data: dir}, usual)
	if status, _, body := own(&browser{v: v}).call("POST", sessionPath, `{"token":"`+token+`"}`); status != 401 || !strings.Contains(body, "signin_url") {
		t.Errorf("a link of an earlier start: %d %s", status, body)
	}
	v.stop()
	// Whoever has removed the file's secrets finds none in it again.
	if err := os.Remove(filepath.Join(dir, CredentialsName)); err != nil {
		t.Fatal(err)
	}
	serve(t, Config{Data: dir}, usual)
	if c, _ := ReadCredentials(dir); c.SigninURL != "" || c.AccessKey != "" {
		t.Errorf("%+v", c)
	}
}

// TestSignInGuesses: whoever guesses keys is told to wait, before any more are looked at.
func TestSignInGuesses(t *testing.T) {
	v := serve(t, Config{}, usual)
	b := own(&browser{v: v})
	for n := range 10 {
		if status, _, _ := b.call("POST", sessionPath, `{"access_id":"x","access_key":"y"}`); status != 401 {
			t.Fatalf("guess %d: %d", n, status)
		}
	}
	status, h, _ := b.call("POST", sessionPath, fmt.Sprintf(`{"access_id":%q,"access_key":%q}`, v.told.Given.AccessID, v.told.Given.AccessKey))
	if status != 429 || h.Get("Retry-After") == "" {
		t.Errorf("%d %v", status, h)
	}
	if status, _, _ := v.call(v.told.Given.AccessID, v.told.Given.AccessKey, "GET", sessionPath, ""); status != 200 {
		t.Errorf("a key by Basic: %d", status)
	}
	for _, body := range []string{"", "[]", strings.Repeat("x", 10_000)} {
		if status, _, _ := b.call("POST", sessionPath, body); status != 400 && status != 429 {
			t.Errorf("%.20q: %d", body, status)
		}
	}
}

// TestRepeats: a call with a key counts once, however often it is made, and answers the same.
func TestRepeats(t *testing.T) {
	v := serve(t, Config{}, usual)
	b := own(&browser{v: v})
	b.call("POST", sessionPath, fmt.Sprintf(`{"access_id":%q,"access_key":%q}`, v.told.Given.AccessID, v.told.Given.AccessKey))
	b.header["Idempotency-Key"] = "one"
	_, _, first := b.call("POST", "/api/v1/accessKeys", `{"label":"a","role":"read"}`)
	_, _, second := b.call("POST", "/api/v1/accessKeys", `{"label":"a","role":"read"}`)
	if first != second || !strings.Contains(first, `"label":"a"`) {
		t.Errorf("%s\n%s", first, second)
	}
	if status, _, _ := b.call("POST", "/api/v1/collectors", `{}`); status != 422 {
		t.Errorf("the key at another call: %d", status)
	}
	b.header["Idempotency-Key"] = "two"
	_, _, third := b.call("POST", "/api/v1/accessKeys", `{"label":"a","role":"read"}`)
	if third == first {
		t.Error("another key is another call")
	}
	if all, _ := v.s.keys.List(); len(all) != 3 {
		t.Errorf("%d keys, want the first and two", len(all))
	}
}

// TestPages: every address of a page answers with the document, with the policy, and no
// call of an API does.
func TestPages(t *testing.T) {
	v := serve(t, Config{}, usual)
	for _, path := range []string{"/", "/triage", "/insight/INSIGHT-1", "/search?q=a", "/entities", "/entity/_hostname-a%2Fb", "/content", "/content/x", "/coverage", "/health", "/signin"} {
		status, h, body := v.call("", "", "GET", path, "")
		if status != 200 || !strings.Contains(body, `<script type="module"`) || h.Get("Content-Security-Policy") != "default-src 'self'" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %d %v %.80s", path, status, h, body)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/receiver/v1/http/x", "/api/v1/collectors", "/_cluster/health", "/services/collector/health", "/nothing", "/assets/none.js", "/triage/x", "/assets/..%2findex.html"} {
		if _, _, body := v.call("", "", "GET", path, ""); strings.Contains(body, `<script`) {
			t.Errorf("%s is answered with the page", path)
		}
	}
	person := &browser{v: v, header: map[string]string{"Accept": "text/html,application/xhtml+xml"}}
	if status, h, body := person.call("GET", "/triaje", ""); status != 404 || !strings.Contains(body, `<script type="module"`) || h.Get("Content-Security-Policy") == "" {
		t.Errorf("a browser at an address that there is not: %d %.80s", status, body)
	}
	if status, _, body := person.call("GET", "/api/v1/nothing", ""); status != 401 || strings.Contains(body, "<script") {
		t.Errorf("a browser at a call that there is not: %d %.80s", status, body)
	}
	_, _, body := v.call("", "", "GET", "/triage", "")
	_, rest, _ := strings.Cut(body, `src="`)
	script, _, _ := strings.Cut(rest, `"`)
	r, _ := http.NewRequest("GET", v.told.Base+script, nil)
	r.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || resp.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/javascript") {
		t.Errorf("%s: %d %v", script, resp.StatusCode, resp.Header)
	}
	r.Header.Set("If-None-Match", resp.Header.Get("ETag"))
	again, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	again.Body.Close()
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("%s again: %d", script, again.StatusCode)
	}
}
