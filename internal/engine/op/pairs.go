package op

import "strings"

// pairSigns are what stands between key and value, in the order in which
// keyvalue infer tries them (OP-23).
var pairSigns = []string{"=", ":", "->"}

// pairForms are how a value may stand, in the order tried: in double quotes, in
// single ones, in brackets with its key, bare.
const (
	formDouble = iota
	formSingle
	formBracket
	formBare
	formSpaced // bare, with blanks around the sign
	formEmpty
	formCount
)

// inferPair finds the value of a key in text (OP-23): every form of value with
// =, then with :, then with ->.
func inferPair(s, key string) (string, bool) {
	if key == "" || !strings.Contains(s, key) {
		return "", false
	}
	for _, sign := range pairSigns {
		for form := range formCount {
			for at := 0; ; {
				i := strings.Index(s[at:], key)
				if i < 0 {
					break
				}
				i += at
				at = i + 1
				if i > 0 && isWordByte(s[i-1]) {
					continue
				}
				if v, ok := pairValue(s, i, i+len(key), sign, form); ok {
					return v, true
				}
			}
		}
	}
	return "", false
}

// pairValue reads the value of the key at s[start:end].
func pairValue(s string, start, end int, sign string, form int) (string, bool) {
	i := end
	if start > 0 && s[start-1] == '"' { // a key in quotes, as JSON has it
		if i >= len(s) || s[i] != '"' {
			return "", false
		}
		i++
	}
	bare := i
	i = skipBlanks(s, i)
	if !strings.HasPrefix(s[i:], sign) {
		return "", false
	}
	i += len(sign)
	from := skipBlanks(s, i)
	spaced := from != i || i != bare+len(sign)
	switch form {
	case formDouble, formSingle:
		quote := byte('"')
		if form == formSingle {
			quote = '\''
		}
		if from >= len(s) || s[from] != quote {
			return "", false
		}
		return quotedPair(s, from, quote)
	case formBracket:
		if start == 0 || s[start-1] != '[' || spaced {
			return "", false
		}
		n := strings.IndexByte(s[i:], ']')
		if n < 0 {
			return "", false
		}
		return s[i : i+n], true
	case formBare:
		v := bareValue(s, i)
		return v, !spaced && v != ""
	case formSpaced:
		v := bareValue(s, from)
		return v, spaced && v != "" && !strings.Contains(v, sign)
	}
	return "", i >= len(s) || bareValue(s, i) == ""
}

// quotedPair reads a value in quotes; a backslash keeps a quote inside.
func quotedPair(s string, from int, quote byte) (string, bool) {
	for i := from + 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if i+1 < len(s) && s[i+1] == quote {
				i++
			}
		case quote:
			return s[from+1 : i], true
		}
	}
	return "", false
}

// bareValue runs to white space or to a sign that ends a value.
func bareValue(s string, from int) string {
	n := strings.IndexAny(s[from:], " \t\r\n,;]})\"")
	if n < 0 {
		n = len(s) - from
	}
	return s[from : from+n]
}

func skipBlanks(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	return i
}

func isWordByte(c byte) bool {
	return c == '_' || c-'0' < 10 || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}

// autoPairsMax is how many pairs keyvalue auto takes from a message (spec C.2).
const autoPairsMax = 100

// autoPairs calls fn for the pairs of text from left to right. sign is what
// stands between key and value; "" tries all of pairSigns.
func autoPairs(s, sign string, fn func(key, value string)) {
	signs := pairSigns
	if sign != "" {
		signs = []string{sign}
	}
	for i, n := 0, 0; i < len(s) && n < autoPairsMax; {
		if !isWordByte(s[i]) {
			i++
			continue
		}
		start := i
		for i < len(s) && (isWordByte(s[i]) || (s[i] == '.' || s[i] == '-' && !strings.HasPrefix(s[i:], "->")) && i+1 < len(s) && isWordByte(s[i+1])) {
			i++
		}
		for _, sg := range signs {
			v, end, ok := autoValue(s, start, i, sg)
			if ok {
				fn(s[start:i], v)
				n++
				i = end
				break
			}
		}
	}
}

// autoValue reads the value behind the key at s[start:end].
func autoValue(s string, start, end int, sign string) (v string, next int, ok bool) {
	i := end
	if start > 0 && s[start-1] == '"' && i < len(s) && s[i] == '"' {
		i++
	}
	at := skipBlanks(s, i)
	if !strings.HasPrefix(s[at:], sign) {
		return "", 0, false
	}
	tight := at == i
	at += len(sign)
	from := skipBlanks(s, at)
	if from < len(s) && (s[from] == '"' || s[from] == '\'') {
		if v, ok := quotedPair(s, from, s[from]); ok {
			return v, from + len(v) + 2, true
		}
	}
	v = bareValue(s, from)
	if tight && from != at && strings.Contains(v, sign) { // "a= b=2": an empty value
		return "", at, true
	}
	return v, from + len(v), v != "" || tight
}
