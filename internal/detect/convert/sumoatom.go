package convert

import (
	"net/netip"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/logic"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/sigma"
)

// decided reads a condition that is no and, or, not: with its ifs decided one by
// one, or else as a comparison.
func (r *sumoReader) decided(x expr.Expr) (Cond, error) {
	c, then, otherwise, ok := logic.Split(x)
	if !ok {
		atom, err := r.atom(x)
		if err == nil && !keywords(atom) {
			return nil, refusedf("keywords of Sigma are text and patterns, looked for anywhere in an event")
		}
		return atom, err
	}
	var three [3]Cond
	for i, y := range [3]expr.Expr{c, then, otherwise} {
		var err error
		if three[i], err = r.cond(y); err != nil {
			return nil, err
		}
	}
	if isTrue(three[1]) { // c or (not c and else) is c or else
		return anyOf([]Cond{three[0], three[2]}), nil
	}
	if isTrue(three[2]) {
		return anyOf([]Cond{negate(three[0]), three[1]}), nil
	}
	return anyOf([]Cond{allOf([]Cond{three[0], three[1]}), allOf([]Cond{negate(three[0]), three[2]})}), nil
}

// keywords reports whether what is asked of the event's text is what keywords
// can ask.
func keywords(c Cond) bool {
	switch c := c.(type) {
	case *Match:
		switch c.Value.(type) {
		case sigma.String, sigma.Regexp:
			return true
		}
		return c.Field != ""
	case *Not:
		return keywords(c.X)
	case *And:
		return !slices.ContainsFunc(c.Of, func(d Cond) bool { return !keywords(d) })
	case *Or:
		return !slices.ContainsFunc(c.Of, func(d Cond) bool { return !keywords(d) })
	}
	return false
}

// subject is a field and what is done to it before it is compared.
type subject struct {
	field string
	form  form
	file  bool // the last part of a path

	without []rune // characters that are taken out
	ending  string // text that is cut off the end
}

// changed reports whether more was done to the field than to its letter case.
func (s subject) changed() bool { return s.file || s.without != nil || s.ending != "" }

type form uint8

const (
	asIs form = iota
	lowered
	uppered
)

// baseName is a pattern that takes away all but the last part of a path.
var baseName = match.Lazy(`^/\^?\.\*(\\\\|\\?/|\[(\\\\\\?/|\\?/\\\\|\\\\|\\?/)\])/$`)

// of reads what is compared.
func (r *sumoReader) of(x expr.Expr) (subject, error) {
	switch x := x.(type) {
	case *expr.Field:
		if p, ok := r.paths[x.Slot]; ok {
			return subject{field: p}, nil
		}
		if by, ok := r.made[x.Slot]; ok {
			return subject{}, refusedf("%s is made by %s, which Sigma does not have", x.Name, by)
		}
		if strings.HasPrefix(x.Name, "_") && x.Name != "_raw" {
			return subject{}, refusedf("%s is known to Sumo Logic alone and stands in no event", x.Name)
		}
		if strings.Contains(x.Name, "|") {
			return subject{}, refusedf("the field %s has a |, which begins a modifier in Sigma", x.Name)
		}
		return subject{field: sigmaName(x.Name)}, nil
	case *expr.Call:
		if len(x.Args) == 0 {
			break
		}
		s, err := r.of(x.Args[0])
		if fn := query.Standard().FunctionOf(x.Name); fn != nil {
			switch fn.Case {
			case lang.LowerCase:
				s.form = lowered
				return s, err
			case lang.UpperCase:
				s.form = uppered
				return s, err
			}
		}
		switch strings.ToLower(x.Name) {
		case "tostring":
			return s, err
		case "replace":
			find, _ := x.Args[1].(*expr.Const)
			by, _ := x.Args[2].(*expr.Const)
			if find == nil || by == nil || by.Value.Str() != "" || s.changed() {
				break
			}
			if baseName().MatchString(find.Value.Str()) {
				s.file = true
				return s, err
			}
			var ok bool
			if s.without, ok = takenOut(find.Value.Str()); ok {
				return s, err
			}
			if s.ending, ok = cutEnding(find.Value.Str()); ok {
				return s, err
			}
		}
		return subject{}, refusedf("Sigma compares fields as they are, not what %s makes of them", x.Name)
	case *expr.Arith, *expr.Neg:
		return subject{}, refusedf("Sigma does not calculate")
	}
	return subject{}, refusedf("Sigma compares fields and nothing else")
}

// sigmaName is what SigmaHQ's rules call a field of flat events.
func sigmaName(name string) string {
	if name == "Provider" {
		return "Provider_Name"
	}
	if name == "_raw" {
		return ""
	}
	return name
}

// atom reads a comparison.
func (r *sumoReader) atom(x expr.Expr) (Cond, error) {
	switch x := x.(type) {
	case *expr.Compare:
		return r.compare(x)
	case *expr.In:
		s, err := r.of(x.X)
		if err != nil {
			return nil, err
		}
		var values []event.Value
		for _, y := range x.List {
			c, ok := y.(*expr.Const)
			if !ok {
				return nil, refusedf("a list of Sigma holds values, not fields")
			}
			values = append(values, c.Value)
		}
		return s.among(values)
	case *expr.Glob:
		s, err := r.of(x.X)
		if err != nil {
			return nil, err
		}
		return s.glob(x.Glob)
	case *expr.Regexp:
		s, err := r.of(x.X)
		if err != nil {
			return nil, err
		}
		if names, ok := named(x.Re.Source()); ok && s.form == lowered {
			return s.among(names)
		}
		return s.regexp(x.Re.Source())
	case *expr.IsNull:
		return r.null(x.X)
	case *expr.Contains:
		return r.contains(x.X, x.Y)
	case lang.Keyword:
		switch text, plain, pattern := x.Keyword(); {
		case plain:
			return &Match{Value: literal(text)}, nil
		case pattern == "":
			return &And{}, nil // every event
		default: // words: Sigma's keywords stand inside of others too
			return &Match{Value: sigma.Regexp{Pattern: pattern, IgnoreCase: true}}, nil
		}
	case *expr.Call:
		return r.call(x)
	case *expr.Field, *expr.Arith, *expr.Neg: // true when it is not 0
		return r.compare(&expr.Compare{Op: expr.Ne, X: x, Y: &expr.Const{Value: event.Int(0)}})
	}
	return nil, refusedf("Sigma has no such condition")
}

func (r *sumoReader) call(x *expr.Call) (Cond, error) {
	switch name := strings.ToLower(x.Name); {
	case name == "isnull" && len(x.Args) == 1:
		return r.null(x.Args[0])
	case name == "isnotnull" && len(x.Args) == 1:
		c, err := r.null(x.Args[0])
		return negate(c), err
	case (name == "isempty" || name == "isblank") && len(x.Args) == 1:
		s, err := r.of(x.Args[0])
		if err != nil {
			return nil, err
		}
		if s.changed() {
			return nil, errChanged
		}
		empty := &Match{Field: s.field, Value: sigma.Value(sigma.String{})}
		if name == "isblank" {
			empty.Value = sigma.Regexp{Pattern: `^\s*$`}
		}
		return anyOf([]Cond{&Match{Field: s.field, Value: sigma.Null{}}, empty}), nil
	case name == "contains" && len(x.Args) == 2:
		return r.contains(x.Args[0], x.Args[1])
	case name == "comparecidrprefix" && len(x.Args) == 3:
		return r.network(x)
	case name == "isprivateip":
		s, err := r.unchanged(x.Args[0])
		if err != nil {
			return nil, err
		}
		var of []Cond
		for _, n := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"} { // RFC 1918
			of = append(of, &Match{Field: s.field, Value: sigma.CIDR{Prefix: netip.MustParsePrefix(n)}})
		}
		return anyOf(of), nil
	case name == "isvalidipv4":
		s, err := r.unchanged(x.Args[0])
		if err != nil {
			return nil, err
		}
		return &Match{Field: s.field, Value: sigma.Regexp{Pattern: ipv4}}, nil
	case name == "isvalidipv6":
		return r.ipv6(x.Args[0])
	}
	return nil, refusedf("Sigma has nothing for %s", x.Name)
}

var errChanged = refusedf("Sigma does not take texts apart")

// unchanged reads what is compared, where that must be the field itself.
func (r *sumoReader) unchanged(x expr.Expr) (subject, error) {
	s, err := r.of(x)
	if err == nil && s.changed() {
		err = errChanged
	}
	return s, err
}

// ipv4 is an address without leading zeros.
const ipv4 = `^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])$`

func (r *sumoReader) null(x expr.Expr) (Cond, error) {
	s, err := r.of(x)
	if err != nil {
		return nil, err
	}
	return &Match{Field: s.field, Value: sigma.Null{}}, nil
}

// network reads compareCIDRPrefix("10.0.0.0", ip, 8), either way round.
func (r *sumoReader) network(x *expr.Call) (Cond, error) {
	a, b := x.Args[0], x.Args[1]
	if _, ok := b.(*expr.Const); ok {
		a, b = b, a
	}
	net, ok := a.(*expr.Const)
	bits, ok2 := expr.Fold(x.Args[2]).(*expr.Const)
	if !ok || !ok2 {
		return nil, refusedf("a network of Sigma is fixed, not made of fields")
	}
	s, err := r.unchanged(b)
	if err != nil {
		return nil, err
	}
	n, _ := bits.Value.Float()
	addr, err := netip.ParseAddr(strings.TrimSpace(net.Value.Str()))
	if err != nil {
		return nil, refusedf("%q is no address", net.Value.Str())
	}
	p, err := addr.Prefix(int(n))
	if err != nil {
		return nil, refusedf("%q is no prefix length", bits.Value.Str())
	}
	return &Match{Field: s.field, Value: sigma.CIDR{Prefix: p}}, nil
}

func (r *sumoReader) contains(a, b expr.Expr) (Cond, error) {
	s, err := r.of(a)
	if err != nil {
		return nil, err
	}
	if c, ok := b.(*expr.Const); ok {
		if c.Value.Str() == "" {
			return s.equals(c.Value)
		}
		return s.glob(match.NewGlob([]string{"", c.Value.Str(), ""}, false))
	}
	return r.refers(s, b, true)
}

// refers reads the comparison of two fields. Sigma's ignores letter case.
func (r *sumoReader) refers(s subject, b expr.Expr, part bool) (Cond, error) {
	t, err := r.of(b)
	if err != nil {
		return nil, err
	}
	if s.changed() || t.changed() || s.form == asIs || s.form != t.form {
		return nil, refusedf("Sigma compares fields with each other whole and without regard to letter case")
	}
	return &Match{Field: s.field, Value: sigma.FieldRef{Field: t.field, Start: part, End: part}}, nil
}

func (r *sumoReader) compare(x *expr.Compare) (Cond, error) {
	if x.Op == expr.Ne {
		c, err := r.compare(&expr.Compare{Op: expr.Eq, X: x.X, Y: x.Y})
		return negate(c), err
	}
	a, b, op := x.X, x.Y, x.Op
	if _, ok := a.(*expr.Const); ok {
		a, b = b, a
		op = map[expr.Op]expr.Op{expr.Eq: expr.Eq, expr.Lt: expr.Gt, expr.Le: expr.Ge, expr.Gt: expr.Lt, expr.Ge: expr.Le}[op]
	}
	if c, ok := a.(*expr.Call); ok && strings.EqualFold(c.Name, "num") && len(c.Args) == 1 {
		a = c.Args[0] // comparing with a number makes one of text
	}
	s, err := r.of(a)
	if err != nil {
		return nil, err
	}
	c, ok := b.(*expr.Const)
	switch {
	case !ok && op == expr.Eq:
		return r.refers(s, b, false)
	case !ok:
		return nil, refusedf("Sigma has no order of two fields")
	case op == expr.Eq:
		return s.equals(c.Value)
	case c.Value.Kind() == event.String:
		return nil, refusedf("Sigma orders numbers, not texts")
	case s.changed():
		return nil, errChanged
	}
	f, _ := c.Value.Float()
	return &Match{Field: s.field, Value: sigma.Compare{
		Op:     map[expr.Op]sigma.Op{expr.Lt: sigma.Lt, expr.Le: sigma.Le, expr.Gt: sigma.Gt, expr.Ge: sigma.Ge}[op],
		Number: sigma.Number{Text: c.Value.String(), Float: f},
	}}, nil
}

// among is that the subject has one of some values. Of the forms that a file's
// name takes, each is a list of its own.
func (s subject) among(values []event.Value) (Cond, error) {
	var lists [3][]Cond
	for _, v := range values {
		c, err := s.equals(v)
		if err != nil {
			return nil, err
		}
		if o, ok := c.(*Or); ok && len(o.Of) == len(lists) {
			for i, d := range o.Of {
				lists[i] = append(lists[i], d)
			}
		} else {
			lists[0] = append(lists[0], c)
		}
	}
	return anyOf(slices.Concat(lists[:]...)), nil
}

// equals is that the subject has a value. Numbers are equal to their usual
// spelling alone: Sigma compares text.
func (s subject) equals(v event.Value) (Cond, error) {
	if v.Kind() != event.String {
		if s.file {
			return &Or{}, nil
		}
		if s.changed() {
			return nil, errChanged
		}
		f, ok := v.Float()
		if v.Kind() == event.Boolean || !ok {
			return &Match{Field: s.field, Value: cased(literal(v.String()))}, nil
		}
		return &Match{Field: s.field, Value: sigma.Number{Text: v.String(), Float: f}}, nil
	}
	return s.glob(match.NewGlob([]string{v.Str()}, false))
}

// glob is that the subject matches a pattern.
func (s subject) glob(g *match.Glob) (Cond, error) {
	pieces := g.Pieces()
	text := sigma.String{}
	for i, p := range pieces {
		if i > 0 {
			text.Parts = append(text.Parts, sigma.Part{Kind: sigma.AnyRun})
		}
		if p != "" {
			text.Parts = append(text.Parts, sigma.Part{Kind: sigma.Literal, Text: p})
		}
	}
	whole := strings.Join(pieces, "")
	if s.without != nil || s.ending != "" {
		return s.edited(globPattern(g))
	}
	switch {
	case g.Folds():
	case s.form == lowered && strings.ToLower(whole) != whole, s.form == uppered && strings.ToUpper(whole) != whole:
		return &Or{}, nil // never: toLowerCase leaves no capitals
	case s.form == asIs:
		text = cased(text)
	}
	switch k, inner := shapeOf(text); {
	case s.field == "":
		return keyword(text, k, inner)
	case k == present:
		return &Not{&Match{Field: s.field, Value: sigma.Null{}}}, nil
	}
	if !s.file {
		return &Match{Field: s.field, Value: text}, nil
	}
	return s.fileName(text)
}

// keyword is that a text matches somewhere in an event. A pattern that letter
// case counts in, or with more than one piece, is a regular expression.
func keyword(text sigma.String, k shape, inner string) (Cond, error) {
	ends := func(i int) bool { return len(text.Parts) > 0 && text.Parts[i].Kind == sigma.AnyRun }
	switch {
	case k == present:
		return &And{}, nil // every event has a text
	case !ends(0) || !ends(len(text.Parts)-1):
		return nil, refusedf("a keyword of Sigma is looked for anywhere in an event, and this is about where its text begins or ends")
	case k == contained && !text.Cased:
		return &Match{Value: literal(inner)}, nil
	}
	var pattern []string
	for _, p := range text.Parts {
		if p.Kind == sigma.Literal {
			pattern = append(pattern, regexp.QuoteMeta(p.Text))
		}
	}
	re := sigma.Regexp{Pattern: strings.Join(pattern, ".*"), IgnoreCase: !text.Cased, DotAll: len(pattern) > 1}
	return &Match{Value: re}, nil
}

// globPattern is a pattern with stars as a regular expression over the whole text.
func globPattern(g *match.Glob) string {
	var of []string
	for _, p := range g.Pieces() {
		of = append(of, regexp.QuoteMeta(p))
	}
	flags := "(?s)"
	if g.Folds() {
		flags = "(?is)"
	}
	return flags + "^" + strings.Join(of, ".*") + "$"
}

// fileName is that the last part of a path matches a text.
func (s subject) fileName(text sigma.String) (Cond, error) {
	if has(text, `\/`) {
		return &Or{}, nil // no file's name holds one
	}
	k, _ := shapeOf(text)
	switch k {
	case exact, suffixed:
		of := []Cond{}
		if k == suffixed {
			return &Match{Field: s.field, Value: text}, nil
		}
		for _, sep := range []string{`\`, `/`} {
			parts := append([]sigma.Part{{Kind: sigma.AnyRun}}, sigma.Part{Kind: sigma.Literal, Text: sep + text.Parts[0].Text})
			of = append(of, &Match{Field: s.field, Value: sigma.String{Parts: parts, Cased: text.Cased}})
		}
		return anyOf(append(of, &Match{Field: s.field, Value: text})), nil
	}
	re := `(^|[\\/])`
	for _, p := range text.Parts {
		if p.Kind == sigma.AnyRun {
			re += `[^\\/]*`
		} else {
			re += regexp.QuoteMeta(p.Text)
		}
	}
	return &Match{Field: s.field, Value: sigma.Regexp{Pattern: re + "$", IgnoreCase: !text.Cased}}, nil
}

// regexp is that a pattern is found in the subject.
func (s subject) regexp(pattern string) (Cond, error) {
	if s.file {
		return nil, refusedf("Sigma does not take paths apart, and a pattern may look at more than the name")
	}
	if s.without != nil || s.ending != "" {
		return s.edited(pattern)
	}
	if s.form == asIs {
		return &Match{Field: s.field, Value: sigma.Regexp{Pattern: pattern}}, nil
	}
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, refusedf("a pattern that looks around is asked of a text in small letters, which cannot be told from one of any letter case")
	}
	if !ignorable(tree, s.form) {
		return nil, errCapitals
	}
	return &Match{Field: s.field, Value: sigma.Regexp{Pattern: pattern, IgnoreCase: true}}, nil
}

// ignorable reports whether a pattern finds in a text of one letter case what it
// finds in the text itself when letter case is ignored: all that it takes, it
// takes in that case too.
func ignorable(re *syntax.Regexp, f form) bool {
	to := unicode.ToLower
	if f == uppered {
		to = unicode.ToUpper
	}
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			for _, c := range re.Rune {
				if to(c) != c {
					return false
				}
			}
		}
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			for c := max(re.Rune[i], 'A'); c <= min(re.Rune[i+1], 'z'); c++ {
				if !inClass(re.Rune, to(c)) {
					return false
				}
			}
		}
	}
	for _, sub := range re.Sub {
		if !ignorable(sub, f) {
			return false
		}
	}
	return true
}

func inClass(ranges []rune, c rune) bool {
	for i := 0; i < len(ranges); i += 2 {
		if ranges[i] <= c && c <= ranges[i+1] {
			return true
		}
	}
	return false
}

func literal(text string) sigma.String {
	if text == "" {
		return sigma.String{}
	}
	return sigma.String{Parts: []sigma.Part{{Kind: sigma.Literal, Text: text}}}
}

// cased makes a text one that letter case counts in, where it has letters.
func cased(s sigma.String) sigma.String {
	for _, p := range s.Parts {
		if p.Kind == sigma.Literal && (strings.ToLower(p.Text) != p.Text || strings.ToUpper(p.Text) != p.Text) {
			s.Cased = true
		}
	}
	return s
}
