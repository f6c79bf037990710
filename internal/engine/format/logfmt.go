package format

import (
	"bytes"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Logfmt is lines of key=value, values with blanks in double quotes. A word
// without a sign of equality is a key without a value.
var _ = register(input.Format{
	Name:       "logfmt",
	Summary:    "logfmt: key=value key=\"quoted value\" lines",
	Extensions: []string{".log", ".logfmt"},
	Sniff: func(head []byte) int {
		if bytes.IndexByte(head, 0) < 0 && isLogfmt(firstLine(head)) {
			return 50
		}
		return 0
	},
	Record: logfmtRecord,
	Loose:  true,
	Misfit: "does not start with a line of key=value pairs alone",
	Cut:    cutLines,
	Lines:  true,
	New: func(w *input.Want) input.BlockReader {
		return newLines(w, "logfmt", func(r *lines, line []byte) (at int64, ok bool) {
			eachPair(line, func(key, value []byte, pair bool) {
				if !pair {
					return
				}
				ok = true
				name := lend(key)
				if name == "t" && at == event.NoTime { // Go's log15; too short a name for others
					if t, good := r.meta.stamps.Whole(value); good {
						at = t.Millis
					}
				}
				if r.wants(name) {
					r.field(name, r.unquoted(value))
				}
			})
			return at, ok
		})
	},
})

// isLogfmt reports whether a line is nothing but pairs, and more than one.
func isLogfmt(line []byte) bool {
	if end := bytes.IndexByte(line, '='); end < 0 || !isKey(bytes.TrimLeft(line[:end], " \t")) {
		return false
	}
	pairs, ok := 0, true
	eachPair(line, func(key, value []byte, pair bool) {
		ok = ok && pair && isKey(key)
		pairs++
	})
	return ok && pairs >= 2
}

// logfmtRecord is a line of pairs; 0 for others.
func logfmtRecord(b []byte) int {
	end := lineEnd(b, 0)
	if !isLogfmt(bytes.TrimRight(b[:end], "\r\n")) {
		return 0
	}
	return end
}

// unquoted takes back \" and \\ of a quoted value.
func (f *flat) unquoted(value []byte) []byte {
	if bytes.IndexByte(value, '\\') < 0 || !bytes.Contains(value, []byte(`\"`)) && !bytes.Contains(value, []byte(`\\`)) {
		return value
	}
	dst := f.w.scratch[:0]
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+1 < len(value) && (value[i+1] == '"' || value[i+1] == '\\') {
			i++
		}
		dst = append(dst, value[i])
	}
	f.w.scratch = dst
	return f.w.arena.keep(dst)
}

func isKey(key []byte) bool {
	if len(key) == 0 || len(key) > labelBytesMax {
		return false
	}
	for _, c := range key {
		if !isLetter(c) && !isDigit(c) && bytes.IndexByte([]byte("_.-/@"), c) < 0 {
			return false
		}
	}
	return true
}

// eachPair calls each for every word of a line: key=value, key="value", or, with
// pair false, a word of another kind.
func eachPair(line []byte, each func(key, value []byte, pair bool)) {
	for i := 0; ; {
		for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
			i++
		}
		if i >= len(line) {
			return
		}
		start := i
		for i < len(line) && line[i] != '=' && line[i] != ' ' && line[i] != '\t' {
			i++
		}
		key := line[start:i]
		if i >= len(line) || line[i] != '=' {
			each(key, nil, false)
			continue
		}
		i++
		if i < len(line) && line[i] == '"' {
			start = i + 1
			for i = start; i < len(line) && line[i] != '"'; i++ {
				if line[i] == '\\' {
					i++
				}
			}
			i = min(i, len(line))
			each(key, line[start:i:i], true)
			i++
			continue
		}
		start = i
		for i < len(line) && line[i] != ' ' && line[i] != '\t' {
			i++
		}
		each(key, line[start:i:i], true)
	}
}
