package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "text-order", Severity: diag.Warning,
	What: "Two texts that are compared or sorted where numbers are meant: `\"9\"` comes after `\"10\"`.",
	Why: "`<`, `<=`, `>` and `>=` compare two texts letter by letter, and `sort` never casts; what `parse`, `keyvalue`, `csv` and `split` make is text. " +
		"Write the number without quotes, or cast: `where num(a) > num(b)`, `num(bytes) | sort by bytes`.",
	Bad: []string{
		"_sourceCategory=a\n| parse \"size=*,\" as size\n| where size > \"900\"",
		"_sourceCategory=a\n| where EventID >= \"4600\"",
		"_sourceCategory=a\n| parse \"in=* out=*,\" as in_bytes, out_bytes\n| where in_bytes > out_bytes",
		"_sourceCategory=a\n| parse \"bytes=*,\" as bytes\n| sort by bytes",
		"_sourceCategory=a\n| parse \"n=*,\" as n\n| where n > 5\n| sort by n",
	},
	Good: []string{
		"_sourceCategory=a\n| parse \"size=*,\" as size\n| where size > 900",
		"_sourceCategory=a\n| where day > \"2024-01-01\"",
		"_sourceCategory=a\n| parse \"in=* out=*,\" as in_bytes, out_bytes\n| where num(in_bytes) > num(out_bytes)",
		"_sourceCategory=a\n| parse \"bytes=*,\" as bytes\n| num(bytes)\n| sort by bytes",
		"_sourceCategory=a\n| parse \"user=*,\" as user\n| sort by user",
		"_sourceCategory=a\n| parse \"bytes=*,\" as bytes\n| sum(bytes) as bytes by user\n| sort by bytes",
	},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			k, numeric := known{}, map[string]bool{}
			for _, s := range p.Stages {
				s.each(func(x syntax.Expr) { q.textOrder(k, numeric, x, report) })
				q.textSort(k, numeric, s, report)
				k = k.after(s)
			}
		}
	},
})

// textOrder finds an ordering of two texts. It notes fields that are compared
// with numbers in numeric.
func (q *Query) textOrder(k known, numeric map[string]bool, x syntax.Expr, report Report) {
	b, ok := x.(*syntax.Binary)
	if !ok || b.Op != "<" && b.Op != "<=" && b.Op != ">" && b.Op != ">=" {
		return
	}
	for _, side := range [][2]syntax.Expr{{b.X, b.Y}, {b.Y, b.X}} {
		of, v := k.of(side[0]), k.of(side[1])
		if f := fieldOf(side[0]); f != nil && v.typed == numberType {
			numeric[strings.ToLower(f.Name)] = true
		}
		s, ok := unparen(side[1]).(*syntax.String)
		if !ok || of.literal || of.typed == numberType || !isNumber(s.Value) {
			continue
		}
		form := strings.TrimSpace(s.Value)
		d := report(b.Pos, fmt.Sprintf("two texts are compared letter by letter: \"9\" is more than %s", q.short(s)), "write "+form+" without quotes")
		d.Fix = edit("write "+form, s.Pos, form)
		return
	}
	f, g := fieldOf(b.X), fieldOf(b.Y)
	if f == nil || g == nil || k.of(f).typed != textType || k.of(g).typed != textType || timeName().MatchString(f.Name) || timeName().MatchString(g.Name) {
		return
	}
	form := fmt.Sprintf("num(%s) %s num(%s)", q.text(f), b.Written, q.text(g))
	d := report(b.Pos, "two texts are compared letter by letter: \"9\" is more than \"10\"", "write "+form)
	d.Fix = edit("write "+form, b.Pos, form)
}

// textSort finds a sort by a text whose name, or use before, says that numbers
// are meant.
func (q *Query) textSort(k known, numeric map[string]bool, s *Stage, report Report) {
	if s.Rows != lang.Orders {
		return
	}
	for _, a := range s.Args {
		key, ok := a.Value.(*syntax.SortKey)
		if !ok || key.Field == nil || k.of(key.Field).typed != textType {
			continue
		}
		if name := key.Field.Name; !numeric[strings.ToLower(name)] && !numberName(name) {
			continue
		}
		form := "num(" + q.text(key.Field) + ")"
		d := report(key.Pos, fmt.Sprintf("%s is text and is sorted letter by letter: \"9\" comes after \"10\"", key.Field.Name), "write "+form+" in a stage before")
		d.Fix = edit("write "+form+" before", diag.Span{Start: s.Pos.Start, End: s.Pos.Start}, form+" | ")
	}
}

// timeName recognises fields whose texts are times and versions, which are
// compared as text on purpose.
var timeName = match.Lazy(`(?i)date|time|day|month|year|version|start|end`)

// numberWord recognises a part of a name that says that the field is a number.
var numberWord = match.Lazy(`^(?i:bytes?|size|count|cnt|length|len|duration|latency|elapsed|ms|millis|seconds|secs|num|total|amount|pct|percent|score|rate|kb|mb|gb|cpu|port|ttl|pid|age|hits|requests)$`)

// namePart is a part of a name: bytes_sent, bytesSent.
var namePart = match.Lazy(`[A-Z]+[a-z]*|[a-z]+`)

func numberName(name string) bool {
	for _, part := range namePart().FindAllString(name, -1) {
		if numberWord().MatchString(part) {
			return true
		}
	}
	return false
}
