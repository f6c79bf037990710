package rule

import (
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/fn"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
	"github.com/gyoji-dev/gyoji/siem"
)

// isFields reports whether a name is that of the map of raw keys; _raw is another
// name of it.
func isFields(name string) bool { return name == "fields" || name == "_raw" }

// raw reports whether a node is a raw key or a part of one.
func (l *siemLowering) raw(x *siem.Index) bool {
	for {
		switch y := x.X.(type) {
		case *siem.Index:
			x = y
		case *siem.Name:
			return isFields(y.Name)
		default:
			return false
		}
	}
}

// index lowers fields['EventData.Image'], arr[0], map['k'] and struct.name (4.7).
func (l *siemLowering) index(x *siem.Index) expr.Expr {
	var keys []expr.Expr
	var root siem.Node = x
	for {
		y, ok := root.(*siem.Index)
		if !ok {
			break
		}
		keys = append(keys, expr.Fold(l.lower(y.Key)))
		root = y.X
	}
	slices.Reverse(keys)
	name, ok := root.(*siem.Name)
	if !ok {
		return l.fail(x.Span, "no-parts", "only an attribute has parts: fields['EventData.Image'], listMatches[0]")
	}
	var of expr.Expr
	if isFields(name.Name) {
		var texts []string
		for _, k := range keys {
			c, ok := k.(*expr.Const)
			if !ok || c.Value.Kind() != event.String {
				break
			}
			texts = append(texts, c.Value.Str())
		}
		if len(texts) == 0 {
			return l.fail(x.Span, "unsupported", "the key of %s must be a text in quotes: fields['EventData.Image']", name.Name)
		}
		of, keys = l.key(texts, func(rest []string) (func(event.Value) event.Value, error) {
			return func(v event.Value) event.Value {
				for _, k := range rest {
					v = fn.Part(v, event.Text(k))
				}
				return v
			}, nil
		}), keys[len(texts):]
	} else {
		of = l.attribute(name)
	}
	for _, k := range keys {
		of = siemCall("part", func(args []event.Value) event.Value { return fn.Part(args[0], args[1]) }, of, k)
	}
	return of
}

// key is a raw key that several names make: a.b is the key a.b, or else b within
// the object that a is (2.4). take makes of the names that are left what takes a
// value out of such an object.
func (l *siemLowering) key(names []string, take func(rest []string) (func(event.Value) event.Value, error)) expr.Expr {
	whole := strings.Join(names, ".")
	args := []expr.Expr{l.attr.Raw(whole)}
	if len(names) == 1 || record.Field(whole) != whole { // Windows events have no objects
		return args[0]
	}
	takes := []func(event.Value) event.Value{nil}
	for n := len(names) - 1; n > 0; n-- {
		t, err := take(names[n:])
		if err != nil {
			continue
		}
		args, takes = append(args, l.attr.Raw(strings.Join(names[:n], "."))), append(takes, t)
	}
	return siemCall("fields", func(args []event.Value) event.Value {
		for i, v := range args {
			if i > 0 && !v.IsNull() {
				v = takes[i](v)
			}
			if !v.IsNull() {
				return v
			}
		}
		return event.Value{}
	}, args...)
}

// clause lowers json field=FROM "path", ... as name, ...: the names stand for what
// the paths lead to.
func (l *siemLowering) clause(c *siem.Clause) {
	if len(c.Paths) != len(c.As) {
		l.fail(c.Span, "json-names", "%d paths want as many names, not %d", len(c.Paths), len(c.As))
		return
	}
	for i, path := range c.Paths {
		var x expr.Expr
		if isFields(c.From) {
			x = l.rawPath(c, path)
		} else {
			take, err := jsonPath(path)
			if err != nil {
				l.fail(c.Span, "bad-path", "%s is no path: %v", path, err)
				continue
			}
			x = siemCall("json", func(args []event.Value) event.Value { return take(args[0]) }, l.attribute(&siem.Name{Name: c.From, Span: c.Span}))
		}
		l.attributes[c.As[i]], l.made[c.As[i]] = x, true
	}
}

// rawPath is a path into fields: its first names may be one key, and so is what
// stands in ['...'].
func (l *siemLowering) rawPath(c *siem.Clause, path string) expr.Expr {
	rest := strings.TrimPrefix(strings.TrimPrefix(path, "$"), ".")
	var names []string
	if quoted, after, ok := firstQuoted(rest); ok {
		names, rest = []string{quoted}, after
	} else {
		dotted := rest
		if i := strings.IndexByte(rest, '['); i >= 0 {
			dotted = rest[:i]
		}
		names, rest = strings.Split(strings.TrimSuffix(dotted, "."), "."), rest[len(dotted):]
	}
	take, err := jsonPath(rest)
	if err != nil || slices.Contains(names, "") {
		return l.fail(c.Span, "bad-path", "%s is no path into fields: write foo, foo.bar, foo[0] or ['foo.bar']", path)
	}
	x := l.key(names, func(more []string) (func(event.Value) event.Value, error) { return jsonPath(strings.Join(more, ".")) })
	if rest == "" {
		return x
	}
	return siemCall("json", func(args []event.Value) event.Value { return take(args[0]) }, x)
}

// firstQuoted cuts ['name'] off the start of a path.
func firstQuoted(path string) (name, rest string, ok bool) {
	for _, q := range []string{"'", `"`} {
		if after, is := strings.CutPrefix(path, "["+q); is {
			if name, rest, ok = strings.Cut(after, q+"]"); ok {
				return name, strings.TrimPrefix(rest, "."), true
			}
		}
	}
	return "", path, false
}

// jsonPath readies a path into the text of a JSON value; "" is the value itself.
// What it leads to is text, an array an event.List.
func jsonPath(path string) (func(event.Value) event.Value, error) {
	if path == "" {
		return func(v event.Value) event.Value { return v }, nil
	}
	p, err := jsondoc.CompilePath(path)
	if err != nil {
		return nil, err
	}
	return func(v event.Value) event.Value {
		if v.IsNull() {
			return v
		}
		at, found := p.Eval([]byte(v.Str()))
		switch {
		case !found || at.Kind == jsondoc.Null || at.Kind == jsondoc.Missing:
			return event.Value{}
		case at.IsArray():
			return event.List(string(at.Raw))
		}
		return event.Text(string(at.AppendText(nil)))
	}, nil
}

// headers lowers anyHttpHeaderMatches(map, regexp): whether the value of one header
// holds what the expression finds.
func (l *siemLowering) headers(x *siem.Call) expr.Expr {
	if len(x.Args) != 2 {
		return l.arity(x, 2, 2)
	}
	of, ok := expr.Fold(l.lower(x.Args[1])).(*expr.Const)
	if !ok || of.Value.Kind() != event.String {
		return l.fail(x.Args[1].At(), "unsupported", "the regular expression of %s must be a text in quotes", x.Name)
	}
	p, err := regexpPattern(of.Value.Str())
	if err != nil {
		return l.fail(x.Args[1].At(), "bad-regexp", "the regular expression cannot be used: %v", err)
	}
	return &expr.Call{Name: "anyHttpHeaderMatches", Args: []expr.Expr{l.lower(x.Args[0])}, Fn: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		for _, value := range fn.Members(args[0]) {
			if ok, err := p.match(value); ok || err != nil {
				return event.Bool(ok), err
			}
		}
		return event.Bool(false), nil
	}}
}
