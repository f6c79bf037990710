package convert

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// SumoField is what is known of a field of the events that a query is for.
type SumoField struct {
	Name   string // as the events spell it; "" when none has it
	Always bool   // every event has it
	Object bool   // its text is a JSON object
}

// SumoNames writes the stages that give a field its plain name on the service,
// where json auto leaves its text under others: what mapping does here. They
// stand behind json auto. from are the names that the field is made of. Both are
// empty when events have it under no other name.
func SumoNames(name string, known func(string) SumoField) (stages []string, from []string) {
	n := sumoNames{known: known, name: name}
	for _, at := range n.spelled(name) { // in an envelope
		n.add([]string{at}, sumoOption{n.filled(at), plainField(at), true})
	}
	n.roots()
	for _, s := range mapping.Sources(name) {
		n.source(s)
	}
	var x string
	for _, o := range slices.Backward(n.options) {
		x = o.over(x)
	}
	switch own := known(name).Name; {
	case x == "":
	case own == "":
		stages = append(stages, fmt.Sprintf("| %s as %s", x, name))
	default:
		stages = append(stages, fmt.Sprintf("| if (isBlank(%s), %s, %s) as %s", plainField(own), x, plainField(own), name))
	}
	return append(stages, n.stages...), n.from
}

// sumoNames gathers where a field's text may stand, best first.
type sumoNames struct {
	known   func(string) SumoField
	name    string
	options []sumoOption
	stages  []string
	from    []string
	done    bool // every event has the last option
}

// sumoOption is an expression, and the conditions that it holds under.
type sumoOption struct {
	conds []string
	expr  string
	empty bool // where the conditions do not hold the expression is empty anyway
}

// over is the option where it has a value, else what comes after it.
func (o sumoOption) over(rest string) string {
	switch {
	case len(o.conds) == 0 || rest == "" && o.empty:
		return o.expr
	case rest == "":
		rest = `""`
	}
	return fmt.Sprintf("if (%s, %s, %s)", strings.Join(o.conds, " and "), o.expr, rest)
}

// filled is the condition that a field is there and not empty; none when it
// always is.
func (n *sumoNames) filled(field string) []string {
	if n.known(field).Always {
		return nil
	}
	return []string{"!(isBlank(" + plainField(field) + "))"}
}

func (n *sumoNames) add(from []string, o sumoOption) {
	if n.done || slices.ContainsFunc(n.options, func(p sumoOption) bool { return p.expr == o.expr }) {
		return
	}
	for _, f := range from {
		if !slices.Contains(n.from, f) {
			n.from = append(n.from, f)
		}
	}
	n.options = append(n.options, o)
	n.done = len(o.conds) == 0
}

// roots adds the places of the name under the objects that shippers put an
// event's fields under.
func (n *sumoNames) roots() {
	for _, shape := range mapping.Shapes() {
		for _, r := range shape.Roots {
			for _, at := range n.spelled(r + "." + n.name) {
				n.add([]string{at}, sumoOption{n.filled(at), fieldText(at), true})
			}
		}
	}
}

// places are the spellings that events have of a name in the tables.
func (n *sumoNames) places(name string) []string {
	out := n.spelled(name)
	if strings.Contains(name, ".") {
		return out
	}
	for _, r := range mapping.Roots {
		out = append(out, n.spelled(r+"."+name)...)
	}
	return out
}

// spelled are the spellings of a path, also inside of an envelope.
func (n *sumoNames) spelled(path string) (out []string) {
	for _, e := range append([]string{""}, mapping.Envelopes()...) {
		if e != "" {
			e += "."
		}
		for _, p := range []string{e + path, e + path + ".#text"} {
			if at := n.known(p).Name; at != "" && !strings.EqualFold(at, n.name) {
				out = append(out, at)
			}
		}
	}
	return out
}

// source adds what a source gives of the events that there are.
func (n *sumoNames) source(s mapping.Source) {
	conds, ok := n.when(s.When)
	if !ok {
		return
	}
	empty := len(conds) == 0
	under := func(more []string) (all []string) {
		for _, c := range append(slices.Clip(conds), more...) {
			if !slices.Contains(all, c) {
				all = append(all, c)
			}
		}
		return all
	}
	first := n.places(s.From[0])
	switch s.Form {
	case mapping.Same:
		for _, at := range first {
			n.add([]string{at}, sumoOption{under(n.filled(at)), fieldText(at), empty})
		}
	case mapping.Account:
		for _, at := range n.places(s.From[1]) {
			name := fieldText(at)
			if len(first) == 0 {
				n.add([]string{at}, sumoOption{under(n.filled(at)), name, empty})
				continue
			}
			domain := fieldText(first[0])
			n.add([]string{first[0], at}, sumoOption{
				under(n.filled(at)), fmt.Sprintf(`if (isBlank(%s) or %s = "-", %s, concat(%s, "\\", %s))`, domain, domain, name, domain, name), false,
			})
		}
	case mapping.Translated:
		for _, at := range first {
			all, x := translation(plainField(at), s.Is)
			n.add([]string{at}, sumoOption{under([]string{all}), x, false})
		}
	case mapping.Hashes:
		if from, x := n.hashes(s.From); len(from) > 0 {
			n.add(from, sumoOption{conds, x, empty})
		}
	case mapping.SysmonTime:
		for _, at := range first {
			f := plainField(at)
			n.add([]string{at}, sumoOption{under(n.filled(at)), fmt.Sprintf(`concat(substring(%s, 0, 10), " ", substring(%s, 11, 23))`, f, f), false})
		}
	case mapping.Labelled:
		for _, at := range first {
			n.from = append(n.from, at)
			n.stages = append(n.stages, fmt.Sprintf(`| parse regex field=%s "(?:^| ¦ )%s: (?<%s>.*?)(?: ¦ |$)" nodrop`, plainField(at), regexp.QuoteMeta(s.Part), n.name))
		}
	case mapping.Inside:
		for _, at := range first {
			if n.known(at).Object {
				n.from = append(n.from, at)
				n.stages = append(n.stages, fmt.Sprintf(`| json field=%s %s as %s nodrop`, plainField(at), sumoText(s.Part), n.name))
			}
		}
	}
}

// hashes are those of some fields that there are, as NAME=value,...
func (n *sumoNames) hashes(fields []string) (from []string, expr string) {
	var parts []string
	for _, f := range fields {
		at := n.places(f)
		if len(at) == 0 {
			continue
		}
		from = append(from, at[0])
		x := plainField(at[0])
		part := fmt.Sprintf(`concat("%s=", toUpperCase(%s), ",")`, strings.ToUpper(f[strings.LastIndexByte(f, '.')+1:]), x)
		if !n.known(at[0]).Always {
			part = fmt.Sprintf(`if (isBlank(%s), "", %s)`, x, part)
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return nil, ""
	}
	return from, "replace(concat(" + strings.Join(parts, ", ") + `), /,$/, "")`
}

// when is the condition that events have the field that a source asks for; ok
// is false when none has it.
func (n *sumoNames) when(name string) (conds []string, ok bool) {
	if name == "" {
		return nil, true
	}
	places := n.places(name)
	if own := n.known(name).Name; len(places) == 0 && own != "" { // the field itself
		places = []string{own}
	}
	var any []string
	for _, at := range places {
		c := n.filled(at)
		if c == nil {
			return nil, true
		}
		any = append(any, c...)
	}
	switch len(any) {
	case 0:
		return nil, false
	case 1:
		return any, true
	}
	return []string{"(" + strings.Join(any, " or ") + ")"}, true
}

// translation is the condition that a field's text means something, and what it means.
func translation(field string, is map[string]string) (cond, expr string) {
	texts := map[string][]string{} // by what they mean
	var meanings, all []string
	for text, meaning := range is {
		if texts[meaning] == nil {
			meanings = append(meanings, meaning)
		}
		texts[meaning] = append(texts[meaning], sumoText(text))
		all = append(all, sumoText(text))
	}
	slices.Sort(meanings)
	slices.Sort(all)
	for i, m := range slices.Backward(meanings) {
		if i == len(meanings)-1 {
			expr = sumoText(m)
			continue
		}
		slices.Sort(texts[m])
		expr = fmt.Sprintf("if (%s in (%s), %s, %s)", field, strings.Join(texts[m], ", "), sumoText(m), expr)
	}
	return fmt.Sprintf("%s in (%s)", field, strings.Join(all, ", ")), expr
}

// fieldText is a field's text as the event has it: a shape may escape its own
// data once more than JSON asks for.
func fieldText(at string) string {
	x := plainField(at)
	for _, s := range mapping.Shapes() {
		if s.Doubled && strings.HasPrefix(strings.ToLower(at), strings.ToLower(s.Roots[0])+".") {
			return fmt.Sprintf(`replace(replace(%s, "\\\\", "\\"), "\\\"", "\"")`, x)
		}
	}
	return x
}

var plainName = match.Lazy(`^[A-Za-z_][A-Za-z0-9_]*$`)

// plainField is a field's name in a query, in quotes where it has more than
// letters and digits, as the service asks for names with dots.
func plainField(name string) string {
	if plainName().MatchString(name) {
		return name
	}
	return `%"` + strings.ReplaceAll(name, `"`, `\"`) + `"`
}
