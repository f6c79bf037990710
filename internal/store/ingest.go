package store

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

const (
	// ingestBytes is how much text of files is made durable at a time.
	ingestBytes = 8 << 20
	// ingestPieces is how many pieces are, at most.
	ingestPieces = 256
)

// Files puts what readers give into a store, piece by piece, in order.
type Files struct {
	Source Source // what is known of all of them
	Fields []Field
	Zone   string // of times that name none; "" is UTC
	Now    time.Time

	// Warnings are of the reading of events for their number and times.
	Warnings *exec.Warnings

	store    *Store
	receipts []Receipt
	held     int
	want     *input.Want
	readers  map[*input.Format]input.BlockReader
}

// Files makes what puts files into the store. Its fields are set before it is used.
func (s *Store) Files() *Files { return &Files{store: s, Now: time.Now()} }

// Add puts in all that a reader gives. What was read is durable when it returns, also
// with an error.
func (f *Files) Add(ctx context.Context, r *input.Reader) error {
	if f.want == nil {
		zone, err := datefmt.Zone(f.Zone)
		if err != nil {
			return err
		}
		f.want = &input.Want{Layout: event.NewLayout(), Now: f.Now, Zone: zone, Category: f.Source.Category, Warnings: f.Warnings}
		f.readers = map[*input.Format]input.BlockReader{}
	}
	err := r.Pieces(ctx, func(b input.Block, format *input.Format) (int, error) {
		n, err := f.add(b, format)
		if err == nil && (f.held >= ingestBytes || len(f.receipts) >= ingestPieces) {
			err = f.flush(ctx)
		}
		return n, err
	})
	if err2 := f.flush(context.WithoutCancel(ctx)); err == nil {
		err = err2
	}
	return err
}

// add keeps a block to be put in.
func (f *Files) add(b input.Block, format *input.Format) (events int, err error) {
	br := f.readers[format]
	if br == nil {
		br = format.New(f.want)
		f.readers[format] = br
	}
	c := counter{earliest: math.MaxInt64, latest: math.MinInt64}
	if err := br.Read(b, &c); err != nil {
		return 0, err
	}
	if c.latest < c.earliest { // no event has a time
		c.earliest, c.latest = 0, 0
	}
	n := len(f.receipts)
	if n < cap(f.receipts) {
		f.receipts = f.receipts[:n+1]
	} else {
		f.receipts = append(f.receipts, Receipt{})
	}
	r := &f.receipts[n]
	if r.Piece == nil { // else its memory is used again
		r.Piece = &Piece{}
	}
	r.Source, r.Fields, r.Format, r.Received = f.Source, f.Fields, format.Name, time.Now().UnixMilli()
	p := r.Piece
	*p = Piece{
		Name: b.Part.Name, Data: append(p.Data[:0], b.Data...), Offset: b.Offset, Head: b.Part.Head, Dates: b.Part.DateOrder,
		Zone: f.Zone, Now: f.Now.UnixMilli(), Events: c.n, Earliest: c.earliest, Latest: c.latest, Counted: true,
	}
	f.held += len(b.Data)
	return c.n, nil
}

func (f *Files) flush(ctx context.Context) error {
	if len(f.receipts) == 0 {
		return nil
	}
	_, err := f.store.Append(ctx, f.receipts...)
	var full *FullError
	if errors.As(err, &full) && full.log { // nobody waits for an answer: what is there is sealed first
		if n, e := f.store.Seal(ctx, false); e == nil && n > 0 {
			_, err = f.store.Append(ctx, f.receipts...)
		}
	}
	f.receipts, f.held = f.receipts[:0], 0
	return err
}

// counter counts events and finds their first and last times.
type counter struct {
	n                int
	earliest, latest int64
}

func (c *counter) Push(b *event.Batch) error {
	c.n += b.N
	for _, at := range b.Time {
		if at != event.NoTime {
			c.earliest, c.latest = min(c.earliest, at), max(c.latest, at)
		}
	}
	return nil
}
