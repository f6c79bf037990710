package printable

import (
	"io"
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

// WrapAll is Wrap with no line that is wider: a word that has no room is broken after a
// mark that parts of it stand between, as the folders of a path, or else where it must.
func WrapAll(text string, width int) (lines []string) {
	for _, line := range Wrap(text, width) {
		for rest := []rune(line); width > 0; {
			if len(rest) <= width {
				line = string(rest)
				break
			}
			at := seam(rest, width)
			lines, rest = append(lines, string(rest[:at])), rest[at:]
		}
		lines = append(lines, line)
	}
	return lines
}

// Wrapper writes lines that are wider than a terminal as several, cut between words and
// indented below the first. A line that begins with gyoji and a blank is a command, to be
// copied: it stays one; so does what is written in pieces.
type Wrapper struct {
	W     io.Writer
	Width int // 0 for as wide as they like

	within bool // a line
}

func (w *Wrapper) Write(p []byte) (int, error) {
	within := w.within
	w.within = len(p) > 0 && p[len(p)-1] != '\n'
	if w.Width <= 0 || within || w.within {
		return w.W.Write(p)
	}
	var b strings.Builder
	for line := range strings.Lines(string(p)) {
		line = strings.TrimSuffix(line, "\n")
		text := strings.TrimLeft(line, " ")
		if utf8.RuneCountInString(line) <= w.Width || strings.HasPrefix(text, "gyoji ") || strings.ContainsAny(line, "\x1b\r") {
			b.WriteString(line + "\n")
			continue
		}
		lead := line[:len(line)-len(text)]
		for _, l := range Wrap(text, max(w.Width-len(lead)-2, 20)) {
			b.WriteString(lead + l + "\n")
			if len(lead) == len(line)-len(text) {
				lead += "  "
			}
		}
	}
	if _, err := io.WriteString(w.W, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// seam is where a word of more than width characters is best broken, at most there: after
// a mark between its parts.
func seam(word []rune, width int) int {
	for i := width; i > width/3; i-- {
		if strings.ContainsRune(`\/.,;:&=-_|+`, word[i-1]) {
			return i
		}
	}
	return width
}

// Fit is as much of a text as has room in width characters: whole words, and … where some
// are left out. A first word that alone has no room is cut, since nothing would be left:
// after a mark between its parts, as the folders of a path, or else where it must.
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
		return string([]rune(text)[:seam([]rune(text), max(width-1, 0))]) + "…"
	}
	return strings.TrimRight(head, " ") + " …"
}
