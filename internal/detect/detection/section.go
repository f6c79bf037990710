package detection

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Section is a part of a guide or playbook: what stands under a heading.
type Section struct {
	Title string   // "" of what stands before the first heading
	Text  []string // paragraphs
	Items []string // of its lists: what is to be done, in order
	Table [][]string
	Steps []*Step

	open *string // the paragraph or item that the next line goes on with
}

var itemLine = match.Lazy(`^\s*(?:[0-9]+[.)]|[-*])\s+(.*)$`)

// add takes the next line of the section.
func (s *Section) add(line string) {
	trimmed := strings.TrimSpace(line)
	switch m := itemLine().FindStringSubmatch(line); {
	case trimmed == "":
		s.open = nil
	case strings.HasPrefix(trimmed, "|"):
		s.open = nil
		var row []string
		dashes := true
		for _, cell := range strings.Split(strings.Trim(trimmed, "|"), "|") {
			cell = strings.TrimSpace(cell)
			dashes = dashes && strings.Trim(cell, "-: ") == ""
			row = append(row, cell)
		}
		if !dashes || strings.Trim(trimmed, "| ") == "" { // the line below the head says nothing
			s.Table = append(s.Table, row)
		}
	case m != nil:
		s.Items = append(s.Items, m[1])
		s.open = &s.Items[len(s.Items)-1]
	case s.open != nil:
		*s.open += " " + trimmed
	default:
		s.Text = append(s.Text, trimmed)
		s.open = &s.Text[len(s.Text)-1]
	}
}

// sentenceEnd is where a sentence ends.
var sentenceEnd = match.Lazy(`[.!?](?:\s+|$)`)

// Never are the sentences of the guide that say what must not be done: those that begin
// with "Do not".
func (g *Guide) Never() (out []string) {
	for _, s := range g.Sections {
		for _, text := range append(append([]string{}, s.Text...), s.Items...) {
			for text != "" {
				end := len(text)
				if at := sentenceEnd().FindStringIndex(text); at != nil {
					end = at[1]
				}
				if one := strings.TrimSpace(text[:end]); strings.HasPrefix(strings.ReplaceAll(one, "*", ""), "Do not ") {
					out = append(out, one)
				}
				text = text[end:]
			}
		}
	}
	return out
}

// Closing is the last sentence of the guide's own words: how it ends. "" where it ends with
// a step.
func (g *Guide) Closing() string {
	last := g.Sections[len(g.Sections)-1]
	if len(last.Steps) > 0 {
		return ""
	}
	return strings.Join(last.Text, " ")
}
