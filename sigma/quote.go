package sigma

import (
	"fmt"
	"strings"
	"unicode"
)

// YAML is s as a rule file has it: escaped for Sigma and in quotes.
func (s String) YAML() string { return Quote(s.String()) }

// Quote writes text as a string of YAML: in single quotes, where only they are
// doubled, or in double quotes when it holds characters that YAML does not take as they
// are (YAML 1.2, 5.1), that end a line in YAML 1.1, or that nobody sees.
func Quote(text string) string {
	if !strings.ContainsFunc(text, control) {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case control(r):
			switch {
			case r <= 0xff:
				fmt.Fprintf(&b, `\x%02x`, r)
			case r <= 0xffff:
				fmt.Fprintf(&b, `\u%04x`, r)
			default:
				fmt.Fprintf(&b, `\U%08x`, r)
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}

func control(r rune) bool { return !unicode.IsPrint(r) }
