package printable

import "strings"

// Markdown is s on one line, shown as it is in Markdown (CommonMark, and GitHub's
// tables, mathematics and bare links): no link, picture, HTML, emphasis or code comes
// of it. A backslash is doubled only where it would make an escape, so that most paths
// can also be read in the source.
func Markdown(s string) string {
	s = Text(s)
	if !strings.ContainsAny(s, "\\`*_[]<>|!&#~$@:^wW") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); i++ {
		c := s[i]
		escape := false
		switch c {
		case '`', '*', '[', ']', '<', '>', '|', '!', '&', '~', '$', '@', '^':
			escape = true
		case '_':
			escape = i == 0 || i == len(s)-1 || !word(s[i-1]) || !word(s[i+1])
		case '\\':
			escape = i == len(s)-1 || punctuation(s[i+1])
		case ':': // http://
			escape = strings.HasPrefix(s[i:], "://")
		case '.': // www.
			escape = i >= 3 && strings.EqualFold(s[i-3:i], "www")
		case '#': // a heading
			escape = i == 0
		}
		if escape {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}

// HTML is s, which may have lines, as text within an HTML element that Markdown lets
// pass, such as <pre>. Nor is it a picture where the element is taken away.
func HTML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "![", "&#33;[").Replace(Lines(s))
}

func word(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// punctuation is what Markdown lets be escaped.
func punctuation(c byte) bool { return c > ' ' && c < 0x7f && !word(c) }
