package format

import (
	"bytes"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// lines reads text of which each line is an event. parse gives a line's fields
// and returns its time in ms, 0 when it has none; ok is false when the line is
// not of the format, and is then read as plain text.
type lines struct {
	*flat
	kind  string // what a line that parse refuses is not
	parse func(r *lines, line []byte) (at int64, ok bool)

	others *others
}

func newLines(w *input.Want, kind string, parse func(*lines, []byte) (int64, bool)) *lines {
	r := &lines{flat: newFlat(w), kind: kind, parse: parse, others: newOthers(w, kind)}
	r.auto = false // a line may hold JSON
	return r
}

func (r *lines) Read(b input.Block, next exec.Sink) error {
	data := b.Data
	r.begin(data)
	for at := 0; at < len(data); {
		if n, err := r.other(&b, at, next); n > 0 || err != nil {
			if err != nil {
				return err
			}
			at += n
			continue
		}
		start := at
		end := bytes.IndexByte(data[at:], '\n')
		if end < 0 {
			end = len(data)
		} else {
			end += at
		}
		at = end + 1
		if err := r.line(&b, start, end, next); err != nil {
			return err
		}
	}
	return r.push(next)
}

// other reads a record of another format that begins where a line does, and
// returns how many bytes it takes; 0 when there is none.
func (r *lines) other(b *input.Block, at int, next exec.Sink) (int, error) {
	if r.others == nil || !mayBegin(b.Data[at:]) {
		return 0, nil
	}
	return r.others.read(b, at, next)
}

// line makes an event of the text from start to end of the block, and of each
// further Windows event in it one of its own.
func (r *lines) line(b *input.Block, start, end int, next exec.Sink) error {
	line := bytes.TrimRight(b.Data[start:end], "\r\n")
	if len(bytes.TrimSpace(line)) == 0 || !r.matters(b.Data, start, end) {
		return nil
	}
	more := 0
	if r.others != nil && !r.noMap {
		if more = furtherEvent(line); more > 0 {
			line = bytes.TrimRight(line[:more], " \t\r\n,")
		}
	}
	ms, ok := r.parse(r, line)
	if !ok {
		lost(r.want, b, start, "line that is not "+r.kind, line)
	}
	if err := r.end(b, start, line, ms, next); err != nil || more == 0 {
		return err
	}
	for at := start + more; at < end; {
		n, err := r.other(b, at, next)
		if err != nil {
			return err
		}
		if n == 0 { // what comes behind the last
			rest := bytes.TrimRight(b.Data[at:end], "\r\n")
			if len(bytes.TrimSpace(rest)) == 0 {
				return nil
			}
			return r.end(b, at, rest, 0, next)
		}
		at += n
	}
	return nil
}

// furtherEvent is where the second Windows event of a text begins, which is XML or
// an object of JSON; 0 where there is none.
func furtherEvent(text []byte) int {
	if !signed(text) {
		return 0
	}
	if at := eventStart(text, 0); at >= 0 {
		end := bytes.Index(text[at:], eventClose)
		if end < 0 {
			return 0
		}
		end += at + len(eventClose)
		if i := skipBlank(text, end); i < len(text) && eventStart(text, i) == i {
			return i
		}
		return 0
	}
	for at := 0; ; at++ {
		i := bytes.IndexByte(text[at:], '{')
		if i < 0 {
			return 0
		}
		if at += i; !opensObject(text, at) {
			continue
		}
		end := objectEnd(text, at)
		if end < 0 || !signed(text[at:end]) {
			return 0
		}
		for end < len(text) && bytes.IndexByte([]byte(" \t\r\n,[]"), text[end]) >= 0 {
			end++
		}
		if end < len(text) && text[end] == '{' && signed(text[end:]) {
			return end
		}
		return 0
	}
}

func isDigit(c byte) bool  { return c-'0' < 10 }
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// firstLine is the first line of a part that is not blank.
func firstLine(head []byte) []byte {
	head = head[skipBlank(head, 0):]
	line, _, _ := bytes.Cut(head, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'})
}
