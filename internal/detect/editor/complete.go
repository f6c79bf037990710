package editor

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
)

// What a Completion is.
type What uint8

const (
	OperatorWord What = iota
	FunctionWord
	AggregateWord
	KeywordWord
	FieldName
	ValueText
	Key // of a Sigma rule
)

// Completion is a text that may be written at a place.
type Completion struct {
	What   What
	Label  string
	Detail string    // one line: the usage line, where a field comes from
	Doc    string    // Markdown
	Insert string    // what is written; with Snippet, $0 is where the cursor goes
	At     diag.Span // what it is written for
	// Plain is written where the editor has no snippets.
	Plain   string
	Snippet bool
	Rank    int // lower comes first
}

// completionsMax is how many are given; more is true when there were others.
const completionsMax = 300

// Complete lists what may be written at an offset.
func (d *Document) Complete(offset int) (list []Completion, more bool) {
	r, at := d.At(offset)
	if r == nil {
		return nil, false
	}
	c := &completer{r: r, at: at, seen: map[string]bool{}}
	switch r.Language {
	case Sumo:
		c.sumo()
	case SIEM:
		c.siem()
	case Sigma:
		c.sigma()
	}
	slices.SortStableFunc(c.list, func(a, b Completion) int {
		if a.Rank != b.Rank {
			return a.Rank - b.Rank
		}
		return strings.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label))
	})
	if len(c.list) > completionsMax {
		return c.list[:completionsMax], true
	}
	return c.list, false
}

type completer struct {
	r    *Region
	at   int    // in the region
	from int    // where what is being written starts
	word string // what of it is there
	list []Completion
	seen map[string]bool
}

// put adds a completion if it fits what is written so far.
func (c *completer) put(x Completion) {
	if !fitsWord(x.Label, c.word) || c.seen[strings.ToLower(x.Label)] {
		return
	}
	c.seen[strings.ToLower(x.Label)] = true
	if x.Insert == "" {
		x.Insert = x.Label
	}
	if x.Plain == "" {
		x.Plain = strings.ReplaceAll(x.Insert, "$0", "")
	}
	x.Insert, x.Plain = c.r.write(x.Insert), c.r.write(x.Plain)
	if !strings.HasPrefix(strings.ToLower(x.Label), strings.ToLower(c.word)) {
		x.Rank += 10
	}
	x.At = diag.Span{Start: c.r.start(c.from), End: c.r.end(c.at)}
	if c.from == c.at {
		x.At.Start = x.At.End
	}
	if x.At.End < x.At.Start {
		x.At.End = x.At.Start
	}
	c.list = append(c.list, x)
}

// fitsWord reports whether a label starts with what is written, or has its letters in order.
func fitsWord(label, word string) bool {
	l, w := strings.ToLower(label), strings.ToLower(word)
	if strings.Contains(l, w) {
		return true
	}
	for _, c := range w {
		i := strings.IndexRune(l, c)
		if i < 0 {
			return false
		}
		l = l[i+utf8.RuneLen(c):]
	}
	return true
}

// stringValue is a comparison whose text is being written, searchValue the same in the search expression.
func stringValue() *regexp.Regexp {
	return pattern(`(?i)((?:%"[^"\n]*"|[A-Za-z_][\w.]*))\s*(?:==?|!=|<>|\bmatches|\bcontains|\blike|\bin\s*\((?:[^()"]|"[^"]*")*)\s*"([^"\n]*)$`)
}
func searchValue() *regexp.Regexp {
	return pattern(`([A-Za-z_][\w.-]*)\s*(?:=|!=|<>)\s*"?([^\s()|"]*)$`)
}
func pipeWord() *regexp.Regexp    { return pattern(`[A-Za-z_][\w.]*$`) }
func pipeWords() *regexp.Regexp   { return pattern(`[A-Za-z_][\w.]*`) }
func fieldQuoted() *regexp.Regexp { return pattern(`%"[^"\n]*$`) }
func naming() *regexp.Regexp      { return pattern(`(?i)\bas\s+(?:\w+\s*,\s*)*$`) }

func (c *completer) sumo() {
	text := c.r.File.Text[:c.at]
	v := c.r.doc.set.Vocab
	here := syntax.Probe(c.r.File, v, c.at)
	c.from = c.at
	tail := text[max(0, len(text)-2000):]
	switch {
	case here.Inside == "comment":
		return
	case here.Inside == "string":
		if i := fieldQuoted().FindStringIndex(tail); i != nil && here.From >= len(text)-(len(tail)-i[0]) {
			c.write(text[len(text)-(len(tail)-i[0]):])
			c.fields(syntax.Probe(c.r.File, v, c.from))
			return
		}
		if m := stringValue().FindStringSubmatch(tail); m != nil {
			c.write(m[2])
			c.values(unquoted(m[1]), true)
		} else if m := searchValue().FindStringSubmatch(tail); m != nil && here.Search {
			c.write(m[2])
			c.values(m[1], true)
		}
		return
	}
	if here.Search {
		if m := searchValue().FindStringSubmatch(tail); m != nil {
			c.write(m[2])
			c.values(m[1], strings.HasSuffix(text[:c.from], `"`))
			return
		}
	}
	c.write(pipeWord().FindString(tail))
	place := syntax.Probe(c.r.File, v, c.from)
	c.wanted(place)
}

// write says that the word being written is the end of the text.
func (c *completer) write(word string) { c.word, c.from = word, c.at-len(word) }

func unquoted(field string) string {
	return strings.TrimSuffix(strings.TrimPrefix(field, `%"`), `"`)
}

// wanted adds what the parser would take at a place.
func (c *completer) wanted(p *syntax.Place) {
	before := c.r.File.Text[:c.from]
	list := slices.ContainsFunc(p.Wants, func(w syntax.Wanted) bool { return w.Type == "agg" }) // sum(a) as b, ...
	if naming().MatchString(before[max(0, len(before)-200):]) && !list {
		c.names(p)
		return
	}
	named := false
	for _, w := range p.Wants {
		switch w.Type {
		case "":
			if w.Word != "" && (w.Word[0] >= 'a' && w.Word[0] <= 'z' || w.Word[0] >= 'A' && w.Word[0] <= 'Z') {
				c.put(Completion{What: KeywordWord, Label: w.Word, Detail: detailOf(p), Rank: 1})
			}
		case syntax.StageStart:
			c.words(true, true, true)
			if p.Pipes != nil {
				c.fieldsAt(p, 4)
			}
		case syntax.Infix:
			for _, word := range syntax.InfixWords() {
				c.put(Completion{What: KeywordWord, Label: word, Rank: 2})
			}
		case syntax.SearchTerm:
			for _, word := range []string{"AND", "OR", "NOT"} {
				c.put(Completion{What: KeywordWord, Label: word, Rank: 3})
			}
			c.terms()
		case "agg":
			c.words(false, true, false)
		case "expr", "named", "literal":
			if !named {
				named = true
				c.fields(p)
				c.words(false, false, true)
				for _, word := range []string{"true", "false", "null", "not"} {
					c.put(Completion{What: KeywordWord, Label: word, Rank: 5})
				}
			}
		case "field", "column", "sortkey", "rename":
			c.fields(p)
		case "duration":
			for _, n := range []string{"1", "5", "15"} {
				for _, u := range syntax.Units() {
					c.put(Completion{What: ValueText, Label: n + u, Detail: "duration", Rank: 4})
				}
			}
		}
	}
	c.longerNames(p)
	if len(p.Wants) == 0 && !p.Search { // a mistake stands before, in the same stage
		c.fields(p)
		c.words(false, false, true)
		if p.Usage != nil {
			for _, k := range p.Usage.Keywords() {
				c.put(Completion{What: KeywordWord, Label: k, Detail: detailOf(p), Rank: 1})
			}
		}
		for _, word := range syntax.InfixWords() {
			c.put(Completion{What: KeywordWord, Label: word, Rank: 6})
		}
	}
}

func detailOf(p *syntax.Place) string {
	if p.Usage != nil {
		return p.Usage.Line
	}
	return ""
}

// longerNames adds the rest of an operator's name of several words: regex behind parse.
func (c *completer) longerNames(p *syntax.Place) {
	if p.Search || p.Stage > c.from {
		return
	}
	so := strings.ToLower(strings.Join(strings.Fields(c.r.File.Text[p.Stage:c.from]), " "))
	if so == "" {
		return
	}
	for _, n := range c.r.doc.set.Vocab.Names() {
		rest, ok := strings.CutPrefix(strings.ToLower(n), so+" ")
		if !ok {
			continue
		}
		if o := c.r.doc.set.Vocab.Operator(n); o != nil {
			c.put(Completion{What: OperatorWord, Label: rest, Detail: o.Usage, Doc: docText(o.Doc), Rank: 0})
		}
	}
}

// words adds operators, group functions and functions of the vocabulary.
func (c *completer) words(ops, aggs, fns bool) {
	v := c.r.doc.set.Vocab
	for _, n := range v.Names() {
		if o := v.Operator(n); ops && o != nil && o.Status != "planned" {
			rank := 0
			if o.Dialect != "" || !strings.EqualFold(n, o.Name) {
				rank = 3
			}
			c.put(Completion{What: OperatorWord, Label: n, Detail: o.Usage, Doc: docText(o.Doc), Rank: rank})
		}
		if a := v.AggregateOf(n); aggs && a != nil {
			rank := 1
			if a.Dialect != "" || !strings.EqualFold(n, a.Name) {
				rank = 3
			}
			x := Completion{What: AggregateWord, Label: n, Detail: a.Usage, Doc: docText(a.Doc), Rank: rank}
			if strings.Contains(a.Usage, "(") && !strings.Contains(a.Usage, "[(") {
				x.Insert, x.Snippet = n+"($0)", true
				x.Plain = n + "("
			}
			c.put(x)
		}
		if f := v.FunctionOf(n); fns && f != nil {
			rank := 2
			if f.Dialect != "" || !strings.EqualFold(n, f.Name) {
				rank = 4
			}
			c.put(Completion{
				What: FunctionWord, Label: n, Detail: f.Usage, Doc: docText(f.Doc), Rank: rank,
				Insert: n + "($0)", Plain: n + "(", Snippet: true,
			})
		}
	}
}

// fields adds the fields that a place may read.
func (c *completer) fields(p *syntax.Place) { c.fieldsAt(p, 0) }

func (c *completer) fieldsAt(p *syntax.Place, rank int) {
	set := c.r.doc.set
	messages := len(p.Pipes) == 0
	for i := len(p.Pipes) - 1; i >= 0; i-- {
		q := p.Pipes[i]
		s := query.LookAt(q, c.r.File, set.Vocab)
		if i == len(p.Pipes)-1 {
			messages = s.Messages
		}
		for _, n := range s.Known {
			c.field(n, "made by this query", rank)
		}
	}
	if !messages {
		return // after an aggregate its groups and results are all there is
	}
	for _, n := range set.Sample.Names() {
		c.field(n, c.sampleDetail(n), rank+1)
	}
	for _, u := range c.r.query().survey().Uses {
		if !u.Makes && u.At != nil && u.At.Pos.Start != c.from { // else it is what is being written
			c.field(u.Name, "read by this query", rank+2)
		}
	}
	for _, n := range mapping.MetadataNames() {
		c.field(n, "metadata of the message", rank+3)
	}
	if set.Sample == nil {
		for _, n := range mapping.SysmonFields("1") {
			c.field(n, "Sysmon, process creation", rank+3)
		}
	}
}

// names adds the names that a stage may give a field anew: what it is called is the
// writer's to choose, but for one that takes the place of another.
func (c *completer) names(p *syntax.Place) {
	set := c.r.doc.set
	for _, q := range p.Pipes {
		for _, n := range query.LookAt(q, c.r.File, set.Vocab).Known {
			c.field(n, "made by this query", 0)
		}
	}
	for _, u := range c.r.query().survey().Uses {
		if u.At != nil && u.At.Pos.End < c.from {
			c.field(u.Name, "named by this query", 1)
		}
	}
	if p.Stage < c.from { // the stage itself, which is not whole yet
		for _, n := range pipeWords().FindAllString(c.r.File.Text[p.Stage:c.from], 50) {
			v := set.Vocab
			if v.Operator(n) == nil && !v.Function(n) && !v.Aggregate(n) && set.Sample.Field(n) != nil {
				c.field(n, "read by this stage", 1)
			}
		}
	}
}

func (c *completer) field(name, detail string, rank int) {
	if strings.HasPrefix(c.word, `%"`) {
		if fitsWord(name, c.word[2:]) {
			word := c.word
			c.word = ""
			end := c.at
			if strings.HasPrefix(c.r.File.Text[c.at:], `"`) {
				c.at++
			}
			c.put(Completion{What: FieldName, Label: name, Detail: detail, Insert: syntax.Quoted(name), Rank: rank})
			c.word, c.at = word, end
		}
		return
	}
	c.put(Completion{What: FieldName, Label: name, Detail: detail, Doc: c.sampleDoc(name), Insert: syntax.Quoted(name), Rank: rank})
}

func (c *completer) sampleDetail(name string) string {
	f := c.r.doc.set.Sample.Field(name)
	if f == nil {
		return ""
	}
	return fmt.Sprintf("in %d of %d events of %s", f.Events, c.r.doc.set.Sample.Events, c.r.doc.set.Sample.Name)
}

func (c *completer) sampleDoc(name string) string {
	if f := c.r.doc.set.Sample.Field(name); f != nil {
		return valuesText(f.Values)
	}
	return ""
}

// terms adds field=value of the search expression.
func (c *completer) terms() {
	for _, n := range mapping.MetadataNames() {
		if n != "_size" && !strings.HasSuffix(n, "Time") {
			c.put(Completion{What: FieldName, Label: n, Detail: "metadata of the message", Insert: n + "=$0", Plain: n + "=", Snippet: true, Rank: 0})
		}
	}
	for _, n := range c.r.doc.set.Sample.Names() {
		if !mapping.Metadata(n) {
			c.put(Completion{What: FieldName, Label: n, Detail: c.sampleDetail(n), Insert: syntax.Quoted(n) + "=$0", Plain: syntax.Quoted(n) + "=", Snippet: true, Rank: 2})
		}
	}
}

// values adds what a field holds in the sample, and the categories that gyoji gives
// Windows logs.
func (c *completer) values(field string, quoted bool) {
	add := func(value, detail string, rank int) {
		insert := value
		switch {
		case quoted:
			insert = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)
		case strings.ContainsAny(value, " \t|()\"`"):
			insert = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
		}
		c.put(Completion{What: ValueText, Label: value, Detail: detail, Insert: insert, Rank: rank})
	}
	if f := c.r.doc.set.Sample.Field(field); f != nil {
		for _, v := range f.Values {
			if v != "" && len(v) <= valueMax && !strings.ContainsAny(v, "\n\r") {
				add(v, "in "+c.r.doc.set.Sample.Name, 0)
			}
		}
	}
	if strings.EqualFold(field, "_sourceCategory") {
		for _, x := range mapping.Categories() {
			add(x[1], x[0], 1)
		}
	}
}

// valueMax is the longest value that is offered, in bytes.
const valueMax = 300

// docText is the documentation of a word as Markdown.
func docText(d lang.Doc) string {
	var b strings.Builder
	fmt.Fprintf(&b, "```sumo\n%s\n```\n%s\n", d.Usage, d.Summary)
	if d.Text != "" {
		fmt.Fprintf(&b, "\n%s\n", d.Text)
	}
	if len(d.Aliases) > 0 {
		fmt.Fprintf(&b, "\nAlso written: %s\n", strings.Join(d.Aliases, ", "))
	}
	if d.Dialect != "" {
		fmt.Fprintf(&b, "\nNot a word of Sumo Logic. Portable form: `%s`\n", d.Dialect)
	}
	if d.Differs != "" {
		fmt.Fprintf(&b, "\nOur reading where Sumo's documentation is silent: %s\n", d.Differs)
	}
	if d.Status != "" {
		fmt.Fprintf(&b, "\nStatus: %s\n", d.Status)
	}
	for i, ex := range d.Examples {
		if i == 0 {
			b.WriteString("\nExamples\n")
		}
		if i == examplesShown {
			break
		}
		fmt.Fprintf(&b, "```sumo\n%s\n```\n", ex.Query)
		for _, out := range ex.Out {
			fmt.Fprintf(&b, "gives `%s`\n", strings.ReplaceAll(out, "`", "'"))
		}
	}
	return b.String()
}

// examplesShown is how many examples of a word are shown beside a text.
const examplesShown = 2

// valuesText lists values as Markdown that shows them and means nothing else: they
// come from logs.
func valuesText(values []string) string {
	var b strings.Builder
	for i, v := range values {
		if i == valuesShown {
			fmt.Fprintf(&b, "- and %d more\n", len(values)-i)
			break
		}
		fmt.Fprintf(&b, "- %s\n", literal(v))
	}
	return b.String()
}

const (
	valuesShown = 8
	valueShown  = 120 // bytes of one
)

// literal writes a text of a log as code: no line of it and no backtick ends that.
func literal(v string) string {
	v = strings.ToValidUTF8(v, "\ufffd")
	if len(v) > valueShown {
		v = strings.ToValidUTF8(v[:valueShown], "") + "..."
	}
	v = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029:
			return ' '
		case r == '`':
			return '\u02cb' // the look of it
		}
		return r
	}, v)
	if strings.TrimSpace(v) == "" {
		return "(empty)"
	}
	return "`" + v + "`"
}
