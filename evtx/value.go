package evtx

import (
	"bytes"
	"encoding/hex"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Type is the type of a value in binary XML.
type Type uint8

// The types of [MS-EVEN6] 2.2.12; Array is added to one of them.
const (
	Null       Type = 0x00
	String     Type = 0x01 // UTF-16
	ANSIString Type = 0x02 // in the code page of the machine it was written on
	Int8       Type = 0x03
	Uint8      Type = 0x04
	Int16      Type = 0x05
	Uint16     Type = 0x06
	Int32      Type = 0x07
	Uint32     Type = 0x08
	Int64      Type = 0x09
	Uint64     Type = 0x0a
	Float32    Type = 0x0b
	Float64    Type = 0x0c
	Bool       Type = 0x0d
	Binary     Type = 0x0e
	GUID       Type = 0x0f
	SizeT      Type = 0x10 // 4 or 8 bytes
	FileTime   Type = 0x11
	SystemTime Type = 0x12
	SID        Type = 0x13
	Hex32      Type = 0x14
	Hex64      Type = 0x15
	Handle     Type = 0x20
	BinXML     Type = 0x21
	XML        Type = 0x23
	Array      Type = 0x80
)

// Value is one value of a record. Data belongs to the chunk.
type Value struct {
	Data []byte
	Type Type
}

// Empty reports whether there is nothing to show.
func (v Value) Empty() bool { return v.Type == Null || len(v.Data) == 0 }

// Text16 returns the UTF-16 of a text value.
func (v Value) Text16() ([]byte, bool) {
	if v.Type != String && v.Type != XML {
		return nil, false
	}
	return trim16(v.Data), true
}

// Single reports whether the value is one, which is neither an array nor a
// fragment.
func (v Value) Single() bool { return v.Type < BinXML || v.Type == XML }

// AppendJSON appends a value's text as it is written in a JSON string, without the
// quotes around it.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.Type {
	case String, XML:
		return AppendJSON16(dst, trim16(v.Data))
	case ANSIString:
		for _, c := range bytes.TrimRight(v.Data, "\x00") {
			if c < utf8.RuneSelf {
				dst = appendJSONByte(dst, c)
			} else {
				dst = utf8.AppendRune(dst, ansiRune(c))
			}
		}
		return dst
	}
	return v.AppendText(dst) // no other has characters to escape
}

// AppendText appends a value as Windows shows it in an event's XML: numbers in
// decimal, GUIDs in braces, times in UTC, SIDs as S-1-..., bytes in hexadecimal.
// The elements of an array come one after the other, with commas between.
func (v Value) AppendText(dst []byte) []byte {
	if v.Type&Array != 0 {
		first := true
		for item := range v.Items {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = item.AppendText(dst)
		}
		return dst
	}
	d := v.Data
	switch v.Type {
	case Null:
		return dst
	case String, XML:
		return AppendUTF16(dst, trim16(d))
	case ANSIString:
		return appendANSI(dst, bytes.TrimRight(d, "\x00"))
	case Int8, Int16, Int32, Int64:
		if n, ok := signed(d); ok {
			return strconv.AppendInt(dst, n, 10)
		}
	case Uint8, Uint16, Uint32, Uint64, Handle:
		if n, ok := unsigned(d); ok {
			return appendUint(dst, n)
		}
	case Hex32, Hex64, SizeT:
		if n, ok := unsigned(d); ok {
			return appendUintHex(append(dst, "0x"...), n)
		}
	case Float32:
		if len(d) == 4 {
			return strconv.AppendFloat(dst, float64(math.Float32frombits(u32(d, 0))), 'g', -1, 32)
		}
	case Float64:
		if len(d) == 8 {
			return strconv.AppendFloat(dst, math.Float64frombits(u64(d, 0)), 'g', -1, 64)
		}
	case Bool:
		// Four bytes as a rule, but one and eight were met. What is neither 0
		// nor 1 is true all the same, as in C.
		for _, c := range d {
			if c != 0 {
				return append(dst, "true"...)
			}
		}
		if len(d) > 0 {
			return append(dst, "false"...)
		}
		return dst
	case GUID:
		if len(d) == 16 {
			return appendGUID(dst, d)
		}
	case FileTime:
		if len(d) == 8 {
			return appendFileTime(dst, u64(d, 0))
		}
	case SystemTime:
		if len(d) == 16 {
			return appendSystemTime(dst, d)
		}
	case SID:
		if n := sidBytes(d); n > 0 {
			return appendSID(dst, d[:n])
		}
	}
	return appendHex(dst, d)
}

// width is the size of a type's array elements; 0 when they have none.
func (t Type) width(total int) int {
	switch t {
	case Int8, Uint8:
		return 1
	case Int16, Uint16:
		return 2
	case Int32, Uint32, Float32, Bool, Hex32:
		return 4
	case Int64, Uint64, Float64, FileTime, Hex64:
		return 8
	case GUID, SystemTime:
		return 16
	case SizeT, Handle:
		// The width is the machine's, which the array does not say: nearly all
		// are of 64 bits.
		if total%8 == 0 {
			return 8
		}
		return 4
	}
	return 0
}

// Items calls yield for every element of an array; a plain value is its own one
// element. What does not divide into elements comes as bytes.
func (v Value) Items(yield func(Value) bool) {
	if v.Type&Array == 0 {
		yield(v)
		return
	}
	t := v.Type &^ Array
	d := v.Data
	switch t {
	case String:
		d = d[:len(d)&^1]
		for len(d) > 0 {
			n := 0
			for n < len(d) && (d[n] != 0 || d[n+1] != 0) {
				n += 2
			}
			if !yield(Value{d[:n], String}) {
				return
			}
			d = d[min(n+2, len(d)):]
		}
		return
	case ANSIString:
		for len(d) > 0 {
			text, rest, _ := bytes.Cut(d, []byte{0})
			if !yield(Value{text, ANSIString}) {
				return
			}
			d = rest
		}
		return
	case SID:
		for len(d) > 0 {
			n := sidBytes(d)
			if n == 0 {
				yield(Value{d, Binary})
				return
			}
			if !yield(Value{d[:n], SID}) {
				return
			}
			d = d[n:]
		}
		return
	}
	w := t.width(len(d))
	if w == 0 || len(d)%w != 0 {
		yield(Value{d, Binary})
		return
	}
	for ; len(d) > 0; d = d[w:] {
		if !yield(Value{d[:w], t}) {
			return
		}
	}
}

func unsigned(d []byte) (uint64, bool) {
	switch len(d) {
	case 1:
		return uint64(d[0]), true
	case 2:
		return uint64(u16(d, 0)), true
	case 4:
		return uint64(u32(d, 0)), true
	case 8:
		return u64(d, 0), true
	}
	return 0, false
}

func signed(d []byte) (int64, bool) {
	switch len(d) {
	case 1:
		return int64(int8(d[0])), true
	case 2:
		return int64(int16(u16(d, 0))), true
	case 4:
		return int64(int32(u32(d, 0))), true
	case 8:
		return int64(u64(d, 0)), true
	}
	return 0, false
}

// appendUint is strconv.AppendUint in decimal, in place: an event has ten numbers
// or so.
func appendUint(dst []byte, n uint64) []byte {
	if n < 10 {
		return append(dst, byte('0'+n))
	}
	size := bits.Len64(n) * 1233 >> 12 // 1233/4096 is a little more than log10(2)
	if n >= powers[size] {
		size++
	}
	dst = slices.Grow(dst, size)
	dst = dst[:len(dst)+size]
	at := len(dst)
	for ; n >= 100; n /= 100 {
		at -= 2
		two := n % 100
		dst[at], dst[at+1] = tens[two], ones[two]
	}
	if n >= 10 {
		dst[at-2], dst[at-1] = tens[n], ones[n]
	} else {
		dst[at-1] = byte('0' + n)
	}
	return dst
}

// powers are those of ten. tens and ones are the digits of numbers below a hundred.
var (
	powers     [20]uint64
	tens, ones [100]byte
)

func init() {
	powers[0] = 1
	for i := range len(powers) - 1 {
		powers[i+1] = 10 * powers[i]
	}
	for i := range tens {
		tens[i], ones[i] = byte('0'+i/10), byte('0'+i%10)
	}
}

// appendUintHex is strconv.AppendUint in lower-case hexadecimal.
func appendUintHex(dst []byte, n uint64) []byte {
	size := max(1, (bits.Len64(n)+3)/4)
	dst = slices.Grow(dst, size)
	dst = dst[:len(dst)+size]
	for at := len(dst); size > 0; size-- {
		at--
		dst[at] = lowerHex[n&15]
		n >>= 4
	}
	return dst
}

const upperHex = "0123456789ABCDEF"

func appendHex(dst, d []byte) []byte {
	for _, c := range d {
		dst = append(dst, upperHex[c>>4], upperHex[c&15])
	}
	return dst
}

// appendGUID writes {7CF65FC7-D629-6086-B80A-000000002000}: the first three
// groups are little-endian numbers.
func appendGUID(dst, d []byte) []byte {
	b := (*[16]byte)(d)
	text := [38]byte{0: '{', 9: '-', 14: '-', 19: '-', 24: '-', 37: '}'}
	two := func(at int, c byte) { text[at], text[at+1] = upperHex[c>>4], upperHex[c&15] }
	two(1, b[3])
	two(3, b[2])
	two(5, b[1])
	two(7, b[0])
	two(10, b[5])
	two(12, b[4])
	two(15, b[7])
	two(17, b[6])
	two(20, b[8])
	two(22, b[9])
	two(25, b[10])
	two(27, b[11])
	two(29, b[12])
	two(31, b[13])
	two(33, b[14])
	two(35, b[15])
	return append(dst, text[:]...)
}

// sidBytes is the size of the SID that d begins with, 0 if there is none whole.
func sidBytes(d []byte) int {
	if len(d) < 8 {
		return 0
	}
	n := 8 + 4*int(d[1])
	if len(d) < n {
		return 0
	}
	return n
}

func appendSID(dst, d []byte) []byte {
	dst = append(dst, "S-"...)
	dst = appendUint(dst, uint64(d[0]))
	authority := uint64(0)
	for _, c := range d[2:8] { // the one big-endian number of the format
		authority = authority<<8 | uint64(c)
	}
	dst = append(dst, '-')
	if authority >= 1<<32 {
		dst = append(dst, "0x"...)
		dst = append(dst, hex.EncodeToString(d[2:8])...)
	} else {
		dst = appendUint(dst, authority)
	}
	for i := 8; i < len(d); i += 4 {
		dst = appendUint(append(dst, '-'), uint64(u32(d, i)))
	}
	return dst
}

const (
	ticksPerMilli = 10_000 // a FILETIME counts 100 ns
	// epochMillis is 1970-01-01 in ms since 1601-01-01, where FILETIME begins.
	epochMillis = 11_644_473_600_000
)

// FileTimeMillis is a FILETIME in ms since 1970, cut down.
func FileTimeMillis(t uint64) int64 { return int64(t/ticksPerMilli) - epochMillis }

// FileTimeOf is the FILETIME of a moment in ms since 1970.
func FileTimeOf(ms int64) uint64 { return uint64(ms+epochMillis) * ticksPerMilli }

// appendFileTime writes 2019-05-22T04:02:11.3070316Z.
func appendFileTime(dst []byte, t uint64) []byte {
	sec := int64(t/(1000*ticksPerMilli)) - epochMillis/1000
	frac := int(t % (1000 * ticksPerMilli))
	if year9999 := int64(253_402_300_800); sec < 0 || sec >= year9999 { // only damage is so far away
		dst = time.Unix(sec, 0).UTC().AppendFormat(dst, "2006-01-02T15:04:05")
	} else {
		dst = appendClock(dst, sec)
	}
	end := [9]byte{'.', 8: 'Z'}
	for i := 7; i > 0; i-- {
		end[i] = byte('0' + frac%10)
		frac /= 10
	}
	return append(dst, end[:]...)
}

// appendClock writes a moment from 1970 to 9999 as 2019-05-22T04:02:11. The date
// is found as Neri and Schneider do (Euclidean affine functions and their
// application to calendar algorithms, 2022), with years that begin in March.
func appendClock(dst []byte, sec int64) []byte {
	days, sec := sec/86400, sec%86400
	n := 4*uint32(days+719468) + 3
	century := n / 146097
	n = n%146097/4*4 + 3
	year := 100*century + n/1461
	n = 2141*(n%1461/4) + 197913
	month, day := n>>16, n&0xffff/2141+1
	if month > 12 {
		month -= 12
		year++
	}
	text := [19]byte{4: '-', 7: '-', 10: 'T', 13: ':', 16: ':'}
	two := func(at int, n uint32) { text[at], text[at+1] = byte('0'+n/10), byte('0'+n%10) }
	two(0, year/100)
	two(2, year%100)
	two(5, month)
	two(8, day)
	s := uint32(sec)
	two(11, s/3600)
	two(14, s/60%60)
	two(17, s%60)
	return append(dst, text[:]...)
}

// appendSystemTime writes a SYSTEMTIME (year, month, day of week, day, hour,
// minute, second, ms) as 2019-05-22T04:02:11.307Z.
func appendSystemTime(dst, d []byte) []byte {
	n := func(i int) int { return int(u16(d, 2*i)) }
	t := time.Date(n(0), time.Month(n(1)), n(3), n(4), n(5), n(6), n(7)*int(time.Millisecond), time.UTC)
	return t.AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}

// ansiHigh are the characters 0x80 to 0x9f of Windows' Western code page; the
// file does not say which one was in use.
var ansiHigh = [32]rune{
	0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d, 0x8f,
	0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d, 0x017e, 0x0178,
}

func ansiRune(c byte) rune {
	if c >= 0x80 && c < 0xa0 {
		return ansiHigh[c-0x80]
	}
	return rune(c)
}

func appendANSI(dst, d []byte) []byte {
	for _, c := range d {
		dst = utf8.AppendRune(dst, ansiRune(c))
	}
	return dst
}
