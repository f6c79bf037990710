package input

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// Spool holds what a stream gave, so that it can be read again: in memory up to a
// limit, from there on in a file, which Close removes.
type Spool struct {
	head []byte
	file *os.File
	tail int64 // bytes in file
}

// NewSpool reads a stream to its end. dir is where the file goes, "" is the
// system's folder for such files.
func NewSpool(ctx context.Context, from io.Reader, memory int64, dir string) (*Spool, error) {
	in := newInterruptible(ctx, from)
	var head bytes.Buffer
	_, err := io.CopyN(&head, in, memory)
	s := &Spool{head: head.Bytes()}
	switch {
	case errors.Is(err, io.EOF):
		return s, nil
	case err != nil:
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	if s.file, err = os.CreateTemp(dir, "gyoji-input-*"); err != nil {
		return nil, fmt.Errorf("hold standard input: %w", err)
	}
	// Where the system allows it the file has no name from here on, and goes with
	// the process whatever happens.
	_ = os.Remove(s.file.Name())
	if s.tail, err = io.Copy(s.file, in); err != nil {
		s.Close()
		return nil, fmt.Errorf("hold standard input in %s: %w", s.file.Name(), err)
	}
	return s, nil
}

// Held is how much memory it takes.
func (s *Spool) Held() int64 { return int64(len(s.head)) }

// Reader reads it from its start. Several may read at once.
func (s *Spool) Reader() io.Reader {
	if s.file == nil {
		return bytes.NewReader(s.head)
	}
	return io.MultiReader(bytes.NewReader(s.head), io.NewSectionReader(s.file, 0, s.tail))
}

// Close gives back what it holds.
func (s *Spool) Close() {
	if s.file != nil {
		s.file.Close()
		_ = os.Remove(s.file.Name()) // where it could not go while it was open
	}
	*s = Spool{}
}
