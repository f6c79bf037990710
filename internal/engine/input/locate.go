package input

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"slices"
)

// Located is what is known of the place of an event in a part.
type Located struct {
	Line   int64 // from 1; 0 in what has no lines
	Record int64 // the number of an EVTX record; 0 in what has none
}

// PartsOf is a source of some of the parts of another, by their indexes.
func PartsOf(src Source, of func(index int) bool) Source { return someParts{src, of} }

type someParts struct {
	Source
	of func(index int) bool
}

func (s someParts) Parts(ctx context.Context) iter.Seq2[*Part, error] {
	return func(yield func(*Part, error) bool) {
		for p, err := range s.Source.Parts(ctx) {
			if err == nil && s.of(p.Index) && !yield(p, nil) {
				return
			}
		}
	}
}

// Locate reads parts again to tell the lines, or the numbers of EVTX records, of events at
// byte offsets of them, by the parts' indexes. What can be read only once (standard input,
// a pipe), or no longer, is not in the result. The source is to list what it did before.
func Locate(ctx context.Context, src Source, offsets map[int][]int64) map[int]map[int64]Located {
	out := map[int]map[int64]Located{}
	for part, err := range src.Parts(ctx) {
		if err != nil || part.once || len(offsets[part.Index]) == 0 {
			continue
		}
		f, err := part.Open(ctx)
		if err != nil {
			continue
		}
		if found := locate(f, offsets[part.Index]); found != nil {
			out[part.Index] = found
		}
		f.Close()
		if len(out) == len(offsets) {
			break
		}
	}
	return out
}

func locate(f io.Reader, offsets []int64) map[int64]Located {
	r, err := decompress(bufio.NewReaderSize(f, headBytes))
	if err != nil {
		return nil
	}
	offsets = slices.Clone(offsets)
	slices.Sort(offsets)
	offsets = slices.Compact(offsets)
	head, _ := r.Peek(512)
	evtx := bytes.HasPrefix(head, []byte("ElfFile\x00"))
	if !evtx && bytes.IndexByte(head, 0) >= 0 {
		return nil
	}
	out := map[int64]Located{}
	at, line := int64(0), int64(1)
	buf := make([]byte, 256<<10)
	for _, off := range offsets {
		for at < off {
			n, err := io.ReadFull(r, buf[:min(off-at, int64(len(buf)))])
			if !evtx {
				line += int64(bytes.Count(buf[:n], []byte{'\n'}))
			}
			if at += int64(n); err != nil {
				return out
			}
		}
		if !evtx {
			out[off] = Located{Line: line}
			continue
		}
		// A record: "**\0\0", its size, its number (MS-EVEN6; libevtx, "Event record").
		if head, err := r.Peek(16); err == nil && bytes.HasPrefix(head, []byte("**\x00\x00")) {
			out[off] = Located{Record: int64(binary.LittleEndian.Uint64(head[8:]))}
		}
	}
	return out
}

// LineStart is the byte offset at which a line of the one part of a source begins, counted
// from 1; ok is false where there is no such line.
func LineStart(ctx context.Context, src Source, line int64) (off int64, ok bool) {
	for part, err := range src.Parts(ctx) {
		if err != nil || part.once {
			return 0, false
		}
		f, err := part.Open(ctx)
		if err != nil {
			return 0, false
		}
		defer f.Close()
		return lineStart(f, line)
	}
	return 0, false
}

func lineStart(f io.Reader, line int64) (off int64, ok bool) {
	r, err := decompress(bufio.NewReaderSize(f, headBytes))
	if err != nil {
		return 0, false
	}
	for n := int64(1); n < line; {
		part, err := r.ReadSlice('\n')
		off += int64(len(part))
		if err == nil {
			n++
		} else if !errors.Is(err, bufio.ErrBufferFull) {
			return 0, false
		}
	}
	_, err = r.Peek(1)
	return off, err == nil
}
