package columns

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"math/bits"
	"unsafe"

	"github.com/parquet-go/parquet-go/bloom"
)

// Token filters say of each page of messages which words it may have: a Bloom filter of
// the runs of ASCII letters and digits in their bytes, letter case aside. They stand in
// a file beside the segment:
//
//	"GYT1" | version u32
//	for each group: for each page: flags u32 | blocks u32 | blocks of 32 bytes
//	for each group: offset u64 | pages u32 | crc32c u32
//	groups u32 | crc32c of the segment's footer u32 | crc32c of the groups' list and these u32 | "GYT1"
//
// All numbers are little endian. What hides letters of a word marks a page as one that
// may have any: an escape that stands for a letter (\u0041), a reference of XML, and a
// character beyond ASCII that is a letter of ASCII in another case.
const (
	tokenMagic   = "GYT1"
	tokenVersion = 1
	tokenMin     = 3 // shorter words stand in every page
	tokenBits    = 10
	anyWord      = 1 // flag of a page that may have any word
)

// isWord tells letters and digits.
var isWord = func() (t [256]bool) {
	for i := range t {
		c := byte(i)
		t[i] = c-'0' < 10 || c|0x20-'a' < 26
	}
	return t
}()

const caseBits = 0x2020202020202020

// hashWord is a hash of a word, letter case aside. Digits have the bit that tells small
// letters from large ones already.
func hashWord(b []byte) uint64 {
	const m0, m1 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db
	h := uint64(len(b)) * m1
	for ; len(b) > 8; b = b[8:] {
		h = mix(h^(binary.LittleEndian.Uint64(b)|caseBits), m0)
	}
	v := uint64(0)
	if len(b) == 8 {
		v = binary.LittleEndian.Uint64(b)
	} else {
		for i, c := range b {
			v |= uint64(c) << (8 * i)
		}
	}
	return mix(h^(v|caseBits), m0)
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// words collects the hashes of the words of a page, each once.
type words struct {
	hashes []uint64
	table  []uint64 // of hashes; 0 is free
	recent [1024]uint64
	any    bool
}

// tableMin is the least size of a page's table of words.
const tableMin = 1 << 15

func (w *words) reset() {
	w.hashes, w.any = w.hashes[:0], false
	clear(w.table)
	w.recent = [1024]uint64{}
}

func (w *words) put(h uint64) {
	if r := &w.recent[h&1023]; *r == h {
		return
	} else {
		*r = h
	}
	if h == 0 {
		h = 1
	}
	if 2*len(w.hashes) >= len(w.table) {
		w.table = make([]uint64, max(tableMin, 2*len(w.table)))
		for _, h := range w.hashes {
			w.insert(h)
		}
	}
	if w.insert(h) {
		w.hashes = append(w.hashes, h)
	}
}

func (w *words) insert(h uint64) bool {
	mask := uint64(len(w.table) - 1)
	for i := h >> 20 & mask; ; i = (i + 1) & mask {
		switch w.table[i] {
		case 0:
			w.table[i] = h
			return true
		case h:
			return false
		}
	}
}

// add adds the words of a message. A word that a backslash stands before is added as it
// is and without what may be an escape: \nword, \u003cword.
func (w *words) add(b []byte) {
	for i := 0; i < len(b); {
		c := b[i]
		if !isWord[c] {
			if c >= 0xc4 && letterBeyond(b[i:]) {
				w.any = true
			}
			i++
			continue
		}
		start := i
		for i++; i < len(b) && isWord[b[i]]; i++ {
		}
		if i-start >= tokenMin {
			w.put(hashWord(b[start:i]))
		}
		if start == 0 {
			continue
		}
		switch b[start-1] {
		case '\\':
			w.escaped(b[start:i])
		case '#':
			if start > 1 && b[start-2] == '&' {
				w.any = true
			}
		}
	}
}

// letterBeyond reports whether text begins with a character beyond ASCII that is a
// letter of ASCII in another case: İ, ı, ſ and the Kelvin sign. See match.JSONNeedles.
func letterBeyond(b []byte) bool {
	switch b[0] {
	case 0xc4:
		return len(b) > 1 && (b[1] == 0xb0 || b[1] == 0xb1)
	case 0xc5:
		return len(b) > 1 && b[1] == 0xbf
	case 0xe2:
		return len(b) > 2 && b[1] == 0x84 && b[2] == 0xaa
	}
	return false
}

// escaped adds what a word is behind a backslash and the letter of an escape.
func (w *words) escaped(b []byte) {
	skip := 0
	switch b[0] {
	case 'b', 'f', 'n', 'r', 't':
		skip = 1
	case 'u':
		if len(b) < 5 {
			return
		}
		c, ok := hex4(b[1:5])
		if !ok {
			return
		}
		if c < 0x80 && isWord[c] || c == 0x130 || c == 0x131 || c == 0x17f || c == 0x212a {
			w.any = true
		}
		skip = 5
	default:
		return
	}
	if len(b)-skip >= tokenMin {
		w.put(hashWord(b[skip:]))
	}
}

// hex4 reads four hexadecimal digits.
func hex4(b []byte) (v int, ok bool) {
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | int(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			v = v<<4 | int(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

// filterWriter writes the token filters of a file.
type filterWriter struct {
	w      io.Writer
	at     int64
	words  words
	out    []byte // of the group
	pages  uint32
	list   []byte // of groups
	groups uint32
	err    error
}

func newFilterWriter(w io.Writer) *filterWriter {
	f := &filterWriter{w: w}
	f.write(binary.LittleEndian.AppendUint32([]byte(tokenMagic), tokenVersion))
	return f
}

func (f *filterWriter) write(b []byte) {
	if f.err == nil {
		var n int
		n, f.err = f.w.Write(b)
		f.at += int64(n)
	}
}

func (f *filterWriter) group() {
	f.out, f.pages = f.out[:0], 0
	f.words.reset()
}

// add adds a message of the page.
func (f *filterWriter) add(raw []byte) { f.words.add(raw) }

// page ends a page.
func (f *filterWriter) page() {
	w := &f.words
	flags := uint32(0)
	blocks := 0
	if w.any {
		flags = anyWord
	} else {
		blocks = bloom.NumSplitBlocksOf(int64(max(len(w.hashes), 1)), tokenBits)
	}
	f.out = binary.LittleEndian.AppendUint32(f.out, flags)
	f.out = binary.LittleEndian.AppendUint32(f.out, uint32(blocks))
	if blocks > 0 {
		filter := make(bloom.SplitBlockFilter, blocks)
		filter.InsertBulk(w.hashes)
		f.out = append(f.out, filter.Bytes()...)
	}
	f.pages++
	w.reset()
}

func (f *filterWriter) endGroup() error {
	f.list = binary.LittleEndian.AppendUint64(f.list, uint64(f.at))
	f.list = binary.LittleEndian.AppendUint32(f.list, f.pages)
	f.list = binary.LittleEndian.AppendUint32(f.list, crc32.Checksum(f.out, castagnoli))
	f.groups++
	f.write(f.out)
	return f.err
}

// end ends the file; check is the checksum of the segment's footer.
func (f *filterWriter) end(check uint32) error {
	out := binary.LittleEndian.AppendUint32(f.list, f.groups)
	out = binary.LittleEndian.AppendUint32(out, check)
	out = binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
	f.write(append(out, tokenMagic...))
	return f.err
}

// blocksOf is memory as the blocks of a filter.
func blocksOf(b []byte) bloom.SplitBlockFilter {
	return unsafe.Slice((*bloom.Block)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/bloom.BlockSize)
}
