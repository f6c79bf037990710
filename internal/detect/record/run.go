package record

import (
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Run is a Plan in the hands of one worker.
type Run struct {
	plan  *Plan
	out   event.Batch
	kinds []kindOf
	byKey map[Key]int       // -> of kinds
	names map[[3]string]int // Windows: channel, provider, id -> of kinds
	codes map[[3]uint16]int // the same by codes of the batch
	rows  []int32           // by row: of kinds

	extracted extraction
}

// kindOf is a kind of events: what key they have and which mapper is for them.
type kindOf struct {
	Key
	mapper int // -1 is none
}

// kindsMax bounds what is remembered of keys: an attacker can write any event id.
const kindsMax = 4096

// Open readies the plan for one worker.
func (p *Plan) Open() *Run {
	r := &Run{plan: p}
	r.forget()
	return r
}

func (r *Run) forget() {
	r.kinds = append(r.kinds[:0], kindOf{mapper: -1})
	r.byKey, r.names = map[Key]int{{}: 0}, map[[3]string]int{}
}

// Map makes records of a batch of events: the same rows, with attributes for
// fields. The records are good until the next Map. Rows without a mapper stay in
// it with null attributes; Kind says what they are.
func (r *Run) Map(in *event.Batch) *event.Batch {
	if len(r.kinds) > kindsMax {
		r.forget()
	}
	out := &r.out
	out.Reset()
	out.N = in.N
	out.Live = append(out.Live, in.Live...)
	out.Time = append(out.Time, in.Time...)
	out.Pos = append(out.Pos, in.Pos...)
	r.classify(in)
	for n := 0; n < r.plan.Records.Len(); n++ {
		out.Col(event.Slot(n))
	}
	for _, a := range r.plan.attrs {
		col := out.Col(a.slot)
		switch {
		case a.raw != event.None:
			r.rawKey(in, a, col)
		case a.meta != nil:
			r.metadata(a, col)
		default:
			r.fill(in, a, col)
		}
	}
	if s, ok := r.plan.Records.Find("timestamp"); ok {
		r.timestamp(in, out.Col(s))
	}
	for _, d := range r.plan.derived {
		d.fill(out)
	}
	return out
}

// timestamp gives records without one the time of the event (2.2).
func (r *Run) timestamp(in *event.Batch, col *event.Column) {
	for _, row := range in.Live {
		if r.kinds[r.rows[row]].mapper >= 0 && codeOf(col, row) == 0 && int(row) < len(in.Time) && in.Time[row] != event.NoTime {
			col.Set(row, event.Int(in.Time[row]))
		}
	}
}

// Kind is the key of a row of the last batch and its mapper, nil if there is none.
func (r *Run) Kind(row uint16) (Key, *Mapper) {
	k := &r.kinds[r.rows[row]]
	if k.mapper < 0 {
		return k.Key, nil
	}
	return k.Key, r.plan.Mappers.All[k.mapper]
}

// classify finds out the kind of each row.
func (r *Run) classify(in *event.Batch) {
	p := r.plan
	if cap(r.rows) < in.N {
		r.rows = make([]int32, in.N)
	}
	r.rows = r.rows[:in.N]
	clear(r.rows)
	if r.codes == nil {
		r.codes = map[[3]uint16]int{}
	}
	clear(r.codes)
	r.extracted.reset(in.N, len(p.Parsers))
	in.Col(max(p.channel, p.provider, p.id))
	channel, provider, id := &in.Cols[p.channel], &in.Cols[p.provider], &in.Cols[p.id]
	var candidates []int
	for i, when := range p.when {
		may := true
		for _, t := range when {
			may = may && int(t.slot) < len(in.Cols) && len(in.Cols[t.slot].Dict) > 1
		}
		if may {
			candidates = append(candidates, i)
		}
	}
	for _, row := range in.Live {
		at := [3]uint16{codeOf(channel, row), codeOf(provider, row), codeOf(id, row)}
		if at[0] == 0 && at[1] == 0 {
			r.rows[row] = int32(r.foreign(in, row, candidates))
			continue
		}
		n, ok := r.codes[at]
		if !ok {
			n = r.windows(channel.At(row).Str(), provider.At(row).Str(), id.At(row).Str())
			r.codes[at] = n
		}
		r.rows[row] = int32(n)
	}
}

// column is where a batch has the values of a place; nil if nowhere.
func (r *Run) column(in *event.Batch, at place) *event.Column {
	if at.taken {
		in = &r.extracted.out
	}
	if int(at.slot) >= len(in.Cols) {
		return nil
	}
	return &in.Cols[at.slot]
}

func (r *Run) value(in *event.Batch, at place, row uint16) event.Value {
	if c := r.column(in, at); c != nil {
		return c.At(row)
	}
	return event.Value{}
}

func codeOf(c *event.Column, row uint16) uint16 {
	if int(row) < len(c.Code) {
		return c.Code[row]
	}
	return 0
}

func (r *Run) windows(channel, provider, id string) int {
	at := [3]string{channel, provider, id}
	n, ok := r.names[at]
	if !ok {
		n = r.kind(WindowsKey(strings.Clone(channel), strings.Clone(provider), strings.Clone(id)))
		r.names[[3]string{strings.Clone(channel), strings.Clone(provider), strings.Clone(id)}] = n
	}
	return n
}

func (r *Run) kind(k Key) int {
	n, ok := r.byKey[k]
	if !ok {
		n = len(r.kinds)
		r.kinds = append(r.kinds, kindOf{k, r.plan.Mappers.Choose(k)})
		r.byKey[k] = n
	}
	return n
}

// foreign is the kind of a row that is of no Windows log: the first parser whose
// tests hold.
func (r *Run) foreign(in *event.Batch, row uint16, candidates []int) int {
next:
	for _, i := range candidates {
		for _, t := range r.plan.when[i] {
			v := in.Value(t.slot, row)
			if v.IsNull() || !t.any && !strings.EqualFold(v.Str(), t.value) {
				continue next
			}
		}
		p := r.plan.Parsers[i]
		if p.Extract != nil && !r.extract(in, row, i) {
			continue next
		}
		k := Key{LogFormat: p.LogFormat, Vendor: p.Vendor, Product: p.Product}
		for _, t := range r.plan.ids[i] {
			if id, ok := t.of(r, in, row); ok {
				k.EventID = id
				break
			}
		}
		return r.kind(k)
	}
	return 0
}

func (t *template) of(r *Run, in *event.Batch, row uint16) (string, bool) {
	var b strings.Builder
	for i, s := range t.slots {
		v := r.value(in, s, row)
		if v.IsNull() {
			return "", false
		}
		b.WriteString(t.texts[i])
		b.WriteString(v.Str())
	}
	b.WriteString(t.texts[len(t.texts)-1])
	return b.String(), true
}

// rawKey shows a field of the event as text (2.4).
func (r *Run) rawKey(in *event.Batch, a *attribute, col *event.Column) {
	if a.list != event.None && int(a.list) < len(in.Cols) && len(in.Cols[a.list].Dict) > 1 {
		r.rawDigest(in, a, col)
		return
	}
	if int(a.raw) >= len(in.Cols) {
		return
	}
	from := &in.Cols[a.raw]
	text := true
	for _, v := range from.Dict[1:] {
		text = text && v.Kind() == event.String
	}
	if text {
		col.Alias(from)
		return
	}
	for _, row := range in.Live {
		if v := from.At(row); !v.IsNull() {
			col.Set(row, event.Text(v.String()))
		}
	}
}

// rawDigest shows a field of the event, or what its list of digests has under the name.
func (r *Run) rawDigest(in *event.Batch, a *attribute, col *event.Column) {
	name := strings.TrimPrefix(a.Name, RawPrefix)
	for _, row := range in.Live {
		v := in.Value(a.raw, row)
		if v.IsNull() {
			if cut, ok := mapping.CutDigest(in.Value(a.list, row).Str(), name); ok {
				col.Set(row, event.Text(cut))
			}
			continue
		}
		col.Set(row, event.Text(v.String()))
	}
}

func (r *Run) metadata(a *attribute, col *event.Column) {
	codes := make([]uint16, len(r.kinds)) // by kind: code and 1
	for _, row := range r.out.Live {
		k := r.rows[row]
		if codes[k] == 0 {
			codes[k] = 1
			if v := a.meta(r, int(k)); !v.IsNull() {
				codes[k] = col.Put(v) + 1
			}
		}
		col.SetCode(row, codes[k]-1)
	}
}

// metadata are the attributes that say how a record came about (2.2, 2.3).
var metadata = map[string]func(r *Run, kind int) event.Value{
	"metadata_vendor":        func(r *Run, k int) event.Value { return text(r.kinds[k].Vendor) },
	"metadata_product":       func(r *Run, k int) event.Value { return text(r.kinds[k].Product) },
	"metadata_deviceEventId": func(r *Run, k int) event.Value { return text(r.kinds[k].EventID) },
	"metadata_mapperName": func(r *Run, k int) event.Value {
		if n := r.kinds[k].mapper; n >= 0 {
			return text(r.plan.Mappers.All[n].Name)
		}
		return event.Value{}
	},
	"objectType": func(r *Run, k int) event.Value {
		if n := r.kinds[k].mapper; n >= 0 {
			return text(r.plan.Mappers.All[n].RecordType)
		}
		return text("FailedRecord")
	},
	"objectClassification":   func(*Run, int) event.Value { return event.Text("Record") },
	"metadata_schemaVersion": func(*Run, int) event.Value { return event.Int(3) },
	"_version":               func(*Run, int) event.Value { return event.Int(3) },
}

func text(s string) event.Value {
	if s == "" {
		return event.Value{}
	}
	return event.Text(s)
}

// fill fills an attribute by the mappers of the rows. Each distinct value of a
// field is converted once.
func (r *Run) fill(in *event.Batch, a *attribute, col *event.Column) {
	type cell struct {
		f    *filler
		code []uint16 // by code of the field's dictionary: 0 unknown, 1 none, else code of col and 1
		n    int
	}
	var cells [8]cell
	used := 0
	var fixed map[*filler]uint16
	for _, row := range in.Live {
		k := &r.kinds[r.rows[row]]
		if k.mapper < 0 {
			continue
		}
		f := a.by[k.mapper]
		if f == nil {
			continue
		}
		if f.fixed {
			c, ok := fixed[f]
			if !ok {
				if fixed == nil {
					fixed = map[*filler]uint16{}
				}
				if !f.constant.IsNull() {
					c = col.Put(f.constant)
				}
				fixed[f] = c
			}
			col.SetCode(row, c)
			continue
		}
		if f.join {
			if v := f.joined(r, in, row); !v.IsNull() {
				col.Set(row, a.Convert(v.Str()))
			}
			continue
		}
		for n, s := range f.from {
			from := r.column(in, s)
			if from == nil {
				continue
			}
			code := codeOf(from, row)
			if code == 0 {
				continue
			}
			var memo *cell
			for i := range cells[:used] {
				if cells[i].f == f && cells[i].n == n {
					memo = &cells[i]
					break
				}
			}
			if memo == nil {
				if used == len(cells) {
					used = 0 // they take turns; what is lost is converted again
				}
				memo = &cells[used]
				used++
				memo.f, memo.n = f, n
				memo.code = append(memo.code[:0], make([]uint16, len(from.Dict))...)
			}
			c := memo.code[code]
			if c == 0 {
				c = 1
				if v, ok := f.value(a.Attribute, n, from.Dict[code]); ok {
					if c = 2; !v.IsNull() {
						c = col.Put(v) + 2
					}
				}
				memo.code[code] = c
			}
			if c > 1 {
				col.SetCode(row, c-2)
				break
			}
		}
		if f.source.Default != nil && codeOf(col, row) == 0 && f.lookup != nil {
			v := a.Convert(*f.source.Default)
			if !v.IsNull() {
				col.Set(row, v)
			}
		}
	}
}

// value is what a field's value makes of an attribute; it is not ok where the value
// counts as none, so that the next field is asked.
func (f *filler) value(a *Attribute, n int, v event.Value) (event.Value, bool) {
	s := v.Str()
	if f.digest[n] != "" {
		var ok bool
		if s, ok = mapping.CutDigest(s, f.digest[n]); !ok {
			return event.Value{}, false
		}
	}
	if s == "" || f.skip[s] {
		return event.Value{}, false
	}
	if f.source.Split != nil {
		parts := strings.Split(s, f.source.Split.Delimiter)
		if f.source.Split.Index >= len(parts) || f.source.Split.Index < 0 {
			return event.Value{}, true
		}
		s = parts[f.source.Split.Index]
	}
	switch {
	case f.lookup != nil:
		out, ok := f.lookup[strings.ToLower(s)]
		if !ok {
			return event.Value{}, true // the default, or null
		}
		return a.Convert(out), true
	case f.source.Kind == "time":
		ms, ok := f.time(s)
		if !ok {
			return event.Value{}, true
		}
		return event.Int(ms), true
	case f.source.Kind == "hex":
		n, err := strconv.ParseUint(s, 0, 63)
		if err != nil {
			return event.Value{}, true
		}
		return event.Int(int64(n)), true
	}
	return a.Convert(s), true
}

// time is a time in the form that the mapping gives, or in one that can be recognised.
func (f *filler) time(s string) (ms int64, ok bool) {
	if f.pattern != nil {
		if ms, ok = f.pattern.Parse(s, f.zone); ok {
			return ms, true
		}
	}
	return datefmt.ParseEventTime(s)
}

// joined is the value of several fields: joined, or filled into a format (3.2).
func (f *filler) joined(r *Run, in *event.Batch, row uint16) event.Value {
	var parts []string
	for n, s := range f.from {
		v := r.value(in, s, row)
		text := v.Str()
		if v.IsNull() || text == "" || f.skip[text] {
			if f.source.Params != nil {
				return event.Value{}
			}
			continue
		}
		if f.digest[n] != "" {
			text, _ = mapping.CutDigest(text, f.digest[n])
		}
		parts = append(parts, text)
	}
	if f.source.Params == nil {
		return text(strings.Join(parts, f.source.With))
	}
	out := f.source.Format
	var pairs []string
	for i, p := range parts {
		pairs = append(pairs, "{"+string(rune('0'+i))+"}", p)
	}
	return text(strings.NewReplacer(pairs...).Replace(out))
}
