package folder

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestVisible(t *testing.T) {
	fsys := fstest.MapFS{"a/b": {}, "a/.b/c": {}, ".hidden/x": {}, "a/.c": {}, "z": {}}
	for root, want := range map[string]string{".": "a/b z", "a": "a/b", "a/.b": "a/.b/c"} {
		var got []string
		err := fs.WalkDir(fsys, root, Visible(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				got = append(got, path)
			}
			return err
		}))
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("below %s: %v, %v; want %s", root, got, err, want)
		}
	}
	if err := fs.WalkDir(fsys, "none", Visible("none", func(_ string, _ fs.DirEntry, err error) error { return err })); err == nil {
		t.Error("a folder that is not there is no error")
	}
}

// Every walk of the program leaves out what is hidden, but for these.
func TestEveryWalkIsVisible(t *testing.T) {
	allowed := map[string]string{
		"internal/cli/output.go":            "asks whether a file to be written is below a folder, also a hidden one",
		"internal/mcp/paths.go":             "refuses links and devices below a folder, also hidden ones",
		"internal/server/demo.go":           "walks the packages that are built in, which have no hidden names",
		"internal/store/backup.go":          "copies all that a server keeps beside its store, under whatever name",
		"internal/detect/detection/pack.go": "lists the hidden names that it does not pack, and reads .gyoji-base itself",
	}
	met := map[string]bool{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, Visible(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "testdata" || d.Name() == "bench") {
			if err == nil {
				err = fs.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			walk, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || walk.Sel.Name != "WalkDir" && walk.Sel.Name != "Walk" {
				return true
			}
			if of, ok := walk.X.(*ast.Ident); !ok || of.Name != "fs" && of.Name != "filepath" {
				return true
			}
			if arg, ok := call.Args[len(call.Args)-1].(*ast.CallExpr); ok {
				if f, ok := arg.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Visible" {
					return true
				}
			}
			name, _ := filepath.Rel(root, path)
			if name = filepath.ToSlash(name); allowed[name] == "" {
				t.Errorf("%s: walks what is hidden, too: wrap the function in folder.Visible, or say here why not", set.Position(call.Pos()))
			}
			met[name] = true
			return true
		})
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	for name := range allowed {
		if !met[name] {
			t.Errorf("%s no longer walks a folder: take it off the list", name)
		}
	}
}
