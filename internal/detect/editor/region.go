package editor

import (
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/diag"
)

// Region is a text of one language in a document: the whole of it, or a string or
// block with its indentation and escapes undone.
type Region struct {
	Language Language
	File     *diag.File
	Title    string // what it is a part of: the key it stands under, or the rule
	Span     diag.Span

	doc     *Document
	pieces  []piece
	write   func(string) string // how new text is written in the document
	inRules bool                // an expression of rules that are looked at as a whole
	joined  bool                // line ends of the document are blanks of the text

	query func() *queryText
}

// piece is a run of the region's text with its place in the document. Where the
// lengths differ the document has an escape.
type piece struct{ in, inLen, out, outLen int }

func (d *Document) whole(l Language) *Region {
	r := &Region{
		Language: l, File: d.File, doc: d, Span: diag.Span{End: len(d.File.Text)},
		pieces: []piece{{0, len(d.File.Text), 0, len(d.File.Text)}}, write: d.lineEnds,
	}
	r.query = sync.OnceValue(r.read)
	return r
}

// lineEnds writes line ends as the document has them.
func (d *Document) lineEnds(s string) string {
	if strings.Contains(d.File.Text, "\r\n") {
		return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
	}
	return s
}

// in is the place in the region of an offset of the document.
func (r *Region) in(offset int) (int, bool) {
	if offset < r.Span.Start || offset > r.Span.End || len(r.pieces) == 0 {
		return 0, false
	}
	i := sort.Search(len(r.pieces), func(i int) bool { return r.pieces[i].out > offset }) - 1
	if i < 0 {
		return 0, true
	}
	p := r.pieces[i]
	if p.inLen == p.outLen {
		return p.in + min(offset-p.out, p.inLen), true
	}
	if offset >= p.out+p.outLen {
		return p.in + p.inLen, true
	}
	return p.in, true
}

// start and end are the places in the document where something starts or ends that
// does so at an offset of the region: at the end of a line they differ, by what
// indents the next.
func (r *Region) start(at int) int {
	i := sort.Search(len(r.pieces), func(i int) bool { return r.pieces[i].in > at }) - 1
	return r.place(i, at, false)
}

func (r *Region) end(at int) int {
	i := sort.Search(len(r.pieces), func(i int) bool { return r.pieces[i].in >= at }) - 1
	return r.place(max(i, 0), at, true)
}

// place is an offset of the region in its piece i. Of an escape there is only the start
// and the end.
func (r *Region) place(i, at int, end bool) int {
	if i < 0 || len(r.pieces) == 0 {
		return r.Span.Start
	}
	p := r.pieces[i]
	switch {
	case at <= p.in:
		return p.out
	case p.inLen == p.outLen:
		return p.out + min(at-p.in, p.outLen)
	case !end && at < p.in+p.inLen:
		return p.out
	}
	return p.out + p.outLen
}

func (r *Region) out(s diag.Span) diag.Span {
	if s.Start == s.End {
		at := r.end(s.Start)
		if s.Start == 0 {
			at = r.start(0)
		}
		return diag.Span{Start: at, End: at}
	}
	start := r.start(s.Start)
	return diag.Span{Start: start, End: max(start, r.end(s.End))}
}

func (r *Region) edits(list []diag.Edit) (out []diag.Edit) {
	for _, e := range list {
		out = append(out, diag.Edit{Span: r.out(e.Span), New: r.write(e.New)})
	}
	return out
}

// builder makes a region piece by piece.
type builder struct {
	text   strings.Builder
	pieces []piece
}

// add takes a piece of the document as it is.
func (b *builder) add(doc string, from, to int) {
	if to > from {
		b.pieces = append(b.pieces, piece{b.text.Len(), to - from, from, to - from})
		b.text.WriteString(doc[from:to])
	}
}

// put takes a text that stands for a piece of the document.
func (b *builder) put(text string, from, to int) {
	b.pieces = append(b.pieces, piece{b.text.Len(), len(text), from, to - from})
	b.text.WriteString(text)
}

func (b *builder) region(d *Document, l Language, title string, at diag.Span, write func(string) string) *Region {
	if len(b.pieces) == 0 {
		b.pieces = []piece{{0, 0, at.Start, 0}}
	}
	r := &Region{
		Language: l, File: diag.Text(d.File.Name, b.text.String()), Title: title, Span: at, doc: d, pieces: b.pieces,
		write: func(s string) string { return write(d.lineEnds(s)) },
	}
	r.query = sync.OnceValue(r.read)
	return r
}

// ---- where regions stand

// languageOf says what the text under a key is, in YAML, JSON and Terraform: a query
// of log search, an expression of Cloud SIEM, or neither.
func languageOf(key string) Language {
	switch strings.ToLower(strings.ReplaceAll(key, "_", "")) {
	case "query", "querytext", "querystring", "searchquery":
		return Sumo
	case "expression", "matchexpression", "filterexpression":
		return SIEM
	}
	return ""
}

// queryLike leaves out what stands under such a key and is none: the name of a file,
// a number.
func queryLike(s string) bool {
	s = strings.TrimSpace(s)
	return s != "" && !strings.HasSuffix(s, ".sumo") && !strings.HasSuffix(s, ".cse") && !strings.HasPrefix(s, "$")
}

func yamlKeyLine() *regexp.Regexp {
	return pattern(`^([ \t]*(?:- +)*)(["']?)([A-Za-z_][\w-]*)(["']?)[ \t]*:[ \t]*(.*)$`)
}
func yamlProperties() *regexp.Regexp { return pattern(`^(?:[&!]\S*[ \t]+)+`) } // anchors and tags
func flowKey() *regexp.Regexp {
	return pattern(`[{,][ \t]*["']?([A-Za-z_][\w-]*)["']?[ \t]*:[ \t]*(["'])`)
}
func blockMark() *regexp.Regexp { return pattern(`^[|>][0-9+-]*[ \t]*(?:#.*)?$`) }

// line is a line of the text: its start, and its end without the line end.
type line struct{ start, end, next int }

func lines(s string) (list []line) {
	for i := 0; i <= len(s); {
		n := strings.IndexByte(s[i:], '\n')
		if n < 0 {
			return append(list, line{i, len(s), len(s) + 1})
		}
		end := i + n
		if end > i && s[end-1] == '\r' {
			end--
		}
		list = append(list, line{i, end, i + n + 1})
		i += n + 1
	}
	return list
}

// indentOf counts the blanks a line starts with; -1 for one of nothing else.
func indentOf(s string) int {
	n := len(s) - len(strings.TrimLeft(s, " \t"))
	if n == len(s) {
		return -1
	}
	return n
}

// inYAML finds the queries and expressions of a YAML file that may be broken: keys
// by name, with a block or a text on the line.
func (d *Document) inYAML() (list []*Region) {
	text := d.File.Text
	ls := lines(text)
	if strings.HasPrefix(text, "\ufeff") {
		ls[0].start += len("\ufeff")
	}
	for i := 0; i < len(ls); i++ {
		if ln := strings.TrimLeft(text[ls[i].start:ls[i].end], "- \t"); strings.HasPrefix(ln, "{") || strings.HasPrefix(ln, "[") {
			list = append(list, d.inFlow(ls[i].start, ls[i].end)...)
			continue
		}
		m := yamlKeyLine().FindStringSubmatchIndex(text[ls[i].start:ls[i].end])
		if m == nil {
			continue
		}
		at := func(n int) int { return ls[i].start + m[n] }
		key, value, begin := text[at(6):at(7)], text[at(10):at(11)], at(10)
		if skip := len(yamlProperties().FindString(value)); skip > 0 {
			value, begin = value[skip:], begin+skip
		}
		if strings.HasPrefix(value, "{") || strings.HasPrefix(value, "[") {
			list = append(list, d.inFlow(begin, at(11))...)
			continue
		}
		l := languageOf(key)
		if l == "" {
			continue
		}
		if strings.HasPrefix(value, `"`) || strings.HasPrefix(value, "'") {
			r, end := d.inQuotes(l, key, begin, at(6)-ls[i].start)
			if r != nil {
				list = append(list, r)
			}
			for i+1 < len(ls) && ls[i+1].start <= end {
				i++
			}
			continue
		}
		if blockMark().MatchString(value) {
			// The key's own column, after "- ", is the indentation that a block must pass.
			outer, set := at(6)-ls[i].start, 0
			if n := strings.IndexAny(value[:min(len(value), 3)], "123456789"); n > 0 {
				set = outer + int(value[n]-'0') // as |2 says, not as the first line does
			}
			r, last := d.block(ls, i+1, outer, set, l, key, value[0] == '>')
			if r != nil {
				list = append(list, r)
			}
			i = last
			continue
		}
		if r, last := d.plain(ls, i, begin, at(11), at(6)-ls[i].start, l, key); last > i {
			if r != nil {
				list = append(list, r)
			}
			i = last
		} else if r := d.scalar(l, key, begin, at(11)); r != nil {
			list = append(list, r)
		}
	}
	return list
}

// plain reads a text without quotes that goes on in the lines after i, which YAML joins
// with blanks. It returns the last of them, i when there is none.
func (d *Document) plain(ls []line, i, from, to, outer int, l Language, key string) (*Region, int) {
	text := d.File.Text
	if to > from && strings.ContainsAny(text[from:from+1], "[{&*!|>%@`\"'#") {
		return nil, i
	}
	last := i
	for n := i + 1; n < len(ls); n++ {
		ln := text[ls[n].start:ls[n].end]
		in := indentOf(ln)
		if in <= outer && in >= 0 || in >= 0 && strings.HasPrefix(ln[in:], "#") || n == i+1 && from == to && (in < 0 || strings.HasPrefix(ln[in:], "- ") || yamlKeyLine().MatchString(ln)) {
			break
		}
		if in >= 0 {
			last = n
		}
	}
	if last == i {
		return nil, i
	}
	var b builder
	b.add(text, from, to)
	at, end := from, to
	for n := i + 1; n <= last; n++ {
		start := ls[n].start + max(indentOf(text[ls[n].start:ls[n].end]), 0)
		if b.text.Len() > 0 {
			b.put(" ", end, start)
		} else {
			at = start
		}
		b.add(text, start, ls[n].end)
		end = ls[n].end
	}
	if !queryLike(b.text.String()) {
		return nil, last
	}
	r := b.region(d, l, key, diag.Span{Start: at, End: end}, func(s string) string { return strings.ReplaceAll(s, "\n", " ") })
	r.joined = true
	return r, last
}

// block reads an indented block from line i on: by indent, or by its first line where that
// is 0. It returns its last line.
func (d *Document) block(ls []line, i, outer, indent int, l Language, title string, folded bool) (*Region, int) {
	text := d.File.Text
	first := i
	for ; i < len(ls); i++ {
		n := indentOf(text[ls[i].start:ls[i].end])
		if n < 0 {
			continue
		}
		if indent == 0 && n > outer {
			indent = n
		}
		if indent == 0 || n < indent {
			break
		}
	}
	for i > first && indentOf(text[ls[i-1].start:ls[i-1].end]) < 0 {
		i--
	}
	if i == first || indent == 0 {
		return nil, first - 1
	}
	if folded {
		return d.foldedRegion(ls[first:i], indent, l, title), i - 1
	}
	return d.linesRegion(ls[first:i], indent, l, title), i - 1
}

// foldedRegion is a block whose lines YAML joins with blanks, those aside that are set in
// further (YAML 1.2, 8.1.3).
func (d *Document) foldedRegion(ls []line, indent int, l Language, title string) *Region {
	text := d.File.Text
	flat := func(i int) bool { return indentOf(text[ls[i].start:ls[i].end]) == indent }
	var b builder
	for i, ln := range ls {
		from := min(ln.start+indent, ln.end)
		b.add(text, from, ln.end)
		switch {
		case i+1 == len(ls):
		case flat(i) && flat(i+1):
			b.put(" ", ln.end, min(ls[i+1].start+indent, ls[i+1].end))
		case ln.end > from || !flat(max(i-1, 0)):
			b.put("\n", ln.end, ln.next)
		}
	}
	r := b.region(d, l, title, diag.Span{Start: min(ls[0].start+indent, ls[0].end), End: ls[len(ls)-1].end}, func(s string) string { return strings.ReplaceAll(s, "\n", " ") })
	r.joined = true
	return r
}

// linesRegion is a region of whole lines with so much indentation.
func (d *Document) linesRegion(ls []line, indent int, l Language, title string) *Region {
	pad := d.File.Text[ls[0].start:min(ls[0].start+indent, ls[0].end)]
	return d.marginRegion(ls, func(ln line) int { return min(ln.start+indent, ln.end) }, pad, l, title)
}

// marginRegion is a region of whole lines, each from where begin says it begins. pad is
// what a new line begins with.
func (d *Document) marginRegion(ls []line, begin func(line) int, pad string, l Language, title string) *Region {
	text := d.File.Text
	var b builder
	for i, ln := range ls {
		from := begin(ln)
		to := ln.end
		if i+1 < len(ls) {
			to = min(ln.next, len(text))
		}
		b.add(text, from, to)
	}
	return b.region(d, l, title, diag.Span{Start: begin(ls[0]), End: ls[len(ls)-1].end}, func(s string) string {
		return strings.ReplaceAll(s, "\n", "\n"+pad)
	})
}

// scalar reads a text without quotes on one line of YAML.
func (d *Document) scalar(l Language, key string, from, to int) *Region {
	text := d.File.Text
	value := strings.TrimRight(text[from:to], " \t")
	to = from + len(value)
	if value == "" || strings.ContainsAny(value[:1], "[{&*!#|>%@`\"'") {
		return nil
	}
	if i := strings.Index(value, " #"); i >= 0 {
		to = from + len(strings.TrimRight(value[:i], " \t"))
	}
	if !queryLike(text[from:to]) {
		return nil
	}
	var b builder
	b.add(text, from, to)
	return b.region(d, l, key, diag.Span{Start: from, End: to}, func(s string) string { return s })
}

// inQuotes reads a text in quotes of YAML, which may go on in lines that are set in further
// than outer, and gives where it ends; 0 where it does not. YAML joins its lines with blanks
// (1.2, 7.3), an empty line is a line end.
func (d *Document) inQuotes(l Language, key string, from, outer int) (*Region, int) {
	text := d.File.Text
	quote, start := text[from], from+1
	var b builder
	joined := false
	for i := start; i < len(text); {
		n, put := 0, ""
		at := i
		if text[i] == '\\' && quote == '"' && i+1 < len(text) {
			at++ // of a line that is not joined with a blank
		}
		switch {
		case text[at] == '\n' || text[at] == '\r':
			next := len(text) - len(strings.TrimLeft(text[at:], " \t\r\n"))
			if next == len(text) || next-strings.LastIndexByte(text[:next], '\n')-1 <= outer {
				return nil, 0
			}
			if ends := strings.Count(text[at:next], "\n"); ends > 1 {
				put = strings.Repeat("\n", ends-1)
			} else if at == i {
				put = " "
			}
			if at == i {
				i = start + len(strings.TrimRight(text[start:i], " \t"))
			}
			n, joined = next-i, true
		case quote == '"':
			n, put = escapeAt(text, i)
		case text[i] == quote && strings.HasPrefix(text[i+1:], "'"):
			n, put = 2, "'"
		}
		if n == 0 && text[i] == quote {
			b.add(text, start, i)
			if !queryLike(b.text.String()) {
				return nil, i
			}
			r := b.region(d, l, key, diag.Span{Start: from + 1, End: i}, func(s string) string {
				if quote == '"' {
					return quotedSigns.Replace(s)
				}
				return strings.NewReplacer("'", "''", "\n", " ").Replace(s)
			})
			r.joined = joined
			return r, i
		}
		if n == 0 {
			i++
			continue
		}
		b.add(text, start, i)
		b.put(put, i, i+n)
		i += n
		start = i
	}
	return nil, 0
}

// quotedSigns write a text between double quotes of YAML, JSON and Terraform.
var quotedSigns = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

// inFlow finds keys with a text in quotes in what stands between braces on a line.
func (d *Document) inFlow(from, to int) (list []*Region) {
	text := d.File.Text
	for from < to {
		m := flowKey().FindStringSubmatchIndex(text[from:to])
		if m == nil {
			return list
		}
		key := text[from+m[2] : from+m[3]]
		l := languageOf(key)
		r, end := d.inQuotes(l, key, from+m[4], 0)
		if end == 0 {
			return list
		}
		if r != nil && l != "" {
			list = append(list, r)
		}
		from = end + 1
	}
	return list
}

// quotedEnd is the place of the quote that ends a string whose text has backslashes
// as escapes; 0 when it does not end before limit.
func quotedEnd(s string, at int, quote byte, limit int) int {
	for i := at + 1; i < limit; i++ {
		switch s[i] {
		case '\\':
			i++
		case quote:
			return i
		case '\n':
			return 0
		}
	}
	return 0
}

// quoted reads a string in double quotes: JSON's, YAML's, or Terraform's with its
// templates.
func (d *Document) quoted(l Language, title string, from, to int, hcl bool) *Region {
	text := d.File.Text
	if !queryLike(text[from:to]) {
		return nil
	}
	var b builder
	start := from
	for i := from; i < to; {
		n, put := escapeAt(text[:to], i)
		if n == 0 && hcl {
			n, put = templateAt(text[:to], i)
		}
		if n == 0 {
			i++
			continue
		}
		b.add(text, start, i)
		b.put(put, i, i+n)
		i += n
		start = i
	}
	b.add(text, start, to)
	return b.region(d, l, title, diag.Span{Start: from, End: to}, func(s string) string {
		s = quotedSigns.Replace(s)
		if hcl {
			s = strings.NewReplacer("${", "$${", "%{", "%%{").Replace(s)
		}
		return s
	})
}

// escapeAt is the length of the escape at i and what it stands for.
func escapeAt(s string, i int) (int, string) {
	if s[i] != '\\' || i+1 >= len(s) {
		return 0, ""
	}
	switch c := s[i+1]; c {
	case 'n':
		return 2, "\n"
	case 't':
		return 2, "\t"
	case 'r':
		return 2, "\r"
	case 'b', 'f', 'v', 'a', 'e', '0':
		return 2, " "
	case 'u', 'U', 'x':
		n := map[byte]int{'u': 4, 'U': 8, 'x': 2}[c]
		if i+2+n <= len(s) {
			v, err := strconv.ParseUint(s[i+2:i+2+n], 16, 32)
			if err != nil {
				break
			}
			// A pair of surrogates is one character.
			if c == 'u' && 0xd800 <= v && v < 0xdc00 && strings.HasPrefix(s[min(i+6, len(s)):], `\u`) && i+12 <= len(s) {
				if low, err := strconv.ParseUint(s[i+8:i+12], 16, 32); err == nil && 0xdc00 <= low && low < 0xe000 {
					return 12, string(rune(0x10000 + (v-0xd800)<<10 + (low - 0xdc00)))
				}
			}
			if !utf8.ValidRune(rune(v)) {
				v = utf8.RuneError
			}
			return 2 + n, string(rune(v))
		}
	case '"', '\\', '/':
		return 2, string(c)
	}
	return 0, ""
}

// templateAt is the length of a template of Terraform at i, and what a query has in
// its place: a parameter without a value.
func templateAt(s string, i int) (int, string) {
	switch {
	case strings.HasPrefix(s[i:], "$${"), strings.HasPrefix(s[i:], "%%{"):
		return 3, s[i+1 : i+3]
	case !strings.HasPrefix(s[i:], "${") && !strings.HasPrefix(s[i:], "%{"):
		return 0, ""
	}
	depth := 0
	for j := i + 1; j < len(s) && j < i+500; j++ {
		switch s[j] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				if s[i] == '%' {
					return j + 1 - i, ""
				}
				return j + 1 - i, "{{" + strings.Map(wordSign, s[i+2:j]) + "}}"
			}
		}
	}
	return 0, ""
}

// wordSign keeps what a template parameter's name may have.
func wordSign(r rune) rune {
	if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '_' {
		return r
	}
	return '_'
}

func hclBlock() *regexp.Regexp {
	return pattern(`^[ \t]*(?:resource|data)[ \t]+"([^"]*)"[ \t]+"([^"]*)"`)
}
func hclValue() *regexp.Regexp {
	return pattern(`^([ \t]*)"?([A-Za-z_]\w*)"?[ \t]*[=:][ \t]*(?:(<<-?)[ \t]*([A-Za-z_]\w*)[ \t]*$|")`)
}
func metrics() *regexp.Regexp {
	return pattern(`(?i)(?:monitor_type|query_type|type)[ \t]*=[ \t]*"[^"]*metrics`)
}

// inTerraform finds the queries and expressions of a Terraform file.
func (d *Document) inTerraform() (list []*Region) {
	text := d.File.Text
	cse := strings.Contains(text, "sumologic_cse_")
	if cse {
		list = append(list, d.whole(Rules))
	}
	if strings.HasPrefix(strings.TrimSpace(text), "{") { // Terraform's JSON
		return append(list, d.jsonRegions(cse)...)
	}
	ls := lines(text)
	resource, from := "", 0
	for i := 0; i < len(ls); i++ {
		ln := text[ls[i].start:ls[i].end]
		if m := hclBlock().FindStringSubmatch(ln); m != nil {
			resource, from = m[1], i
			continue
		}
		m := hclValue().FindStringSubmatchIndex(ln)
		if m == nil {
			continue
		}
		key := ln[m[4]:m[5]]
		l := languageOf(key)
		if l == "" || l == SIEM && !strings.HasPrefix(resource, "sumologic_cse_") {
			continue
		}
		if l == Sumo && strings.HasPrefix(resource, "sumologic_cse_") || l == Sumo && metrics().MatchString(text[ls[from].start:blockEnd(text, ls, i)]) {
			continue // of metrics, which are another language
		}
		var r *Region
		if m[6] >= 0 { // <<EOF
			r, i = d.heredoc(ls, i, ln[m[8]:m[9]], l, key)
		} else if end := quotedEnd(text, ls[i].start+m[1]-1, '"', ls[i].end); end > 0 {
			r = d.quoted(l, key, ls[i].start+m[1], end, true)
		}
		if r != nil {
			r.inRules = l == SIEM && cse
			list = append(list, r)
		}
	}
	return list
}

// blockEnd is the end of the block that line i stands in, or where another begins.
func blockEnd(text string, ls []line, i int) int {
	for ; i < len(ls); i++ {
		if ln := text[ls[i].start:ls[i].end]; strings.HasPrefix(ln, "}") || hclBlock().MatchString(ln) {
			break
		}
	}
	return ls[min(i, len(ls)-1)].start
}

// heredoc reads the text from the line after i to its mark.
func (d *Document) heredoc(ls []line, i int, mark string, l Language, title string) (*Region, int) {
	text := d.File.Text
	end := i + 1
	for end < len(ls) && strings.TrimSpace(text[ls[end].start:ls[end].end]) != mark {
		end++
	}
	if end == i+1 || end >= len(ls) {
		return nil, min(end, len(ls)-1)
	}
	indent := -1
	for _, ln := range ls[i+1 : end] {
		if n := indentOf(text[ln.start:ln.end]); n >= 0 && (indent < 0 || n < indent) {
			indent = n
		}
	}
	var b builder
	for k, ln := range ls[i+1 : end] {
		from, to := min(ln.start+max(indent, 0), ln.end), ln.end
		if i+2+k < end {
			to = min(ln.next, len(text))
		}
		start := from
		for j := from; j < to; {
			n, put := templateAt(text[:to], j)
			if n == 0 {
				j++
				continue
			}
			b.add(text, start, j)
			b.put(put, j, j+n)
			j += n
			start = j
		}
		b.add(text, start, to)
	}
	pad := text[ls[i+1].start:min(ls[i+1].start+max(indent, 0), ls[i+1].end)]
	at := diag.Span{Start: min(ls[i+1].start+max(indent, 0), ls[i+1].end), End: ls[end-1].end}
	return b.region(d, l, title, at, func(s string) string {
		return strings.NewReplacer("${", "$${", "%{", "%%{", "\n", "\n"+pad).Replace(s)
	}), end
}

func jsonKey() *regexp.Regexp { return pattern(`"([A-Za-z_]\w*)"[ \t\r\n]*:[ \t\r\n]*"`) }

// inJSON finds the queries and expressions of a JSON file: exports, rules.
func (d *Document) inJSON() (list []*Region) {
	rules := holdsRules(d.File.Name, d.File.Text)
	if rules {
		list = append(list, d.whole(Rules))
	}
	return append(list, d.jsonRegions(rules)...)
}

func (d *Document) jsonRegions(rules bool) (list []*Region) {
	text := d.File.Text
	for _, m := range jsonKey().FindAllStringSubmatchIndex(text, regionsMax) {
		key := text[m[2]:m[3]]
		l := languageOf(key)
		// A log has fields of such names, too: only what is known to be rules, or the
		// keys that only Sumo Logic's exports have.
		if l == "" || l == SIEM && !rules || l == Sumo && !strings.EqualFold(key, "queryText") && !strings.EqualFold(key, "queryString") {
			continue
		}
		if end := quotedEnd(text, m[1]-1, '"', len(text)); end > 0 {
			if r := d.quoted(l, key, m[1], end, false); r != nil {
				r.inRules = l == SIEM
				list = append(list, r)
			}
		}
	}
	return list
}

// regionsMax bounds the regions of one document.
const regionsMax = 2000

func fence() *regexp.Regexp {
	return pattern("^((?:[ \t]*(?:>|[-*+][ \t]|[0-9]{1,9}[.)][ \t]))*[ \t]*)(`{3,}|~{3,})[ \t]*\\{?\\.?([A-Za-z-]*)")
}

// margin is what the lines of a fenced block begin with: the marks of the quotes that it
// stands in, and blanks as wide as what stands before the fence.
type margin struct {
	text   string
	quotes int
	blanks int // after the last of the marks
}

func newMargin(before string) margin {
	m := margin{quotes: strings.Count(before, ">")}
	m.blanks = len(before) - 1 - strings.LastIndexByte(before, '>')
	m.text = strings.Map(func(r rune) rune {
		if r == '>' || r == '\t' {
			return r
		}
		return ' ' // the mark of a list stands in its first line only
	}, before)
	return m
}

// of is how much of a line is margin. A line without the marks is not of the block.
func (m margin) of(ln string) (n int, ok bool) {
	blank := func() bool { return n < len(ln) && (ln[n] == ' ' || ln[n] == '\t') }
	for range m.quotes {
		for blank() {
			n++
		}
		if n == len(ln) || ln[n] != '>' {
			return 0, false
		}
		n++
	}
	for left := m.blanks; left > 0 && blank(); left-- {
		n++
	}
	return n, true
}

// inMarkdown finds the fenced blocks of a Markdown page by what they say they are.
func (d *Document) inMarkdown() (list []*Region) {
	text := d.File.Text
	ls := lines(text)
	for i := 0; i < len(ls); i++ {
		m := fence().FindStringSubmatch(text[ls[i].start:ls[i].end])
		if m == nil {
			continue
		}
		before := newMargin(m[1])
		end, closed := i+1, true
		for end < len(ls) {
			ln := text[ls[end].start:ls[end].end]
			n, in := before.of(ln)
			ln = strings.TrimSpace(ln[n:])
			if closed = in; !in || strings.HasPrefix(ln, m[2]) && strings.Trim(ln, m[2][:1]) == "" {
				break
			}
			end++
		}
		l := map[string]Language{"sumo": Sumo, "sumologic": Sumo, "sumo-logic": Sumo, "sumoql": Sumo, "cse": SIEM, "siem": SIEM, "sigma": Sigma}[strings.ToLower(m[3])]
		if l != "" && end > i+1 {
			begin := func(ln line) int {
				n, _ := before.of(text[ln.start:ln.end])
				return ln.start + n
			}
			list = append(list, d.marginRegion(ls[i+1:end], begin, before.text, l, m[3]))
		}
		if i = end; !closed {
			i-- // the line after a quote may begin another block
		}
	}
	return list
}
