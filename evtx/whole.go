package evtx

// Whole reports whether a record holds its event itself, without a template, and
// each element and attribute has one text at most, written in one piece. Records
// with damage are not.
func (d *Decoder) Whole(r Record) bool {
	at, end := r.Offset+recordHeadBytes, r.Offset+r.Size-recordTailBytes
	if at+fragmentHeadBytes <= end && d.data[at] == tokenFragment {
		at += fragmentHeadBytes
	}
	if at >= end || d.data[at]&^tokenMore != tokenOpen {
		return false
	}
	_, ok := d.whole(at, end, 0, true)
	return ok
}

// whole goes the way of outline.
func (d *Decoder) whole(at, end, depth int, depend bool) (next int, ok bool) {
	if depth > depthMax {
		return 0, false
	}
	for texts := 0; at < end; {
		switch d.data[at] &^ tokenMore {
		case tokenEnd:
			return at + 1, true
		case tokenClose:
			return at, true
		case tokenFragment:
			at += fragmentHeadBytes
		case tokenOpen:
			if at, ok = d.wholeElement(at, end, depth, depend); !ok {
				return 0, false
			}
		default:
			if texts++; texts > 1 {
				return 0, false
			}
			if at, ok = d.wholeText(at, end); !ok {
				return 0, false
			}
		}
	}
	return at, true
}

func (d *Decoder) wholeElement(at, end, depth int, depend bool) (next int, ok bool) {
	depend = d.depends(at, end, depend)
	more := d.data[at]&tokenMore != 0
	at++
	if depend {
		at += 2
	}
	if at+8 > end {
		return 0, false
	}
	size := int(u32(d.data, at))
	if at += 4; size > end-at {
		return 0, false
	}
	end = at + size
	if at, ok = d.passName(at, end); !ok {
		return 0, false
	}
	if more {
		if at+4 > end {
			return 0, false
		}
		for at += 4; at < end && d.data[at]&^tokenMore == tokenAttribute; {
			if at, ok = d.passName(at+1, end); !ok {
				return 0, false
			}
			if at < end && attributeContent(d.data[at]) {
				if at, ok = d.wholeText(at, end); !ok || at < end && attributeContent(d.data[at]) {
					return 0, false
				}
			}
		}
	}
	if at >= end {
		return 0, false
	}
	switch d.data[at] {
	case tokenCloseEmpty:
		return at + 1, true
	case tokenCloseStart:
		if at, ok = d.whole(at+1, end, depth+1, depend); !ok || at >= end || d.data[at] != tokenClose {
			return 0, false
		}
		return at + 1, true
	}
	return 0, false
}

func (d *Decoder) wholeText(at, end int) (next int, ok bool) {
	if at+4 > end || d.data[at]&^tokenMore != tokenText || Type(d.data[at+1]) != String {
		return 0, false
	}
	at += 4
	n := 2 * int(u16(d.data, at-2))
	return at + n, n <= end-at
}

// passName returns where what stands after a name begins.
func (d *Decoder) passName(at, end int) (next int, ok bool) {
	if at+4 > end {
		return 0, false
	}
	_, next, ok = d.knownName(at, end)
	return next, ok
}
