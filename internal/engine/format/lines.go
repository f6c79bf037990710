package format

import (
	"bytes"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
)

// lines reads text of which each line is an event. parse gives a line's fields
// and returns its time in ms, 0 when it has none; ok is false when the line is
// not of the format, and is then read as plain text.
type lines struct {
	*flat
	kind  string // what a line that parse refuses is not
	parse func(r *lines, line []byte) (at int64, ok bool)
}

func newLines(w *input.Want, kind string, parse func(*lines, []byte) (int64, bool)) *lines {
	r := &lines{flat: newFlat(w), kind: kind, parse: parse}
	r.auto = false // a line may hold JSON
	return r
}

func (r *lines) Read(b input.Block, next exec.Sink) error {
	data := b.Data
	r.begin(data)
	for at := 0; at < len(data); {
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

// line makes an event of the text from start to end of the block.
func (r *lines) line(b *input.Block, start, end int, next exec.Sink) error {
	line := bytes.TrimRight(b.Data[start:end], "\r\n")
	if len(bytes.TrimSpace(line)) == 0 || !r.matters(b.Data, start, end) {
		return nil
	}
	ms, ok := r.parse(r, line)
	if !ok {
		lost(r.want, b, start, "line that is not "+r.kind, line)
	}
	if ms == 0 {
		ms = findTime(line, r.want.Now)
	}
	return r.end(b, start, line, ms, next)
}

// findTime reads the first time in the start of a line: ISO 8601, a web
// server's 02/Jan/2006:15:04:05 -0700, or syslog's Jan _2 15:04:05, which has no
// year and takes the last one that is not after now. 0 when there is none.
func findTime(line []byte, now time.Time) int64 {
	head := line[:min(len(line), timeBytesMax)]
	for i := 0; i+15 <= len(head); i++ {
		if i > 0 && (isDigit(head[i-1]) || isLetter(head[i-1])) {
			continue
		}
		if ms := timeAt(head[i:], now); ms != 0 {
			return ms
		}
	}
	return 0
}

// timeAt reads a time at the start of text; 0 when there is none.
func timeAt(text []byte, now time.Time) int64 {
	switch c := text[0]; {
	case isDigit(c) && len(text) >= 19 && text[4] == '-' && text[7] == '-' && text[13] == ':':
		end := 19
		for end < len(text) && (isDigit(text[end]) || bytes.IndexByte([]byte(".,:+-Z"), text[end]) >= 0) {
			end++
		}
		for t := text[:end]; len(t) >= 19; t = t[:len(t)-1] {
			if ms, ok := datefmt.ParseEventTime(lend(t)); ok {
				return ms
			}
		}
	case isDigit(c) && len(text) >= 26 && text[2] == '/' && text[6] == '/' && text[11] == ':':
		if t, err := time.Parse("02/Jan/2006:15:04:05 -0700", lend(text[:26])); err == nil {
			return t.UnixMilli()
		}
	case 'A' <= c && c <= 'S':
		return bsdTime(text, now)
	}
	return 0
}

// bsdTime reads Jan _2 15:04:05 at the start of text; 0 when it is not there.
func bsdTime(text []byte, now time.Time) int64 {
	if len(text) < 15 || text[3] != ' ' || text[6] != ' ' || text[9] != ':' {
		return 0
	}
	t, err := time.Parse("2006 Jan _2 15:04:05", "2000 "+lend(text[:15])) // a leap year
	if err != nil {
		return 0
	}
	now = now.UTC()
	at := time.Date(now.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	if at.After(now.Add(24 * time.Hour)) { // a day for hosts whose clocks are ahead of UTC
		at = time.Date(now.Year()-1, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	}
	return at.UnixMilli()
}

func isDigit(c byte) bool  { return c-'0' < 10 }
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// firstLine is the first line of a part that is not blank.
func firstLine(head []byte) []byte {
	head = head[skipBlank(head, 0):]
	line, _, _ := bytes.Cut(head, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'})
}
