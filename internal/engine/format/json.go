package format

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// JSON is objects that do not stand one to a line: an array of them, objects
// one behind the other, indented ones, and the documents that APIs answer with,
// whose list of events is unpacked. Each object is read as a line of JSONL is.
var _ = register(input.Format{
	Name:       "json",
	Summary:    "JSON arrays, indented or concatenated objects, and API answers that wrap a list of events; of OTLP's resourceLogs and Azure Monitor's tables each record or row",
	Extensions: []string{".json"},
	Hollow:     true,
	Sniff:      sniffJSON,
	Record:     jsonRecord,
	Misfit:     "does not start with a JSON object or an array of them",
	Cut:        cutObjects,
	New: func(w *input.Want) input.BlockReader {
		return &jsonDoc{jsonl: newJSONL(w), lists: jsondoc.NewScanner(jsondoc.Want{Names: listNames})}
	},
})

// listNames are the keys that hold the events in the answers of APIs: Microsoft
// Graph and Defender, Azure Event Hubs and CloudTrail, Sumo Logic's search jobs,
// Elasticsearch, Velociraptor, CloudWatch's subscriptions, Loki and what it is sent.
var listNames = []string{"value", "Results", "records", "Records", "messages", "hits.hits", "events", "rows", "resourceLogs", "tables", "logEvents", "data.result", "streams"}

// batches are the lists that hold no events, but what events are made of: what
// OpenTelemetry's exporters and Azure Monitor's answers have. list is in object.
var batches = map[string]func(list, object []byte) [][]byte{
	"resourceLogs": otlpRecords, "tables": tableRows, "data.result": lokiLines, "streams": lokiLines, "Results": insightRows, "rows": splunkRows,
}

func sniffJSON(head []byte) int {
	i := skipBlank(head, 0)
	if i >= len(head) || bytes.IndexByte(head, 0) >= 0 {
		return 0
	}
	if head[i] == '[' {
		if j := skipBlank(head, i+1); j < len(head) && (head[j] == '{' || head[j] == ']') {
			return 85
		}
		return 0
	}
	if head[i] != '{' || !opensObject(head, i) {
		return 0
	}
	if isBatch(head[i:]) {
		return 95 // of those on lines, too
	}
	end := objectEnd(head, i)
	line := bytes.IndexByte(head[i:], '\n')
	if line < 0 && (end < 0 || skipBlank(head, end) == len(head)) {
		// One object, as far as can be seen: JSONL's, unless it wraps a list.
		if wrapsList(head) || answered(head[i:]) != nil {
			return 90
		}
		return 10
	}
	if line < 0 { // objects without line ends between them
		return 90
	}
	if end > 0 && end < i+line && len(bytes.TrimSpace(head[end:i+line])) > 0 {
		return 90 // more than one on the first line
	}
	if end < 0 && line > 0 && bytes.IndexByte(head[:i+line], '}') < 0 || end > i+line {
		return 90
	}
	return 10
}

// isBatch reports whether an object begins as one of batches does.
func isBatch(object []byte) bool {
	key, end := jsonValue(object, skipBlank(object, 1))
	if end < 0 || batches[string(key.Raw)] == nil {
		return false
	}
	if k := string(key.Raw); k != "resourceLogs" && k != "tables" {
		return false
	}
	i := skipBlank(object, end)
	return i < len(object) && object[i] == ':' && wrapsList(object[:min(len(object), batchHeadBytes)])
}

// batchHeadBytes is where a batch says by then that it is one.
const batchHeadBytes = 512

func skipBlank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// objectEnd returns where the JSON object at i ends, going by brackets and
// strings alone; -1 when it does not.
func objectEnd(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			for i++; ; i++ {
				n := bytes.IndexByte(b[i:], '"')
				if n < 0 {
					return -1
				}
				i += n
				slashes := 0
				for i-1-slashes >= 0 && b[i-1-slashes] == '\\' {
					slashes++
				}
				if slashes%2 == 0 {
					break
				}
			}
		}
		i++
	}
	return -1
}

// cutObjects cuts behind the last whole object. One that is longer than any event
// has lost its end: it is cut before the last line that begins an object.
func cutObjects(buf []byte, _ int64, last bool) int {
	if last {
		return len(buf)
	}
	whole := 0
	for {
		i := bytes.IndexByte(buf[whole:], '{')
		if i < 0 {
			return whole
		}
		end := objectEnd(buf, whole+i)
		if end < 0 {
			break
		}
		whole = end
	}
	if whole > 0 || len(buf) < endlessBytes {
		return whole
	}
	for end := len(buf); end > 0; {
		start := bytes.LastIndexByte(buf[:end-1], '\n') + 1
		if i := skipBlank(buf, start); start > 0 && i < end && buf[i] == '{' {
			return start
		}
		end = start
	}
	return 0
}

type jsonDoc struct {
	*jsonl
	lists  *jsondoc.Scanner
	begin  *recordShape // of the objects read so far
	wraps  bool         // the block's first object wraps a list whose name is not known
	first  bool         // no object of the block has been read
	effort effort
}

func (r *jsonDoc) Read(b input.Block, next exec.Sink) error {
	r.part = b.Part
	r.w.reset()
	if r.begin != nil && r.begin.part != b.Part {
		r.begin = nil
	}
	if r.others == nil {
		r.others = newOthers(r.want, "json")
		r.others.formats = slices.DeleteFunc(r.others.formats, func(f *input.Format) bool { return f.Name == "jsonl" })
	}
	r.effort, r.first = effort{}, true
	data := b.Data
	for at := 0; at < len(data); {
		if bytes.IndexByte([]byte(" \t\r\n,[]\x00"), data[at]) >= 0 {
			at++
			continue
		}
		if data[at] != '{' {
			n, err := r.others.read(&b, at, next)
			if err != nil {
				return err
			}
			if n == 0 {
				n = r.junk(&b, at)
			}
			at += n
			continue
		}
		end := r.effort.end(data, at)
		if end > 0 {
			if err := r.object(b, data[at:end], at, next); err != nil {
				return err
			}
			if r.err == nil {
				r.learn(b.Part, data, at)
				at = end
				continue
			}
		}
		n := r.resume(data, at+1)
		kind := "JSON object without an end"
		if end > 0 {
			kind = "object that is not JSON"
		}
		lost(r.want, &b, at, kind, data[at:n])
		at = n
	}
	return r.push(next)
}

// junk reports text between objects and returns how long it is: to the line's
// end, or the next object on the line.
func (r *jsonDoc) junk(b *input.Block, at int) int {
	end := lineEnd(b.Data, at)
	if r.begin == nil { // the rest of an object that was cut in two
		end = r.resume(b.Data, at)
	} else {
		for i := at; i < end; i++ {
			if b.Data[i] == '{' && beginsObject(b.Data, i) && r.begin.fits(b.Data, i) {
				end = i
			}
		}
	}
	if text := bytes.TrimSpace(b.Data[at:end]); len(bytes.Trim(text, "\ufeff}],")) > 0 {
		lost(r.want, b, at, "text between JSON objects", text)
	}
	return end - at
}

// recordShape is how the objects of a part begin that are its records: how far
// the line is indented, where each begins one, and by which key.
type recordShape struct {
	part   *input.Part
	indent int // -1 when they do not begin lines
	key    []byte
}

func shapeAt(part *input.Part, data []byte, at int) recordShape {
	s := recordShape{part: part, indent: -1}
	from := max(0, at-indentMax)
	line := from + bytes.LastIndexByte(data[from:at], '\n') + 1
	if (line > from || from == 0) && len(bytes.Trim(data[line:at], " \t")) == 0 {
		s.indent = at - line
	}
	if v, end := jsonValue(data, skipBlank(data, at+1)); end > 0 && v.Kind == jsondoc.String {
		s.key = bytes.Clone(v.Raw)
	}
	return s
}

// indentMax is how far back the beginning of an object's line is looked for.
const indentMax = 256

func (s *recordShape) fits(data []byte, at int) bool {
	o := shapeAt(s.part, data, at)
	if s.indent >= 0 && o.indent >= 0 {
		return o.indent == s.indent
	}
	return bytes.Equal(o.key, s.key)
}

func (r *jsonDoc) learn(part *input.Part, data []byte, at int) {
	if r.begin == nil {
		s := shapeAt(part, data, at)
		r.begin = &s
	}
}

// beginsObject reports whether an object that is no member of another may begin here.
func beginsObject(data []byte, at int) bool {
	i := skipBlank(data, at+1)
	if i >= len(data) || data[i] != '"' && data[i] != '}' {
		return false
	}
	before := bytes.TrimRight(data[:at], " \t\r\n")
	return len(before) == 0 || before[len(before)-1] != ':'
}

// resume is where the next record begins at or after from: a sound object that
// begins as the others do. Where none has been read it is the first that begins
// as the longest does: what an object holds is shorter than it.
func (r *jsonDoc) resume(data []byte, from int) int {
	shape := r.begin
	if shape == nil {
		longest := 0
		for i := from; i < min(len(data), from+resumeBytes); i++ {
			if data[i] != '{' || !beginsObject(data, i) {
				continue
			}
			end := r.effort.end(data[:min(len(data), i+resumeBytes)], i)
			if end < 0 || !isObject(data[i:end]) {
				continue
			}
			if end-i > longest {
				s := shapeAt(r.part, data, i)
				shape, longest = &s, end-i
			}
			i = end - 1
		}
		if shape == nil {
			return len(data)
		}
	}
	for i := from; i < len(data); i++ {
		n := bytes.IndexByte(data[i:], '{')
		if n < 0 {
			break
		}
		if i += n; !beginsObject(data, i) || !shape.fits(data, i) {
			continue
		}
		if end := r.effort.end(data, i); end > 0 && isObject(data[i:end]) {
			return i
		}
	}
	return len(data)
}

// object reads an object, or the list of events that it wraps.
func (r *jsonDoc) object(b input.Block, text []byte, at int, next exec.Sink) error {
	if lists, err := r.lists.Scan(text); err == nil {
		for k, v := range lists {
			if v.Kind != jsondoc.Container || v.Raw[0] != '[' || skipBlank(v.Raw, 1) >= len(v.Raw) {
				continue
			}
			first := v.Raw[skipBlank(v.Raw, 1)]
			if first != '{' && (first != '[' || batches[listNames[k]] == nil) {
				continue
			}
			base := at + bytes.Index(text, v.Raw)
			if unpack := batches[listNames[k]]; unpack != nil {
				if events := unpack(v.Raw, text); len(events) > 0 {
					for i, e := range events {
						r.off = b.Offset + int64(base+i)
						if err := r.line(e, next); err != nil {
							return err
						}
					}
					return nil
				}
			}
			if first != '{' || r.unpack == nil && !holdsEvents(text, v.Raw) {
				continue
			}
			return r.elements(b, v.Raw, base, next)
		}
	}
	list := []byte(nil)
	if r.first || r.wraps {
		before := bytes.TrimRight(b.Data[:at], " \t\r\n")
		if n := len(before); n == 0 || before[n-1] != ',' && before[n-1] != '[' { // an array's element is an event itself
			list = answered(text)
		}
		r.first, r.wraps = false, list != nil
	}
	if list != nil {
		return r.elements(b, list, at+offsetIn(text, list), next)
	}
	r.off = b.Offset + int64(at)
	return r.line(text, next)
}

// elements reads the objects of a list that begins at a place of the block.
func (r *jsonDoc) elements(b input.Block, list []byte, base int, next exec.Sink) error {
	for i := 0; ; {
		j := bytes.IndexByte(list[i:], '{')
		if j < 0 {
			return nil
		}
		i += j
		end := objectEnd(list, i)
		if end < 0 {
			return nil
		}
		r.off = b.Offset + int64(base+i)
		if err := r.line(list[i:end], next); err != nil {
			return err
		}
		i = end
	}
}

// excerpt is the start of a text, for a message.
func excerpt(text []byte) string {
	if len(text) > excerptBytes {
		return fmt.Sprintf("%q...", text[:excerptBytes])
	}
	return fmt.Sprintf("%q", text)
}
