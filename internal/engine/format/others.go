package format

import (
	"bytes"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// others reads what stands in a part that is of another format than most of it.
// It is one goroutine's.
type others struct {
	want    *input.Want
	readers map[*input.Format]input.BlockReader
	formats []*input.Format // whose records are told

	effort effort // for the block
	block  place
}

// newOthers makes what reads records of all formats but one.
func newOthers(w *input.Want, own string) *others {
	o := &others{want: w, readers: map[*input.Format]input.BlockReader{}}
	for _, f := range all {
		if f.Record != nil && !strings.EqualFold(f.Name, own) && !f.Loose {
			o.formats = append(o.formats, f)
		}
	}
	return o
}

// read reads the record that begins at a place of a block, where a line begins,
// and returns how many bytes it takes; 0 when it is none of another format's.
func (o *others) read(b *input.Block, at int, next exec.Sink) (n int, err error) {
	if at := (place{b.Part, b.Offset}); o.block != at {
		o.block, o.effort = at, effort{}
	}
	f, n := o.effort.recordAt(o.formats, b.Data[at:])
	if f == nil {
		return 0, nil
	}
	b.Part.Known()
	r := o.readers[f]
	if r == nil {
		r = f.New(o.want)
		o.readers[f] = r
	}
	return n, r.Read(input.Block{Data: b.Data[at : at+n], Offset: b.Offset + int64(at), Part: b.Part}, next)
}

// mayBegin reports whether a line may begin a record of JSON, XML or a text of events.
func mayBegin(line []byte) bool {
	i := skipBlank(line, 0)
	if i == len(line) {
		return false
	}
	switch c := line[i]; c {
	case '{', '[', '<':
		return true
	case 'i':
		return bytes.HasPrefix(line[i:], legacyOpen)
	case 'L':
		return splunkHead(line[i:])
	case 'C':
		return bytes.HasPrefix(line[i:], cefOpen)
	default:
		return isDigit(c) && splunkHead(line[i:])
	}
}

// lineEnd is where the line ends that begins at i, its line end included.
func lineEnd(b []byte, i int) int {
	if n := bytes.IndexByte(b[i:], '\n'); n >= 0 {
		return i + n + 1
	}
	return len(b)
}

// oneLine is a line that is one JSON object: the record of JSONL; 0 for others.
func oneLine(b []byte) int {
	if len(b) == 0 || b[0] != '{' {
		return 0
	}
	end := lineEnd(b, 0)
	line := bytes.TrimRight(b[:end], " \t\r\n")
	if wrapsList(line) || answered(line) != nil {
		return 0
	}
	whole := objectEnd(line, 0)
	if whole < 0 && end == len(b) && b[end-1] != '\n' && len(b) > recordBytesMin {
		return end // it goes on beyond what is seen
	}
	if whole != len(line) {
		return 0
	}
	return end
}

// recordBytesMin is how much has to be seen of a record for what is missing of it
// to be out of sight rather than cut off.
const recordBytesMin = 32 << 10

// wrapsList reports whether an object is an answer that wraps a list of events.
func wrapsList(object []byte) bool {
	for at := 0; ; at++ {
		i := bytes.IndexByte(object[at:], '[')
		if i < 0 {
			return false
		}
		at += i
		if j := skipBlank(object, at+1); j >= len(object) || object[j] != '{' && object[j] != '[' {
			continue
		}
		key, ok := bytes.CutSuffix(trimBlankRight(object[:at]), []byte{':'})
		if !ok {
			continue
		}
		key = trimBlankRight(key)
		for _, k := range listKeys {
			if bytes.HasSuffix(key, k) {
				return true
			}
		}
	}
}

// trimBlankRight cuts off what skipBlank skips.
func trimBlankRight(b []byte) []byte { return bytes.TrimRight(b, " \n\r\t") }

// listKeys are the last keys of listNames, in quotes, as they are and in small letters.
var listKeys = func() (out [][]byte) {
	for _, n := range listNames {
		key := []byte(`"` + n[strings.LastIndexByte(n, '.')+1:] + `"`)
		out = append(out, key)
		if low := bytes.ToLower(key); !bytes.Equal(low, key) {
			out = append(out, low)
		}
	}
	return out
}()

// indexFold is bytes.Index that takes a key in small letters for the same.
func indexFold(b, key []byte) int {
	if at := bytes.Index(b, key); at >= 0 {
		return at
	}
	if low := bytes.ToLower(key); !bytes.Equal(low, key) {
		return bytes.Index(b, low)
	}
	return -1
}

// jsonRecord is a JSON object that does not stand on a line of its own, with the
// bracket before it and the comma behind it; 0 for others.
func jsonRecord(b []byte) int {
	i := 0
	if len(b) > 0 && b[0] == '[' {
		i = skipBlank(b, 1)
	}
	if i >= len(b) || b[i] != '{' {
		return 0
	}
	if i == 0 && oneLine(b) > 0 {
		return 0
	}
	end := objectEnd(b, i)
	if end < 0 {
		if len(b)-i > recordBytesMin && jsondoc.CutShort(b[i:]) {
			return len(b)
		}
		return 0
	}
	if !isObject(b[i:end]) {
		return 0
	}
	for end < len(b) && bytes.IndexByte([]byte(" \t\r,]"), b[end]) >= 0 {
		end++
	}
	switch {
	case end == len(b) || b[end] == '{':
	case b[end] == '\n':
		end++
	default:
		return 0 // text behind the object: the line is none
	}
	return end
}

// isObject reports whether a text is one sound object.
func isObject(b []byte) bool {
	_, err := jsondoc.NewScanner(jsondoc.Want{}).Scan(b)
	return err == nil
}

// xmlRecord is an <Event> element, or a tag or prolog around some; 0 for others.
func xmlRecord(b []byte) int {
	if len(b) < 3 || b[0] != '<' {
		return 0
	}
	if eventStart(b[:min(len(b), len(eventOpen)+1)], 0) == 0 {
		end := bytes.Index(b, eventClose)
		if end < 0 {
			if len(b) > recordBytesMin {
				return len(b)
			}
			return 0
		}
		if soundEvent(b[:end+len(eventClose)]) {
			return end + len(eventClose)
		}
		return 0
	}
	if bytes.HasPrefix(b, []byte("<?xml")) || bytes.HasPrefix(b, []byte("<Events")) || bytes.HasPrefix(b, []byte("</Events>")) {
		if end := bytes.IndexByte(b, '>'); end > 0 {
			return end + 1
		}
	}
	return 0
}

// soundEvent reports whether an event's XML does not begin another one before
// its end, as one does whose own end is missing.
func soundEvent(x []byte) bool {
	for from := len(eventOpen); ; {
		at := eventStart(x, from)
		if at < 0 {
			return true
		}
		// In a CDATA section it is text.
		open := bytes.LastIndex(x[:at], []byte("<![CDATA["))
		if open < 0 || bytes.Contains(x[open:at], []byte("]]>")) {
			return false
		}
		from = at + len(eventOpen)
	}
}
