package format

import (
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/evtx"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// evtxFilter finds the records that may hold a literal the query needs, before
// their values are looked at.
type evtxFilter struct {
	set *match.Set
	// anyhow says that a literal stands in an event's bytes also where its field has
	// several texts, and is a JSON array of them.
	anyhow bool

	data []byte
	hit  int // where the chunk has it next, -1 for nowhere, unknown before the first look
}

const unknown = -2

// newEVTXFilter makes a filter of what is needed; nil when nothing that is needed
// can be searched for. Only needs of a field will do: what a keyword matches may
// be how JSON writes a line break.
func newEVTXFilter(w *input.Want) *evtxFilter {
	var best *match.Witness
	for _, n := range w.Need {
		if n.Slot == event.None || !w.NoMap && !mapping.Verbatim(w.Layout.Name(n.Slot)) {
			continue
		}
		pieces := make([]string, len(n.Any))
		for i, l := range n.Any {
			pieces[i] = textPiece(l)
		}
		best = match.And(best, match.NewWitness(pieces...)) // of an empty piece, nil
	}
	if best == nil {
		return nil
	}
	var all []match.Literal
	anyhow := true
	for _, p := range best.Any {
		if rest := p[escapeTail(p):]; strings.Contains(p, `"`) || !tellsText(rest) {
			anyhow = false
		} else {
			p = rest
		}
		all = append(all, wide(p), match.AnyCase(p))
	}
	return &evtxFilter{set: match.NewWideSet(all...), anyhow: anyhow}
}

// textPiece is the longest piece of a literal that must stand in an event's
// bytes as it is: of one letter case or the other, in one value, and in a value
// that is text. "" when there is none.
func textPiece(literal string) (best string) {
	for _, p := range strings.FieldsFunc(match.Fold(literal), func(r rune) bool {
		return r < ' ' || r >= 0x7f || r == '\\' // a backslash may join two values
	}) {
		if len(p) > len(best) && tellsText(p) {
			best = p
		}
	}
	return best
}

// tellsText reports whether a piece is long enough to look for, and stands only in
// text: numbers, GUIDs, SIDs, times and booleans are made of other characters.
func tellsText(piece string) bool {
	return len(piece) >= 4 && strings.ContainsAny(piece, "ghjkmopqvwy")
}

// escapeTail is how many characters of a piece may be the end of an escape of JSON,
// such as the c of \u000c, and stand for others.
func escapeTail(piece string) int {
	if strings.HasPrefix(piece, "n") || strings.HasPrefix(piece, "r") || strings.HasPrefix(piece, "t") {
		return 1
	}
	for n := min(5, len(piece)); n > 0; n-- {
		if c := piece[n-1]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			continue
		}
		if strings.HasSuffix("u000", piece[:n-1]) || strings.HasSuffix("u001", piece[:n-1]) {
			return n
		}
	}
	return 0
}

// wide is a piece of ASCII as UTF-16 in any letter case. The characters beyond
// ASCII that fold to one of its letters are let through by letting through a
// few more.
func wide(piece string) match.Literal {
	var l match.Literal
	for i := range len(piece) {
		low, high := piece[i:i+1]+strings.ToUpper(piece[i:i+1]), "\x00"
		switch piece[i] {
		case 'i':
			low, high = low+"\x30\x31", "\x00\x01" // U+0130, U+0131
		case 'k':
			low, high = low+"\x2a", "\x00\x21" // U+212A
		case 's':
			low, high = low+"\x7f", "\x00\x01" // U+017F
		}
		l = append(l, match.ByteSet(low), match.ByteSet(high))
	}
	return l
}

// open begins a chunk, of which data is the part to look for records in.
func (f *evtxFilter) open(data []byte) {
	if f != nil {
		f.data, f.hit = data, unknown
	}
}

// holds reports whether a literal stands in the record's bytes.
func (f *evtxFilter) holds(rec evtx.Record) bool {
	if f.hit == unknown || f.hit >= 0 && f.hit < rec.Offset {
		f.hit = f.set.Index(f.data, rec.Offset)
	}
	end := rec.Offset + rec.Size
	return f.hit >= 0 && f.hit < end || end > len(f.data)
}

// passes reports whether a record lacks what the query needs, as told without its
// values: what cannot be told so is decoded first.
func (r *evtxReader) passes(rec evtx.Record) bool {
	if r.filter == nil || rec.Torn || rec.Carved || r.filter.holds(rec) {
		return false
	}
	g, ok := r.dec.Glance(rec)
	if !ok {
		return r.filter.anyhow && r.dec.Whole(rec)
	}
	if g != r.glanced.of {
		r.glanced = glanced{g, plainByTemplates(g)}
	}
	return r.glanced.plain
}

// glanced is what was found out last of records with certain templates: most have
// those of the one before.
type glanced struct {
	of    evtx.Glance
	plain bool
}

// plainByTemplates is evtxEvent.plain as told by an event's templates.
func plainByTemplates(g evtx.Glance) bool {
	outer, ok := g.Outer.Plan.(*evtxPlan)
	if !ok || !outer.plain || outer.dynamic || len(outer.base) > 0 {
		return false
	}
	if g.Inner == nil {
		return true
	}
	inner, ok := g.Inner.Plan.(*evtxPlan)
	return ok && inner.plain && !inner.dynamic && !(inner.data && outer.data) &&
		g.Field >= 0 && slices.Equal(inner.base, g.Outer.Fields[g.Field].Path)
}

// plain reports whether the event's texts stand in its record as they are: each
// is one value, none is put together or fixed in a template.
func (f *evtxEvent) plain() bool {
	if f.odd {
		return false
	}
	for i, p := range f.plans {
		if !p.plain {
			return false
		}
		for j := range f.fragments[i].Values {
			if f.fragments[i].Values[j].Type&evtx.Array != 0 {
				return false
			}
		}
	}
	return true
}

// isPlain works out evtxEvent.plain for a template's fields.
func (p *evtxPlan) isPlain(f *evtxFilter) bool {
	for i := range p.fields {
		pf := &p.fields[i]
		switch {
		case len(pf.at) > 1:
			return false
		case pf.value < 0 && len(pf.fixed.Data) > 0:
			if f.set.Index(pf.fixed.Data, 0) >= 0 {
				return false
			}
		case pf.value < 0 && !pf.empty:
			return false
		}
	}
	return true
}
