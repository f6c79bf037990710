package match

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A pattern that Go's engine refuses is read here: what RE2 and Java share, and
// what Java has beyond it. Where the two differ it means what RE2 says (^ and $
// are the text's ends, \s and \b know ASCII), so that a pattern does not change
// its meaning because a lookahead was added to it. The tree is then written out
// plainly for the engine that can run it.

type kind uint8

const (
	kindEmpty  kind = iota
	kindChars       // one character out of ranges
	kindDot         // any character but a line end
	kindCat         // subs in turn
	kindAlt         // any one of subs
	kindGroup       // capturing group n
	kindRepeat      // sub, least to most times
	kindLook        // sub stands, or does not, before or behind
	kindAtomic      // sub, once matched never given up
	kindRef         // what group n matched
	kindAssert      // a place: text says which
)

type node struct {
	kind     kind
	ranges   ranges
	subs     []*node
	n        int
	least    int
	most     int  // -1 for no end
	how      byte // '?' lazy, '+' possessive
	behind   bool // kindLook
	negative bool
	fold     bool   // kindRef
	text     string // kindAssert
}

// RegexpError says what is wrong with a pattern and where.
type RegexpError struct {
	Offset int // in bytes, from the pattern's start
	Reason string
}

func (e *RegexpError) Error() string {
	return fmt.Sprintf("the regular expression cannot be read: %s, at character %d", e.Reason, e.Offset+1)
}

// Flags of a pattern, as (?imsUx) sets them.
const (
	flagFold = 1 << iota
	flagLines
	flagDotAll
	flagLazy
	flagSpace
)

type dialect struct {
	src   string
	at    int
	depth int
	flags int
	names []string // of groups, by number; the whole match first
	refs  []ref
	// java is set when a class uses &&, which Go takes for two ampersands
	// without a word, or a property that means another thing to it.
	java bool
}

// ref is a reference that is checked once all groups are known.
type ref struct {
	at   int
	name string
	node *node
}

// parseDialect reads a pattern. The error is a *RegexpError.
func parseDialect(src string) (tree *node, d *dialect, err error) {
	d = &dialect{src: src, names: []string{""}}
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *RegexpError:
			tree, err = nil, e
		default:
			panic(e)
		}
	}()
	if i := invalidAt(src); i >= 0 {
		d.fail(i, "it holds bytes that are not UTF-8")
	}
	tree = d.alternatives()
	if d.at < len(src) {
		d.fail(d.at, "this ) closes nothing")
	}
	for _, r := range d.refs {
		if r.name != "" {
			r.node.n = d.group(r.name)
		}
		if r.node.n <= 0 || r.node.n >= len(d.names) {
			d.fail(r.at, "there is no such group")
		}
	}
	return tree, d, nil
}

func invalidAt(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return -1
}

func (d *dialect) fail(at int, format string, args ...any) {
	panic(&RegexpError{at, fmt.Sprintf(format, args...)})
}

func (d *dialect) group(name string) int {
	for i, n := range d.names {
		if i > 0 && n == name {
			return i
		}
	}
	return -1
}

func (d *dialect) more() bool { return d.at < len(d.src) }

// take reads s if it comes next.
func (d *dialect) take(s string) bool {
	if strings.HasPrefix(d.src[d.at:], s) {
		d.at += len(s)
		return true
	}
	return false
}

func (d *dialect) next() rune {
	r, n := utf8.DecodeRuneInString(d.src[d.at:])
	d.at += n
	return r
}

// until reads up to an end and past it.
func (d *dialect) until(end, what string) string {
	i := strings.Index(d.src[d.at:], end)
	if i < 0 {
		d.fail(d.at, "%s is not closed", what)
	}
	s := d.src[d.at : d.at+i]
	d.at += i + len(end)
	return s
}

func (d *dialect) alternatives() *node {
	if d.depth++; d.depth > patternDepthMax {
		d.fail(d.at, "its groups are nested more than %d deep", patternDepthMax)
	}
	defer func() { d.depth-- }()
	all := []*node{d.sequence()}
	for d.take("|") {
		all = append(all, d.sequence())
	}
	if len(all) == 1 {
		return all[0]
	}
	return &node{kind: kindAlt, subs: all}
}

func (d *dialect) sequence() *node {
	n := &node{kind: kindCat}
	for {
		d.space()
		if !d.more() || d.src[d.at] == '|' || d.src[d.at] == ')' {
			return n
		}
		if d.take(`\Q`) {
			d.quoted(n)
			continue
		}
		if d.take(`\E`) { // without \Q it is nothing, to Java as to Go
			continue
		}
		start := d.at
		if x := d.atom(); x != nil {
			n.subs = append(n.subs, d.repeat(x, start))
		}
	}
}

// quoted reads what stands between \Q and \E, or the end.
func (d *dialect) quoted(n *node) {
	for d.more() && !d.take(`\E`) {
		start := d.at
		x := d.char(d.next())
		if !d.more() || d.take(`\E`) {
			n.subs = append(n.subs, d.repeat(x, start))
			return
		}
		n.subs = append(n.subs, x)
	}
}

// space skips blanks and remarks where (?x) allows them, and (?#...) always.
func (d *dialect) space() {
	for d.more() {
		switch c := d.src[d.at]; {
		case d.take("(?#"):
			d.until(")", "this remark")
		case d.flags&flagSpace == 0:
			return
		case strings.IndexByte(" \t\n\v\f\r", c) >= 0:
			d.at++
		case c == '#':
			if i := strings.IndexByte(d.src[d.at:], '\n'); i >= 0 {
				d.at += i + 1
			} else {
				d.at = len(d.src)
			}
		default:
			return
		}
	}
}

// repeat reads what says how often x may stand.
func (d *dialect) repeat(x *node, start int) *node {
	d.space()
	least, most, ok := d.count()
	if !ok {
		return x
	}
	n := &node{kind: kindRepeat, subs: []*node{x}, least: least, most: most}
	switch {
	case d.take("?"):
		n.how = '?'
	case d.take("+"):
		n.how = '+'
	}
	if d.flags&flagLazy != 0 && n.how != '+' {
		n.how ^= '?'
	}
	d.space()
	again := d.at
	if _, _, ok := d.count(); ok {
		d.fail(again, "this repeats what is repeated already; write (?:%s)%s", d.src[start:again], d.src[again:d.at])
	}
	return n
}

func (d *dialect) count() (least, most int, ok bool) {
	if !d.more() {
		return 0, 0, false
	}
	start := d.at
	switch d.src[d.at] {
	case '*':
		d.at++
		return 0, -1, true
	case '+':
		d.at++
		return 1, -1, true
	case '?':
		d.at++
		return 0, 1, true
	case '{':
		d.at++
		least, ok = d.number()
		most = least
		if ok && d.take(",") {
			if most, ok = d.number(); !ok {
				most, ok = -1, true
			}
		}
		if !ok || !d.take("}") {
			d.at = start // a brace that stands for itself
			return 0, 0, false
		}
		if most >= 0 && least > most {
			d.fail(start, "this count ends before it begins")
		}
		if max(least, most) > repeatMax {
			d.fail(start, "this count is above %d", repeatMax)
		}
		return least, most, true
	}
	return 0, 0, false
}

func (d *dialect) number() (n int, ok bool) {
	start := d.at
	for d.more() && '0' <= d.src[d.at] && d.src[d.at] <= '9' {
		n = min(10*n+int(d.src[d.at]-'0'), repeatMax+1)
		d.at++
	}
	return n, d.at > start
}

// atom reads one thing that can be repeated; nil for flags alone.
func (d *dialect) atom() *node {
	start := d.at
	switch r := d.next(); r {
	case '(':
		return d.parens(start)
	case '[':
		return &node{kind: kindChars, ranges: d.class(start)}
	case '.':
		if d.flags&flagDotAll != 0 {
			return &node{kind: kindChars, ranges: ranges{0, utf8.MaxRune}}
		}
		return &node{kind: kindDot}
	case '^':
		if d.flags&flagLines != 0 {
			return assert("^")
		}
		return assert("A")
	case '$':
		if d.flags&flagLines != 0 {
			return assert("$")
		}
		return assert("z")
	case '\\':
		return d.escape(start)
	case '*', '+', '?':
		d.fail(start, "%c repeats nothing", r)
		return nil
	default:
		if r == '{' {
			d.at = start
			if _, _, ok := d.count(); ok {
				d.fail(start, "this count repeats nothing")
			}
			d.at = start + 1
		}
		return d.char(r)
	}
}

func assert(text string) *node { return &node{kind: kindAssert, text: text} }

// char is a character that stands for itself.
func (d *dialect) char(r rune) *node {
	return &node{kind: kindChars, ranges: d.cased(ranges{r, r})}
}

func (d *dialect) cased(r ranges) ranges {
	if d.flags&flagFold != 0 {
		return r.folded()
	}
	return r
}

// parens reads a group; its ( has been read.
func (d *dialect) parens(start int) *node {
	flags := d.flags
	n := &node{kind: kindCat}
	switch {
	case !d.take("?"):
		n.kind, n.n = kindGroup, len(d.names)
		d.names = append(d.names, "")
	case d.take(":"):
	case d.take("="):
		n.kind = kindLook
	case d.take("!"):
		n.kind, n.negative = kindLook, true
	case d.take("<="):
		n.kind, n.behind = kindLook, true
	case d.take("<!"):
		n.kind, n.behind, n.negative = kindLook, true, true
	case d.take(">"):
		n.kind = kindAtomic
	case d.take("P="):
		return d.namedRef(start, ")")
	case d.take("P<"), d.take("<"):
		at := d.at
		name := d.until(">", "this group's name")
		if !groupName(name) {
			d.fail(at, "%q is no name for a group; letters, digits and _ make one", name)
		}
		if d.group(name) > 0 {
			d.fail(at, "there are two groups named %s", name)
		}
		n.kind, n.n = kindGroup, len(d.names)
		d.names = append(d.names, name)
	case d.take("("):
		d.fail(start, "conditions in a pattern are not supported")
	default:
		if d.inlineFlags(start) {
			return nil
		}
	}
	n.subs = []*node{d.alternatives()}
	if !d.take(")") {
		d.fail(start, "this ( is not closed")
	}
	d.flags = flags
	return n
}

func groupName(s string) bool {
	for i := range len(s) {
		c := lower[s[i]]
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_') {
			return false
		}
	}
	return s != ""
}

// inlineFlags reads the flags of (?i) or (?i:; alone reports which.
func (d *dialect) inlineFlags(start int) (alone bool) {
	set, clear, on := 0, 0, true
	for d.more() {
		at := d.at
		switch r := d.next(); r {
		case 'i', 'm', 's', 'U', 'x':
			bit := map[rune]int{'i': flagFold, 'm': flagLines, 's': flagDotAll, 'U': flagLazy, 'x': flagSpace}[r]
			if on {
				set |= bit
			} else {
				clear |= bit
			}
		case 'u', 'd': // Java's Unicode case and Unix lines: always so here
		case '-':
			if !on {
				d.fail(at, "this - stands after another")
			}
			on = false
		case ':', ')':
			d.flags = d.flags&^clear | set&^clear
			return r == ')'
		default:
			d.fail(at, "%q is no flag", r)
		}
	}
	d.fail(start, "this ( is not closed")
	return false
}

func (d *dialect) namedRef(start int, end string) *node {
	n := &node{kind: kindRef, fold: d.flags&flagFold != 0}
	d.refs = append(d.refs, ref{start, d.until(end, "this reference"), n})
	if d.refs[len(d.refs)-1].name == "" {
		d.fail(start, "there is no such group")
	}
	return n
}

// escape reads what follows a backslash outside a class.
func (d *dialect) escape(start int) *node {
	if !d.more() {
		d.fail(start, "the \\ at the end escapes nothing")
	}
	switch c := d.src[d.at]; c {
	case 'A', 'z', 'b', 'B', 'Z':
		d.at++
		return assert(string(c))
	case 'R':
		d.at++
		return &node{kind: kindAlt, subs: []*node{
			{kind: kindCat, subs: []*node{{kind: kindChars, ranges: ranges{'\r', '\r'}}, {kind: kindChars, ranges: ranges{'\n', '\n'}}}},
			{kind: kindChars, ranges: vertical},
		}}
	case 'G', 'X', 'K', 'C':
		d.fail(start, "\\%c is not supported", c)
	case 'k':
		d.at++
		if !d.take("<") {
			d.fail(start, "\\k wants the name of a group, as in \\k<name>")
		}
		return d.namedRef(start, ">")
	}
	if c := d.src[d.at]; '1' <= c && c <= '9' {
		n := int(c - '0')
		if n >= len(d.names) && len(d.digits(3, 8)) > 1 {
			// Of groups there are not as many: octal, to RE2.
			return &node{kind: kindChars, ranges: d.code(start, d.src[start+1:d.at], 8)}
		}
		d.at = start + len(`\1`)
		for d.more() && '0' <= d.src[d.at] && d.src[d.at] <= '9' && 10*n+int(d.src[d.at]-'0') < len(d.names) {
			n = 10*n + int(d.src[d.at]-'0')
			d.at++
		}
		x := &node{kind: kindRef, n: n, fold: d.flags&flagFold != 0}
		d.refs = append(d.refs, ref{at: start, node: x})
		return x
	}
	r, _ := d.escaped(start)
	return &node{kind: kindChars, ranges: r}
}

// escaped reads what may follow a backslash inside a class and outside: a kind
// of character, or one character in another spelling.
func (d *dialect) escaped(start int) (r ranges, single bool) {
	if !d.more() {
		d.fail(start, "the \\ at the end escapes nothing")
	}
	switch c := d.next(); c {
	case 'd', 'w', 's', 'h':
		return d.cased(perlClass[c]), false
	case 'D', 'W', 'S', 'H':
		return d.cased(perlClass[c+'a'-'A']).complement(), false
	case 'V':
		return vertical.complement(), false
	case 'p', 'P':
		return d.property(start, c == 'P'), false
	case 't':
		return ranges{'\t', '\t'}, true
	case 'n':
		return ranges{'\n', '\n'}, true
	case 'r':
		return ranges{'\r', '\r'}, true
	case 'f':
		return ranges{'\f', '\f'}, true
	case 'v':
		return ranges{'\v', '\v'}, true
	case 'a':
		return ranges{7, 7}, true
	case 'e':
		return ranges{0x1b, 0x1b}, true
	case '0':
		return d.code(start, d.digits(2, 8), 8), true
	case 'u':
		if d.take("{") {
			return d.code(start, d.until("}", "this code"), 16), true
		}
		return d.code(start, d.exactly(start, 4), 16), true
	case 'x':
		if d.take("{") {
			return d.code(start, d.until("}", "this code"), 16), true
		}
		return d.code(start, d.exactly(start, 2), 16), true
	case 'c':
		if !d.more() || d.src[d.at] >= utf8.RuneSelf {
			d.fail(start, "\\c wants a letter")
		}
		ctrl := rune(upper(d.src[d.at]) ^ 0x40)
		d.at++
		return d.cased(ranges{ctrl, ctrl}), true
	default:
		if l := c | 0x20; 'a' <= l && l <= 'z' || '1' <= c && c <= '9' {
			d.fail(start, "\\%c means nothing", c)
		}
		return d.cased(ranges{c, c}), true
	}
}

func (d *dialect) digits(most, base int) string {
	start := d.at
	for d.more() && d.at-start < most && digit(d.src[d.at]) < base {
		d.at++
	}
	return d.src[start:d.at]
}

func (d *dialect) exactly(start, n int) string {
	s := d.digits(n, 16)
	if len(s) < n {
		d.fail(start, "this code wants %d hexadecimal digits", n)
	}
	return s
}

func digit(c byte) int {
	switch c = lower[c]; {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	}
	return 99
}

func (d *dialect) code(start int, digits string, base int) ranges {
	if digits == "" && base == 16 {
		d.fail(start, "this code has no digits")
	}
	r := 0
	for i := range len(digits) {
		if digit(digits[i]) >= base {
			d.fail(start, "this code wants hexadecimal digits")
		}
		if r = r*base + digit(digits[i]); r > utf8.MaxRune {
			d.fail(start, "this code is above U+10FFFF")
		}
	}
	return d.cased(ranges{rune(r), rune(r)})
}
