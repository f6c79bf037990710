package input

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"hash/maphash"
	"io"
	"os"
	"slices"
)

// Copy is a part that holds what another part holds, or begins as that does, byte by byte
// once both are decompressed.
type Copy struct {
	Part  int
	Name  string
	Bytes int64 // how many are the same, from the start of both
}

// How much of two parts' starts has to be equal for them to be compared: of large ones
// more, since many begin with the same header.
const (
	startAlike = 256
	largeAlike = 8 << 10
)

// alikeMax is how many parts with the same start a part is compared with, the latest ones.
// Copies of parts below largeAlike are found however many there are.
const alikeMax = 32

// copies finds parts that are copies of parts before them. Of a part without a copy, two
// pieces of its start are hashed and nothing else; members of archives, which cannot be
// opened again later, are hashed as they are read.
type copies struct {
	seed  maphash.Seed
	alike map[extent][]*original // by a piece of their start
	of    map[int][]Copy         // by the part that is read
}

// extent is how many bytes there are, and their hash.
type extent struct {
	bytes int64
	sum   uint64
}

// original is a part that is read.
type original struct {
	part  *Part
	lines bool // of lines: it may go on
	all   extent
	ended int64 // how many of its bytes are lines with their ends: a copy may be made in the middle of one
	known bool  // all and ended are
	small bool  // all of it was in its head
	wrong bool  // could not be read to its end
}

// before is how much of what goes on after all of an original is not read again: the whole
// lines; the last one, too, if only its end was missing, \n or \r\n, as next says.
func (o *original) before(next []byte) int64 {
	if o.ended < o.all.bytes {
		for _, end := range []string{"\n", "\r\n"} {
			if bytes.HasPrefix(next, []byte(end)) {
				return o.all.bytes + int64(len(end))
			}
		}
	}
	return o.ended
}

func newCopies() *copies {
	return &copies{maphash.MakeSeed(), map[extent][]*original{}, map[int][]Copy{}}
}

func (c *copies) start(head []byte, n int) extent {
	n = min(n, len(head))
	return extent{int64(n), maphash.Bytes(c.seed, head[:n])}
}

// measured is what a reading of a part has found.
type measured struct {
	all   extent
	at    map[int64]uint64 // hash of the first n bytes
	next  map[int64][]byte // two bytes after these, if there are as many
	ended int64            // as of an original
}

// measure reads to the end and gives the hash of all, and of the first bytes up to each
// of cuts.
func (c *copies) measure(ctx context.Context, r io.Reader, cuts []int64) (m measured, err error) {
	var h maphash.Hash
	h.SetSeed(c.seed)
	cuts = slices.Compact(slices.Sorted(slices.Values(cuts)))
	m.at, m.next = map[int64]uint64{}, map[int64][]byte{}
	buf := make([]byte, 256<<10)
	for {
		if err := ctx.Err(); err != nil {
			return m, err
		}
		want := int64(len(buf))
		if len(cuts) > 0 {
			want = min(want, cuts[0]-m.all.bytes)
		}
		n, err := io.ReadFull(r, buf[:want])
		h.Write(buf[:n])
		for cut := range m.at {
			if have := m.next[cut]; len(have) < 2 {
				m.next[cut] = append(have, buf[:min(n, 2-len(have))]...)
			}
		}
		if at := bytes.LastIndexByte(buf[:n], '\n'); at >= 0 {
			m.ended = m.all.bytes + int64(at) + 1
		}
		m.all.bytes += int64(n)
		if len(cuts) > 0 && m.all.bytes == cuts[0] {
			m.at[cuts[0]], cuts = h.Sum64(), cuts[1:]
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && !truncated(r) {
			m.all.sum = h.Sum64()
			return m, nil
		}
		if err != nil {
			return m, err
		}
	}
}

// measurePart is measure of a part that is opened once more, of its first bytes if most
// is not 0.
func (c *copies) measurePart(ctx context.Context, p *Part, cuts []int64, most int64) (m measured, err error) {
	f, err := p.Open(ctx)
	if err != nil {
		return m, err
	}
	defer f.Close()
	r, err := decompress(bufio.NewReaderSize(f, headBytes))
	if err != nil {
		return m, err
	}
	if most > 0 {
		return c.measure(ctx, io.LimitReader(r, most), cuts)
	}
	return c.measure(ctx, r, cuts)
}

// know finds out how long an original is, if it can.
func (c *copies) know(ctx context.Context, o *original) bool {
	if o.known || o.wrong || o.part.passing {
		return o.known
	}
	m, err := c.measurePart(ctx, o.part, nil, 0)
	o.all, o.ended, o.known, o.wrong = m.all, m.ended, err == nil, err != nil
	return o.known
}

// sameness is what a part has of an earlier one.
type sameness struct {
	bytes   int64     // how many at its start
	whole   bool      // that is all of it
	instead *spooled  // to read in place of what could be read only once; nil for none
	part    *original // nil when whole
}

// again tells what an open part, which begins with head, has of those before it. r is where
// it is read from if it can be read only once.
func (c *copies) again(ctx context.Context, p *Part, lines bool, head []byte, r io.Reader, temp string) (s sameness) {
	// Of the part no more is kept than is needed: it has its head, or its archive.
	kept := &Part{Index: p.Index, Name: p.Name, once: p.once, passing: p.passing}
	if !p.passing {
		kept.Open = p.Open
	}
	o := &original{part: kept, lines: lines, small: len(head) < largeAlike}
	begin := c.start(head, startAlike)
	keys := []extent{begin}
	if o.small {
		o.all, o.ended, o.known = c.start(head, len(head)), int64(bytes.LastIndexByte(head, '\n')+1), true
		if o.all != begin {
			keys = append(keys, o.all)
		}
	} else {
		keys = append(keys, c.start(head, largeAlike))
	}
	s.part = o
	var of *original
	same := func(x *original, n int64, whole bool) {
		if n > s.bytes || whole && !s.whole {
			of, s.bytes, s.whole = x, n, whole
		}
	}
	last := func(alike []*original, n int) []*original { return alike[max(0, len(alike)-n):] }
	for _, x := range c.alike[keys[len(keys)-1]] {
		if o.small && x.small && x.all == o.all {
			same(x, o.all.bytes, true)
		}
	}
	if lines && begin.bytes == startAlike {
		longer := 0
		for _, x := range last(c.alike[begin], alikeMax) {
			switch {
			case !x.lines || s.whole:
			case x.small && x.all.bytes < int64(len(head)) && c.start(head, int(x.all.bytes)) == x.all:
				same(x, x.before(head[x.all.bytes:]), false)
			case o.small && x.small && x.all.bytes > o.all.bytes, o.small && !x.small:
				if longer++; longer <= longerMax && c.begins(ctx, x, o.all) {
					same(x, o.all.bytes, true)
				}
			}
		}
	}
	if !o.small && !s.whole {
		s.instead = c.compare(ctx, p, o, last(c.alike[keys[1]], alikeMax), r, temp, same)
	}
	if of != nil {
		c.of[of.part.Index] = append(c.of[of.part.Index], Copy{p.Index, p.Name, s.bytes})
	}
	if s.whole {
		s.part = nil
		return s
	}
	for _, k := range keys {
		c.alike[k] = append(c.alike[k], o)
	}
	return s
}

// longerMax is how many parts are opened again to see whether a small one is their start.
const longerMax = 4

// begins reports whether a part, opened again, begins with some bytes.
func (c *copies) begins(ctx context.Context, x *original, with extent) bool {
	if x.part.passing {
		return false
	}
	m, err := c.measurePart(ctx, x.part, nil, with.bytes)
	return err == nil && m.all == with
}

// compare compares a large part with those that begin as it does.
func (c *copies) compare(ctx context.Context, p *Part, o *original, like []*original, r io.Reader, temp string, same func(x *original, n int64, whole bool)) (instead *spooled) {
	var cuts []int64
	like = slices.DeleteFunc(slices.Clone(like), func(x *original) bool { return !c.know(ctx, x) })
	for _, x := range like {
		cuts = append(cuts, x.all.bytes)
	}
	if len(like) == 0 {
		return nil
	}
	var m measured
	var err error
	if o.part.once {
		instead, m, err = c.spool(ctx, r, cuts, temp)
	} else {
		m, err = c.measurePart(ctx, p, cuts, 0)
	}
	if err != nil { // it is met again, and told of, where the part is read
		return instead
	}
	o.all, o.ended, o.known = m.all, m.ended, true
	for _, x := range like {
		switch {
		case x.all == m.all:
			same(x, m.all.bytes, true)
		case !o.lines || !x.lines:
		case x.all.bytes > m.all.bytes:
			if c.begins(ctx, x, m.all) {
				same(x, m.all.bytes, true)
			}
		case m.at[x.all.bytes] == x.all.sum:
			same(x, x.before(m.next[x.all.bytes]), false)
		}
	}
	return instead
}

// watch has a part that cannot be opened again measured while it is read.
func (c *copies) watch(o *original, r io.Reader) io.Reader {
	w := &watched{r: r, of: o}
	w.h.SetSeed(c.seed)
	return w
}

// watched measures what is read through it.
type watched struct {
	r  io.Reader
	of *original
	h  maphash.Hash
	n  int64
	nl int64 // bytes up to the last line end
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.h.Write(p[:n])
	if at := bytes.LastIndexByte(p[:n], '\n'); at >= 0 {
		w.nl = w.n + int64(at) + 1
	}
	w.n += int64(n)
	if errors.Is(err, io.EOF) {
		w.of.all, w.of.ended, w.of.known = extent{w.n, w.h.Sum64()}, w.nl, true
	}
	return n, err
}

// spooled is a part that was read into a file.
type spooled struct {
	io.Reader
	file *os.File
}

func (s *spooled) Close() error {
	err := s.file.Close()
	_ = os.Remove(s.file.Name()) // where it could not be removed while open
	return err
}

// spool is measure of what can be read only once.
func (c *copies) spool(ctx context.Context, r io.Reader, cuts []int64, temp string) (*spooled, measured, error) {
	f, err := os.CreateTemp(temp, "gyoji-*.part")
	if err != nil {
		return nil, measured{}, err
	}
	_ = os.Remove(f.Name()) // Windows does not allow it yet
	m, err := c.measure(ctx, io.TeeReader(r, f), cuts)
	rest := r
	if err == nil {
		rest = bytes.NewReader(nil)
	}
	return &spooled{io.MultiReader(io.NewSectionReader(f, 0, m.all.bytes), rest), f}, m, err
}
