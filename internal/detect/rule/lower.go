package rule

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/sigma"
)

// lowering makes one rule's expression.
type lowering struct {
	sc      *Scope
	rule    *Rule
	meta    *sigma.Meta // of the document at hand: the rule, or a filter
	problem *diag.Diagnostic
	key     []byte   // of the test at hand
	pieces  []string // of the value at hand
}

func (l *lowering) condition(x sigma.Expr) expr.Expr {
	list := func(of []sigma.Expr) (out []expr.Expr) {
		for _, y := range of {
			out = append(out, l.condition(y))
		}
		return out
	}
	switch x := x.(type) {
	case *sigma.And:
		return and(list(x.Of))
	case *sigma.Or:
		return or(list(x.Of))
	case *sigma.Not:
		return &expr.Not{X: l.condition(x.X)}
	case *sigma.Use:
		return l.item(x.Search.Item)
	case *sigma.Of:
		var of []expr.Expr
		for _, s := range x.Searches {
			of = append(of, l.item(s.Item))
		}
		if x.All {
			return and(of)
		}
		return or(of)
	}
	panic(fmt.Sprintf("bug: rule: condition %T", x))
}

func (l *lowering) item(i sigma.Item) expr.Expr {
	switch i := i.(type) {
	case *sigma.Test:
		return l.test(i)
	case *sigma.Group:
		var of []expr.Expr
		for _, j := range i.Items {
			of = append(of, l.item(j))
		}
		if i.All {
			return and(of)
		}
		return or(of)
	}
	panic(fmt.Sprintf("bug: rule: item %T", i))
}

// read reads a field by its Sigma name.
func (l *lowering) read(name string) expr.Expr {
	n := l.sc.names[name]
	for i, s := range n.slots {
		of := mapping.SigmaField(name)
		if i > 0 { // a list of digests
			of = l.sc.Layout.Name(s)
		}
		l.rule.reads(s, of)
	}
	return n.x
}

// test lowers one test. Equal tests of all rules are one expression, so that a
// Set computes them once for all.
func (l *lowering) test(t *sigma.Test) expr.Expr {
	var x expr.Expr = &expr.Field{Slot: l.sc.text, Name: "keywords"}
	name := textName
	if t.Keyword() {
		l.rule.keywords = true
	} else {
		x, name = l.read(t.Field), l.sc.names[t.Field].key
	}
	for _, v := range t.Values {
		if ref, ok := v.(sigma.FieldRef); ok {
			l.read(ref.Field)
		}
	}
	l.key = appendTestKey(l.key[:0], name, t)
	l.sc.mu.Lock()
	made, ok := l.sc.tests[string(l.key)]
	l.sc.mu.Unlock()
	if ok {
		return made
	}
	of := make([]expr.Expr, len(t.Values))
	for i, v := range t.Values {
		of[i] = l.value(t, x, v, min(i, len(t.Given)-1))
	}
	out := or(of)
	if t.All {
		out = and(of)
	}
	if t.Not {
		out = &expr.Not{X: out}
	}
	if l.problem != nil {
		return out
	}
	l.sc.mu.Lock()
	defer l.sc.mu.Unlock()
	if made, ok := l.sc.tests[string(l.key)]; ok { // by another in the meantime
		return made
	}
	l.sc.tests[string(l.key)] = out
	return out
}

// appendTestKey appends what is the same for tests that mean the same.
func appendTestKey(k []byte, name string, t *sigma.Test) []byte {
	k = append(append(k, name...), 0)
	k = strconv.AppendBool(k, t.All)
	k = strconv.AppendBool(k, t.Not)
	for _, v := range t.Values {
		k = append(k, 0)
		s, ok := v.(sigma.String)
		if !ok {
			k = fmt.Appendf(k, "%#v", v)
			continue
		}
		k = strconv.AppendBool(k, s.Cased)
		for _, p := range s.Parts {
			k = append(k, 1, byte(p.Kind))
			k = append(k, p.Text...)
		}
	}
	return k
}

// each says of which parts of the field's value one has to meet a test: one of
// several values (Sigma specification, SEP 212: implicit any-member matching), and
// the text without blanks at its ends where the field is known to be padded.
func (l *lowering) each(field string) expr.Each {
	if mapping.Padded(field) && !l.sc.Untrimmed {
		return expr.Values | expr.Trimmed
	}
	return expr.Values
}

// value lowers the comparison of a field, or of the whole event, with a value.
func (l *lowering) value(t *sigma.Test, x expr.Expr, v sigma.Value, i int) expr.Expr {
	switch v := v.(type) {
	case sigma.String:
		return l.text(t, x, v, i)
	case sigma.Number:
		if strings.ContainsAny(v.Text, ".eE") { // 1.10 is met by 1.1
			return &expr.Compare{Op: expr.Eq, X: x, Y: &expr.Const{Value: event.Number(v.Text)}, Each: l.each(t.Field)}
		}
		return l.text(t, x, sigma.String{Parts: []sigma.Part{{Kind: sigma.Literal, Text: v.Text}}}, i)
	case sigma.Bool:
		return l.text(t, x, sigma.String{Parts: []sigma.Part{{Kind: sigma.Literal, Text: strconv.FormatBool(bool(v))}}}, i)
	case sigma.Null:
		return &expr.IsNull{X: x, Each: expr.Values}
	case sigma.Exists:
		if v {
			return &expr.Not{X: &expr.IsNull{X: x}}
		}
		return &expr.IsNull{X: x}
	case sigma.Regexp:
		if n, ok := leastLength(v); ok {
			return isLong(x, n, l.each(t.Field))
		}
		re, err := match.CompileRegexp(v.Syntax())
		if err != nil {
			l.fail(t, i, "bad-regexp", "the regular expression cannot be used: %v", err)
			return &expr.Const{}
		}
		return &expr.Regexp{X: x, Re: re, Each: l.each(t.Field)}
	case sigma.CIDR:
		return inNetwork(x, v.Prefix, l.each(t.Field))
	case sigma.FieldRef:
		return refers(x, l.read(v.Field), v.Start, v.End, l.each(t.Field), l.each(v.Field))
	case sigma.Compare:
		op := map[sigma.Op]expr.Op{sigma.Lt: expr.Lt, sigma.Le: expr.Le, sigma.Gt: expr.Gt, sigma.Ge: expr.Ge}[v.Op]
		return &expr.Compare{Op: op, X: x, Y: &expr.Const{Value: event.Number(v.Number.Text)}, Each: l.each(t.Field)}
	case sigma.TimePart:
		return timePart(x, v, l.each(t.Field))
	case sigma.AnyOf:
		of := make([]expr.Expr, len(v))
		for j, w := range v {
			of[j] = l.value(t, x, w, i)
		}
		return or(of)
	}
	panic(fmt.Sprintf("bug: rule: value %T", v))
}

func (l *lowering) fail(t *sigma.Test, i int, code, format string, args ...any) {
	if l.problem == nil {
		at := t.Span
		if i >= 0 && i < len(t.Given) {
			at = t.Given[i].Span
		}
		l.problem = problem(l.meta, at, code, format, args...)
	}
}

// text lowers text with wildcards. Keywords are found anywhere in the event.
func (l *lowering) text(t *sigma.Test, x expr.Expr, s sigma.String, i int) expr.Expr {
	pieces := append(l.pieces[:0], "")
	if t.Keyword() {
		pieces = append(pieces, "")
	}
	one := false
	for _, p := range s.Parts {
		switch p.Kind {
		case sigma.Literal:
			pieces[len(pieces)-1] += p.Text
		case sigma.AnyRun:
			pieces = append(pieces, "")
		case sigma.AnyOne:
			one = true
		case sigma.Placeholder:
			l.fail(t, i, "placeholder", "the placeholder %%%s%% has no values", p.Text)
		}
	}
	if one {
		return l.single(t, x, s, i)
	}
	if t.Keyword() {
		pieces = append(pieces, "")
	}
	l.pieces = pieces
	g := &expr.Glob{X: x, Glob: match.NewGlob(pieces, !s.Cased), Each: l.each(t.Field)}
	if pieces[0] == "" && pieces[len(pieces)-1] == "" && len(pieces) > 1 {
		g.Each &^= expr.Trimmed // what is found anywhere is found in the text as it is
	}
	return g
}

// single lowers text with a ?, which stands for one character.
func (l *lowering) single(t *sigma.Test, x expr.Expr, s sigma.String, i int) expr.Expr {
	var b strings.Builder
	b.WriteString("(?s")
	if !s.Cased {
		b.WriteByte('i')
	}
	b.WriteString(")")
	if !t.Keyword() {
		b.WriteString(`\A`)
	}
	for _, p := range s.Parts {
		switch p.Kind {
		case sigma.Literal:
			b.WriteString(quoteMeta(p.Text))
		case sigma.AnyRun:
			b.WriteString(".*")
		case sigma.AnyOne:
			b.WriteByte('.')
		}
	}
	if !t.Keyword() {
		b.WriteString(`\z`)
	}
	re, err := match.CompileRegexp(b.String())
	if err != nil {
		l.fail(t, i, "bad-value", "the wildcards cannot be used: %v", err)
		return &expr.Const{}
	}
	return &expr.Regexp{X: x, Re: re, Each: l.each(t.Field)}
}

// quoteMeta makes text plain in a regular expression.
func quoteMeta(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(`\.+*?()|[]{}^$`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

var lengthOnly = match.Lazy(`^\.\{(\d{1,6}),\}$`)

// leastLength recognises a pattern that only asks for the length of a line,
// .{1000,}: an engine spends most of a hunt on one of these.
func leastLength(r sigma.Regexp) (n int, ok bool) {
	m := lengthOnly().FindStringSubmatch(r.Pattern)
	if m == nil || r.DotAll || r.Start || r.End {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil
}

// isLong is that a line of x has n characters or more.
func isLong(x expr.Expr, n int, each expr.Each) expr.Expr {
	return ofOne("length", each, func(text string) bool {
		for line := range strings.SplitSeq(text, "\n") {
			if len(line) >= n && utf8.RuneCountInString(line) >= n {
				return true
			}
		}
		return false
	}, x)
}

// ofOne is that a part of x holds.
func ofOne(name string, each expr.Each, holds func(text string) bool, x ...expr.Expr) expr.Expr {
	return &expr.Call{Name: name, Args: x, Fn: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		return event.Bool(expr.Some(args[0], each, func(v event.Value) bool { return !v.IsNull() && holds(v.Str()) })), nil
	}}
}

// inNetwork is that x is an address in a network. An IPv4 address in IPv6
// clothes is an IPv4 address.
func inNetwork(x expr.Expr, p netip.Prefix, each expr.Each) expr.Expr {
	return ofOne("cidr", each, func(text string) bool {
		a, err := netip.ParseAddr(text) // text that is no address is in no network
		return err == nil && p.Contains(a.Unmap().WithZone(""))
	}, x, &expr.Const{Value: event.Text(p.String())})
}

// refers is that x is, starts with, ends with or holds the value of another field.
func refers(x, y expr.Expr, start, end bool, eachX, eachY expr.Each) expr.Expr {
	holds := func(a, b string) bool {
		switch {
		case start && end:
			return strings.Contains(a, b)
		case start:
			return strings.HasPrefix(a, b)
		case end:
			return strings.HasSuffix(a, b)
		}
		return a == b
	}
	return &expr.Call{Name: "fieldref", Args: []expr.Expr{x, y}, Fn: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		return event.Bool(expr.Some(args[0], eachX, func(a event.Value) bool {
			return !a.IsNull() && expr.Some(args[1], eachY, func(b event.Value) bool {
				return !b.IsNull() && holds(match.Fold(a.Str()), match.Fold(b.Str()))
			})
		})), nil
	}}
}

func timePart(x expr.Expr, v sigma.TimePart, each expr.Each) expr.Expr {
	return ofOne(v.Unit.String(), each, func(text string) bool {
		ms, ok := datefmt.ParseEventTime(text)
		return ok && v.Unit.Of(time.UnixMilli(ms).UTC()) == v.Number
	}, x, &expr.Const{Value: event.Int(int64(v.Number))})
}

// same is that a field has a value, letter case aside.
func (sc *Scope) same(s event.Slot, text string) expr.Expr {
	return &expr.Glob{X: &expr.Field{Slot: s, Name: sc.Layout.Name(s)}, Glob: match.EqualFold(text)}
}

// or and and join conditions as a balanced tree: lists of a thousand hashes must
// not make a thousand levels.
func or(of []expr.Expr) expr.Expr {
	return balanced(of, func(x, y expr.Expr) expr.Expr { return &expr.Or{X: x, Y: y} })
}

func and(of []expr.Expr) expr.Expr {
	return balanced(of, func(x, y expr.Expr) expr.Expr { return &expr.And{X: x, Y: y} })
}

func balanced(of []expr.Expr, join func(x, y expr.Expr) expr.Expr) expr.Expr {
	if len(of) == 1 {
		return of[0]
	}
	half := len(of) / 2
	return join(balanced(of[:half], join), balanced(of[half:], join))
}
