package langtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

// TestOperatorsDeclareTheirFacts asks each operator what becomes of rows.
func TestOperatorsDeclareTheirFacts(t *testing.T) {
	v := query.Standard()
	for _, name := range v.Names() {
		if o := v.Operator(name); o != nil && o.Facts.Rows == 0 {
			t.Errorf("%s does not say what becomes of rows: Facts.Rows", name)
		}
	}
}

// readers are the packages that read queries besides running them. What they ask of
// an operator it declares in its own file, so that they know none by name: adding
// one touches one file.
var readers = []string{"../../query", "../../lang", "../../../detect/lint", "../../../detect/convert", "../../../detect/proof", "../../../detect/draft", "../../../detect/detection"}

// known are the operators that a reader knows by name all the same, and why.
var known = map[string]string{
	"where":   "a condition, and nothing besides: readers look into it",
	"parse":   "the mark of a run of parse stages",
	"lookup":  "the name of the budget of tables",
	"fields":  "a key of rule formats",
	"details": "a field of events",
	"filter":  "a kind of Sigma document",
	"limit":   "a key of Cloud SIEM rules",
	"json":    "the ending of files, and a key",
	"sort":    "a package",
}

func TestReadersKnowNoOperatorByName(t *testing.T) {
	v := query.Standard()
	seen := map[string]bool{}
	for _, dir := range readers {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && d.Name() != filepath.Base(dir) {
				return filepath.SkipDir
			}
			if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if x, ok := n.(*ast.TypeAssertExpr); ok {
					of, isField := x.X.(*ast.SelectorExpr)
					as, named := x.Type.(*ast.SelectorExpr)
					if inside := strings.HasSuffix(dir, "/lang"); isField && of.Sel.Name == "Stage" && !inside && !(named && as.Sel.Name == "Sorter") {
						t.Errorf("%s asks what a stage is: declare it in lang.Facts", set.Position(x.Pos()))
					}
				}
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return true
				}
				s, err := strconv.Unquote(lit.Value)
				if o := v.Operator(s); err == nil && o != nil {
					if known[strings.ToLower(s)] == "" {
						t.Errorf("%s knows the operator %s by its name: declare what it asks in lang.Facts", set.Position(lit.Pos()), s)
					}
					seen[strings.ToLower(s)] = true
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name := range known {
		if !seen[name] {
			t.Errorf("%s is known by its name nowhere now: take it off the list", name)
		}
	}
}
