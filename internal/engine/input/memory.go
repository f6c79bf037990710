package input

import (
	"bytes"
	"context"
	"io"
	"iter"
)

// Memory is a source of one part that is already in memory: a test's events, a
// posted body.
func Memory(name string, data []byte) Source { return memory{name, data} }

type memory struct {
	name string
	data []byte
}

func (m memory) Parts(context.Context) iter.Seq2[*Part, error] {
	return func(yield func(*Part, error) bool) {
		yield(MemoryPart(m.name, m.data), nil)
	}
}

// MemoryPart is a part that is already in memory.
func MemoryPart(name string, data []byte) *Part {
	return &Part{Name: name, Size: int64(len(data)), Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}}
}
