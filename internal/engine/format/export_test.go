package format

import "github.com/gyoji-dev/gyoji/internal/engine/input"

// FullJSONL is the reader of JSON lines that looks in every event for all that one may
// be asked for: the plain twin of the one in use.
func FullJSONL(w *input.Want) input.BlockReader {
	r := newJSONL(w)
	r.doc, r.early = r.Document(!w.NoMap, exportRoot), false
	return r
}
