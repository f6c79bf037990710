package gyoji

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/gyoji-dev/gyoji"

// floors lists every package of the product by floor, lowest first, as
// docs/architecture.md draws the house. A package imports lower floors, and
// what is listed before it on its own.
var floors = [][]string{
	{"internal/folder", "internal/text/printable", "diag", "internal/text/event", "internal/text/match", "internal/text/datefmt"},
	{"syntax", "sigma", "siem", "siem/ruledoc", "internal/text/jsondoc", "internal/engine/lookup", "evtx"},
	{"internal/engine/expr", "internal/engine/exec", "internal/engine/input", "internal/engine/lang"},
	{"internal/engine/logic", "internal/engine/mapping", "internal/engine/op", "internal/engine/fn", "internal/engine/agg", "internal/engine/format", "internal/engine/kafka", "internal/engine/render"},
	{"internal/engine/query"},
	{"packages", "internal/detect/record", "internal/detect/machine", "internal/detect/insight", "internal/detect/content", "internal/detect/foreign", "internal/detect/convert", "internal/detect/rule", "internal/detect/tenant", "internal/detect/proof", "internal/detect/draft", "internal/detect/detection", "internal/detect/rulepack", "internal/detect/process", "internal/detect/hunt", "internal/detect/incident", "internal/detect/report", "internal/detect/conformance", "internal/detect/lint", "internal/detect/editor", "internal/detect/highlight"},
	{"internal/store/message", "internal/store/columns", "internal/store"},
	{"internal/server/access", "internal/server/collect", "internal/server/job", "internal/server/api", "internal/server/live", "internal/server/sec", "internal/server/notify", "internal/server/desk", "internal/server/search", "web", "internal/server", "internal/lsp", "internal/mcp", "internal/cli"},
	{"cmd/gyoji", ""},
}

// beside are packages for tests; anyone's tests may import them.
var beside = []string{"internal/sharedtest", "syntax/syntaxtest", "evtx/evtxtest", "sigma/sigmatest", "internal/engine/exec/exectest", "internal/engine/lang/langtest"}

func TestFloors(t *testing.T) {
	place := map[string]int{}
	n := 0
	for _, floor := range floors {
		for _, p := range floor {
			place[p] = n
			n++
		}
	}
	isBeside := map[string]bool{}
	for _, p := range beside {
		isBeside[p] = true
	}
	checked := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bench" || name == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		pkg := filepath.ToSlash(filepath.Dir(path))
		if pkg == "." {
			pkg = ""
		}
		if isBeside[pkg] {
			return nil
		}
		from, ok := place[pkg]
		if !ok {
			t.Errorf("package %q has no floor; give it one here and in docs/architecture.md", pkg)
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imp := range file.Imports {
			dep := strings.Trim(imp.Path.Value, `"`)
			if dep != module && !strings.HasPrefix(dep, module+"/") {
				continue
			}
			dep = strings.TrimPrefix(strings.TrimPrefix(dep, module), "/")
			to, ok := place[dep]
			checked++
			switch {
			case isBeside[dep]:
				t.Errorf("%s imports %s, which is for tests", path, dep)
			case !ok:
				t.Errorf("%s imports %s, which has no floor", path, dep)
			case to >= from:
				t.Errorf("%s imports %s, which is not below it", path, dep)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 20 {
		t.Errorf("only %d imports were looked at: the walk does not see the product", checked)
	}
}
