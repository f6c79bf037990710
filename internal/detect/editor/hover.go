package editor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Hover is what is shown of the thing at a place, as Markdown.
type Hover struct {
	Text string
	At   diag.Span
}

// Hover tells of the word or field at an offset; nil where there is nothing to tell.
func (d *Document) Hover(offset int) *Hover {
	r, at := d.At(offset)
	if r == nil {
		return nil
	}
	var text string
	var span diag.Span
	switch r.Language {
	case Sumo:
		text, span = r.hoverSumo(at)
	case SIEM:
		text, span = r.hoverSIEM(at)
	case Sigma:
		text, span = r.hoverSigma(at)
	}
	if text == "" {
		return nil
	}
	return &Hover{text, r.out(span)}
}

// wordAt is the word of letters, digits, _ and dots around an offset.
func wordAt(s string, at int) diag.Span {
	is := func(c byte) bool {
		return c == '_' || c == '.' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
	}
	from, to := at, at
	for from > 0 && is(s[from-1]) {
		from--
	}
	for to < len(s) && is(s[to]) {
		to++
	}
	return diag.Span{Start: from, End: to}
}

func (r *Region) hoverSumo(at int) (string, diag.Span) {
	q := r.query()
	if p := syntax.Probe(r.File, q.vocab, at); p.Inside == "comment" {
		return "", diag.Span{}
	}
	node, around := nodeAt(q.survey().Tree, at)
	switch n := node.(type) {
	case *syntax.Name:
		var parent syntax.Node
		if i := slices.Index(around, node); i > 0 {
			parent = around[i-1]
		}
		if text := r.wordDoc(n.Text, parent); text != "" {
			return text, n.Pos
		}
	case *syntax.Field:
		return r.fieldDoc(n), n.Pos
	}
	for _, n := range around {
		if s, ok := n.(*syntax.Stage); ok && s.Op != nil && !s.Bad && s.Op.Pos.Start <= at && at <= s.Op.Pos.End {
			return r.wordDoc(s.Op.Text, s), s.Op.Pos
		}
		if _, text := n.(*syntax.String); text {
			return "", diag.Span{}
		}
	}
	// The stage could not be read: words are known all the same.
	w := wordAt(r.File.Text, at)
	if w.Start == w.End {
		return "", w
	}
	text := r.File.Slice(w)
	for _, two := range []diag.Span{r.withNext(w), r.withBefore(w)} {
		if o := q.vocab.Operator(strings.Join(strings.Fields(r.File.Slice(two)), " ")); o != nil && two != w {
			return docText(o.Doc), two
		}
	}
	if doc := r.wordDoc(text, nil); doc != "" {
		return doc, w
	}
	if r.doc.set.Sample.Field(text) != nil || mapping.Metadata(text) {
		return r.fieldDoc(&syntax.Field{Pos: w, Name: text}), w
	}
	return "", w
}

// withNext and withBefore are a word with the one beside it.
func (r *Region) withNext(w diag.Span) diag.Span {
	i := w.End
	for i < len(r.File.Text) && r.File.Text[i] == ' ' {
		i++
	}
	if i == w.End || i == len(r.File.Text) {
		return w
	}
	return diag.Span{Start: w.Start, End: wordAt(r.File.Text, i).End}
}

func (r *Region) withBefore(w diag.Span) diag.Span {
	i := w.Start
	for i > 0 && r.File.Text[i-1] == ' ' {
		i--
	}
	if i == w.Start || i == 0 {
		return w
	}
	return diag.Span{Start: wordAt(r.File.Text, i).Start, End: w.End}
}

// wordDoc is the documentation of a word of the vocabulary: as what it stands for in
// its parent, or as all that it is.
func (r *Region) wordDoc(word string, parent syntax.Node) string {
	v := r.doc.set.Vocab
	var docs []string
	o, f, a := v.Operator(word), v.FunctionOf(word), v.AggregateOf(word)
	switch p := parent.(type) {
	case *syntax.Call:
		o, a = nil, nil
	case *syntax.Agg:
		if o, f = nil, nil; a == nil {
			o = v.Operator(word)
		}
	case *syntax.Stage:
		if p.Kind == syntax.Grouping {
			o, f = nil, nil
		} else if p.Op != nil && strings.EqualFold(p.Op.Text, word) {
			f, a = nil, nil
		} else {
			return ""
		}
	case *syntax.Clause:
		return ""
	}
	if o != nil {
		docs = append(docs, docText(o.Doc))
	}
	if a != nil {
		docs = append(docs, docText(a.Doc))
	}
	if f != nil {
		docs = append(docs, docText(f.Doc)+"\nNull: "+f.OfNull()+"\n")
	}
	return strings.Join(docs, "\n---\n")
}

// fieldDoc tells where a field comes from and what it holds in the sample.
func (r *Region) fieldDoc(f *syntax.Field) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**", plainMark(f.Name))
	made := r.madeBefore(f)
	switch {
	case made != nil:
		fmt.Fprintf(&b, " is made by this query, in line %d:\n```sumo\n%s\n```\n", r.doc.File.Place(r.start(made.Stage.Pos.Start)).Line, short(r.File.Slice(made.Stage.Pos)))
	case mapping.Metadata(f.Name) || strings.EqualFold(f.Name, "_raw"):
		b.WriteString(" is metadata of the message.\n")
	default:
		b.WriteString(" is a field of the events.\n")
	}
	s := r.doc.set.Sample
	if made == nil && s != nil {
		if x := s.Field(f.Name); x != nil {
			fmt.Fprintf(&b, "\n%d of %d events of %s have it:\n\n%s", x.Events, s.Events, plainMark(s.Name), valuesText(x.Values))
		} else {
			fmt.Fprintf(&b, "\nNone of the %d events of %s has it.\n", s.Events, plainMark(s.Name))
		}
	}
	return b.String()
}

// plainMark keeps the signs of Markdown in a name from being read as such.
func plainMark(s string) string {
	var b strings.Builder
	for _, c := range s {
		if strings.ContainsRune("\\`*_{}[]<>()#+!|~", c) {
			b.WriteByte('\\')
		}
		if c < ' ' {
			c = ' '
		}
		b.WriteRune(c)
	}
	return b.String()
}

func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > valueShown {
		s = strings.ToValidUTF8(s[:valueShown], "") + "..."
	}
	return strings.ReplaceAll(s, "```", "'''")
}

// madeBefore is the use that makes the field which a place reads; at the place itself
// when that makes it.
func (r *Region) madeBefore(f *syntax.Field) (made *lang.Use) {
	uses := r.query().uses()
	for i := range uses {
		u := &uses[i]
		if u.Makes && u.Stage != nil && strings.EqualFold(u.Name, f.Name) && (u.Stage.Pos.End <= f.Pos.Start || u.At == f) {
			made = u
		}
	}
	return made
}

// Signature is the form of the function or operator around a place.
type Signature struct {
	Label  string
	Doc    string
	Params []diag.Span // in the label, bytes
	Active int         // of Params; -1 for none
}

// Signature tells the form of what the arguments at an offset are of.
func (d *Document) Signature(offset int) *Signature {
	r, at := d.At(offset)
	if r == nil {
		return nil
	}
	switch r.Language {
	case Sumo:
		return r.signatureSumo(at)
	case SIEM:
		return r.signatureSIEM(at)
	}
	return nil
}

func (r *Region) signatureSumo(at int) *Signature {
	v := r.doc.set.Vocab
	p := syntax.Probe(r.File, v, at)
	if p.Inside == "comment" {
		return nil
	}
	if n := len(p.Calls); n > 0 {
		c := p.Calls[n-1]
		var doc *lang.Doc
		if f := v.FunctionOf(c.Name); f != nil {
			doc = &f.Doc
		} else if a := v.AggregateOf(c.Name); a != nil {
			doc = &a.Doc
		}
		if doc != nil {
			s := &Signature{Label: doc.Usage, Doc: doc.Summary, Params: params(doc.Usage), Active: c.Arg}
			if s.Active >= len(s.Params) {
				if s.Active = len(s.Params) - 1; s.Active >= 0 && !strings.Contains(doc.Usage[s.Params[s.Active].Start:s.Params[s.Active].End], "...") {
					s.Active = -1
				}
			}
			return s
		}
	}
	if p.Operator == "" || p.Usage == nil {
		return nil
	}
	o := v.Operator(p.Operator)
	if o == nil {
		return nil
	}
	s := &Signature{Label: o.Usage, Doc: o.Summary, Params: params(o.Usage), Active: -1}
	for _, w := range p.Wants {
		for i, at := range s.Params {
			if w.Slot != "" && strings.HasPrefix(o.Usage[at.Start:], "<"+w.Slot+":") {
				s.Active = i
			}
		}
	}
	return s
}

// params are the slots of a usage line: <s:expr>.
func params(usage string) (list []diag.Span) {
	for i := 0; i < len(usage); i++ {
		if usage[i] != '<' {
			continue
		}
		if n := strings.IndexByte(usage[i:], '>'); n > 0 && strings.Contains(usage[i:i+n], ":") {
			list = append(list, diag.Span{Start: i, End: i + n + 1})
			i += n
		}
	}
	return list
}

// Documentation is what is known of a word of the vocabulary, as Markdown; "" for none.
// A word that is of several kinds has them all.
func Documentation(v *lang.Vocabulary, word string) string {
	r := &Region{doc: &Document{set: Settings{Vocab: v}}}
	return r.wordDoc(strings.Join(strings.Fields(word), " "), nil)
}
