package rulepack

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const rule = `title: A program is started
id: 6f6f0c2a-2b5c-4d0e-9d3a-1c1d6a6f0001
status: test
level: high
logsource: {product: windows, category: process_creation}
detection:
  selection: {Image|endswith: '\%s.exe'}
  condition: selection
`

var day = time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)

type member struct {
	name, text string
	change     func(*zip.FileHeader)
}

func pack(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate, Modified: day}
		h.SetMode(0o644)
		if m.change != nil {
			m.change(h)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m.text)); err != nil && !strings.HasSuffix(m.name, "/") {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func rules(t testing.TB, names ...string) []byte {
	var members []member
	for _, n := range names {
		members = append(members, member{name: "rules/windows/" + n + ".yml", text: fmt.Sprintf(rule, n)})
	}
	return pack(t, members...)
}

// Each of these is refused, and the store stays as it was.
func TestHostileArchives(t *testing.T) {
	good := member{name: "rules/a.yml", text: fmt.Sprintf(rule, "a")}
	named := func(names ...string) []byte {
		members := []member{good}
		for _, n := range names {
			members = append(members, member{name: n, text: good.text})
		}
		return pack(t, members...)
	}
	mode := func(m fs.FileMode) []byte {
		return pack(t, good, member{name: "rules/b.yml", text: "/etc/passwd", change: func(h *zip.FileHeader) { h.SetMode(m) }})
	}
	whole := named("rules/b.yml")
	damaged := slices.Clone(whole)
	damaged[bytes.Index(damaged, []byte("rules/b.yml"))+len("rules/b.yml")+20] ^= 0xff
	for what, text := range map[string][]byte{
		"leads out":              named("../a.yml"),
		"leads out in the midst": named("rules/../../a.yml"),
		"absolute":               named("/etc/cron.d/a.yml"),
		"drive":                  named("C:/a.yml"),
		"backslashes":            named(`..\..\a.yml`),
		"stream":                 named("rules/a.yml:b"),
		"device":                 named("rules/CON.yml"),
		"device with a digit":    named("rules/com1/a.yml"),
		"begins with a dot":      named(".git/config"),
		"dot below":              named("rules/.hidden/a.yml"),
		"ends in a dot":          named("rules/a.yml."),
		"ends in a blank":        named("rules /a.yml"),
		"an option":              named("-rf/a.yml"),
		"control character":      named("rules/a\x1b[2J.yml"),
		"right to left":          named("rules/a\u202elmy.yml"),
		"other script":           named("rules/\u0430.yml"),
		"no UTF-8":               named("rules/\xff.yml"),
		"twice":                  named("rules/a.yml"),
		"twice but for the case": named("rules/A.yml"),
		"file and folder":        named("rules/a.yml/b.yml"),
		"too deep":               named(strings.Repeat("a/", 9) + "b.yml"),
		"too long":               named("rules/" + strings.Repeat("a", 120) + ".yml"),
		"empty name":             named(""),
		"a folder that leads out": pack(t, good,
			member{name: "../out/"}),
		"link":      mode(fs.ModeSymlink | 0o777),
		"pipe":      mode(fs.ModeNamedPipe | 0o644),
		"device 2":  mode(fs.ModeDevice | 0o644),
		"encrypted": pack(t, good, member{name: "rules/b.yml", change: func(h *zip.FileHeader) { h.Flags |= 1 }}),
		"damaged":   damaged,
		"cut":       whole[:len(whole)-30],
		"empty":     {},
		"no zip":    []byte("title: a rule\n"),
		"no files":  pack(t),
		"no rules":  pack(t, member{name: "README.md", text: "hello"}),
		"no Sigma":  pack(t, member{name: "rules/a.yml", text: "a: b\n"}),
	} {
		t.Run(what, func(t *testing.T) {
			s := &Store{t.TempDir()}
			if _, _, err := s.Add("core", Version{Version: "r1"}, rules(t, "old")); err != nil {
				t.Fatal(err)
			}
			before := tree(t, s.Dir)
			_, _, err := s.Add("core", Version{Version: "r2"}, text)
			if err == nil {
				t.Fatal("it was kept")
			}
			if after := tree(t, s.Dir); !slices.Equal(before, after) {
				t.Errorf("the store was %q and is %q", before, after)
			}
			for _, c := range err.Error() {
				if c < ' ' || c == '\u202e' {
					t.Errorf("the message has a control character: %q", err)
				}
			}
		})
	}
}

// An archive of a thousand files that unpack to more than they may is found out while it
// is read, and none of it is held.
func TestArchiveThatUnpacksToTooMuch(t *testing.T) {
	zeros := pack(t, member{name: "a.yml", text: strings.Repeat("\x00", 8<<20)})
	one, err := zip.NewReader(bytes.NewReader(zeros), int64(len(zeros)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range unpackedMax>>23 + 1 {
		h := one.File[0].FileHeader
		h.Name = fmt.Sprintf("rules/%d.yml", i)
		packed, err := one.File[0].OpenRaw()
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.CreateRaw(&h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, packed); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	text := b.Bytes()
	if len(text) > 4<<20 {
		t.Fatalf("the test's archive has %d bytes", len(text))
	}
	if _, err := checkArchive(text); err == nil || !strings.Contains(err.Error(), "unpacks to more than 256 MiB") {
		t.Errorf("got %v", err)
	}
}

func tree(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		names = append(names, strings.TrimPrefix(path, dir)+" "+digest(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestVersions(t *testing.T) {
	s := &Store{filepath.Join(t.TempDir(), "not", "there", "yet")}
	if all, err := s.Packages(); err != nil || all != nil {
		t.Fatalf("an absent store has %v, %v", all, err)
	}
	if _, _, err := s.Find("core", ""); err == nil || !strings.Contains(err.Error(), "gyoji rules update core") {
		t.Errorf("absent: %v", err)
	}
	if _, _, err := s.Find("cor", ""); err == nil || !strings.Contains(err.Error(), "did you mean core?") {
		t.Errorf("absent: %v", err)
	}
	add := func(name, version string, text []byte) Version {
		t.Helper()
		v, _, err := s.Add(name, Version{Version: version}, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := add("core", "", rules(t, "a", "b")); v.Version != "2026-07-01" || v.Rules != 2 || v.Released.Format(time.DateOnly) != "2026-07-01" {
		t.Errorf("added %+v", v)
	}
	add("core", "r2", rules(t, "a"))
	add("core", "r1", rules(t, "c", "d", "e"))
	if _, v, err := s.Find("core", ""); err != nil || v.Version != "r1" || v.Rules != 3 {
		t.Errorf("the version added last is %+v, %v", v, err)
	}
	if _, v, err := s.Find("core", "r2"); err != nil || v.Rules != 1 {
		t.Errorf("r2 is %+v, %v", v, err)
	}
	if _, _, err := s.Find("core", "r3"); err == nil || !strings.Contains(err.Error(), "2026-07-01, r1, r2") {
		t.Errorf("r3: %v", err)
	}
	// The same again is said to be there, and becomes the current one.
	if _, already, err := s.Add("core", Version{Version: "r2"}, rules(t, "a")); !already || err != nil {
		t.Errorf("the same again: %v, %v", already, err)
	}
	if _, v, _ := s.Find("core", ""); v.Version != "r2" {
		t.Errorf("current is %s", v.Version)
	}
	// Another archive of the same version takes its place.
	add("core", "r2", rules(t, "x", "y"))
	if path, v, err := s.Find("core", "r2"); err != nil || v.Rules != 2 || len(tree(t, filepath.Dir(path))) != 4 {
		t.Errorf("r2 is %+v, %v; there are %q", v, err, tree(t, s.Dir))
	}
	if _, err := s.Remove("core", "r2"); err != nil {
		t.Error(err)
	}
	if _, v, err := s.Find("core", ""); err != nil || v.Version == "r2" {
		t.Errorf("current is %s, %v", v.Version, err)
	}
	if gone, err := s.Remove("core", ""); err != nil || len(gone) != 2 {
		t.Errorf("removed %v, %v", gone, err)
	}
	if all, err := s.Packages(); err != nil || all != nil {
		t.Errorf("left are %v, %v", all, err)
	}
	for _, name := range []string{"", "..", "a/b", `a\b`, "con", "A", "-a", ".a", "a b", strings.Repeat("a", 50)} {
		if _, _, err := s.Add(name, Version{}, rules(t, "a")); err == nil {
			t.Errorf("a package may be called %q", name)
		}
		if _, err := s.Remove(name, ""); err == nil {
			t.Errorf("%q was removed", name)
		}
	}
}

func TestUsual(t *testing.T) {
	for _, c := range []struct{ have, want string }{
		{"", ""},
		{"core", "core"},
		{"core core+", "core+"},
		{"core++ core ours", "core++"},
		{"ours", ""},
		{"core emerging-threats", "core emerging-threats"},
		{"emerging-threats", "emerging-threats"},
		{"all emerging-threats core", "all"},
	} {
		s := &Store{t.TempDir()}
		for _, n := range strings.Fields(c.have) {
			if _, _, err := s.Add(n, Version{}, rules(t, "a")); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := s.Usual(); err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("of %q: %q, %v; want %q", c.have, got, err, c.want)
		}
	}
}

// A store that something else has changed is not used, and says so.
func TestDamagedStore(t *testing.T) {
	s := &Store{t.TempDir()}
	if _, _, err := s.Add("core", Version{}, rules(t, "a")); err != nil {
		t.Fatal(err)
	}
	path, _, err := s.Find("core", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, rules(t, "other"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Find("core", ""); err == nil || !strings.Contains(err.Error(), "not as it was added") {
		t.Errorf("a changed archive: %v", err)
	}
	// Adding it once more mends it.
	if _, already, err := s.Add("core", Version{}, rules(t, "a")); err != nil || already {
		t.Errorf("adding it again: %v, %v", already, err)
	}
	if _, _, err := s.Find("core", ""); err != nil {
		t.Error(err)
	}
	for _, list := range []string{"", "null", "{}", "[1]", `{"schema":"gyoji/rules/v2"}`,
		`{"schema":"gyoji/rules/v1","current":"a","versions":[{"version":"a","file":"../../../etc/passwd"}]}`,
		`{"schema":"gyoji/rules/v1","current":"a","versions":[{"version":"../a","file":"a"}]}`} {
		if err := os.WriteFile(filepath.Join(s.Dir, "core", listName), []byte(list), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Find("core", ""); err == nil || !strings.Contains(err.Error(), "gyoji rules remove core") {
			t.Errorf("a list %s: %v", list, err)
		}
		if _, err := s.Packages(); err == nil {
			t.Errorf("a list %s is listed", list)
		}
	}
	if _, err := s.Remove("core", ""); err != nil {
		t.Errorf("a damaged package cannot be removed: %v", err)
	}
}

// github answers as GitHub does, with what a test wants to be different.
type github struct {
	*httptest.Server
	text   []byte
	change func(map[string]any)           // of the release
	serve  func(http.ResponseWriter) bool // instead of the file
}

func newGitHub(t *testing.T, text []byte) *github {
	g := &github{text: text}
	mux := http.NewServeMux()
	release := func(w http.ResponseWriter, r *http.Request) {
		out := map[string]any{
			"tag_name": "r2026-07-01", "published_at": "2026-07-01T10:00:00Z", "html_url": Page + "/tag/r2026-07-01",
			"assets": []map[string]any{
				{"name": "sigma_core.zip", "browser_download_url": g.URL + "/files/sigma_core.zip", "digest": "sha256:" + digest(g.text), "size": len(g.text)},
			},
		}
		if g.change != nil {
			g.change(out)
		}
		json.NewEncoder(w).Encode(out)
	}
	mux.HandleFunc("/repos/SigmaHQ/sigma/releases/latest", release)
	mux.HandleFunc("/repos/SigmaHQ/sigma/releases/tags/r2026-07-01", release)
	mux.HandleFunc("/files/sigma_core.zip", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, g.URL+"/kept/1", http.StatusFound) // as GitHub does
	})
	mux.HandleFunc("/kept/1", func(w http.ResponseWriter, r *http.Request) {
		if g.serve == nil || !g.serve(w) {
			w.Write(g.text)
		}
	})
	g.Server = httptest.NewServer(mux)
	t.Cleanup(g.Close)
	return g
}

// get is what gyoji rules update does for a package.
func (g *github) get(ctx context.Context, tag string) ([]byte, error) {
	from, err := ReleasesAt(g.URL)
	if err != nil {
		return nil, err
	}
	r, err := from.Find(ctx, tag)
	if err != nil {
		return nil, err
	}
	a, err := r.Asset(Officials[0])
	if err != nil {
		return nil, err
	}
	return from.Fetch(ctx, a)
}

func TestFetch(t *testing.T) {
	asset := func(key string, value any) func(map[string]any) {
		return func(r map[string]any) { r["assets"].([]map[string]any)[0][key] = value }
	}
	status := func(code int, header ...string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			return true
		}
	}
	for what, c := range map[string]struct {
		tag    string
		change func(map[string]any)
		serve  func(http.ResponseWriter) bool
		want   string // in the error; "" for none
	}{
		"the latest":  {},
		"by its tag":  {tag: "r2026-07-01"},
		"no such tag": {tag: "r2020-01-01", want: "SigmaHQ has no release r2020-01-01; https://github.com/SigmaHQ/sigma/releases"},
		"changed":     {serve: func(w http.ResponseWriter) bool { w.Write(rules(t, "evil")); return true }, want: "not the file that was released"},
		"digest upper": {change: func(r map[string]any) {
			a := r["assets"].([]map[string]any)[0]
			a["digest"] = "sha256:" + strings.ToUpper(a["digest"].(string)[7:])
		}},
		"no digest":    {change: asset("digest", nil), want: "names no SHA-256 of sigma_core.zip"},
		"other digest": {change: asset("digest", "md5:d41d8cd98f00b204e9800998ecf8427e"), want: "names no SHA-256"},
		"no such file": {change: asset("name", "sigma_core+.zip"), want: "no sigma_core.zip: it has sigma_core+.zip"},
		"no files":     {change: func(r map[string]any) { r["assets"] = nil }, want: "it has no files"},
		"a bad tag":    {change: func(r map[string]any) { r["tag_name"] = "../../x" }, want: "is no version"},
		"no tag":       {change: func(r map[string]any) { delete(r, "tag_name") }, want: "does not answer as GitHub's API does"},
		"elsewhere":    {change: asset("browser_download_url", "https://example.com/sigma_core.zip"), want: "leads to another place"},
		"by http":      {change: asset("browser_download_url", "http://example.com/sigma_core.zip"), want: "only https"},
		"a file":       {change: asset("browser_download_url", "file:///etc/passwd"), want: "only https"},
		"redirected":   {serve: status(302, "Location", "https://example.com/x"), want: "leads to another place"},
		"downgraded":   {serve: status(302, "Location", "http://example.com/x"), want: "only https"},
		"round and on": {serve: status(302, "Location", "/kept/1"), want: "redirects on and on"},
		"limited":      {serve: status(403, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1780000000"), want: "takes no more requests from your network for now: try after 20:26 UTC"},
		"forbidden":    {serve: status(403), want: "answers 403 Forbidden"},
		"not there":    {serve: status(404), want: "there is no such page"},
		"broken":       {serve: status(502), want: "answers 502 Bad Gateway; try later, or download the file from"},
		"cut": {serve: func(w http.ResponseWriter) bool {
			w.Header().Set("Content-Length", "100000")
			w.Write([]byte("PK"))
			return true
		}, want: "without a network, download the file elsewhere"},
		"size too large": {change: asset("size", Max+1), want: "no archive of rules has more"},
		"body too large": {serve: func(w http.ResponseWriter) bool {
			zeros := make([]byte, 1<<20)
			for range Max>>20 + 2 {
				if _, err := w.Write(zeros); err != nil {
					break
				}
			}
			return true
		}, want: "sends more than"},
	} {
		t.Run(what, func(t *testing.T) {
			g := newGitHub(t, rules(t, "a", "b"))
			g.change, g.serve = c.change, c.serve
			text, err := g.get(t.Context(), c.tag)
			switch {
			case c.want == "" && (err != nil || !bytes.Equal(text, g.text)):
				t.Errorf("got %d bytes, %v", len(text), err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v; want %q", err, c.want)
			}
		})
	}
}

func TestNoAnswer(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<html>Please log in</html>")
	}))
	defer page.Close()
	if _, err := (&github{Server: page}).get(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "a login page between?") {
		t.Errorf("a login page: %v", err)
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	if _, err := (&github{Server: gone}).get(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "gyoji rules add FILE.zip") {
		t.Errorf("nobody there: %v", err)
	}
	for _, api := range []string{"", "api.github.com", "http://api.github.com", "ftp://api.github.com", "https://user:secret@api.github.com", "https://", "file:///tmp"} {
		if _, err := ReleasesAt(api); err == nil {
			t.Errorf("%q is an address of an API", api)
		}
	}
	for api, hosts := range map[string]string{ // what each may lead to, and what not
		API:                              "github.com release-assets.githubusercontent.com api.github.com !evilgithub.com !github.com.evil.org !127.0.0.1 !localhost !github.io",
		"https://git.example.org/api/v3": "git.example.org media.git.example.org !github.com !example.org !10.0.0.1 !localhost",
	} {
		from, err := ReleasesAt(api)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range strings.Fields(hosts) {
			host, not := strings.CutPrefix(h, "!")
			req, _ := http.NewRequest("GET", "https://"+host+"/x", nil)
			if err := from.allowed(req.URL); (err != nil) != not {
				t.Errorf("%s leads to %s: %v", api, host, err)
			}
		}
	}
}

// A fetch that is interrupted ends at once.
func TestInterrupted(t *testing.T) {
	g := newGitHub(t, rules(t, "a"))
	release := make(chan struct{})
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	g.serve = func(w http.ResponseWriter) bool {
		w.Write(g.text[:10])
		w.(http.Flusher).Flush()
		cancel()
		<-release
		return true
	}
	go func() { <-ctx.Done(); time.Sleep(10 * time.Second); g.CloseClientConnections() }()
	if _, err := g.get(ctx, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A process that ends between any two steps of adding leaves a version that can be used:
// the new archive beside the old list, and files that were not finished.
func TestHalfAdded(t *testing.T) {
	s := &Store{t.TempDir()}
	if _, _, err := s.Add("core", Version{Version: "r1"}, rules(t, "a")); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(s.Dir, "core", listName)
	old, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Add("core", Version{Version: "r2"}, rules(t, "b")); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-48 * time.Hour)
	left := filepath.Join(s.Dir, "core", tempMark+"1.zip")
	for _, err := range []error{os.WriteFile(list, old, 0o644), os.WriteFile(left, []byte("PK"), 0o644), os.Chtimes(left, long, long)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, v, err := s.Find("core", ""); err != nil || v.Version != "r1" {
		t.Errorf("found %s, %v", v.Version, err)
	}
	if v, already, err := s.Add("core", Version{Version: "r2"}, rules(t, "b")); err != nil || already || v.Version != "r2" {
		t.Errorf("added %+v, %v, %v", v, already, err)
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was not finished is still there: %v", err)
	}
}

func TestOfficialOf(t *testing.T) {
	for file, want := range map[string]string{
		"sigma_core.zip": "core", "sigma_core+.zip": "core+", "sigma_core++.zip": "core++", "sigma_all_rules.zip": "all",
		"sigma_emerging_threats_addon.zip": "emerging-threats", "sigma_core (1).zip": "core", "sigma_core+(12).zip": "core+",
		"SIGMA_CORE.ZIP": "core", "sigma_core": "", "my_sigma_core.zip": "", "sigma_core.zip.exe": "", "": "",
	} {
		if o, ok := OfficialOf(file); o.Name != want || ok != (want != "") {
			t.Errorf("%q is of %q", file, o.Name)
		}
	}
}
