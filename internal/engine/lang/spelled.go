package lang

import (
	"encoding/hex"
	"strings"
)

// spelledPrefix begins the names of fields that hold what the text of an event, JSON,
// has under one key at the top, in this spelling and no other. No query can say such a
// name. A reader that reads the text anyway may fill them: see Spelled.
const spelledPrefix = "_spelled "

// SpelledName is the field for a key. Letter case of fields does not count, that of
// keys does.
func SpelledName(key string) string { return spelledPrefix + hex.EncodeToString([]byte(key)) }

// SpelledKey is the key that a field of SpelledName is for.
func SpelledKey(field string) (key string, ok bool) {
	digits, ok := strings.CutPrefix(field, spelledPrefix)
	if !ok {
		return "", false
	}
	b, err := hex.DecodeString(digits)
	return string(b), err == nil
}

// SpelledNone and SpelledNull are what a reader gives such a field, as a truth value,
// where the object has no such key, and where it has null under it. Else it gives the
// value's text. Where it gives nothing it has not looked.
const (
	SpelledNone = false
	SpelledNull = true
)
