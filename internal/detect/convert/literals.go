package convert

import (
	"strings"

	"github.com/gyoji-dev/gyoji/sigma"
)

// Literal is a value that a condition looks for in a field.
type Literal struct{ Field, Text string }

// Literals lists what a condition looks for, in the order in which it says so.
// Text is in small letters and without the wildcards and separators of paths
// around it, so that \cmd.exe at the end of a path and the file name cmd.exe are
// one.
func Literals(c Cond) (out []Literal) {
	seen := map[Literal]bool{}
	var walk func(Cond)
	walk = func(c Cond) {
		switch c := c.(type) {
		case *And:
			for _, x := range c.Of {
				walk(x)
			}
		case *Or:
			for _, x := range c.Of {
				walk(x)
			}
		case *Not:
			walk(c.X)
		case *Match:
			l := Literal{c.Field, literalText(c.Value)}
			if !seen[l] {
				seen[l] = true
				out = append(out, l)
			}
		}
	}
	walk(c)
	return out
}

func literalText(v sigma.Value) string {
	switch v := v.(type) {
	case sigma.String:
		text := wildcards(v, "*", "?", func(s string) string { return s })
		return strings.TrimLeft(strings.ToLower(strings.Trim(text, "*")), `\/`)
	case sigma.Number:
		return v.Text
	case sigma.Regexp:
		return strings.TrimPrefix(v.Syntax(), "(?i)")
	case sigma.Compare:
		return v.Op.String() + " " + v.Number.Text
	case sigma.CIDR:
		return v.Prefix.String()
	case sigma.FieldRef:
		return "the field " + v.Field
	case sigma.Null:
		return "null"
	}
	return unsaid(v)
}
