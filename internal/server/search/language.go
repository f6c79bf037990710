package search

import (
	"net/http"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/editor"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/server/access"
)

// languageMost is how large a text of the language service is, with its request, in bytes.
const languageMost = 256 << 10

// asked is a request to the language service. Places are counted as JavaScript counts:
// units of UTF-16 from the start of the text.
type asked struct {
	Text     string `json:"text"`
	Language string `json:"language"` // sumo where it is empty; siem, sigma
	Position int    `json:"position"`
	// Version comes back as it was given: an answer to an older one is not for the text
	// that is there now.
	Version int64 `json:"version"`
	// Fixes wants the changes that mend what is found, which may take two seconds.
	Fixes bool `json:"fixes"`
}

// text is a document with its places in both ways of counting.
type text struct {
	asked
	*editor.Document
}

func (p *Page) text(r *http.Request) (t text, err error) {
	if err := access.Body(r, languageMost, &t.asked); err != nil {
		return t, err
	}
	name := "query.sumo"
	switch t.Language {
	case "", "sumo":
		t.Language = "sumo"
	case "siem":
		name = "expression.cse"
	case "sigma":
		name = "rule.yml"
	default:
		return t, access.Bad("There is no language %q; it is sumo, siem or sigma.", t.Language)
	}
	t.Document = editor.Open(name, t.Language, t.Text, editor.Settings{Vocab: query.Standard(), Sample: p.sample.get()})
	return t, nil
}

// bytes is the byte at a place; the text's end for one beyond it.
func (t *text) bytes(place int) int {
	at := 0
	for at < len(t.Text) && place > 0 {
		c, n := utf8.DecodeRuneInString(t.Text[at:])
		if place--; c > 0xffff {
			place--
		}
		at += n
	}
	return at
}

// units is the place of a byte.
func (t *text) units(at int) (place int) {
	for _, c := range t.Text[:max(0, min(at, len(t.Text)))] {
		if place++; c > 0xffff {
			place++
		}
	}
	return place
}

// between is a stretch of the text.
type between struct {
	From int `json:"from"`
	To   int `json:"to"`
}

func (t *text) between(s diag.Span) between { return between{t.units(s.Start), t.units(s.End)} }

// edit is a change of the text.
type edit struct {
	between
	Text string `json:"text"`
}

func (t *text) edits(list []diag.Edit) []edit {
	out := []edit{}
	for _, e := range list {
		out = append(out, edit{t.between(e.Span), e.New})
	}
	return out
}

type fix struct {
	Title string `json:"title"`
	Safe  bool   `json:"safe"` // it keeps the meaning
	Edits []edit `json:"edits"`
}

type diagnostic struct {
	between
	Line     int    `json:"line"`
	Severity string `json:"severity"` // error, warning, note
	Code     string `json:"code"`
	Message  string `json:"message"`
	Help     string `json:"help,omitempty"`
	Fix      *fix   `json:"fix,omitempty"`
}

// diagnostics answers what is wrong with a text.
func (p *Page) diagnostics(r *http.Request) (any, error) {
	t, err := p.text(r)
	if err != nil {
		return nil, err
	}
	found := t.Diagnostics()
	if t.Fixes {
		found = t.Mended()
	}
	out := []diagnostic{}
	for _, f := range found {
		x := diagnostic{
			between: t.between(f.Span), Line: t.File.Place(f.Span.Start).Line, Severity: f.Severity.String(), Code: f.Code, Message: f.Message, Help: f.Help,
		}
		if f.Code == "missing-scope" {
			x.Severity = diag.Note.String() // who explores begins with all
		}
		if f.Fix != nil {
			x.Fix = &fix{f.Fix.Title, f.Fix.Safe, t.edits(f.Fix.Edits)}
		}
		out = append(out, x)
	}
	return map[string]any{"version": t.Version, "fixes": t.Fixes, "diagnostics": out}, nil
}

// kinds are what completions are, by editor.What.
var kinds = [...]string{
	editor.OperatorWord: "operator", editor.FunctionWord: "function", editor.AggregateWord: "aggregate", editor.KeywordWord: "word",
	editor.FieldName: "field", editor.ValueText: "value", editor.Key: "key",
}

type completion struct {
	between
	Label   string `json:"label"`
	Kind    string `json:"kind"`
	Detail  string `json:"detail,omitempty"`
	Doc     string `json:"doc,omitempty"` // Markdown
	Insert  string `json:"insert"`
	Cursor  int    `json:"cursor"` // where it goes in Insert
	Example string `json:"example,omitempty"`
}

// complete answers what may be written at a place, the likeliest first.
func (p *Page) complete(r *http.Request) (any, error) {
	t, err := p.text(r)
	if err != nil {
		return nil, err
	}
	list, more := t.Complete(t.bytes(t.Position))
	out := []completion{}
	for _, c := range list {
		x := completion{between: t.between(c.At), Label: c.Label, Kind: kinds[c.What], Detail: c.Detail, Doc: c.Doc}
		x.Insert, x.Cursor = inserted(c)
		if c.What == editor.FieldName {
			x.Example = p.sample.get().Example(c.Label)
		}
		out = append(out, x)
	}
	return map[string]any{"version": t.Version, "items": out, "more": more}, nil
}

// inserted is what is written for a completion, and where in it the cursor goes, in
// units of UTF-16.
func inserted(c editor.Completion) (s string, cursor int) {
	whole := c.Plain
	if c.Snippet {
		whole = c.Insert
	}
	cursor = -1
	for i := 0; i < len(whole); i++ {
		if c.Snippet && i+1 < len(whole) && whole[i] == '$' && whole[i+1] == '0' {
			cursor = len(s)
			i++
			continue
		}
		s += whole[i : i+1]
	}
	if cursor < 0 {
		cursor = len(s)
	}
	t := text{asked: asked{Text: s}}
	return s, t.units(cursor)
}

// hover answers what is known of the word at a place; null for nothing.
func (p *Page) hover(r *http.Request) (any, error) {
	t, err := p.text(r)
	if err != nil {
		return nil, err
	}
	h := t.Hover(t.bytes(t.Position))
	if h == nil {
		return map[string]any{"version": t.Version, "hover": nil}, nil
	}
	return map[string]any{"version": t.Version, "hover": struct {
		between
		Text string `json:"text"` // Markdown
	}{t.between(h.At), h.Text}}, nil
}

// signature answers the form of the function or operator around a place; null for none.
func (p *Page) signature(r *http.Request) (any, error) {
	t, err := p.text(r)
	if err != nil {
		return nil, err
	}
	s := t.Signature(t.bytes(t.Position))
	if s == nil {
		return map[string]any{"version": t.Version, "signature": nil}, nil
	}
	label := text{asked: asked{Text: s.Label}}
	params := []between{}
	for _, p := range s.Params {
		params = append(params, label.between(p))
	}
	return map[string]any{"version": t.Version, "signature": map[string]any{"label": s.Label, "doc": s.Doc, "params": params, "active": s.Active}}, nil
}

// format answers the change that gives a text its one layout.
func (p *Page) format(r *http.Request) (any, error) {
	t, err := p.text(r)
	if err != nil {
		return nil, err
	}
	return map[string]any{"version": t.Version, "edits": t.edits(t.Format())}, nil
}

// textOf is a text of which only places are asked.
func textOf(s string) *text { return &text{asked: asked{Text: s}} }
