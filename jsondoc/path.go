package jsondoc

import (
	"fmt"
	"strconv"
	"strings"
)

// Path is a compiled JSONPath as the json operator takes it: a.b, a[0].b,
// ['odd key'], $, .., *, [a,b], [1:3], [-1], [?(@.x == 'y')].
type Path struct {
	steps    []step
	definite bool // leads to one value at most
}

type stepKind uint8

const (
	stepKeys    stepKind = iota // one or more keys
	stepIndexes                 // one or more indexes
	stepSlice                   // [from:to:by]
	stepAll                     // *
	stepDeep                    // .. : the value and all below it
	stepTest                    // [?(...)]
)

type step struct {
	kind    stepKind
	keys    []string
	indexes []int
	from    *int
	to      *int
	by      int
	test    *test
}

// test is a filter expression: alternatives of conjunctions of comparisons.
type test struct {
	or [][]comparison
}

type comparison struct {
	path *Path
	op   string // "" asks only whether the path exists
	want string
	num  bool
}

// PathError is a path that cannot be read.
type PathError struct {
	Offset int
	Reason string
}

func (e *PathError) Error() string { return e.Reason }

// CompilePath reads a path.
func CompilePath(text string) (*Path, error) {
	r := &pathReader{s: text}
	p, err := r.path(true)
	if err != nil {
		return nil, err
	}
	if r.i < len(r.s) {
		return nil, r.fail("%q cannot be read here", r.s[r.i:])
	}
	if len(p.steps) == 0 && !strings.Contains(text, "$") && !strings.Contains(text, "@") {
		return nil, r.fail("the path is empty")
	}
	return p, nil
}

type pathReader struct {
	s string
	i int
}

func (r *pathReader) fail(format string, args ...any) error {
	return &PathError{r.i, fmt.Sprintf(format, args...)}
}

// path reads steps until something that is none.
func (r *pathReader) path(whole bool) (*Path, error) {
	p := &Path{definite: true}
	if r.i < len(r.s) && (r.s[r.i] == '$' || r.s[r.i] == '@') && (r.i+1 == len(r.s) || strings.ContainsRune(".[ )=!<>&|", rune(r.s[r.i+1]))) {
		r.i++
	} else if whole && r.i < len(r.s) && r.s[r.i] != '[' && r.s[r.i] != '.' {
		if err := r.name(p, whole); err != nil {
			return nil, err
		}
	}
	for r.i < len(r.s) {
		switch {
		case strings.HasPrefix(r.s[r.i:], ".."):
			r.i += 2
			p.steps = append(p.steps, step{kind: stepDeep})
			p.definite = false
			if r.i < len(r.s) && r.s[r.i] != '[' {
				if err := r.name(p, whole); err != nil {
					return nil, err
				}
			}
		case r.s[r.i] == '.':
			r.i++
			if r.i < len(r.s) && r.s[r.i] == '[' {
				continue
			}
			if err := r.name(p, whole); err != nil {
				return nil, err
			}
		case r.s[r.i] == '[':
			if err := r.bracket(p); err != nil {
				return nil, err
			}
		default:
			return p, nil
		}
	}
	return p, nil
}

// name reads a key that stands without quotes: up to the next . or [.
func (r *pathReader) name(p *Path, whole bool) error {
	start := r.i
	for r.i < len(r.s) {
		c := r.s[r.i]
		if c == '.' || c == '[' || !whole && strings.IndexByte(" =!<>()&|", c) >= 0 {
			break
		}
		r.i++
	}
	name := r.s[start:r.i]
	switch name {
	case "":
		return r.fail("a key should stand here")
	case "*":
		p.steps = append(p.steps, step{kind: stepAll})
		p.definite = false
	default:
		p.steps = append(p.steps, step{kind: stepKeys, keys: []string{name}})
	}
	return nil
}

func (r *pathReader) blank() {
	for r.i < len(r.s) && r.s[r.i] == ' ' {
		r.i++
	}
}

func (r *pathReader) bracket(p *Path) error {
	r.i++ // [
	r.blank()
	if strings.HasPrefix(r.s[r.i:], "?") {
		return r.filter(p)
	}
	end := -1
	quote := byte(0)
	for j := r.i; j < len(r.s); j++ {
		c := r.s[j]
		switch {
		case quote != 0:
			if c == '\\' {
				j++
			} else if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == ']':
			end = j
		}
		if end >= 0 {
			break
		}
	}
	if end < 0 {
		return r.fail("[ is not closed")
	}
	inner := r.s[r.i:end]
	st, err := r.selector(inner)
	if err != nil {
		return err
	}
	r.i = end + 1
	if st.kind == stepAll || st.kind == stepSlice || len(st.keys)+len(st.indexes) > 1 {
		p.definite = false
	}
	p.steps = append(p.steps, st)
	return nil
}

// selector reads what stands between brackets.
func (r *pathReader) selector(inner string) (step, error) {
	trimmed := strings.TrimSpace(inner)
	if trimmed == "*" {
		return step{kind: stepAll}, nil
	}
	if trimmed == "" {
		return step{}, r.fail("[] names nothing; write an index such as [0], or [*]")
	}
	if !strings.ContainsAny(trimmed, `'"`) && strings.Contains(trimmed, ":") {
		st := step{kind: stepSlice, by: 1}
		for i, part := range strings.Split(trimmed, ":") {
			part = strings.TrimSpace(part)
			if part == "" {
				continue
			}
			n, err := strconv.Atoi(part)
			if err != nil || i > 2 || i == 2 && n <= 0 {
				return step{}, r.fail("[%s] is no range of indexes", inner)
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
		return st, nil
	}
	var st step
	for _, part := range splitCommas(trimmed) {
		part = strings.TrimSpace(part)
		if len(part) >= 2 && (part[0] == '\'' || part[0] == '"') && part[len(part)-1] == part[0] {
			key := strings.NewReplacer(`\'`, `'`, `\"`, `"`, `\\`, `\`).Replace(part[1 : len(part)-1])
			st.keys = append(st.keys, key)
			continue
		}
		n, err := strconv.Atoi(part)
		if err != nil {
			st.keys = append(st.keys, part)
			continue
		}
		st.kind = stepIndexes
		st.indexes = append(st.indexes, n)
	}
	if len(st.keys) > 0 && len(st.indexes) > 0 {
		return step{}, r.fail("[%s] mixes keys and indexes", inner)
	}
	return st, nil
}

func splitCommas(s string) []string {
	var out []string
	quote, start := byte(0), 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == ',':
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

// filter reads ?(@.x == 'y' && ...).
func (r *pathReader) filter(p *Path) error {
	r.i++ // ?
	r.blank()
	if r.i >= len(r.s) || r.s[r.i] != '(' {
		return r.fail("( should stand behind ?")
	}
	r.i++
	t := &test{or: [][]comparison{nil}}
	for {
		r.blank()
		c, err := r.comparison()
		if err != nil {
			return err
		}
		n := len(t.or) - 1
		t.or[n] = append(t.or[n], c)
		r.blank()
		switch {
		case strings.HasPrefix(r.s[r.i:], "&&"):
			r.i += 2
		case strings.HasPrefix(r.s[r.i:], "||"):
			r.i += 2
			t.or = append(t.or, nil)
		case strings.HasPrefix(r.s[r.i:], ")]"):
			r.i += 2
			p.steps = append(p.steps, step{kind: stepTest, test: t})
			p.definite = false
			return nil
		default:
			return r.fail("the condition cannot be read here; it has the form ?(@.key == 'value')")
		}
	}
}

func (r *pathReader) comparison() (comparison, error) {
	if r.i >= len(r.s) || r.s[r.i] != '@' {
		return comparison{}, r.fail("a condition starts with @")
	}
	p, err := r.path(false)
	if err != nil {
		return comparison{}, err
	}
	c := comparison{path: p}
	r.blank()
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if !strings.HasPrefix(r.s[r.i:], op) {
			continue
		}
		r.i += len(op)
		r.blank()
		c.op = op
		if r.i < len(r.s) && (r.s[r.i] == '\'' || r.s[r.i] == '"') {
			end := strings.IndexByte(r.s[r.i+1:], r.s[r.i])
			if end < 0 {
				return c, r.fail("the text is not closed")
			}
			c.want = r.s[r.i+1 : r.i+1+end]
			r.i += end + 2
			return c, nil
		}
		start := r.i
		for r.i < len(r.s) && strings.IndexByte(" )&|", r.s[r.i]) < 0 {
			r.i++
		}
		if c.want = r.s[start:r.i]; c.want == "" {
			return c, r.fail("a value should stand behind %s", op)
		}
		_, err := strconv.ParseFloat(c.want, 64)
		c.num = err == nil
		return c, nil
	}
	return c, nil
}

// Eval follows the path into a JSON text. A path that may lead to several
// values gives them as a JSON array, in original spelling; found is then true
// when there is at least one.
func (p *Path) Eval(text []byte) (v Value, found bool) {
	s := Scanner{src: text}
	s.blank()
	root, ok := s.whole()
	if !ok {
		return Value{}, false
	}
	if p.definite {
		for i := range p.steps {
			next := p.steps[i].apply(root, nil)
			if len(next) == 0 {
				return Value{}, false
			}
			root = next[0]
		}
		return root, true
	}
	vals := []Value{root}
	for i := range p.steps {
		var next []Value
		for _, v := range vals {
			next = p.steps[i].apply(v, next)
		}
		vals = next
	}
	if len(vals) == 0 {
		return Value{}, false
	}
	out := []byte{'['}
	for i, v := range vals {
		if i > 0 {
			out = append(out, ',')
		}
		if v.Kind == String {
			out = append(append(append(out, '"'), v.Raw...), '"')
		} else {
			out = append(out, v.Raw...)
		}
	}
	return Value{Container, append(out, ']')}, true
}

// whole reads the value at i; containers as text.
func (s *Scanner) whole() (Value, bool) {
	if s.i >= len(s.src) {
		return Value{}, false
	}
	start := s.i
	switch s.src[s.i] {
	case '{', '[':
		if s.skipContainer() != nil {
			return Value{}, false
		}
		return Value{Container, s.src[start:s.i]}, true
	case '"':
		raw, _, err := s.skipString()
		return Value{String, raw}, err == nil
	}
	for s.i < len(s.src) {
		if c := s.src[s.i]; c == ',' || c == '}' || c == ']' || c <= ' ' {
			break
		}
		s.i++
	}
	k, ok := scalar(s.src[start:s.i])
	return Value{k, s.src[start:s.i]}, ok
}

// members calls each for the members of an object or array, keys undone of
// their escapes ("" for elements), until it returns false.
func (v Value) members(each func(key string, i int, v Value) bool) {
	if v.Kind != Container {
		return
	}
	s := Scanner{src: v.Raw, i: 1}
	object := v.Raw[0] == '{'
	for n := 0; ; n++ {
		s.blank()
		if s.i >= len(s.src) || s.src[s.i] == '}' || s.src[s.i] == ']' {
			return
		}
		if s.src[s.i] == ',' {
			s.i++
			s.blank()
		}
		key := ""
		if object {
			if s.i >= len(s.src) || s.src[s.i] != '"' {
				return
			}
			raw, _, err := s.skipString()
			if err != nil {
				return
			}
			key = string(Unescape(nil, raw))
			s.blank()
			if s.i >= len(s.src) || s.src[s.i] != ':' {
				return
			}
			s.i++
			s.blank()
		}
		w, ok := s.whole()
		if !ok || !each(key, n, w) {
			return
		}
	}
}

func (v Value) isObject() bool { return v.Kind == Container && v.Raw[0] == '{' }
func (v Value) isArray() bool  { return v.Kind == Container && v.Raw[0] == '[' }

// apply appends what a step leads to from v.
func (st *step) apply(v Value, out []Value) []Value {
	switch st.kind {
	case stepKeys:
		if !v.isObject() {
			return out
		}
		for _, k := range st.keys {
			var last Value
			v.members(func(key string, _ int, w Value) bool {
				if key == k {
					last = w
				}
				return true
			})
			if last.Kind != Missing {
				out = append(out, last)
			}
		}
	case stepIndexes, stepSlice:
		if !v.isArray() {
			return out
		}
		var all []Value
		v.members(func(_ string, _ int, w Value) bool {
			all = append(all, w)
			return true
		})
		if st.kind == stepIndexes {
			for _, i := range st.indexes {
				if i < 0 {
					i += len(all)
				}
				if i >= 0 && i < len(all) {
					out = append(out, all[i])
				}
			}
			return out
		}
		from, to := 0, len(all)
		if st.from != nil {
			if from = *st.from; from < 0 {
				from = max(from+len(all), 0)
			}
		}
		if st.to != nil {
			if to = *st.to; to < 0 {
				to += len(all)
			}
		}
		for i := from; i < min(to, len(all)); i += st.by {
			out = append(out, all[i])
		}
	case stepAll:
		v.members(func(_ string, _ int, w Value) bool {
			out = append(out, w)
			return true
		})
	case stepDeep:
		out = append(out, v)
		v.members(func(_ string, _ int, w Value) bool {
			if w.Kind == Container {
				out = st.apply(w, out)
			}
			return true
		})
	case stepTest:
		v.members(func(_ string, _ int, w Value) bool {
			if st.test.holds(w) {
				out = append(out, w)
			}
			return true
		})
	}
	return out
}

func (t *test) holds(v Value) bool {
	for _, and := range t.or {
		all := true
		for _, c := range and {
			all = all && c.holds(v)
		}
		if all {
			return true
		}
	}
	return false
}

func (c comparison) holds(v Value) bool {
	got, ok := v, true
	for i := range c.path.steps {
		next := c.path.steps[i].apply(got, nil)
		if ok = len(next) > 0; !ok {
			break
		}
		got = next[0]
	}
	if c.op == "" {
		return ok
	}
	if !ok {
		return c.op == "!="
	}
	text := string(got.AppendText(nil))
	if c.num {
		x, err := strconv.ParseFloat(text, 64)
		y, _ := strconv.ParseFloat(c.want, 64)
		if err == nil {
			switch c.op {
			case "==":
				return x == y
			case "!=":
				return x != y
			case "<":
				return x < y
			case "<=":
				return x <= y
			case ">":
				return x > y
			}
			return x >= y
		}
	}
	switch c.op {
	case "==":
		return text == c.want
	case "!=":
		return text != c.want
	case "<":
		return text < c.want
	case "<=":
		return text <= c.want
	case ">":
		return text > c.want
	}
	return text >= c.want
}
