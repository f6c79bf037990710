package editor

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/engine/fn"
	"github.com/gyoji-dev/gyoji/siem"
)

func siemValue() *regexp.Regexp {
	return pattern(`(?i)([A-Za-z_]\w*)\s*(?:==?|!=|<>|\blike|\bin\s*\((?:[^()']|'[^']*')*)\s*'([^'\n]*)$`)
}
func siemQuoted() *regexp.Regexp { return pattern(`'[^'\n]*$`) }

func (c *completer) siem() {
	text := c.r.File.Text[:c.at]
	tail := text[max(0, len(text)-2000):]
	if strings.Count(tail, "'")%2 == 1 && siemQuoted().MatchString(tail) {
		if m := siemValue().FindStringSubmatch(tail); m != nil {
			c.write(m[2])
			c.attributeValues(m[1])
		}
		return
	}
	c.write(pipeWord().FindString(tail))
	for _, name := range siemAttributes() {
		a := record.Schema()[name]
		rank := 1
		if a.Deprecated || strings.HasPrefix(name, "_") {
			rank = 5
		}
		c.put(Completion{What: FieldName, Label: name, Detail: attributeLine(a), Rank: rank})
	}
	for _, n := range fn.SIEMNames() {
		c.put(Completion{What: FunctionWord, Label: n, Detail: "function of Cloud SIEM", Insert: n + "($0)", Plain: n + "(", Snippet: true, Rank: 2})
	}
	for _, w := range siem.Keywords() {
		c.put(Completion{What: KeywordWord, Label: w, Rank: 3})
	}
}

// siemAttributes are the names of the schema, sorted.
func siemAttributes() (names []string) {
	for n := range record.Schema() {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func attributeLine(a *record.Attribute) string {
	s := a.Type
	if a.Entity != "" {
		s += ", names a " + a.Entity
	}
	if a.Deprecated {
		s += ", deprecated"
	}
	return s
}

// attributeValues are the values that an attribute may have, and no others.
func (c *completer) attributeValues(name string) {
	for _, v := range record.Values(name) {
		c.put(Completion{What: ValueText, Label: v, Detail: "a value of " + name, Rank: 0})
	}
	if strings.EqualFold(name, "objectType") {
		for _, v := range record.Types {
			c.put(Completion{What: ValueText, Label: v, Detail: "a type of record", Rank: 0})
		}
	}
	if f := c.r.doc.set.Sample.Field(name); f != nil {
		for _, v := range f.Values {
			if len(v) <= valueMax && !strings.ContainsAny(v, "\r\n'") {
				c.put(Completion{What: ValueText, Label: v, Detail: "in " + c.r.doc.set.Sample.Name, Rank: 1})
			}
		}
	}
}

func (r *Region) hoverSIEM(at int) (string, diag.Span) {
	if x, _ := siem.Parse(r.File); x != nil && x.Cond != nil {
		inText := false
		siem.Walk(x.Cond, func(n siem.Node) bool {
			if l, ok := n.(*siem.Literal); ok && l.Kind != siem.Null && l.Span.Start <= at && at <= l.Span.End {
				inText = true
			}
			return true
		})
		if inText {
			return "", diag.Span{}
		}
	}
	w := wordAt(r.File.Text, at)
	name := r.File.Slice(w)
	if a := record.Schema()[name]; a != nil {
		return attributeDoc(a), w
	}
	if f := fn.SIEM(name); f != nil && strings.HasPrefix(strings.TrimLeft(r.File.Text[w.End:], " \t"), "(") {
		text := fmt.Sprintf("**%s** is a function of Cloud SIEM.\n", name)
		if g := r.doc.set.Vocab.FunctionOf(name); g != nil {
			text += "\nIn log search:\n\n" + docText(g.Doc)
		}
		return text, w
	}
	return "", w
}

func attributeDoc(a *record.Attribute) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** is an attribute of Cloud SIEM records: %s.\n", plainMark(a.Name), attributeLine(a))
	if a.Mappable {
		b.WriteString("\nA log mapper sets it.\n")
	}
	if a.Enriched {
		b.WriteString("\nIt is derived of others.\n")
	}
	if vs := record.Values(a.Name); vs != nil {
		fmt.Fprintf(&b, "\nIts values: %s\n", strings.Join(vs, ", "))
	}
	return b.String()
}

// signatureSIEM is the form that log search has of a function by the same name.
func (r *Region) signatureSIEM(at int) *Signature {
	text := r.File.Text[:at]
	depth, arg := 0, 0
	quoted := strings.Count(text, "'")%2 == 1
	for i := len(text) - 1; i >= 0; i-- {
		switch c := text[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == ')':
			depth++
		case c == ',' && depth == 0:
			arg++
		case c == '(' && depth > 0:
			depth--
		case c == '(':
			name := r.File.Slice(wordAt(text, len(strings.TrimRight(text[:i], " "))))
			f := r.doc.set.Vocab.FunctionOf(name)
			if f == nil || fn.SIEM(name) == nil {
				return nil
			}
			s := &Signature{Label: f.Usage, Doc: f.Summary, Params: params(f.Usage), Active: arg}
			if s.Active >= len(s.Params) {
				s.Active = len(s.Params) - 1
			}
			return s
		}
	}
	return nil
}
