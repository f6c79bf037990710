package rule

import (
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// The values of logs repeat: of a few hundred programs, over days. What a worker
// has found out about a value it keeps beyond the batch, within bounds: which
// rules the value makes candidates, and which conditions are true of it.

// value is what a worker knows of one value of one field.
type value struct {
	id      uint64  // of this value alone, in the worker's whole life; 0 when it was not looked at yet
	hits    []int32 // the rules that it makes candidates
	indexed bool    // hits are there
	kept    int32   // place among the field's values that are kept, or -1
}

// values are those of one field.
type values struct {
	batch uint64
	codes []value // by code of the batch

	place map[string]int32
	kept  []value

	// Of looks that many found the value; where few do, none is kept until rest
	// batches are over.
	looks, found int
	rest         int
}

// begin readies for a batch.
func (f *values) begin(batch uint64, n int) {
	f.batch = batch
	clear(f.codes)
	f.codes = f.codes[:0]
	f.extend(n)
	switch {
	case f.rest > 0:
		f.rest--
	case f.looks >= valueLooks:
		if f.found*valuesRepeat < f.looks {
			f.rest = valuesRest
		}
		f.looks, f.found = 0, 0
	}
}

// extend makes room for n codes: texts for keywords are added during a batch.
func (f *values) extend(n int) {
	for len(f.codes) < n {
		if cap(f.codes) > len(f.codes) {
			f.codes = f.codes[:min(n, cap(f.codes))]
			continue
		}
		f.codes = append(f.codes, make([]value, n-len(f.codes))...)
	}
}

// value returns what is known of a value of the batch. It is good until the next
// call for the same field.
func (r *Run) value(slot event.Slot, c *event.Column, code uint16) *value {
	f := &r.values[slot]
	if f.batch != r.batch {
		f.begin(r.batch, len(c.Dict))
	}
	if int(code) >= len(f.codes) {
		f.extend(len(c.Dict))
	}
	v := &f.codes[code]
	if v.id == 0 {
		r.recognise(f, v, c.Dict[code])
	}
	return v
}

// recognise finds out whether a value was met before.
func (r *Run) recognise(f *values, v *value, of event.Value) {
	keep := f.rest == 0 && of.Kind() == event.String && !of.IsList() && len(of.Str()) <= valueBytesMax
	if keep {
		f.looks++
		if i, ok := f.place[of.Str()]; ok {
			f.found++
			*v = f.kept[i]
			return
		}
	}
	r.lastID++
	*v = value{id: r.lastID, kept: -1}
	if keep {
		v.kept = int32(len(f.kept))
		if f.place == nil {
			f.place = map[string]int32{}
		}
		f.place[r.keepText(of.Str())] = v.kept
		f.kept = append(f.kept, *v)
		r.held += len(of.Str()) + valueOverhead
	}
}

// keepText copies text to memory that is the worker's.
func (r *Run) keepText(s string) string {
	if cap(r.texts)-len(r.texts) < len(s) {
		r.texts = make([]byte, 0, 64<<10)
	}
	at := len(r.texts)
	r.texts = append(r.texts, s...)
	return lend(r.texts[at:])
}

// candidates returns the rules that a value makes candidates.
func (r *Run) candidates(x *slotIndex, c *event.Column, code uint16) []int32 {
	v := r.value(x.slot, c, code)
	if v.indexed {
		return v.hits
	}
	r.stamp++
	hits := r.hits[:0]
	found := func(id int) {
		for _, rule := range x.of(id) {
			if r.seen[rule] != r.stamp {
				r.seen[rule] = r.stamp
				hits = append(hits, rule)
			}
		}
	}
	if of := c.Dict[code]; of.IsList() { // whose text is JSON
		expr.Some(of, expr.Values, func(v event.Value) bool {
			x.literals.Each(v.Str(), found)
			return false
		})
		x.literals.Each(of.Str(), found) // of a test that takes it for one text
	} else {
		x.literals.Each(of.Str(), found)
	}
	r.hits = hits
	v.indexed, v.hits = true, nil
	if len(hits) > 0 {
		arena := &r.batchHits
		if v.kept >= 0 {
			arena = &r.keptHits
			r.held += 4 * len(hits)
		}
		at := len(*arena)
		*arena = append(*arena, hits...)
		v.hits = (*arena)[at:len(*arena):len(*arena)]
	}
	if v.kept >= 0 {
		k := &r.values[x.slot].kept[v.kept]
		k.indexed, k.hits = true, v.hits
	}
	return v.hits
}

// forget lets go of all values that are kept.
func (r *Run) forget() {
	for i := range r.values {
		f := &r.values[i]
		clear(f.place)
		clear(f.kept)
		f.kept = f.kept[:0]
	}
	r.texts, r.keptHits, r.held = nil, nil, 0
}

// verdict is whether a condition is true of a value. A worker has a table of
// them in which a later one takes the place of an earlier.
type verdict struct {
	value uint64
	atom  int32
	yes   bool
}

// verdict returns the place for what is known of a condition and a value.
func (r *Run) verdict(value uint64, atom int) *verdict {
	h := (value<<16 ^ uint64(atom)) * 0x9e3779b97f4a7c15
	return &r.verdicts[h>>(64-verdictBits)]
}
