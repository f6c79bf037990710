package langtest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"sync"
	"time"
)

// event is one event being made.
type event struct {
	*shape
	i    int
	busy map[string]bool // fields whose text is being made, against a parse of itself
}

// no reports whether this event is one that comparisons turn away, and bare
// whether it lacks what would be parsed.
func (e *event) no() bool   { return e.i%4 == 3 }
func (e *event) bare() bool { return e.i%8 == 7 }

// raw is the message: what every parsing stage wants to find, and the words that
// are searched for.
func (e *event) raw() string {
	f := e.field(rawName)
	text := strings.Join(e.words, " ")
	if e.no() {
		text = "nothing of that kind"
	}
	if e.bare() {
		return text
	}
	if !holdsJSON(f) {
		return strings.TrimSpace(text + " " + e.text(f))
	}
	// One object; what is not JSON stands in it as text.
	doc := e.object(f)
	rest := *f
	rest.paths = nil
	if text += " " + e.text(&rest); strings.TrimSpace(text) != "" {
		doc["log"] = strings.TrimSpace(text)
	}
	return toJSON(doc)
}

func holdsJSON(f *field) bool {
	for _, p := range f.paths {
		if !strings.HasPrefix(p.path, "xml:") {
			return true
		}
	}
	return false
}

// value is the text of a field.
func (e *event) value(name string) string {
	f := e.field(name)
	k := strings.ToLower(name)
	if e.busy[k] {
		return "x"
	}
	e.busy[k] = true
	defer delete(e.busy, k)
	if text := e.text(f); text != "" && !e.bare() {
		return text
	}
	return e.plain(f)
}

// plain is the value of a field that nothing is taken out of.
func (e *event) plain(f *field) string {
	switch {
	case len(f.likes) > 0 && !e.no():
		return f.likes[e.i%len(f.likes)]
	case f.date != "":
		return dateText(f.date, time.UnixMilli(eventTime+int64(e.i)*eventStep).UTC())
	case f.address:
		return fmt.Sprintf("203.0.113.%d", 1+e.i%5)
	case f.numeric:
		return strconv.Itoa(10 + e.i%7*13)
	}
	return fmt.Sprintf("%s-%d", strings.TrimLeft(f.name, "_"), e.i%3)
}

// text is a text that every parsing stage over the field finds its part in.
func (e *event) text(f *field) string {
	var parts []string
	if holdsJSON(f) {
		parts = append(parts, toJSON(e.object(f)))
	}
	for _, a := range f.anchors {
		var b strings.Builder
		for _, p := range a {
			b.WriteString(p.text)
			if p.to != "" {
				b.WriteString(e.value(p.to))
			}
		}
		parts = append(parts, b.String())
	}
	for _, p := range f.patterns {
		parts = append(parts, p.text(e.value))
	}
	for _, p := range f.pairs {
		key, to, ok := strings.Cut(p, "\x00")
		if !ok {
			to = key
		}
		parts = append(parts, fmt.Sprintf("%s=%q", key, e.value(to)))
	}
	for _, p := range f.paths {
		if xml, ok := strings.CutPrefix(p.path, "xml:"); ok {
			parts = append(parts, xmlText(xml, e.value(p.to)))
		}
	}
	if len(f.columns) > 0 {
		parts = append(parts, e.row(f))
	}
	return strings.Join(parts, " ")
}

func (e *event) row(f *field) string {
	const most = 200 // columns
	var cells []string
	for _, c := range f.columns {
		for len(cells) < c.n && c.n <= most {
			cells = append(cells, "-")
		}
		if c.n >= 1 && c.n <= len(cells) && c.to != "" {
			cells[c.n-1] = e.value(c.to)
		}
	}
	return strings.Join(cells, f.comma)
}

// object is a JSON object that holds the paths of a field.
func (e *event) object(f *field) map[string]any {
	doc := map[string]any{}
	for _, p := range f.paths {
		switch {
		case strings.HasPrefix(p.path, "xml:"):
		case p.path == "": // json auto: whatever no stage makes
			for _, k := range e.order {
				if g := e.fields[k]; !g.made && !strings.HasPrefix(k, "_") {
					put(doc, strings.Split(g.name, "."), e.value(g.name))
				}
			}
		default:
			put(doc, steps(p.path), e.jsonValue(p.to))
		}
	}
	return doc
}

// jsonValue is a field's value as JSON: a document where its text is one.
func (e *event) jsonValue(name string) any {
	text := e.value(name)
	var v any
	if text != "" && strings.IndexByte("{[0123456789tf", text[0]) >= 0 && json.Unmarshal([]byte(text), &v) == nil {
		return v
	}
	return text
}

var pathStep = regexp.MustCompile(`\[\s*['"]([^'"]*)['"]\s*\]|\[([^\]]*)\]|([^.\[\]]+)`)

// steps cuts a JSON path: a.b[0]['c d'] is a, b, [0], "c d".
func steps(p string) (list []string) {
	for _, m := range pathStep.FindAllStringSubmatch(strings.TrimPrefix(p, "$"), -1) {
		switch {
		case m[1] != "":
			list = append(list, m[1])
		case m[2] != "":
			list = append(list, "["+m[2]+"]")
		case m[3] != "":
			list = append(list, strings.TrimSpace(m[3]))
		}
	}
	return list
}

// put sets the value at the end of a path, making objects and arrays on the way.
// Where a path runs through the value of another, the longer one wins.
func put(doc map[string]any, path []string, v any) {
	if len(path) == 0 {
		return
	}
	key := path[0]
	if len(path) == 1 {
		if _, there := doc[key].(map[string]any); !there {
			doc[key] = v
		}
		return
	}
	if strings.HasPrefix(path[1], "[") {
		n, err := strconv.Atoi(strings.Trim(path[1], "[]"))
		if err != nil || n < 0 || n > 20 {
			n = 0 // [*] and the like
		}
		list, _ := doc[key].([]any)
		for len(list) <= n {
			list = append(list, map[string]any{})
		}
		doc[key] = list
		if len(path) == 2 {
			list[n] = v
			return
		}
		in, ok := list[n].(map[string]any)
		if !ok {
			in = map[string]any{}
			list[n] = in
		}
		put(in, path[2:], v)
		return
	}
	in, ok := doc[key].(map[string]any)
	if !ok {
		in = map[string]any{}
		doc[key] = in
	}
	put(in, path[1:], v)
}

func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("bug: langtest: %v", err))
	}
	return string(b)
}

// xmlText is an element at a path such as /a/b/@c.
func xmlText(p, v string) string {
	var names []string
	for _, n := range strings.Split(strings.Trim(p, "/"), "/") {
		if n, _, _ = strings.Cut(n, "["); n != "" && n != "text()" {
			names = append(names, n)
		}
	}
	v = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;").Replace(v)
	attr := ""
	if n := len(names); n > 1 && strings.HasPrefix(names[n-1], "@") {
		attr, names, v = fmt.Sprintf(" %s=\"%s\"", names[n-1][1:], v), names[:n-1], ""
	}
	text := v
	for i := len(names) - 1; i >= 0; i-- {
		text = fmt.Sprintf("<%s%s>%s</%s>", names[i], attr, text, names[i])
		attr = ""
	}
	return text
}

// dateText writes a time by the common letters of a date pattern. The tests of
// datefmt are elsewhere: this need only be near enough to be read.
func dateText(pattern string, at time.Time) string {
	return strings.NewReplacer(
		"yyyy", at.Format("2006"), "yy", at.Format("06"), "MMM", at.Format("Jan"), "MM", at.Format("01"),
		"dd", at.Format("02"), "EEE", at.Format("Mon"), "HH", at.Format("15"), "hh", at.Format("03"),
		"mm", at.Format("04"), "ss", at.Format("05"), "SSS", "000", "a", at.Format("PM"), "XXX", "+00:00", "Z", "+0000",
		"zzz", "UTC", "z", "UTC", "'", "", "M", at.Format("1"), "d", at.Format("2"), "H", at.Format("15"), "h", at.Format("3"),
	).Replace(pattern)
}

var lookaround = regexp.MustCompile(`\(\?<?[=!][^()]*\)`)

// pattern is a regular expression that a query takes values out with.
type pattern struct {
	written string
	re      *syntax.Regexp
	// holds tells of the group of a field that its query compares with something
	// whether it can hold a value.
	holds map[string]*regexp.Regexp
}

// readPattern reads a regular expression, without lookaround, which Go's package
// lacks. It is nil for what cannot be read.
func (s *shape) readPattern(text string) *pattern {
	re, err := syntax.Parse(lookaround.ReplaceAllString(text, ""), syntax.Perl)
	if err != nil {
		return nil
	}
	p := &pattern{written: text, re: re, holds: map[string]*regexp.Regexp{}}
	p.groups(s, re)
	return p
}

func (p *pattern) groups(s *shape, re *syntax.Regexp) {
	if re.Op == syntax.OpCapture && re.Name != "" {
		f := s.field(re.Name)
		f.made = true
		if len(f.likes) > 0 {
			if group := p.group(re); group != nil {
				p.holds[re.Name] = group
			}
		}
	}
	for _, sub := range re.Sub {
		p.groups(s, sub)
	}
}

// groups are the compiled groups of patterns: queries of one app have the same,
// and writing a group out takes long.
var groups sync.Map // from pattern and name to *regexp.Regexp

// group is a regular expression for the whole of what a named group may hold.
func (p *pattern) group(re *syntax.Regexp) *regexp.Regexp {
	key := [2]string{p.written, re.Name}
	if g, ok := groups.Load(key); ok {
		return g.(*regexp.Regexp)
	}
	g, err := regexp.Compile(`^(?:` + re.Sub[0].String() + `)$`)
	if err != nil {
		g = nil
	}
	groups.Store(key, g)
	return g
}

// text is a text that the pattern matches, with the value of each named group
// where the group can hold it.
func (p *pattern) text(value func(string) string) string {
	var b strings.Builder
	p.sample(&b, p.re, value)
	return b.String()
}

func (p *pattern) sample(b *strings.Builder, re *syntax.Regexp, value func(string) string) {
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		b.WriteRune(oneOf(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('x')
	case syntax.OpCapture:
		if group := p.holds[re.Name]; group != nil && value != nil {
			if v := value(re.Name); group.MatchString(v) {
				b.WriteString(v)
				return
			}
		}
		p.sample(b, re.Sub[0], value)
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest:
		p.sample(b, re.Sub[0], value)
	case syntax.OpRepeat:
		for range max(1, re.Min) {
			p.sample(b, re.Sub[0], value)
		}
	case syntax.OpConcat:
		for _, s := range re.Sub {
			p.sample(b, s, value)
		}
	case syntax.OpAlternate:
		p.sample(b, re.Sub[0], value)
	}
}

// oneOf picks a character of a class that people would write.
func oneOf(class []rune) rune {
	for _, want := range "x1 A_-./:,;=" {
		for i := 0; i+1 < len(class); i += 2 {
			if class[i] <= want && want <= class[i+1] {
				return want
			}
		}
	}
	if len(class) == 0 {
		return 'x'
	}
	return class[0]
}
