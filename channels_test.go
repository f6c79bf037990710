package gyoji

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// bareChannels are the sends, receives and ranges over channels that are in no select,
// as "file: function: operation", with the reason why they end. All others stand in a
// select with a context's Done or a default, so that an interrupt ends the run at once.
var bareChannels = map[string]string{
	"internal/cli/follow.go: pump: <-ended":                     "the goroutine waits only for what is given the context that was cancelled the line before",
	"internal/cli/stream.go: write: done <-":                    "there is room for the one value that is ever sent",
	"internal/cli/progress.go: stop: <-done":                    "the goroutine ends once quit is closed, the line before; all it does is to draw a line",
	"internal/engine/input/stdin.go: openPipe: come <-":         "there is room for the one value that is ever sent",
	"internal/engine/input/stdin.go: newInterruptible: free <-": "there is room for both buffers that exist",
	"internal/engine/input/stdin.go: Read: free <-":             "there is room for both buffers that exist",
	"internal/store/log.go: close: <-ended":                     "the goroutine ends once closed is set, lines before; it may yet write what has come",
	"internal/server/server.go: start: ended <-":                "there is room for the one value that is ever sent",
	"internal/lsp/server.go: Handle: <-ready":                   "it is closed once the connection is made, by who makes it, lines later",
	"internal/lsp/server.go: compute: <-slots":                  "what was put in is taken out",
	"internal/mcp/answer.go: run: <-slots":                      "what was put in is taken out",
	"internal/mcp/answer.go: run: ended <-":                     "there is room for the one value that is ever sent",
	"internal/mcp/server.go: ListenAndServe: done <-":           "there is room for the one value that is ever sent",
	"internal/server/desk/cases.go: runCases: <-running":        "what was put in is taken out",
	"internal/server/search/whynot.go: whyNot: <-whyNotSlots":   "what was put in is taken out",
	"internal/server/job/run.go: run: <-slots":                  "what was put in is taken out",
	"internal/server/desk/desk.go: reading: <-running":          "what was put in is taken out",
	"internal/server/live/live.go: follow: <-done":              "the build was cancelled the line before, and reading ends with its context",
	"internal/server/job/turns.go: leave: ready <-":             "there is room for the one turn that a worker waits for",
	"internal/server/job/turns.go: give: ready <-":              "there is room for the one turn that a worker waits for",
	"internal/store/store.go: Close: <-ended":                   "the goroutine ends once its context does, the line before",
	"internal/engine/input/stdin.go: within: free <-":           "there is room for both buffers that exist",
}

// TestNoBareChannelOperation: a goroutine that waits for one that is gone waits for ever,
// and the program with it.
func TestNoBareChannelOperation(t *testing.T) {
	met := map[string]bool{}
	err := filepath.WalkDir("internal", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		path = filepath.ToSlash(path)
		if strings.HasPrefix(path, "internal/sharedtest/") || strings.Contains(path, "test/") { // for tests
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		channels := channelNames(file)
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			inSelect := map[ast.Node]bool{}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectStmt)
				if !ok {
					return true
				}
				for _, c := range s.Body.List {
					comm := c.(*ast.CommClause).Comm
					if comm == nil || len(s.Body.List) < 2 {
						continue // a select of one case waits as a bare operation does
					}
					ast.Inspect(comm, func(n ast.Node) bool {
						if n != nil {
							inSelect[n] = true
						}
						return true
					})
				}
				return true
			})
			ast.Inspect(f.Body, func(n ast.Node) bool {
				what := ""
				switch n := n.(type) {
				case *ast.SendStmt:
					what = nameOf(n.Chan) + " <-"
				case *ast.UnaryExpr:
					if n.Op == token.ARROW {
						what = "<-" + nameOf(n.X)
					}
				case *ast.RangeStmt:
					if n.Value == nil && channels[nameOf(n.X)] {
						what = "range " + nameOf(n.X)
					}
				}
				if what == "" || inSelect[n] {
					return true
				}
				at := fmt.Sprintf("%s: %s: %s", path, f.Name.Name, what)
				met[at] = true
				if bareChannels[at] == "" {
					t.Errorf("%s: %q waits whatever becomes of the run: put it in a select with the context's Done, or say in bareChannels why it ends", set.Position(n.Pos()), at)
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for at := range bareChannels {
		if !met[at] {
			t.Errorf("%q is no more: take it off the list", at)
		}
	}
}

// channelNames are the names that a file makes or declares a channel under.
func channelNames(file *ast.File) map[string]bool {
	out := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			if _, ok := n.Type.(*ast.ChanType); ok {
				for _, name := range n.Names {
					out[name.Name] = true
				}
			}
		case *ast.AssignStmt:
			for i, r := range n.Rhs {
				call, ok := r.(*ast.CallExpr)
				if !ok || i >= len(n.Lhs) || len(call.Args) == 0 || nameOf(call.Fun) != "make" {
					continue
				}
				if _, ok := call.Args[0].(*ast.ChanType); ok {
					out[nameOf(n.Lhs[i])] = true
				}
			}
		}
		return true
	})
	return out
}

// nameOf is the last name of an expression: results of x.results and x.results().
func nameOf(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return x.Sel.Name
	case *ast.CallExpr:
		return nameOf(x.Fun)
	case *ast.IndexExpr:
		return nameOf(x.X)
	case *ast.ParenExpr:
		return nameOf(x.X)
	}
	return "?"
}
