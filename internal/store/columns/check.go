package columns

import (
	"encoding/binary"
	"errors"
	"strings"
)

// Check reads all columns of a file but the messages, which Rows reads. Errors are *Damaged
// and of the file system.
func (f *File) Check() error {
	var b buffers
	var numbers []int64
	for i := range f.infos {
		g := f.Group(i)
		for name, leaf := range f.leaves {
			var err error
			switch {
			case strings.HasPrefix(name, fieldPrefix), textLeaf(name):
				_, err = g.text(leaf, &b)
			case name == "_complete":
				_, err = g.complete(&b)
			case name == "_seq", name == "_messagetime", name == "_receipttime":
				numbers, err = g.numbers(name, &b, numbers)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// textLeaf reports whether a column is one of metadata.
func textLeaf(name string) bool {
	for _, m := range metadata {
		if m.column == name {
			return true
		}
	}
	return false
}

// CheckFilters reads all of a file's token filters, where it has some, and says what is
// wrong with them.
func (f *File) CheckFilters() error {
	t := f.filters
	if t.r == nil {
		return nil
	}
	var head [tokenHead]byte
	if n, err := t.r.ReadAt(head[:], 0); n < len(head) {
		return err
	}
	if string(head[:4]) != tokenMagic || binary.LittleEndian.Uint32(head[4:]) != tokenVersion {
		return errors.New("no start of token filters")
	}
	var buf []byte
	for i := range f.infos {
		pages, err := f.Group(i).rawPages()
		if err == nil {
			_, buf, err = t.pages(i, len(pages), nil, buf)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
