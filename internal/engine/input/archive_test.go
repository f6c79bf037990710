package input

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

type packed struct {
	name string
	data []byte
}

func zipOf(t *testing.T, files ...packed) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.Create(f.name)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(f.data)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarOf(t *testing.T, files ...packed) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.data)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		w.Write(f.data)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gz(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

// TestArchives: members of archives are parts with a name of their own, one
// archive in another too, and what cannot be read is named.
func TestArchives(t *testing.T) {
	line := func(s string) []byte { return []byte(s + "\n") }
	a, b := packed{"a.log", line("a")}, packed{"dir/b.log.gz", gz(line("b"))}
	deep := tarOf(t, packed{"3.zip", zipOf(t, a)})
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"plain", line("x"), "log=x"},
		{"zip", zipOf(t, b, a, packed{".hidden", line("h")}, packed{"__MACOSX/a.log", line("h")}), "log#a.log=a log#dir/b.log.gz=b"},
		{"tar", tarOf(t, b, a), "log#dir/b.log.gz=b log#a.log=a"},
		{"tar.gz", gz(tarOf(t, a, b)), "log#a.log=a log#dir/b.log.gz=b"},
		{"zip in zip", zipOf(t, packed{"z.zip", zipOf(t, a)}), "log#z.zip#a.log=a"},
		{"tar.gz in zip", zipOf(t, packed{"z.tgz", gz(tarOf(t, a, b))}), "log#z.tgz#a.log=a log#z.tgz#dir/b.log.gz=b"},
		{"zip in tar", tarOf(t, packed{"z.zip", zipOf(t, a)}, b), "log#z.zip#a.log=a log#dir/b.log.gz=b"},
		{"three deep", zipOf(t, packed{"2.tar", deep}), "error log#2.tar#3.zip"},
		{"tar cut short", tarOf(t, a, packed{"c", bytes.Repeat([]byte("c"), 4000)})[:2000], "log#a.log=a error log#c error log"},
		{"no zip after all", []byte("PK\x03\x04 and text"), "error log"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			if got := readParts(t, path, nil); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			temp := t.TempDir()
			t.Setenv("TMPDIR", temp)
			if got := readParts(t, "-", bytes.NewReader(c.data)); got != c.want {
				t.Errorf("of standard input: got %s, want %s", got, c.want)
			}
			if left, _ := os.ReadDir(temp); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// readParts reads the parts of a path, each as NAME=TEXT, errors by name. Standard
// input is called log, too.
func readParts(t *testing.T, path string, stdin io.Reader) string {
	t.Helper()
	src, err := Paths([]string{path}, Options{Stdin: stdin})
	if err != nil {
		t.Fatal(err)
	}
	short := func(name string) string {
		if rest, ok := strings.CutPrefix(name, "-"); ok {
			return "log" + rest
		}
		return strings.TrimPrefix(name, filepath.Dir(path)+"/")
	}
	var out []string
	for p, err := range src.Parts(context.Background()) {
		if err != nil {
			name, _, _ := strings.Cut(err.Error(), ": ")
			out = append(out, "error "+short(name))
			continue
		}
		r, err := p.Open(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		text, err := decompress(r)
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(text)
		r.Close()
		if err != nil {
			out = append(out, "error "+short(p.Name))
			continue
		}
		out = append(out, short(p.Name)+"="+strings.TrimSpace(string(all)))
	}
	return strings.Join(out, " ")
}

// TestCompressionAndEncodings: each kind is recognised by content.
func TestCompressionAndEncodings(t *testing.T) {
	const text = "Straße €𝄞\n"
	var z, x bytes.Buffer
	zw, _ := zstd.NewWriter(&z)
	io.WriteString(zw, text)
	zw.Close()
	xw, err := xz.NewWriter(&x)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(xw, text)
	xw.Close()
	wide := func(low bool) []byte {
		out := []byte{0xfe, 0xff}
		if low {
			out = []byte{0xff, 0xfe}
		}
		for _, u := range utf16.Encode([]rune(text)) {
			if low {
				out = append(out, byte(u), byte(u>>8))
			} else {
				out = append(out, byte(u>>8), byte(u))
			}
		}
		return out
	}
	for name, data := range map[string][]byte{
		"plain": []byte(text), "UTF-8 with BOM": []byte("\xef\xbb\xbf" + text), "gzip": gz([]byte(text)), "gzip twice": gz(gz([]byte(text))),
		"two gzip members": append(gz([]byte(text[:4])), gz([]byte(text[4:]))...),
		"zstd":             z.Bytes(), "xz": x.Bytes(), "UTF-16LE": wide(true), "UTF-16BE": wide(false), "gzip of UTF-16": gz(wide(true)),
		"bzip2": []byte("\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x73\x67\x74\x4e\x00\x00\x01\x53\xf5\x80\x10\x40\x00\x08\x00\x22\x00\x14\x00\x14\x00\x00\x03\x80\x04\x08\x00\x10\x00\x40\x00\x20\x00\x22\x13\x46\x46\x46\xca\x14\xc0\x01\x34\xa7\x68\xef\x36\x3c\x6c\x80\x0f\xc5\xdc\x91\x4e\x14\x24\x1c\xd9\xdd\x13\x80"), // by Python's bz2
	} {
		t.Run(name, func(t *testing.T) {
			r, err := decompress(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err != nil || string(got) != text {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// TestDamageInALongLine: a checksum that does not fit is told where the line it
// stands in is passed over for being too long.
func TestDamageInALongLine(t *testing.T) {
	data := gz(make([]byte, MaxEventBytes+(4<<20)))
	data[len(data)-6] ^= 1 // the checksum
	path := filepath.Join(t.TempDir(), "long.gz")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	whole := &Format{Name: "whole", Cut: func([]byte, int64, bool) int { return 0 }}
	src, _ := Paths([]string{path}, Options{})
	r := NewReader(src, nil, Options{Force: whole})
	var buf []byte
	for {
		b, err := r.block(context.Background(), &buf)
		if err != nil {
			t.Fatal(err)
		}
		if b.format == nil {
			break
		}
	}
	if f := r.Stats().Failed; len(f) != 1 || !strings.Contains(f[0].Error(), "cannot be read beyond byte") {
		t.Errorf("failed: %v, want the checksum", f)
	}
	if n := int64(cap(buf)); n > MaxEventBytes+4*blockBytes {
		t.Errorf("a buffer of %d bytes, for events of at most %d", n, MaxEventBytes)
	}
}
