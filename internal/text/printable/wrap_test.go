package printable_test

import (
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

func TestFit(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"cmd /c whoami", 0, "cmd /c whoami"},
		{"cmd /c whoami", 13, "cmd /c whoami"},
		{"cmd /c whoami", 12, "cmd /c …"},
		{"cmd  /c\nwhoami", 8, "cmd /c …"},
		{"cmd /c whoami", 7, "cmd …"},
		{"incomprehensible", 6, "incom…"},
		{`C:\Windows\System32\lsass.exe -x`, 24, `C:\Windows\System32\…`},
		{"größe über alles", 12, "größe über …"},
	} {
		if got := printable.Fit(c.text, c.width); got != c.want {
			t.Errorf("Fit(%q, %d) = %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

// Nothing is lost, reordered or wider than the width but a word that is so alone.
func TestWrapKeepsWords(t *testing.T) {
	if err := quick.Check(func(words []string, w uint8) bool {
		text, width := strings.Join(words, " "), int(w%60)+1
		lines := printable.Wrap(text, width)
		for _, l := range lines {
			if utf8.RuneCountInString(l) > width && len(strings.Fields(l)) > 1 {
				return false
			}
		}
		return strings.Join(strings.Fields(strings.Join(lines, "\n")), " ") == strings.Join(strings.Fields(text), " ") &&
			utf8.RuneCountInString(printable.Fit(text, width)) <= max(width, 2)
	}, nil); err != nil {
		t.Error(err)
	}
}

// No line is wider, and no character is lost.
func TestWrapAllHoldsTheWidth(t *testing.T) {
	if err := quick.Check(func(words []string, w uint8) bool {
		text, width := strings.Join(words, ` \`), int(w%60)+1
		for _, l := range printable.WrapAll(text, width) {
			if utf8.RuneCountInString(l) > width {
				return false
			}
		}
		return strings.Join(strings.Fields(strings.Join(printable.WrapAll(text, width), "")), "") == strings.Join(strings.Fields(strings.ToValidUTF8(text, "\ufffd")), "")
	}, nil); err != nil {
		t.Error(err)
	}
	if got := printable.WrapAll(`C:\Program Files\Microsoft\Edge\msedge.exe`, 20); !slices.Equal(got, []string{`C:\Program`, `Files\Microsoft\`, `Edge\msedge.exe`}) {
		t.Errorf("%q", got)
	}
}

func TestWrapperKeepsWordsAndCommands(t *testing.T) {
	var b strings.Builder
	w := &printable.Wrapper{W: &b, Width: 30}
	for _, p := range []string{
		"gyoji: a file of many words is none that could be read\n  short\n",
		"  one that is indented and too wide for the terminal\n",
		"  gyoji tree --finding 1 -d some/folder logs/of/the/host\n",
		"in pieces, which are written ", "as they come, whatever their width is\n",
		"averyveryverylongwordthathasnoroomatall and more\n",
	} {
		if n, err := w.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	want := `gyoji: a file of many words
  is none that could be read
  short
  one that is indented and
    too wide for the terminal
  gyoji tree --finding 1 -d some/folder logs/of/the/host
in pieces, which are written as they come, whatever their width is
averyveryverylongwordthathasnoroomatall
  and more
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
