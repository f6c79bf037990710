package langtest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
)

// TestDocumentedFormsCompile compiles every form that Sumo Logic's documentation
// shows of its operators and functions, and prints and compiles it again. What is
// refused on purpose is refused with the code that the file names.
func TestDocumentedFormsCompile(t *testing.T) {
	text, err := os.ReadFile("testdata/documented.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		n++
		code, src := "", line
		if rest, ok := strings.CutPrefix(line, "refused: "); ok {
			code, src, _ = strings.Cut(rest, ": ")
		}
		q, found := query.Compile(diag.Text("query", src), query.Standard())
		if code != "" {
			if !strings.Contains(found.Err().Error(), "["+code+"]") {
				t.Errorf("line %d: %s\nis not refused with %s: %v", i+1, src, code, found.Err())
			}
			continue
		}
		if q == nil {
			t.Errorf("line %d: %s\n%v", i+1, src, found.Err())
			continue
		}
		if again, found := query.Compile(diag.Text("query", syntax.Print(q.Tree)), query.Standard()); again == nil {
			t.Errorf("line %d: %s\nprinted as\n%s\n%v", i+1, src, syntax.Print(q.Tree), found.Err())
		}
	}
	if n < 150 {
		t.Errorf("only %d forms are read", n)
	}
}

// A form that is cut, or has something more in it, at any byte compiles or is
// refused with a reason.
func TestDocumentedFormsCutAnywhereAreRefused(t *testing.T) {
	text, err := os.ReadFile("testdata/documented.txt")
	if err != nil {
		t.Fatal(err)
	}
	v := query.Standard()
	try := func(src string) {
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("%s\n%v", src, p)
			}
		}()
		if q, found := query.Compile(diag.Text("query", src), v); q == nil && !found.HasErrors() {
			t.Errorf("%s\nneither compiles nor has an error", src)
		}
	}
	for i, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		for at := range len(line) {
			try(line[:at])
			try(line[at:])
			try(line[:at] + line[min(len(line), at+1+i%3):])
			for _, more := range []string{`"`, "(", ")", ",", " in ", "{{x}}", "'", "|", "*", "[", "/*", "`"} {
				if (at+i+len(more))%5 == 0 {
					try(line[:at] + more + line[at:])
				}
			}
		}
	}
}
