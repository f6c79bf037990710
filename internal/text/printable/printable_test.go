package printable

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// obeyed is the second reading of what no reader may be sent: ECMA-48's C0 and C1, DEL,
// and Unicode's Bidi_Control and invisible characters, from their lists.
func obeyed(r rune) bool {
	return r < 0x20 || 0x7f <= r && r <= 0x9f ||
		unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Join_Control, r) ||
		strings.ContainsRune("\u00ad\u034f\u061c\u180e\u200b\u2028\u2029\u2060\u2061\u2062\u2063\u2064\ufeff", r) || 0xe0000 <= r && r <= 0xe007f
}

func TestNothingObeyedIsShown(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r == 0x20000 { // the planes of Han, and those without a character
			r = 0xe0000
		}
		if r == 0xe2000 {
			break
		}
		if !utf8.ValidRune(r) {
			continue
		}
		s := "a" + string(r) + "b"
		for form, got := range map[string]string{"text": Text(s), "lines": Lines(s), "markdown": Markdown(s), "html": HTML(s)} {
			for _, g := range got {
				if obeyed(g) && !((form == "lines" || form == "html") && (g == '\n' || g == '\t')) {
					t.Fatalf("%s of %U sends %U", form, r, g)
				}
			}
		}
		if unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S, unicode.M) && !obeyed(r) && !strings.ContainsRune("\u115f\u1160\u3164\uffa0\u17b4\u17b5", r) && Text(s) != s {
			t.Fatalf("%U is a letter or sign and became %q", r, Text(s))
		}
	}
}

func TestWords(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                "plain",
		"a\x1b[31mb":           "a␛[31mb",
		"a\x9b31mb":            `a\x9b31mb`,
		"a\u009b31mb":          `a\u009b31mb`,
		"invoice\u202efdp.exe": `invoice\u202efdp.exe`,
		"a\r\nb\nc\rd\te":      "a⏎b⏎c⏎d e",
		"\xff\xfe":             `\xff\xfe`,
		"ü 漢字 ✈\ufe0f":         "ü 漢字 ✈\ufe0f",
		"tag\U000e0041":        `tag\U000e0041`,
		"":                     "",
	} {
		if got := Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Lines("a\r\n\tb\rc\x07"); got != "a\n\tb␍c␇" {
		t.Errorf("Lines: %q", got)
	}
}

// The writer gives the same however the text is cut, and the same as Lines.
func TestWriterAndLinesAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "plain ascii text ", "\n", "\t", "\x1b[31m", "\x9b", "\u009b", "\u202e", "ü", "漢", "\xe2\x80", "\xf3", "\U000e0041", "\x00", "\r\n", "\x7f", "€", "😀"}
	for range 5000 {
		var s string
		for range rng.IntN(12) {
			s += pieces[rng.IntN(len(pieces))]
		}
		var out bytes.Buffer
		w := NewWriter(&out, People, false)
		for rest := s; rest != ""; {
			n := 1 + rng.IntN(len(rest))
			if k, err := w.Write([]byte(rest[:n])); k != n || err != nil {
				t.Fatal(k, err)
			}
			rest = rest[n:]
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if out.String() != Lines(s) {
			t.Fatalf("%q: writer %q, Lines %q", s, out.String(), Lines(s))
		}
	}
}

func TestStylesPassOnlyWhereTheyMay(t *testing.T) {
	for _, c := range []struct {
		styled   bool
		in, want string
	}{
		{true, "\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m"},
		{false, "\x1b[1;31mred", "␛[1;31mred"},
		{true, "\x1b]0;title\x07", "␛]0;title␇"},
		{true, "\x1b[2J\x1b[H", "␛[2J␛[H"},
		{true, "\x1b[?1049h", "␛[?1049h"},
		{true, "\x1b", "␛"},
	} {
		var out bytes.Buffer
		w := NewWriter(&out, People, c.styled)
		for i := range c.in { // byte by byte
			w.Write([]byte{c.in[i]})
		}
		w.Flush()
		if out.String() != c.want {
			t.Errorf("%q: %q, want %q", c.in, out.String(), c.want)
		}
	}
}

// JSON and XML read back to the same text.
func TestDataKeepsItsValue(t *testing.T) {
	for r := rune(0); r < 0x11000; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		want := "a" + string(r) + "b"
		text, _ := json.Marshal(want)
		var out bytes.Buffer
		NewWriter(&out, JSON, false).Write(text)
		var got string
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || got != want {
			t.Fatalf("JSON of %U: %q %v", r, got, err)
		}
		for _, g := range out.String() {
			if obeyed(g) {
				t.Fatalf("JSON of %U sends %U", r, g)
			}
		}
		if r < 0x20 || r&0xfffe == 0xfffe || r == utf8.RuneError {
			continue
		}
		out.Reset()
		w := NewWriter(&out, XML, false)
		w.Write([]byte("<a>"))
		xml.EscapeText(w, []byte(want))
		w.Write([]byte("</a>"))
		if err := xml.Unmarshal(out.Bytes(), &got); err != nil || got != want {
			t.Fatalf("XML of %U: %q %v", r, got, err)
		}
	}
}

func TestMarkdownHoldsNothingLive(t *testing.T) {
	for in, want := range map[string]string{
		`C:\a\evil.exe`:                      `C:\a\evil.exe`,
		`C:\_x\*`:                            `C:\\\_x\\\*`,
		"![i](http://example.invalid/z)":     `\!\[i\](http\://example.invalid/z)`,
		"<img src=x>":                        `\<img src=x\>`,
		"<http://example.invalid>":           `\<http\://example.invalid\>`,
		"www.example.invalid":                `www\.example.invalid`,
		"a | b":                              `a \| b`,
		"`code`":                             "\\`code\\`",
		"&#33;":                              `\&#33;`,
		"# head":                             `\# head`,
		"a_b __init__":                       `a_b \_\_init\_\_`,
		"[x]: http://example.invalid 'y'":    `\[x\]: http\://example.invalid 'y'`,
		"$x$":                                `\$x\$`,
		"line\n# head":                       "line⏎# head",
		"powershell -enc SQBFAFgA -w hidden": "powershell -enc SQBFAFgA -w hidden",
	} {
		if got := Markdown(in); got != want {
			t.Errorf("Markdown(%q) = %q, want %q", in, got, want)
		}
	}
	if got := HTML("</pre><script>![i](http://x)"); strings.ContainsAny(got, "<>") || strings.Contains(got, "![") {
		t.Errorf("HTML: %q", got)
	}
}
