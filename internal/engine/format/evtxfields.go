package format

import (
	"slices"
	"strings"
	"unicode/utf16"
	"unsafe"

	"github.com/gyoji-dev/gyoji/evtx"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// knownField is a field that the reader itself looks at.
type knownField int

const (
	fieldUtcTime knownField = iota
	fieldSystemTime
	fieldChannel
	fieldProvider
	fieldComputer
	knownFields
)

var knownNames = [knownFields]string{"UtcTime", "SystemTime", "Channel", "Provider", "Computer"}

// evtxPlan is what was worked out for a template: its fields by their flat
// names, and which of them go where.
type evtxPlan struct {
	base   []string // the path that the fragment stands in
	fields []evtxField
	// A name in another letter case counts only where the exact one is missing:
	// exact targets come later and win.
	folded, exact []evtxTarget
	names         []evtxName
	steps         []evtxStep
	known         [knownFields]int // index of fields, or -1
	data          bool             // it has fields beyond System's
	plain         bool             // see evtxEvent.plain
	lacks         evtxLack
	dynamic       bool // what its fields are called stands in values
}

// evtxField is all that has one flat name.
type evtxField struct {
	name   string
	column string // the name that json auto gives it: without blanks
	key    string // "name":
	at     []int  // places in the template
	value  int    // which value it is, where it is one; else -1
	fixed  evtx.Value
	empty  bool  // it holds nothing
	spare  bool  // left out when empty: attributes, and System's elements
	needed bool  // left out when its value is Null
	others []int // values that it is left out without, beside its own
}

// evtxName is a name that is looked for, of the plan's, and the field that has it.
type evtxName struct {
	at    int
	field int
	exact bool // not only letter case aside
}

// evtxLack are the wanted fields that events of two templates have only under
// other names.
type evtxLack struct {
	known bool
	root  *evtxPlan
	same  []evtxPlace // a text that is the field's as it stands
	made  []evtxMade
}

// evtxPlace is where a field stands in an event.
type evtxPlace struct {
	fragment, field int
	slot            event.Slot
}

// evtxMade is a field that is made of others.
type evtxMade struct {
	field *field
	at    []int // of the plan's names
	from  []evtxPlace
}

type evtxTarget struct {
	field int
	slot  event.Slot
}

// planOf returns what was worked out for a fragment.
func (r *evtxReader) planOf(t *evtx.Template, base []string) *evtxPlan {
	if p, ok := t.Plan.(*evtxPlan); ok && slices.Equal(p.base, base) {
		return p
	}
	r.glanced = glanced{} // or it would be of the plan before
	p := &evtxPlan{base: base}
	for i := range p.known {
		p.known[i] = -1
	}
	index := map[string]int{}
	for i := range t.Fields {
		f := &t.Fields[i]
		if f.KeyFrom != nil {
			p.dynamic = true
		}
		path := append(base[:len(base):len(base)], f.Path...)
		name := mapping.WindowsField(path, f.Attr, f.Key)
		if name == "" {
			continue
		}
		system := inSystem(path)
		// Another fragment may stand in the place of EventData's or UserData's text.
		p.data = p.data || !system && (len(path) > 2 || f.Attr != "")
		at, ok := index[name]
		if !ok {
			at = len(p.fields)
			index[name] = at
			p.fields = append(p.fields, evtxField{
				name: name, column: columnName(name), key: string(jsondoc.AppendString(nil, name)) + ":",
				value: -1, spare: f.Attr != "" || system,
			})
		}
		pf := &p.fields[at]
		pf.at = append(pf.at, i)
		pf.value, pf.fixed, pf.empty, pf.needed, pf.others = -1, evtx.Value{}, false, len(f.Needs) > 0, nil
		if len(pf.at) > 1 {
			continue
		}
		switch c := f.Content; {
		case len(c) == 1 && c[0].Value >= 0:
			pf.value = c[0].Value
		case len(c) == 0:
			pf.empty = true
		case len(c) == 1:
			pf.fixed = textValue(c[0].Text)
		}
		for _, value := range f.Needs {
			if value != pf.value {
				pf.others = append(pf.others, value)
			}
		}
	}
	p.plain = r.filter != nil && p.isPlain(r.filter)
	p.aim(r)
	p.lay()
	t.Plan = p
	return p
}

func inSystem(path []string) bool { return len(path) > 1 && path[0] == "Event" && path[1] == "System" }

// textValue is a value of some text.
func textValue(s string) evtx.Value {
	data := []byte{}
	for _, c := range utf16.Encode([]rune(s)) {
		data = append(data, byte(c), byte(c>>8))
	}
	return evtx.Value{Type: evtx.String, Data: data}
}

// aim finds the names that fields have, and the slots that they go to.
func (p *evtxPlan) aim(r *evtxReader) {
	taken := map[event.Slot]bool{}
	for i := range p.fields {
		f := &p.fields[i]
		for k, name := range knownNames {
			if name == f.name {
				p.known[k] = i
			}
		}
		r.eachName(f, func(at int, exact bool) {
			p.names = append(p.names, evtxName{at, i, exact})
			for _, s := range r.slots[at] {
				if exact {
					p.exact = append(p.exact, evtxTarget{i, s})
				} else {
					p.folded = append(p.folded, evtxTarget{i, s})
				}
			}
		})
		if r.all {
			s := r.slot(f.name)
			if taken[s] {
				s = r.want.Layout.Exact(columnName(f.name)) // Id beside ID
			}
			taken[s] = true
			if s != event.None && !r.want.Fields.Has(s) {
				p.exact = append(p.exact, evtxTarget{i, s})
			}
		}
	}
}

// eachName calls visit for the plan's names that a field has.
func (r *evtxReader) eachName(f *evtxField, visit func(at int, exact bool)) {
	r.scratch = match.AppendFolded(r.scratch[:0], f.name)
	for _, at := range r.byFolded[string(r.scratch)] {
		visit(int(at), f.is(r.plan.Names[at]))
	}
	if f.column != f.name {
		r.scratch = match.AppendFolded(r.scratch[:0], strings.ReplaceAll(f.name, " ", ""))
		for _, at := range r.byFolded[string(r.scratch)] {
			visit(int(at), false)
		}
		r.scratch = match.AppendFolded(r.scratch[:0], f.column)
		for _, at := range r.byFolded[string(r.scratch)] {
			if f.is(r.plan.Names[at]) {
				visit(int(at), true)
			}
		}
	}
}

// nameFields readies eachName: of the hundreds of names that rules look for, a
// template has a few.
func (r *evtxReader) nameFields() {
	r.byFolded, r.slots = map[string][]int32{}, make([][]event.Slot, len(r.plan.Names))
	for at, name := range r.plan.Names {
		folded := string(match.AppendFolded(nil, name))
		r.byFolded[folded] = append(r.byFolded[folded], int32(at))
	}
	for _, w := range r.plan.fields {
		r.slots[w.At] = append(r.slots[w.At], w.slot)
	}
	r.places = make([]evtxFound, len(r.plan.Names))
}

// columnName is the name that json auto gives a key: without blanks.
func columnName(key string) string { return strings.ReplaceAll(key, " ", "_") }

func (pf *evtxField) is(name string) bool { return pf.name == name || pf.column == name }

// slot is where a field goes when all are wanted.
func (r *evtxReader) slot(name string) event.Slot {
	s := r.want.Layout.Met(columnName(name))
	if s == event.None {
		r.warn("field beyond the limit", true, 0, name)
	}
	return s
}

// evtxEvent is an event as flat fields.
type evtxEvent struct {
	fragments []evtx.Fragment
	plans     []*evtxPlan
	pairs     []evtxPair // in place of these where an event is out of the ordinary
	odd       bool
}

// evtxPair is a field of an event that was flattened the plain way.
type evtxPair struct {
	name  string
	items []string
}

// flatten finds the plans of an event's fragments.
func (r *evtxReader) flatten(ev *evtx.Event) *evtxEvent {
	f := &r.event
	f.fragments, f.plans, f.pairs, f.odd = ev.Fragments, f.plans[:0], nil, false
	data := 0
	for i := range ev.Fragments {
		fr := &ev.Fragments[i]
		var p *evtxPlan
		if fr.Parent == 0 && i == 1 && inEvent(ev) {
			p = r.planOf(fr.Template, underEvent)
		} else {
			p = r.planOf(fr.Template, base(ev, i))
		}
		f.plans = append(f.plans, p)
		if p.data {
			data++
		}
		f.odd = f.odd || p.dynamic
	}
	if data > 1 {
		f.odd = true // two fragments may have a field of the same name
	}
	if f.odd {
		f.pairs = plainly(ev)
	}
	return f
}

var underEvent = []string{"Event"}

// inEvent reports whether the second fragment stands right under Event.
func inEvent(ev *evtx.Event) bool {
	i := ev.Fragments[1].Field
	if i < 0 {
		return false
	}
	path := ev.Fragments[0].Fields[i].Path
	return len(path) == 1 && path[0] == "Event"
}

// base is the path that a fragment stands in.
func base(ev *evtx.Event, i int) []string {
	fr := &ev.Fragments[i]
	if fr.Parent < 0 || fr.Field < 0 {
		return nil
	}
	return append(base(ev, fr.Parent), ev.Fragments[fr.Parent].Fields[fr.Field].Path...)
}

// plainly flattens an event without plans: slower, and right for all.
func plainly(ev *evtx.Event) (pairs []evtxPair) {
	index := map[string]int{}
	var it items
	for i := range ev.Fragments {
		fr := &ev.Fragments[i]
		base := base(ev, i)
		for j := range fr.Fields {
			f := &fr.Fields[j]
			key := f.Key
			if f.KeyFrom != nil {
				it.reset()
				it.content(fr, f.KeyFrom)
				key = string(it.buf)
			}
			path := append(base[:len(base):len(base)], f.Path...)
			name := mapping.WindowsField(path, f.Attr, key)
			if name == "" {
				continue
			}
			it.reset()
			it.add(fr, f, f.Attr != "" || inSystem(path))
			for k := range it.ends {
				at, ok := index[name]
				if !ok {
					at = len(pairs)
					index[name] = at
					pairs = append(pairs, evtxPair{name: name})
				}
				pairs[at].items = append(pairs[at].items, string(it.text(k)))
			}
		}
	}
	return pairs
}

// text is a evtxPair's value: more than one thing is a JSON array.
func (p *evtxPair) text() string {
	if len(p.items) == 1 {
		return p.items[0]
	}
	var dst []byte
	for i, s := range p.items {
		dst = jsondoc.AppendString(append(dst, "[,"[min(i, 1)]), s)
	}
	return string(append(dst, ']'))
}

// value is text as a value of the batch.
func (p *evtxPair) value(r *evtxReader) event.Value {
	text := lend(r.w.arena.keep([]byte(p.text())))
	if len(p.items) > 1 {
		return event.List(text)
	}
	return event.Text(text)
}

// items are the texts of one field.
type items struct {
	buf  []byte
	ends []int
}

func (it *items) reset() { it.buf, it.ends = it.buf[:0], it.ends[:0] }
func (it *items) end()   { it.ends = append(it.ends, len(it.buf)) }

func (it *items) text(i int) []byte {
	start := 0
	if i > 0 {
		start = it.ends[i-1]
	}
	return it.buf[start:it.ends[i]]
}

// add appends what a place of the template holds: text, every element of an
// array, or nothing where another fragment stands, where a spare one is empty or
// where a value that it needs is missing.
func (it *items) add(fr *evtx.Fragment, f *evtx.Field, spare bool) {
	if fr.Missing(f) {
		return
	}
	if len(f.Content) == 1 && f.Content[0].Value >= 0 {
		v := fr.Value(f.Content[0].Value)
		switch {
		case v.Type == evtx.BinXML:
			return
		case v.Empty():
			if !spare {
				it.end()
			}
			return
		case v.Type&evtx.Array != 0:
			for item := range v.Items {
				it.buf = item.AppendText(it.buf)
				it.end()
			}
			return
		}
	}
	if spare {
		empty := true
		for _, p := range f.Content {
			empty = empty && p.Value >= 0 && fr.Value(p.Value).Empty()
		}
		if empty {
			return
		}
	}
	it.content(fr, f.Content)
	it.end()
}

// content appends pieces one after the other.
func (it *items) content(fr *evtx.Fragment, content []evtx.Piece) {
	for _, p := range content {
		if p.Value < 0 {
			it.buf = append(it.buf, p.Text...)
		} else {
			it.buf = fr.Value(p.Value).AppendText(it.buf)
		}
	}
}

// one returns the field's value where it is a single one, as nearly all are; Null
// where the field is left out for want of another.
func (pf *evtxField) one(fr *evtx.Fragment) (v evtx.Value, ok bool) {
	switch {
	case len(pf.at) > 1:
		return v, false
	case pf.wants(fr):
		return v, true
	case pf.value >= 0:
		v = fr.Value(pf.value)
		return v, v.Single()
	}
	return pf.fixed, pf.fixed.Data != nil || pf.empty
}

// lacks reports whether a field is left out that has the value.
func (pf *evtxField) lacks(v evtx.Value) bool {
	return v.Empty() && (pf.spare || pf.needed && v.Type == evtx.Null)
}

// wants reports whether a field is left out for want of a value that is not its own.
func (pf *evtxField) wants(fr *evtx.Fragment) bool {
	for _, value := range pf.others {
		if fr.Value(value).Type == evtx.Null {
			return true
		}
	}
	return false
}

// gather collects a field's texts.
func (pf *evtxField) gather(it *items, fr *evtx.Fragment) {
	it.reset()
	for _, at := range pf.at {
		it.add(fr, &fr.Fields[at], pf.spare)
	}
}

// get returns a field that the reader looks at.
func (f *evtxEvent) get(k knownField) (evtx.Value, bool) {
	if f.odd {
		for i := range f.pairs {
			if f.pairs[i].name == knownNames[k] {
				return textValue(f.pairs[i].text()), true
			}
		}
		return evtx.Value{}, false
	}
	for i, p := range f.plans {
		if at := p.known[k]; at >= 0 {
			if v, ok := p.fields[at].one(&f.fragments[i]); ok && !v.Empty() {
				return v, true
			}
		}
	}
	return evtx.Value{}, false
}

// time is the event's time in ms: Sysmon's own clock, else when it was raised,
// else when it was written.
func (f *evtxEvent) time(rec evtx.Record) int64 {
	var scratch [64]byte
	for _, k := range [...]knownField{fieldUtcTime, fieldSystemTime} {
		if v, ok := f.get(k); ok {
			if ms, ok := valueTime(v, scratch[:0]); ok {
				return ms
			}
		}
	}
	return evtx.FileTimeMillis(rec.Written)
}

// fields puts the wanted fields into their columns.
func (f *evtxEvent) fields(r *evtxReader, row uint16) {
	if f.odd {
		f.pairFields(r, row)
		return
	}
	for i, p := range f.plans {
		for _, t := range p.folded {
			r.set(p, &f.fragments[i], t, row)
		}
	}
	for i, p := range f.plans {
		for _, t := range p.exact {
			r.set(p, &f.fragments[i], t, row)
		}
	}
	l := f.lacking(r)
	for _, p := range l.same {
		r.set(f.plans[p.fragment], &f.fragments[p.fragment], evtxTarget{p.field, p.slot}, row)
	}
	for i := range l.made {
		m := &l.made[i]
		for k, at := range m.at {
			r.vals[at] = f.text(r, m.from[k])
		}
		r.w.text(m.field.slot, row, m.field.Elsewhere(r.vals, &r.w))
		for _, at := range m.at {
			r.vals[at] = jsondoc.Value{}
		}
	}
}

// lacking are the wanted fields that the event has only under other names.
func (f *evtxEvent) lacking(r *evtxReader) *evtxLack {
	root, p := f.plans[0], f.plans[len(f.plans)-1]
	l := &p.lacks
	if l.known && l.root == root && len(f.plans) <= 2 {
		return l
	}
	*l = evtxLack{known: true, root: root}
	f.place(r)
	for i := range r.plan.fields {
		w := &r.plan.fields[i]
		if len(w.Other) == 0 || r.places[w.At].ok {
			continue
		}
		m := evtxMade{field: w}
		active := 0
		same := true
		for _, src := range w.Other {
			if src.If >= 0 && !r.places[src.If].ok {
				continue
			}
			n := len(m.at)
			for _, at := range src.At {
				if found := r.places[at]; found.ok {
					m.at, m.from = append(m.at, at), append(m.from, found.evtxPlace)
				}
			}
			if len(m.at) == n {
				continue
			}
			active++
			same = same && src.Form == mapping.Same
			if src.If >= 0 {
				m.at, m.from = append(m.at, src.If), append(m.from, r.places[src.If].evtxPlace)
			}
		}
		switch {
		case active == 1 && same:
			place := m.from[0]
			place.slot = w.slot
			l.same = append(l.same, place)
		case active > 0:
			l.made = append(l.made, m)
		}
	}
	return l
}

// evtxFound is where an event has a name of the plan's.
type evtxFound struct {
	evtxPlace
	ok, exact bool
}

// place finds where the event has each of the plan's names: exactly where it
// first has it so, or else letter case aside.
func (f *evtxEvent) place(r *evtxReader) {
	clear(r.places)
	for i, p := range f.plans {
		for _, n := range p.names {
			if found := &r.places[n.at]; !found.exact {
				*found = evtxFound{evtxPlace{i, n.field, event.None}, true, n.exact}
			}
		}
	}
}

// text is the text that stands at a place.
func (f *evtxEvent) text(r *evtxReader, at evtxPlace) jsondoc.Value {
	pf, fr := &f.plans[at.fragment].fields[at.field], &f.fragments[at.fragment]
	if v, ok := pf.one(fr); ok {
		if pf.lacks(v) {
			return jsondoc.Value{}
		}
		return asIs(r.valueText(v))
	}
	pf.gather(&r.items, fr)
	if len(r.items.ends) == 0 {
		return jsondoc.Value{}
	}
	return asJSON(r.items.value(r))
}

// set puts one field into its column.
func (r *evtxReader) set(p *evtxPlan, fr *evtx.Fragment, t evtxTarget, row uint16) {
	pf := &p.fields[t.field]
	if v, ok := pf.one(fr); ok {
		if !pf.lacks(v) {
			r.value(t.slot, row, v)
		}
		return
	}
	pf.gather(&r.items, fr)
	if len(r.items.ends) == 0 {
		return
	}
	r.w.b.Col(t.slot).Set(row, r.items.value(r))
}

// value is one value of all: the text where there is one, else a list.
func (it *items) value(r *evtxReader) event.Value {
	if len(it.ends) == 1 {
		return event.Text(lend(r.w.arena.keep(it.buf)))
	}
	r.scratch = it.array(r.scratch[:0])
	return event.List(lend(r.w.arena.keep(r.scratch)))
}

// asJSON is a value as one of JSON, whose text lasts as long.
func asJSON(v event.Value) jsondoc.Value {
	text := unsafe.Slice(unsafe.StringData(v.Str()), len(v.Str()))
	if v.IsList() {
		return asList(text)
	}
	return asIs(text)
}

func (it *items) array(dst []byte) []byte {
	for i := range it.ends {
		dst = jsondoc.AppendString(append(dst, "[,"[min(i, 1)]), lend(it.text(i)))
	}
	return append(dst, ']')
}

func (f *evtxEvent) pairFields(r *evtxReader, row uint16) {
	set := func(s event.Slot, p *evtxPair) {
		r.w.b.Col(s).Set(row, p.value(r))
	}
	for i := range r.plan.fields {
		w := &r.plan.fields[i]
		if p := f.pair(r.plan.Names[w.At]); p != nil {
			set(w.slot, p)
			continue
		}
		if len(w.Other) == 0 {
			continue
		}
		clear(r.vals)
		for _, src := range w.Other {
			for _, at := range append(src.At[:len(src.At):len(src.At)], max(src.If, src.At[0])) {
				if p := f.pair(r.plan.Names[at]); p != nil {
					r.vals[at] = asJSON(p.value(r))
				}
			}
		}
		r.w.text(w.slot, row, w.Elsewhere(r.vals, &r.w))
		clear(r.vals)
	}
	if !r.all {
		return
	}
	taken := map[event.Slot]bool{}
	for i := range f.pairs {
		p := &f.pairs[i]
		s := r.slot(p.name)
		if taken[s] {
			s = r.want.Layout.Exact(columnName(p.name))
		}
		taken[s] = true
		if s != event.None && !r.want.Fields.Has(s) {
			set(s, p)
		}
	}
}

// pair finds a field by name, exactly or else letter case aside.
func (f *evtxEvent) pair(name string) (found *evtxPair) {
	for i := range f.pairs {
		switch p := &f.pairs[i]; {
		case p.name == name || columnName(p.name) == name:
			return p
		case strings.EqualFold(p.name, name):
			found = p
		}
	}
	return found
}

// json appends the event's text.
func (f *evtxEvent) json(r *evtxReader, dst []byte) []byte {
	dst = append(dst, '{')
	start := len(dst)
	if f.odd {
		for i := range f.pairs {
			p := &f.pairs[i]
			dst = append(jsondoc.AppendString(dst, p.name), ':')
			if len(p.items) == 1 {
				dst = jsondoc.AppendString(dst, p.items[0])
			} else {
				dst = append(dst, p.text()...)
			}
			dst = append(dst, ',')
		}
	} else {
		for i, p := range f.plans {
			dst = p.json(r, &f.fragments[i], dst)
		}
	}
	if len(dst) > start {
		dst = dst[:len(dst)-1] // the last comma
	}
	return append(dst, '}')
}

// json appends the fields of a fragment, each with a comma behind it. All values
// are strings, as in other flat exports: that keeps 0x3e7 and
// 18446744073709551615 what they are.
func (p *evtxPlan) json(r *evtxReader, fr *evtx.Fragment, dst []byte) []byte {
	for i := range p.steps {
		st := &p.steps[i]
		if uint(st.alone) < uint(len(fr.Values)) {
			if v := &fr.Values[st.alone]; len(v.Data) > 0 && v.Type-1 < evtx.Hex64 {
				dst = append(v.AppendJSON(append(dst, st.lead...)), `",`...)
				continue
			}
		}
		if st.value >= 0 {
			if v := fr.Value(st.value); v.Single() && !st.field.lacks(v) && !st.field.wants(fr) {
				dst = append(v.AppendJSON(append(dst, st.lead...)), `",`...)
				continue
			} else if v.Single() {
				dst = append(dst, st.before...)
				continue
			}
		}
		dst = append(dst, st.before...)
		if st.field == nil {
			continue
		}
		st.field.gather(&r.items, fr)
		switch len(r.items.ends) {
		case 0:
			continue
		case 1:
			dst = jsondoc.AppendString(append(dst, st.field.key...), lend(r.items.buf))
		default:
			dst = r.items.array(append(dst, st.field.key...))
		}
		dst = append(dst, ',')
	}
	return dst
}

// evtxStep is a part of a fragment's JSON.
type evtxStep struct {
	before []byte // fields whose values are fixed in the template
	lead   []byte // the same, the field's key, and a quote
	field  *evtxField
	value  int // the field's value, where it is one; else -1
	alone  int // the same where no other value may leave the field out
}

// lay makes the steps of the fields.
func (p *evtxPlan) lay() {
	var before []byte
	for i := range p.fields {
		switch f := &p.fields[i]; {
		case len(f.at) == 1 && f.value < 0 && f.empty && len(f.others) == 0:
			if !f.spare {
				before = append(append(before, f.key...), `"",`...)
			}
		case len(f.at) == 1 && f.value < 0 && f.fixed.Data != nil && len(f.others) == 0:
			before = append(f.fixed.AppendJSON(append(append(before, f.key...), '"')), `",`...)
		default:
			st := evtxStep{before, append(append(slices.Clip(before), f.key...), '"'), f, f.value, f.value}
			if len(f.others) > 0 {
				st.alone = -1
			}
			p.steps = append(p.steps, st)
			before = nil
		}
	}
	if len(before) > 0 {
		p.steps = append(p.steps, evtxStep{before: before, value: -1, alone: -1})
	}
}
