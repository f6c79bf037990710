package mcp

import (
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/gyoji-dev/gyoji/internal/detect/editor"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/packages"
)

const (
	wordScheme    = "gyoji://word/"
	packageScheme = "gyoji://package/"
)

// resources are the documentation of words, and the packages that gyoji ships.
func (s *Server) resources(server *sdk.Server) {
	server.AddResource(&sdk.Resource{URI: "gyoji://words", Name: "words", Title: "Words of the query language", MIMEType: "text/markdown",
		Description: "All operators, group functions and functions, a line each."}, s.words)
	server.AddResourceTemplate(&sdk.ResourceTemplate{URITemplate: wordScheme + "{name}", Name: "word", Title: "A word of the query language", MIMEType: "text/markdown",
		Description: "The form of an operator or function, its meaning, examples."}, s.word)
	server.AddResource(&sdk.Resource{URI: "gyoji://packages", Name: "packages", Title: "Detection packages that gyoji ships", MIMEType: "text/markdown"}, s.packages)
	server.AddResourceTemplate(&sdk.ResourceTemplate{URITemplate: packageScheme + "{+file}", Name: "package", Title: "A file of a detection package",
		Description: "Queries, rules, tests and guides: gyoji://package/T1204.001-malicious-link/query.sumo. A folder lists its files."}, s.packageFile)
}

func one(uri, mime, text string) *sdk.ReadResourceResult {
	return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{{URI: uri, MIMEType: mime, Text: text}}}
}

func (s *Server) words(_ context.Context, r *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
	var b strings.Builder
	ops, fns, aggs := s.Vocab.Docs()
	for _, k := range []struct {
		title string
		docs  []lang.Doc
	}{{"Operators", ops}, {"Group functions", aggs}, {"Functions", fns}} {
		fmt.Fprintf(&b, "## %s\n\n", k.title)
		for _, d := range k.docs {
			fmt.Fprintf(&b, "- `%s`: %s\n", d.Usage, d.Summary)
		}
		b.WriteString("\n")
	}
	return one(r.Params.URI, "text/markdown", b.String()), nil
}

func (s *Server) word(_ context.Context, r *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
	name, err := url.PathUnescape(strings.TrimPrefix(r.Params.URI, wordScheme))
	if err != nil {
		return nil, sdk.ResourceNotFoundError(r.Params.URI)
	}
	text := editor.Documentation(s.Vocab, name)
	if text == "" {
		return nil, sdk.ResourceNotFoundError(r.Params.URI)
	}
	return one(r.Params.URI, "text/markdown", text), nil
}

func (s *Server) packages(_ context.Context, r *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
	all, err := fs.ReadDir(packages.FS, ".")
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, d := range all {
		if _, err := fs.Stat(packages.FS, path.Join(d.Name(), "detection.yaml")); err == nil {
			fmt.Fprintf(&b, "- %s%s/\n", packageScheme, d.Name())
		}
	}
	return one(r.Params.URI, "text/markdown", b.String()), nil
}

// packageFile reads from what is built into gyoji, and nowhere else.
func (s *Server) packageFile(_ context.Context, r *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
	name, err := url.PathUnescape(strings.TrimPrefix(r.Params.URI, packageScheme))
	name = strings.TrimSuffix(name, "/")
	if err != nil || !fs.ValidPath(name) || name == "." {
		return nil, sdk.ResourceNotFoundError(r.Params.URI)
	}
	if list, err := fs.ReadDir(packages.FS, name); err == nil {
		var b strings.Builder
		for _, d := range list {
			end := ""
			if d.IsDir() {
				end = "/"
			}
			fmt.Fprintf(&b, "- %s%s/%s%s\n", packageScheme, name, d.Name(), end)
		}
		return one(r.Params.URI, "text/markdown", b.String()), nil
	}
	text, err := fs.ReadFile(packages.FS, name)
	if err != nil || !utf8.Valid(text) {
		return nil, sdk.ResourceNotFoundError(r.Params.URI)
	}
	if len(text) > bytesMax {
		text = []byte(strings.ToValidUTF8(string(text[:bytesMax]), "") + "\n(truncated: the file is longer)\n")
	}
	return one(r.Params.URI, "text/plain", string(text)), nil
}
