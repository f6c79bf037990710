//go:build amd64 && !purego

package jsondoc

import "golang.org/x/sys/cpu"

var hasText = cpu.X86.HasSSSE3 && cpu.X86.HasPOPCNT

// escapeText writes to dst what the n bytes at src are as the text of a JSON
// string, eight at a time, up to eight that hold a control character or one
// that is not ASCII. n is at least 1, and dst has room for 2*n+16 bytes.
//
//go:noescape
func escapeText(dst, src *byte, n int) (read, wrote int)

// unescapeText writes to dst what the n bytes at src, the text of a JSON string,
// stand for, eight at a time, up to eight that hold a byte that is not ASCII or
// another escape than \", \\ and \/. n is at least 1, and dst has room for n+16
// bytes.
//
//go:noescape
func unescapeText(dst, src *byte, n int) (read, wrote int)

// Assembly knows these tables.
var (
	// escapeShuffle is, by which of eight bytes need a backslash before them,
	// lowest bit first, where each of sixteen comes from; a backslash is put where
	// the high bit is set.
	escapeShuffle [256][16]byte
	// unescapeShuffle is where bytes come from by which of eight are backslashes,
	// and the ninth bit says that the first byte is escaped by one before it.
	// Backslashes that begin an escape are left out.
	unescapeShuffle [512][8]byte
	// escapes is by the same: which bytes are escaped in bits 0 to 7, how many
	// bytes are left in bits 8 to 15, and in bit 24 whether the next is escaped.
	escapes [512]uint32
)

func init() {
	for marks := range escapeShuffle {
		out := escapeShuffle[marks][:0]
		for i := range 8 {
			if marks>>i&1 != 0 {
				out = append(out, 0x80)
			}
			out = append(out, byte(i))
		}
	}
	for marks := range escapes {
		left, escaped := unescapeShuffle[marks][:0], marks>>8
		for i := range 8 {
			if marks>>i&1 != 0 && escaped>>i&1 == 0 {
				escaped |= 2 << i
			} else {
				left = append(left, byte(i))
			}
		}
		escapes[marks] = uint32(escaped&0xff | len(left)<<8 | escaped>>8<<24)
	}
}
