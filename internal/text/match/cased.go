package match

import "strings"

// cased is a literal looked for as it is written, by its rarest byte: most texts
// do not have it, and are done with after one call.
type cased struct {
	text string
	rare int // place of that byte
}

// casedTries is how many times the rare byte may be met in other company before
// the search is left to strings.Index, which takes linear time.
const casedTries = 8

func newCased(text string) cased {
	c := cased{text: text}
	for i := range len(text) {
		if commonness(text[i]) < commonness(text[c.rare]) {
			c.rare = i
		}
	}
	return c
}

// in reports whether c stands in s.
func (c *cased) in(s string) bool {
	if c.text == "" {
		return true
	}
	for range casedTries {
		if len(s) < len(c.text) {
			return false
		}
		at := strings.IndexByte(s[c.rare:len(s)-len(c.text)+c.rare+1], c.text[c.rare])
		if at < 0 {
			return false
		}
		if s[at:at+len(c.text)] == c.text {
			return true
		}
		s = s[at+1:]
	}
	return strings.Contains(s, c.text)
}
