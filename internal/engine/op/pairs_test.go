package op

import (
	"strings"
	"testing"
)

func TestInferPairKnowsTheForms(t *testing.T) {
	for _, c := range []struct{ text, key, want string }{
		{`user="bob smith" x`, "user", "bob smith"},
		{`user='bob smith' x`, "user", "bob smith"},
		{`[user=bob smith]`, "user", "bob smith"},
		{`user=bob, x`, "user", "bob"},
		{`user=bob;x`, "user", "bob"},
		{`{user=bob}`, "user", "bob"},
		{`EventCode = 4624;`, "EventCode", "4624"},
		{`user: bob`, "user", "bob"},
		{`user:bob`, "user", "bob"},
		{`user -> bob`, "user", "bob"},
		{`{"user":"bob","x":1}`, "user", "bob"},
		{`{"user":7}`, "user", "7"},
		{`superuser=x user=y`, "user", "y"},
		{`q=a=b&c`, "q", "a=b&c"},
		{`a= b=2`, "a", ""},
		{`user=`, "user", ""},
		{`say="a \" b"`, "say", `a \" b`},
	} {
		got, ok := inferPair(c.text, c.key)
		if !ok || got != c.want {
			t.Errorf("%s in %q: got %q %v, want %q", c.key, c.text, got, ok, c.want)
		}
	}
	for _, text := range []string{"", "user", "user bob", "users=1", "xuser=1"} {
		if got, ok := inferPair(text, "user"); ok {
			t.Errorf("user in %q: got %q", text, got)
		}
	}
}

func TestAutoPairsReadsFromLeftToRight(t *testing.T) {
	for text, want := range map[string]string{
		`a=1 b="x y", c: 3 d->4`:  "a=1|b=x y|c=3|d=4",
		`{"k":"v","n":5}`:         "k=v|n=5",
		`2024 x=1;y=;z=2`:         "x=1|y=|z=2",
		`svc.ip=1.2.3.4 req-id=7`: "svc.ip=1.2.3.4|req-id=7",
		`nothing here`:            "",
	} {
		var got []string
		autoPairs(text, "", func(k, v string) { got = append(got, k+"="+v) })
		if strings.Join(got, "|") != want {
			t.Errorf("%q: got %q, want %q", text, strings.Join(got, "|"), want)
		}
	}
	n := 0
	autoPairs(strings.Repeat("a=1 ", 500), "=", func(string, string) { n++ })
	if n != autoPairsMax {
		t.Errorf("%d pairs of a message, want %d", n, autoPairsMax)
	}
}

func TestXPathRefusesWhatTheSubsetHasNot(t *testing.T) {
	for path, want := range map[string]string{
		"a/b":              "absolute",
		"//a":              "// is not supported",
		"/a//b":            "// is not supported",
		"/a/../b":          ".. is not supported",
		"/a/child::b":      "axes",
		"/a/@x/b":          "only at the end",
		"/a/":              "ends with /",
		"/text()":          "names no element",
		"/a[b":             "] is missing",
		"/a[position()=1]": "is not supported",
		"/*":               "no name of an element",
	} {
		if _, err := compileXPath(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", path, err, want)
		}
	}
}

func TestXPathFindsTheFirstMatch(t *testing.T) {
	const doc = `<?xml version="1.0" encoding="utf-16"?><r><g><i id="1">one</i></g><g><i id="2" k="v">two<b>bold</b></i><i/></g></r>trailing`
	for _, c := range []struct {
		path, want string
		ok         bool
	}{
		{"/r/g/i/text()", "one", true},
		{"/r/g[2]/i[1]/text()", "two", true},
		{"/r/g/i[2]", "", true}, // the first g has no second i
		{"/r/g[last()]/i/@k", "v", true},
		{"/r/g[last()-1]/i/@id", "1", true},
		{"/r/g/i[@id=2]", "twobold", true},
		{"/r/g/i[@k]/@id", "2", true},
		{"/r/g[3]/i", "", false},
		{"/r/g/i[2]/text()", "", false},
		{"/x", "", false},
	} {
		p, err := compileXPath(c.path)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := p.find(parseXML("header: " + doc)); got != c.want || ok != c.ok {
			t.Errorf("%s: got %q %v, want %q %v", c.path, got, ok, c.want, c.ok)
		}
	}
	for _, bad := range []string{"", "no xml", "<a>", "<a></b>", strings.Repeat("<a>", 1000)} {
		if parseXML(bad) != nil {
			t.Errorf("%.20q was taken for XML", bad)
		}
	}
}

func TestSplitUndoesQuotesAndEscapes(t *testing.T) {
	s := &split{delim: ',', escape: '\\', quote: '"'}
	for text, want := range map[string]string{
		`a,b,c`:           "a|b|c",
		`"a,b",c`:         "a,b|c",
		`"say ""hi""",c`:  `say "hi"|c`,
		`a\,b,c`:          "a,b|c",
		`1, "x, y",2`:     "1| x, y|2",
		`"never closed,b`: `"never closed|b`,
		`C:\dir,x`:        `C:\dir|x`,
		``:                "",
		`,`:               "|",
	} {
		if got := strings.Join(s.cut(nil, text, 10), "|"); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
