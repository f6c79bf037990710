package jsondoc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// SyntaxError is text that is not the JSON it should be.
type SyntaxError struct {
	Offset int // bytes from the start of the text
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("not JSON: %s (byte %d)", e.Reason, e.Offset)
}

// CutShort reports whether a text is an object that is sound as far as it goes,
// and has no end.
func CutShort(text []byte) bool {
	_, err := NewScanner(Want{}).Scan(text)
	e, ok := err.(*SyntaxError)
	return ok && (e.Reason == endOfText || e.Reason == endOfString || e.Offset+8 > len(text))
}

// Reasons of SyntaxErrors.
const (
	endOfText   = "unexpected end"
	endOfString = "unexpected end of string"
	noObject    = "no object starts here"
	noKey       = "a key in quotes should stand here"
	noColon     = "a colon should stand here"
	noValue     = "a value should stand here"
	noComma     = "a comma or } should stand here"
	noCommaList = "a comma or ] should stand here"
	tooDeep     = "nested too deeply"
	textAfter   = "text after the value"
	rawControl  = "a control character inside a string"
	badEscape   = "an escape that JSON does not have"
)

func fail(at int, reason string) error { return &SyntaxError{at, reason} }

const (
	ones   = 0x0101010101010101
	highs  = 0x8080808080808080
	quotes = '"' * ones
)

// stringEnd returns where the string whose text starts at i is closed, or -1.
// The text is not looked at beyond what finding its end takes.
func stringEnd(src []byte, i int) int {
	start := i
	for {
		// Many strings are short: a look at eight bytes spares the call. More of
		// them by hand did not win over IndexByte.
		if i+8 <= len(src) {
			w := binary.LittleEndian.Uint64(src[i:]) ^ quotes
			if m := (w - ones) & ^w & highs; m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				goto quote
			}
			i += 8
		}
		{
			j := bytes.IndexByte(src[i:], '"')
			if j < 0 {
				return -1
			}
			i += j
		}
	quote:
		if src[i-1] != '\\' || i == start {
			return i
		}
		k := i - 1
		for k > start && src[k-1] == '\\' {
			k--
		}
		if (i-k)%2 == 0 {
			return i
		}
		i++
	}
}

// blank returns the first place from i on that is no white space.
func blank(src []byte, i int) int {
	for i < len(src) && src[i] <= ' ' {
		switch src[i] {
		case ' ', '\t', '\n', '\r':
			i++
		default:
			return i
		}
	}
	return i
}

// inWord are the bytes of numbers, true, false and null. Where a text is looked
// through for JSON, other text behind a bracket must not be read to its end.
var inWord = func() (t [256]bool) {
	for _, c := range []byte("0123456789+-.eEtruefalsn") {
		t[c] = true
	}
	return t
}()

// word returns the end of the number, true, false or null at i, and its kind.
func word(src []byte, i int) (end int, k Kind, err error) {
	end = i
	for end < len(src) && inWord[src[end]] {
		end++
	}
	k, ok := scalar(src[i:end])
	if ok && end < len(src) {
		c := src[end]
		ok = c == ',' || c == '}' || c == ']' || c <= ' '
	}
	if !ok {
		if i >= len(src) {
			return i, 0, fail(i, endOfText)
		}
		return i, 0, fail(i, noValue)
	}
	return end, k, nil
}

// scalar classifies a word that is no string.
func scalar(w []byte) (Kind, bool) {
	switch {
	case len(w) == 0:
		return 0, false
	case w[0] == '-' || w[0]-'0' < 10:
		return Number, validNumber(w)
	}
	switch string(w) {
	case "null":
		return Null, true
	case "true", "false":
		return Bool, true
	}
	return 0, false
}

func validNumber(w []byte) bool {
	i := 0
	if w[0] == '-' {
		i++
	}
	whole := i
	for i < len(w) && w[i]-'0' < 10 {
		i++
	}
	if i == whole || w[whole] == '0' && i > whole+1 {
		return false
	}
	if i == len(w) {
		return true
	}
	if w[i] == '.' {
		i++
		part := i
		for i < len(w) && w[i]-'0' < 10 {
			i++
		}
		if i == part {
			return false
		}
	}
	if i < len(w) && w[i]|0x20 == 'e' {
		if i++; i < len(w) && (w[i] == '+' || w[i] == '-') {
			i++
		}
		part := i
		for i < len(w) && w[i]-'0' < 10 {
			i++
		}
		if i == part {
			return false
		}
	}
	return i == len(w)
}

// skipContainer returns the end of the object or array at i, which stands at a
// depth. All of its grammar is checked but for what is inside strings, or with
// strict that too.
func skipContainer(src []byte, i, depth int, strict bool) (int, error) {
	var objects [depthMax/64 + 1]uint64 // by level: whether it is an object
	open := 0
	for {
		// a bracket opens at i
		if depth+open >= depthMax {
			return i, fail(i, tooDeep)
		}
		c := src[i]
		object := c == '{'
		if object {
			objects[open>>6] |= 1 << (open & 63)
		} else {
			objects[open>>6] &^= 1 << (open & 63)
		}
		open++
		if i++; i < len(src) && src[i] <= ' ' {
			i = blank(src, i)
		}
		if i < len(src) && src[i] == c+2 { // } is two behind {, and ] behind [
			goto closing
		}
	element:
		if object {
			if i >= len(src) {
				return i, fail(i, endOfText)
			}
			if src[i] != '"' {
				return i, fail(i, noKey)
			}
			end, err := skipString(src, i, strict)
			if err != nil {
				return end, err
			}
			if i = end; i < len(src) && src[i] != ':' {
				i = blank(src, i)
			}
			if i >= len(src) {
				return i, fail(i, endOfText)
			}
			if src[i] != ':' {
				return i, fail(i, noColon)
			}
			if i++; i < len(src) && src[i] <= ' ' {
				i = blank(src, i)
			}
		}
		if i >= len(src) {
			return i, fail(i, endOfText)
		}
		switch src[i] {
		case '{', '[':
			continue
		case '"':
			end, err := skipString(src, i, strict)
			if err != nil {
				return end, err
			}
			i = end
		default:
			end, _, err := word(src, i)
			if err != nil {
				return end, err
			}
			i = end
		}
	after:
		if i < len(src) && src[i] <= ' ' {
			i = blank(src, i)
		}
		if i >= len(src) {
			return i, fail(i, endOfText)
		}
		switch src[i] {
		case ',':
			if i++; i < len(src) && src[i] <= ' ' {
				i = blank(src, i)
			}
			goto element
		case '}':
			if !object {
				return i, fail(i, noCommaList)
			}
		case ']':
			if object {
				return i, fail(i, noComma)
			}
		default:
			if object {
				return i, fail(i, noComma)
			}
			return i, fail(i, noCommaList)
		}
	closing:
		i++
		if open--; open == 0 {
			return i, nil
		}
		object = objects[(open-1)>>6]>>((open-1)&63)&1 == 1
		goto after
	}
}

// skipString returns the end of the string at i.
func skipString(src []byte, i int, strict bool) (int, error) {
	end := stringEnd(src, i+1)
	if end < 0 {
		return len(src), fail(len(src), endOfString)
	}
	if strict {
		if err := checkString(src, i+1, end); err != nil {
			return end, err
		}
	}
	return end + 1, nil
}

// checkString checks the text of a string, from start to end.
func checkString(src []byte, start, end int) error {
	for i := start; i < end; i++ {
		switch c := src[i]; {
		case c < ' ':
			return fail(i, rawControl)
		case c == '\\':
			i++ // stringEnd has seen to it that a byte follows
			switch src[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if _, ok := hex4(src[i+1 : end]); !ok {
					return fail(i-1, badEscape)
				}
				i += 4
			default:
				return fail(i-1, badEscape)
			}
		}
	}
	return nil
}

// Valid checks that the whole text is one JSON value of any kind, strings and
// their escapes included, as RFC 8259 has it; what Scan does not look at. The
// error is a *SyntaxError. Bytes that are not UTF-8 are let pass: they become
// U+FFFD where text is taken.
func Valid(text []byte) error {
	i := blank(text, 0)
	if i >= len(text) {
		return fail(i, endOfText)
	}
	var err error
	switch text[i] {
	case '{', '[':
		i, err = skipContainer(text, i, 0, true)
	case '"':
		i, err = skipString(text, i, true)
	default:
		i, _, err = word(text, i)
	}
	if err != nil {
		return err
	}
	if i = blank(text, i); i < len(text) {
		return fail(i, textAfter)
	}
	return nil
}

// End returns where the object or array ends that stands at text[i]. What comes after it is
// not looked at, nor what strings hold. The error is a *SyntaxError; end is then how far
// the text was read.
func End(text []byte, i int) (end int, err error) {
	if i >= len(text) || text[i] != '{' && text[i] != '[' {
		return i, fail(i, noValue)
	}
	return skipContainer(text, i, 0, false)
}
