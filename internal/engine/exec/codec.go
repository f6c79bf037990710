package exec

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Codec writes rows to bytes and reads them back: what sort, group and join
// hold and spill. A row is its time, receipt and position, then the values of
// Slots in order; with All, every other field that is not null follows by slot.
// A codec with a printer keeps the printed row in place of all fields but Slots,
// and gives rows back as Printed alone.
type Codec struct {
	Slots []event.Slot
	All   bool

	listed  []bool // by slot: is in Slots
	printer Printer
}

// NewCodec makes a codec for the fields wanted after a stage.
func NewCodec(f *event.Fields, also ...event.Slot) *Codec {
	g := f.Clone()
	g.Add(also...)
	c := &Codec{Slots: g.Slots(), All: g.All}
	for _, s := range c.Slots {
		for len(c.listed) <= int(s) {
			c.listed = append(c.listed, false)
		}
		c.listed[s] = true
	}
	return c
}

// NewPrintingCodec makes a codec for rows that are printed and then no more
// looked at, but for some fields to put them in order.
func NewPrintingCodec(p Printer, order ...event.Slot) *Codec {
	c := NewCodec(&event.Fields{}, order...)
	c.printer = p
	return c
}

// Start readies the codec for rows of b; one without a printer is always ready.
func (c *Codec) Start(b *event.Batch) {
	if c.printer != nil {
		c.printer.Start(b)
	}
}

// Append appends a row of b.
func (c *Codec) Append(dst []byte, b *event.Batch, row uint16) []byte {
	var t, pos, rcpt uint64
	if int(row) < len(b.Time) {
		t = uint64(b.Time[row])
	}
	if int(row) < len(b.Pos) {
		pos = b.Pos[row]
	}
	rcpt = t
	if int(row) < len(b.Receipt) {
		rcpt = uint64(b.Receipt[row])
	}
	dst = binary.LittleEndian.AppendUint64(dst, t)
	dst = binary.LittleEndian.AppendUint64(dst, pos)
	dst = binary.AppendVarint(dst, int64(rcpt-t))
	for _, s := range c.Slots {
		dst = AppendValue(dst, b.Value(s, row))
	}
	if c.printer != nil {
		at := len(dst)
		dst = c.printer.Append(append(dst, 0, 0, 0, 0), row)
		binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
		return dst
	}
	if c.All {
		for i := range b.Cols {
			if i < len(c.listed) && c.listed[i] {
				continue
			}
			if v := b.Cols[i].At(row); !v.IsNull() {
				dst = binary.AppendUvarint(dst, uint64(i)+1)
				dst = AppendValue(dst, v)
			}
		}
		dst = append(dst, 0)
	}
	return dst
}

// key reads one of the Slots of a row's encoding.
func (c *Codec) key(rec []byte, slot event.Slot) event.Value {
	_, k := binary.Varint(rec[16:])
	n := 16 + k
	for _, s := range c.Slots {
		if s == slot {
			v, _ := DecodeValue(rec[n:])
			return v
		}
		n += valueWidth(rec[n:])
	}
	panic("bug: exec: sort key is not among the fields kept")
}

func valueWidth(rec []byte) int {
	_, bits, text := valueParts(rec[0])
	n := 1
	if bits {
		n += 8
	}
	if text {
		l, w := binary.Uvarint(rec[n:])
		n += w + int(l)
	}
	return n
}

// The first byte of a value is its kind, and what follows: bits for all but text,
// and text. Of a list and of a number in a writing of its own there are both.
const hasBoth = 0x80

func valueParts(b byte) (k event.Kind, bits, text bool) {
	k = event.Kind(b &^ hasBoth)
	if b&hasBoth != 0 {
		return k, true, true
	}
	return k, k >= event.Long && k <= event.Date, k == event.String
}

// Decode adds the row that rec holds to b and returns how many bytes it took.
// Text in b then points into rec.
func (c *Codec) Decode(rec []byte, b *event.Batch) int { return c.decode(rec, b, nil) }

// decode is Decode of a row that was encoded when the fields beyond Slots had
// other slots: now tells by those what they are now, nil that they are the same.
func (c *Codec) decode(rec []byte, b *event.Batch, now func(event.Slot) event.Slot) int {
	t := int64(binary.LittleEndian.Uint64(rec))
	pos := binary.LittleEndian.Uint64(rec[8:])
	n := 16
	d, k := binary.Varint(rec[n:])
	n += k
	row := b.AddRow(t, pos)
	if c.printer != nil {
		for range c.Slots {
			n += valueWidth(rec[n:])
		}
		end := n + 4 + int(binary.LittleEndian.Uint32(rec[n:]))
		b.Printed = append(b.Printed, rec[n+4:end])
		return end
	}
	if d != 0 || b.Receipt != nil {
		for len(b.Receipt) < int(row) {
			b.Receipt = append(b.Receipt, b.Time[len(b.Receipt)])
		}
		b.Receipt = append(b.Receipt, t+d)
	}
	for _, s := range c.Slots {
		v, k := DecodeValue(rec[n:])
		n += k
		b.Col(s).Set(row, v)
	}
	for c.All {
		s, k := binary.Uvarint(rec[n:])
		n += k
		if s == 0 {
			break
		}
		v, k := DecodeValue(rec[n:])
		n += k
		slot := event.Slot(s - 1)
		if now != nil {
			if slot = now(slot); slot == event.None {
				continue
			}
		}
		b.Col(slot).Set(row, v)
	}
	return n
}

// AppendValue appends the encoding of one value.
func AppendValue(dst []byte, v event.Value) []byte {
	k, bits, text := v.Parts()
	b := byte(k)
	if text != "" && (k != event.String || bits != 0) {
		b |= hasBoth
	}
	_, hasBits, hasText := valueParts(b)
	dst = append(dst, b)
	if hasBits {
		dst = binary.LittleEndian.AppendUint64(dst, bits)
	}
	if hasText {
		dst = append(binary.AppendUvarint(dst, uint64(len(text))), text...)
	}
	return dst
}

// DecodeValue reads one value. Its text points into rec.
func DecodeValue(rec []byte) (event.Value, int) {
	k, hasBits, hasText := valueParts(rec[0])
	if k > event.Dropped {
		panic(fmt.Sprintf("bug: exec: value of kind %d in a spilled row", k))
	}
	n, bits, text := 1, uint64(0), ""
	if hasBits {
		bits, n = binary.LittleEndian.Uint64(rec[n:]), n+8
	}
	if hasText {
		l, w := binary.Uvarint(rec[n:])
		if n += w; l > 0 {
			text = unsafe.String(&rec[n], int(l))
		}
		n += int(l)
	}
	return event.FromParts(k, bits, text), n
}
