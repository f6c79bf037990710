package input

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// lineEndBytes is how much of a block's end is first looked at for a line end.
const lineEndBytes = 16 << 10

// direct is a plain file of lines, whose blocks workers read for themselves, at
// the same time. Only where each ends is found out by one after the other.
type direct struct {
	f    *os.File
	next int64        // where the next block begins in the file
	held atomic.Int32 // by the reader, and for each block that is being read
}

// newDirect makes a direct of a file that has been read on to ahead bytes behind
// where the first block begins; nil when that is not worth it or cannot be.
func newDirect(f *os.File, ahead, blockBytes int) *direct {
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return nil
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil || st.Size()-(at-int64(ahead)) < int64(blockBytes) {
		return nil
	}
	d := &direct{f: f, next: at - int64(ahead)}
	d.held.Store(1)
	return d
}

// piece is a block of a direct that has not been read yet, but for its end.
type piece struct {
	d       *direct
	at      int64
	missing int // bytes at the start of the buffer
}

// cut finds the next block, of at most all of buf. It is none at the end of the
// file, and where a line is longer than that.
func (d *direct) cut(buf []byte, f *Format, off int64) (size int, p piece) {
	for look := min(lineEndBytes, len(buf)); ; look = min(8*look, len(buf)) {
		from := len(buf) - look
		if n, _ := d.f.ReadAt(buf[from:], d.next+int64(from)); n < look {
			return 0, piece{}
		}
		if n := f.Cut(buf[from:], off+int64(from), false); n > 0 {
			p = piece{d, d.next, from}
			d.next += int64(from + n)
			d.held.Add(1)
			return from + n, p
		}
		if from == 0 {
			return 0, piece{}
		}
	}
}

// read reads what is missing of a block. One that has become shorter in the
// meantime is an error; what is left of it is returned.
func (p *piece) read(data []byte) ([]byte, error) {
	defer p.d.Close()
	n, err := p.d.f.ReadAt(data[:p.missing], p.at)
	if n == p.missing {
		return data, nil
	}
	return data[:n], fmt.Errorf("cut short after %d bytes while it was read: %w", p.at+int64(n), err)
}

// Close gives up the hold of the reader, or of one block; the last closes the file.
func (d *direct) Close() error {
	if d.held.Add(-1) == 0 {
		return d.f.Close()
	}
	return nil
}
