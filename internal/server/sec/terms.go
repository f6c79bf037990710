package sec

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A Term is one condition of a q: field:"x", field:in("a","b"), field:contains("x"),
// field:>5, field:5..9, and a - before it negates (14.4). Without a field it is text to
// be found anywhere.
type Term struct {
	Field  string
	Not    bool
	Op     string   // =, contains, >, >=, <, <=, ..
	Values []string // one or more; of .. the two ends, "" or * for open
}

// Terms reads a q.
func Terms(q string) (all []Term, err error) {
	for rest := strings.TrimSpace(q); rest != ""; rest = strings.TrimSpace(rest) {
		if word, after, _ := strings.Cut(rest, " "); strings.EqualFold(word, "AND") && len(all) > 0 {
			rest = after
			continue
		}
		var t Term
		if t, rest, err = term(rest); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

func term(s string) (t Term, rest string, err error) {
	t.Op = "="
	if strings.HasPrefix(s, "-") && len(s) > 1 {
		t.Not, s = true, s[1:]
	}
	if strings.HasPrefix(s, `"`) {
		value, rest, err := quoted(s)
		t.Op, t.Values = "contains", []string{value}
		return t, rest, err
	}
	end := strings.IndexAny(s, ": ")
	if end < 0 || s[end] == ' ' {
		if end < 0 {
			end = len(s)
		}
		t.Op, t.Values = "contains", []string{s[:end]}
		return t, s[end:], nil
	}
	t.Field, s = s[:end], s[end+1:]
	if t.Field == "" {
		return t, "", errors.New("a field's name is missing before the colon")
	}
	for _, call := range []string{"in(", "contains("} {
		if strings.HasPrefix(s, call) {
			if call == "contains(" {
				t.Op = "contains"
			}
			return values(t, s[len(call):])
		}
	}
	for _, op := range []string{">=", "<=", ">", "<"} {
		if strings.HasPrefix(s, op) {
			t.Op, s = op, s[len(op):]
			break
		}
	}
	value := ""
	if strings.HasPrefix(s, `"`) {
		value, s, err = quoted(s)
	} else {
		end := strings.IndexByte(s, ' ')
		if end < 0 {
			end = len(s)
		}
		value, s = s[:end], s[end:]
		if from, to, ok := strings.Cut(value, ".."); ok && t.Op == "=" {
			t.Op, t.Values = "..", []string{from, to}
			return t, s, nil
		}
	}
	if err == nil && value == "" && !strings.HasPrefix(s, `"`) && t.Op != "=" {
		err = fmt.Errorf("%s:%s has no value", t.Field, t.Op)
	}
	t.Values = []string{value}
	return t, s, err
}

// values reads "a","b") behind in( or contains(.
func values(t Term, s string) (Term, string, error) {
	for {
		s = strings.TrimLeft(s, " ,")
		switch {
		case s == "":
			return t, "", fmt.Errorf("the ) of %s:(...) is missing", t.Field)
		case s[0] == ')':
			if t.Values == nil {
				return t, "", fmt.Errorf("%s:(...) has no value", t.Field)
			}
			return t, s[1:], nil
		case s[0] == '"':
			value, rest, err := quoted(s)
			if err != nil {
				return t, "", err
			}
			t.Values, s = append(t.Values, value), rest
		default:
			end := strings.IndexAny(s, ",)")
			if end < 0 {
				return t, "", fmt.Errorf("the ) of %s:(...) is missing", t.Field)
			}
			t.Values, s = append(t.Values, strings.TrimSpace(s[:end])), s[end:]
		}
	}
}

// quoted reads a text in double quotes; \" and \\ are as usual.
func quoted(s string) (value, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String(), s[i+1:], nil
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", errors.New(`a " is not closed`)
}

// Holds reports whether a field with these values meets the term, letter case aside.
func (t Term) Holds(values []string) bool { return t.holds(values) != t.Not }

func (t Term) holds(values []string) bool {
	for _, v := range values {
		for i, want := range t.Values {
			switch t.Op {
			case "=":
				if strings.EqualFold(v, want) {
					return true
				}
			case "contains":
				if strings.Contains(strings.ToLower(v), strings.ToLower(want)) {
					return true
				}
			case "..":
				if i == 0 && atLeast(v, want) && atLeast(t.Values[1], v) {
					return true
				}
			default:
				c, ok := compare(v, want)
				if ok && (c > 0 && t.Op[0] == '>' || c < 0 && t.Op[0] == '<' || c == 0 && len(t.Op) == 2) {
					return true
				}
			}
		}
	}
	return false
}

// atLeast reports whether a is not before b; an open end is.
func atLeast(a, b string) bool {
	if a == "" || a == "*" || b == "" || b == "*" {
		return true
	}
	c, ok := compare(a, b)
	return ok && c >= 0
}

// compare compares numbers as such, and other text, such as ISO times, as text.
func compare(a, b string) (c int, ok bool) {
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	switch {
	case err1 == nil && err2 == nil && x < y:
		return -1, true
	case err1 == nil && err2 == nil && x > y:
		return 1, true
	case err1 == nil && err2 == nil:
		return 0, x == y
	case err1 == nil || err2 == nil:
		return 0, false
	}
	return strings.Compare(a, b), true
}
