package siem

import (
	"reflect"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
)

// expressions and what they print as; the cases are those of sections 4.1, 4.2
// and 17 of the specification.
var expressions = [][2]string{
	{`a = 'b'`, `a = 'b'`},
	{`a == "x\\y"`, `a == 'x\y'`},
	{`a <> "C:\x"`, `a != 'C:\x'`},
	{`a =< 1 && b => 2 || c`, `a <= 1 AND b >= 2 OR c`},
	{`| where a = 1`, `a = 1`},
	{`WHERE a = 1`, `a = 1`},
	{`json field=_raw "a.b", 'c' as x, y | where x = 1`, `json field=_raw 'a.b', 'c' as x, y | where x = 1`},
	{`NOT a LIKE '%x%'`, `NOT a LIKE '%x%'`},
	{`a !LIKE 'x'`, `a NOT LIKE 'x'`},
	{`a NOT LIKE '5!%' ESCAPE '!'`, `a NOT LIKE '5!%' ESCAPE '!'`},
	{`!(a AND (b OR c)) AND d`, `NOT (a AND (b OR c)) AND d`},
	{`not not a`, `NOT NOT a`},
	{`a OR b AND c OR d`, `a OR b AND c OR d`},
	{`a AND (b AND c)`, `a AND (b AND c)`},
	{`x IN ('a', 'b') OR x not in ()`, `x IN ('a', 'b') OR x NOT IN ()`},
	{`x matches /a\/b[\/]\d/`, `x MATCHES /a\/b[\/]\d/`},
	{`x RLIKE '(?i)foo' AND x !matches "a*"`, `x RLIKE '(?i)foo' AND x NOT MATCHES 'a*'`},
	{`x BETWEEN 1 AND 10 AND y`, `x BETWEEN 1 AND 10 AND y`},
	{`x is not null or y IS NULL`, `x IS NOT NULL OR y IS NULL`},
	{`fields['EventData.Image'] = 'x'`, `fields['EventData.Image'] = 'x'`},
	{`fields.name = 'x'`, `fields['name'] = 'x'`},
	{`lower(concat(a, 'b')) = 'c'`, `lower(concat(a, 'b')) = 'c'`},
	{`if(a = 1 AND b, 2, -3) > 5m`, `if(a = 1 AND b, 2, -3) > 300000`},
	{`1 + 2 * 3 - (4 - 5) = (1 + 2) * 3 / 1k`, `1 + 2 * 3 - (4 - 5) = (1 + 2) * 3 / 1000`},
	{`hasThreatMatch([a, b], 'x > 1')`, `hasThreatMatch([a, b], 'x > 1')`},
	{`a = 'it' /* and */ AND b = "it's"`, `a = 'it' AND b = "it's"`},
	{`a LIKE '%:\Program Files (x86)\'`, `a LIKE '%:\Program Files (x86)\'`},
	{"`odd name` = TRUE", "`odd name` = TRUE"},
	{"\ufeffa\u00a0=\u202f1", `a = 1`},
	{`x <=> null`, `x <=> NULL`},
}

func TestExpressionsPrintAsTheyAreRead(t *testing.T) {
	for _, c := range expressions {
		x, ds := Parse(diag.Text("expression", c[0]))
		if ds.HasErrors() {
			t.Errorf("%s: %v", c[0], ds)
			continue
		}
		if got := Print(x); got != c[1] {
			t.Errorf("%s\n prints %s\n not    %s", c[0], got, c[1])
		}
	}
}

func TestSingleQuotedTextIsRaw(t *testing.T) {
	x, ds := Parse(diag.Text("expression", `a = '\\x\'`))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	if got := x.Cond.(*Compare).Y.(*Literal).Text; got != `\\x\` {
		t.Errorf("the text is %s", got)
	}
}

func TestNotOfThisLanguage(t *testing.T) {
	for text, want := range map[string]string{
		`a = 1 | count by b`:     "log search",
		`a = 1 // b`:             "comments",
		`where a where b`:        "once",
		`parse "x" as b`:         "AND, OR or the end",
		`a = 'b`:                 "no end",
		`a IN ('b'`:              "should",
		`a matches /x`:           "no end",
		`a IS 3`:                 "NULL",
		`a = 5furlongs`:          "unit",
		`(a`:                     "not closed",
		`a LIKE 'x' ESCAPE 'ab'`: "one character",
		`a = §`:                  "means nothing",
		``:                       "value should",
		`a AND`:                  "value should",
		strings.Repeat("(", 300): "nested",
		strings.Repeat("!", 300): "nested",
		strings.Repeat("-", 300): "nested",
	} {
		_, ds := Parse(diag.Text("expression", text))
		if len(ds) != 1 || !strings.Contains(ds[0].Message+ds[0].Help, want) {
			t.Errorf("%.40s: %v, want %q", text, ds, want)
		}
	}
}

func FuzzParsePrint(f *testing.F) {
	for _, c := range expressions {
		f.Add(c[0])
	}
	f.Fuzz(func(t *testing.T, src string) {
		x, ds := Parse(diag.Text("fuzz", src))
		if ds.HasErrors() {
			return
		}
		once := Print(x)
		y, ds := Parse(diag.Text("printed", once))
		if ds.HasErrors() {
			t.Fatalf("%q prints %q, which is none: %v", src, once, ds)
		}
		if twice := Print(y); twice != once {
			t.Fatalf("not settled:\n%s\n%s", once, twice)
		}
		if !reflect.DeepEqual(kinds(x), kinds(y)) {
			t.Fatalf("another tree:\n%s\n%s", src, once)
		}
	})
}

// kinds are the types of a tree's nodes.
func kinds(x *Expression) (out []string) {
	Walk(x.Cond, func(n Node) bool {
		out = append(out, reflect.TypeOf(n).String())
		return true
	})
	return out
}
