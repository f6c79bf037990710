package format

import (
	"bytes"
	"encoding/binary"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
)

// Text is what no other format claims. A line that begins with a time begins a
// message, which goes on over the lines that do not: a stack trace is one. Lines
// before the first such line, and all of a text that has none, are messages of
// their own, and so are records of other formats that tell that they are events:
// by a time or the number of a Windows event, or by standing in a row.
// Source: Sumo Logic documentation, Collecting Multiline Logs (inferred
// boundaries, which its sources have by default, and their limits).
var _ = register(input.Format{
	Name:       "text",
	Summary:    "plain text: a line that begins with a time begins an event, else each line is one; the first time in it is its own",
	Extensions: []string{".log", ".txt"},
	Sniff: func(head []byte) int {
		odd := 0
		for i := 0; i < len(head); {
			if i+8 <= len(head) && plainASCII(binary.LittleEndian.Uint64(head[i:])) {
				i += 8
				continue
			}
			r, n := utf8.DecodeRune(head[i:])
			switch {
			case r == 0:
				return 0
			case r == utf8.RuneError && n == 1 && len(head)-i >= utf8.UTFMax, r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != 0x1b:
				odd++
			}
			i += n
		}
		if odd > len(head)/oddShare {
			return 0
		}
		return input.Unsure
	},
	Misfit: "holds NUL or many other control characters, or is no UTF-8",
	Cut:    cutText,
	New:    func(w *input.Want) input.BlockReader { return &text{lines: newTextLines(w)} },
})

// Lines is text of which each line is an event, whatever it begins with.
var _ = register(input.Format{
	Name:    "lines",
	Summary: "plain text, where asked for: each line is an event",
	Sniff:   func([]byte) int { return 0 },
	Cut:     cutLines,
	Lines:   true,
	New: func(w *input.Want) input.BlockReader {
		r := newTextLines(w)
		r.others = nil
		return r
	},
})

// Whole is plain text that is one event, however many lines it has: a message that
// somebody else has cut from others. It is no format of files.
var Whole = &input.Format{
	Name: "text",
	Cut: func(buf []byte, _ int64, last bool) int {
		if !last {
			return 0
		}
		return len(buf)
	},
	New: func(w *input.Want) input.BlockReader {
		r := newTextLines(w)
		r.others = nil
		return &whole{r}
	},
}

// plainASCII reports whether eight bytes are all ASCII, and none a control character
// below DEL.
func plainASCII(bytes uint64) bool {
	const high, blanks = 0x8080808080808080, 0x2020202020202020
	return (bytes|(bytes-blanks))&high == 0
}

type whole struct{ *lines }

func (r *whole) Read(b input.Block, next exec.Sink) error {
	r.begin(b.Data)
	start, ends := 0, b.Ends
	if ends == nil {
		ends = []int{len(b.Data)}
	}
	for _, end := range ends {
		if err := r.line(&b, start, end, next); err != nil {
			return err
		}
		start = end
	}
	return r.push(next)
}

func newTextLines(w *input.Want) *lines {
	return newLines(w, "text", func(*lines, []byte) (int64, bool) { return 0, true })
}

// cutText cuts before the last line that begins a message, or, where none does,
// behind the last line end.
func cutText(buf []byte, _ int64, last bool) int {
	if last {
		return len(buf)
	}
	var l lineTimes
	if at := l.last(buf); at > 0 {
		return at
	}
	if !l.begin(buf) {
		return cutRecords(buf)
	}
	if end, whole, _ := l.messageEnd(buf, 0); whole { // it has all that it may have
		return end
	}
	return 0
}

// cutRecords cuts text whose lines begin with no time behind the last line that
// may end a record of another format, or before the last that may begin one; where
// no line does either, behind the last line end.
func cutRecords(buf []byte) int {
	whole := cutLines(buf, 0, false)
	begins := -1
	for end := whole; end > 0; {
		start := bytes.LastIndexByte(buf[:end-1], '\n') + 1
		line := bytes.TrimRight(buf[start:end], " \t\r\n,")
		switch {
		case len(line) == 1 && (line[0] == '}' || line[0] == ']'), bytes.HasSuffix(line, eventClose), oneLine(buf[start:end]) > 0:
			if begins > end {
				return begins
			}
			return end
		case mayBegin(buf[start:]):
			begins = start
		}
		end = start
	}
	switch {
	case begins < 0:
		return whole
	case begins == 0 && len(buf) > endlessBytes:
		return whole
	}
	return begins
}

// lineTimes tells which lines begin with a time. It is one goroutine's: what it
// keeps of one line makes the next one quick.
type lineTimes struct {
	r      datefmt.Recogniser
	effort effort
}

// last is where the last line begins that begins with a time; 0 when that is the
// first, or none.
func (l *lineTimes) last(buf []byte) int {
	for end := len(buf); ; {
		at := bytes.LastIndexByte(buf[:end], '\n')
		if at < 0 {
			return 0
		}
		if l.begin(buf[at+1:]) {
			return at + 1
		}
		end = at
	}
}

// messageEnd is where the message that begins at start ends: before the next line
// that begins with a time (timed), or at its limit; whole is false where that is
// not seen.
func (l *lineTimes) messageEnd(data []byte, start int) (end int, whole, timed bool) {
	end = start
	for n := 0; end < len(data); n++ {
		if end > start {
			if l.begin(data[end:]) {
				return end, true, true
			}
			if l.record(data[end:]) {
				return end, true, false
			}
		}
		if n == messageLinesMax {
			return end, true, false
		}
		next := bytes.IndexByte(data[end:], '\n')
		if next < 0 {
			return len(data), false, false
		}
		if next += end + 1; next-start > messageBytesMax && end > start {
			return end, true, false
		}
		end = next
	}
	return end, false, false
}

// record reports whether text begins with a record of another format that is an
// event of its own, and no part of the message before it.
func (l *lineTimes) record(text []byte) bool {
	line := text[:lineEnd(text, 0)]
	if !mayBegin(text) {
		return isLetter(line[0]) && signed(line) && logfmtRecord(line) > 0
	}
	f, n := l.effort.recordAt(recordFormats(), text)
	if f == nil {
		return false
	}
	record := text[:n]
	if f.Name == "xml" || signed(record) {
		return true
	}
	l.r.Now = someDay
	if s, ok := l.r.Find(record); ok && !s.Bare {
		return true
	}
	if n == len(line) { // on one line, as the next is
		f, n = l.effort.recordAt(recordFormats(), text[n:])
		return f != nil && n == lineEnd(text[len(line):], 0)
	}
	return false
}

// recordFormats are the formats whose records are told in text.
var recordFormats = sync.OnceValue(func() []*input.Format { return newOthers(nil, "").formats })

// begin reports whether text begins with a time, which a bracket may stand around.
func (l *lineTimes) begin(text []byte) bool {
	if len(text) == 0 || text[0] == ' ' || text[0] == '\t' {
		return false
	}
	text = text[:min(len(text), timeBytesMax)]
	if line := bytes.IndexByte(text, '\n'); line >= 0 {
		text = text[:line]
	}
	l.r.Now = someDay
	return l.r.Starts(text)
}

// someDay is what a time is read against where only its form matters: all dates
// are of its past.
var someDay = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// text reads plain text.
type text struct {
	*lines
	times lineTimes
}

func (r *text) Read(b input.Block, next exec.Sink) error {
	data := b.Data
	r.begin(data)
	r.times.effort = effort{}
	timed := r.times.begin(data)
	for at := 0; at < len(data); {
		if n, err := r.other(&b, at, next); n > 0 || err != nil {
			if err != nil {
				return err
			}
			at += n
			timed = r.times.begin(data[at:])
			continue
		}
		start := at
		if timed {
			at, _, timed = r.times.messageEnd(data, start)
		} else {
			if at = start + bytes.IndexByte(data[start:], '\n') + 1; at == start {
				at = len(data)
			}
			timed = r.times.begin(data[at:])
		}
		if err := r.line(&b, start, at, next); err != nil {
			return err
		}
	}
	return r.push(next)
}
