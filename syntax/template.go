package syntax

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

// Unfilled is the code of the error that a template parameter, {{name}}, has no
// value. The tree is whole all the same: a parameter stands as a word, a number,
// a text or a stage that is Bad, wherever one may stand, and prints as it is
// written.
const Unfilled = "unresolved-template"

// Filled is a list without the errors of parameters that have no value.
func Filled(l diag.List) (rest diag.List) {
	for _, d := range l {
		if d.Code != Unfilled {
			rest = append(rest, d)
		}
	}
	return rest
}

// Parameter is a template parameter where it stands in a query.
type Parameter struct {
	Name   string
	At     diag.Span
	Quoted bool // it stands in a text in double quotes
}

// Parameters are the template parameters of a query, those in comments aside.
func Parameters(f *diag.File) (list []Parameter) {
	s := f.Text
	p := &parser{src: s}
	for i := 0; i < len(s); {
		switch {
		case s[i] == '"':
			end := i + 1
			for end < len(s) && s[end] != '"' {
				if s[end] == '\\' {
					end++
				}
				end++
			}
			list = append(list, parametersIn(s, i, min(end, len(s)), true)...)
			i = end + 1
		case s[i] == '/' && i+1 < len(s) && s[i+1] == '/' && p.commentMayStart(i):
			i = lineEnd(s, i)
		case s[i] == '/' && i+1 < len(s) && s[i+1] == '*' && p.commentMayStart(i):
			n := strings.Index(s[i+2:], "*/")
			if n < 0 {
				return list
			}
			i += n + 4
		case templateAt(s, i) > 0:
			n := templateAt(s, i)
			list = append(list, parametersIn(s, i, i+n, false)...)
			i += n
		default:
			i++
		}
	}
	return list
}

func parametersIn(s string, from, to int, quoted bool) (list []Parameter) {
	for i := from; i < to; {
		n := templateAt(s, i)
		if n == 0 {
			i++
			continue
		}
		list = append(list, Parameter{templateName(s[i : i+n]), diag.Span{Start: i, End: i + n}, quoted})
		i += n
	}
	return list
}

// Fill puts values in the place of template parameters, as they stand, before the
// query is read (spec A.6). Those of which value knows nothing stay. A value that
// would end the text in quotes that it stands in is an error.
func Fill(f *diag.File, value func(Parameter) (string, bool)) (*diag.File, diag.List) {
	var diags diag.List
	var b strings.Builder
	at := 0
	for _, p := range Parameters(f) {
		v, ok := value(p)
		if !ok {
			continue
		}
		if p.Quoted && endsText(v) {
			diags.Add(&diag.Diagnostic{
				Code: "template-ends-text", File: f, Span: p.At,
				Message: fmt.Sprintf("the value of %s would end the text that it stands in", p.Name),
				Help:    `in a text in double quotes write \" for a quote, and \\ for a backslash at the end`,
			})
			continue
		}
		b.WriteString(f.Text[at:p.At.Start])
		b.WriteString(v)
		at = p.At.End
	}
	if at == 0 {
		return f, diags
	}
	b.WriteString(f.Text[at:])
	return diag.Text(f.Name, b.String()), diags
}

// endsText reports whether a text between double quotes would end them, or take
// its closing one away.
func endsText(v string) bool {
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '\\':
			if i++; i == len(v) {
				return true
			}
		case '"':
			return true
		}
	}
	return false
}
