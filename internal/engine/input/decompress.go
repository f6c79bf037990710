package input

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// headBytes is how much of a part is looked at to recognise its format.
const headBytes = 64 << 10

// layersMax is how often a part may be compressed: a .gz inside a .zst.
const layersMax = 3

// packings are the compressions that are recognised, by what they begin with.
var packings = []struct {
	magic  []byte
	unpack func(io.Reader) (io.Reader, error)
}{
	{[]byte{0x1f, 0x8b}, func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	{[]byte{0x28, 0xb5, 0x2f, 0xfd}, func(r io.Reader) (io.Reader, error) {
		return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(512<<20))
	}},
	{[]byte("BZh"), func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }},
	{[]byte{0xfd, '7', 'z', 'X', 'Z', 0}, func(r io.Reader) (io.Reader, error) { return xz.NewReader(r) }},
}

// packing is the index of a part's compression, -1 for none.
func packing(head []byte) int {
	for i := range packings {
		if bytes.HasPrefix(head, packings[i].magic) {
			return i
		}
	}
	return -1
}

// decompress recognises compression by content and undoes it, and turns UTF-16
// into plain UTF-8 without a byte order mark.
func decompress(r io.Reader) (*bufio.Reader, error) {
	b := bufio.NewReaderSize(r, headBytes)
	for range layersMax {
		head, _ := b.Peek(startBytes)
		if i := packing(head); i >= 0 {
			next, err := packings[i].unpack(b)
			if err != nil {
				return nil, fmt.Errorf("compressed data that cannot be read: %w", err)
			}
			b = bufio.NewReaderSize(next, headBytes)
			continue
		}
		switch {
		case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
			return b, discard(b, 3)
		case strayMark(head):
			return b, discard(b, 2)
		case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
			return bufio.NewReaderSize(&utf16Reader{r: b, low: 0, high: 1}, headBytes), discard(b, 2)
		case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
			return bufio.NewReaderSize(&utf16Reader{r: b, low: 1, high: 0}, headBytes), discard(b, 2)
		case ascii16(head, 0):
			return bufio.NewReaderSize(&utf16Reader{r: b, low: 0, high: 1}, headBytes), nil
		case ascii16(head, 1):
			return bufio.NewReaderSize(&utf16Reader{r: b, low: 1, high: 0}, headBytes), nil
		}
		return b, nil
	}
	return nil, fmt.Errorf("compressed more than %d times", layersMax)
}

// startBytes is how much of a part's start tells what the text in it is.
const startBytes = 256

// strayMark reports whether UTF-16's mark stands before text that is none: text
// of lines has characters of ASCII, each of which has a zero in UTF-16.
func strayMark(head []byte) bool {
	if len(head) < 4 || head[0] != 0xff && head[0] != 0xfe || head[0]+head[1] != 0xfd {
		return false
	}
	body := head[2:]
	for len(body) > 0 && len(body) > len(head)-utf8.UTFMax && !utf8.Valid(body) {
		body = body[:len(body)-1] // a character that is cut in two
	}
	return bytes.IndexByte(body, 0) < 0 && utf8.Valid(body) && bytes.ContainsAny(body, "{<=:, ")
}

// discard passes a byte order mark.
func discard(b *bufio.Reader, n int) error {
	_, err := b.Discard(n)
	return err
}

// ascii16 reports whether text starts with ASCII characters as UTF-16 without a
// byte order mark, as PowerShell and wevtutil leave it in pipes; low is which byte
// of a pair has them.
func ascii16(head []byte, low int) bool {
	if len(head) < 8 {
		return false
	}
	for i := 0; i < 8; i += 2 {
		c := head[i+low]
		if head[i+1-low] != 0 || c >= 0x7f || c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}

// utf16Text reports whether text is UTF-16.
func utf16Text(head []byte) bool {
	return bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) || ascii16(head, 0) || ascii16(head, 1)
}

// utf16Reader turns UTF-16 into UTF-8.
type utf16Reader struct {
	r         *bufio.Reader
	low, high int // which byte of a pair is which
	out       []byte
	lead      rune // a surrogate whose other half is yet to come
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		for len(u.out) < 32<<10 {
			var pair [2]byte
			if _, err := io.ReadFull(u.r, pair[:]); err != nil {
				if u.lead != 0 || err == io.ErrUnexpectedEOF {
					u.lead = 0
					u.out = utf8.AppendRune(u.out, utf8.RuneError)
				}
				if len(u.out) == 0 {
					return 0, io.EOF
				}
				break
			}
			c := rune(pair[u.low]) | rune(pair[u.high])<<8
			if u.lead != 0 {
				r := utf16.DecodeRune(u.lead, c)
				u.lead = 0
				u.out = utf8.AppendRune(u.out, r)
				if r != utf8.RuneError {
					continue
				}
			}
			if utf16.IsSurrogate(c) && c < 0xdc00 {
				u.lead = c
				continue
			}
			u.out = utf8.AppendRune(u.out, c)
		}
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}
