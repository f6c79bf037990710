package format

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// flat makes rows of events whose fields are names and texts: XML, CSV, text.
// A reader calls field for each and then end. Of a name that comes twice the
// first text counts, as the outer field of a JSON event does.
type flat struct {
	*plan
	want *input.Want
	w    *builder
	auto bool // the fields are all that json auto could find in the text

	vals  []jsondoc.Value
	exact []bool // by value: it came under exactly the wanted name
	given []int  // values that the event has

	byName map[string]*target
	folded map[string][]int // the plan's names by lower case
	extra  []pair           // fields that no one named, when all are wanted

	inner  *unwrapper // nil until an event holds more in a field
	pieces [][]byte   // the event's text as it is read, where it is written otherwise
	opened bool       // the fields are of what a field holds

	need *match.Set // what must stand in an event's text; nil for nothing
	hit  int        // where the block has it next
}

// target is where a name leads to.
type target struct {
	index []int // of the plan's names
	exact []bool
	slot  event.Slot // when all fields are wanted and no one named this one
}

type pair struct {
	slot  event.Slot
	value jsondoc.Value
}

func newFlat(w *input.Want, needles ...match.Literal) *flat {
	f := flatOf(w, newPlan(w), new(builder))
	f.auto = true
	f.need = textNeeds(w, needles)
	return f
}

// flatOf makes a flat reader that gives its fields to another reader's plan.
func flatOf(w *input.Want, p *plan, to *builder) *flat {
	f := &flat{plan: p, want: w, w: to, byName: map[string]*target{}, folded: map[string][]int{}}
	f.vals = make([]jsondoc.Value, len(f.Names))
	f.exact = make([]bool, len(f.Names))
	for i, n := range f.Names {
		if !slices.Contains(p.Tops, i) && !p.Exact[i] {
			k := strings.ToLower(n)
			f.folded[k] = append(f.folded[k], i)
		}
	}
	return f
}

// messages says that an event's own fields are at its top, so that those of exported
// messages are found.
func (f *flat) messages() {
	for _, i := range f.Tops {
		k := strings.ToLower(f.Names[i])
		f.folded[k] = append(f.folded[k], i)
	}
}

// begin starts a block.
func (f *flat) begin(data []byte) {
	f.w.reset()
	if f.need != nil {
		f.hit = f.need.Index(data, 0)
	}
}

// matters reports whether the event from start to end of the block may matter;
// one that does not is counted.
func (f *flat) matters(data []byte, start, end int) bool {
	if f.need == nil {
		return true
	}
	if f.hit >= 0 && f.hit < start {
		f.hit = f.need.Index(data, start)
	}
	if f.hit < 0 || f.hit >= end {
		f.want.Skip(1)
		return false
	}
	return true
}

// spellings are the names that a field with blanks in its own is found under:
// Threat Name as Threat_Name, as json auto has it, and as ThreatName, as Sigma has.
func spellings(name string) []string {
	if !strings.Contains(name, " ") {
		return []string{name}
	}
	return []string{name, columnName(name), strings.ReplaceAll(name, " ", "")}
}

// target finds where a name leads to, nil for nowhere. It remembers names up to
// a limit: those that are data, as in a log of keys, must not fill the memory.
func (f *flat) target(name string) *target {
	if t, ok := f.byName[name]; ok {
		return t
	}
	var t *target
	for _, n := range spellings(name) {
		for _, i := range f.folded[strings.ToLower(n)] {
			if t == nil {
				t = &target{slot: event.None}
			}
			t.index, t.exact = append(t.index, i), append(t.exact, f.Names[i] == name)
		}
	}
	if bare := belowRoot(name); bare != "" && !f.noMap { // winlog.event_data.Image, a column's name
		for _, i := range f.folded[strings.ToLower(bare)] {
			if t == nil {
				t = &target{slot: event.None}
			}
			t.index, t.exact = append(t.index, i), append(t.exact, false)
		}
	}
	if f.all && !strings.HasPrefix(name, "_") {
		if t == nil {
			t = &target{slot: event.None}
		}
		if s := f.want.Layout.Met(name); s == event.None {
			f.want.Warnings.Add("field beyond the limit", true, exec.Sample{Detail: fmt.Sprintf("%s is more than %d fields", name, event.MaxFields)})
		} else if !f.want.Fields.Has(s) {
			t.slot = s
		}
	}
	if len(f.byName) < namesMax {
		f.byName[strings.Clone(name)] = t
	}
	return t
}

// belowRoot is a field's name without the root that it stands under; "" where it
// stands under none.
func belowRoot(name string) (bare string) {
	if !strings.Contains(name, ".") {
		return ""
	}
	for _, r := range mapping.Roots {
		if len(name) > len(r)+1 && name[len(r)] == '.' && strings.EqualFold(name[:len(r)], r) && (bare == "" || len(name)-len(r)-1 < len(bare)) {
			bare = name[len(r)+1:]
		}
	}
	return bare
}

// wants reports whether a field is of use, so that its text needs decoding.
func (f *flat) wants(name string) bool { return f.target(name) != nil }

// field gives the event a field. text must stay as it is until the batch is pushed.
func (f *flat) field(name string, text []byte) { f.give(name, asIs(text)) }

// give is field for a value of JSON.
func (f *flat) give(name string, v jsondoc.Value) {
	t := f.target(name)
	if t == nil {
		return
	}
	for k, i := range t.index {
		if f.vals[i].Kind != jsondoc.Missing && (f.exact[i] || !t.exact[k]) || f.opened && slices.Contains(f.Tops, i) {
			continue
		}
		if f.vals[i].Kind == jsondoc.Missing {
			f.given = append(f.given, i)
		}
		f.vals[i], f.exact[i] = v, t.exact[k]
	}
	if t.slot != event.None {
		f.extra = append(f.extra, pair{t.slot, v})
	}
}

// end makes a row of the fields given. text is the event's own, fallback its
// time in ms when no field says it.
func (f *flat) end(b *input.Block, off int, text []byte, fallback int64, next exec.Sink) error {
	if f.w.b.N == event.MaxRows {
		if err := f.push(next); err != nil {
			return err
		}
	}
	if !utf8.Valid(text) {
		notUTF8(f.want, b.Part, b.Offset+int64(off))
	}
	f.unwrap(text, place{b.Part, b.Offset + int64(off)})
	row := f.event(f.w, f.vals, f.given, text, b, b.Offset+int64(off), fallback)
	f.rest(row)
	return nil
}

// unwrap gives the event what stands in fields that hold more of it.
func (f *flat) unwrap(text []byte, where place) {
	if f.HoldsMore(f.vals, f.given) || !f.told(f.vals, f.w) && signed(text) {
		if f.unwrapper().event(text, where); f.told(f.vals, f.w) {
			where.part.Known()
		}
	}
}

func (f *flat) unwrapper() *unwrapper {
	if f.inner == nil {
		f.inner = newUnwrapper(f)
	}
	return f.inner
}

// rest gives a row the fields that no one named, and forgets the event.
func (f *flat) rest(row uint16) {
	for i := len(f.extra) - 1; i >= 0; i-- { // the first of a name counts
		f.w.text(f.extra[i].slot, row, f.extra[i].value)
	}
	f.extra = f.extra[:0]
	for _, i := range f.given {
		f.vals[i], f.exact[i] = jsondoc.Value{}, false
	}
	f.given = f.given[:0]
}

func (f *flat) push(next exec.Sink) error {
	f.w.b.Auto = f.auto
	return f.w.push(next)
}

// notUTF8 reports an event with text that is no UTF-8: nothing is lost, but its
// odd bytes are shown as U+FFFD.
func notUTF8(w *input.Want, part *input.Part, off int64) {
	w.Warnings.Add("event that is not UTF-8; its odd bytes are shown as U+FFFD", false, exec.Sample{
		Part: part.Name, Pos: event.Position(part.Index, off), Detail: fmt.Sprintf("byte %d", off),
	})
}

// lost reports what cannot be read of a block.
func lost(w *input.Want, b *input.Block, at int, kind string, text []byte) {
	off := b.Offset + int64(at)
	w.Warnings.Add(kind, true, exec.Sample{
		Part: b.Part.Name, Pos: event.Position(b.Part.Index, off), Detail: fmt.Sprintf("byte %d: %s", off, excerpt(text)),
	})
}
