package lint

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/diag"
)

// titleMax is how long a title may be. Source: SigmaHQ's conventions.
const titleMax = 120

var _ = register(Check{
	ID: "sigma-title", Severity: diag.Note,
	What: "A title that is too long, ends in a full stop, or does not capitalise its words.",
	Why:  "Titles are read in lists of alerts. SigmaHQ wants them short, capitalised, and about what was seen: no \"Detects\", which is for the description.",
	Bad: []string{
		sigmaExample("Fetches A File", "Fetches A File."),
		sigmaExample("Certutil Fetches A File", "Certutil fetches files"),
		sigmaExample("Certutil", "Detects Certutil"),
		sigmaExample("A File", "A File "+strings.Repeat("And Another ", 10)+"One"),
	},
	Good: []string{sigmaExample("Certutil Fetches A File", "File Fetched via certutil.EXE in the Background")},
	Sigma: func(s *Sigma, report Report) {
		k := s.Key("title")
		if k == nil || s.Rule == nil {
			return
		}
		title := k.Value.Value
		if n := utf8.RuneCountInString(title); n > titleMax {
			report(s.at(k), fmt.Sprintf("the title has %d characters, and %d are enough", n, titleMax), "say the rest in the description")
		}
		if short := strings.TrimRight(title, "."); short != title {
			d := report(s.at(k), "the title ends in a full stop", "take it away")
			d.Fix = s.rewrite("take the full stop away", s.at(k), title, short, true)
		}
		if strings.HasPrefix(title, "Detects ") || strings.HasPrefix(title, "Detection of ") {
			report(s.at(k), "the title says that something is detected", "name what was seen, and begin the description so")
		}
		for _, w := range strings.Fields(title) {
			if small(w) {
				report(s.at(k), fmt.Sprintf("%s starts with a small letter", w), "write "+strings.ToUpper(w[:1])+w[1:])
				break
			}
		}
	},
})

// small reports whether a word of a title is to start with a capital and does
// not. Words of grammar may be small, and so is what is written as a command is.
func small(w string) bool {
	for _, r := range w {
		if !unicode.IsLower(r) {
			return false
		}
	}
	switch w {
	case "about", "after", "against", "before", "between", "from", "into", "like", "onto", "other", "over", "than", "that", "their", "then", "through",
		"under", "using", "when", "where", "which", "while", "with", "within", "without":
		return false
	}
	return len(w) > 3
}
