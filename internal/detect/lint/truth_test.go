package lint_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/lint"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/sigma"
	"github.com/gyoji-dev/gyoji/syntax"
)

// The advice of checks is tried on truth tables: what lint says of a random
// condition is computed over every event that its fields and values can make.

var formats = []*input.Format{format.Named("jsonl")}

// kept is how many of the events a query keeps.
func kept(t *testing.T, text string, events []byte) int {
	t.Helper()
	q, found := query.Compile(diag.Text("query", text), query.Standard())
	if q == nil {
		t.Fatalf("%s\n%v", text, found.Err())
	}
	n := 0
	err := q.Run(context.Background(), query.Run{
		Input:  input.NewReader(input.Memory("events", events), formats, input.Options{Force: formats[0]}),
		Layout: q.Layout.Clone(), Workers: 1, Now: time.UnixMilli(0), NoMap: true, Warnings: &exec.Warnings{},
	}, pushed(func(b *event.Batch) { n += len(b.Live) }))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

type pushed func(*event.Batch)

func (f pushed) Push(b *event.Batch) error { f(b); return nil }

// table is every event that has one of the values in each field, or lacks it.
func table(fields []string, values []any) (lines []byte, n int) {
	rows := []map[string]any{{}}
	for _, f := range fields {
		var next []map[string]any
		for _, r := range rows {
			for _, v := range append([]any{nil}, values...) {
				m := map[string]any{}
				for k, x := range r {
					m[k] = x
				}
				if v != nil {
					m[f] = v
				}
				next = append(next, m)
			}
		}
		rows = next
	}
	var out bytes.Buffer
	for _, r := range rows {
		r["_raw"] = "x"
		line, _ := json.Marshal(r)
		out.Write(append(line, '\n'))
	}
	return out.Bytes(), len(rows)
}

// randomCondition writes a condition over a and b.
func randomCondition(r *rand.Rand, depth int) string {
	of := func(list ...string) string { return list[r.IntN(len(list))] }
	field := of("a", "a", "a", "b")
	if depth > 0 && r.IntN(3) > 0 {
		x, y := randomCondition(r, depth-1), randomCondition(r, depth-1)
		switch r.IntN(8) {
		case 0:
			return "!(" + x + ")"
		case 1:
			return "(" + x + " or " + y + ")"
		case 2, 3:
			return x + " or " + y
		default:
			return x + " and " + y
		}
	}
	switch r.IntN(9) {
	case 0, 1:
		return fmt.Sprintf(`%s = "%s"`, field, of("x", "y", "X", "5", "5.0", "7"))
	case 2:
		return fmt.Sprintf(`a != "%s" or a != "%s"`, of("x", "y", "5"), of("x", "y", "5.0"))
	case 3:
		return fmt.Sprintf(`%s %s %s`, field, of("<", "<=", ">", ">=", "=", "!="), of("3", "5", "7", "5.0"))
	case 4:
		return fmt.Sprintf(`%s in ("%s", "%s")`, field, of("x", "y", "5"), of("x", "Y", "7"))
	case 5:
		return fmt.Sprintf(`%s matches "%s"`, field, of("x*", "*y", "*", "x"))
	case 6:
		return fmt.Sprintf(`toLowerCase(%s) = "%s"`, field, of("x", "X"))
	case 7:
		return fmt.Sprintf(`isNull(%s)`, field)
	}
	return fmt.Sprintf(`if (%s = "%s", 1, %s) %s %s`, field, of("x", "y"), of("0", "2"), of("=", ">", ">=", "<"), of("0", "1", "2", "3"))
}

func TestAdviceOnConditionsIsTrue(t *testing.T) {
	events, all := table([]string{"a", "b"}, []any{"x", "y", "X", "xy", "5", "5.0", "7", "", 5, 7, 4.5, true})
	r := rand.New(rand.NewPCG(3, 5))
	tried := map[string]int{}
	for range 1500 {
		text := "* | where " + randomCondition(r, 2)
		if r.IntN(3) == 0 {
			text += " | where " + randomCondition(r, 1)
		}
		for _, d := range run(text) {
			claim := text[d.Span.Start:d.Span.End]
			never := false
			switch d.Code {
			case "never-holds", "score-out-of-reach":
				never = !strings.Contains(d.Message, "always holds")
			case "always-holds":
			default:
				continue
			}
			tried[d.Code]++
			before := text[:strings.LastIndex(text[:d.Span.Start], "| where")]
			if d.Code != "score-out-of-reach" && !strings.Contains(d.Message, "case here") && !strings.Contains(d.Message, "is never") {
				// It is about everything that the place is joined to.
				claim = joined(t, text, d)
			}
			rest := strings.TrimSpace(before)
			in := all
			if rest != "*" {
				in = kept(t, rest, events)
			}
			switch n := kept(t, before+"| where "+claim, events); {
			case never && n > 0:
				t.Errorf("%s\n%s: %s\nkeeps %d of %d rows", text, d.Code, d.Message, n, in)
			case !never && n != in:
				t.Errorf("%s\n%s: %s\nkeeps %d of %d rows", text, d.Code, d.Message, n, in)
			}
		}
	}
	for _, c := range []string{"never-holds", "score-out-of-reach", "always-holds"} {
		if tried[c] < 10 {
			t.Errorf("%s was tried %d times", c, tried[c])
		}
	}
}

// joined is the longest chain of and, or of or, that a place stands in.
func joined(t *testing.T, text string, d *diag.Diagnostic) string {
	tree, found := syntax.Parse(diag.Text("query", text), query.Standard())
	if found.HasErrors() {
		t.Fatal(found.Err())
	}
	op := "and"
	if d.Code == "always-holds" {
		op = "or"
	}
	out := text[d.Span.Start:d.Span.End]
	done := false
	syntax.Walk(tree, func(n syntax.Node) bool {
		b, ok := n.(*syntax.Binary)
		if ok && !done && b.Op == op && b.Pos.Start <= d.Span.Start && d.Span.End <= b.Pos.End && inChain(b, op, d.Span) {
			out, done = text[b.Pos.Start:b.Pos.End], true
		}
		return true
	})
	return out
}

// inChain reports whether a place is an operand of a chain.
func inChain(x syntax.Expr, op string, at diag.Span) bool {
	if p, ok := x.(*syntax.Paren); ok && x.Span() != at {
		return inChain(p.X, op, at)
	}
	if b, ok := x.(*syntax.Binary); ok && b.Op == op {
		return inChain(b.X, op, at) || inChain(b.Y, op, at)
	}
	return x.Span() == at
}

// What mixed-and-or says a condition is read as is how it is read.
func TestAdviceOnPrecedenceIsTrue(t *testing.T) {
	events, _ := table([]string{"a", "b", "c"}, []any{"x", "y"})
	r := rand.New(rand.NewPCG(9, 1))
	term := func(search bool) string {
		s := string("abc"[r.IntN(3)]) + "=" + string("xy"[r.IntN(2)])
		if !search {
			s = s[:2] + `"` + s[2:] + `"`
		}
		return s
	}
	tried := 0
	for i := range 200 {
		search := i%2 == 0
		text := term(search)
		for range 2 + r.IntN(3) {
			op := []string{" OR ", " AND ", " "}[r.IntN(3)]
			if !search && op == " " {
				op = " and "
			}
			text += op + term(search)
		}
		prefix := ""
		if !search {
			prefix = "* | where "
		}
		for _, d := range run(prefix + text) {
			if d.Code != "mixed-and-or" {
				continue
			}
			read, ok := strings.CutPrefix(d.Help, "this is read as ")
			whole := prefix + text
			if ok {
				read, _, _ = strings.Cut(read, "; ")
				read = prefix + read
			} else {
				read = whole[:d.Span.Start] + "(" + whole[d.Span.Start:d.Span.End] + ")" + whole[d.Span.End:]
			}
			tried++
			a, b := kept(t, whole+" | count by a, b, c", events), kept(t, read+" | count by a, b, c", events)
			if a != b {
				t.Errorf("%s keeps %d, %s %d", whole, a, read, b)
			}
		}
	}
	if tried < 50 {
		t.Errorf("only %d were tried", tried)
	}
}

// randomSigma is a rule over a field that its events have once, one that may hold
// several values, and one that is in no list of fields.
func randomSigma(r *rand.Rand) string {
	of := func(list ...string) string { return list[r.IntN(len(list))] }
	test := func() string {
		f := of("Image", "Image", "Other", "Other", "User")
		m := of("", "", "|endswith", "|startswith", "|contains", "|contains|all", "|cased")
		v := of("'x'", "'y'", "'xy'", "'*'", "['x', 'y']", "'x*'", "null", "''")
		if m != "" && v == "null" {
			v = "'x'"
		}
		if m == "|contains|all" {
			v = of("['x', 'y']", "['x', 'xy']")
		}
		return f + m + ": " + v
	}
	search := func(name string) string {
		out := "    " + name + ":\n"
		seen := map[string]bool{}
		for range 1 + r.IntN(3) {
			x := test()
			k, _, _ := strings.Cut(x, ":")
			if !seen[k] {
				seen[k] = true
				out += "        " + x + "\n"
			}
		}
		return out
	}
	cond := of("a and b", "a and not b", "a or not b", "not a and not b", "a or not a", "all of them", "a and b and not c", "1 of them")
	return "title: T\nlogsource: {category: process_creation, product: windows}\ndetection:\n" + search("a") + search("b") + search("c") + "    condition: " + cond + "\n"
}

func TestAdviceOnSigmaRulesIsTrue(t *testing.T) {
	once := []any{nil, "x", "y", "xy", "X", "", "xzy"}
	many := append([]any{event.List(`["x","y"]`), event.List(`["xy",null]`), event.List(`[]`), event.List(`["y","X","xx"]`)}, once...)
	r := rand.New(rand.NewPCG(2, 8))
	never, always := 0, 0
	for range 1200 {
		text := randomSigma(r)
		f := diag.Text("proc_creation_win_t.yml", text)
		docs, found := sigma.Parse(f)
		if found.HasErrors() {
			continue
		}
		sc := rule.NewScope()
		rules, _ := sc.Lower(docs, nil)
		if len(rules) != 1 {
			continue
		}
		var b event.Batch
		set := func(row uint16, name string, v any) {
			switch v := v.(type) {
			case string:
				b.Col(sc.Layout.Slot(name)).Set(row, event.Text(v))
			case event.Value:
				b.Col(sc.Layout.Slot(name)).Set(row, v)
			}
		}
		for _, i := range once {
			for _, o := range many {
				for _, u := range once {
					row := b.AddRow(0, 0)
					set(row, "Channel", "Microsoft-Windows-Sysmon/Operational")
					set(row, "EventID", "1")
					set(row, "Image", i)
					set(row, "Other", o)
					set(row, "User", u)
				}
			}
		}
		meet := len(expr.Compile(rules[0].When()).Open(&expr.Env{}).Keep(&b, slices.Clone(b.Live)))
		any, all := meet > 0, meet == b.N
		for _, d := range lint.SigmaFiles([]*diag.File{f}) {
			switch {
			case d.Code == "sigma-never-holds" && strings.Contains(d.Message, "no event can meet this condition"):
				if never++; any {
					t.Errorf("%s\n%s, and an event does", text, d.Message)
				}
			case d.Code == "sigma-always-holds" && strings.Contains(d.Message, "every event"):
				if always++; !all {
					t.Errorf("%s\n%s, and one does not", text, d.Message)
				}
			}
		}
	}
	if never < 20 || always < 5 {
		t.Errorf("tried %d that never hold and %d that always do", never, always)
	}
}
