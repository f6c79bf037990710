package gyoji_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/folder"
)

// TestWords keeps the words of CONTRIBUTING's list out of what users read: the
// texts of the program, the pages of docs/, and the comments of packages that other
// programs can use.
func TestWords(t *testing.T) {
	avoid := listed(t)
	leftBehind := regexp.MustCompile(`(left|leaves?|leaving)( \w+){0,3} behind`)
	check := func(place, text string) {
		if m := avoid.FindString(leftBehind.ReplaceAllString(text, "")); m != "" {
			t.Errorf("%s: %q is on the list of words in CONTRIBUTING.md: %.80s", place, m, text)
		}
	}
	read := 0
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if path != "." && folder.Hidden(d.Name()) || d.Name() == "testdata" || d.Name() == "node_modules" || path == "bench" || path == filepath.Join("docs", "decisions") {
				return filepath.SkipDir
			}
		case strings.HasSuffix(path, ".md") && path != "CONTRIBUTING.md" && !strings.HasPrefix(path, "packages"):
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for i, line := range strings.Split(string(b), "\n") {
				read++
				check(path+":"+strconv.Itoa(i+1), line)
			}
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
			if err != nil {
				return err
			}
			if dir, _, below := strings.Cut(filepath.ToSlash(path), "/"); !below || slices.Contains(libraries, dir) {
				for _, c := range f.Comments {
					read++
					check(set.Position(c.Pos()).String(), c.Text())
				}
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
					text, err := strconv.Unquote(l.Value)
					if err != nil {
						t.Error(err)
					}
					read++
					check(set.Position(l.Pos()).String(), text)
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read < 10000 {
		t.Errorf("%d texts were read, which cannot be all", read)
	}
}

// libraries are the folders of packages that other programs can use.
var libraries = []string{"diag", "syntax", "sigma", "siem", "evtx"}

// listed is a pattern of the left column of CONTRIBUTING's list of words.
func listed(t *testing.T) *regexp.Regexp {
	b, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "| not | but |\n|---|---|\n")
	table, _, _ := strings.Cut(rest, "\n\n")
	var words []string
	for _, row := range strings.Split(table, "\n") {
		for _, w := range strings.Split(strings.Split(row, "|")[1], ",") {
			words = append(words, regexp.QuoteMeta(strings.TrimSpace(w)))
		}
	}
	if len(words) < 10 {
		t.Fatalf("the list of words has %d", len(words))
	}
	return regexp.MustCompile(`(?i)\b(` + strings.Join(words, "|") + `)\b`)
}
