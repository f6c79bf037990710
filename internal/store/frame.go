package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// A frame is what one Append wrote of one receipt: a header of fixed size, what the
// messages share, and the messages. Numbers are little endian.
//
//	 0 u32 magic "GYL1"
//	 4 u32 CRC-32C of the header from byte 8 on
//	 8 u32 bytes of the shared part
//	12 u32 bytes of the body as stored
//	16 u32 bytes of the body unpacked
//	20 u32 CRC-32C of the shared part and the stored body
//	24 u64 sequence number of the first message
//	32 i64 time of receipt, ms
//	40 i64 earliest time of a message, ms
//	48 i64 latest
//	56 u32 messages
//	60 u8  codec of the body: 0 none, 1 zstd, 2 S2 (one block)
//	61 u8  kind: 0 messages, 1 a piece of a file
//	62 u8  1 when the times at 40 and 48 are known
//	63 u8  0
//
// The shared part is texts, each a uvarint length and bytes: collector, source, category,
// host, name, format; the number of fields, names and values; and of a piece of a file its
// name, where in the file it begins, the order of its dates, their zone and what they are
// read against, and the file's head.
//
// The body of messages is a table and then the texts. The table has for every message a
// uvarint of its length and a varint of its time less the one before. The body of a piece is
// the piece.
const (
	frameMagic  = 0x314C5947 // "GYL1"
	headerBytes = 64
	// frameBytesMax is the longest part of a frame that is believed.
	frameBytesMax = 1 << 30

	codecNone, codecZstd, codecS2 = 0, 1, 2
	kindMessages                  = 0
	kindPiece                     = 1

	// packMin is how long a body is that is worth packing.
	packMin = 256
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is a frame's header.
type header struct {
	shared, stored, unpacked uint32
	sum                      uint32
	seq                      uint64
	received                 int64
	earliest, latest         int64
	messages                 uint32
	codec, kind              uint8
	timed                    bool
}

func (h *header) size() int { return headerBytes + int(h.shared) + int(h.stored) }

// put writes the header over the first bytes of a frame.
func (h *header) put(b []byte) {
	le := binary.LittleEndian
	le.PutUint32(b, frameMagic)
	le.PutUint32(b[8:], h.shared)
	le.PutUint32(b[12:], h.stored)
	le.PutUint32(b[16:], h.unpacked)
	le.PutUint32(b[20:], h.sum)
	le.PutUint64(b[24:], h.seq)
	le.PutUint64(b[32:], uint64(h.received))
	le.PutUint64(b[40:], uint64(h.earliest))
	le.PutUint64(b[48:], uint64(h.latest))
	le.PutUint32(b[56:], h.messages)
	b[60], b[61], b[62], b[63] = h.codec, h.kind, 0, 0
	if h.timed {
		b[62] = 1
	}
	le.PutUint32(b[4:], crc32.Checksum(b[8:headerBytes], castagnoli))
}

// parseHeader reads the header that b begins with; ok is false where there is none.
func parseHeader(b []byte) (h header, ok bool) {
	le := binary.LittleEndian
	if len(b) < headerBytes || le.Uint32(b) != frameMagic || le.Uint32(b[4:]) != crc32.Checksum(b[8:headerBytes], castagnoli) {
		return h, false
	}
	h = header{
		shared: le.Uint32(b[8:]), stored: le.Uint32(b[12:]), unpacked: le.Uint32(b[16:]), sum: le.Uint32(b[20:]),
		seq: le.Uint64(b[24:]), received: int64(le.Uint64(b[32:])), earliest: int64(le.Uint64(b[40:])), latest: int64(le.Uint64(b[48:])),
		messages: le.Uint32(b[56:]), codec: b[60], kind: b[61], timed: b[62] == 1,
	}
	return h, h.shared <= frameBytesMax && h.stored <= frameBytesMax && h.unpacked <= frameBytesMax
}

// sound reports whether the bytes after a header are those that were written.
func (h *header) sound(rest []byte) bool {
	return len(rest) >= int(h.shared)+int(h.stored) && crc32.Checksum(rest[:int(h.shared)+int(h.stored)], castagnoli) == h.sum
}

// encoder packs the bodies of frames that are kept; it is safe for many goroutines. Those of
// the log are packed by S2: in half the time, to one and a half times the size.
var encoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err)
	}
	return e
})

var decoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(frameBytesMax), zstd.WithDecoderLowmem(true))
	if err != nil {
		panic(err)
	}
	return d
})

// shared is what the messages of a frame have in common.
type shared struct {
	source Source
	format string
	fields []Field
	piece  *Piece // of a frame of that kind, without its Data
}

// text appends a text with its length.
func text(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendShared(b []byte, r *Receipt) []byte {
	for _, s := range [...]string{r.Source.Collector, r.Source.Source, r.Source.Category, r.Source.Host, r.Source.Name, r.Format} {
		b = text(b, s)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Fields)))
	for _, f := range r.Fields {
		b = text(text(b, f.Name), f.Value)
	}
	if p := r.Piece; p != nil {
		b = text(b, p.Name)
		b = binary.AppendUvarint(b, uint64(p.Offset))
		b = append(b, byte(p.Dates))
		b = binary.AppendVarint(text(b, p.Zone), p.Now)
		b = text(b, string(p.Head))
	}
	return b
}

// cursor reads what frames are made of. Once something does not fit, bad stays set.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.bad, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.bad, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) bytes() []byte {
	n := c.uvarint()
	if n > uint64(len(c.b)) {
		c.bad, c.b = true, nil
		return nil
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) byte() byte {
	if len(c.b) == 0 {
		c.bad = true
		return 0
	}
	out := c.b[0]
	c.b = c.b[1:]
	return out
}

func parseShared(b []byte, kind uint8) (*shared, error) {
	c := cursor{b: b}
	s := &shared{}
	for _, to := range [...]*string{&s.source.Collector, &s.source.Source, &s.source.Category, &s.source.Host, &s.source.Name, &s.format} {
		*to = string(c.bytes())
	}
	for range min(c.uvarint(), uint64(len(b))) {
		s.fields = append(s.fields, Field{string(c.bytes()), string(c.bytes())})
	}
	if kind == kindPiece {
		s.piece = &Piece{Name: string(c.bytes()), Offset: int64(c.uvarint()), Dates: datefmt.Order(c.byte()), Zone: string(c.bytes()), Now: c.varint()}
		s.piece.Head = slices.Clone(c.bytes())
	}
	if c.bad || len(c.b) > 0 {
		return nil, errDamaged
	}
	return s, nil
}

// room is how many positions a receipt takes.
func (r *Receipt) room() (n uint64) {
	if r.Piece != nil {
		return message.Room(len(r.Piece.Data))
	}
	for i := range r.Messages {
		n += message.Room(len(r.Messages[i].Raw))
	}
	return max(n, message.Apart)
}

// room is how many positions the frame has taken, or some more.
func (h *header) room() uint64 {
	if h.kind == kindPiece {
		return message.Room(int(h.unpacked))
	}
	return uint64(h.messages)*message.Apart + message.Room(int(h.unpacked))
}

// appendFrame appends the frame of a receipt. Its sequence number is put in by stamp.
// scratch is memory for the body.
func appendFrame(dst []byte, r *Receipt, scratch *[]byte) ([]byte, header, error) {
	h := header{received: r.Received, timed: true, earliest: math.MaxInt64, latest: math.MinInt64}
	var body []byte
	if p := r.Piece; p != nil {
		h.kind, body = kindPiece, p.Data
		h.messages, h.earliest, h.latest, h.timed = uint32(p.Events), p.Earliest, p.Latest, p.Counted
	} else {
		body = (*scratch)[:0]
		last := int64(0)
		for i := range r.Messages {
			m := &r.Messages[i]
			body = binary.AppendUvarint(body, uint64(len(m.Raw)))
			body = binary.AppendVarint(body, m.Time-last) // wraps, as the reader's sum does
			last = m.Time
			h.earliest, h.latest = min(h.earliest, m.Time), max(h.latest, m.Time)
		}
		for i := range r.Messages {
			body = append(body, r.Messages[i].Raw...)
		}
		*scratch = body
		h.messages = uint32(len(r.Messages))
	}
	if len(body) > frameBytesMax {
		return dst, h, fmt.Errorf("store: %d bytes at once, more than %d", len(body), frameBytesMax)
	}
	if !h.timed || h.messages == 0 {
		h.timed, h.earliest, h.latest = false, 0, 0
	}
	start := len(dst)
	dst = append(dst, make([]byte, headerBytes)...)
	dst = appendShared(dst, r)
	h.shared = uint32(len(dst) - start - headerBytes)
	h.unpacked = uint32(len(body))
	at := len(dst)
	if len(body) >= packMin {
		dst = slices.Grow(dst, s2.MaxEncodedLen(len(body)))
		dst = dst[:at+len(s2.Encode(dst[at:cap(dst)], body))]
		h.codec = codecS2
	}
	return h.packed(dst, start, at, body), h, nil
}

// packed ends the packing of a body, which stands from at on in a frame that begins at start.
func (h *header) packed(dst []byte, start, at int, body []byte) []byte {
	if h.codec == codecNone || len(dst)-at >= len(body) {
		dst = append(dst[:at], body...)
		h.codec = codecNone
	}
	h.stored = uint32(len(dst) - at)
	h.sum = crc32.Checksum(dst[start+headerBytes:], castagnoli)
	return dst
}

// repack appends a frame with its body packed as those are that are kept.
func (h header) repack(dst, shared, body []byte) []byte {
	start := len(dst)
	dst = append(append(dst, make([]byte, headerBytes)...), shared...)
	at := len(dst)
	if h.codec = codecNone; len(body) >= packMin {
		dst = encoder().EncodeAll(body, dst)
		h.codec = codecZstd
	}
	dst = h.packed(dst, start, at, body)
	h.put(dst[start:])
	return dst
}

// unpack appends the body of a frame to dst.
func (h *header) unpack(stored, dst []byte) ([]byte, error) {
	switch h.codec {
	case codecNone:
		return append(dst, stored...), nil
	case codecZstd:
		at := len(dst)
		out, err := decoder().DecodeAll(stored, slices.Grow(dst, int(h.unpacked)))
		if err != nil || len(out)-at != int(h.unpacked) {
			return dst, errDamaged
		}
		return out, nil
	case codecS2:
		if n, err := s2.DecodedLen(stored); err != nil || n != int(h.unpacked) {
			return dst, errDamaged
		}
		dst = slices.Grow(dst, int(h.unpacked))
		at := len(dst)
		if _, err := s2.Decode(dst[at:at+int(h.unpacked)], stored); err != nil {
			return dst, errDamaged
		}
		return dst[:at+int(h.unpacked)], nil
	}
	return dst, errDamaged
}

// rows appends the messages of a body.
func (h *header) rows(body []byte, o *message.Origin, into []message.Row) ([]message.Row, error) {
	c := cursor{b: body}
	n, time := len(into), int64(0)
	total := uint64(0)
	for range h.messages {
		size := c.uvarint()
		time += c.varint()
		if size > uint64(len(body)) || c.bad {
			return into[:n], errDamaged
		}
		total += size
		into = append(into, message.Row{Time: time, Receipt: h.received, Origin: o, Raw: body[:size]})
	}
	if total != uint64(len(c.b)) {
		return into[:n], errDamaged
	}
	seq := h.seq
	for i := n; i < len(into); i++ {
		row := &into[i]
		row.Seq, row.Raw = seq, c.b[:len(row.Raw):len(row.Raw)]
		c.b = c.b[len(row.Raw):]
		seq += message.Room(len(row.Raw))
	}
	return into, nil
}

// origin is a source as readers of messages take it.
func (s *shared) origin() *message.Origin {
	o := &message.Origin{Origin: s.source.origin(), Format: s.format}
	for _, f := range s.fields {
		o.Fields = append(o.Fields, message.Field(f))
	}
	return o
}

func (s *Source) origin() event.Origin {
	return event.Origin{Collector: s.Collector, Source: s.Source, Category: s.Category, Host: s.Host, Name: s.Name}
}
