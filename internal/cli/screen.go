package cli

import (
	"bytes"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// What a terminal is told (ECMA-48, and xterm's second screen).
const (
	screenOpen  = "\x1b[?1049h\x1b[?25l" // the second screen, without a cursor
	screenClose = "\x1b[?25h\x1b[?1049l" // what was there before, with it
	screenHome  = "\x1b[H"
	lineRest    = "\x1b[K" // clear what is right of the cursor
	screenRest  = "\x1b[J" // and what is below it
	faint       = "\x1b[2m"
	plainText   = "\x1b[0m"
)

// screen is the terminal while a table is drawn on it anew and anew. It has a
// screen of its own, so that what was on the terminal is there again afterwards.
type screen struct {
	w             io.Writer
	size          func() (width, height int)
	width, height int
	color         bool
	open          bool
}

// openScreen takes the terminal that stdout is.
func (a *app) openScreen() *screen {
	s := &screen{w: a.out, color: a.colors(a.outTTY), size: func() (int, int) { return 80, 24 }}
	if f, ok := a.out.w.(*os.File); ok {
		s.size = func() (int, int) {
			if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 0 && h > 0 {
				return w, h
			}
			return 80, 24
		}
	}
	s.measure()
	return s
}

// measure finds how large the terminal is now and returns how wide lines may be:
// what stands in the last column would be cleared with the rest of its line.
func (s *screen) measure() int {
	s.width, s.height = s.size()
	return s.width - 1
}

// resized reports whether the terminal has another size than when it was measured.
func (s *screen) resized() bool {
	w, h := s.size()
	return w != s.width || h != s.height
}

// draw fills the screen with as much of a table as fits, and a line below it. What
// stood there is written over line by line: nothing flickers.
func (s *screen) draw(table []byte, below string) error {
	var b bytes.Buffer
	if !s.open {
		s.open = true
		b.WriteString(screenOpen)
	}
	b.WriteString(screenHome)
	lines, more := 0, 0
	for line := range bytes.Lines(table) {
		if lines == s.height-2 {
			more++
			continue
		}
		b.Write(bytes.TrimSuffix(line, []byte{'\n'}))
		b.WriteString(lineRest + "\n")
		lines++
	}
	if more > 0 {
		below += "; " + number(int64(more)) + " " + plural(int64(more), "line", "lines") + " more than fit"
	}
	below = strings.ToValidUTF8(below[:min(len(below), s.width-1)], "")
	if s.color {
		below = faint + below + plainText
	}
	b.WriteString(below + lineRest + screenRest)
	_, err := s.w.Write(b.Bytes())
	return err
}

// close gives the terminal back as it was.
func (s *screen) close() error {
	if !s.open {
		return nil
	}
	s.open = false
	_, err := io.WriteString(s.w, screenClose)
	return err
}
