package fn_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/agg"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/fn"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/sharedtest"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

func vocabulary(t testing.TB) *lang.Vocabulary {
	t.Helper()
	v, err := lang.NewVocabulary(fn.Words(), agg.Words())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// result is what became of an expression.
type result struct {
	v     event.Value
	diags diag.List
	warns []string
}

// env is a run of one hour, in UTC.
func env(warns *[]string) *expr.Env {
	return &expr.Env{
		Now: 1704070800000, From: 1704067200000, To: 1704070800000, Zone: time.UTC,
		Warn: func(kind, detail string) { *warns = append(*warns, kind+": "+detail) },
	}
}

// eval computes an expression for a row with the given fields.
func eval(t testing.TB, text string, fields map[string]event.Value) result {
	t.Helper()
	return run(t, vocabulary(t), "* | "+text+" as v", fields, "v")
}

// run computes the assignments of a query one after the other and returns a field.
func run(t testing.TB, v *lang.Vocabulary, text string, fields map[string]event.Value, want string) (r result) {
	t.Helper()
	f := diag.Text("test", text)
	q, diags := syntax.Parse(f, v)
	if diags.HasErrors() {
		return result{diags: diags}
	}
	sc := lang.NewScope(v, event.NewLayout(), f, &diags)
	b := &event.Batch{}
	b.AddRow(0, 0)
	for name, val := range fields {
		b.Col(sc.Layout.Slot(name)).Set(0, val)
	}
	for _, s := range q.Stages {
		if s.Kind != syntax.Assigning {
			t.Fatalf("%s: not an assignment: %s", text, f.Slice(s.Pos))
		}
		tree := sc.Expr(s.X)
		as := s.As
		if as == nil {
			as = s.X.(*syntax.Call).Args[0].(*syntax.Field)
		}
		if diags.HasErrors() {
			return result{diags: diags}
		}
		val := expr.Compile(tree).Open(env(&r.warns)).Value(b, 0)
		if val.IsDrop() {
			return result{v: val, diags: diags, warns: r.warns}
		}
		b.Col(sc.Layout.Slot(as.Name)).Set(0, val)
	}
	r.v, r.diags = b.Value(sc.Layout.Slot(want), 0), diags
	return r
}

// agrees compares a value with one of JSON as the language's cases do: a string
// with the text form, a number as a number, null only with null.
func agrees(got event.Value, want any, tolerance float64) bool {
	switch want := want.(type) {
	case nil:
		return got.IsNull()
	case string:
		return !got.IsNull() && got.Str() == want
	case bool:
		return got.Str() == fmt.Sprint(want)
	case float64:
		f, ok := got.Float()
		if tolerance == 0 {
			tolerance = 1e-9 * math.Max(math.Abs(want), 1e-300)
		}
		return ok && (f == want || math.Abs(f-want) <= tolerance)
	}
	return false
}

// TestExamples runs every example of the reference.
func TestExamples(t *testing.T) {
	v := vocabulary(t)
	for _, f := range fn.Words().Functions {
		for _, ex := range f.Examples {
			r := run(t, v, ex.Query, nil, "v")
			if r.diags.HasErrors() {
				t.Errorf("%s: %s: %v", f.Name, ex.Query, r.diags.Err())
				continue
			}
			var want map[string]any
			if err := json.Unmarshal([]byte(ex.Out[0]), &want); err != nil {
				t.Errorf("%s: %s: %v", f.Name, ex.Out[0], err)
				continue
			}
			if !agrees(r.v, want["v"], 0) {
				t.Errorf("%s: %s:\n got %s %q\nwant %v", f.Name, ex.Query, r.v.Kind(), r.v, want["v"])
			}
			if f.Dialect == "" && len(r.diags) > 0 {
				t.Errorf("%s: %s: %v", f.Name, ex.Query, r.diags[0])
			}
		}
	}
}

func TestDocs(t *testing.T) {
	for _, f := range fn.Words().Functions {
		if f.Summary == "" || f.Text == "" || f.Usage == "" || len(f.Examples) == 0 {
			t.Errorf("%s: its documentation has gaps", f.Name)
		}
		if !strings.HasPrefix(f.Usage, f.Name+"(") {
			t.Errorf("%s: its usage starts otherwise: %s", f.Name, f.Usage)
		}
		n := 0
		for _, set := range []bool{f.Map != nil, f.Call != nil, f.Make != nil, f.Form != nil} {
			if set {
				n++
			}
		}
		if n != 1 && f.Name != "if" {
			t.Errorf("%s: %d of Map, Call, Make and Form are set", f.Name, n)
		}
	}
}

// TestCases runs those of the language's cases that assign and nothing else.
func TestCases(t *testing.T) {
	cases := readCases(t)
	v := vocabulary(t)
	known := map[string]bool{}
	for _, f := range fn.Words().Functions {
		known[strings.ToLower(f.Name)] = true
	}
	ran := 0
	for _, c := range cases {
		if !known[strings.ToLower(c.Operator)] && c.Operator != "arithmetic" || c.Operator == "lookupContains" || !assigns(c.Query, v) { // a table is no field
			continue
		}
		ran++
		if c.Expect.Error != "" {
			if r := run(t, v, c.Query, nil, "v"); !r.diags.HasErrors() && !aliasMissing(c.Query, v) {
				t.Errorf("%s: %s: accepted, want a %s error", c.ID, c.Query, c.Expect.Error)
			}
			continue
		}
		row := 0
		for _, in := range c.Input {
			fields := map[string]event.Value{}
			m, ok := in.(map[string]any)
			if !ok {
				m = map[string]any{"_raw": in}
			}
			for k, val := range m {
				fields[k] = valueOf(val)
			}
			dropped := false
			for i, name := range c.Expect.Fields {
				r := run(t, v, c.Query, fields, name)
				if r.diags.HasErrors() {
					t.Errorf("%s: %s: %v", c.ID, c.Query, r.diags.Err())
				}
				if dropped = r.v.IsDrop(); dropped {
					break
				}
				tolerance := 0.0
				if c.Tolerance != nil {
					tolerance = *c.Tolerance
				}
				if row >= len(c.Expect.Rows) || c.Context.From != nil {
					continue
				}
				if want := c.Expect.Rows[row][i]; !agrees(r.v, want, tolerance) {
					t.Errorf("%s: %s: %s:\n got %s %q\nwant %v", c.ID, c.Query, name, r.v.Kind(), r.v, want)
				}
			}
			if !dropped {
				row++
			}
		}
		if row != len(c.Expect.Rows) {
			t.Errorf("%s: %s: %d rows, want %d", c.ID, c.Query, row, len(c.Expect.Rows))
		}
	}
	if ran < 150 {
		t.Errorf("only %d cases ran", ran)
	}
}

type languageCase struct {
	ID, Operator, Query string
	Input               []any
	Expect              struct {
		Fields []string
		Rows   [][]any
		Error  string
	}
	Context   struct{ From *int64 }
	Tolerance *float64
}

func readCases(t *testing.T) (cases []languageCase) {
	f, err := os.Open(sharedtest.Path(t, "spec", "operator-cases.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var c languageCase
		if err := json.Unmarshal(sc.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	return cases
}

func assigns(query string, v *lang.Vocabulary) bool {
	q, diags := syntax.Parse(diag.Text("case", query), v)
	for _, s := range q.Stages {
		if s.Kind != syntax.Assigning {
			return false
		}
	}
	return !diags.HasErrors() && len(q.Stages) > 0
}

func aliasMissing(query string, v *lang.Vocabulary) bool {
	q, _ := syntax.Parse(diag.Text("case", query), v)
	for _, s := range q.Stages {
		if c, ok := s.X.(*syntax.Call); ok && s.As == nil && v.FunctionOf(c.Func.Text).Alias {
			return true
		}
	}
	return false
}

func valueOf(x any) event.Value {
	switch x := x.(type) {
	case string:
		return event.Text(x)
	case float64:
		if x == math.Trunc(x) {
			return event.Int(int64(x))
		}
		return event.Float(x)
	case bool:
		return event.Bool(x)
	}
	return event.Value{}
}

// fields of the tables below
var row = map[string]event.Value{
	"empty": event.Text(""), "blank": event.Text(" \t"), "word": event.Text("word"), "num": event.Text("42"), "neg": event.Text("-1"),
	"half": event.Float(2.5), "whole": event.Float(3), "big": event.Int(math.MaxInt64), "nan": event.Float(math.NaN()),
	"inf": event.Float(math.Inf(-1)), "yes": event.Bool(true), "emoji": event.Text("a😀b"), "bad": event.Text("a\xffb"),
	"enc": event.Text("utf-16le"), "alg": event.Text("sha1"), "pat": event.Text("%05d"), "badpat": event.Text("%q"),
	"nbsp": event.Text("\u00a0"), "date": event.Millis(1704067200000), "pattern": event.Text("yyyy"), "zone": event.Text("Asia/Tokyo"), "text": event.Text("1704067200000"),
}

func TestValues(t *testing.T) {
	tests := []struct{ in, want string }{
		// null rules
		{`abs(nosuch)`, "null"}, {`concat(nosuch, nosuch)`, ""}, {`length(nosuch)`, "0"}, {`toString(nosuch)`, "null"},
		{`jsonArraySize(nosuch)`, "-1"}, {`jsonArrayContains(nosuch, "a")`, "false"}, {`jsonArrayContains("[null]", nosuch)`, "false"},
		{`isValidIP(nosuch)`, "false"}, {`compareCIDRPrefix(nosuch, "1.1.1.1", "8")`, "false"}, {`replace(word, "o", nosuch)`, "null"},
		{`isPrivateIP(nosuch)`, "null"}, {`hash(nosuch)`, "null"}, {`hash(word, nosuch)`, "null"}, {`format(nosuch, 1)`, "null"},
		{`format("%s", nosuch)`, "null"}, {`substring(nosuch, 1)`, "null"}, {`substring(word, nosuch)`, "null"}, {`min(1, nosuch)`, "null"},
		{`contains(word, nosuch)`, "false"}, {`tourl(nosuch, "x")`, "null"},
		{`coalesce(nosuch, nosuch)`, "null"}, {`coalesce(nosuch, empty, word)`, ""}, {`isNotNull(word)`, "true"},

		// casts
		{`num(word)`, "null"}, {`num(" 42 ")`, "42"}, {`num(yes)`, "1"}, {`number("1e3")`, "1000"}, {`toDouble("0x10")`, "null"},
		{`toInt("12.9")`, "12"}, {`toInt("-12.9")`, "-12"}, {`toLong(big)`, "9223372036854775807"}, {`toLong("1e30")`, "9223372036854775807"},
		{`toLong(nan)`, "null"}, {`long(half)`, "2"}, {`int(word)`, "null"}, {`toString(half)`, "2.5"}, {`toString(whole)`, "3"}, {`toString(yes)`, "true"},
		{`length(whole)`, "1"}, {`length(yes)`, "4"},

		// null, empty, blank
		{`isEmpty(empty)`, "true"}, {`isEmpty(blank)`, "false"}, {`isBlank(blank)`, "true"}, {`isBlank(nbsp)`, "false"}, {`isBlank("\n")`, "true"},
		{`isNull(empty)`, "false"}, {`isEmpty(num)`, "false"}, {`trim(blank)`, ""}, {`trim(nbsp)`, "\u00a0"},

		// code units
		{`length(emoji)`, "4"}, {`length(bad)`, "3"}, {`substring(emoji, 1, 3)`, "😀"}, {`substring(emoji, 1, 2)`, ""}, {`substring(emoji, 2)`, "b"},
		{`substring(emoji, 3)`, "b"}, {`substring(emoji, 0, 2)`, "a"}, {`substring(emoji, 4)`, ""}, {`substring(bad, 1, 2)`, "\xff"},
		{`substring(word, neg)`, ""}, {`substring(word, 2, neg)`, ""}, {`substring(word, 2, 2)`, ""}, {`substring(word, num)`, ""},
		{`substring(word, 1, num)`, "ord"}, {`substring(word, word)`, "null"}, {`substring(num, 1)`, "2"}, {`substring(12345, 1, 3)`, "23"},

		// numbers
		{`isNaN(word)`, "true"}, {`isNaN(empty)`, "null"}, {`isNaN(nan)`, "true"}, {`isInfinity(inf)`, "true"}, {`isInfinity(word)`, "false"},
		{`isInfinity(blank)`, "null"}, {`isNumeric(half)`, "true"}, {`isNumeric(nan)`, "false"}, {`isNumeric(yes)`, "false"}, {`isNumeric(date)`, "true"},
		{`round(half)`, "3"}, {`round(-2.5)`, "-3"}, {`round(0.49999999999999994)`, "0"}, {`round("x", 1)`, "null"}, {`round(1.5, word)`, "null"},
		{`round(2.675, 2)`, "2.68"}, {`round(-1.005, 2)`, "-1.01"}, {`round(1e300, 5) = 1e300`, "true"},
		{`round(inf, 2)`, "-Infinity"}, {`round(nan)`, "NaN"}, {`round(999.995, 2)`, "1000"}, {`round(150, -2)`, "200"}, {`round(149, -2)`, "100"},
		{`round(4, -1)`, "0"}, {`round(5, -1)`, "10"}, {`round(123456789.987654321, 3)`, "123456789.988"}, {`round(0.1, 30)`, "0.1"},
		{`sqrt(-1)`, "NaN"}, {`log(0)`, "-Infinity"}, {`pow("2", "x")`, "null"}, {`atan2(word, 1)`, "null"}, {`max(nan, 1)`, "NaN"},
		{`haversine("x", 1, 2, 3)`, "null"}, {`haversine(0, 0, 0, 180)`, "20020.74"},

		// codes
		{`decToHex(half)`, "2"}, {`decToHex(word)`, "null"}, {`decToHex(0)`, "0"}, {`hexToDec("")`, "null"}, {`hexToDec("0x1F")`, "null"},
		{`hexToDec("12345678901234567")`, "null"}, {`hexToDec("8000000000000000")`, "-9223372036854775808"}, {`parseHex("0x")`, "null"},
		{`parseHex("xyz")`, "null"}, {`parseHex("0XfF")`, "255"}, {`hexToAscii("6")`, "null"}, {`hexToAscii("zz")`, "null"}, {`hexToAscii("ff41")`, "\ufffdA"},
		{`hexToAscii(asciiToHex("é"))`, "é"}, {`asciiToHex(num)`, "3432"},
		{`base64Encode(num)`, "NDI="}, {`base64Encode("")`, ""}, {`base64Decode("")`, ""}, {`base64Decode("NDI")`, "42"}, {`base64Decode("ND I=\n")`, "42"},
		{`base64Decode("NDI==")`, "NDI=="}, {`base64Decode("N")`, "N"}, {`base64Decode("_-8=")`, "\ufffd\ufffd"}, {`base64Decode("NABIAA==", enc)`, "4H"},
		{`base64Decode("AEE=", "UTF-16")`, "A"}, {`base64Decode("//5BAA==", "utf-16")`, "A"}, {`base64Decode("QUJD", "UTF-16LE")`, "䉁\ufffd"},
		{`base64Decode("AAAAQQ==", "UTF-32")`, "A"}, {`base64Decode("QQAAAA==", "UTF-32LE")`, "A"}, {`base64Decode("6Q==", "ISO-8859-1")`, "é"},
		{`base64Decode("6Q==", "US-ASCII")`, "\ufffd"}, {`base64Decode("6Q==")`, "\ufffd"}, {`base64Decode("NDI=", word)`, "null"},
		{`urlencode("a b~c/é")`, "a+b%7Ec%2F%C3%A9"}, {`urldecode("%zz")`, "%zz"}, {`urldecode("%e")`, "%e"}, {`urldecode("%ff+x")`, "\ufffd x"},
		{`urldecode("plain")`, "plain"}, {`tourl("u", "t", "", "")`, "t"},
		{`hash(word, alg)`, "3cbcd90adc4b192a87a625850b7f231caddf0eb3"}, {`hash(word, word)`, "null"}, {`hash("", "MD5")`, "d41d8cd98f00b204e9800998ecf8427e"},
		{`hash("abc", "sha_256")`, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{`hash("", "murmur3_128")`, "00000000000000000000000000000000"},
		{`hash("The quick brown fox jumps over the lazy dog", "murmur3_128")`, "6c1b07bc7bbc4be347939ac4a93c437a"},
		{`luhn("")`, "false"}, {`luhn("no digits")`, "false"}, {`luhn("0")`, "true"}, {`luhn(4111111111111111)`, "true"},

		// addresses
		{`isPrivateIP("10.0.0.1 ")`, "dropped"}, {`isPrivateIP("::1")`, "dropped"}, {`isPrivateIP("::ffff:10.0.0.1")`, "dropped"}, {`isPublicIP("010.0.0.1")`, "dropped"},
		{`isReservedIP("")`, "dropped"}, {`!isPrivateIP("x")`, "dropped"}, {`if(isPrivateIP("x"), 1, 2)`, "dropped"}, {`isPrivateIP("172.31.255.255")`, "true"},
		{`isPrivateIP("172.32.0.0")`, "false"}, {`isReservedIP("10.1.1.1")`, "false"}, {`isReservedIP("255.255.255.255")`, "true"}, {`isPublicIP("100.64.0.1")`, "true"},
		{`isValidIP("fe80::1%eth0")`, "false"}, {`isValidIP("1.2.3")`, "false"}, {`isValidIP("1.2.3.4/8")`, "false"}, {`isValidIPv6("::ffff:1.2.3.4")`, "true"},
		{`getCIDRPrefix(" 10.1.2.3 ", 8)`, "10.0.0.0"}, {`getCIDRPrefix("10.1.2.3", "33")`, "null"}, {`getCIDRPrefix("10.1.2.3", "8.5")`, "null"}, {`getCIDRPrefix("::1", "8")`, "null"},
		{`getCIDRPrefix("10.1.2.3", 0)`, "0.0.0.0"}, {`getCIDRPrefix("10.1.2.3", 32)`, "10.1.2.3"}, {`compareCIDRPrefix("1.1.1.1", "9.9.9.9", "0")`, "true"},
		{`compareCIDRPrefix("1.1.1.1", word, "8")`, "false"}, {`compareCIDRPrefix("1.1.1.1", "1.1.1.1", num)`, "false"}, {`maskFromCIDR("-1")`, "null"}, {`maskFromCIDR("x")`, "null"},
		{`ipv4ToNumber("256.1.1.1")`, "null"}, {`ipv4ToNumber("255.255.255.255")`, "4294967295"},

		// JSON
		{`jsonArraySize("[1,[2,3],{}]")`, "3"}, {`jsonArraySize(" [1] ")`, "1"}, {`jsonArraySize("[1")`, "-1"}, {`jsonArraySize("5")`, "-1"},
		{`jsonArrayContains("[\"a\\u0062\"]", "ab")`, "true"}, {`jsonArrayContains("[true, 1.50]", "true")`, "true"}, {`jsonArrayContains("[\"1\"]", 1)`, "true"},
		{`jsonArrayContains("[{\"a\": 1}]", "a")`, "false"}, {`jsonArrayContains("[\"Foo\"]", "foo")`, "false"},

		// text
		{`concat(yes, "/", half, "/", whole)`, "true/2.5/3"}, {`toUpperCase(5)`, "5"}, {`toLowerCase("ÀÉ")`, "àé"}, {`contains("12", 2)`, "true"},
		{`replace(word, "", "x")`, "word"}, {`replace("aaa", "aa", "b")`, "ba"}, {`replace("a$1", "a", "$1")`, "$1$1"}, {`replace(12, 1, 3)`, "32"},

		// time
		{`now()`, "1704070800000"}, {`queryStartTime()`, "1704067200000"}, {`queryEndTime()`, "1704070800000"}, {`queryTimeRange()`, "3600000"},
	}
	for _, tt := range tests {
		r := eval(t, tt.in, row)
		if r.diags.HasErrors() {
			t.Errorf("%s: %v", tt.in, r.diags.Err())
			continue
		}
		got := r.v.Str()
		switch {
		case r.v.IsNull():
			got = "null"
		case r.v.IsDrop():
			got = "dropped"
		}
		if got != tt.want {
			t.Errorf("%s:\n got %s %q\nwant %q", tt.in, r.v.Kind(), got, tt.want)
		}
	}
}

// Results have the types the language says they have.
func TestKinds(t *testing.T) {
	for in, want := range map[string]event.Kind{
		`num("1")`: event.Double, `toInt("1")`: event.Long, `toLong(1.5)`: event.Long, `toString(1)`: event.String, `length("a")`: event.Long,
		`round(1.5)`: event.Double, `abs(-1)`: event.Double, `min(1, 2)`: event.Double, `hexToDec("1")`: event.Long, `decToHex(1)`: event.String,
		`isNull(1)`: event.Boolean, `ipv4ToNumber("1.1.1.1")`: event.Long,
		`now()`: event.Long, `jsonArraySize("[]")`: event.Long, `concat(1, 2)`: event.String, `hash(1)`: event.String, `trim(1)`: event.String,
		`coalesce(1, 2)`: event.Long, `if(1 = 1, 1, "x")`: event.Long,
	} {
		if r := eval(t, in, nil); r.v.Kind() != want {
			t.Errorf("%s is a %s, want %s", in, r.v.Kind(), want)
		}
	}
}

func TestMistakes(t *testing.T) {
	args := strings.Repeat(", 1", 17)
	tests := []struct{ in, code string }{
		{`substring(word, -1)`, "negative-place"},
		{`substring(word, 3, 2)`, "reversed-places"},
		{`substring(word, "x")`, "bad-place"},
		{`concat("a")`, "wrong-argument-count"},
		{`concat("a"` + args + `)`, "wrong-argument-count"},
		{`format("%s"` + args + `)`, "wrong-argument-count"},
		{`format("%s %d", word)`, "format-arguments"},
		{`format("%q", word)`, "bad-format"},
		{`format("100%", word)`, "bad-format"},
		{`format("%-5d%", word)`, "bad-format"},
		{`format("%tY", date)`, "bad-format"},
		{`hash(word, "sha3")`, "unknown-algorithm"},
		{`base64Decode(word, "klingon")`, "unknown-encoding"},
		{`tourl(word, "a", "b")`, "wrong-argument-count"},
		{`hash(/x/)`, "regex-out-of-place"},
		{`replace(word, "a", /x/)`, "regex-out-of-place"},
		{`toLowerCase(/x/)`, "regex-out-of-place"},
		{`isNull()`, "wrong-argument-count"},
		{`round(1, 2, 3)`, "wrong-argument-count"},
	}
	for _, tt := range tests {
		r := eval(t, tt.in, row)
		if !r.diags.HasErrors() || r.diags[0].Code != tt.code {
			t.Errorf("%s: got %v, want %s", tt.in, r.diags, tt.code)
		}
	}
}

func TestWarningsOfQueries(t *testing.T) {
	tests := []struct{ in, code string }{
		{`coalesce(word, "x")`, "nonportable-function"},
		{`toLower(word)`, "nonportable-function"},
		{`lower(word)`, "nonportable-function"},
		{`toUpper(word)`, "nonportable-function"},
		{`upper(word)`, "nonportable-function"},
		{`isNotNull(word)`, "nonportable-function"},
		{`strlen(word)`, "nonportable-function"},
		{`format("%s", word, num)`, "format-arguments"},
		{`compareCIDRPrefix("10.0.0", ip, "27")`, "bad-network"},
		{`compareCIDRPrefix("10.0.0.0", ip, "127")`, "bad-network"},
	}
	for _, tt := range tests {
		r := eval(t, tt.in, row)
		if r.diags.HasErrors() || len(r.diags) != 1 || r.diags[0].Code != tt.code {
			t.Errorf("%s: got %v, want the warning %s", tt.in, r.diags, tt.code)
		}
	}
}

// What data does wrong is counted, under the name of the function.
func TestWarningsOfRows(t *testing.T) {
	for in, want := range map[string]string{
		`isPrivateIP(word)`:      `isPrivateIP: "word" is no IPv4 address; its row is dropped`,
		`format("%d", word)`:     `format: %d: "word" is no whole number`,
		`format("%.1f", nosuch)`: `format: %.1f: argument 1 is null`,
		`hexToDec(word)`:         `hexToDec: "word" is no number of 1 to 16 hexadecimal digits`,
		`ipv4ToNumber(word)`:     `ipv4ToNumber: "word" is no IPv4 address`,
		`format(badpat, word)`:   `format: there is no conversion %q; a percent sign is written %%`,
		`maskFromCIDR("40")`:     `maskFromCIDR: "40" is no prefix length from 0 to 32`,
	} {
		r := eval(t, in, row)
		if len(r.warns) != 1 || r.warns[0] != want {
			t.Errorf("%s:\n got %q\nwant %q", in, r.warns, want)
		}
	}
}

// A few stages that double a text must not fill the memory.
func TestTextIsBounded(t *testing.T) {
	long := map[string]event.Value{"a": event.Text(strings.Repeat("a", 9<<20))}
	for _, in := range []string{
		`concat(a, a)`, `replace(a, "a", "bb")`, `asciiToHex(a)`, `urlencode(replace(a, "a", "/"))`, `format("%s%s", a, a)`, `tourl(a, a, "", a)`,
		`base64Encode(concat(a, substring(a, 4000000)))`,
	} {
		r := eval(t, in, long)
		if !r.v.IsNull() || len(r.warns) == 0 || !strings.Contains(r.warns[0], "longer than 16 MB") {
			t.Errorf("%s: %d bytes, %v", in, len(r.v.Str()), r.warns)
		}
	}
}
