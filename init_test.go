package gyoji

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestNothingIsCompiledAtStart: a regular expression or a page's template of a package
// is compiled when it is first used. Every run of gyoji starts every package, and uses
// few of them. Those that are compiled later (match.Lazy) all compile.
func TestNothingIsCompiledAtStart(t *testing.T) {
	lazy := 0
	set := token.NewFileSet()
	var atStart func(n ast.Node) bool
	atStart = func(n ast.Node) bool {
		if _, later := n.(*ast.FuncLit); later {
			return false
		}
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if f, now := call.Fun.(*ast.FuncLit); now {
			ast.Inspect(f.Body, atStart)
		}
		switch name := callee(call); name {
		case "regexp.MustCompile", "regexp2.MustCompile", "template.Must", "match.NewSet":
			t.Errorf("%s: %s at the start of every run; use match.Lazy or sync.OnceValue", set.Position(call.Pos()), name)
		case "match.Lazy":
			lazy++
			if pattern, ok := constant(call.Args[0]); ok {
				if _, err := regexp.Compile(pattern); err != nil {
					t.Errorf("%s: %v", set.Position(call.Pos()), err)
				}
			}
		}
		return true
	}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			for _, p := range beside {
				if path == filepath.FromSlash(p) {
					return filepath.SkipDir
				}
			}
			if name := d.Name(); path != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bench") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if g, ok := decl.(*ast.GenDecl); ok && g.Tok == token.VAR {
				ast.Inspect(g, atStart)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if lazy < 80 {
		t.Errorf("only %d expressions were looked at: the walk does not see the product", lazy)
	}
}

func callee(call *ast.CallExpr) string {
	if s, ok := call.Fun.(*ast.SelectorExpr); ok {
		if x, ok := s.X.(*ast.Ident); ok {
			return x.Name + "." + s.Sel.Name
		}
	}
	return ""
}

// constant is a text that is put together of literals.
func constant(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.BinaryExpr:
		a, ok1 := constant(e.X)
		b, ok2 := constant(e.Y)
		return a + b, ok1 && ok2 && e.Op == token.ADD
	}
	return "", false
}
