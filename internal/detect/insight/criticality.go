package insight

import (
	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/siem"
)

// Criticality changes the severity of signals on an entity by an expression
// over severity with + - * / and numbers, such as severity + 3 (9.5).
type Criticality struct {
	Name string
	tree siem.Node
}

// ParseCriticality reads such an expression. It is nil if there are errors.
func ParseCriticality(name string, f *diag.File) (*Criticality, diag.List) {
	x, ds := siem.Parse(f)
	if ds.HasErrors() {
		return nil, ds
	}
	wrong := func(at diag.Span) {
		ds.Add(&diag.Diagnostic{
			Severity: diag.Error, Code: "bad-criticality", File: f, Span: at,
			Message: "a criticality is a number made of severity, and this is something else",
			Help:    "it knows severity, numbers, + - * / and parentheses: severity + 3",
		})
	}
	if len(x.Clauses) > 0 {
		wrong(x.Clauses[0].Span)
		return nil, ds
	}
	var check func(n siem.Node)
	check = func(n siem.Node) {
		switch n := n.(type) {
		case *siem.Name:
			if n.Name == "severity" {
				return
			}
		case *siem.Literal:
			if n.Kind == siem.Number {
				return
			}
		case *siem.Neg:
			check(n.X)
			return
		case *siem.Arith:
			if n.Op != "%" {
				check(n.X)
				check(n.Y)
				return
			}
		}
		wrong(n.At())
	}
	check(x.Cond)
	if ds.HasErrors() {
		return nil, ds
	}
	return &Criticality{Name: name, tree: x.Cond}, ds
}

// Of is the changed severity, neither floored nor bounded.
func (c *Criticality) Of(severity float64) float64 {
	var value func(n siem.Node) float64
	value = func(n siem.Node) float64 {
		switch n := n.(type) {
		case *siem.Literal:
			return n.Number
		case *siem.Neg:
			return -value(n.X)
		case *siem.Arith:
			x, y := value(n.X), value(n.Y)
			switch n.Op {
			case "+":
				return x + y
			case "-":
				return x - y
			case "*":
				return x * y
			}
			return x / y
		}
		return severity
	}
	return value(c.tree)
}
