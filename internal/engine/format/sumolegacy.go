package format

import (
	"bytes"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// Sumo Logic's legacy text of Windows events is an instance of WMI's
// Win32_NTLogEvent in MOF, with the rendered message in it. Backslashes and
// quotes in strings are escaped in WMI's own text; text without is taken, too.
// Source: Microsoft, Win32_NTLogEvent class; Sumo Logic, Windows legacy.
var _ = register(input.Format{
	Name:       "sumo-legacy",
	Summary:    "Sumo Logic Installed Collector, Windows source in legacy format (instance of Win32_NTLogEvent)",
	Extensions: []string{".txt", ".log"},
	Sniff: func(head []byte) int {
		if bytes.HasPrefix(head[skipBlank(head, 0):], legacyOpen) {
			return 95
		}
		return 0
	},
	Record: func(b []byte) int {
		if !bytes.HasPrefix(b, legacyOpen) {
			return 0
		}
		if end := bytes.Index(b, []byte("\n};")); end >= 0 {
			return end + 3
		}
		return len(b)
	},
	Misfit: "does not start with instance of Win32_NTLogEvent",
	Cut: func(buf []byte, _ int64, last bool) int {
		if last {
			return len(buf)
		}
		if at := bytes.LastIndex(buf, append([]byte{'\n'}, legacyOpen...)); at > 0 {
			return at + 1
		}
		return 0
	},
	New: func(w *input.Want) input.BlockReader { return &legacy{newFlat(w)} },
})

var legacyOpen = []byte("instance of Win32_NTLogEvent")

type legacy struct{ *flat }

func (r *legacy) Read(b input.Block, next exec.Sink) error {
	data := b.Data
	r.begin(data)
	for at := 0; at < len(data); {
		i := bytes.Index(data[at:], legacyOpen)
		between := data[at:]
		if i >= 0 {
			between = between[:i]
		}
		if junk := bytes.TrimSpace(between); len(junk) > 0 {
			lost(r.want, &b, at+skipBlank(data[at:], 0), "text between events", junk)
		}
		if i < 0 {
			break
		}
		start := at + i
		at = len(data)
		for from := start + len(legacyOpen); ; {
			j := bytes.Index(data[from:], legacyOpen)
			if j < 0 {
				break
			}
			if from += j; data[from-1] == '\n' {
				at = from
				break
			}
			from += len(legacyOpen)
		}
		if !r.matters(data, start, at) {
			continue
		}
		text := bytes.TrimSpace(data[start:at])
		if !r.instance(text) {
			lost(r.want, &b, start, "instance of Win32_NTLogEvent without an end", text)
		}
		if err := r.end(&b, start, text, 0, next); err != nil {
			return err
		}
	}
	return r.push(next)
}

// instance reads name = value; lines between braces. A value ends where the
// next line is such a line again, or the closing brace. It reports whether the
// instance is whole.
func (r *legacy) instance(text []byte) bool {
	body := bytes.TrimSuffix(text, []byte("};"))
	whole := len(body) < len(text)
	escaped := mofEscaped(text)
	type entry struct{ name, value []byte }
	var entries []entry
	start := 0 // of the last entry's value
	for at := 0; at < len(body); {
		end := bytes.IndexByte(body[at:], '\n')
		if end < 0 {
			end = len(body)
		} else {
			end += at
		}
		if name, value := mofLine(body[at:end]); name != nil {
			entries = append(entries, entry{name, value})
			start = end - len(value)
		} else if n := len(entries); n > 0 { // the value goes on
			entries[n-1].value = body[start:end]
		}
		at = end + 1
	}
	id, msg := "", []byte(nil)
	for _, e := range entries {
		switch v := r.value(e.value, escaped); string(e.name) {
		case "EventCode":
			id = string(v)
			r.field("EventID", v)
		case "Message":
			msg = v
		}
	}
	r.message(id, msg)
	for _, e := range entries {
		name := lend(e.name)
		if name == "User" { // the account that wrote the event
			name = "AccountName"
		}
		if r.wants(name) {
			r.field(name, r.value(e.value, escaped))
		}
	}
	return whole
}

// mofLine reads the start of "    Name = value;"; nil when the line is none.
func mofLine(line []byte) (name, value []byte) {
	i := 0
	for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
		i++
	}
	start := i
	for i < len(line) && (line[i]|0x20 >= 'a' && line[i]|0x20 <= 'z') {
		i++
	}
	if start == 0 || i == start || i+3 > len(line) || string(line[i:i+3]) != " = " {
		return nil, nil
	}
	v := line[i+3:]
	if len(v) == 0 || v[0] != '"' && v[0] != '{' && v[0] != '-' && v[0]-'0' > 9 && !bytes.HasSuffix(bytes.TrimRight(v, "\r"), []byte{';'}) {
		return nil, nil
	}
	return line[start:i], v
}

// value is the text of a MOF value: what stands between a string's quotes, or
// anything else as it is spelled.
func (r *legacy) value(v []byte, escaped bool) []byte {
	v = bytes.TrimRight(v, " \t\r\n")
	v = bytes.TrimSuffix(v, []byte{';'})
	if len(v) < 2 || v[0] != '"' || v[len(v)-1] != '"' {
		return v
	}
	v = v[1 : len(v)-1]
	if !escaped || bytes.IndexByte(v, '\\') < 0 {
		return v
	}
	dst := r.w.scratch[:0]
	for i := 0; i < len(v); i++ {
		if v[i] == '\\' && i+1 < len(v) {
			i++
		}
		dst = append(dst, v[i])
	}
	r.w.scratch = dst
	return r.w.arena.keep(dst)
}

// mofEscaped reports whether the strings of an instance are escaped: no
// backslash stands before anything but a quote or a backslash.
func mofEscaped(text []byte) bool {
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			if i+1 == len(text) || text[i+1] != '\\' && text[i+1] != '"' {
				return false
			}
			i++
		}
	}
	return true
}
