package cli

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/lint"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// hintsShown is how many findings are shown for a query that gave no rows.
const hintsShown = 3

// noRows says what is known of a query that ran and gave no rows: what lint finds
// in it, of what was not said before, and the command that tells more.
func (a *app) noRows(f *diag.File, file string, paths []string, with ...query.Option) {
	if a.quiet {
		return
	}
	_, said := query.Compile(f, query.Standard(), with...)
	before := map[string]bool{}
	for _, d := range said {
		before[d.Code] = true
	}
	var hints diag.List
	for _, d := range lint.Text(f, query.Standard(), with...) {
		// What costs time or is a matter of style keeps no row away.
		if before[d.Code] || d.Code == "missing-scope" || d.Severity == diag.Note && d.Code != "number-in-list" || len(hints) == hintsShown {
			continue
		}
		hints.Add(d)
	}
	a.diagnose(hints)
	words := []string{"gyoji explain --why-not"}
	if file != "" {
		words = append(words, "-q", shellWord(file))
	} else {
		words = append(words, shellWord(f.Text))
	}
	for i, p := range paths {
		if i == 3 {
			words = append(words, "...")
			break
		}
		words = append(words, shellWord(p))
	}
	if len(paths) == 0 {
		words = append(words, "PATH")
	}
	fmt.Fprintf(a.stderr, "no rows; to see where they went: %s\n", strings.Join(words, " "))
}

var plainWord = match.Lazy(`^[\w./:@%+,=-]+$`)

// shellWord is a word as a shell takes it.
func shellWord(s string) string {
	if plainWord().MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
