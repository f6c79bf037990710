package format

import (
	"bytes"
	"time"

	"github.com/gyoji-dev/gyoji/datefmt"
	"github.com/gyoji-dev/gyoji/exec"
	"github.com/gyoji-dev/gyoji/input"
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
		line := bytes.TrimSuffix(data[start:end], []byte{'\r'})
		if len(bytes.TrimSpace(line)) == 0 || !r.matters(data, start, end) {
			continue
		}
		ms, ok := r.parse(r, line)
		if !ok {
			lost(r.want, &b, start, "line that is not "+r.kind, line)
		}
		if ms == 0 {
			ms = findTime(line, r.want.Now)
		}
		if err := r.end(&b, start, line, ms, next); err != nil {
			return err
		}
	}
	return r.push(next)
}

// findTime reads the first time in the start of a line: ISO 8601, a web
// server's 02/Jan/2006:15:04:05 -0700, or syslog's Jan _2 15:04:05, which has no
// year and takes the last one that is not after now. 0 when there is none.
func findTime(line []byte, now time.Time) int64 {
	head := line[:min(len(line), timeBytesMax)]
	for i := 0; i+15 <= len(head); i++ {
		c := head[i]
		if i > 0 && (isDigit(head[i-1]) || isLetter(head[i-1])) {
			continue
		}
		switch {
		case isDigit(c) && i+19 <= len(head) && head[i+4] == '-' && head[i+7] == '-' && head[i+13] == ':':
			end := i + 19
			for end < len(head) && (isDigit(head[end]) || bytes.IndexByte([]byte(".,:+-Z"), head[end]) >= 0) {
				end++
			}
			for text := head[i:end]; len(text) >= 19; text = text[:len(text)-1] {
				if ms, ok := datefmt.ParseEventTime(lend(text)); ok {
					return ms
				}
			}
		case isDigit(c) && i+26 <= len(head) && head[i+2] == '/' && head[i+6] == '/' && head[i+11] == ':':
			if t, err := time.Parse("02/Jan/2006:15:04:05 -0700", lend(head[i:i+26])); err == nil {
				return t.UnixMilli()
			}
		case 'A' <= c && c <= 'S':
			if ms := bsdTime(head[i:], now); ms != 0 {
				return ms
			}
		}
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
