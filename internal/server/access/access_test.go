package access

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestRoles(t *testing.T) {
	// By the text of Role: each may do what those before it may, ingest stands alone.
	may := map[Role]string{Ingest: "ingest", Read: "read", Triage: "read triage", Content: "read triage content", Admin: "ingest read triage content admin"}
	for _, have := range Roles {
		for _, needed := range Roles {
			want := strings.Contains(may[have], string(needed))
			if got := have.May(needed); got != want {
				t.Errorf("%s may %s: %v, want %v", have, needed, got, want)
			}
		}
		if !have.May(Public) {
			t.Errorf("%s may not make a public call", have)
		}
	}
	if Role("").May(Read) {
		t.Error("nobody may read")
	}
	if _, err := ParseRole("root"); err == nil {
		t.Error("root is taken for a role")
	}
}

func TestKeys(t *testing.T) {
	dir := t.TempDir()
	a, err := OpenKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	key, secret, err := a.Add("first", Admin)
	if err != nil {
		t.Fatal(err)
	}
	if len(key.ID) != 14 || len(secret) != 64 {
		t.Errorf("id %q and key %q have %d and %d characters, want 14 and 64", key.ID, secret, len(key.ID), len(secret))
	}
	text, err := os.ReadFile(filepath.Join(dir, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), secret) {
		t.Error("the file holds the key itself")
	}
	if st, err := os.Stat(filepath.Join(dir, "keys.json")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v (%v), want 0600", st.Mode(), err)
	}
	if p, ok := a.Check(key.ID, secret); !ok || p.Role != Admin || p.ID != key.ID || p.Label != "first" {
		t.Errorf("Check gives %+v %v", p, ok)
	}
	for _, wrong := range [][2]string{{key.ID, ""}, {key.ID, secret[:63]}, {"", secret}, {"su", secret}, {key.ID, secret + "x"}, {key.ID, hash(secret)}} {
		if _, ok := a.Check(wrong[0], wrong[1]); ok {
			t.Errorf("Check lets %q in", wrong)
		}
	}

	// A second process adds one and ends the first.
	b, err := OpenKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	other, otherSecret, err := b.Add("shipper", Ingest)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.End(key.ID); err != nil {
		t.Fatal(err)
	}
	if err := b.End(key.ID); !errors.Is(err, ErrNoKey) {
		t.Errorf("ending a key twice: %v, want ErrNoKey", err)
	}
	a.looked = a.looked.Add(-2 * lookAgain)
	if _, ok := a.Check(key.ID, secret); ok {
		t.Error("a key that another process ended is still good")
	}
	if p, ok := a.Check(other.ID, otherSecret); !ok || p.Role != Ingest {
		t.Errorf("a key of another process: %+v %v", p, ok)
	}
	list, err := a.List()
	if err != nil || len(list) != 1 || list[0].ID != other.ID {
		t.Errorf("List gives %+v %v", list, err)
	}
}

func TestOf(t *testing.T) {
	plain := "suAAAABBBBCCCC:secret:with:colons"
	coded := base64.StdEncoding.EncodeToString([]byte(plain))
	for _, header := range []string{"Basic " + coded, "basic " + coded, "Bearer " + coded, "Bearer " + plain, "ApiKey " + coded, "apikey " + coded} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", header)
		id, secret, ok := Of(r)
		if !ok || id+":"+secret != plain {
			t.Errorf("%s: %q %q %v", header, id, secret, ok)
		}
	}
	for _, header := range []string{"", "Basic", "Basic !", "Digest " + coded, "Bearer", "Splunk " + coded} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", header)
		if id, secret, ok := Of(r); ok {
			t.Errorf("%s: %q %q", header, id, secret)
		}
	}
}

func TestFail(t *testing.T) {
	w := httptest.NewRecorder()
	Fail(w, 404, CodeNotFound, `there is no "x"`)
	want := regexp.MustCompile(`^\{"status":404,"id":"[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}","code":"notfound","message":"there is no \\"x\\""\}$`)
	if w.Code != 404 || !want.MatchString(w.Body.String()) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestOutward: addresses of IANA's registries of special purposes, and names that lead there.
func TestOutward(t *testing.T) {
	met := 0
	served := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		met++
		http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
	}))
	defer served.Close()
	names := map[string]string{"inside.test": "10.1.2.3", "meta.test": "169.254.169.254", "six.test": "::1", "mapped.test": "::ffff:127.0.0.1"}
	o := Outward{Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
		if a := names[host]; a != "" {
			return []netip.Addr{netip.MustParseAddr(a)}, nil
		}
		return nil, errors.New("no such host")
	}}
	for _, url := range []string{
		served.URL, "https://localhost/", "https://inside.test/", "https://meta.test/", "https://six.test", "https://mapped.test/", "https://[::1]/", "https://[::ffff:10.0.0.1]/",
		"https://0.0.0.0/", "https://127.1.2.3/", "https://192.168.0.1/", "https://172.16.0.1/", "https://100.64.0.1/", "https://[fd00::1]/", "https://[fe80::1%25eth0]/",
		"https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://224.0.0.1/", "https://255.255.255.255/", "http://example.com/", "ftp://example.com/", "file:///etc/passwd",
	} {
		resp, err := o.Client().Get(url)
		if err == nil {
			resp.Body.Close()
			t.Errorf("%s was opened", url)
		}
	}
	if met > 0 {
		t.Error("the server inside was reached")
	}
	o.Hosts = []string{"127.0.0.1"}
	o.TLS = served.Client().Transport.(*http.Transport).TLSClientConfig
	resp, err := o.Client().Get(served.URL)
	if err != nil {
		t.Fatalf("a host that is allowed: %v", err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusFound || met != 1 {
		t.Errorf("status %d after %d requests, want the redirect itself after one", resp.StatusCode, met)
	}
}

func TestAudit(t *testing.T) {
	dir := t.TempDir()
	a, err := OpenAudit(dir, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/api/v1/accessKeys", nil)
	a.Write(Principal{ID: "su1", Label: "ann"}, "key.add", "su2\nwith a line end", r)
	for range 100 {
		a.Refused("192.0.2.1", "wrong key", r)
	}
	a.Close()
	text, err := os.ReadFile(filepath.Join(dir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines, want that of the key and one for a hundred refusals:\n%s", len(lines), text)
	}
	for i, want := range []string{`"who":"su1","label":"ann","from":"192.0.2.1:1234","what":"key.add","on":"su2\nwith a line end"`, `"what":"refused","on":"wrong key: POST /api/v1/accessKeys"`} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d is %s, want %s in it", i+1, lines[i], want)
		}
	}
}
