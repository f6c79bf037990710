package convert

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/sigma"
)

// SigmaText writes a rule of a predicate, and behind it the correlation that
// counts its events if the predicate has one. What m does not give is filled in:
// ids are made of what the documents say, so that the same query gives the same.
func SigmaText(p *Predicate, m sigma.Meta) string {
	var b strings.Builder
	for _, d := range p.Lost {
		fmt.Fprintf(&b, "# %s\n", d.Message)
	}
	if p.Count == nil {
		return b.String() + ruleText(p, m, p.Notes)
	}
	counted := sigma.Meta{
		Title: m.Title + ", Each Event", Name: strings.Trim(notInNames().ReplaceAllString(strings.ToLower(m.Title), "_"), "_"),
		Status: m.Status, Author: m.Author, Date: m.Date, License: m.License, Level: sigma.Informational,
		Description: "The events that " + m.Title + " counts.",
	}
	rule := ruleText(p, counted, nil)
	return b.String() + rule + "---\n" + correlationText(p.Count, []string{counted.Name}, m, p.Notes)
}

// The order of Sigma's operators: what binds a condition tighter stands later.
const (
	looseOr = iota
	tightAnd
	operand
)

// ruleText writes the detection rule of a predicate.
func ruleText(p *Predicate, m sigma.Meta, notes []string) string {
	w := &sigmaWriter{names: map[string]bool{}}
	cond := w.condition(p.Cond)
	var source, detection strings.Builder
	for _, x := range [3][2]string{{"category", p.LogSource.Category}, {"product", p.LogSource.Product}, {"service", p.LogSource.Service}} {
		if x[1] != "" {
			fmt.Fprintf(&source, "    %s: %s\n", x[0], plainOrQuoted(x[1]))
		}
	}
	for _, s := range w.searches {
		fmt.Fprintf(&detection, "    %s:\n%s", s.name, indent(s.body, 8))
	}
	fmt.Fprintf(&detection, "    condition: %s\n", cond)
	if m.ID == "" {
		m.ID = idOf(source.String() + detection.String())
	}
	return document(m, notes, "logsource:\n"+source.String()+"detection:\n"+detection.String())
}

// correlationText writes the correlation that counts the matches of rules, or wants all of
// them within a time.
func correlationText(c *Count, rules []string, m sigma.Meta, notes []string) string {
	var body strings.Builder
	fmt.Fprintf(&body, "correlation:\n    type: %s\n    rules:\n", c.Type)
	for _, r := range rules {
		fmt.Fprintf(&body, "        - %s\n", plainOrQuoted(r))
	}
	if len(c.By) > 0 {
		body.WriteString("    group-by:\n")
		for _, f := range c.By {
			fmt.Fprintf(&body, "        - %s\n", plainOrQuoted(f))
		}
	}
	fmt.Fprintf(&body, "    timespan: %s\n", timespan(c.Timespan))
	if len(c.Bounds) > 0 {
		body.WriteString("    condition:\n")
	}
	for _, b := range c.Bounds {
		fmt.Fprintf(&body, "        %s: %s\n", b.Op.Word(), strconv.FormatFloat(b.Count, 'f', -1, 64))
	}
	if c.Field != "" {
		fmt.Fprintf(&body, "        field: %s\n", plainOrQuoted(c.Field))
	}
	if m.ID == "" {
		m.ID = idOf(strings.Join(rules, "") + body.String())
	}
	return document(m, notes, body.String())
}

// idOf makes an id of what a document says: a UUID of version 8, RFC 9562.
func idOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// document writes a document of Sigma around its body: log source and detection,
// or the correlation.
func document(m sigma.Meta, notes []string, body string) string {
	var b strings.Builder
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, plainOrQuoted(value))
		}
	}
	list := func(key string, values []string) {
		if len(values) > 0 {
			fmt.Fprintf(&b, "%s:\n", key)
			for _, v := range values {
				fmt.Fprintf(&b, "    - %s\n", plainOrQuoted(v))
			}
		}
	}
	line("title", m.Title)
	line("id", m.ID)
	line("name", m.Name)
	line("status", m.Status)
	b.WriteString("description: |-\n" + indent(m.Description, 4))
	if len(notes) > 0 {
		b.WriteString("\n    The query also says, for its reader:\n")
		for _, n := range notes {
			b.WriteString(indent(n, 6))
		}
	}
	list("references", m.References)
	line("author", m.Author)
	line("date", m.Date)
	line("license", m.License)
	var tags []string
	for _, t := range m.Tags {
		tags = append(tags, t.String())
	}
	list("tags", tags)
	b.WriteString(body)
	list("falsepositives", m.FalsePositives)
	line("level", m.Level.String())
	return b.String()
}

// indent puts blanks before each line.
func indent(text string, n int) string {
	var b strings.Builder
	for _, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if l = strings.TrimRight(l, " \t\r"); l != "" {
			b.WriteString(strings.Repeat(" ", n) + l)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// plain is what YAML reads as the text that it is.
var plain = match.Lazy(`^[A-Za-z][A-Za-z0-9_./-]*([ ,()']+[A-Za-z0-9_./-]+)*[.)]?$`)

func plainOrQuoted(s string) string {
	if date().MatchString(s) || plain().MatchString(s) && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off"}, strings.ToLower(s)) {
		return s
	}
	return sigma.Quote(s)
}

var date = match.Lazy(`^\d{4}-\d\d-\d\d$|^[0-9a-f]{8}-[0-9a-f-]{27}$`)

// sigmaWriter writes a condition as searches and an expression over them.
type sigmaWriter struct {
	searches []writtenSearch
	names    map[string]bool
}

type writtenSearch struct{ name, body string }

// line is a line of a search: a field with modifiers, and values.
type line struct {
	key    string
	values []string // as YAML
	all    bool
}

func (l line) String() string {
	key := l.key
	if l.all && len(l.values) > 1 {
		key = modified(key, "all")
	}
	if len(l.values) == 1 && key != "" {
		return key + ": " + l.values[0] + "\n"
	}
	var b strings.Builder
	in := ""
	if key != "" {
		b.WriteString(key + ":\n")
		in = "    "
	}
	for _, v := range l.values {
		b.WriteString(in + "- " + v + "\n")
	}
	return b.String()
}

// condition writes c and returns the expression for it.
func (w *sigmaWriter) condition(c Cond) string {
	if c == nil {
		return w.search("selection", "EventID|exists: true\n")
	}
	and, ok := c.(*And)
	if !ok {
		return w.at(c, looseOr)
	}
	// Exceptions that are searches are asked for together.
	var filters []string
	var others []Cond
	for _, x := range and.Of {
		if n, ok := x.(*Not); ok {
			if body, about, ok := w.body(n.X); ok && about == "" {
				filters = append(filters, body)
				continue
			}
		}
		others = append(others, x)
	}
	if len(filters) < 2 || len(others) == 0 {
		return w.at(c, looseOr)
	}
	s := w.at(allOf(others), tightAnd)
	for i, body := range filters {
		w.search(fmt.Sprintf("except_%d", i+1), body)
	}
	return s + " and not 1 of except_*"
}

func (w *sigmaWriter) at(c Cond, level int) string {
	if body, about, ok := w.body(c); ok {
		return w.search("selection"+about, body)
	}
	join := func(of []string, word string, own int) string {
		s := strings.Join(of, " "+word+" ")
		if level > own {
			s = "(" + s + ")"
		}
		return s
	}
	switch c := c.(type) {
	case *Not:
		if body, about, ok := w.body(c.X); ok {
			return "not " + w.search("filter"+about, body)
		}
		return "not " + w.at(c.X, operand)
	case *And:
		// What is one map goes into one search.
		var merged []Cond
		var others, filters []Cond
		for _, x := range c.Of {
			_, isNot := x.(*Not)
			switch _, _, one := w.lineOf(x); {
			case one:
				merged = append(merged, x)
			case isNot:
				filters = append(filters, x)
			default:
				others = append(others, x)
			}
		}
		var of []string
		for len(merged) > 0 {
			n := len(merged)
			for n > 1 && !w.isMap(merged[:n]) {
				n--
			}
			of = append(of, w.at(allOf(merged[:n]), tightAnd))
			merged = merged[n:]
		}
		for _, x := range append(others, filters...) {
			of = append(of, w.at(x, tightAnd))
		}
		return join(of, "and", tightAnd)
	case *Or:
		var of []string
		for _, group := range w.grouped(c.Of) {
			of = append(of, w.at(anyOf(group), looseOr+1))
		}
		return join(of, "or", looseOr)
	}
	panic("bug: convert: a condition without a form")
}

// grouped puts those alternatives together that are values of one line.
func (w *sigmaWriter) grouped(of []Cond) (out [][]Cond) {
	at := map[string]int{}
	for _, c := range of {
		key := ""
		if _, ok := c.(*Match); ok {
			if l, _, ok := w.lineOf(c); ok {
				key = l.key
			}
		}
		if i, ok := at[key]; ok && key != "" {
			out[i] = append(out[i], c)
			continue
		}
		at[key] = len(out)
		out = append(out, []Cond{c})
	}
	return out
}

func (w *sigmaWriter) isMap(of []Cond) bool {
	_, _, ok := w.body(&And{of})
	return ok
}

// body writes a condition as one search, if it is one: a map, or a list of maps.
// about is what to call it.
func (w *sigmaWriter) body(c Cond) (body, about string, ok bool) {
	if l, field, ok := w.lineOf(c); ok {
		return l.String(), field, true
	}
	switch c := c.(type) {
	case *And:
		if len(c.Of) == 0 {
			return "", "", false
		}
		keys := map[string]bool{}
		for _, x := range c.Of {
			l, _, ok := w.lineOf(x)
			if !ok || l.key == "" || keys[l.key] {
				return "", "", false
			}
			keys[l.key] = true
			body += l.String()
		}
		return body, "", true
	case *Or:
		for _, g := range w.grouped(c.Of) {
			one, field, ok := w.body(anyOf(g))
			if _, nested := anyOf(g).(*Or); !ok || nested && len(g) == 1 || strings.HasPrefix(one, "- ") {
				return "", "", false
			}
			if body == "" {
				about = field
			} else if about != field {
				about = ""
			}
			body += "- " + strings.TrimPrefix(indent(one, 2), "  ")
		}
		return body, about, body != ""
	}
	return "", "", false
}

// lineOf writes a condition as a line: one field with one kind of comparison.
func (w *sigmaWriter) lineOf(c Cond) (l line, about string, ok bool) {
	var of []Cond
	switch c := c.(type) {
	case *Match:
		of = []Cond{c}
	case *Or:
		of = c.Of
	case *And:
		of, l.all = c.Of, true
	case *Not:
		field, ok := exists(c)
		if !ok || field == "" {
			return l, "", false
		}
		of = []Cond{&Match{Field: field, Value: sigma.Exists(true)}}
	}
	field, casedIn := "", false
	for _, x := range of {
		if m, ok := x.(*Match); ok {
			if s, ok := m.Value.(sigma.String); ok && s.Cased {
				casedIn = true
			}
		}
	}
	for i, x := range of {
		m, ok := x.(*Match)
		if !ok {
			return l, "", false
		}
		key, value := written(m, casedIn)
		if i > 0 && key != l.key || strings.HasSuffix(key, "|exists") && len(of) > 1 {
			return l, "", false
		}
		l.key, field = key, m.Field
		l.values = append(l.values, value)
	}
	if field != "" {
		about = "_" + strings.Trim(notInNames().ReplaceAllString(strings.ToLower(field), "_"), "_")
	}
	if l.key == "" && l.all && len(l.values) > 1 {
		l.key = modified("", "all")
		l.all = false
	}
	return l, about, len(of) > 0
}

// written is a comparison as a key with modifiers and a value of YAML.
// casedToo says that values without letters are written as letter case counted.
func written(m *Match, casedToo bool) (key, value string) {
	key = m.Field
	if key != "" && !plainKey().MatchString(key) {
		key = sigma.Quote(key)
	}
	mod := func(name string) { key = modified(key, name) }
	switch v := m.Value.(type) {
	case sigma.String:
		k, text := shapeOf(v)
		inner := literal(text)
		switch {
		case m.Field == "":
			inner = v
		case k == prefixed:
			mod("startswith")
		case k == suffixed:
			mod("endswith")
		case k == contained:
			mod("contains")
		default:
			inner = v
		}
		if v.Cased || casedToo && m.Field != "" && !lettered(v) {
			mod("cased")
		}
		return key, inner.YAML()
	case sigma.Number:
		return key, v.Text
	case sigma.Null:
		return key, "null"
	case sigma.Exists:
		mod("exists")
		return key, fmt.Sprint(bool(v))
	case sigma.Regexp:
		mod("re")
		if v.IgnoreCase {
			mod("i")
		}
		if v.DotAll {
			mod("s")
		}
		return key, sigma.Quote(v.Pattern)
	case sigma.CIDR:
		mod("cidr")
		return key, v.Prefix.String()
	case sigma.FieldRef:
		mod("fieldref")
		if v.Start && v.End {
			mod("contains")
		}
		return key, sigma.Quote(v.Field)
	case sigma.Compare:
		mod(map[sigma.Op]string{sigma.Lt: "lt", sigma.Le: "lte", sigma.Gt: "gt", sigma.Ge: "gte"}[v.Op])
		return key, v.Number.Text
	}
	panic(fmt.Sprintf("bug: convert: no form for %T", m.Value))
}

// modified is a key with one more modifier. Without a field it is in quotes: a
// bare | begins a text of several lines.
func modified(key, modifier string) string {
	if key == "" {
		key = "''"
	}
	if inner, quoted := strings.CutSuffix(key, "'"); quoted {
		return inner + "|" + modifier + "'"
	}
	return key + "|" + modifier
}

var plainKey = match.Lazy(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

func lettered(s sigma.String) bool { return cased(sigma.String{Parts: s.Parts}).Cased }

// search adds a search and returns its name.
func (w *sigmaWriter) search(name, body string) string {
	for _, s := range w.searches {
		if s.body == body {
			return s.name
		}
	}
	free := name
	for n := 2; w.names[free]; n++ {
		free = fmt.Sprintf("%s_%d", name, n)
	}
	w.names[free] = true
	w.searches = append(w.searches, writtenSearch{free, body})
	return free
}
