// Package web is gyoji's web interface: the page that gyoji serve answers browsers with.
// Its source is in src, in Svelte; dist is what `npm run build` made of it, which is kept
// with the source so that who builds gyoji needs Go alone.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed all:dist
var built embed.FS

// Pages are the addresses of pages, as patterns of net/http: each is answered with the same
// document, whose script shows what the address says.
var Pages = []string{
	"/signin", "/triage", "/insight/{id}", "/search", "/entities", "/entity/{id...}", "/content", "/content/{id...}", "/coverage", "/health",
}

// Files are the addresses of what the document loads. Those below /assets/ have a hash of
// their content in the name.
var Files = []string{"/assets/{name}", "/icon.svg"}

// Headers of every answer: nothing is loaded from elsewhere, no script or style stands in a
// document, and no other site shows the page in a frame.
// Source: OWASP, "Content Security Policy Cheat Sheet", and the design's section 11.
var headers = map[string]string{
	"Content-Security-Policy":    "default-src 'self'",
	"X-Content-Type-Options":     "nosniff",
	"X-Frame-Options":            "DENY",
	"Referrer-Policy":            "no-referrer",
	"Cross-Origin-Opener-Policy": "same-origin",
}

// Page answers with the document.
func Page(w http.ResponseWriter, r *http.Request) { serve(w, r, "index.html", "no-cache") }

// Missing answers a browser that opens an address which is no page: with the document, which
// says so and leads on, and the status 404.
func Missing(w http.ResponseWriter, r *http.Request) {
	r.Header.Del("If-None-Match")
	serve(notFound{w}, r, "index.html", "no-cache")
}

// notFound answers 404 whatever is written.
type notFound struct{ http.ResponseWriter }

func (w notFound) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusNotFound)
	return w.ResponseWriter.Write(p)
}

// File answers with a file that the document loads.
func File(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	keep := "no-cache"
	if strings.HasPrefix(name, "assets/") {
		keep = "public, max-age=31536000, immutable"
	}
	serve(w, r, name, keep)
}

// file is a built file, ready to be sent.
type file struct {
	plain, packed []byte
	kind, tag     string
}

// files are those that were asked for so far, by name: each is packed once, when it is
// asked for first.
var files sync.Map

func read(name string) (*file, error) {
	if f, ok := files.Load(name); ok {
		return f.(*file), nil
	}
	plain, err := fs.ReadFile(built, "dist/"+name)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(plain)
	f := &file{plain: plain, tag: `"` + hex.EncodeToString(sum[:12]) + `"`, kind: kinds[path.Ext(name)]}
	if f.kind == "" {
		f.kind = mime.TypeByExtension(path.Ext(name))
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if _, err := z.Write(plain); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if f.packed = b.Bytes(); len(f.packed) >= len(plain) {
		f.packed = nil
	}
	files.Store(name, f)
	return f, nil
}

// kinds are media types that do not depend on the machine's table.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
}

func serve(w http.ResponseWriter, r *http.Request, name, keep string) {
	h := w.Header()
	for k, v := range headers {
		h.Set(k, v)
	}
	f, err := read(name)
	if err != nil {
		http.Error(w, "the web interface has no file of this name", http.StatusNotFound)
		return
	}
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", keep)
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", f.tag)
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if f.packed != nil && takesGzip(r.Header.Get("Accept-Encoding")) {
		body = f.packed
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

// takesGzip reports whether an Accept-Encoding names gzip without refusing it.
func takesGzip(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" || name == "*" {
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
			return weight == "" || err != nil || q > 0
		}
	}
	return false
}
