package sigma

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// byLibrary is what the YAML library makes of a text of one document.
func byLibrary(text string) (*yaml.Node, error) {
	d := yaml.NewDecoder(strings.NewReader(text))
	var n, more yaml.Node
	if err := d.Decode(&n); err != nil {
		return nil, err
	}
	if err := d.Decode(&more); err != io.EOF {
		return nil, err
	}
	return n.Content[0], nil
}

// differ says where two trees differ, comments aside.
func differ(a, b *yaml.Node) (*yaml.Node, bool) {
	if a.Kind != b.Kind || a.Style != b.Style || a.Tag != b.Tag || a.Value != b.Value || a.Anchor != b.Anchor ||
		a.Alias != b.Alias || a.Line != b.Line || a.Column != b.Column || len(a.Content) != len(b.Content) {
		return a, true
	}
	for i := range a.Content {
		if n, yes := differ(a.Content[i], b.Content[i]); yes {
			return n, true
		}
	}
	return nil, false
}

func sameAsLibrary(t *testing.T, text string) (read bool) {
	t.Helper()
	got, ok := block(text, &nodes{})
	if !ok {
		return false
	}
	want, err := byLibrary(text)
	if err != nil || want == nil {
		t.Errorf("read, and the library says %v:\n%s", err, text)
		return true
	}
	if n, yes := differ(got, want); yes {
		t.Errorf("line %d, column %d: %q %s differs:\n%s", n.Line, n.Column, n.Value, n.Tag, text)
	}
	return true
}

// Nearly all of SigmaHQ's rules are read by block, and as the library reads them.
func TestBlockReadsRulesAsTheLibrary(t *testing.T) {
	f, err := os.Open("../../shared/data/sigma/windows-rules.tar.gz")
	if err != nil {
		t.Skip("SigmaHQ's rules are not here: ", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	read, all := 0, 0
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(h.Name, ".yml") {
			continue
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all++
		if sameAsLibrary(t, string(text)) {
			read++
		} else if testing.Verbose() {
			t.Log(h.Name)
		}
	}
	if read*100 < all*97 {
		t.Errorf("%d of %d rules are read, want nearly all", read, all)
	}
}

var blockTexts = []string{
	"a: b\n", "a: b", "a:\n  b: c\n  d:\n    - e\n    - f: g\n      h: i\n", "a:\n- b\n- c\nd: e\n", "a: |\n  b\n\n   c\nd: |\n  e\n",
	"a: |\n  b", "a: |\n\n  b\n\n\n# c\nd: e\n", "a: |\n  b\n # c\nd: 1\n", "a: 'b''c' # d\n", "a: \"b\" #c\n", "a: b #c\ne: f#g\n", "a: 1\nb: 0x1f\nc: ~\nd: 2020-01-01\ne: .5\nf: -x\ng: true\nh: yes\n",
	"é: ü\n", "- a\n- b: c\n", "a: b: c\n", "a: b\n c\n", "a:\n  - b\n c: d\n", "a:\n\nb: c\n", "a: [b]\n", "a: 'b\n  c'\n", "---\na: b\n", "a: b\n---\nc: d\n", "a: b\n...\n", "<<: a\n", "a: |\n   \n  b\n", "a: |-\n  b\n",
	"a: 'b'c\n", "a: *b\n", "- - a\n", "-\n  a: b\n", "a : b\n", "a: b:\n", "a:b\n", "? a\n", "a: - b\n", "-a: b\n", "a: -\n", "- a:\n  - b\n", "- a:\n    b: c\n  d: e\n- f\n", "'a': b\n", "a: 'b': c\n", "a#b: c\n", "a #b: c\n", "a:\n# b\n  c: d\n",
	"a: 0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d\nb: 12345678-1234-1234-1234-123456789012\nc: 1 of b*\nd: .nan\ne: -.inf\nf: 0b11\ng: 2001-12-14t21:59:43.10-05:00\nh: 1e5\ni: 0x1fg\nj: 1_000\n",
	"a: 2025-02-30\nb: 2025-1-1\nc: 012\nd: 0o17\ne: 12345678901\nf: false\ng: No\nh: title\ni: null\nj: +12\nk: 3.\n",
	"a: b\n\n", " a: b\n", "a: \"b\\n\"\n", "a: %b\nc: @d\n", "a: b\n  # c\nd: e\n", "- 'a': b\n", "- a: |\n   b\n", "a: |\n b\n  c\n d\n", "a: b   \n", "a:   'b'   \n",
}

func TestBlockIsTheLibrarys(t *testing.T) {
	read := 0
	for _, text := range blockTexts {
		if sameAsLibrary(t, text) {
			read++
		}
	}
	if read < 20 {
		t.Errorf("%d texts are read: the test sees too little", read)
	}
}

// Whatever block reads, the library reads the same way.
func FuzzBlock(f *testing.F) {
	for _, text := range blockTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { sameAsLibrary(t, text) })
}
