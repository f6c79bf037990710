package format

import (
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/input"
)

// Text is what no other format claims: each line is an event that has no fields
// but its text and the first time found in it.
var _ = register(input.Format{
	Name:       "text",
	Summary:    "plain text: each line is an event; the first time in it is its own",
	Extensions: []string{".log", ".txt"},
	Sniff: func(head []byte) int {
		odd := 0
		for i := 0; i < len(head); {
			r, n := utf8.DecodeRune(head[i:])
			switch {
			case r == 0:
				return 0
			case r == utf8.RuneError && n == 1 && len(head)-i >= utf8.UTFMax, r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != 0x1b:
				odd++
			}
			i += n
		}
		if odd > len(head)/oddShare {
			return 0
		}
		return input.Unsure
	},
	Misfit: "holds NUL or many other control characters, or is no UTF-8",
	Cut:    cutLines,
	Lines:  true,
	New: func(w *input.Want) input.BlockReader {
		return newLines(w, "text", func(*lines, []byte) (int64, bool) { return 0, true })
	},
})
