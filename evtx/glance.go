package evtx

// Glance is what an ordinary record consists of: a template, and often a second
// one whose fragment is a value of the first.
type Glance struct {
	Outer, Inner *Template // Inner may be nil
	Field        int       // of Outer, in which Inner stands; -1 for none
}

// Glance tells which templates a record's event is of, without its values. ok is
// false when that cannot be said of the record, or there is more to it: arrays,
// more fragments, none of a template, damage.
func (d *Decoder) Glance(r Record) (g Glance, ok bool) {
	end := r.Offset + r.Size - recordTailBytes
	value, at, inner := -1, 0, 0
	if g.Outer, value, at, inner, ok = d.glance(r.Offset+recordHeadBytes, end); !ok || value < 0 {
		return g, ok
	}
	g.Field = g.Outer.fieldOf(value)
	g.Inner, value, at, _, ok = d.glance(at, inner)
	return g, ok && value < 0 && (at == inner || d.data[at] == tokenEnd)
}

// glance returns the template of the fragment at an offset, and which of its
// values is a fragment and where that one stands; -1 for none, and then where the
// values end.
func (d *Decoder) glance(at, end int) (t *Template, value, from, to int, ok bool) {
	if at+fragmentHeadBytes <= end && d.data[at] == tokenFragment {
		at += fragmentHeadBytes
	}
	if at+14 > end || d.data[at]&^tokenMore != tokenInstance {
		return nil, 0, 0, 0, false
	}
	off := int(u32(d.data, at+6))
	if at += 10; off == at { // the template stands here
		if at+templateHeadBytes > end {
			return nil, 0, 0, 0, false
		}
		size := int(u32(d.data, at+templateHeadBytes-4))
		if size > end-at-templateHeadBytes {
			return nil, 0, 0, 0, false
		}
		at += templateHeadBytes + size
	}
	t, err := d.template(off, 0)
	if err != nil || t.nests || at+4 > end {
		return nil, 0, 0, 0, false
	}
	n := int(u32(d.data, at))
	if at += 4; n > (end-at)/4 {
		return nil, 0, 0, 0, false
	}
	table := d.data[at : at+4*n]
	at += 4 * n
	value = -1
	sizes := uint64(0) // of the values before, in two sums
	for i := 0; i < n; i++ {
		if len(table) >= 8 {
			if two := u64(table, 0); two&(special<<32|special) == 0 {
				sizes += two & (0xffff<<32 | 0xffff)
				table = table[8:]
				i++
				continue
			}
		}
		v := u32(table, 0)
		table = table[4:]
		size, typ := int(v&0xffff), Type(v>>16)
		switch {
		case v&special == 0 || typ == Handle || typ == XML || typ == BinXML && size == 0:
		case typ != BinXML || value >= 0:
			return nil, 0, 0, 0, false
		default:
			value, from = i, at+bothSums(sizes)
			to = from + size
		}
		sizes += uint64(size)
	}
	at += bothSums(sizes)
	if value < 0 {
		from = at
	}
	return t, value, from, to, at <= end
}

// special are the bits of a value's size and type of which none is set where the
// type is a plain one, up to Hex64.
const special = 0xe0 << 16

func bothSums(s uint64) int { return int(s&0xffffffff + s>>32) }
