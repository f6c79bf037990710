package sigma

import "strings"

// String is text with wildcards. It covers the whole value of a field, letter
// case aside unless Cased.
type String struct {
	Parts []Part
	Cased bool
}

// Part is a piece of a String.
type Part struct {
	Kind PartKind
	Text string // of Literal, and the name of Placeholder
}

// PartKind is what a Part stands for.
type PartKind uint8

const (
	Literal     PartKind = iota
	AnyRun               // *: any characters, or none
	AnyOne               // ?: one character
	Placeholder          // %name%: to be replaced by values from outside the rule
)

// ParseString reads text as Sigma writes it: * and ? are wildcards, a backslash
// before one of them or before another backslash makes it plain, and is itself
// plain before anything else.
func ParseString(s string) String {
	var parts []Part
	if strings.IndexByte(s, '*') < 0 && strings.IndexByte(s, '?') < 0 && !strings.Contains(s, `\\`) {
		return plain(s)
	}
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			parts = append(parts, Part{Literal, text.String()})
			text.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\\':
			if i+1 < len(s) && strings.IndexByte(`*?\`, s[i+1]) >= 0 {
				i++
			}
			text.WriteByte(s[i])
		case '*':
			flush()
			parts = append(parts, Part{Kind: AnyRun})
		case '?':
			flush()
			parts = append(parts, Part{Kind: AnyOne})
		default:
			text.WriteByte(c)
		}
	}
	flush()
	return String{Parts: parts}
}

// plain is text without wildcards.
func plain(s string) String {
	if s == "" {
		return String{}
	}
	return String{Parts: []Part{{Literal, s}}}
}

// Plain returns the text of a string that has no wildcards and placeholders.
func (s String) Plain() (string, bool) {
	switch len(s.Parts) {
	case 0:
		return "", true
	case 1:
		return s.Parts[0].Text, s.Parts[0].Kind == Literal
	}
	return "", false
}

// String is s as Sigma writes it.
func (s String) String() string {
	var b strings.Builder
	for i, p := range s.Parts {
		switch p.Kind {
		case AnyRun:
			b.WriteByte('*')
		case AnyOne:
			b.WriteByte('?')
		case Placeholder:
			b.WriteString("%" + p.Text + "%")
		case Literal:
			for j := 0; j < len(p.Text); j++ {
				c := p.Text[j]
				// A backslash needs another one only before what it would escape.
				next := byte('x')
				if j+1 < len(p.Text) {
					next = p.Text[j+1]
				} else if i+1 < len(s.Parts) && s.Parts[i+1].Kind != Placeholder {
					next = '*'
				}
				if c == '*' || c == '?' || c == '\\' && strings.IndexByte(`*?\`, next) >= 0 {
					b.WriteByte('\\')
				}
				b.WriteByte(c)
			}
		}
	}
	return b.String()
}

func (s String) has(k PartKind) bool {
	for _, p := range s.Parts {
		if p.Kind == k {
			return true
		}
	}
	return false
}

func (s String) wild() bool { return s.has(AnyRun) || s.has(AnyOne) }

// starts and ends report whether s begins or ends with a *.
func (s String) starts() bool { return len(s.Parts) > 0 && s.Parts[0].Kind == AnyRun }
func (s String) ends() bool   { return len(s.Parts) > 0 && s.Parts[len(s.Parts)-1].Kind == AnyRun }

// around puts a * before or after s unless there is one.
func (s String) around(before, behind bool) String {
	parts := make([]Part, 0, len(s.Parts)+2)
	if before && !s.starts() {
		parts = append(parts, Part{Kind: AnyRun})
	}
	parts = append(parts, s.Parts...)
	if behind && !(String{Parts: parts}).ends() {
		parts = append(parts, Part{Kind: AnyRun})
	}
	return String{parts, s.Cased}
}

// mapText changes the literal parts.
func (s String) mapText(f func(string) string) String {
	parts := make([]Part, len(s.Parts))
	for i, p := range s.Parts {
		if p.Kind == Literal {
			p.Text = f(p.Text)
		}
		parts[i] = p
	}
	return String{parts, s.Cased}
}

// withPlaceholders makes parts of the %names% of the literals. A name is not
// empty and holds no backslash; other percent signs are plain.
func (s String) withPlaceholders() String {
	var parts []Part
	text := func(t string) {
		if n := len(parts); n > 0 && parts[n-1].Kind == Literal {
			parts[n-1].Text += t
		} else if t != "" {
			parts = append(parts, Part{Literal, t})
		}
	}
	for _, p := range s.Parts {
		if p.Kind != Literal {
			parts = append(parts, p)
			continue
		}
		rest := p.Text
		for {
			before, after, ok := strings.Cut(rest, "%")
			text(before)
			if !ok {
				break
			}
			name, behind, ok := strings.Cut(after, "%")
			if !ok || name == "" || strings.Contains(name, `\`) {
				text("%")
				rest = after
				continue
			}
			parts = append(parts, Part{Placeholder, name})
			rest = behind
		}
	}
	return String{parts, s.Cased}
}

// replace returns what s becomes when each placeholder named in values takes
// each of its values in turn. Names that are not in values stay. ok is false
// when that is more than expandMax.
func (s String) replace(values map[string][]String) (out []String, ok bool) {
	out = []String{{Cased: s.Cased}}
	for _, p := range s.Parts {
		vs, known := values[p.Text]
		if p.Kind != Placeholder || !known {
			for i := range out {
				out[i].Parts = join(out[i].Parts, p)
			}
			continue
		}
		var next []String
		for _, o := range out {
			for _, v := range vs {
				if len(next) == expandMax {
					return nil, false
				}
				next = append(next, String{join(o.Parts, v.Parts...), s.Cased})
			}
		}
		out = next
	}
	return out, true
}

// join appends parts to a copy, literals put together.
func join(a []Part, b ...Part) []Part {
	out := make([]Part, len(a), len(a)+len(b))
	copy(out, a)
	for _, p := range b {
		if n := len(out); n > 0 && p.Kind == Literal && out[n-1].Kind == Literal {
			out[n-1].Text += p.Text
			continue
		}
		out = append(out, p)
	}
	return out
}
