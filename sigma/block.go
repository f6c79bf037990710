package sigma

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// block reads the part of YAML that rules are written in: block maps and lists,
// scalars on one line and | texts. The library takes six times as long, most of
// the time from start to first event. ok is false for everything else, and for
// everything in doubt; the library then has its say. What block does read comes
// out as the library's nodes, comments left out.
func block(text string, slab *nodes) (_ *yaml.Node, ok bool) {
	slab.reset()
	r := blockReader{text: text, slab: slab}
	if !printable(text) || !r.next() || r.at != 0 {
		return nil, false
	}
	n := r.block(0, 0)
	return n, !r.odd && r.line == ""
}

// printable reports whether text is of characters that mean nothing to YAML but
// themselves: no tabs, no other line ends, no byte order mark.
func printable(text string) bool {
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\n' || c == 0x7f {
				return false
			}
			i++
			continue
		}
		switch r, n := utf8.DecodeRuneInString(text[i:]); {
		case r == utf8.RuneError, r < 0xa0, r == '\u2028', r == '\u2029', r == '\ufeff', r == '\ufffe', r == '\uffff':
			return false
		default:
			i += n
		}
	}
	return true
}

// blockReader goes through a text line by line.
type blockReader struct {
	text string
	off  int    // of the line after line
	line string // at hand; "" at the end
	n    int    // its number, from 1
	at   int    // where in line the node at hand begins
	odd  bool   // not for us
	slab *nodes
}

// nodes are those of a tree, to be used for another once that is done with: of
// the trees of 2,900 rules nothing else stays.
type nodes struct {
	pieces [][]yaml.Node
	piece  int // that has the next one
	used   int // of it
}

// nodesPiece is how many nodes are made at once.
const nodesPiece = 64

func (s *nodes) reset() { s.piece, s.used = 0, 0 }

// next is an empty node.
func (s *nodes) next() *yaml.Node {
	if s.used == nodesPiece {
		s.piece, s.used = s.piece+1, 0
	}
	if s.piece == len(s.pieces) {
		s.pieces = append(s.pieces, make([]yaml.Node, nodesPiece))
	}
	n := &s.pieces[s.piece][s.used]
	s.used++
	*n = yaml.Node{Content: n.Content[:0]}
	return n
}

// blockDepth is how deep maps and lists are nested in a rule, and more.
const blockDepth = 32

// next goes to the next line with something in it.
func (r *blockReader) next() bool {
	for r.take() {
		for r.at < len(r.line) && r.line[r.at] == ' ' {
			r.at++
		}
		if r.at < len(r.line) && r.line[r.at] != '#' {
			if r.at == 0 && (strings.HasPrefix(r.line, "---") || strings.HasPrefix(r.line, "...")) {
				r.odd = true
			}
			return true
		}
	}
	return false
}

// take goes to the next line, whatever is in it.
func (r *blockReader) take() bool {
	if r.off >= len(r.text) {
		r.line, r.at = "", 0
		return false
	}
	end := strings.IndexByte(r.text[r.off:], '\n')
	if end < 0 {
		end = len(r.text) - r.off
	}
	r.line = r.text[r.off : r.off+end]
	r.off += end + 1
	r.n++
	r.at = 0
	return true
}

// node makes a node that begins at a place of the line.
func (r *blockReader) node(kind yaml.Kind, tag string, at int) *yaml.Node {
	n := r.slab.next()
	n.Kind, n.Tag, n.Line, n.Column = kind, tag, r.n, utf8.RuneCountInString(r.line[:at])+1
	return n
}

// block reads the map or list whose first entry is at hand.
func (r *blockReader) block(col, depth int) *yaml.Node {
	if depth > blockDepth {
		r.odd = true
		return nil
	}
	if r.entry() {
		return r.list(col, depth)
	}
	return r.dict(col, depth)
}

// entry reports whether the line goes on with an entry of a list.
func (r *blockReader) entry() bool { return strings.HasPrefix(r.line[r.at:], "- ") }

func (r *blockReader) list(col, depth int) *yaml.Node {
	out := r.node(yaml.SequenceNode, "!!seq", r.at)
	for !r.odd && r.line != "" && r.at == col && r.entry() {
		for r.at++; r.at < len(r.line) && r.line[r.at] == ' '; r.at++ {
		}
		switch {
		case r.at == len(r.line), r.entry():
			r.odd = true
		case key(r.line[r.at:]) > 0:
			out.Content = append(out.Content, r.dict(r.at, depth+1))
		default:
			out.Content = append(out.Content, r.scalar(r.at))
			r.next()
		}
		if r.at > col && r.line != "" { // a scalar goes on
			r.odd = true
		}
	}
	return out
}

func (r *blockReader) dict(col, depth int) *yaml.Node {
	out := r.node(yaml.MappingNode, "!!map", r.at)
	for !r.odd && r.line != "" && r.at == col {
		colon := key(r.line[r.at:])
		if colon <= 0 || r.entry() {
			r.odd = true
			break
		}
		k := r.node(yaml.ScalarNode, "", r.at)
		k.Value = r.line[r.at : r.at+colon]
		k.Tag = plainTag(k)
		at := r.at + colon + 1
		for at < len(r.line) && r.line[at] == ' ' {
			at++
		}
		var v *yaml.Node
		switch {
		case at == len(r.line) || r.line[at] == '#':
			if !r.next() || r.at < col || r.at == col && !r.entry() { // null
				r.odd = true
				return out
			}
			v = r.block(r.at, depth+1)
		case r.line[at] == '|':
			v = r.literal(at, col)
		default:
			v = r.scalar(at)
			r.next()
		}
		out.Content = append(out.Content, k, v)
		if r.at > col && r.line != "" {
			r.odd = true
		}
	}
	return out
}

// key returns where the colon after a plain key is, 0 when there is none.
func key(s string) int {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ':':
			if i+1 == len(s) || s[i+1] == ' ' {
				if i > 0 && (s[i-1] == ' ' || i > 256 || !plainStart(s)) {
					return 0
				}
				return i
			}
		case '\'', '"', '{', '[':
			if i == 0 {
				return 0
			}
		case ' ':
			if i+1 < len(s) && s[i+1] == '#' {
				return 0
			}
		}
	}
	return 0
}

// plainStart reports whether text may begin a scalar without quotes.
func plainStart(s string) bool {
	switch s[0] {
	case '-':
		return len(s) > 1 && s[1] != ' '
	case '?', ':', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`':
		return false
	}
	return true
}

// scalar reads the rest of the line.
func (r *blockReader) scalar(at int) *yaml.Node {
	s := r.line[at:]
	n := r.node(yaml.ScalarNode, "!!str", at)
	rest := ""
	switch q := s[0]; {
	case q == '\'' || q == '"':
		end := 1
		twice := false
		for end < len(s) {
			if s[end] == '\\' && q == '"' {
				break
			}
			if s[end] == q {
				if q == '"' || end+1 == len(s) || s[end+1] != q {
					break
				}
				twice = true
				end++
			}
			end++
		}
		if end >= len(s) || s[end] != q {
			r.odd = true
			return n
		}
		n.Value, rest = s[1:end], s[end+1:]
		n.Style = yaml.DoubleQuotedStyle
		if q == '\'' {
			n.Style = yaml.SingleQuotedStyle
		}
		if twice {
			n.Value = strings.ReplaceAll(n.Value, "''", "'")
		}
	case !plainStart(s):
		r.odd = true
		return n
	default:
		if i := strings.Index(s, " #"); i >= 0 {
			s = s[:i]
		}
		n.Value = strings.TrimRight(s, " ")
		n.Tag = plainTag(n)
		if strings.Contains(s, ": ") || strings.HasSuffix(n.Value, ":") {
			r.odd = true
		}
	}
	if t := strings.TrimLeft(rest, " "); t != "" && (t[0] != '#' || len(t) == len(rest)) {
		r.odd = true
	}
	return n
}

// plainTag is the type of text without quotes. Only what begins like a number or
// like one of a few words can be anything but text.
func plainTag(n *yaml.Node) string {
	const longestWord = len("false")
	switch c := n.Value[0]; {
	case strings.IndexByte("+-0123456789yYnNtTfFoO~<.", c) < 0:
		return "!!str"
	case c|0x20-'a' < 26 && len(n.Value) > longestWord:
		return "!!str"
	case strings.ContainsAny(n.Value, "ghjklmpqrsuvwyGHJKLMPQRSUVWY") && len(n.Value) > longestWord, isUUID(n.Value):
		return "!!str" // no number or time is written with these
	case isDate(n.Value):
		return "!!timestamp"
	case len(n.Value) < 10 && c != '0' && strings.Trim(n.Value, "0123456789") == "":
		return "!!int"
	}
	return (&yaml.Node{Kind: yaml.ScalarNode, Value: n.Value}).ShortTag()
}

// isUUID reports whether text has its dashes where an id has them.
func isUUID(s string) bool {
	return len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-'
}

// isDate reports whether text is a day that every month has, such as 2025-03-01.
func isDate(s string) bool {
	if len(s) != len("2025-03-01") || s[4] != '-' || s[7] != '-' || strings.Trim(s[:4], "0123456789") != "" {
		return false
	}
	month, day := s[5:7], s[8:]
	return "01" <= month && month <= "12" && strings.IndexByte("0123456789", month[1]) >= 0 &&
		"01" <= day && day <= "28" && strings.IndexByte("0123456789", day[1]) >= 0
}

// literal reads a | text, the value of a key that stands at col.
func (r *blockReader) literal(at, col int) *yaml.Node {
	n := r.node(yaml.ScalarNode, "!!str", at)
	n.Style = yaml.LiteralStyle
	if r.line[at:] != "|" {
		r.odd = true
		return n
	}
	var b strings.Builder
	indent, blank := 0, 0
	for {
		if !r.take() {
			// Whether the last line ends decides whether the text does.
			r.odd = r.odd || !strings.HasSuffix(r.text, "\n")
			break
		}
		spaces := 0
		for spaces < len(r.line) && r.line[spaces] == ' ' {
			spaces++
		}
		if spaces == len(r.line) {
			blank++
			if spaces > 0 && (indent == 0 || spaces > indent) {
				r.odd = true // spaces that may count
				return n
			}
			continue
		}
		if indent == 0 {
			if indent = spaces; indent <= col {
				r.odd = true // an empty text
				return n
			}
		}
		if spaces < indent {
			if r.at = spaces; r.line[spaces] == '#' {
				r.next()
			}
			break
		}
		for ; blank > 0; blank-- {
			b.WriteByte('\n')
		}
		b.WriteString(r.line[indent:])
		b.WriteByte('\n')
	}
	n.Value = b.String()
	return n
}
