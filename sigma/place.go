package sigma

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
)

func place(f *diag.File, s diag.Span) string {
	if f == nil {
		return ""
	}
	return fmt.Sprintf("%s:%d", f.Name, f.Place(s.Start).Line)
}

// Span is where a node of a file's YAML stands. For text over several lines it
// is its start.
func Span(f *diag.File, n *yaml.Node) diag.Span {
	if n == nil {
		return diag.Span{}
	}
	start := f.Offset(diag.Place{Line: n.Line, Col: n.Column})
	end := start + 1
	if n.Kind == yaml.ScalarNode {
		rest := f.Text[start:]
		if i := strings.IndexByte(rest, '\n'); i >= 0 {
			rest = rest[:i]
		}
		end = start + max(len(strings.TrimRight(rest, " \r")), 1)
		if strings.HasPrefix(rest, n.Value) && n.Value != "" {
			end = start + len(n.Value)
		} else if q := len(n.Value) + 2; n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 && q <= len(rest) && rest[0] == rest[q-1] {
			end = start + q
		}
	}
	return diag.Span{Start: start, End: min(end, max(len(f.Text), start))}
}
