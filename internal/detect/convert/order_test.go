package convert

import (
	"flag"
	"fmt"
	"math/rand"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/sigma"
	"github.com/gyoji-dev/gyoji/sigma/sigmatest"
)

// order is how a language reads a row of terms with operators between them.
type order uint8

const (
	// The usual: NOT, AND, OR (Sumo Logic's where, KQL, EQL, ES|QL, SQL, AQL, YARA-L,
	// Cloud SIEM, Splunk's where).
	_ order = iota
	// orFirst: NOT, OR, AND; a blank is AND (Splunk Search Manual, Boolean
	// expressions with logical operators; CrowdStrike, LQL grammar subset).
	orFirst
	// lucene: none. AND makes the clauses on both of its sides required, NOT forbids
	// the next one, what OR alone joins is optional and counts where nothing is
	// required (Lucene's classic parser, LUCENE-3674).
	lucene
)

var orders = map[string]order{"logscale": orFirst, "lucene": lucene}

// reader reads a condition in which every term is a number between § signs.
type reader struct {
	words []string
	at    int
	order order
}

var orderWords = regexp.MustCompile(`§\d+§|[()!]|[^\s()!§]+`)

// node is what a reader makes of a condition: a function of the terms.
type node func(terms []bool) bool

type joined struct {
	not bool
	op  string // before it
	is  node
}

func (r *reader) group() (node, error) {
	var row []joined
	next := joined{}
	for ; r.at < len(r.words); r.at++ {
		w := r.words[r.at]
		switch low := strings.ToLower(w); {
		case low == "and" || low == "or":
			next.op = low
		case low == "not" || w == "!":
			next.not = !next.not
		case w == ")":
			return r.row(row), nil
		case w == "(":
			r.at++
			is, err := r.group()
			if err != nil {
				return nil, err
			}
			if r.at >= len(r.words) {
				return nil, fmt.Errorf("a parenthesis is not closed")
			}
			next.is = is
			row, next = append(row, next), joined{}
		case strings.HasPrefix(w, "§"):
			var n int
			if _, err := fmt.Sscanf(w, "§%d§", &n); err != nil {
				return nil, err
			}
			next.is = func(terms []bool) bool { return terms[n] }
			row, next = append(row, next), joined{}
		default: // of what says where events are from, which holds
			next.is = func([]bool) bool { return true }
			row, next = append(row, next), joined{}
		}
	}
	return r.row(row), nil
}

func (r *reader) row(row []joined) node {
	val := func(c joined, terms []bool) bool { return c.is(terms) != c.not }
	if r.order == lucene {
		return func(terms []bool) bool {
			must := make([]bool, len(row))
			for i, c := range row {
				if c.op == "and" {
					must[i] = true
					if i > 0 {
						must[i-1] = true
					}
				}
			}
			some, any, required := false, false, false
			for i, c := range row {
				switch {
				case c.not:
					if c.is(terms) {
						return false
					}
				case must[i]:
					required = true
					if !c.is(terms) {
						return false
					}
				default:
					any = true
					some = some || c.is(terms)
				}
			}
			return required || !any || some
		}
	}
	tight := "and"
	if r.order == orFirst {
		tight = "or"
	}
	var groups [][]joined
	for i, c := range row {
		if c.op == "" {
			c.op = "and"
		}
		if i > 0 && c.op == tight {
			groups[len(groups)-1] = append(groups[len(groups)-1], c)
		} else {
			groups = append(groups, []joined{c})
		}
	}
	return func(terms []bool) bool {
		inner := func(g []joined) bool {
			if tight == "or" {
				return slices.ContainsFunc(g, func(c joined) bool { return val(c, terms) })
			}
			return !slices.ContainsFunc(g, func(c joined) bool { return !val(c, terms) })
		}
		if tight == "or" {
			return !slices.ContainsFunc(groups, func(g []joined) bool { return !inner(g) })
		}
		return slices.ContainsFunc(groups, inner)
	}
}

// said is the condition itself, over the terms that were written for its parts.
func said(c Cond, of map[*Match]int) node {
	all := func(cs []Cond) (out []node) {
		for _, x := range cs {
			out = append(out, said(x, of))
		}
		return out
	}
	switch c := c.(type) {
	case *And:
		parts := all(c.Of)
		return func(t []bool) bool { return !slices.ContainsFunc(parts, func(is node) bool { return !is(t) }) }
	case *Or:
		parts := all(c.Of)
		return func(t []bool) bool { return slices.ContainsFunc(parts, func(is node) bool { return is(t) }) }
	case *Not:
		x := said(c.X, of)
		return func(t []bool) bool { return !x(t) }
	case *Match:
		n := of[c]
		return func(t []bool) bool { return t[n] }
	}
	panic("unknown condition")
}

// bare is what of a term stands outside of quotes, patterns and parentheses.
func bare(term string) string {
	var b strings.Builder
	depth := 0
	for i := 0; i < len(term); i++ {
		switch c := term[i]; {
		case c == '"' || c == '\'' || c == '/' && i > 0 && strings.IndexByte("= ", term[i-1]) >= 0:
			raw := c == '"' && i > 0 && term[i-1] == '@' // KQL's verbatim strings
			for i++; i < len(term) && term[i] != c; i++ {
				if term[i] == '\\' && !raw && c != '\'' {
					i++
				}
			}
		case c == '(':
			depth++
		case c == ')':
			depth--
		case depth == 0:
			b.WriteByte(c)
		}
	}
	return b.String()
}

var operator = regexp.MustCompile(`(?i)(^|\s)(and|or|not)\s`)

var orderEvery = flag.Int("order-every", 7, "re-read what one in so many of SigmaHQ's rules becomes; 1 is all")

func everyNth(rules []*sigma.Rule, n int) (out []*sigma.Rule) {
	for i := 0; i < len(rules); i += n {
		out = append(out, rules[i])
	}
	return out
}

// TestEveryConditionIsReadAsItWasMeant re-reads what every language writes of
// every rule by the language's own order of operators, and compares it with the
// condition that was term: with no term, each term and all terms met, each
// missed, and at random. What a term says is the matter of other tests; here it
// must be one term: no operator stands in it outside of quotes and parentheses.
func TestEveryConditionIsReadAsItWasMeant(t *testing.T) {
	rules := everyNth(sigmatest.Windows(t), *orderEvery)
	for _, b := range Backends() {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			read := 0
			for i, r := range rules {
				read += reread(t, b, r, false)
				if i%3 == 0 && modelled[b.Target] {
					reread(t, b, r, true)
				}
			}
			if read < len(rules)/2 {
				t.Errorf("only %d of %d rules were read", read, len(rules))
			}
		})
	}
}

// modelled are the targets that write otherwise for a data model.
var modelled = map[string]bool{"splunk": true, "sentinel": true, "defender": true, "ecs": true, "logscale": true, "udm": true}

func reread(t *testing.T, b *Backend, r *sigma.Rule, model bool) int {
	t.Helper()
	in, err := Read(r, Options{Model: model})
	if err != nil || in.ofOthers(b) != nil {
		return 0
	}
	in.modelled(b)
	var cond Cond
	var terms []term
	spaced := false
	in.wrote = func(l *language, c Cond, of []term) { cond, terms, spaced = c, of, l.and == " " }
	text, err := b.Rule(in)
	if err == nil && b.Extension != "sql" && (b.Name == "cse" || b.Name == "terraform") {
		in, _ = Read(r, Options{})
		in.wrote = func(_ *language, c Cond, of []term) { cond, terms = c, of }
		text, err = CSEExpression(in)
	}
	if err != nil {
		return 0
	}
	if cond == nil { // the event id says it all
		return 1
	}
	o := orders[b.Name]
	if spaced {
		o = orFirst
	}
	if why := misread(cond, stages(b, text), terms, o); why != "" {
		t.Errorf("%s: %s: %s:\n%s", b.Name, r.Place(), why, text)
	}
	return 1
}

// stages are the conditions of a query, all of which must hold.
func stages(b *Backend, text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if b.Comment == "" || !strings.HasPrefix(line, b.Comment) {
			lines = append(lines, line)
		}
	}
	text = strings.Join(lines, "")
	switch b.Extension {
	case "sql", "aql":
		_, text, _ = strings.Cut(text, "\nWHERE ")
		text, _, _ = strings.Cut(text, "\nLAST 24")
		text = strings.TrimSuffix(text, ";\n")
	case "yaral":
		_, text, _ = strings.Cut(text, "  events:\n")
		text, _, _ = strings.Cut(text, "\n\n  condition:")
		text, _, _ = strings.Cut(text, "\n\n  outcome:")
	}
	if _, from, ok := strings.Cut(text, "\n    from datamodel="); ok { // a data model of Splunk
		_, clause, _ := strings.Cut(from, "\n    where ")
		clause, rest, _ := strings.Cut(clause, "\n    by ")
		if _, after, ok := strings.Cut(rest, "\n| where "); ok {
			after, _, _ = strings.Cut(after, "\n| convert ")
			return []string{clause, after}
		}
		return []string{clause}
	}
	stages := strings.Split(text, "\n| ")
	return slices.DeleteFunc(stages, func(s string) bool { // what makes and shows columns is no condition
		word, _, _ := strings.Cut(s, " ")
		return slices.Contains([]string{"extend", "project", "table", "KEEP"}, word) || strings.HasPrefix(s, "select([")
	})
}

// misread is where a query is not read as the condition that it was made of.
func misread(c Cond, stages []string, terms []term, o order) string {
	byText := map[string]int{}
	var texts []string
	for _, w := range terms {
		if operator.MatchString(strings.ReplaceAll(bare(w.text), " IS NOT NULL", "")) {
			return "the term " + w.text + " has an operator outside of parentheses"
		}
		if _, ok := byText[w.text]; !ok {
			byText[w.text] = len(byText)
			texts = append(texts, w.text)
		}
	}
	// Longer terms first: one may stand in another.
	slices.SortFunc(texts, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, s := range texts {
		pairs = append(pairs, s, fmt.Sprintf(" §%d§ ", byText[s]))
	}
	replace := strings.NewReplacer(pairs...) // of those that fit at a place, the first
	var all []node
	var rows []string
	for _, stage := range stages {
		row := replace.Replace(stage)
		for _, f := range []string{"coalesce(", "COALESCE("} { // null as false around a group
			row = strings.ReplaceAll(row, f, "(")
		}
		row = strings.NewReplacer(", false())", ")", ", false)", ")").Replace(row)
		reader := &reader{words: orderWords.FindAllString(row, -1), order: o}
		is, err := reader.group()
		if err != nil {
			return err.Error() + " in " + row
		}
		all, rows = append(all, is), append(rows, row)
	}
	got := func(terms []bool) bool {
		return !slices.ContainsFunc(all, func(is node) bool { return !is(terms) })
	}
	of := map[*Match]int{}
	lists := map[*Match]int{}
	for _, w := range terms {
		switch x := w.of.(type) {
		case *Match:
			of[x] = byText[w.text]
		case *Or: // a list: each of its parts is met when the list is
			for _, y := range x.Of {
				lists[y.(*Match)] = byText[w.text]
			}
		}
	}
	for m, i := range lists {
		of[m] = i
	}
	want := said(c, of)
	n := len(byText)
	// A term of the rule may stand in the condition of the log source, too: there it
	// holds, or the event would be of another source.
	written, found := make([]int, n), make([]int, n)
	for _, w := range terms {
		written[byText[w.text]]++
	}
	for i := range found {
		found[i] = strings.Count(strings.Join(rows, " "), fmt.Sprintf("§%d§", i))
	}
	try := func(env []bool) string {
		for i := range env {
			env[i] = env[i] || found[i] > written[i]
		}
		if g, w := got(env), want(env); g != w {
			return fmt.Sprintf("read %v where the condition is %v, with the terms %v of %s", g, w, env, strings.Join(rows, " | "))
		}
		return ""
	}
	env := make([]bool, n)
	set := func(v bool) {
		for i := range env {
			env[i] = v
		}
	}
	random := rand.New(rand.NewSource(1))
	for round := range 40 + 2*min(n, 100) {
		switch {
		case round == 0:
			set(false)
		case round == 1:
			set(true)
		case round < 2+min(n, 100):
			set(false)
			env[round-2] = true
		case round < 2+2*min(n, 100):
			set(true)
			env[round-2-min(n, 100)] = false
		default:
			share := random.Float64()
			for i := range env {
				env[i] = random.Float64() < share
			}
		}
		if n <= 6 && round < 1<<n { // all of them
			for i := range env {
				env[i] = round>>i&1 == 1
			}
		}
		if why := try(env); why != "" {
			return why
		}
	}
	return ""
}
