package format

import (
	"bytes"
	"fmt"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// JSON is objects that do not stand one to a line: an array of them, objects
// one behind the other, indented ones, and the documents that APIs answer with,
// whose list of events is unpacked. Each object is read as a line of JSONL is.
var _ = register(input.Format{
	Name:       "json",
	Summary:    "JSON arrays, indented or concatenated objects, and API answers that wrap a list of events",
	Extensions: []string{".json"},
	Hollow:     true,
	Sniff:      sniffJSON,
	Misfit:     "does not start with a JSON object or an array of them",
	Cut:        cutObjects,
	New: func(w *input.Want) input.BlockReader {
		return &jsonDoc{jsonl: newJSONL(w), lists: jsondoc.NewScanner(jsondoc.Want{Names: listNames})}
	},
})

// listNames are the keys that hold the events in the answers of APIs: Microsoft
// Graph and Defender, Azure Event Hubs and CloudTrail, Sumo Logic's search jobs,
// Elasticsearch, Velociraptor.
var listNames = []string{"value", "Results", "records", "messages", "hits.hits", "events", "rows"}

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
	if head[i] != '{' {
		return 0
	}
	end := objectEnd(head, i)
	line := bytes.IndexByte(head[i:], '\n')
	if line < 0 && (end < 0 || skipBlank(head, end) == len(head)) {
		// One object, as far as can be seen: JSONL's, unless it wraps a list.
		for _, n := range listNames {
			at := bytes.Index(head, []byte(`"`+n[bytes.LastIndexByte([]byte(n), '.')+1:]+`"`))
			if at < 0 {
				continue
			}
			j := skipBlank(head, at+len(n)+2)
			if j < len(head) && head[j] == ':' {
				if j = skipBlank(head, j+1); j < len(head) && head[j] == '[' {
					if j = skipBlank(head, j+1); j < len(head) && head[j] == '{' {
						return 90
					}
				}
			}
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

// cutObjects cuts behind the last whole object.
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
			return whole
		}
		whole = end
	}
}

type jsonDoc struct {
	*jsonl
	lists *jsondoc.Scanner
}

func (r *jsonDoc) Read(b input.Block, next exec.Sink) error {
	r.part = b.Part
	r.w.reset()
	data := b.Data
	for at := 0; ; {
		i := bytes.IndexByte(data[at:], '{')
		between := data[at:]
		if i >= 0 {
			between = between[:i]
		}
		if junk := bytes.Trim(between, " \t\r\n,[]"); len(junk) > 0 {
			lost(r.want, &b, at+bytes.Index(between, junk), "text between JSON objects", junk)
		}
		if i < 0 {
			break
		}
		at += i
		end := objectEnd(data, at)
		if end < 0 {
			lost(r.want, &b, at, "JSON object without an end", data[at:])
			break
		}
		if err := r.object(b, data[at:end], at, next); err != nil {
			return err
		}
		at = end
	}
	return r.push(next)
}

// object reads an object, or the list of events that it wraps.
func (r *jsonDoc) object(b input.Block, text []byte, at int, next exec.Sink) error {
	if lists, err := r.lists.Scan(text); err == nil {
		for _, v := range lists {
			if v.Kind != jsondoc.Container || v.Raw[0] != '[' || skipBlank(v.Raw, 1) >= len(v.Raw) || v.Raw[skipBlank(v.Raw, 1)] != '{' {
				continue
			}
			base := at + bytes.Index(text, v.Raw)
			for i := 0; ; {
				j := bytes.IndexByte(v.Raw[i:], '{')
				if j < 0 {
					return nil
				}
				i += j
				end := objectEnd(v.Raw, i)
				if end < 0 {
					return nil
				}
				r.off = b.Offset + int64(base+i)
				if err := r.line(v.Raw[i:end], next); err != nil {
					return err
				}
				i = end
			}
		}
	}
	r.off = b.Offset + int64(at)
	return r.line(text, next)
}

// excerpt is the start of a text, for a message.
func excerpt(text []byte) string {
	if len(text) > excerptBytes {
		return fmt.Sprintf("%q...", text[:excerptBytes])
	}
	return fmt.Sprintf("%q", text)
}
