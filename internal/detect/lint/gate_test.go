package lint_test

import (
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/lint"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
	"github.com/gyoji-dev/gyoji/syntax/syntaxtest"
)

// comments are those of a text that parses.
func comments(t *testing.T, text string) (list []string) {
	tree, l := syntax.Parse(diag.Text("query", text), query.Standard())
	if l.HasErrors() {
		t.Fatalf("does not parse:\n%s\n%s", text, l)
	}
	syntax.Walk(tree, func(n syntax.Node) bool {
		if q, ok := n.(*syntax.Query); ok {
			for _, c := range q.Comments {
				list = append(list, c.Text)
			}
		}
		return true
	})
	return list
}

// sound checks what every fix of every check of a query must be.
func sound(t *testing.T, text string) {
	t.Helper()
	compiled, _ := query.Compile(diag.Text("query", text), query.Standard())
	for _, d := range run(text) {
		if d.Fix == nil {
			if strings.HasPrefix(d.Help, "write /*") || strings.HasPrefix(d.Help, "write //") {
				t.Errorf("%v: %s opens a comment, in\n%s", d, d.Help, text)
			}
			continue
		}
		if compiled == nil {
			continue
		}
		mended := diag.Apply(text, []diag.Fix{*d.Fix})
		if _, l := query.Compile(diag.Text("query", mended), query.Standard()); l.HasErrors() {
			t.Errorf("%v: the fix %q does not compile:\n%s\nbecomes\n%s\n%s", d, d.Fix.Title, text, mended, l)
		} else if a, b := comments(t, text), comments(t, mended); !slices.Equal(a, b) {
			t.Errorf("%v: the fix %q makes of the comments %q %q", d, d.Fix.Title, a, b)
		}
	}
	for _, all := range []bool{false, true} {
		once := lint.Fix(diag.Text("query", text), query.Standard(), all)
		if once == text {
			continue
		}
		if twice := lint.Fix(diag.Text("query", once), query.Standard(), all); twice != once {
			t.Errorf("mended twice (all: %v)\n%s\nis first\n%s\nthen\n%s", all, text, once, twice)
		}
		if compiled == nil {
			continue
		}
		if _, l := query.Compile(diag.Text("query", once), query.Standard()); l.HasErrors() {
			t.Errorf("mended (all: %v)\n%s\nis\n%s\n%s", all, text, once, l)
		} else if a, b := comments(t, text), comments(t, once); !slices.Equal(a, b) {
			t.Errorf("mended (all: %v), of the comments %q are left %q", all, a, b)
		}
	}
}

func TestFixesOfTheChecksExamplesAreSound(t *testing.T) {
	var bad []string
	for _, c := range lint.Checks() {
		if c.Sigma == nil {
			bad = append(bad, c.Bad...)
		}
	}
	for i, text := range bad {
		sound(t, text)
		// Two mistakes at once: the stages of one example after those of another.
		next := bad[(i*7+3)%len(bad)]
		if _, stages, ok := strings.Cut(next, "|"); ok {
			sound(t, text+" /* between */ | "+stages)
		}
	}
}

// mistakes are put into published queries: what people write, and no check was
// made with their surroundings in mind.
var mistakes = []string{
	` | where !Image matches "*cmd.exe"`, ` | where a = "*x*" /* c */ or b != "*y"`, ` | where f in (1, "b", 3)`,
	` | where x matches "*(a|b).exe*"`, ` | where x matches "//(a|b)"`, ` | where x = 'it''s'`, ` | where x =~ ".*a/b"`,
	` | where Image matches "*CMD.exe" and !b = c // end` + "\n", ` | parse "n=*," as n nodrop | where n >= "5" | sort by n, count`,
	` | eval x = 'a', y = b + 1`, ` | stats count by x`, ` | where EventID = 1 or 3 or "x"`, ` | where matches(x, ".*[a-z]+")`,
	` | where x is not null and y like "%a%"`, ` | where x matches /a\/*b/`, ` | where url matches /^\/\/.*x$/`, ` | where ! ( a ) matches "*b*" ? 1 : 0`,
	` | if (!a = b, "x", 'y') as z`, ` | where CommandLine contains "*-Enc*"`, ` | where x matches "\\d+(a|b)"`,
}

var every = flag.Bool("every", false, "check the fixes of every published query, and not of a sample")

func TestFixesInPublishedQueriesAreSound(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 7))
	step := 150
	if *every {
		step = 1
	}
	for i, q := range syntaxtest.Corpus(t) {
		if i%step != 0 {
			continue
		}
		text := q.Text()
		sound(t, text)
		m := mistakes[r.IntN(len(mistakes))]
		if r.IntN(2) == 0 {
			m += mistakes[r.IntN(len(mistakes))]
		}
		if at := strings.IndexByte(text, '|'); at >= 0 && r.IntN(2) == 0 {
			sound(t, text[:at]+m+"\n"+text[at:])
		} else {
			sound(t, text+"\n"+m)
		}
		at := r.IntN(len(text))
		sound(t, text[:at]+text[min(len(text), at+1+r.IntN(4)):])
	}
}

// FuzzLint cuts published queries at random bytes: whatever comes, lint ends
// without a panic, and what it offers is sound.
func FuzzLint(f *testing.F) {
	for i, q := range syntaxtest.Corpus(f) {
		if i%50 == 0 {
			f.Add(q.Text(), uint16(i*31), uint16(i*17))
		}
	}
	f.Add("* |{{", uint16(0), uint16(60000))
	for _, m := range mistakes {
		f.Add("_sourceCategory=a"+m, uint16(0), uint16(60000))
	}
	f.Fuzz(func(t *testing.T, text string, from, to uint16) {
		a, b := min(int(from), len(text)), min(int(to), len(text))
		if a > b {
			a, b = b, a
		}
		sound(t, text[a:b])
	})
}
