package syntax_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/syntax/syntaxtest"
)

// inserts are what queries are broken and mended with.
var inserts = []string{
	"!", "//h://", "/*", "*/", "//", "(", ")", "[", "]", "\"", "'", "\\", "|", "||", "&&", ",", "=", "==", "!=", "<", "{{x}}", "{{", "}}", "{{a b}}", "%\"q r\"", "%",
	" NOT ", " AND ", " OR ", " in (", " not in (", " matches ", " as ", " by ", "-", "*", "/", "/a\"b/", "`m`", "\n", " ", "5m", "1.5", "0x1F", "null", " is null", "?", ":", ";", "é", "\x00", "“", "x:y", "a-b", ".", "..",
}

// mutated is a text with some cuts, copies and inserts.
func mutated(r *rand.Rand, text string) string {
	for range 1 + r.IntN(3) {
		at := r.IntN(len(text) + 1)
		to := min(len(text), at+r.IntN(12))
		switch r.IntN(4) {
		case 0:
			text = text[:at] + text[to:]
		case 1:
			text = text[:at] + text[at:to] + text[at:]
		case 2:
			text = text[:at]
		default:
			text = text[:at] + inserts[r.IntN(len(inserts))] + text[at:]
		}
	}
	return text
}

// TestMutatedQueriesSettle reads published queries after random changes: what is
// still a query prints, and reads as the same tree again.
func TestMutatedQueriesSettle(t *testing.T) {
	var texts []string
	for _, q := range syntaxtest.Corpus(t) {
		if len(q.Query) < 1500 {
			texts = append(texts, q.Query)
		}
	}
	texts = append(texts, "!//h://", "(//h://)", "a !/*x", "f in (//x, y)", "NOT (//a OR !//b)", "{{a}} | {{b}}")
	r := rand.New(rand.NewPCG(1, 2))
	read := 0
	for range 12000 {
		text := mutated(r, texts[r.IntN(len(texts))])
		if r.IntN(3) == 0 { // of the search expression alone more stays a query
			text, _, _ = strings.Cut(text, "|")
		}
		if problem := settled(text); problem != "" {
			t.Fatal(problem)
		}
		if _, l := parse(text); !l.HasErrors() {
			read++
		}
	}
	t.Logf("%d of 12000 were queries", read)
}
