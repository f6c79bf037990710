package columns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// A page is a header, as Thrift, and a body, which zstd has compressed. Columns are
// written and read a page at a time by the packages of parquet-go for the header's
// structs and for the encodings. Its own writer and reader of columns take a value at a
// time: see the decision record on segments.

var (
	compact thrift.CompactProtocol
	deltas  delta.BinaryPackedEncoding
	lengths delta.LengthByteArrayEncoding
	codes   rle.DictionaryEncoding
	levels  = rle.Encoding{BitWidth: 1}
)

// pageBytesMax is how long the body of a page may be, uncompressed: a page has at least
// one message.
const pageBytesMax = 1 << 30

// encoders compress at zstd's default: pages of 4 MiB are then as small as pages of 1 MiB
// at the level above it, in half the time.
var encoders = sync.Pool{New: func() any {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(err) // the options are constants
	}
	return e
}}

var decoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(pageBytesMax))
	if err != nil {
		panic(err)
	}
	return d
})

// compressed is a body as it is written.
func compressed(dst, body []byte) []byte {
	e := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(e)
	return e.EncodeAll(body, dst)
}

// appendPage appends a page of a compressed body.
func appendPage(dst []byte, h format.PageHeader, plain int, body []byte) ([]byte, error) {
	if plain > pageBytesMax {
		return nil, fmt.Errorf("a page of %d bytes, of at most %d", plain, pageBytesMax)
	}
	h.UncompressedPageSize, h.CompressedPageSize = int32(plain), int32(len(body))
	h.CRC = int32(crc32.ChecksumIEEE(body))
	head, err := thrift.Marshal(&compact, &h)
	if err != nil {
		return nil, err
	}
	return append(append(dst, head...), body...), nil
}

// page is a page that has been read.
type page struct {
	format.PageHeader
	body []byte
}

// readPage reads the page that b begins with, and returns how many bytes it takes. body
// is memory to use for what it holds.
func readPage(b, body []byte) (p page, n int, err error) {
	r := compact.NewReaderFromBytes(b)
	if err := thrift.NewDecoder(r).Decode(&p.PageHeader); err != nil {
		return p, 0, fmt.Errorf("page header: %w", err)
	}
	n = r.BytesRead()
	size, plain := int(p.CompressedPageSize), int(p.UncompressedPageSize)
	switch {
	case size < 0 || size > len(b)-n:
		return p, 0, fmt.Errorf("page of %d bytes, of which %d are there", size, len(b)-n)
	case plain < 0 || plain > pageBytesMax:
		return p, 0, fmt.Errorf("page of %d bytes, of at most %d", plain, pageBytesMax)
	case crc32.ChecksumIEEE(b[n:n+size]) != uint32(p.CRC):
		return p, 0, errors.New("page whose checksum does not fit")
	}
	if cap(body) < plain {
		body = make([]byte, 0, plain)
	}
	if p.body, err = decoder().DecodeAll(b[n:n+size], body[:0]); err != nil {
		return p, 0, fmt.Errorf("page: %w", err)
	}
	if len(p.body) != plain {
		return p, 0, fmt.Errorf("page of %d bytes that says %d", len(p.body), plain)
	}
	return p, n + size, nil
}

// appendLevels appends which of the rows of a page have a value.
func appendLevels(dst []byte, present []uint8) ([]byte, error) {
	b, err := levels.EncodeLevels(nil, present)
	if err != nil {
		return nil, err
	}
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(b))), b...), nil
}

// readLevels splits off which of the n rows of a page have a value: a bit each, and how
// many do.
func readLevels(body []byte, n int, present []byte) (_ []byte, given int, rest []byte, err error) {
	if len(body) < 4 {
		return nil, 0, nil, errors.New("page without its levels")
	}
	size := binary.LittleEndian.Uint32(body)
	body = body[4:]
	if uint64(size) > uint64(len(body)) {
		return nil, 0, nil, fmt.Errorf("page with %d bytes of levels, of which %d are there", size, len(body))
	}
	src, rest := body[:size], body[size:]
	bytes := (n + 7) / 8
	present = append(present[:0], make([]byte, bytes)...)
	short := func(at int) error { return fmt.Errorf("page with the levels of %d rows of %d", at, n) }
	for at := 0; at < n; {
		head, k := binary.Uvarint(src)
		if k <= 0 || head>>1 == 0 {
			return nil, 0, nil, short(at)
		}
		src = src[k:]
		if head&1 != 0 { // eight rows a byte
			groups := head >> 1
			if groups > uint64(len(src)) || at%8 != 0 {
				return nil, 0, nil, short(at)
			}
			at = min(n, at+8*copy(present[at/8:], src[:groups]))
			src = src[groups:]
			continue
		}
		if len(src) == 0 || src[0] > 1 {
			return nil, 0, nil, short(at)
		}
		end := int(min(uint64(n), uint64(at)+head>>1))
		if src[0] == 1 {
			for at < end && at%8 != 0 {
				present[at/8] |= 1 << (at % 8)
				at++
			}
			for ; at+8 <= end; at += 8 {
				present[at/8] = 0xff
			}
			for ; at < end; at++ {
				present[at/8] |= 1 << (at % 8)
			}
		}
		at, src = end, src[1:]
	}
	if n%8 != 0 {
		present[bytes-1] &= 1<<(n%8) - 1
	}
	for _, b := range present {
		given += bits.OnesCount8(b)
	}
	return present, given, rest, nil
}

// unpack reads n numbers of so many bits: runs of one, and packed ones.
// Source: Apache Parquet, Encodings.md, Run Length Encoding / Bit-Packing Hybrid.
func unpack(dst []uint16, src []byte, width uint, n int) ([]uint16, error) {
	if width > 16 {
		return nil, fmt.Errorf("page with numbers of %d bits", width)
	}
	if cap(dst) < n {
		dst = make([]uint16, n)
	}
	dst = dst[:n]
	mask := uint64(1)<<width - 1
	bytes := int(width+7) / 8
	for at := 0; at < n; {
		head, k := binary.Uvarint(src)
		if k <= 0 || head>>1 == 0 {
			return nil, fmt.Errorf("page that ends after %d numbers of %d", at, n)
		}
		src = src[k:]
		if head&1 == 0 {
			if len(src) < bytes {
				return nil, fmt.Errorf("page that ends after %d numbers of %d", at, n)
			}
			v := uint64(0)
			for i := range bytes {
				v |= uint64(src[i]) << (8 * i)
			}
			src = src[bytes:]
			run := dst[at:min(uint64(n), uint64(at)+head>>1)]
			for i := range run {
				run[i] = uint16(v & mask)
			}
			at += len(run)
			continue
		}
		groups := head >> 1
		if groups > uint64(len(src)) && width > 0 || groups*uint64(width) > uint64(len(src)) {
			return nil, fmt.Errorf("page that ends after %d numbers of %d", at, n)
		}
		packed := src[:groups*uint64(width)]
		src = src[len(packed):]
		run := dst[at:min(uint64(n), uint64(at)+groups*8)]
		at += len(run)
		i := 0
		for bit := uint(0); i < len(run) && int(bit>>3)+8 <= len(packed); i++ {
			run[i] = uint16(binary.LittleEndian.Uint64(packed[bit>>3:]) >> (bit & 7) & mask)
			bit += width
		}
		for ; i < len(run); i++ { // the last bytes
			bit := uint(i) * width
			v := uint64(0)
			for k, c := range packed[min(int(bit>>3), len(packed)):] {
				v |= uint64(c) << (8 * k)
			}
			run[i] = uint16(v >> (bit & 7) & mask)
		}
	}
	return dst, nil
}

// counted checks that a body in a delta encoding is of n values, before memory is made
// for as many as it says.
func counted(body []byte, n int) error {
	at := 0
	var head [3]uint64
	for i := range head {
		v, k := binary.Uvarint(body[at:])
		if k <= 0 {
			return errors.New("page without the head of its values")
		}
		head[i], at = v, at+k
	}
	if head[0] == 0 || head[0] > 1<<20 || head[1] == 0 || head[1] > head[0] || head[2] != uint64(n) {
		return fmt.Errorf("page of %d values that has those of %d rows", head[2], n)
	}
	return nil
}
