package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/store/columns"
	"github.com/gyoji-dev/gyoji/internal/store/message"
)

const (
	// compactBytes is how large a segment is that is left as it is.
	compactBytes = 64 << 20
	// compactLeast is how many of about one size are made one in the background.
	compactLeast = 8
	// compactMost is how large one is made of small ones, about.
	compactMost = 256 << 20
)

// Compact writes small segments of one category together. It returns how many segments
// became others.
func (s *Store) Compact(ctx context.Context) (n int, err error) { return s.compact(ctx, false) }

// compact is Compact. With many only where there are many of about one size, so that
// nothing is written anew more than a few times.
func (s *Store) compact(ctx context.Context, many bool) (n int, err error) {
	if s.db == nil {
		return 0, errRead
	}
	s.work.Lock()
	defer s.work.Unlock()
	for _, some := range s.compactable(many) {
		g, err := s.writeColumns(segmentRows(ctx, some), some[0].Categories)
		if err != nil {
			s.unpin(some)
			var full *FullError
			if ctx.Err() != nil || errors.As(err, &full) {
				return n, err
			}
			s.o.Told(fmt.Sprintf("segments from %s on are not compacted: %v", some[0].Name, err))
			continue // one that is damaged is left to those who look for it
		}
		g.PutIn = 0
		for _, x := range some {
			g.PutIn = max(g.PutIn, x.PutIn)
		}
		err = s.replace(ctx, []*segment{g}, some, 0, nil)
		s.unpin(some)
		if err != nil {
			return n, err
		}
		n += len(some)
	}
	return n, nil
}

func (s *Store) unpin(some []*segment) {
	for _, g := range some {
		g.release()
	}
}

// compactable are lists of small segments that may become one each, pinned.
func (s *Store) compactable(many bool) (out [][]*segment) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	small := map[string][]*segment{}
	var keys []string
	for _, g := range s.segments {
		if !g.Columns || g.FileBytes >= compactBytes {
			continue
		}
		key := strings.Join(g.Categories, "\x00")
		if many { // of about one size: a power of 8
			key += fmt.Sprintf("\x00%d", bits.Len64(uint64(g.FileBytes))/3)
		}
		if small[key] == nil {
			keys = append(keys, key)
		}
		small[key] = append(small[key], g)
	}
	slices.Sort(keys)
	for _, key := range keys {
		list := small[key]
		if many && len(list) < compactLeast {
			continue
		}
		slices.SortFunc(list, func(a, b *segment) int { return int(min(max(a.MinTime-b.MinTime, -1), 1)) })
		for len(list) > 1 {
			n, size := 0, int64(0)
			for n < len(list) && size < compactMost {
				size += list[n].FileBytes
				n++
			}
			if n > 1 {
				out = append(out, list[:n])
				for _, g := range list[:n] {
					g.refs.Add(1)
				}
			}
			list = list[n:]
		}
	}
	return out
}

// segmentRows are the messages of segments, in the order of their times.
func segmentRows(ctx context.Context, some []*segment) iter.Seq2[message.Row, error] {
	return func(yield func(message.Row, error) bool) {
		files := make([]*columns.File, len(some))
		for i, g := range some {
			if err := g.open(); err != nil {
				yield(message.Row{}, err)
				return
			}
			files[i] = g.file
		}
		for row, err := range columns.Merged(files) {
			if err == nil {
				err = ctx.Err()
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}
