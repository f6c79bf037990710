package input

import (
	"bytes"
	"io"
	"os"
)

// lineBytesMax is how far into a file lines are counted for a message.
const lineBytesMax = 1 << 30

// Line is the number of the line that a byte of a file of text stands in, counted
// from 1; ok is false where there are no lines to count: in binary data, archives,
// and what is no file.
func Line(path string, off int64) (line int, ok bool) {
	if off > lineBytesMax {
		return 0, false
	}
	// To open a pipe is to wait for who writes to it.
	if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() {
		return 0, false
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	r, err := decompress(f)
	if err != nil {
		return 0, false
	}
	if head, _ := r.Peek(512); bytes.IndexByte(head, 0) >= 0 || archiveKind(head) != notArchive {
		return 0, false
	}
	line = 1
	buf := make([]byte, 256<<10)
	for off > 0 {
		n, err := io.ReadFull(r, buf[:min(off, int64(len(buf)))])
		line += bytes.Count(buf[:n], []byte{'\n'})
		if off -= int64(n); err != nil {
			return 0, false
		}
	}
	return line, true
}
