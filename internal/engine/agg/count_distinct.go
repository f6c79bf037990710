package agg

import (
	"encoding/binary"
	"unique"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Aggregate{
	Doc: lang.Doc{
		Name: "count_distinct", Usage: "count_distinct(<f:field>[, <g:field,...>])",
		Summary: "The number of different values of a field, or of different tuples of several.",
		Text: "Values are compared by their text, letter case included. The empty string is a value and counts; null is none, " +
			"and neither is a tuple with a null in it. The column is `_count_distinct`. " +
			"The count is exact, so memory grows with the number of different values.",
		Differs: "Sumo Logic estimates beyond 100 values, within 2% in most cases; this count stays exact.",
		Examples: []lang.Example{
			{Query: `* | count_distinct(u)`, In: []string{`{"_raw":"","u":"a"}`, `{"_raw":"","u":""}`, `{"_raw":"","u":"a"}`, `{"_raw":""}`}, Out: []string{`{"_count_distinct":2}`}},
			{Query: `* | count_distinct(u, h) as pairs`, In: []string{`{"_raw":"","u":"a","h":"x"}`, `{"_raw":"","u":"a","h":"y"}`, `{"_raw":"","u":"a","h":"x"}`}, Out: []string{`{"pairs":2}`}},
		},
	},
	Kind: event.Long,
	New: func(s *lang.AggSite) lang.Aggregator {
		const out = "_count_distinct"
		if !s.Count(1, -1, "count_distinct(field)") {
			return broken(out)
		}
		a := lang.Aggregator{Out: []string{out}, Open: func() lang.Accumulator { return new(distinct) }}
		for i := range s.Len() {
			_, slot, ok := s.Field(i)
			if !ok {
				return broken(out)
			}
			a.Args = append(a.Args, slot)
		}
		return a
	},
})

// distinctBytes is what an entry of the set costs besides its text.
const distinctBytes = 48

// setBytes is what the set costs with its first entry: a map has room for eight.
const setBytes = 192

type distinct struct {
	set map[string]struct{}
	buf []byte
}

func (d *distinct) Add(args []event.Value, _ lang.Moment) int {
	for _, v := range args {
		if v.IsNull() {
			return 0
		}
	}
	if len(args) == 1 && args[0].Kind() == event.String {
		s := args[0].Str()
		if _, ok := d.set[s]; ok {
			return 0
		}
		// Groups share the text of a value: a set looks at it each time it meets
		// the value again, and all groups' copies were more than a cache holds.
		return d.insert(unique.Make(s).Value())
	}
	d.buf = d.buf[:0]
	for _, v := range args {
		if len(args) == 1 {
			d.buf = v.AppendText(d.buf)
			break
		}
		at := len(d.buf)
		d.buf = v.AppendText(append(d.buf, 0, 0, 0, 0))
		binary.LittleEndian.PutUint32(d.buf[at:], uint32(len(d.buf)-at-4))
	}
	if _, ok := d.set[string(d.buf)]; ok {
		return 0
	}
	return d.insert(string(d.buf))
}

func (d *distinct) insert(key string) int {
	n := len(key) + distinctBytes
	if d.set == nil {
		d.set = map[string]struct{}{}
		n += setBytes
	}
	d.set[key] = struct{}{}
	return n
}

func (d *distinct) Merge(o lang.Accumulator) {
	other := o.(*distinct)
	if len(other.set) > len(d.set) {
		d.set, other.set = other.set, d.set
	}
	for k := range other.set {
		d.set[k] = struct{}{}
	}
}

func (d *distinct) Result(dst []event.Value) []event.Value {
	return append(dst, event.Int(int64(len(d.set))))
}
