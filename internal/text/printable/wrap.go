package printable

import (
	"strings"
	"unicode/utf8"
)

// Wrap breaks text into lines of at most width characters, between words; what the text
// has as one line of its own stays one. A word that is wider has a line to itself. width
// 0 breaks nothing but at the ends of lines.
func Wrap(text string, width int) (lines []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if width <= 0 || utf8.RuneCountInString(line) <= width {
			lines = append(lines, line)
			continue
		}
		var b strings.Builder
		n := 0
		for _, word := range strings.Fields(line) {
			w := utf8.RuneCountInString(word)
			if n > 0 && n+1+w > width {
				lines = append(lines, b.String())
				b.Reset()
				n = 0
			}
			if n > 0 {
				b.WriteByte(' ')
				n++
			}
			b.WriteString(word)
			n += w
		}
		lines = append(lines, b.String())
	}
	return lines
}

// Fit is as much of a text as has room in width characters: whole words, and … where some
// are left out. A first word that alone has no room is cut, since nothing would be left.
// Blanks and ends of lines are one blank. width 0 leaves nothing out.
func Fit(text string, width int) string {
	text = strings.Join(strings.Fields(text), " ")
	if width <= 0 || utf8.RuneCountInString(text) <= width {
		return text
	}
	cut := []rune(text)[:max(width-2, 0)] // room for a blank and …
	head := string(cut)
	if i := strings.LastIndexByte(head, ' '); i > 0 && []rune(text)[len(cut)] != ' ' {
		head = head[:i]
	} else if i < 0 && []rune(text)[len(cut)] != ' ' {
		return string([]rune(text)[:max(width-1, 0)]) + "…"
	}
	return strings.TrimRight(head, " ") + " …"
}
