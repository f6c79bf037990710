package jsondoc_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

func TestFindTakesTheLastObject(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`{"a":1}`, `{"a":1}`},
		{` {"a":1} `, `{"a":1}`},
		{`[1,2]`, `[1,2]`},
		{`2015-05-04 21:51:43,289 INFO {"foo":{"bar":"baz"}}`, `{"foo":{"bar":"baz"}}`},
		{`[INFO] [main] {"a":[1]}`, `{"a":[1]}`},
		{`[42] {"a":1}`, `{"a":1}`},
		{`{"a":1} {"b":2}`, `{"b":2}`},
		{`{"a":1} took [42] ms`, `{"a":1}`},
		{`{"a":1} done {}`, `{"a":1}`},
		{`x [1] [2] y`, `[2]`},
		{`x [{"a":1}]`, `[{"a":1}]`},
		{`request {id} got {"a":"}{"} from {host}`, `{"a":"}{"}`},
		{`it's 5" wide {"a":"x"}`, `{"a":"x"}`},
		{`[a "b] {"k":"v"}`, `{"k":"v"}`},
		{`{"cut":{"in":1},"x":`, `{"in":1}`},
		{"{\"a\":\"tab\there\"} ", "{\"a\":\"tab\there\"}"},
		{`say {}`, `{}`},
		{`[]`, `[]`},
		{`plain`, ``}, {``, ``}, {`{`, ``}, {`}{`, ``}, {`{"a":1]`, ``}, {`{a:1}`, ``}, {`[INFO]`, ``},
	} {
		if got := jsondoc.Find([]byte(tt.text)); string(got) != tt.want {
			t.Errorf("%s: got %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestFindInHostileTextEnds(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("[", 1<<20), strings.Repeat("{", 1<<20), strings.Repeat(`{"a":`, 1<<17), strings.Repeat(`["`, 1<<19), strings.Repeat(`[1,`, 1<<18), strings.Repeat("[]", 1<<19),
	} {
		start := time.Now()
		jsondoc.Find([]byte(text))
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%.8s...: %v", text, took)
		}
	}
}

func TestFlattenAsJSONAutoDoes(t *testing.T) {
	type o = jsondoc.FlattenOptions
	for _, tt := range []struct {
		text string
		o    o
		want string
	}{
		{`{"foo":{"bar":[1,2],"baz":"qux"}}`, o{}, `foo.bar=[1,2] foo.baz="qux"`},
		{`{"foo":{"bar":[1,2],"baz":"qux"}}`, o{MaxDepth: 1}, `foo={"bar":[1,2],"baz":"qux"}`},
		{`{"foo":{"bar":[{"k1":"v1"},{"k2":"v2"}],"baz":"qux"}}`, o{MaxDepth: 2}, `foo.bar=[{"k1":"v1"},{"k2":"v2"}] foo.baz="qux"`},
		{`{"foo":{"bar":[{"k1":"v1"},{"k2":"v2"}],"baz":"qux"}}`, o{}, `foo.bar[0].k1="v1" foo.bar[1].k2="v2" foo.baz="qux"`},
		{`{"foo":[1,2,3]}`, o{}, `foo=[1,2,3]`},
		{`{"foo":[1,2,3]}`, o{ExtractArrays: true}, `foo[0]=1 foo[1]=2 foo[2]=3`},
		{`{"foo":[1,{"a":2},[3]]}`, o{}, `foo[0]=1 foo[1].a=2 foo[2]=[3]`},
		{`{"foo":[[1],[2,3]]}`, o{ExtractArrays: true}, `foo[0][0]=1 foo[1][0]=2 foo[1][1]=3`},
		{`{"first name":"bob","a\"b":null,"c":{},"d":[],"e":[{}]}`, o{}, `first_name="bob" a"b=null d=[]`},
		{`{"a":1,"a":2}`, o{}, `a=1 a=2`},
		{`{"":1,"a":{"":{"b":2}}}`, o{}, `=1 a..b=2`},
	} {
		var got []string
		err := jsondoc.Flatten([]byte(tt.text), tt.o, func(name []byte, v jsondoc.Value) { got = append(got, string(name)+"="+show(v)) })
		if s := strings.Join(got, " "); err != nil || s != tt.want {
			t.Errorf("%s %+v:\n got %s, %v\nwant %s", tt.text, tt.o, s, err, tt.want)
		}
	}
}

func TestAppendStringIsReadBack(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", `""`}, {"plain", `"plain"`}, {`C:\Windows\"x"`, `"C:\\Windows\\\"x\""`}, {"a\nb\rc\td", `"a\nb\rc\td"`},
		{"\x00\x1f\x7f", "\"\\u0000\\u001f\x7f\""}, {"é😀\u2028", "\"é😀\u2028\""}, {"<a&b>", `"<a&b>"`},
		{"\xffa\xc3", "\"\uFFFDa\uFFFD\""}, {"12345678", `"12345678"`}, {"1234567\\", `"1234567\\"`}, {"12345678\x01", `"12345678\u0001"`},
	} {
		if got := string(jsondoc.AppendString(nil, tt.text)); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.text, got, tt.want)
		}
	}
	if got := string(jsondoc.AppendString([]byte("x:"), "y")); got != `x:"y"` {
		t.Error(got)
	}
}

func TestPlainValuesNeedNoUnescaping(t *testing.T) {
	for raw, want := range map[string]bool{"abc": true, "é": true, `a\\b`: false, "\xff": false, "": true} {
		if got := (jsondoc.Value{Kind: jsondoc.String, Raw: []byte(raw)}).Plain(); got != want {
			t.Errorf("%q: got %v", raw, got)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a\\u00e9\\ud83d\\ude00\\ud800", "\xff\xed\xa0\x80", `\n\t\"\\\/\b\f\r`, `\uZZZZ`, `\`, "12345678é\x01"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		quoted := jsondoc.AppendString(nil, s)
		var back string
		if err := json.Unmarshal(quoted, &back); err != nil || back != string([]rune(s)) {
			t.Errorf("%q is written as %s and read as %q, %v", s, quoted, back, err)
		}
		if got := jsondoc.Unescape(nil, quoted[1:len(quoted)-1]); string(got) != back {
			t.Errorf("%s: got %q, want %q", quoted, got, back)
		}
		if err := jsondoc.Valid(quoted); err != nil {
			t.Errorf("%s: %v", quoted, err)
		}
		var want string
		if err := json.Unmarshal([]byte(`"`+s+`"`), &want); err == nil {
			if got := jsondoc.Unescape(nil, []byte(s)); string(got) != want {
				t.Errorf("%q: got %q, want %q", s, got, want)
			}
		}
		if found := jsondoc.Find([]byte(s)); found != nil {
			if !bytes.Contains([]byte(s), found) {
				t.Errorf("%q is not in %q", found, s)
			}
			if again := jsondoc.Find(found); !bytes.Equal(again, found) {
				t.Errorf("found %q, and in that %q", found, again)
			}
		}
		if text := bytes.TrimSpace([]byte(s)); json.Valid(text) && (text[0] == '{' || text[0] == '[') && !bytes.Equal(jsondoc.Find(text), text) {
			t.Errorf("%q is JSON, and found is %q", text, jsondoc.Find(text))
		}
	})
}
