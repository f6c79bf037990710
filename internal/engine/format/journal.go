package format

import (
	"bytes"
	"encoding/binary"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// Journal is systemd's journal as it is exported: a NAME=value line for each field, or a
// name, a length and bytes, and a blank line between entries.
// Source: systemd, Journal Export Formats.
var _ = register(input.Format{
	Name:       "journal",
	Summary:    "systemd's journal export format (journalctl -o export, systemd-journal-remote)",
	Extensions: []string{".journal", ".export", ".txt", ".log"},
	Sniff: func(head []byte) int {
		if bytes.HasPrefix(head[skipBlank(head, 0):], journalOpen) {
			return input.Certain
		}
		return 0
	},
	Misfit: "does not start with __CURSOR=",
	Cut: func(buf []byte, _ int64, last bool) int {
		if last {
			return len(buf)
		}
		if at := bytes.LastIndex(buf, journalNext); at >= 0 {
			return at + 2
		}
		if len(buf) > endlessBytes {
			return cutLines(buf, 0, false)
		}
		return 0
	},
	New: func(w *input.Want) input.BlockReader { return &journal{newFlat(w)} },
})

var (
	journalOpen = []byte("__CURSOR=")
	journalNext = append([]byte("\n\n"), journalOpen...)
)

type journal struct{ *flat }

func (r *journal) Read(b input.Block, next exec.Sink) error {
	data := b.Data
	r.begin(data)
	for at := skipLines(data, 0); at < len(data); at = skipLines(data, at) {
		start := at
		for at < len(data) && data[at] != '\n' {
			end := lineEnd(data, at)
			line := bytes.TrimRight(data[at:end], "\r\n")
			if len(line) == 0 {
				break
			}
			name, value, ok := bytes.Cut(line, []byte{'='})
			if !ok { // a name alone: its value may hold anything
				if len(data)-end < 8 {
					lost(r.want, &b, at, "journal field without its value", line)
					at = len(data)
					break
				}
				n := binary.LittleEndian.Uint64(data[end:])
				if n > uint64(len(data)-end-8) {
					lost(r.want, &b, at, "journal field without an end", line)
					at = end
					continue
				}
				value, end = data[end+8:end+8+int(n)], end+8+int(n)+1
			}
			r.field(lend(name), value)
			at = min(end, len(data))
		}
		if err := r.end(&b, start, bytes.TrimRight(data[start:at], "\r\n"), 0, next); err != nil {
			return err
		}
	}
	return r.push(next)
}
