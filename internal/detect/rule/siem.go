package rule

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/siem"
)

// SIEM lowers a Cloud SIEM expression to a condition on Windows events: its
// attributes are what the mapper of the event makes of the event's fields
// (mapping.Records). The condition is nil when the list has errors; attributes
// that no mapping fills are null, and get a warning.
func (sc *Scope) SIEM(x *siem.Expression) (expr.Expr, diag.List) {
	l := &siemLowering{sc: sc, file: x.File, attributes: map[string]*expr.Once{}}
	if len(x.Clauses) > 0 {
		l.fail(x.Clauses[0].Span, "unsupported", "json clauses are not run by gyoji yet")
	}
	out := l.lower(x.Cond)
	if l.diags.HasErrors() {
		return nil, l.diags
	}
	return out, l.diags
}

type siemLowering struct {
	sc    *Scope
	file  *diag.File
	diags diag.List

	attributes map[string]*expr.Once // each in the one shape that all its mentions share
}

func (l *siemLowering) fail(at diag.Span, code, format string, args ...any) expr.Expr {
	l.diags.Add(&diag.Diagnostic{Severity: diag.Error, Code: code, File: l.file, Span: at, Message: fmt.Sprintf(format, args...)})
	return &expr.Const{}
}

// attributeHelp says what to do about an attribute that nothing fills.
func attributeHelp(name string) string {
	known := map[string]bool{"metadata_vendor": true, "metadata_product": true, "metadata_deviceEventId": true}
	for _, r := range mapping.Records() {
		for a := range r.From {
			known[a] = true
		}
		for a := range r.Const {
			known[a] = true
		}
	}
	list := slices.Sorted(maps.Keys(known))
	for _, a := range list {
		if strings.EqualFold(a, name) {
			return "did you mean " + a + "? Letter case counts"
		}
	}
	if near := diag.Nearest(name, list); near != "" {
		return "did you mean " + near + "?"
	}
	return "raw fields are read as fields['EventData.NAME']"
}

// siemCall is a computation on values, null ones included.
func siemCall(name string, fn func(args []event.Value) event.Value, args ...expr.Expr) expr.Expr {
	return &expr.Call{Name: name, Args: args, Nulls: true, Fn: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		return fn(args), nil
	}}
}

func (l *siemLowering) lower(x siem.Node) expr.Expr {
	not := func(yes bool, y expr.Expr) expr.Expr {
		if yes {
			return &expr.Not{X: y}
		}
		return y
	}
	switch x := x.(type) {
	case *siem.And:
		return &expr.And{X: l.lower(x.X), Y: l.lower(x.Y)}
	case *siem.Or:
		return &expr.Or{X: l.lower(x.X), Y: l.lower(x.Y)}
	case *siem.Not:
		return &expr.Not{X: l.lower(x.X)}
	case *siem.Compare:
		return compares(x.Op, l.lower(x.X), l.lower(x.Y))
	case *siem.In:
		of := []expr.Expr{l.lower(x.X)}
		for _, y := range x.List {
			of = append(of, l.lower(y))
		}
		return not(x.Not, siemCall("in", func(args []event.Value) event.Value {
			return event.Bool(slices.ContainsFunc(args[1:], func(v event.Value) bool { return siemHolds("=", args[0], v) }))
		}, of...))
	case *siem.Between:
		v := l.lower(x.X)
		return not(x.Not, &expr.And{X: compares(">=", v, l.lower(x.Low)), Y: compares("<=", v, l.lower(x.High))})
	case *siem.IsNull:
		return not(x.Not, &expr.IsNull{X: l.lower(x.X)})
	case *siem.Like:
		return not(x.Not, l.like(x))
	case *siem.Matches:
		return not(x.Not, l.matches(x))
	case *siem.Arith:
		op := map[siem.Op]expr.Op{"+": expr.Add, "-": expr.Sub, "*": expr.Mul, "/": expr.Div, "%": expr.Mod}[x.Op]
		return siemCall(string(x.Op), func(args []event.Value) event.Value {
			v := expr.Calculate(op, args[0], args[1])
			if f, ok := v.Float(); ok && (math.IsInf(f, 0) || math.IsNaN(f)) {
				return event.Value{} // division by zero gives null (section 4.4)
			}
			return v
		}, l.lower(x.X), l.lower(x.Y))
	case *siem.Neg:
		return &expr.Neg{X: l.lower(x.X)}
	case *siem.Literal:
		switch x.Kind {
		case siem.Bool:
			return &expr.Const{Value: event.Bool(x.Number != 0)}
		case siem.Number:
			return &expr.Const{Value: event.Float(x.Number)}
		case siem.Text, siem.Regex:
			return &expr.Const{Value: event.Text(x.Text)}
		}
		return &expr.Const{}
	case *siem.Name:
		if l.attributes[x.Name] == nil {
			l.attributes[x.Name] = &expr.Once{X: l.attribute(x.Name, x.Span)}
		}
		return l.attributes[x.Name]
	case *siem.Index:
		return l.index(x)
	case *siem.Call:
		return l.call(x)
	case *siem.List:
		return l.fail(x.Span, "unsupported", "a list of attributes belongs into hasThreatMatch")
	}
	panic(fmt.Sprintf("bug: rule: siem %T", x))
}

// compares is x op y.
func compares(op siem.Op, x, y expr.Expr) expr.Expr {
	return siemCall(string(op), func(args []event.Value) event.Value { return event.Bool(siemHolds(op, args[0], args[1])) }, x, y)
}

// siemHolds is x op y by sections 4.3 and 4.4 of the specification: null is
// never equal, less or different, but for <=>; a number and the text of one
// compare as numbers; two texts by their bytes, but are put in order as numbers
// when they are both numbers.
func siemHolds(op siem.Op, a, b event.Value) bool {
	if op == "<=>" && (a.IsNull() || b.IsNull()) {
		return a.IsNull() && b.IsNull()
	}
	if a.IsNull() || b.IsNull() {
		return false
	}
	ka, kb := a.Kind() == event.String, b.Kind() == event.String
	switch op {
	case "==":
		return ka == kb && (a.Kind() == event.Boolean) == (b.Kind() == event.Boolean) && siemHolds("=", a, b)
	case "=", "<=>", "!=":
		var same bool
		switch {
		case ka && kb:
			same = a.Str() == b.Str()
		case a.Kind() == event.Boolean || b.Kind() == event.Boolean:
			same = strings.EqualFold(a.Str(), b.Str())
		default:
			c, ok := event.CompareNumbers(a, b)
			same = ok && c == 0
		}
		return same == (op != "!=")
	}
	c, ok := event.CompareNumbers(a, b)
	switch {
	case ok:
	case ka && kb:
		c = strings.Compare(a.Str(), b.Str())
	default:
		return false
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func number(v event.Value) (float64, bool) {
	if v.Kind() == event.String {
		return event.ParseNumber(v.Str())
	}
	return v.Float()
}

// like lowers LIKE. A backslash has two readings where the product's own rules
// and its documentation disagree (section 4.5): both are tried.
func (l *siemLowering) like(x *siem.Like) expr.Expr {
	lit, ok := x.Pattern.(*siem.Literal)
	if !ok || lit.Kind != siem.Text {
		return l.fail(x.Pattern.At(), "unsupported", "LIKE wants its pattern in quotes")
	}
	pieces, plain := []string{""}, true
	var re strings.Builder
	re.WriteString(`(?s)\A`)
	text := func(s string) {
		pieces[len(pieces)-1] += s
		re.WriteString(quoteMeta(s))
	}
	p := lit.Text
	for i := 0; i < len(p); i++ {
		rest := p[i:]
		switch {
		case x.Escape != "" && strings.HasPrefix(rest, x.Escape) && len(rest) > len(x.Escape):
			i += len(x.Escape)
			text(p[i : i+1])
		case p[i] == '%':
			pieces = append(pieces, "")
			re.WriteString(".*")
		case p[i] == '_':
			plain = false
			re.WriteByte('.')
		case x.Escape == "" && strings.HasPrefix(rest, `\\`):
			plain = false
			re.WriteString(`\\\\?`)
			i++
		case x.Escape == "" && strings.HasPrefix(rest, `\%`):
			plain = false
			re.WriteString(`(?:%|\\.*)`)
			i++
		case x.Escape == "" && strings.HasPrefix(rest, `\_`):
			plain = false
			re.WriteString(`(?:_|\\.)`)
			i++
		default:
			text(p[i : i+1])
		}
	}
	of := l.lower(x.X)
	if plain {
		return &expr.Glob{X: of, Glob: match.NewGlob(pieces, false)}
	}
	re.WriteString(`\z`)
	return l.regexp(of, re.String(), lit.Span)
}

func (l *siemLowering) regexp(of expr.Expr, pattern string, at diag.Span) expr.Expr {
	re, err := match.CompileRegexp(pattern)
	if err != nil {
		return l.fail(at, "bad-regexp", "the regular expression cannot be used: %v", err)
	}
	return &expr.Regexp{X: of, Re: re}
}

// matches lowers RLIKE and MATCHES (section 4.6).
func (l *siemLowering) matches(x *siem.Matches) expr.Expr {
	lit, ok := x.Y.(*siem.Literal)
	if !ok || lit.Kind != siem.Text && lit.Kind != siem.Regex {
		return l.fail(x.Y.At(), "unsupported", "the pattern wants to be written down: /.../, or text in quotes")
	}
	of := l.lower(x.X)
	if x.Rlike || lit.Kind == siem.Regex {
		return l.regexp(of, lit.Text, lit.Span)
	}
	if !strings.Contains(lit.Text, "?") {
		return &expr.Glob{X: of, Glob: match.CompileGlob(lit.Text, false)}
	}
	var re strings.Builder
	re.WriteString(`(?s)\A`)
	for i := range len(lit.Text) {
		switch c := lit.Text[i]; c {
		case '*':
			re.WriteString(".*")
		case '?':
			re.WriteByte('.')
		default:
			re.WriteString(quoteMeta(string(c)))
		}
	}
	return l.regexp(of, re.String()+`\z`, lit.Span)
}

// attribute is an attribute of the record.
func (l *siemLowering) attribute(name string, at diag.Span) expr.Expr {
	channel := &expr.Field{Slot: l.sc.channel, Name: "Channel"}
	provider := &expr.Field{Slot: l.sc.provider, Name: "Provider"}
	id := &expr.Field{Slot: l.sc.id, Name: "EventID"}
	windows := func(value string) expr.Expr {
		return &expr.If{Cond: &expr.And{X: &expr.IsNull{X: channel}, Y: &expr.IsNull{X: provider}}, Then: &expr.Const{}, Else: &expr.Const{Value: event.Text(value)}}
	}
	switch name {
	case "metadata_deviceEventId":
		return siemCall(name, func(args []event.Value) event.Value {
			where := args[0].Str()
			if args[0].IsNull() {
				where = mapping.ChannelOf(args[1].Str())
			}
			if where == "" || args[2].IsNull() {
				return event.Value{}
			}
			return event.Text(where + "-" + args[2].Str())
		}, channel, provider, id)
	case "metadata_vendor":
		return windows("Microsoft")
	case "metadata_product":
		return windows("Windows")
	case "fields", "_raw":
		return l.fail(at, "unsupported", "%s is read key by key: fields['EventData.Image']", name)
	}
	// The mapping of each channel and event id in turn, the default last.
	var out expr.Expr
	known := false
	records := mapping.Records()
	for i := len(records) - 1; i >= 0; i-- {
		r := &records[i]
		value := expr.Expr(&expr.Const{})
		if c, ok := r.Const[name]; ok {
			value, known = &expr.Const{Value: event.Text(c)}, true
		} else if from := r.From[name]; from != nil {
			value, known = l.first(name, from, r.Skip), true
		}
		if r.IDs == nil {
			out = value
			continue
		}
		if c, ok := value.(*expr.Const); ok && c.Value.IsNull() && sameNull(out) {
			continue
		}
		var ids []expr.Expr
		for _, n := range r.IDs {
			ids = append(ids, l.sc.same(l.sc.id, n))
		}
		where := expr.Expr(l.sc.same(l.sc.channel, r.Channel))
		if p := mapping.ProviderOf(r.Channel); p != "" {
			where = &expr.Or{X: where, Y: &expr.And{X: &expr.IsNull{X: channel}, Y: l.sc.same(l.sc.provider, p)}}
		}
		out = &expr.If{Cond: &expr.And{X: where, Y: or(ids)}, Then: value, Else: out}
	}
	if !known {
		l.diags.Add(&diag.Diagnostic{Severity: diag.Warning, Code: "unmapped-attribute", File: l.file, Span: at, Message: fmt.Sprintf("no Windows mapping that gyoji has fills %s: it is null", name), Help: attributeHelp(name)})
	}
	return out
}

func sameNull(x expr.Expr) bool {
	c, ok := x.(*expr.Const)
	return ok && c.Value.IsNull()
}

// first is the first of some fields that is present, not empty and not skipped.
func (l *siemLowering) first(name string, from, skip []string) expr.Expr {
	var of []expr.Expr
	for _, f := range from {
		of = append(of, l.key(f))
	}
	integer := mapping.Integer(name)
	return siemCall(name, func(args []event.Value) event.Value {
		for _, v := range args {
			s := v.Str()
			if v.IsNull() || s == "" || slices.Contains(skip, s) {
				continue
			}
			if !integer {
				return event.Text(s)
			}
			n, ok := event.ParseNumber(s)
			if !ok {
				return event.Value{}
			}
			return event.Int(int64(n))
		}
		return event.Value{}
	}, of...)
}

// key is a key of the event; MD5 and its like are cut out of Hashes.
func (l *siemLowering) key(name string) expr.Expr {
	field := func(n string) *expr.Field { return &expr.Field{Slot: l.sc.Layout.Slot(n), Name: n} }
	switch name {
	case "MD5", "SHA1", "SHA256", "IMPHASH":
		return siemCall(name, func(args []event.Value) event.Value {
			if v, ok := mapping.CutDigest(args[0].Str(), name); ok {
				return event.Text(v)
			}
			return event.Value{}
		}, field("Hashes"))
	}
	return field(name)
}

// index is fields['EventData.Image'] and the like.
func (l *siemLowering) index(x *siem.Index) expr.Expr {
	root, ok := x.X.(*siem.Name)
	key, ok2 := x.Key.(*siem.Literal)
	if !ok || !ok2 || root.Name != "fields" || key.Kind != siem.Text {
		return l.fail(x.Span, "unsupported", "gyoji reads raw fields alone by key: fields['EventData.Image']")
	}
	name := key.Text
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		switch name {
		case "Provider.Name", "System.Provider.Name":
			name = "Provider"
		case "Execution.ProcessID":
			name = "ExecutionProcessID"
		case "Execution.ThreadID":
			name = "ThreadID"
		default:
			name = name[i+1:]
		}
	}
	f := l.key(name)
	// A key's value is text, numbers stay as they are written (section 2.4).
	return siemCall("fields", func(args []event.Value) event.Value {
		if args[0].IsNull() {
			return args[0]
		}
		return event.Text(args[0].Str())
	}, f)
}

// siemFunction is a function: its arguments, and what it makes of them. With
// nulls it is called for null arguments too; otherwise they make it null.
type siemFunction struct {
	min, max int
	nulls    bool
	within   bool // the result, letter case aside, stands in the first argument
	fn       func(args []event.Value) event.Value
}

var siemFunctions = func() map[string]siemFunction {
	text := func(f func(string) string) func([]event.Value) event.Value {
		return func(a []event.Value) event.Value { return event.Text(f(a[0].Str())) }
	}
	test := func(f func(string) bool) func([]event.Value) event.Value {
		return func(a []event.Value) event.Value { return event.Bool(f(a[0].Str())) }
	}
	float := func(f func(float64) float64) func([]event.Value) event.Value {
		return func(a []event.Value) event.Value {
			n, ok := number(a[0])
			if r := f(n); ok && !math.IsNaN(r) && !math.IsInf(r, 0) {
				return event.Float(r)
			}
			return event.Value{}
		}
	}
	whole := func(a []event.Value) event.Value {
		n, ok := number(a[0])
		if !ok || math.Abs(n) >= 1<<63 {
			return event.Value{}
		}
		return event.Int(int64(math.Floor(n)))
	}
	address := func(ok func(netip.Addr) bool) func(string) bool {
		return func(s string) bool {
			a, err := netip.ParseAddr(s)
			return err == nil && ok(a)
		}
	}
	fs := map[string]siemFunction{
		"lower":    {1, 1, false, true, text(strings.ToLower)},
		"upper":    {1, 1, false, true, text(strings.ToUpper)},
		"trim":     {1, 1, false, true, text(strings.TrimSpace)},
		"tostring": {1, 1, false, true, text(func(s string) string { return s })},
		"length": {1, 1, true, false, func(a []event.Value) event.Value {
			return event.Int(int64(len([]rune(a[0].Str())))) // 0 for null
		}},
		"concat": {1, 100, false, false, func(a []event.Value) event.Value {
			var b strings.Builder
			for _, v := range a {
				b.WriteString(v.Str())
			}
			return event.Text(b.String())
		}},
		"contains": {2, 2, false, false, func(a []event.Value) event.Value {
			return event.Bool(strings.Contains(a[0].Str(), a[1].Str()))
		}},
		"substring": {2, 3, false, true, func(a []event.Value) event.Value {
			r := []rune(a[0].Str())
			start, ok := number(a[1])
			end, ok2 := float64(len(r)), true
			if len(a) == 3 {
				end, ok2 = number(a[2])
			}
			if !ok || !ok2 {
				return event.Value{}
			}
			from := min(max(int(start), 0), len(r))
			return event.Text(string(r[from:max(from, min(int(end), len(r)))]))
		}},
		"isnull":  {1, 1, true, false, func(a []event.Value) event.Value { return event.Bool(a[0].IsNull()) }},
		"isempty": {1, 1, true, false, func(a []event.Value) event.Value { return event.Bool(a[0].IsNull() || a[0].Str() == "") }},
		"isblank": {1, 1, true, false, func(a []event.Value) event.Value {
			return event.Bool(a[0].IsNull() || strings.TrimSpace(a[0].Str()) == "")
		}},
		"isnumeric":   {1, 1, false, false, test(func(s string) bool { _, ok := event.ParseNumber(s); return ok })},
		"isvalidip":   {1, 1, false, false, test(address(func(netip.Addr) bool { return true }))},
		"isvalidipv4": {1, 1, false, false, test(address(netip.Addr.Is4))},
		"isvalidipv6": {1, 1, false, false, test(address(netip.Addr.Is6))},
		"isprivateip": {1, 1, false, false, test(address(netip.Addr.IsPrivate))},
		"ispublicip":  {1, 1, false, false, test(address(func(a netip.Addr) bool { return !a.IsPrivate() }))},
		"comparecidrprefix": {3, 3, false, false, func(a []event.Value) event.Value {
			x, err := netip.ParseAddr(a[0].Str())
			y, err2 := netip.ParseAddr(a[1].Str())
			bits, ok := number(a[2])
			if err != nil || err2 != nil || !ok || !x.Is4() || !y.Is4() {
				return event.Bool(false)
			}
			p, err := x.Prefix(int(bits))
			return event.Bool(err == nil && p.Contains(y))
		}},
		"array_contains": {2, 2, true, false, func(a []event.Value) event.Value {
			return event.Bool(siemHolds("=", a[0], a[1])) // a text is an array of one; null has nothing
		}},
		"size": {1, 1, true, false, func(a []event.Value) event.Value {
			if a[0].IsNull() {
				return event.Int(-1)
			}
			return event.Int(1)
		}},
		"int":   {1, 1, false, false, whole},
		"long":  {1, 1, false, false, whole},
		"num":   {1, 1, false, false, float(func(f float64) float64 { return f })},
		"abs":   {1, 1, false, false, float(math.Abs)},
		"ceil":  {1, 1, false, false, float(math.Ceil)},
		"floor": {1, 1, false, false, float(math.Floor)},
		"sqrt":  {1, 1, false, false, float(math.Sqrt)},
		"log":   {1, 1, false, false, float(math.Log)},
		"log10": {1, 1, false, false, float(math.Log10)},
		"exp":   {1, 1, false, false, float(math.Exp)},
	}
	for alias, name := range map[string]string{
		"tolowercase": "lower", "touppercase": "upper", "toint": "int", "tolong": "long", "number": "num",
		"float": "num", "double": "num", "tofloat": "num", "todouble": "num",
		"jsonarraycontains": "array_contains", "jsonarraysize": "size",
	} {
		fs[alias] = fs[name]
	}
	return fs
}()

func (l *siemLowering) call(x *siem.Call) expr.Expr {
	name := strings.ToLower(x.Name)
	if name == "hasthreatmatch" {
		l.diags.Add(&diag.Diagnostic{Severity: diag.Warning, Code: "no-indicators", File: l.file, Span: x.Span, Message: "there is no store of threat indicators here: hasThreatMatch is false"})
		return &expr.Const{Value: event.Bool(false)}
	}
	var args []expr.Expr
	for _, a := range x.Args {
		args = append(args, l.lower(a))
	}
	if name == "if" && len(args) == 3 {
		return &expr.If{Cond: args[0], Then: args[1], Else: args[2]}
	}
	f, ok := siemFunctions[name]
	if !ok {
		var names []string
		for n := range siemFunctions {
			names = append(names, n)
		}
		slices.Sort(names)
		help := ""
		if near := diag.Nearest(name, names); near != "" {
			help = " (" + near + "?)"
		}
		return l.fail(x.Span, "unknown-function", "gyoji does not run the function %s%s", x.Name, help)
	}
	if len(args) < f.min || len(args) > f.max {
		return l.fail(x.Span, "arity", "%s takes %d to %d arguments, not %d", x.Name, f.min, f.max, len(args))
	}
	if name == "lower" {
		name = "toLowerCase" // as the rest of gyoji knows it
	}
	return &expr.Call{Name: name, Args: args, Nulls: f.nulls, Within: f.within, Fn: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		return f.fn(args), nil
	}}
}
