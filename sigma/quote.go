package sigma

import (
	"fmt"
	"strings"
)

// YAML is s as a rule file has it: escaped for Sigma and in quotes.
func (s String) YAML() string { return Quote(s.String()) }

// Quote writes text as a string of YAML: in single quotes, where only they are
// doubled, or in double quotes when it holds control characters.
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
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}

func control(r rune) bool { return r < ' ' || r == 0x7f }
