package server

import (
	"archive/zip"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/packages"
)

// demoZip is samples/, packed; the tests compare it and write it anew with -update. A file of
// Go among the samples would be read as a log.
//
//go:embed demo.zip
var demoZip []byte

// demoName is the file in the data folder that says that the demonstration is there.
const demoName = "demo"

// Demo puts the logs that gyoji ships into the store, and the queries of its detection
// packages into the folder Packages of saved searches; both once for a data folder.
func (s *Server) Demo(ctx context.Context) error {
	done := filepath.Join(s.c.Data, demoName)
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	if err := s.demoLogs(ctx); err != nil {
		return fmt.Errorf("demo: the samples: %w", err)
	}
	if err := s.demoSearches(ctx); err != nil {
		return fmt.Errorf("demo: the packages: %w", err)
	}
	return access.WriteFile(done, []byte("the demonstration was loaded\n"))
}

func (s *Server) demoLogs(ctx context.Context) error {
	dir, err := os.MkdirTemp(s.c.Data, ".demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	logs, err := zip.NewReader(bytes.NewReader(demoZip), int64(len(demoZip)))
	if err != nil {
		return err
	}
	if err := os.CopyFS(dir, logs); err != nil {
		return err
	}
	opt := input.Options{Warnings: &exec.Warnings{}}
	src, err := input.Paths([]string{dir}, opt)
	if err != nil {
		return err
	}
	into := s.store.Files()
	into.Warnings = opt.Warnings
	into.Source.Collector = "demo"
	return into.Add(ctx, input.NewReader(src, format.All(), opt))
}

// demoSearches saves the packages' queries by way of the API, as its clients would.
func (s *Server) demoSearches(ctx context.Context) error {
	call := func(method, path string, body, into any) error {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(ctx, method, path, bytes.NewReader(text))
		if err != nil {
			return err
		}
		r.SetBasicAuth(s.vault.c.AccessID, s.vault.c.AccessKey)
		r.Header.Set("Content-Type", "application/json")
		w := inside{header: http.Header{}, status: http.StatusOK}
		s.http.Handler.ServeHTTP(&w, r)
		if w.status >= http.StatusMultipleChoices {
			return fmt.Errorf("%s %s: %d %s", method, path, w.status, &w.body)
		}
		return json.Unmarshal(w.body.Bytes(), into)
	}
	type search struct {
		Type   string `json:"type"`
		Name   string `json:"name"`
		Search struct {
			Query string `json:"queryText"`
			Range string `json:"defaultTimeRange"`
		} `json:"search"`
	}
	type folder struct {
		Type     string `json:"type"`
		Name     string `json:"name"`
		Children []any  `json:"children"`
	}
	all := folder{"FolderSyncDefinition", "Packages", []any{}}
	err := fs.WalkDir(packages.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Base(name) != "query.sumo" && path.Base(path.Dir(name)) != "hunts" || !strings.HasSuffix(name, ".sumo") {
			return err
		}
		text, err := fs.ReadFile(packages.FS, name)
		if err != nil {
			return err
		}
		x := search{Type: "SavedSearchWithScheduleSyncDefinition", Name: strings.TrimSuffix(strings.NewReplacer("/query.sumo", "", "/hunts/", ": ").Replace(name), ".sumo")}
		x.Search.Query, x.Search.Range = string(text), "-365d"
		all.Children = append(all.Children, x)
		return nil
	})
	if err != nil {
		return err
	}
	var personal, job struct{ ID string }
	if err := call(http.MethodGet, "/api/v2/content/folders/personal", nil, &personal); err != nil {
		return err
	}
	if err := call(http.MethodPost, "/api/v2/content/folders/"+personal.ID+"/import?overwrite=true", all, &job); err != nil {
		return err
	}
	var status struct {
		Status string
		Error  any
	}
	if err := call(http.MethodGet, "/api/v2/content/folders/"+personal.ID+"/import/"+job.ID+"/status", nil, &status); err != nil {
		return err
	}
	if status.Status != "Success" {
		return errors.New(fmt.Sprint(status.Status, " ", status.Error))
	}
	return nil
}

// inside is the answer to a call that the server makes of itself.
type inside struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (i *inside) Header() http.Header         { return i.header }
func (i *inside) WriteHeader(status int)      { i.status = status }
func (i *inside) Write(p []byte) (int, error) { return i.body.Write(p) }
