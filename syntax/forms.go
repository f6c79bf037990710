package syntax

import "strings"

// Form is one way to write an operator, made of its usage line.
type Form struct {
	Text string
	// Binds are the slots and keywords that reading it has to give, in order.
	Binds []string
}

// Forms writes an operator in its ways: as short as it may be, with every
// alternative of every choice alone, and with every two of what may stand in any
// order both ways round. A vocabulary's test reads them all.
func (u *Usage) Forms() []Form {
	var forms []Form
	for _, name := range u.names {
		for _, v := range variants(u.rest) {
			f := Form{Text: strings.Join(name, " ")}
			for _, p := range v {
				if p.text != "" {
					if !p.touches {
						f.Text += " "
					}
					f.Text += p.text
				}
				if p.binds != "" {
					f.Binds = append(f.Binds, p.binds)
				}
			}
			forms = append(forms, f)
		}
	}
	return forms
}

// piece is a word of a form.
type piece struct {
	text, binds string
	touches     bool // no blank before it
}

// specimens are values of the slot types.
var specimens = map[string]string{
	"field": "a1", "name": "n1", "word": "w1", "expr": `(a1 = "v")`, "named": "a1 as b1", "rename": "a1 as b1", "sortkey": "a1", "column": "a1",
	"string": `"t*"`, "regex": `"(?<g>x)"`, "option": `";"`, "key": `"k"`, "int": "3", "number": "1.5", "literal": `"v"`, "duration": "5m", "time": "-24h",
	"path": `path://"/t"`, "query": "(x | count)", "agg": "sum(v)", "direction": "+-",
}

// variants are the ways to write some elements: the first as short as may be,
// each other with one choice taken differently.
func variants(list []element) [][]piece {
	all := [][]piece{nil}
	for _, e := range list {
		ways := ways(e)
		for i := range all {
			all[i] = append(all[i][:len(all[i]):len(all[i])], ways[0]...)
		}
		short := all[0][:len(all[0])-len(ways[0])]
		for _, w := range ways[1:] {
			all = append(all, append(short[:len(short):len(short)], w...))
		}
	}
	return all
}

func ways(e element) [][]piece {
	switch e := e.(type) {
	case keyword:
		return [][]piece{{{text: e.text, binds: e.text}}}
	case sign:
		p := piece{text: e.text, touches: strings.Contains(",;)=:(", e.text)}
		if !strings.Contains(",=;():", e.text) {
			p.binds = e.text
		}
		return [][]piece{{p}}
	case *slot:
		if e.group != nil {
			all := variants(e.group)
			for i := range all {
				for j := range all[i] {
					all[i][j].binds = "" // they are bound inside the clause
				}
				all[i] = append(all[i], piece{binds: e.name})
			}
			return all
		}
		one := piece{text: specimens[e.typ], binds: e.name}
		all := [][]piece{{one}}
		if e.list {
			all = append(all, []piece{one, {text: ",", touches: true}, one})
		}
		return all
	case *option:
		all := [][]piece{nil}
		for _, a := range e.of {
			all = append(all, variants(a)...)
		}
		return all
	case *choice:
		var all [][]piece
		for _, a := range e.of {
			all = append(all, variants(a)...)
		}
		return all
	case *anyOf:
		all := [][]piece{nil}
		for i, a := range e.of {
			all = append(all, variants(a)...)
			for j, b := range e.of {
				if i != j {
					all = append(all, append(variants(a)[0], variants(b)[0]...))
				}
			}
		}
		return all
	}
	return nil
}
