package jsondoc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/sharedtest"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// show prints values the way the tables below write them.
func show(vals ...jsondoc.Value) string {
	var out []string
	for _, v := range vals {
		switch v.Kind {
		case jsondoc.Missing:
			out = append(out, "-")
		case jsondoc.Null:
			out = append(out, "null")
		case jsondoc.String:
			out = append(out, strconv.Quote(string(v.AppendText(nil))))
		default:
			out = append(out, string(v.AppendText(nil)))
		}
	}
	return strings.Join(out, " | ")
}

func TestScanFindsTheWantedFields(t *testing.T) {
	roots := []string{"EventData", "Event.EventData", "System", "Event.System"}
	for _, tt := range []struct {
		text  string
		names string // separated by blanks
		roots []string
		want  string
	}{
		{`{"a":"x","b":1,"c":true,"d":null,"e":-1.50e+3}`, "a b c d e f", nil, `"x" | 1 | true | null | -1.50e+3 | -`},
		{`{ "a" : "x" , "b" : [ 1 , { "c" : 2 } ] }`, "a b", nil, `"x" | [ 1 , { "c" : 2 } ]`},
		{"\t{\"a\"\r\n:\n1}\n", "a", nil, `1`},
		{`{}`, "a", nil, `-`},
		{`{"a":""}`, "a", nil, `""`},

		// escapes
		{`{"a":"q\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}`, "a", nil, `"q\"\\/\b\f\n\r\té😀"`},
		{`{"a":"C:\\","b":"\\\\","c":"x\\\""}`, "a b c", nil, `"C:\\" | "\\\\" | "x\\\""`},
		{`{"a\"b":1,"\u0061":2}`, `a"b a`, nil, `1 | 2`},
		{`{"a":"\ud800x\udc00\ud800A"}`, "a", nil, `"�x��A"`},
		{"{\"a\":\"\xff\xfe\"}", "a", nil, `"��"`},
		{`{"a":"\q\u12"}`, "a", nil, `"\\q\\u12"`}, // no JSON escapes: kept as they stand
		{"{\"a\":\"tab\there\"}", "a", nil, `"tab\there"`},

		// letter case: exact spelling first, wherever it stands
		{`{"IMAGE":1}`, "Image", nil, `1`},
		{`{"IMAGE":1,"Image":2}`, "Image", nil, `2`},
		{`{"Image":2,"IMAGE":1}`, "Image", nil, `2`},
		{`{"Image":2,"IMAGE":1}`, "image Image IMAGE", nil, `1 | 2 | 1`},
		{`{"Ä":1}`, "ä", nil, `-`}, // ASCII only
		{`{"eventdata":{"image":1}}`, "EventData.Image", nil, `1`},
		{`{"EventData":{"Image":2},"eventdata":{"Image":1}}`, "EventData.Image", nil, `2`},
		{`{"first name":"bob"}`, "first_name", nil, `"bob"`},
		{`{"first name":1,"first_name":2,"First Name":3}`, "first_name", nil, `2`},

		// nested
		{`{"a":{"b":{"c":1}}}`, "a.b.c a.b a", nil, `1 | {"c":1} | {"b":{"c":1}}`},
		{`{"a.b":{"c":1}}`, "a.b.c a.b", nil, `1 | {"c":1}`},
		{`{"a":{"b.c":1}}`, "a.b.c a.b", nil, `1 | -`},
		{`{"a.b.c":1}`, "a.b.c", nil, `1`},
		{`{"a":[{"c":1},{"c":2,"d":[5,6]}]}`, "a[0].c a[1].c a[2].c a[1].d[1] a[1] a[01].c", nil, `1 | 2 | - | 6 | {"c":2,"d":[5,6]} | -`},
		{`{"a":[[1,2],[3]]}`, "a[0][1] a[1][0] a[1]", nil, `2 | 3 | [3]`},
		{`{"a[0]":{"b":1}}`, "a[0].b a[0]", nil, `1 | {"b":1}`},
		{`{"a":1}`, "a.b a[0]", nil, `- | -`},
		{`{"":1,"a":{"":2}}`, "a.", nil, `2`},

		// the text of elements with attributes
		{`{"EventID":{"#text":4688,"#attributes":{"Qualifiers":"0"}}}`, "EventID EventID.#attributes.Qualifiers", nil, `4688 | "0"`},
		{`{"EventID":{"#attributes":{}}}`, "EventID", nil, `{"#attributes":{}}`},
		{`{"EventID":{"#text":{"x":[1]}}}`, "EventID", nil, `{"x":[1]}`},
		{`{"EventID":{"#text":1},"EventID":2}`, "EventID", nil, `2`},
		{`{"EventID":2,"EventID":{"#text":1}}`, "EventID", nil, `1`},

		// roots
		{`{"EventData":{"Image":"i"}}`, "Image", roots, `"i"`},
		{`{"Image":"top","EventData":{"Image":"i"}}`, "Image EventData.Image", roots, `"top" | "i"`},
		{`{"EventData":{"Image":"i"},"IMAGE":"top"}`, "Image", roots, `"top"`},
		{`{"System":{"X":2},"EventData":{"X":1}}`, "X", roots, `1`},
		{`{"Event":{"System":{"EventID":{"#text":1}},"EventData":{"Image":"i"}}}`, "EventID Image", roots, `1 | "i"`},
		{`{"event":{"system":{"eventid":7}}}`, "EventID", roots, `7`},
		{`{"EventData":{"P":{"Q":1}}}`, "P.Q P", roots, `1 | {"Q":1}`},
		{`{"EventData":null,"System":[1]}`, "X EventData System", roots, `- | null | [1]`},

		// a key that occurs twice: the last value counts
		{`{"a":1,"a":2}`, "a", nil, `2`},
		{`{"a":1,"a":null}`, "a", nil, `null`},
		{`{"a":5,"a":{"b":1}}`, "a", nil, `{"b":1}`},
		{`{"a":{"b":1},"a":{"b":2,"c":3}}`, "a.b a.c", nil, `2 | 3`},
	} {
		s := jsondoc.NewScanner(jsondoc.Want{Names: strings.Fields(tt.names), Roots: tt.roots})
		for range 3 { // what was remembered must not change the answer
			vals, err := s.Scan([]byte(tt.text))
			if got := show(vals...); err != nil || got != tt.want {
				t.Errorf("%s of %s:\n got %s, %v\nwant %s", tt.names, tt.text, got, err, tt.want)
				break
			}
		}
	}
}

// broken are texts that are no JSON object, with the place and reason.
var broken = []struct {
	text   string
	at     int
	reason string
}{
	{``, 0, "no object starts here"},
	{`   `, 3, "no object starts here"},
	{`[1]`, 0, "no object starts here"},
	{`"a"`, 0, "no object starts here"},
	{`{`, 1, "unexpected end"},
	{`{"a`, 3, "unexpected end of string"},
	{`{"a"`, 4, "unexpected end"},
	{`{"a":`, 5, "unexpected end"},
	{`{"a": "x`, 8, "unexpected end of string"},
	{`{"a": "x\"`, 10, "unexpected end of string"},
	{`{"a":"x"`, 8, "unexpected end"},
	{`{"a":"x",`, 9, "unexpected end"},
	{`{"a":"x",}`, 9, "a key in quotes should stand here"},
	{`{,"a":1}`, 1, "a key in quotes should stand here"},
	{`{a:1}`, 1, "a key in quotes should stand here"},
	{`{"a" 1}`, 5, "a colon should stand here"},
	{`{"a":1 "b":2}`, 7, "a comma or } should stand here"},
	{`{"a":"1""b":2}`, 8, "a comma or } should stand here"},
	{`{"a":}`, 5, "a value should stand here"},
	{`{"a":tru}`, 5, "a value should stand here"},
	{`{"a":01}`, 5, "a value should stand here"},
	{`{"a":1.}`, 5, "a value should stand here"},
	{`{"a":.5}`, 5, "a value should stand here"},
	{`{"a":-}`, 5, "a value should stand here"},
	{`{"a":1e}`, 5, "a value should stand here"},
	{`{"a":+1}`, 5, "a value should stand here"},
	{`{"a":NaN}`, 5, "a value should stand here"},
	{`{"a":1} x`, 8, "text after the value"},
	{`{"a":1}}`, 7, "text after the value"},
	{`{"a":1]`, 6, "a comma or } should stand here"},
	{`{"a":[1}`, 7, "a comma or ] should stand here"},
	{`{"a":[1,]}`, 8, "a value should stand here"},
	{`{"a":[,1]}`, 6, "a value should stand here"},
	{`{"a":[1 2]}`, 8, "a comma or ] should stand here"},
	{`{"a":[`, 6, "unexpected end"},
	{`{"a":[1`, 7, "unexpected end"},
	{`{"a":{"b":{"c":1}}`, 18, "unexpected end"},
	{`{"a":{"b" 1}}`, 10, "a colon should stand here"},
	{`{"a":{1}}`, 6, "a key in quotes should stand here"},
	{`{"a":{"b":1,}}`, 12, "a key in quotes should stand here"},
	{"{\"a\":1,\u00a0\"b\":1}", 7, "a key in quotes should stand here"},
}

// TestRootsAreMetInAnyOrder reads texts that lead to several roots, one way or
// another, with one scanner: what it has met before may not change what it finds.
func TestRootsAreMetInAnyOrder(t *testing.T) {
	texts := []struct{ text, image string }{
		{`{"Event":{"x":"1"},"EventID":3}`, ""},
		{`{"Event":{"EventData":{"Image":"b"}}}`, "b"},
		{`{"Event.EventData":{"Image":"c"}}`, "c"},
		{`{"Event.EventData.Image":"d"}`, "d"},
		{`{"event":{"EventData.IMAGE":"e"}}`, "e"},
		{`{"EventData":{"Image":{"#text":"f"}}}`, "f"},
		{`{"Event":{"EventData":{"Image":"h"}},"EventData":{"Image":"g"}}`, "g"},
		{`{"EventData":{"Image":"h"},"Image":"i"}`, "i"},
		{`{"":{"Image":"j"},"EventDat":{"Image":"k"},"EventDataX":{"Image":"l"}}`, ""},
		{`{"list":[{"Image":"m"}]}`, "m"},
	}
	rnd := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		s := jsondoc.NewScanner(jsondoc.Want{Names: []string{"Image"}, Roots: []string{"EventData", "Event.EventData", "list[0]"}})
		for _, i := range rnd.Perm(len(texts)) {
			vals, err := s.Scan([]byte(texts[i].text))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(vals[0].Raw); got != texts[i].image {
				t.Fatalf("%s: Image is %q, want %q", texts[i].text, got, texts[i].image)
			}
		}
	}
}

// TestNamesAreMetInAnyOrder: that names are wanted once a key may lead to them changes
// nothing that is found, whichever texts came before.
func TestNamesAreMetInAnyOrder(t *testing.T) {
	parts := []string{"a", "A", "b", "a_b", "A b", "ab", "", "_", " ", "a[0]", "b [1]", "[0]", "#text"}
	rnd := rand.New(rand.NewPCG(5, 5))
	part := func() string { return parts[rnd.IntN(len(parts))] }
	path := func() string {
		p := part()
		for rnd.IntN(3) == 0 {
			p += "." + part()
		}
		return p
	}
	var object func(depth int) string
	object = func(depth int) string {
		var b strings.Builder
		for i := range 1 + rnd.IntN(4) {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%q:", path())
			switch n := rnd.IntN(6); {
			case depth < 3 && n < 2:
				b.WriteString(object(depth + 1))
			case depth < 3 && n == 2:
				b.WriteString("[" + object(depth+1) + "," + object(depth+1) + "]")
			default:
				fmt.Fprintf(&b, "%d", rnd.IntN(1000))
			}
		}
		return "{" + b.String() + "}"
	}
	found := 0
	for range 3000 {
		var w jsondoc.Want
		for range 1 + rnd.IntN(6) {
			w.Names = append(w.Names, path())
			w.Whole, w.Exact = append(w.Whole, rnd.IntN(4) == 0), append(w.Exact, rnd.IntN(5) == 0)
		}
		for range rnd.IntN(3) {
			w.Roots = append(w.Roots, path())
		}
		s, plain := jsondoc.NewScanner(w), jsondoc.Eager(w)
		for range 8 {
			text := []byte(object(0))
			got, err := s.Scan(text)
			if err != nil {
				t.Fatal(err)
			}
			want, err := plain.Scan(text)
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				if got[i].Kind != want[i].Kind || string(got[i].Raw) != string(want[i].Raw) {
					t.Fatalf("%s in %s: %+v: %q, want %q", w.Names[i], text, w, got[i].Raw, want[i].Raw)
				}
				if want[i].Kind != jsondoc.Missing {
					found++
				}
			}
		}
	}
	if found < 10000 {
		t.Errorf("only %d values were there to be found", found)
	}
}

// What is wanted must not decide whether a text is read: each reader must fail
// at the same place, whichever part of the text it looks into.
func TestBrokenTextIsReportedWithItsPlace(t *testing.T) {
	for _, tt := range broken {
		for _, names := range [][]string{nil, {"a"}, {"b"}, {"a.b"}, {"a.b.c", "a[0]"}} {
			s := jsondoc.NewScanner(jsondoc.Want{Names: names})
			s.Scan([]byte(`{"a":1,"b":{"c":2}}`))
			_, err := s.Scan([]byte(tt.text))
			checkBroken(t, fmt.Sprintf("Scan of %q for %q", tt.text, names), err, tt.at, tt.reason)
		}
		err := jsondoc.Flatten([]byte(tt.text), jsondoc.FlattenOptions{ExtractArrays: true}, func([]byte, jsondoc.Value) {})
		checkBroken(t, fmt.Sprintf("Flatten of %q", tt.text), err, tt.at, tt.reason)
		if json.Valid([]byte(tt.text)) {
			continue
		}
		err = jsondoc.Valid([]byte(tt.text))
		if tt.reason == "no object starts here" {
			tt.reason = "unexpected end"
		}
		checkBroken(t, fmt.Sprintf("Valid of %q", tt.text), err, tt.at, tt.reason)
	}
}

func checkBroken(t *testing.T, what string, err error, at int, reason string) {
	t.Helper()
	var e *jsondoc.SyntaxError
	if !errors.As(err, &e) || e.Offset != at || e.Reason != reason {
		t.Errorf("%s: got %v, want byte %d: %s", what, err, at, reason)
	}
}

func TestNestingIsLimited(t *testing.T) {
	const most = 200
	nested := func(n int, open, end string) []byte {
		return []byte(`{"a":` + strings.Repeat(open, n-1) + "1" + strings.Repeat(end, n-1) + "}")
	}
	for _, tt := range []struct{ open, end string }{{"[", "]"}, {`{"a":`, "}"}, {`[{"a":`, "}]"}} {
		per := strings.Count(tt.open, "[") + strings.Count(tt.open, "{")
		fits, deep := nested(most/per, tt.open, tt.end), nested(most/per+2, tt.open, tt.end)
		for _, names := range [][]string{nil, {"a"}, {"a.a.a"}, {"a[0][0]"}, {"a" + strings.Repeat(".a", most+5)}, {"a" + strings.Repeat("[0]", most+5)}} {
			s := jsondoc.NewScanner(jsondoc.Want{Names: names})
			if _, err := s.Scan(fits); err != nil {
				t.Errorf("%s: %v", fits, err)
			}
			if _, err := s.Scan(deep); err == nil || !strings.Contains(err.Error(), "nested too deeply") {
				t.Errorf("%s: got %v", deep, err)
			}
		}
		none := func([]byte, jsondoc.Value) {}
		if err := jsondoc.Flatten(fits, jsondoc.FlattenOptions{ExtractArrays: true}, none); err != nil {
			t.Errorf("flatten %s: %v", fits, err)
		}
		if err := jsondoc.Flatten(deep, jsondoc.FlattenOptions{ExtractArrays: true}, none); err == nil {
			t.Errorf("flatten %s: no error", deep)
		}
		if err := jsondoc.Valid(deep); err == nil {
			t.Errorf("valid %s: no error", deep)
		}
	}
	// A bomb costs no more than its first 200 levels.
	bomb := []byte(`{"a":` + strings.Repeat("[", 10<<20))
	if _, err := jsondoc.NewScanner(jsondoc.Want{}).Scan(bomb); err == nil {
		t.Error("no error")
	}
}

// A name of many parts can be split into keys in exponentially many ways.
func TestNamesWithManyPartsAreBounded(t *testing.T) {
	for _, name := range []string{strings.Repeat("a.", 7000) + "a", strings.Repeat("a[0]", 3000), strings.Repeat("[", 15000), strings.Repeat(".", 15000)} {
		s := jsondoc.NewScanner(jsondoc.Want{Names: []string{name}})
		if vals, err := s.Scan([]byte(`{"a":{"a.a":{"a":1}}}`)); err != nil || vals[0].Kind != jsondoc.Missing {
			t.Errorf("got %s, %v", show(vals...), err)
		}
	}
	name := strings.Repeat("a.", 50) + "b"
	s := jsondoc.NewScanner(jsondoc.Want{Names: []string{name}})
	for _, text := range []string{
		strings.Repeat(`{"a":`, 50) + `{"b":7}` + strings.Repeat("}", 50),
		`{"` + name + `":7}`,
	} {
		if vals, err := s.Scan([]byte(text)); err != nil || show(vals...) != "7" {
			t.Errorf("%s: got %s, %v", text, show(vals...), err)
		}
	}
}

// Logs whose keys are data have no end of different keys; what is remembered
// must stay bounded and the answers right.
func TestEndlessDifferentKeys(t *testing.T) {
	s := jsondoc.NewScanner(jsondoc.Want{Names: []string{"Wanted", "in.side"}})
	long := strings.Repeat("k", 5000)
	for i := range 20_000 {
		text := fmt.Sprintf(`{"k%d":1,"wAnTeD":"%d","%s%d":{},"IN":{"%d":1,"Side":%d}}`, i, i, long, i, i, i)
		vals, err := s.Scan([]byte(text))
		if want := fmt.Sprintf(`"%d" | %d`, i, i); err != nil || show(vals...) != want {
			t.Fatalf("got %s, %v, want %s", show(vals...), err, want)
		}
	}
}

func TestStrictScanLooksInsideStrings(t *testing.T) {
	s := jsondoc.NewScanner(jsondoc.Want{Names: []string{"b"}, Strict: true})
	for _, tt := range []struct {
		text string
		at   int
	}{{`{"a":"\q","b":1}`, 6}, {"{\"a\":\"\t\"}", 6}, {`{"a\x":1}`, 3}, {`{"a":["\u12g4"]}`, 7}, {`{"a":"\u123"}`, 6}} {
		_, err := s.Scan([]byte(tt.text))
		var e *jsondoc.SyntaxError
		if !errors.As(err, &e) || e.Offset != tt.at {
			t.Errorf("%q: got %v, want a mistake at byte %d", tt.text, err, tt.at)
		}
		if _, err := jsondoc.NewScanner(jsondoc.Want{}).Scan([]byte(tt.text)); err != nil {
			t.Errorf("%q, not strict: %v", tt.text, err)
		}
	}
	if vals, err := s.Scan([]byte(`{"b":"\u00e9"}`)); err != nil || show(vals...) != `"é"` {
		t.Errorf("got %s, %v", show(vals...), err)
	}
}

// flat is what encoding/json and the rule of json auto make of an object.
func flat(t testing.TB, text []byte) map[string]string {
	out := map[string]string{}
	var object func(prefix string, raw json.RawMessage)
	value := func(name string, raw json.RawMessage) {
		switch raw[0] {
		case '{':
			object(name+".", raw)
			return
		case '[':
			var elements []json.RawMessage
			if err := json.Unmarshal(raw, &elements); err != nil {
				t.Fatal(err)
			}
			if slices.ContainsFunc(elements, func(e json.RawMessage) bool { return e[0] == '{' }) {
				for i, e := range elements {
					name := fmt.Sprintf("%s[%d]", name, i)
					if e[0] == '{' {
						object(name+".", e)
					} else if e[0] == '[' && len(flat(t, []byte(`{"x":`+string(e)+`}`))) != 1 {
						t.Fatalf("arrays of arrays of objects are not in the data: %s", e)
					} else {
						out[name] = scalarText(t, e)
					}
				}
				return
			}
		}
		out[name] = scalarText(t, raw)
	}
	object = func(prefix string, raw json.RawMessage) {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(raw, &members); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		for k, v := range members {
			value(prefix+strings.ReplaceAll(k, " ", "_"), v)
		}
	}
	object("", text)
	return out
}

func scalarText(t testing.TB, raw json.RawMessage) string {
	if raw[0] != '"' {
		return string(raw)
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRealLogsReadAsEncodingJSONReadsThem(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(sharedtest.Path(t, "data", "formats", "bulk"), "*.jsonl"))
	files = append(files, sharedtest.Path(t, "data", "jsonl", "sysmon-flat.jsonl.gz"),
		sharedtest.Path(t, "data", "jsonl", "amides", "winlogbeat-sysmon1.jsonl.gz"),
		sharedtest.Path(t, "data", "jsonl", "attack-data", "T1047.nxlog.jsonl.gz"))
	if len(files) < 12 {
		t.Fatalf("only %q", files)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			events := lines(t, file)
			if len(events) > 1500 {
				events = events[:1500]
			}
			names := map[string]bool{}
			var want []map[string]string
			for _, e := range events {
				f := flat(t, e)
				want = append(want, f)
				for n := range f {
					names[n] = true
				}
				got := map[string]string{}
				if err := jsondoc.Flatten(e, jsondoc.FlattenOptions{}, func(name []byte, v jsondoc.Value) {
					got[string(name)] = string(v.AppendText(nil))
				}); err != nil {
					t.Fatal(err)
				}
				if !maps.Equal(got, f) {
					t.Fatalf("Flatten of %s:\n got %q\nwant %q", e, got, f)
				}
			}
			all := slices.Sorted(maps.Keys(names))
			s := jsondoc.NewScanner(jsondoc.Want{Names: all})
			for i, e := range events {
				vals, err := s.Scan(e)
				if err != nil {
					t.Fatal(err)
				}
				for k, n := range all {
					text, has := want[i][n]
					v := vals[k]
					if v.Kind == jsondoc.Container && !has && len(text) == 0 {
						continue // an object where other events have a value
					}
					if got := string(v.AppendText(nil)); has != (v.Kind != jsondoc.Missing) && !foldOnly(want[i], n) || has && got != text {
						t.Fatalf("%s of %s:\n got %q (kind %d)\nwant %q (%v)", n, e, got, v.Kind, text, has)
					}
				}
			}
		})
	}
}

// foldOnly reports whether an event has a field only in another letter case.
func foldOnly(f map[string]string, name string) bool {
	for n := range f {
		if n != name && strings.EqualFold(n, name) || n == name+".#text" {
			return true
		}
	}
	return false
}

func FuzzScan(f *testing.F) {
	for _, tt := range broken {
		f.Add(tt.text)
	}
	for _, s := range []string{
		`{"a":"x","b":{"c":[1,{"d":"\ud83d\ude00"}]},"a":2}`, `{"A b":1,"a_b":2,"EventData":{"a":{"#text":1}}}`,
		`{"a":{"b":1},"a":{"c":2},"b":[[],{}]}`, "{\"a\":\"\xff\"}",
	} {
		f.Add(s)
	}
	wants := []jsondoc.Want{
		{},
		{Names: []string{"a", "b", "A", "a_b", ""}},
		{Names: []string{"a.b", "b.c[1].d", "a", "b[0]", "a.b.c"}, Roots: []string{"EventData", "a"}},
	}
	var warm []*jsondoc.Scanner // which remember what earlier texts taught them
	for _, w := range wants {
		warm = append(warm, jsondoc.NewScanner(w))
	}
	f.Fuzz(func(t *testing.T, text string) {
		src := []byte(text)
		valid := jsondoc.Valid(src)
		deep := valid != nil && strings.Contains(valid.Error(), "too deeply")
		if (valid == nil) != json.Valid(src) && !deep {
			t.Errorf("Valid: %v, encoding/json: %v", valid, json.Valid(src))
		}
		var first error
		for i, w := range wants {
			vals, err := jsondoc.NewScanner(w).Scan(src)
			again, err2 := warm[i].Scan(src)
			if fmt.Sprint(err) != fmt.Sprint(err2) || err == nil && show(vals...) != show(again...) {
				t.Errorf("%q: fresh scanner: %s, %v; warm scanner: %s, %v", w.Names, show(vals...), err, show(again...), err2)
			}
			if i == 0 {
				first = err
			} else if fmt.Sprint(err) != fmt.Sprint(first) {
				t.Errorf("%q wanted: %v; nothing wanted: %v", w.Names, err, first)
			}
			var object map[string]json.RawMessage
			if i == 1 && valid == nil && err == nil && json.Unmarshal(src, &object) == nil {
				raw, has := object["a"]
				if has && len(raw) > 0 && raw[0] != '{' && raw[0] != '[' && string(vals[0].AppendText(nil)) != scalarText(t, raw) {
					t.Errorf("a: got %s, want %s", show(vals[0]), raw)
				}
			}
		}
		if valid == nil && strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") && first != nil {
			t.Errorf("valid, yet %v", first)
		}
		err := jsondoc.Flatten(src, jsondoc.FlattenOptions{}, func(name []byte, v jsondoc.Value) { v.AppendText(nil) })
		if fmt.Sprint(err) != fmt.Sprint(first) {
			t.Errorf("Flatten: %v, Scan: %v", err, first)
		}
	})
}

// What a scanner remembers of keys saves it from reading them: any byte of what stands
// between two values may be another the next time, and what is found is then the same
// as by a scanner that remembers nothing.
func TestRememberedKeysAreToldByEveryByte(t *testing.T) {
	for n := 1; n <= 40; n++ {
		key := strings.Repeat("kabcdefghijlmnopqrstuvwxyz", 2)[:n]
		line := []byte(`{"a":"1","` + key + `":"2", "b" : "3"}`)
		s := jsondoc.NewScanner(jsondoc.Want{Names: []string{"a", key, "b"}})
		for range 2 {
			if vals, err := s.Scan(line); err != nil || show(vals...) != `"1" | "2" | "3"` {
				t.Fatalf("%s: %s, %v", line, show(vals...), err)
			}
		}
		for i := range line {
			for _, c := range []byte{'x', '"', ' ', ':', '\\', '}'} {
				other := slices.Clone(line)
				other[i] = c
				for end := len(other) - min(i, 1)*9; end <= len(other); end += 9 { // also cut short
					vals, err := s.Scan(other[:end])
					fresh, errFresh := jsondoc.NewScanner(jsondoc.Want{Names: []string{"a", key, "b"}}).Scan(other[:end])
					if show(vals...) != show(fresh...) || fmt.Sprint(err) != fmt.Sprint(errFresh) {
						t.Fatalf("%s after %s: %s, %v; by a new scanner %s, %v", other[:end], line, show(vals...), err, show(fresh...), errFresh)
					}
				}
			}
		}
	}
}

// Found names each value once, however often its key occurs and whatever sets it.
func TestFoundNamesEachValueOnce(t *testing.T) {
	s := jsondoc.NewScanner(jsondoc.Want{Names: []string{"a", "b", "e.f"}, Roots: []string{"r"}})
	for range 3 {
		if _, err := s.Scan([]byte(`{"A":"1","a":"2","a":3,"r":{"a":"4"},"e":{"f":1},"e":{"f":2}}`)); err != nil {
			t.Fatal(err)
		}
		s.Set(1, jsondoc.Value{Kind: jsondoc.Number, Raw: []byte("7")})
		s.Set(1, jsondoc.Value{Kind: jsondoc.Number, Raw: []byte("8")})
		s.Set(0, jsondoc.Value{Kind: jsondoc.Number, Raw: []byte("9")})
		if got := fmt.Sprint(s.Found()); got != "[0 2 1]" {
			t.Errorf("found %s, want [0 2 1]", got)
		}
	}
	vals, err := s.Scan([]byte(`{}`))
	if err != nil || show(vals...) != "- | - | -" || len(s.Found()) != 0 {
		t.Errorf("after an empty object: %s, found %v, %v", show(vals...), s.Found(), err)
	}
}
