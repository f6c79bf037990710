package op

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name:    "split",
		Usage:   "split <from:field> {[,] delim=<delimiter:option>|[,] escape=<escaped:option>|[,] quote=<quoted:option>} extract <columns:(<n:int> as <name:field>|<name:field>),...> {nodrop}",
		Summary: "Takes columns out of text with a delimiter.",
		Text: "`extract a, _, c` names columns from the first on, `_` leaves one out; `5 as e` names the fifth and the next name takes the sixth. " +
			"The delimiter is a comma, the escape `\\` and the quote `\"` unless `delim=':'`, `escape='^'` and `quote='|'` say otherwise; each is a single character, and they differ. " +
			"Quotes are removed, a delimiter inside them is data. A column that the text does not have is null; no row is dropped.",
		Differs: "OP-24 (too few columns are null), OP-49 (`'\\t'` is a tab; so are several blanks, as the service's page prints it). `nodrop` is taken and changes nothing.",
		Examples: []lang.Example{
			{Query: `* | split _raw delim=':' extract a, _, c`, In: []string{"u:1:s"}, Out: []string{`{"a":"u","c":"s"}`}},
			{Query: `* | split _raw extract 1 as a, 3 as c`, In: []string{`x,"y,y",z`}, Out: []string{`{"a":"x","c":"z"}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Keeps, Alone: true, Family: true, Text: true, Parts: true},
	New:   func() lang.Stage { return new(split) },
})

type split struct {
	From    *syntax.Field  `usage:"from"`
	Delim   *syntax.String `usage:"delimiter"`
	Escape  *syntax.String `usage:"escaped"`
	Quote   *syntax.String `usage:"quoted"`
	Columns []splitColumn  `usage:"columns"`

	from                 event.Slot
	delim, escape, quote rune
	outs                 []event.Slot
	at                   []int // 1-based column of each of outs
}

// splitColumn is one name of extract, with its column if that is written.
type splitColumn struct {
	N    *syntax.Number `usage:"n"`
	Name *syntax.Field  `usage:"name"`
}

func (s *split) Check(sc *lang.Scope) {
	s.from = sc.Read(s.From)
	s.delim = sign(sc, s.Delim, ',')
	s.escape = sign(sc, s.Escape, '\\')
	s.quote = sign(sc, s.Quote, '"')
	if s.delim == s.quote || s.delim == s.escape || s.quote == s.escape {
		sc.Error(sc.Stage(), "same-sign", "delimiter, escape and quote are three different characters", "give another delim, escape or quote")
	}
	next := 1
	for _, c := range s.Columns {
		if c.N != nil {
			if c.N.Int < 1 || c.N.Int > splitColumnsMax {
				sc.Error(c.N, "bad-column", fmt.Sprintf("columns count from 1 to %d", splitColumnsMax), "the first column is 1")
				continue
			}
			next = int(c.N.Int)
		}
		if c.Name.Name != "_" {
			s.outs, s.at = append(s.outs, sc.Make(c.Name)), append(s.at, next)
		}
		next++
	}
}

// splitColumnsMax is the highest column that may be asked for.
const splitColumnsMax = 10000

// sign is the character of an option, or what it is by default.
func sign(sc *lang.Scope, s *syntax.String, otherwise rune) rune {
	if s == nil {
		return otherwise
	}
	text := s.Value
	if s.Single && utf8.RuneCountInString(s.Raw) == 1 {
		text = s.Raw // '\' is a backslash
	}
	if len(text) > 1 && strings.Trim(text, " ") == "" {
		sc.Warn(s, "bad-sign", "several blanks are read as a tab", `write '\t'`)
		return '\t'
	}
	r, n := utf8.DecodeRuneInString(text)
	if n == 0 || n < len(text) {
		sc.Error(s, "bad-sign", "a single character stands here", `write such as ':' or '\t'`)
		return otherwise
	}
	return r
}

func (s *split) Needs(f *event.Fields) {
	f.Remove(s.outs...)
	f.Add(s.from)
}

func (s *split) Open(_ *exec.Runtime, next exec.Sink) exec.Task {
	last := 0
	for _, n := range s.at {
		last = max(last, n)
	}
	out := make([]event.Column, len(s.outs))
	vals := make([]event.Value, len(s.outs))
	var cells []string
	keys := []event.Slot{s.from}
	return &each{next: next, fn: func(b *event.Batch) error {
		perKey(b, keys, out, func(key []event.Value) []event.Value {
			clear(vals)
			if key[0].IsNull() {
				return vals
			}
			cells = s.cut(cells[:0], key[0].Str(), last)
			for i, n := range s.at {
				if n <= len(cells) {
					vals[i] = event.Text(cells[n-1])
				}
			}
			return vals
		})
		for i, slot := range s.outs {
			b.Col(slot).Alias(&out[i])
		}
		return nil
	}}
}

// cut appends the first columns of text to cells.
func (s *split) cut(cells []string, text string, most int) []string {
	for len(cells) < most {
		cell, rest, more := s.cell(text)
		cells = append(cells, cell)
		if !more {
			break
		}
		text = rest
	}
	return cells
}

// cell takes the first column off a text. A quote that is never closed is data.
func (s *split) cell(text string) (cell, rest string, more bool) {
	plain := -1 // end of the column when no quote or escape was met
	for i, r := range text {
		if r == s.delim {
			plain = i
			break
		}
		if r == s.quote || r == s.escape {
			return s.odd(text)
		}
	}
	if plain < 0 {
		return text, "", false
	}
	return text[:plain], text[plain+utf8.RuneLen(s.delim):], true
}

// odd is cell for a column with quotes or escapes.
func (s *split) odd(text string) (cell, rest string, more bool) {
	var b strings.Builder
	inside, quotes := false, true
again:
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		next := i + n
		after, m := rune(-1), 0
		if next < len(text) {
			after, m = utf8.DecodeRuneInString(text[next:])
		}
		switch {
		case r == s.escape && (after == s.delim || after == s.quote || after == s.escape):
			b.WriteRune(after)
			next += m
		case r == s.quote && quotes && inside && after == s.quote: // a quote inside quotes is doubled
			b.WriteRune(r)
			next += m
		case r == s.quote && quotes:
			inside = !inside
		case r == s.delim && !inside:
			return b.String(), text[next:], true
		default:
			b.WriteString(text[i:next])
		}
		i = next
	}
	if inside {
		b.Reset()
		inside, quotes = false, false
		goto again
	}
	return b.String(), "", false
}
