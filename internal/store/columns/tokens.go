package columns

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
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

// words collects the hashes of the words of a page. Some are there more than once: to look
// for each takes longer than to put it into the filter again.
type words struct {
	hashes []uint64
	recent [recentWords]uint64
	marks  [1 << (countBits - 6)]uint64 // a bit of each hash, to count them by
	marked int
	seen   [seenRuns]run // of the page, by a hash
	any    bool
}

// run is where in a page's text bytes between blanks and quotation marks stand.
type run struct{ at, end uint32 }

// seenRuns is how many runs of a page are remembered, so that words are looked for once in
// those that come again: the keys of JSON, and most values.
const seenRuns = 1 << seenBits
const seenBits = 13

// recentWords is how many words are remembered to pass over those that come again at once.
const recentWords = 1 << 10

// countBits is of how many bits words are counted by: 8 for each of a page of short words.
const countBits = 20

func (w *words) reset() {
	w.hashes, w.any, w.marked = w.hashes[:0], false, 0
	clear(w.recent[:])
	clear(w.marks[:])
	clear(w.seen[:])
}

func (w *words) put(h uint64) {
	h = max(h, 1)
	if r := &w.recent[h%recentWords]; *r == h {
		return
	} else {
		*r = h
	}
	w.hashes = append(w.hashes, h)
	bit := h >> (64 - countBits)
	m := &w.marks[bit>>6]
	if *m>>(bit&63)&1 == 0 {
		*m |= 1 << (bit & 63)
		w.marked++
	}
}

// count is how many words there are, about: by how many of the bits that words fall on at
// random are marked (linear counting, Whang and others, 1990), and never more than were put in.
func (w *words) count() int {
	const all = 1 << countBits
	if w.marked == all {
		return len(w.hashes)
	}
	n := -all * math.Log1p(-float64(w.marked)/all)
	return min(len(w.hashes), int(math.Ceil(n)))
}

// add adds the words of a message, which stands in the page's text from start on. Runs
// between blanks and quotation marks that are the same as one before are passed over. It
// reports whether all of the message is ASCII.
func (w *words) add(page []byte, start int) (ascii bool) {
	ascii = true
	from := start // of the run that is not at its end
	i := start
	for ; i+64 <= len(page); i += 64 {
		m, beyond := runMarks(page[i : i+64 : i+64])
		if beyond {
			ascii = false
			w.beyond(page[i:min(len(page), i+66)], 64)
		}
		for ; m != 0; m &= m - 1 {
			end := i + bits.TrailingZeros64(m)
			w.run(page, from, end)
			from = end + 1
		}
	}
	w.beyond(page[i:], len(page)-i)
	for ; i < len(page); i++ {
		ascii = ascii && page[i] < 0x80
		if page[i]&^2 == ' ' {
			w.run(page, from, i)
			from = i + 1
		}
	}
	w.run(page, from, len(page))
	return ascii
}

// runMarks has a bit for each of 64 bytes that is a blank or a quotation mark, and says
// whether some are beyond ASCII.
func runMarks(b []byte) (m uint64, beyond bool) {
	const ones, lows, highs = 0x0101010101010101, 0x7f7f7f7f7f7f7f7f, 0x8080808080808080
	all := uint64(0)
	for k := 0; k < 64; k += 8 {
		v := binary.LittleEndian.Uint64(b[k:])
		all |= v
		v = v&^(2*ones) ^ ' '*ones // 0 where it is one of both
		is := ^(v&lows + lows | v) & highs
		m |= (is >> 7 * 0x0102040810204080 >> 56) << k
	}
	return m, all&highs != 0
}

// run adds the words of a run, unless one like it has been seen.
func (w *words) run(page []byte, at, end int) {
	const m0, m1 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db
	n := end - at
	if n < tokenMin {
		return
	}
	b := page[at:end:end]
	var first, last uint64
	switch {
	case n >= 8:
		first, last = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
	case n >= 4:
		first, last = uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[n-4:]))
	default:
		first = uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16
	}
	s := &w.seen[mix(first^uint64(n)*m1, last^m0)>>(64-seenBits)]
	if int(s.end)-int(s.at) == n && string(page[s.at:s.end]) == string(b) {
		return
	}
	if end <= math.MaxUint32 {
		*s = run{uint32(at), uint32(end)}
	}
	w.words(b)
}

// words adds the words of a run. A word that a backslash stands before is added as it is
// and without what may be an escape: \nword, \u003cword.
func (w *words) words(b []byte) {
	start := -1 // of the word that is not at its end
	for i := 0; i < len(b); i += 64 {
		end := min(64, len(b)-i)
		m := wordMarks(b[i : i+end : i+end])
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

// wordMarks has a bit for each of at most 64 bytes that is a letter or digit.
func wordMarks(b []byte) (m uint64) {
	k := 0
	for ; k+8 <= len(b); k += 8 {
		m |= wordMarks8(binary.LittleEndian.Uint64(b[k:])) << k
	}
	if k == len(b) {
		return m
	}
	v := uint64(0)
	if k > 0 { // the last eight, without those that were looked at
		v = binary.LittleEndian.Uint64(b[len(b)-8:]) >> (8 * (8 - len(b) + k))
	} else {
		for i, c := range b {
			v |= uint64(c) << (8 * i)
		}
	}
	return m | wordMarks8(v)<<k
}

// wordMarks8 has a bit for each of eight bytes.
func wordMarks8(v uint64) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	low := v &^ highs // so that no sum goes on into the next byte
	lower := low | caseBits
	digit := (low + (0x80-'0')*ones) &^ (low + (0x80-'9'-1)*ones)
	letter := (lower + (0x80-'a')*ones) &^ (lower + (0x80-'z'-1)*ones)
	is := (digit | letter) & highs &^ (v & highs)
	return is >> 7 * 0x0102040810204080 >> 56
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

// add adds a message of the page, whose text it is the end of. It reports whether all of
// the message is ASCII.
func (f *filterWriter) add(page []byte, start int) bool { return f.words.add(page, start) }

// page ends a page.
func (f *filterWriter) page() {
	w := &f.words
	flags := uint32(0)
	blocks := 0
	if w.any {
		flags = anyWord
	} else {
		blocks = bloom.NumSplitBlocksOf(int64(max(w.count(), 1)), tokenBits)
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
