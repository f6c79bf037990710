package sigma

import (
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// correlation reads a correlation rule.
func (p *parser) correlation(m Meta, top []pair) Document {
	n := value(top, "correlation")
	if n.Kind != yaml.MappingNode {
		p.fail("bad-correlation", n, "correlation is a map with type, rules, timespan and condition")
		return nil
	}
	c := &Correlation{Meta: m, Span: p.span(n)}
	if g := value(top, "generate"); g != nil { // the specification has it here, pySigma in the section
		c.Generate = strings.EqualFold(p.text(g), "true")
	}
	body := p.pairs(n)
	typ := value(body, "type")
	if typ == nil {
		p.fail("bad-correlation", n, "the correlation has no type")
		return nil
	}
	known := false
	for i, name := range correlationNames {
		if strings.EqualFold(typ.Value, name) {
			c.Type, known = CorrelationType(i), true
		}
	}
	if !known {
		p.fail("bad-correlation", typ, "%q is no type of correlation: write one of %s", typ.Value, strings.Join(correlationNames[:], ", "))
		return nil
	}
	temporal := c.Type == Temporal || c.Type == TemporalOrdered
	var condition *yaml.Node
	for _, e := range body {
		switch e.key.Value {
		case "rules":
			for _, r := range p.list(e.value) {
				c.Rules = append(c.Rules, Ref(r))
			}
		case "generate":
			c.Generate = strings.EqualFold(p.text(e.value), "true")
		case "group-by":
			c.GroupBy = p.list(e.value)
		case "timespan", "timeframe":
			d, ok := ParseTimespan(p.text(e.value))
			if !ok {
				p.fail("bad-timespan", e.value, "%q is no time span: write a number and one of s, m, h, d, w, M, y", e.value.Value)
			}
			c.Timespan = d
		case "aliases":
			p.aliases(c, e.value)
		case "condition":
			condition = e.value
		}
	}
	if c.Timespan == 0 && value(body, "timespan") == nil && value(body, "timeframe") == nil {
		p.fail("bad-correlation", n, "the correlation has no timespan")
	}
	if condition != nil {
		c.ConditionSpan = p.span(condition)
	}
	switch {
	case condition == nil && temporal:
		c.Bounds = []Bound{{Op: Ge, Count: float64(len(c.Rules))}}
	case condition == nil:
		p.fail("bad-correlation", n, "a correlation of type %s wants a condition, such as gte: 10", c.Type)
	case condition.Kind == yaml.ScalarNode && temporal:
		if x := p.condition(condition, nil, true, nil); x != nil {
			c.Expr = x.Expr
			p.expressionRules(c, x)
		}
	case condition.Kind == yaml.MappingNode:
		p.count(c, condition)
	default:
		p.fail("bad-condition", condition, "the condition of a correlation of type %s is a map such as gte: 10", c.Type)
	}
	if len(c.Rules) == 0 && !p.failed() {
		p.fail("bad-correlation", n, "the correlation names no rules")
	}
	if len(c.Fields) == 0 && c.Type != EventCount && !temporal && !p.failed() {
		p.fail("bad-correlation", n, "a correlation of type %s wants the field whose values it looks at: condition: field", c.Type)
	}
	return c
}

// expressionRules checks the rules of an expression against those listed, or
// takes them from it.
func (p *parser) expressionRules(c *Correlation, x *Condition) {
	var used []Ref
	WalkExpr(x.Expr, func(e Expr) {
		if u, ok := e.(*Use); ok {
			for _, r := range used {
				if r.Name == u.Name {
					return
				}
			}
			used = append(used, Ref{u.Name, x.Span})
		}
	})
	if len(c.Rules) == 0 {
		c.Rules = used
		return
	}
	has := func(l []Ref, name string) bool {
		for _, r := range l {
			if r.Name == name {
				return true
			}
		}
		return false
	}
	for _, u := range used {
		if !has(c.Rules, u.Name) {
			p.add(diag.Error, "bad-condition", x.Span, "the condition names %s, which is not among the rules", u.Name)
		}
	}
	for _, r := range c.Rules {
		if !has(used, r.Name) {
			p.add(diag.Error, "bad-condition", r.Span, "the condition does not use this rule")
		}
	}
}

// WalkExpr calls visit for x and all below it.
func WalkExpr(x Expr, visit func(Expr)) {
	visit(x)
	switch x := x.(type) {
	case *And:
		for _, e := range x.Of {
			WalkExpr(e, visit)
		}
	case *Or:
		for _, e := range x.Of {
			WalkExpr(e, visit)
		}
	case *Not:
		WalkExpr(x.X, visit)
	}
}

// OnlyAnd reports whether a condition has neither or nor not.
func OnlyAnd(x Expr) bool {
	only := true
	WalkExpr(x, func(y Expr) {
		switch y.(type) {
		case *Or, *Not:
			only = false
		}
	})
	return only
}

func (p *parser) aliases(c *Correlation, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		p.fail("bad-aliases", n, "aliases is a map of names, each a map of rules to fields")
		return
	}
	for _, e := range p.pairs(n) {
		if e.value.Kind != yaml.MappingNode {
			p.fail("bad-aliases", e.value, "an alias is a map of rules to fields")
			continue
		}
		a := Alias{Name: e.key.Value, Fields: map[string]string{}, Span: p.span(e.key)}
		for _, f := range p.pairs(e.value) {
			a.Fields[f.key.Value] = p.text(f.value)
		}
		c.Aliases = append(c.Aliases, a)
	}
}

// count reads a condition such as gte: 10, field: User. A range has two bounds.
func (p *parser) count(c *Correlation, n *yaml.Node) {
	for _, e := range p.pairs(n) {
		key := e.key.Value
		switch key {
		case "field":
			c.Fields = p.list(e.value)
			continue
		case "percentile":
			f, err := strconv.ParseFloat(e.value.Value, 64)
			if err != nil || f < 0 || f > 100 {
				p.fail("bad-condition", e.value, "a percentile is a number from 0 to 100")
			}
			c.Percentile = f
			continue
		}
		known := false
		for i, name := range opNames {
			if name == key {
				known = true
				f, err := strconv.ParseFloat(e.value.Value, 64)
				if err != nil || f-f != 0 {
					p.fail("bad-condition", e.value, "%q is no number", e.value.Value)
				}
				c.Bounds = append(c.Bounds, Bound{Op(i), f, p.span(e.key).Join(p.span(e.value))})
			}
		}
		if !known {
			p.fail("bad-condition", e.key, "%q is not part of a correlation's condition: write one of gt, gte, lt, lte, eq, neq, and field", key)
		}
	}
	if len(c.Bounds) == 0 && !p.failed() {
		p.fail("bad-condition", n, "a correlation's condition has gt, gte, lt, lte, eq or neq, and here is none")
	}
	if c.Type == ValuePercentile && value(p.pairs(n), "percentile") == nil {
		c.Percentile = 50
		p.warn("no-percentile", n, "there is no percentile; 50 is taken")
	}
}

var timespan = match.Lazy(`^([0-9]{1,9})([smhdwMy])$`)

// ParseTimespan reads a time span: a number and s, m, h, d, w, M or y. A month
// is a twelfth of a year of 365.2425 days, as in pySigma.
func ParseTimespan(s string) (time.Duration, bool) {
	m := timespan().FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n, _ := strconv.ParseInt(m[1], 10, 64)
	unit := map[string]int64{"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2629746, "y": 31556952}[m[2]]
	const most = int64(1<<63-1) / int64(time.Second)
	if n == 0 || n > most/unit {
		return 0, false
	}
	return time.Duration(n*unit) * time.Second, true
}
