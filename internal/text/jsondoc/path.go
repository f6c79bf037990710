package jsondoc

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Path is a compiled JSONPath as the json operator takes it: a.b, a[0].b,
// ['odd key'], $, @, .., *, [a,b], [1:3], [-1], [?(@.x == 'y')], and length()
// at the end. Letter case of keys counts. A Path is safe for use by several
// goroutines.
type Path struct {
	way   []way  // the keys and indexes that it starts with
	steps []step // the rest
	// definite says that the path leads to one value at most; others give a
	// JSON array.
	definite bool
}

// Key is the key that the path is, where it is one and nothing else.
func (p *Path) Key() (key string, ok bool) {
	if len(p.way) != 1 || len(p.steps) > 0 || p.way[0].index >= 0 {
		return "", false
	}
	return p.way[0].key, true
}

// way is one step to one value: a key, or an index when key is "" and index >= 0.
type way struct {
	key   string
	index int // -1 for a key
}

type stepKind uint8

const (
	stepKeys    stepKind = iota // one or more keys
	stepIndexes                 // one or more indexes
	stepSlice                   // [from:to:by]
	stepAll                     // *
	stepDeep                    // .. : the value and all below it
	stepTest                    // [?(...)]
	stepLength                  // length()
)

type step struct {
	kind    stepKind
	keys    []string
	indexes []int
	from    *int
	to      *int
	by      int
	test    condition
}

// PathError is a path that cannot be read.
type PathError struct {
	Offset int // bytes from the start of the path
	Reason string
}

func (e *PathError) Error() string { return e.Reason }

// CompilePath reads a path. The error is a *PathError.
func CompilePath(text string) (*Path, error) {
	r := &pathReader{s: text}
	r.blank()
	p, err := r.path(true)
	if err != nil {
		return nil, err
	}
	r.blank()
	if r.i < len(r.s) {
		return nil, r.fail("%q cannot be read here", clip(r.s[r.i:]))
	}
	return p, nil
}

// clip shortens text for a message.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

type pathReader struct {
	s     string
	i     int
	depth int // of parentheses and of paths in conditions
}

func (r *pathReader) fail(format string, args ...any) error {
	return &PathError{r.i, fmt.Sprintf(format, args...)}
}

func (r *pathReader) blank() {
	for r.i < len(r.s) && r.s[r.i] == ' ' {
		r.i++
	}
}

func (r *pathReader) has(text string) bool { return strings.HasPrefix(r.s[r.i:], text) }

// path reads steps until something that is none. whole says that the path is
// all of the text, so that a key may hold blanks and signs.
func (r *pathReader) path(whole bool) (*Path, error) {
	p := &Path{definite: true}
	start := r.i
	rooted := false
	if r.has("$") || r.has("@") {
		if next := r.s[r.i+1:]; next == "" || strings.IndexByte(".[* )=!<>&|,]", next[0]) >= 0 {
			rooted = true
			r.i++
		}
	}
	if !rooted && r.i < len(r.s) && r.s[r.i] != '[' && r.s[r.i] != '.' {
		if err := r.name(p, whole); err != nil {
			return nil, err
		}
	}
	for r.i < len(r.s) {
		if len(p.steps) > stepsMax {
			return nil, r.fail("the path has more than %d steps", stepsMax)
		}
		if n := len(p.steps); n > 0 && p.steps[n-1].kind == stepLength {
			break
		}
		switch {
		case r.has(".."):
			r.i += 2
			p.add(step{kind: stepDeep})
			if r.has("[") {
				break
			}
			if err := r.name(p, whole); err != nil {
				return nil, err
			}
		case r.has(".["): // a.[0], as published queries write it
			r.i++
		case r.has("."):
			r.i++
			if err := r.name(p, whole); err != nil {
				return nil, err
			}
		case r.has("["):
			if err := r.bracket(p); err != nil {
				return nil, err
			}
		case r.has("*") && r.i > start: // ['a']*['b'], likewise
			r.i++
			p.add(step{kind: stepAll})
		default:
			return r.done(p, start, rooted)
		}
	}
	return r.done(p, start, rooted)
}

// done splits off the part of the path that leads to one value.
func (r *pathReader) done(p *Path, start int, rooted bool) (*Path, error) {
	if len(p.steps) == 0 && !rooted {
		r.i = start
		return nil, r.fail("the path is empty")
	}
	for len(p.steps) > 0 {
		switch st := p.steps[0]; {
		case st.kind == stepKeys && len(st.keys) == 1:
			p.way = append(p.way, way{st.keys[0], -1})
		case st.kind == stepIndexes && len(st.indexes) == 1 && st.indexes[0] >= 0:
			p.way = append(p.way, way{"", st.indexes[0]})
		default:
			return p, nil
		}
		p.steps = p.steps[1:]
	}
	return p, nil
}

func (p *Path) add(st step) {
	switch st.kind {
	case stepAll, stepSlice, stepDeep, stepTest:
		p.definite = false
	default:
		if len(st.keys)+len(st.indexes) > 1 {
			p.definite = false
		}
	}
	p.steps = append(p.steps, st)
}

// name reads a key that stands without quotes: up to the next . or [.
func (r *pathReader) name(p *Path, whole bool) error {
	start := r.i
	for r.i < len(r.s) {
		c := r.s[r.i]
		if c == '.' || c == '[' || !whole && strings.IndexByte(" =!<>()&|,~]", c) >= 0 {
			break
		}
		r.i++
	}
	name := r.s[start:r.i]
	if !whole && r.has("()") {
		r.i += 2
		name += "()"
	}
	switch f, call := strings.CutSuffix(name, "()"); {
	case name == "":
		return r.fail("a key should stand here")
	case name == "*":
		p.add(step{kind: stepAll})
	case call && f == "length":
		p.add(step{kind: stepLength})
	case call:
		r.i = start
		return r.fail("%s is no function of a path; there is length(). A key of that name is written ['%s']", clip(name), clip(name))
	default:
		p.add(step{kind: stepKeys, keys: []string{name}})
	}
	return nil
}

// bracket reads [...].
func (r *pathReader) bracket(p *Path) error {
	open := r.i
	r.i++
	r.blank()
	if r.has("?") {
		return r.filter(p)
	}
	st := step{by: 1}
	for {
		if err := r.selector(&st); err != nil {
			return err
		}
		r.blank()
		switch {
		case r.has(","):
			if st.kind != stepKeys && st.kind != stepIndexes {
				return r.fail("only keys and indexes may be listed")
			}
			r.i++
			r.blank()
		case r.has("]"):
			r.i++
			p.add(st)
			return nil
		case r.i >= len(r.s):
			r.i = open
			return r.fail("[ is not closed")
		default:
			return r.fail("] should stand here")
		}
	}
}

// selector reads one element of the list between brackets.
func (r *pathReader) selector(st *step) error {
	listed := len(st.keys) + len(st.indexes)
	if r.i < len(r.s) && (r.s[r.i] == '\'' || r.s[r.i] == '"') {
		if len(st.indexes) > 0 {
			return r.fail("a list holds keys or indexes, not both")
		}
		key, err := r.quoted()
		if err != nil {
			return err
		}
		st.kind, st.keys = stepKeys, append(st.keys, key)
		return nil
	}
	start := r.i
	for r.i < len(r.s) && r.s[r.i] != ',' && r.s[r.i] != ']' {
		r.i++
	}
	word := strings.TrimRight(r.s[start:r.i], " ")
	refuse := func(format string, args ...any) error {
		r.i = start
		return r.fail(format, args...)
	}
	switch {
	case word == "":
		return refuse("[] names nothing; write an index such as [0], or [*]")
	case word == "*" && listed == 0:
		st.kind = stepAll
		return nil
	case strings.Contains(word, ":"):
		if listed > 0 {
			return refuse("only keys and indexes may be listed")
		}
		st.kind = stepSlice
		parts := strings.Split(word, ":")
		if len(parts) > 3 {
			return refuse("%s is no range of indexes; write [1:3], [1:] or [-2:]", clip(word))
		}
		for i, part := range parts {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			n, err := strconv.Atoi(part)
			if err != nil || i == 2 && n <= 0 {
				return refuse("%s is no range of indexes; write [1:3], [1:] or [-2:]", clip(word))
			}
			switch i {
			case 0:
				st.from = &n
			case 1:
				st.to = &n
			case 2:
				st.by = n
			}
		}
		return nil
	}
	n, err := strconv.Atoi(word)
	if err != nil { // a key without quotes
		if len(st.indexes) > 0 {
			return refuse("a list holds keys or indexes, not both")
		}
		st.kind, st.keys = stepKeys, append(st.keys, word)
		return nil
	}
	if len(st.keys) > 0 {
		return refuse("a list holds keys or indexes, not both")
	}
	st.kind, st.indexes = stepIndexes, append(st.indexes, n)
	return nil
}

// quoted reads text in single or double quotes, in which a backslash keeps the
// next character.
func (r *pathReader) quoted() (string, error) {
	var b strings.Builder
	quote := r.s[r.i]
	for j := r.i + 1; j < len(r.s); j++ {
		switch c := r.s[j]; {
		case c == quote:
			r.i = j + 1
			return b.String(), nil
		case c == '\\' && j+1 < len(r.s) && (r.s[j+1] == '\\' || r.s[j+1] == '\'' || r.s[j+1] == '"'):
			j++
			b.WriteByte(r.s[j])
		default:
			b.WriteByte(c)
		}
	}
	return "", r.fail("the text is not closed")
}

// filter reads ?(condition)].
func (r *pathReader) filter(p *Path) error {
	open := r.i
	r.i++
	r.blank()
	c, err := r.either()
	if err != nil {
		return err
	}
	r.blank()
	if !r.has("]") {
		if r.i >= len(r.s) {
			r.i = open
			return r.fail("the condition is not closed; it has the form [?(@.key == 'value')]")
		}
		return r.fail("the condition cannot be read here; it has the form [?(@.key == 'value')]")
	}
	r.i++
	p.add(step{kind: stepTest, test: c})
	return nil
}

// either reads conditions joined by ||.
func (r *pathReader) either() (condition, error) {
	c, err := r.both()
	for err == nil {
		if r.blank(); !r.has("||") {
			return c, nil
		}
		r.i += 2
		var d condition
		d, err = r.both()
		c = or{c, d}
	}
	return nil, err
}

// both reads conditions joined by &&.
func (r *pathReader) both() (condition, error) {
	c, err := r.one()
	for err == nil {
		if r.blank(); !r.has("&&") {
			return c, nil
		}
		r.i += 2
		var d condition
		d, err = r.one()
		c = and{c, d}
	}
	return nil, err
}

// one reads a comparison, a condition in parentheses, or the negation of one.
func (r *pathReader) one() (condition, error) {
	if r.depth++; r.depth > testDepthMax {
		return nil, r.fail("conditions are nested more than %d deep", testDepthMax)
	}
	defer func() { r.depth-- }()
	r.blank()
	switch {
	case r.has("!"):
		r.i++
		c, err := r.one()
		return not{c}, err
	case r.has("("):
		open := r.i
		r.i++
		c, err := r.either()
		if err != nil {
			return nil, err
		}
		if r.blank(); !r.has(")") {
			if r.i >= len(r.s) {
				r.i = open
				return nil, r.fail("( is not closed")
			}
			return nil, r.fail("the condition cannot be read here; it has the form [?(@.key == 'value')]")
		}
		r.i++
		return c, nil
	}
	return r.comparison()
}

func (r *pathReader) comparison() (condition, error) {
	left, err := r.operand()
	if err != nil {
		return nil, err
	}
	r.blank()
	for _, op := range []string{"==", "!=", "<=", ">=", "=~", "<", ">", "in ", "in[", "nin ", "nin["} {
		if !r.has(op) {
			continue
		}
		op = strings.TrimRight(op, " [")
		r.i += len(op)
		r.blank()
		c := comparison{left: left, op: op}
		switch op {
		case "=~":
			c.re, err = r.regexp()
		case "in", "nin":
			c.list, err = r.list()
		default:
			c.right, err = r.operand()
		}
		return c, err
	}
	if left.path == nil {
		return nil, r.fail("== or another comparison should stand here")
	}
	return exists{left}, nil
}

// operand reads @.path, a text in quotes, a number, true, false or null.
func (r *pathReader) operand() (operand, error) {
	if r.i >= len(r.s) {
		return operand{}, r.fail("@.key or a value should stand here")
	}
	switch r.s[r.i] {
	case '@':
		p, err := r.path(false)
		return operand{path: p}, err
	case '$':
		return operand{}, r.fail("a condition looks at @, the element, and not at $")
	case '\'', '"':
		s, err := r.quoted()
		return literal(String, s), err
	}
	start := r.i
	for r.i < len(r.s) && strings.IndexByte(" )&|,]=!<>", r.s[r.i]) < 0 {
		r.i++
	}
	word := r.s[start:r.i]
	k, ok := scalar([]byte(word))
	if !ok {
		r.i = start
		return operand{}, r.fail("%q is no value; write @.key, 'text', a number, true, false or null", clip(word))
	}
	return literal(k, word), nil
}

// list reads ['a', 'b', 3].
func (r *pathReader) list() ([]operand, error) {
	if !r.has("[") {
		return nil, r.fail("a list such as ['a', 'b'] should stand here")
	}
	r.i++
	var out []operand
	for {
		r.blank()
		if r.has("]") && len(out) == 0 {
			r.i++
			return out, nil
		}
		o, err := r.operand()
		if err != nil {
			return nil, err
		}
		out = append(out, o)
		r.blank()
		switch {
		case r.has(","):
			r.i++
		case r.has("]"):
			r.i++
			return out, nil
		default:
			return nil, r.fail("the list is not closed")
		}
	}
}

// regexp reads /pattern/ or /pattern/i.
func (r *pathReader) regexp() (*regexp.Regexp, error) {
	if !r.has("/") {
		return nil, r.fail("a pattern such as /a.*/ should stand here")
	}
	start := r.i
	for j := r.i + 1; j < len(r.s); j++ {
		switch r.s[j] {
		case '\\':
			j++
		case '/':
			pattern := strings.ReplaceAll(r.s[start+1:j], `\/`, "/")
			r.i = j + 1
			if r.has("i") {
				r.i++
				pattern = "(?i)" + pattern
			}
			re, err := regexp.Compile("^(?:" + pattern + ")$")
			if err != nil {
				r.i = start
				return nil, r.fail("the pattern cannot be read: %v", err)
			}
			return re, nil
		}
	}
	return nil, r.fail("the pattern is not closed")
}
