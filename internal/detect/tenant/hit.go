package tenant

import (
	"encoding/binary"
	"errors"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/machine"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// hit is a record that a rule's condition has let through, for one group of the rule:
// all that the rule's machine and its signals want of the record.
type hit struct {
	key      string // of the group
	steps    uint64 // of a chain
	value    string
	null     bool
	args     []event.Value // of the functions
	of       []event.Value // what the trigger reads of the record
	whom     []whom
	severity int
	texts    []string           // values of the templates
	lists    []string           // suppressed lists that the record is on
	past     bool               // the record is of a baseline
	uid      string             // of the record
	numbered bool               // uid is by the record's own number, so that a copy of it has the same
	said     string             // of its event; "" where nobody asked
	kind     string             // of its event: Security-4625
	related  []string           // ids of the entities of the record
	items    []insight.ListItem // of match lists, that the record met
	threats  []string           // ids of threat indicators that it met
	shape    uint32             // of texts, see Rule.shape; 0 of a hit that an earlier gyoji has written
}

// whom is an entity that a selector names.
type whom struct {
	selector int
	insight.Entity
}

// append writes a hit down, as rows that wait to be put in order hold it.
func (h *hit) append(b []byte) []byte {
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	values := func(vs []event.Value) {
		b = binary.AppendUvarint(b, uint64(len(vs)))
		for _, v := range vs {
			b = exec.AppendValue(b, v)
		}
	}
	texts := func(all []string) {
		b = binary.AppendUvarint(b, uint64(len(all)))
		for _, s := range all {
			text(s)
		}
	}
	text(h.key)
	b = binary.AppendUvarint(b, h.steps)
	var flags byte
	if h.null {
		flags |= 1
	}
	if h.past {
		flags |= 2
	}
	if h.numbered {
		flags |= 4
	}
	if h.said != "" {
		flags |= 8
	}
	if h.shape != 0 {
		flags |= 16
	}
	b = append(b, flags)
	text(h.value)
	values(h.args)
	values(h.of)
	b = binary.AppendUvarint(b, uint64(len(h.whom)))
	for _, w := range h.whom {
		b = binary.AppendUvarint(b, uint64(w.selector))
		text(w.Type)
		text(w.Value)
	}
	b = binary.AppendVarint(b, int64(h.severity))
	texts(h.texts)
	texts(h.lists)
	text(h.uid)
	text(h.kind)
	texts(h.related)
	b = binary.AppendUvarint(b, uint64(len(h.items)))
	for _, i := range h.items {
		text(i.List)
		text(i.Column)
		text(i.Value)
		text(i.Attribute)
	}
	texts(h.threats)
	if h.said != "" {
		text(h.said)
	}
	if h.shape != 0 {
		b = binary.LittleEndian.AppendUint32(b, h.shape)
	}
	return b
}

// AppendBinary is append, for machines that write a hit down.
func (h *hit) AppendBinary(b []byte) ([]byte, error) { return h.append(b), nil }

// dataOf is the hit that a machine was given.
func dataOf(h *machine.Hit) *hit {
	if saved, ok := h.Data.(machine.Saved); ok {
		read, err := readHit(saved)
		if err != nil {
			panic(err)
		}
		h.Data = read
	}
	return h.Data.(*hit)
}

var errHit = errors.New("bug: tenant: a hit that went to disk is not whole")

// readHit reads what append has written.
func readHit(b []byte) (h *hit, err error) {
	defer func() {
		if recover() != nil {
			err = errHit
		}
	}()
	number := func() uint64 {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			panic(errHit)
		}
		b = b[size:]
		return n
	}
	text := func() string {
		n := number()
		s := string(b[:n])
		b = b[n:]
		return s
	}
	values := func() (vs []event.Value) {
		for n := number(); n > 0; n-- {
			v, size := exec.DecodeValue(b)
			vs, b = append(vs, v.Clone()), b[size:]
		}
		return vs
	}
	texts := func() (all []string) {
		for n := number(); n > 0; n-- {
			all = append(all, text())
		}
		return all
	}
	h = &hit{key: text(), steps: number()}
	says, shaped := b[0]&8 != 0, b[0]&16 != 0
	h.null, h.past, h.numbered = b[0]&1 != 0, b[0]&2 != 0, b[0]&4 != 0
	b = b[1:]
	h.value = text()
	h.args, h.of = values(), values()
	for n := number(); n > 0; n-- {
		w := whom{selector: int(number())}
		w.Type, w.Value = text(), text()
		h.whom = append(h.whom, w)
	}
	s, size := binary.Varint(b)
	h.severity, b = int(s), b[size:]
	h.texts, h.lists = texts(), texts()
	h.uid, h.kind, h.related = text(), text(), texts()
	for n := number(); n > 0; n-- {
		h.items = append(h.items, insight.ListItem{List: text(), Column: text(), Value: text(), Attribute: text()})
	}
	h.threats = texts()
	if says {
		h.said = text()
	}
	if shaped {
		h.shape = binary.LittleEndian.Uint32(b)
	}
	return h, nil
}
