package web

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
)

// firstMax is how many bytes a first load may have, compressed.
const firstMax = 250_000

func packed(t *testing.T, text []byte) int {
	t.Helper()
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

// TestBuilt: what was built keeps the policy that it is served with, names no other server,
// and its first load is small.
func TestBuilt(t *testing.T) {
	page, err := fs.ReadFile(built, "dist/index.html")
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`(?i)<style|\sstyle=|\son\w+=|<script(?:[^>]*)>[^<]`).Find(page); m != nil {
		t.Errorf("index.html has %q, which the policy stops", m)
	}
	first := packed(t, page)
	for _, m := range regexp.MustCompile(`(?:src|href)="/([^"]+)"`).FindAllSubmatch(page, -1) {
		text, err := fs.ReadFile(built, "dist/"+string(m[1]))
		if err != nil {
			t.Errorf("index.html names a file that there is not: %v", err)
		}
		first += packed(t, text)
	}
	if first > firstMax || first < 10_000 {
		t.Errorf("the frame has %d bytes, at most %d are meant", first, firstMax)
	}
	address := regexp.MustCompile("https?://[a-zA-Z0-9.-]+")
	files := 0
	err = fs.WalkDir(built, "dist", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		text, err := fs.ReadFile(built, name)
		if err != nil {
			return err
		}
		for _, a := range address.FindAllString(string(text), -1) {
			// Names of XML, what Svelte's errors point people to, and examples.
			if !strings.HasPrefix(a, "http://www.w3.org") && a != "https://svelte.dev" && !strings.Contains(a, "example") && !strings.HasPrefix(a, "http://127.0.0.1") {
				t.Errorf("%s names %s", name, a)
			}
		}
		if kinds[path.Ext(name)] == "" {
			t.Errorf("%s is of a kind that has no media type", name)
		}
		return nil
	})
	if err != nil || files < 10 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestTakesGzip(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "gzip": true, "gzip, deflate, br": true, "br;q=1.0, gzip;q=0.8, *;q=0.1": true, "gzip;q=0": false, "identity": false, "*": true, "br": false, "deflate, gzip;q=1.0": true,
	} {
		if got := takesGzip(accept); got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
}
