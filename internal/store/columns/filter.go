package columns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/parquet-go/parquet-go/bloom"
)

// tokenNeed is words of which a page must have all of one list.
type tokenNeed [][]uint64

// tokenNeeds are the needs of a query that token filters can tell of. given are the
// fields, in small letters, that may be none of the text's.
func tokenNeeds(w *input.Want, given map[string]bool) (out []tokenNeed) {
	for _, n := range w.Need {
		if need := tokensOf(w, n, given); need != nil {
			out = append(out, need)
		}
	}
	return out
}

// tokensOf are the words that a need is of; nil where that cannot be said.
func tokensOf(w *input.Want, n input.Need, given map[string]bool) tokenNeed {
	if n.Written || len(n.Any) == 0 {
		return nil
	}
	start, end := n.At&expr.AtStart != 0, n.At&expr.AtEnd != 0
	var translated []string
	if n.Slot == event.None {
		start, end = n.At == expr.Words, n.At == expr.Words
	} else {
		name := w.Layout.Name(n.Slot)
		if given[strings.ToLower(name)] {
			return nil
		}
		if !w.NoMap {
			var ok bool
			if translated, ok = mapping.Translations(name, n.Any, n.At == expr.Whole); !ok {
				return nil
			}
		}
	}
	var need tokenNeed
	for _, literal := range n.Any {
		if _, number := event.ParseNumber(literal); number && n.Slot != event.None {
			return nil // 1e3 may be 1000
		}
		need = append(need, wordsIn(literal, start, end))
	}
	for _, literal := range translated {
		need = append(need, wordsIn(literal, false, false))
	}
	for _, ws := range need {
		if len(ws) == 0 {
			return nil
		}
	}
	return need
}

// wordsIn are the whole words of a literal. One at its start or end is whole only where
// nothing of the word can stand before or behind it.
func wordsIn(literal string, start, end bool) (out []uint64) {
	literal = match.Fold(literal)
	for i := 0; i < len(literal); {
		if !isWord[literal[i]] {
			i++
			continue
		}
		from := i
		for i < len(literal) && isWord[literal[i]] {
			i++
		}
		if (from > 0 || start) && (i < len(literal) || end) && i-from >= tokenMin {
			out = append(out, max(hashWord([]byte(literal[from:i])), 1))
		}
	}
	return out
}

// filters are the token filters of a file.
type filters struct {
	r      io.ReaderAt
	size   int64
	check  uint32 // of the segment's footer
	groups int

	told sync.Once
	once sync.Once
	list []byte
	err  error
}

const (
	tokenHead  = 8
	tokenTail  = 16
	tokenGroup = 16
)

// load reads the list of groups.
func (f *filters) load() error {
	f.once.Do(func() {
		n := int64(f.groups) * tokenGroup
		if f.size < tokenHead+n+tokenTail {
			f.err = fmt.Errorf("%d bytes are too few for %d groups", f.size, f.groups)
			return
		}
		b := make([]byte, n+tokenTail)
		if k, err := f.r.ReadAt(b, f.size-int64(len(b))); k < len(b) {
			f.err = err
			return
		}
		tail := b[n:]
		switch {
		case string(tail[12:]) != tokenMagic:
			f.err = errors.New("no end of token filters: the file was cut short, or is none")
		case crc32.Checksum(b[:n+8], castagnoli) != binary.LittleEndian.Uint32(tail[8:]):
			f.err = errors.New("its checksum does not fit")
		case binary.LittleEndian.Uint32(tail) != uint32(f.groups), binary.LittleEndian.Uint32(tail[4:]) != f.check:
			f.err = errors.New("of another segment")
		}
		f.list = b[:n]
	})
	return f.err
}

// pages reports which of n pages of a group may have what is needed.
func (f *filters) pages(group, n int, needs []tokenNeed, buf []byte) (may []bool, _ []byte, err error) {
	if err := f.load(); err != nil {
		return nil, buf, err
	}
	e := f.list[group*tokenGroup:]
	at, end := int64(binary.LittleEndian.Uint64(e)), f.size-tokenTail-int64(len(f.list))
	if (group+1)*tokenGroup < len(f.list) {
		end = int64(binary.LittleEndian.Uint64(e[tokenGroup:]))
	}
	if at < tokenHead || end < at || end > f.size || binary.LittleEndian.Uint32(e[8:]) != uint32(n) {
		return nil, buf, fmt.Errorf("group %d is not where it should be", group)
	}
	if int64(cap(buf)) < end-at {
		buf = make([]byte, end-at)
	}
	buf = buf[:end-at]
	if k, err := f.r.ReadAt(buf, at); k < len(buf) {
		return nil, buf, err
	}
	if crc32.Checksum(buf, castagnoli) != binary.LittleEndian.Uint32(e[12:]) {
		return nil, buf, fmt.Errorf("group %d: its checksum does not fit", group)
	}
	may = make([]bool, n)
	b := buf
	for i := range may {
		if len(b) < 8 {
			return nil, buf, fmt.Errorf("group %d ends too soon", group)
		}
		flags, blocks := binary.LittleEndian.Uint32(b), int64(binary.LittleEndian.Uint32(b[4:]))
		b = b[8:]
		if blocks*bloom.BlockSize > int64(len(b)) {
			return nil, buf, fmt.Errorf("group %d ends too soon", group)
		}
		size := blocks * bloom.BlockSize
		may[i] = flags&anyWord != 0 || blocks > 0 && holdsAll(blocksOf(b[:size]), needs)
		b = b[size:]
	}
	return may, buf, nil
}

// holdsAll reports whether a page may have what is needed.
func holdsAll(page bloom.SplitBlockFilter, needs []tokenNeed) bool {
	for _, need := range needs {
		ok := false
		for _, ws := range need {
			all := true
			for _, h := range ws {
				if all = page.Check(h); !all {
					break
				}
			}
			if ok = all; ok {
				break
			}
		}
		if !ok {
			return false
		}
	}
	return true
}
