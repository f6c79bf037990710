package exec

import (
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// RowFile is rows put aside on disk, in the order they were written. It is gone
// once it has been read.
type RowFile struct {
	rt    *Runtime
	codec *Codec
	files []*spill
	buf   []byte
}

// NewRowFile opens an empty file for rows of a codec.
func NewRowFile(rt *Runtime, c *Codec) (*RowFile, error) {
	s, err := newSpill(rt, nil)
	if err != nil {
		return nil, err
	}
	return &RowFile{rt: rt, codec: c, files: []*spill{s}}, nil
}

// Write appends a row of b.
func (f *RowFile) Write(b *event.Batch, row uint16) error {
	f.buf = f.codec.Append(f.buf[:0], b, row)
	return f.files[0].write(0, f.buf)
}

// Join appends all of another worker's file. f may be nil: then *into becomes o.
func (f *RowFile) Join(into **RowFile, o *RowFile) error {
	switch {
	case o == nil:
	case f == nil:
		*into = o
	default:
		f.files = append(f.files, o.files...)
	}
	return nil
}

// Read pushes all rows in batches and removes the file.
func (f *RowFile) Read(push func(*event.Batch) error) error {
	defer func() {
		for _, s := range f.files {
			s.close()
		}
	}()
	b := &event.Batch{}
	var arena []byte
	for _, s := range f.files {
		if err := s.finish(); err != nil {
			return err
		}
		s.rewind(mergeReadBytes)
		for {
			ok, err := s.next()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if len(arena)+len(s.rec) > cap(arena) {
				arena = make([]byte, 0, max(1<<20, len(s.rec)))
			}
			at := len(arena)
			arena = append(arena, s.rec...)
			f.codec.Decode(arena[at:], b)
			if b.N == event.MaxRows {
				if err := f.rt.Ctx.Err(); err != nil {
					return err
				}
				if err := push(b); err != nil {
					return err
				}
				b.Reset()
				arena = arena[:0]
			}
		}
	}
	if b.N > 0 {
		return push(b)
	}
	return nil
}
