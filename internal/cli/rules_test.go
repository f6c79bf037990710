package cli

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// releases serves releases as GitHub's API does, on this machine. A folder TAG/PACKAGE
// holds the rules of a package of SigmaHQ; the last tag is the latest. $API is the address
// of the API, $API/slow one whose files never end, $API/other one whose files are not
// those that the release names.
func releases(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: releases DIR")
	}
	files := map[string][]byte{}    // by tag/asset
	assets := map[string][]string{} // by tag
	latest := ""
	folders, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*", "*"))
	ts.Check(err)
	for _, f := range folders {
		latest = filepath.Base(filepath.Dir(f))
		asset := "sigma_" + filepath.Base(f) + ".zip"
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		ts.Check(z.AddFS(os.DirFS(f)))
		ts.Check(z.Close())
		files[latest+"/"+asset] = b.Bytes()
		assets[latest] = append(assets[latest], asset)
	}
	mux := http.NewServeMux()
	for _, base := range []string{"", "/slow", "/other"} {
		release := func(w http.ResponseWriter, r *http.Request, tag string) {
			if assets[tag] == nil {
				http.NotFound(w, r)
				return
			}
			var list []map[string]any
			for _, a := range assets[tag] {
				sum := sha256.Sum256(files[tag+"/"+a])
				list = append(list, map[string]any{"name": a, "digest": "sha256:" + hex.EncodeToString(sum[:]), "size": len(files[tag+"/"+a]),
					"browser_download_url": fmt.Sprintf("http://%s%s/download/%s/%s", r.Host, base, tag, a)})
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"tag_name": tag, "published_at": strings.TrimPrefix(tag, "r") + "T08:00:00Z", "assets": list}) // a client may go
		}
		mux.HandleFunc(base+"/repos/SigmaHQ/sigma/releases/latest", func(w http.ResponseWriter, r *http.Request) { release(w, r, latest) })
		mux.HandleFunc(base+"/repos/SigmaHQ/sigma/releases/tags/{tag}", func(w http.ResponseWriter, r *http.Request) { release(w, r, r.PathValue("tag")) })
		mux.HandleFunc(base+"/download/{tag}/{asset}", func(w http.ResponseWriter, r *http.Request) {
			text := files[r.PathValue("tag")+"/"+r.PathValue("asset")]
			switch base {
			case "/other":
				_, _ = w.Write([]byte("PK other"))
			case "/slow":
				_, _ = w.Write(text[:len(text)/2])
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			default:
				_, _ = w.Write(text)
			}
		})
	}
	s := httptest.NewServer(mux)
	ts.Defer(s.Close)
	ts.Setenv("API", s.URL)
}
