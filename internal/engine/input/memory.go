package input

import (
	"bytes"
	"context"
	"io"
	"iter"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
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

// Piece is a Feeder of whole events in memory whose format is known: what a program
// pushes, one or a few at a time. It costs no more than the reading of them. It may be
// fed again with another Block. One goroutine's.
type Piece struct {
	Block
	Format *Format
}

// Feed gives the events of the block to the first worker.
func (p *Piece) Feed(ctx context.Context, want *Want) exec.Feed { return p.FeedTwice(ctx, want, nil) }

// FeedTwice is Feed, with further readings of the block.
func (p *Piece) FeedTwice(_ context.Context, want *Want, more []Reading) exec.Feed {
	return func(worker int, front exec.Sink) error {
		if worker > 0 {
			return nil
		}
		if err := p.reader(want).Read(p.Block, front); err != nil {
			return err
		}
		for _, m := range more {
			if !m.Matters(0) {
				continue
			}
			if err := p.reader(m.Want(0)).Read(p.Block, m.To(0)); err != nil {
				return err
			}
		}
		return nil
	}
}

func (p *Piece) reader(want *Want) BlockReader {
	if want.Readers == nil {
		return p.Format.New(want)
	}
	r := want.Readers[p.Format]
	if r == nil {
		r = p.Format.New(want)
		want.Readers[p.Format] = r
	}
	return r
}
