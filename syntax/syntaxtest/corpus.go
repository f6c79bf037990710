// Package syntaxtest reads published queries, for tests.
package syntaxtest

import (
	"bufio"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/sharedtest"
)

// Query is an entry of the corpus of published queries.
type Query struct {
	ID        string `json:"id"`
	Source    string `json:"source"`
	Path      string `json:"path"`
	Query     string `json:"query"`
	Templated bool   `json:"templated"`
	Fragment  bool   `json:"fragment"`
	Rewritten bool   `json:"rewritten"`
}

// Text is the query as it can be read: templates filled, and with a search
// expression where the published text has none.
func (q *Query) Text() string {
	text := FillTemplates(q.Query)
	if q.Fragment && !strings.HasPrefix(strings.TrimSpace(text), "|") {
		return "* | " + text
	}
	return text
}

// Lines decodes a file of one JSON object a line.
func Lines[T any](t testing.TB, path string) []T {
	t.Helper()
	f, err := os.Open(sharedtest.Path(t, path))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []T
	r := bufio.NewScanner(f)
	r.Buffer(nil, 16<<20)
	for r.Scan() {
		var one T
		if err := json.Unmarshal(r.Bytes(), &one); err != nil {
			t.Fatalf("%s, line %d: %v", path, len(list)+1, err)
		}
		list = append(list, one)
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// Corpus is the published queries.
func Corpus(t testing.TB) []Query { return Lines[Query](t, "corpus/queries.jsonl") }

var placeholder = regexp.MustCompile(`\{\{\{?[^{}\n]*\}?\}\}|\$\$\w+|\*\*TO_REPLACE\*\*|<(?:REPLACEME|URL|[A-Z]+(?:[ _][A-Z]+)+|[a-z]+ source)>`)

var (
	wantsNumber    = regexp.MustCompile(`(?i)(?:\b(?:window|threshold|consecutive|width|min|max|forecast|maxdepth|limit)\s*=\s*|\btop\s+|\blimit\s+|[<>*/+-]=?\s*|\btopk\s*\(\s*|,\s*-?|[!=]=\s*|\bnum\(\s*)$`)
	wantsDuration  = regexp.MustCompile(`(?i)(?:\btimeslice\s*\(?\s*|\btimeslice\s+by\s+|\btimeshift\s+-?)$`)
	opensTest      = regexp.MustCompile(`(?i)^\s*(?:where|if\s*\()`)
	wantsField     = regexp.MustCompile(`(?i)\b(?:by|fields|row|column|as|in)\s+(?:[\w.]+\s*,\s*)*-?\s*$`)
	aggregateArg   = regexp.MustCompile(`(?i)^\s*(?:sum|avg|min|max|pct|count\w*|first|last|values|stddev)\b.*[(,]\s*$`)
	timesliceStage = regexp.MustCompile(`(?i)^\s*timeslice\b`)
	wantsDirection = regexp.MustCompile(`(?i)direction\s*=\s*$`)
	wantsTest      = regexp.MustCompile(`(?i)(?:\bwhere\s+(?:\S+\s+)?|,\s*)[\w.]+\s+$`)
)

// FillTemplates puts a value in the place of every placeholder of a published
// query: {{name}}, $$Name, **TO_REPLACE** and the like. What value is told by
// what stands before it.
func FillTemplates(query string) string {
	var b strings.Builder
	at := 0
	for _, m := range placeholder.FindAllStringIndex(query, -1) {
		b.WriteString(query[at:m[0]])
		b.WriteString(fill(b.String(), query[m[0]:m[1]], query[m[1]:]))
		at = m[1]
	}
	b.WriteString(query[at:])
	return b.String()
}

func fill(before, name, after string) string {
	line := before[strings.LastIndexByte(before, '\n')+1:]
	scope, quoted := scan(before)
	stage := before[lastPipe(before)+1:]
	next := strings.TrimLeft(after, " \t")
	switch {
	case !quoted && strings.Contains(line, "//"):
		return name
	case quoted && strings.HasPrefix(name, "<"):
		return name
	case quoted, scope:
		if !quoted && strings.Contains(name, "_filter") {
			return ""
		}
		return "*"
	case strings.HasPrefix(name, "<"):
		return name
	case strings.Contains(name, "_filter"):
		return ""
	case strings.HasSuffix(strings.TrimRight(strings.ToLower(before), " "), "matches"):
		return `"*"`
	case wantsDuration.MatchString(before):
		return "1h"
	case opensTest.MatchString(stage) && wantsTest.MatchString(before) && (next == "" || strings.IndexByte("|\n)/", next[0]) >= 0):
		return "> 0"
	case wantsField.MatchString(stage):
		return "placeholder"
	case aggregateArg.MatchString(stage) && !strings.Contains(stage, ")"):
		return "placeholder"
	case timesliceStage.MatchString(stage):
		return "1h"
	case wantsDirection.MatchString(before):
		return "+-"
	case wantsNumber.MatchString(before):
		return "5"
	}
	return "placeholder"
}

// lastPipe is where the stage that text ends in begins.
func lastPipe(text string) int {
	last, quoted := -1, false
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case '|':
			if !quoted {
				last = i
			}
		}
	}
	return last
}

// scan tells whether text ends in the search expression, and whether in a string.
func scan(text string) (scope, quoted bool) {
	scope = true
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case '|':
			if !quoted {
				scope = false
			}
		case '/':
			if !quoted && strings.HasPrefix(text[i:], "//") && (i == 0 || strings.IndexByte(" \t\n|", text[i-1]) >= 0) {
				n := strings.IndexByte(text[i:], '\n')
				if n < 0 {
					return scope, quoted
				}
				i += n
			}
		}
	}
	return scope, quoted
}
