package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "number-in-list", Severity: diag.Warning,
	What: "Numbers in the list of `in` for a field that holds text, or texts for one that holds numbers.",
	Why: "`in` does not cast. What `parse`, `keyvalue`, `csv` and `split` make is text, and no text is a number: `where code in (1, 4688)` keeps no row. " +
		"Write `num(code) in (1, 4688)`, or the values in quotes. `=` with a number does cast. " +
		"Of a field that comes with the events the type is not known: there it is a note.",
	Bad: []string{
		"_sourceCategory=a\n| parse \"code=*,\" as c\n| where c in (1, 4688)",
		"_sourceCategory=a\n| keyvalue \"code\" as c\n| if (c in (\"a\", 5), 1, 0) as x",
		"_sourceCategory=a\n| where EventID in (1, 3)",
		"_sourceCategory=a\n| count by user\n| where _count in (\"1\", \"2\")",
	},
	Good: []string{
		"_sourceCategory=a\n| parse \"code=*,\" as c\n| where num(c) in (1, 4688)",
		"_sourceCategory=a\n| parse \"code=*,\" as c\n| num(c)\n| where c in (1, 4688)",
		"_sourceCategory=a\n| parse \"code=*,\" as c\n| where c in (\"1\", \"4688\")",
		"_sourceCategory=a\n| count by user\n| where _count in (1, 2)",
	},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			k := known{}
			for _, s := range p.Stages {
				s.each(func(x syntax.Expr) { q.numberInList(k, x, report) })
				k = k.after(s)
			}
		}
	},
})

func (q *Query) numberInList(k known, x syntax.Expr, report Report) {
	in, ok := x.(*syntax.In)
	if !ok {
		return
	}
	of := k.of(in.X)
	var numbers []*syntax.Number
	var digits []*syntax.String // texts that are numbers
	for _, y := range in.List {
		switch y := unparen(y).(type) {
		case *syntax.Number:
			numbers = append(numbers, y)
		case *syntax.String:
			if isNumber(y.Value) {
				digits = append(digits, y)
			}
		}
	}
	f := fieldOf(in.X)
	switch {
	case of.literal:
	case of.typed == numberType && len(digits) > 0:
		d := report(in.Pos, fmt.Sprintf("%s is a number, and in does not compare it with text", q.short(in.X)), "write the numbers without quotes")
		d.Fix = &diag.Fix{Title: "leave the quotes out"}
		for _, s := range digits {
			d.Fix.Edits = append(d.Fix.Edits, diag.Edit{Span: s.Pos, New: strings.TrimSpace(s.Value)})
		}
	case of.typed != numberType && len(numbers) > 0 && (of.typed == textType || f != nil):
		message := fmt.Sprintf("%s is text, and in does not compare it with numbers", q.short(in.X))
		if of.typed != textType {
			message = fmt.Sprintf("in does not cast: where %s is text, it is none of these numbers", q.short(in.X))
		}
		if len(numbers) == len(in.List) {
			form := "num(" + q.text(unparen(in.X)) + ")"
			d := report(in.Pos, message, "write "+form+" in (...)")
			d.Fix = edit("write "+form, in.X.Span(), form)
			if of.typed != textType {
				d.Severity = diag.Note
			}
			return
		}
		d := report(in.Pos, message, "write the numbers in quotes")
		d.Fix = &diag.Fix{Title: "put the numbers in quotes"}
		for _, n := range numbers {
			d.Fix.Edits = append(d.Fix.Edits, diag.Edit{Span: n.Pos, New: quoted(n.Text)})
		}
		if of.typed != textType {
			d.Severity = diag.Note
		}
	}
}

// isNumber reports whether a text is a decimal number.
func isNumber(s string) bool { return known{}.of(&syntax.String{Value: s}).number }
