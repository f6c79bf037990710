package format

import (
	"bytes"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// CEF is ArcSight's Common Event Format, bare or behind a syslog header. The
// header's fields are DeviceVendor, DeviceProduct, DeviceVersion, SignatureID,
// Name and Severity; the extension's keys are fields as they are. The event's
// time is rt, else start or end, else the syslog header's.
// Source: ArcSight Common Event Format, implementation standard.
var _ = register(input.Format{
	Name:       "cef",
	Summary:    "CEF (ArcSight Common Event Format), bare or in syslog",
	Extensions: []string{".cef", ".log"},
	Sniff: func(head []byte) int {
		if at := bytes.Index(firstLine(head), cefOpen); at >= 0 && bytes.Count(firstLine(head)[at:], []byte{'|'}) >= 7 {
			return 80
		}
		return 0
	},
	Record: func(b []byte) int {
		if bytes.HasPrefix(b, cefOpen) && bytes.Count(b[:lineEnd(b, 0)], []byte{'|'}) >= 7 {
			return lineEnd(b, 0)
		}
		return 0
	},
	Misfit: "does not have CEF:0| and seven fields in its first line",
	Cut:    cutLines,
	Lines:  true,
	New: func(w *input.Want) input.BlockReader {
		return newLines(w, "CEF", func(r *lines, line []byte) (int64, bool) { return r.cef(line) })
	},
})

var cefOpen = []byte("CEF:")

var cefHeader = []string{"DeviceVendor", "DeviceProduct", "DeviceVersion", "SignatureID", "Name", "Severity"}

func (r *lines) cef(line []byte) (at int64, ok bool) {
	start := bytes.Index(line, cefOpen)
	if start < 0 {
		return 0, false
	}
	if start > 0 {
		m, _ := parseSyslog(line, &r.meta.stamps)
		m.message = nil
		r.syslog(&m)
		at = m.at
	}
	rest := line[start+len(cefOpen):]
	for i := -1; i < len(cefHeader); i++ {
		end := 0
		for end < len(rest) && rest[end] != '|' {
			if rest[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(rest) {
			return at, false
		}
		if i >= 0 {
			r.field(cefHeader[i], r.unescapeCEF(rest[:end]))
		}
		rest = rest[end+1:]
	}
	times := map[string]int64{}
	r.extension(rest, func(key, value []byte) {
		name := lend(key)
		switch name {
		case "rt", "start", "end":
			if t, good := r.meta.stamps.Whole(value); good {
				times[string(key)] = t.Millis
			}
		}
		if r.wants(name) {
			r.field(name, r.unescapeCEF(value))
		}
	})
	for _, k := range []string{"rt", "start", "end"} {
		if ms, has := times[k]; has {
			return ms, true
		}
	}
	return at, true
}

// extension calls each for key=value pairs; a value ends before the next word
// that is followed by a sign of equality.
func (r *lines) extension(text []byte, each func(key, value []byte)) {
	var key []byte
	start := 0
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			i++
			continue
		}
		if text[i] != '=' {
			continue
		}
		k := i
		for k > 0 && text[k-1] != ' ' {
			k--
		}
		if k < start || k == i || !isKey(text[k:i]) {
			continue
		}
		if key != nil {
			each(key, bytes.TrimRight(text[start:k], " "))
		}
		key, start = text[k:i], i+1
	}
	if key != nil {
		each(key, bytes.TrimRight(text[start:], " "))
	}
}

// unescapeCEF takes back \\, \|, \= and \n.
func (r *lines) unescapeCEF(v []byte) []byte {
	if bytes.IndexByte(v, '\\') < 0 {
		return v
	}
	dst := r.w.scratch[:0]
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c == '\\' && i+1 < len(v) {
			switch v[i+1] {
			case '\\', '|', '=':
				i++
				c = v[i]
			case 'n':
				i++
				c = '\n'
			case 'r':
				i++
				c = '\r'
			}
		}
		dst = append(dst, c)
	}
	r.w.scratch = dst
	return r.w.arena.keep(dst)
}
