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
	n := len(b)
	h := uint64(n) * m1
	if n >= 8 {
		for i := 0; i+8 < n; i += 8 {
			h = mix(h^(binary.LittleEndian.Uint64(b[i:])|caseBits), m0)
		}
		return mix(h^(binary.LittleEndian.Uint64(b[n-8:])|caseBits), m0)
	}
	v := uint64(0)
	if n >= 4 {
		v = uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32
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
	recent [recentWords]uint64
	any    bool
}

// recentWords is how many words are remembered to pass over those that come again at once.
const recentWords = 4096

// tableMin is the least size of a page's table of words.
const tableMin = 1 << 15

func (w *words) reset() {
	w.hashes, w.any = w.hashes[:0], false
	clear(w.table)
	w.recent = [recentWords]uint64{}
}

func (w *words) put(h uint64) {
	if r := &w.recent[h%recentWords]; *r == h {
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
	start := -1 // of the word that is not at its end
	i := 0
	for ; i+64 <= len(b); i += 64 {
		m, beyond := wordMarks(b[i : i+64 : i+64])
		if beyond {
			w.beyond(b[i:min(len(b), i+66)], 64)
		}
		for at := 0; at < 64; {
			if start < 0 {
				n := bits.TrailingZeros64(m >> at)
				if at += n; n == 64 || at >= 64 {
					break
				}
				start = i + at
			}
			n := bits.TrailingZeros64(^(m >> at))
			if at += n; at >= 64 {
				break
			}
			w.word(b, start, i+at)
			start = -1
		}
	}
	w.beyond(b[i:], len(b)-i)
	for ; i < len(b); i++ {
		switch is := isWord[b[i]]; {
		case is && start < 0:
			start = i
		case !is && start >= 0:
			w.word(b, start, i)
			start = -1
		}
	}
	if start >= 0 {
		w.word(b, start, len(b))
	}
}

// addPlain is add byte by byte, its twin.
func (w *words) addPlain(b []byte) {
	w.beyond(b, len(b))
	for i := 0; i < len(b); i++ {
		if start := i; isWord[b[i]] {
			for i < len(b) && isWord[b[i]] {
				i++
			}
			w.word(b, start, i)
		}
	}
}

// wordMarks has a bit for each of 64 bytes that is a letter or digit, and says whether
// some are beyond ASCII.
func wordMarks(b []byte) (m uint64, beyond bool) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	all := uint64(0)
	for k := 0; k < 64; k += 8 {
		v := binary.LittleEndian.Uint64(b[k:])
		all |= v
		low := v &^ highs // so that no sum goes on into the next byte
		lower := low | caseBits
		digit := (low + (0x80-'0')*ones) &^ (low + (0x80-'9'-1)*ones)
		letter := (lower + (0x80-'a')*ones) &^ (lower + (0x80-'z'-1)*ones)
		is := (digit | letter) & highs &^ (v & highs)
		m |= (is >> 7 * 0x0102040810204080 >> 56) << k
	}
	return m, all&highs != 0
}

// word adds the word from start to end.
func (w *words) word(b []byte, start, end int) {
	if end-start >= tokenMin {
		w.put(hashWord(b[start:end]))
	}
	if start == 0 {
		return
	}
	switch b[start-1] {
	case '\\':
		w.escaped(b[start:end])
	case '#':
		if start > 1 && b[start-2] == '&' {
			w.any = true
		}
	}
}

// beyond looks for letters beyond ASCII that begin in the first n bytes.
func (w *words) beyond(b []byte, n int) {
	for i := 0; i < n && !w.any; i++ {
		if b[i] >= 0xc4 && letterBeyond(b[i:]) {
			w.any = true
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
