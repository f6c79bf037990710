package detection

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/text/unicode/norm"
)

// archive packs members as they are, with the hashes that Unpack wants.
func archive(t testing.TB, tail []byte, members ...tar.Header) []byte {
	t.Helper()
	files := map[string][]byte{}
	for _, m := range members {
		files[m.Name] = []byte("x\n")
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	list := sums(files)
	write := func(h tar.Header, text []byte) {
		h.Mode, h.Size = 0o644, int64(len(text))
		if h.Typeflag != tar.TypeReg && h.Typeflag != 0 {
			h.Size, text = 0, nil
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Skip(err) // tar itself does not hold such a name
		}
		w.Write(text)
	}
	write(tar.Header{Name: SumsName}, list)
	for _, m := range members {
		write(m, files[m.Name])
	}
	w.Close()
	z.Write(tail)
	z.Close()
	return out.Bytes()
}

func named(names ...string) (out []tar.Header) {
	for _, n := range append([]string{ManifestName}, names...) {
		out = append(out, tar.Header{Name: n})
	}
	return out
}

func TestNamesThatAPackageMayHold(t *testing.T) {
	for _, good := range []string{
		"query.sumo", "tests/events/attack.jsonl", "rules/Malicious Link (1).yml", "a+b=c@d,e.txt", "console.md", "com.md", "com10", "auxiliary/x", "lpt", "a..b", "x.new", "README",
	} {
		if _, err := Unpack(bytes.NewReader(archive(t, nil, named(good)...))); err != nil {
			t.Errorf("%q is refused: %v", good, err)
		}
	}
	for _, bad := range [][]string{
		{".git/config"}, {"a/.git/config"}, {".gitattributes"}, {".profile"}, {"...", "x"}, {"a/..."}, {"..x"},
		{`..\x.txt`}, {`C:\x.txt`}, {"C:x"}, {"a:stream"}, {"a\\b"}, {"//server/share"}, {"/etc/passwd"}, {"../x"}, {"a/../../x"}, {"a//b"}, {"./a"}, {"a/"},
		{"Detection.yaml"}, {"DETECTION.YAML"}, {"A/x", "a/y"}, {"tests/x", "Tests"}, {"sha256sums"}, {"ﬁle", "file"},
		{"nul"}, {"NUL.txt"}, {"a/con.tar.gz"}, {"Aux"}, {"com1.log"}, {"LPT9"}, {"com0"}, {"nul .txt"}, {"prn"}, {"COM¹"}, {"CONIN$"}, {"clock$"},
		{"a."}, {"a "}, {"a./b"}, {"a /b"}, {" a"}, {"-rf"}, {"a/--help"}, {"GIT~1/config"}, {"a?"}, {"a*"}, {`a"b`}, {"a<b"}, {"a|b"},
		{"a/b", "a/b/c"}, {"a/b/c", "a/b"}, {"A/B", "a/b/c"}, {"x", "x"}, {"query.sumo", "query.sumo.new"},
		{"caf\u00e9"}, {norm.NFD.String("caf\u00e9")}, {"a\u202eb"}, {"a\u200bb"}, {"a\x1b[31m"}, {"a\nb"}, {"a\x00b"}, {"a\xffb"}, {"日本"},
		{strings.Repeat("a/", 8) + "b"}, {strings.Repeat("a", 101)}, {strings.Repeat("abcdefghi/", 7) + strings.Repeat("x", 99) + "/" + strings.Repeat("y", 99)},
	} {
		t.Run(strings.Join(bad, "+"), func(t *testing.T) {
			if _, err := Unpack(bytes.NewReader(archive(t, nil, named(bad...)...))); err == nil {
				t.Errorf("%q is taken", bad)
			}
			// Pack and install go by the same list.
			files := map[string][]byte{}
			for _, h := range named(bad...) {
				files[h.Name] = nil
			}
			if len(files) < len(bad)+1 { // a name twice is of archives alone
				return
			}
			to := t.TempDir()
			if err := Install(files, to); err == nil && bad[0] != "sha256sums" {
				t.Errorf("%q is installed", bad)
			}
			if left, _ := os.ReadDir(to); len(left) > 0 && bad[0] != "sha256sums" {
				t.Errorf("%q: something was written", bad)
			}
		})
	}
}

func TestOnlyPlainFilesAreUnpacked(t *testing.T) {
	for _, kind := range []byte{tar.TypeSymlink, tar.TypeLink, tar.TypeDir, tar.TypeFifo, tar.TypeChar, tar.TypeBlock} {
		members := append(named(), tar.Header{Name: "x", Linkname: "detection.yaml", Typeflag: kind})
		if _, err := Unpack(bytes.NewReader(archive(t, nil, members...))); err == nil {
			t.Errorf("type %c is taken", kind)
		}
	}
	if _, err := Unpack(bytes.NewReader(archive(t, []byte("more"), named("a")...))); err == nil || !strings.Contains(err.Error(), "after its end") {
		t.Errorf("what follows the end: %v", err)
	}
	if _, err := Unpack(bytes.NewReader(append(archive(t, nil, named("a")...), "more"...))); err == nil {
		t.Error("what follows the gzip stream is taken")
	}
}

// What is unpacked is written below the folder, whatever links are there.
func TestNothingIsWrittenThroughALink(t *testing.T) {
	outside, to := t.TempDir(), t.TempDir()
	files := map[string][]byte{ManifestName: []byte("1"), "tests/x": []byte("1")}
	if err := os.Symlink(outside, filepath.Join(to, "tests")); err != nil {
		t.Skip(err)
	}
	if err := Install(files, to); err == nil {
		t.Error("installed through a link")
	}
	os.Remove(filepath.Join(to, "tests"))
	if err := Install(files, to); err != nil {
		t.Fatal(err)
	}
	os.RemoveAll(filepath.Join(to, "tests"))
	os.Symlink(outside, filepath.Join(to, "tests"))
	files["tests/x"], files["tests/y"] = []byte("2"), []byte("2")
	if _, err := Update(files, to); err == nil {
		t.Error("updated through a link")
	}
	victim := filepath.Join(outside, "victim")
	os.WriteFile(victim, []byte("kept"), 0o644)
	os.Remove(filepath.Join(to, "tests"))
	os.Mkdir(filepath.Join(to, "tests"), 0o755)
	os.Symlink(victim, filepath.Join(to, "tests", "z"))
	files["tests/z"] = []byte("3")
	Update(files, to) // a conflict, or an error
	if text, _ := os.ReadFile(victim); string(text) != "kept" {
		t.Errorf("written through a link: %s", text)
	}
	if left, _ := os.ReadDir(outside); len(left) != 1 {
		t.Errorf("left outside: %v", left)
	}
}

func TestPackLeavesOutDotsAndRefusesLinks(t *testing.T) {
	p := &Package{FS: fstest.MapFS{ManifestName: {Data: []byte("x")}, ".git/config": {}, "a/.DS_Store": {}, "a/b": {}}}
	var out bytes.Buffer
	left, err := p.Pack(&out)
	if err != nil || strings.Join(left, " ") != ".git a/.DS_Store" {
		t.Fatal(left, err)
	}
	files, err := Unpack(&out)
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	p.FS = fstest.MapFS{ManifestName: {Data: []byte("x")}, "l": {Mode: fs.ModeSymlink, Data: []byte("/etc/passwd")}}
	if _, err := p.Pack(&out); err == nil {
		t.Error("a link is packed")
	}
}

// Whatever the archive: it is refused, or its files pass all checks and install, and
// pack again, as they are.
func FuzzPackageArchive(f *testing.F) {
	f.Add(archive(f, nil, named("query.sumo", "tests/tests.yaml")...))
	f.Add(archive(f, []byte("more"), named(".git/config")...))
	for i, m := range [][]tar.Header{named("a/b", "a/b/c"), named("nul"), append(named(), tar.Header{Name: "x", Linkname: "y", Typeflag: tar.TypeSymlink})} {
		f.Add(archive(f, make([]byte, i), m...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		files, err := Unpack(bytes.NewReader(data))
		if err != nil {
			return
		}
		to := t.TempDir()
		if err := Install(files, filepath.Join(to, "p")); err != nil {
			t.Fatalf("unpacked and not installed: %v", err)
		}
		if left, _ := os.ReadDir(to); len(left) != 1 {
			t.Fatalf("written outside: %v", left)
		}
		for name, text := range files {
			if got, err := os.ReadFile(filepath.Join(to, "p", filepath.FromSlash(name))); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("%s: %v", name, err)
			}
		}
		var again bytes.Buffer
		if _, err := (&Package{FS: os.DirFS(filepath.Join(to, "p"))}).Pack(&again); err != nil {
			t.Fatalf("installed and not packed: %v", err)
		}
		if back, err := Unpack(&again); err != nil || len(back) != len(files) {
			t.Fatalf("%d files became %d: %v", len(files), len(back), err)
		}
	})
}

// Whatever the manifest: it is refused with a reason, or can be checked, shown and
// compiled, soon.
func FuzzPackageManifest(f *testing.F) {
	sketch := Example()
	sketch.ID, sketch.Name, sketch.Technique = "8cd49308-5625-4eb1-a93c-efe644715841", "x", "T1059"
	made, err := Skeleton(sketch)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(made[ManifestName]), string(made["query.sumo"]), string(made["tests/tests.yaml"]))
	f.Add("schema: gyoji/detection/v1\ndetections: [{id: a, query: ../../x}]", "{{", "cases: [{events: /etc/passwd}]")
	f.Add("a: &a [*a, *a]", "|", "")
	f.Fuzz(func(t *testing.T, manifest, text, tests string) {
		if len(manifest)+len(text)+len(tests) > 16<<10 {
			return
		}
		start := time.Now()
		fsys := fstest.MapFS{}
		for n, b := range made {
			fsys[n] = &fstest.MapFile{Data: b}
		}
		fsys[ManifestName], fsys["query.sumo"], fsys["tests/tests.yaml"] = &fstest.MapFile{Data: []byte(manifest)}, &fstest.MapFile{Data: []byte(text)}, &fstest.MapFile{Data: []byte(tests)}
		pkgs, errs := Load(fsys, "p")
		if len(pkgs) == 0 && len(errs) == 0 {
			t.Fatal("neither a package nor a reason")
		}
		for _, p := range pkgs {
			p.Check(testNow)
			p.Summarise()
			p.Suite()
			p.Build()
			newRunner(p)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Fatalf("took %v", took)
		}
	})
}
