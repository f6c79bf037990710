package cli

import (
	"bytes"
	"strings"
	"testing"
)

// TestScreen: a drawing fills the terminal and no more, clears what stood in its
// place, and the terminal is given back as it was.
func TestScreen(t *testing.T) {
	var out bytes.Buffer
	height := 4
	s := &screen{w: &out, size: func() (int, int) { return 20, height }}
	if w := s.measure(); w != 19 {
		t.Errorf("lines of %d columns would lose their last", w)
	}
	shown := func(table, below string) string {
		t.Helper()
		out.Reset()
		if err := s.draw([]byte(table), below); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got, want := shown("head\n1\n2\n3\n", "below"), screenOpen+"\x1b[Hhead\x1b[K\n1\x1b[K\nbelow; 2 lines more \x1b[K\x1b[J"; got != strings.Replace(want, "more \x1b", "more\x1b", 1) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := shown("head\n", "gr\u00fc\u00dfe \u00fcber mehr Platz"), "\x1b[Hhead\x1b[K\ngr\u00fc\u00dfe \u00fcber mehr \x1b[K\x1b[J"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if s.resized() {
		t.Error("resized, and nothing has changed")
	}
	if height = 30; !s.resized() {
		t.Error("not resized")
	}
	out.Reset()
	for range 2 {
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := out.String(); got != screenClose {
		t.Errorf("got %q, want %q", got, screenClose)
	}
}
