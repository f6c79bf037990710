package jsondoc_test

import (
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/sharedtest"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

const store = `{ "n" : 5, "b": true, "z": null, "s": "t\u0065xt", "abc.pqr": "dot", "@k": "at", "odd key": "odd", "it's": "quote",
 "meta": {"type":"ts", "version":"1"}, "arr": ["x", "y" ,"z"], "none": [], "empty": {},
 "Actor":[{"Type":0,"id":"a"},{"Type":5,"id":"b","on":true},{"id":"c","Type":"5"},{"id":"d","on":null}],
 "deep":{"list":[{"v":[1,2]},{"v":[3]}],"v":4}, "dup": {"x":1}, "dup": {"y":2}, "$date": 7 }`

func TestPaths(t *testing.T) {
	for _, tt := range []struct{ path, want string }{
		// one value
		{`n`, `5`}, {`b`, `true`}, {`z`, `null`}, {`s`, `"text"`}, {`N`, `-`}, {`nope`, `-`},
		{`meta.type`, `"ts"`}, {`$.meta.type`, `"ts"`}, {`@.meta.type`, `"ts"`}, {`.meta.type`, `"ts"`}, {`meta['type']`, `"ts"`}, {`meta["type"]`, `"ts"`}, {`meta[type]`, `"ts"`},
		{`['abc.pqr']`, `"dot"`}, {`$['abc.pqr']`, `"dot"`}, {`['@k']`, `"at"`}, {`@k`, `"at"`}, {`odd key`, `"odd"`}, {`['odd key']`, `"odd"`}, {`['it\'s']`, `"quote"`}, {`["it's"]`, `"quote"`}, {`$date`, `7`}, {`$.$date`, `7`},
		{`abc.pqr`, `-`}, // a dot goes one level down; the key with a dot needs ['...']
		{`arr[1]`, `"y"`}, {`arr[3]`, `-`}, {`arr[-1]`, `"z"`}, {`arr[-4]`, `-`}, {`arr.[0]`, `"x"`}, {`arr[ 0 ]`, `"x"`}, {`Actor[1].Type`, `5`}, {`arr.0`, `-`},
		{`arr`, `["x", "y" ,"z"]`}, {`meta`, `{"type":"ts", "version":"1"}`}, {`n.x`, `-`}, {`n[0]`, `-`}, {`meta[0]`, `-`},
		{`dup.x`, `-`}, {`dup.y`, `2`}, {`dup`, `{"y":2}`},
		{`$`, store}, {`@`, store},

		// several values are an array, in original spelling
		{`arr[*]`, `["x","y","z"]`}, {`meta.*`, `["ts","1"]`}, {`meta[*]`, `["ts","1"]`}, {`Actor[*].Type`, `[0,5,"5"]`}, {`Actor[*].id`, `["a","b","c","d"]`},
		{`arr[0,2]`, `["x","z"]`}, {`arr[0, -1, 9]`, `["x","z"]`}, {`meta['type','version']`, `["ts","1"]`}, {`meta['version','nope']`, `["1"]`},
		{`arr[1:]`, `["y","z"]`}, {`arr[:1]`, `["x"]`}, {`arr[-2:]`, `["y","z"]`}, {`arr[:-1]`, `["x","y"]`}, {`arr[0:3:2]`, `["x","z"]`}, {`arr[5:]`, `[]`}, {`arr[-9:2]`, `["x","y"]`},
		{`deep..v`, `[4,[1,2],[3]]`}, {`$..version`, `["1"]`}, {`..['version']`, `["1"]`}, {`deep.list[*].v[0]`, `[1,3]`}, {`deep.list..v[*]`, `[1,2,3]`},
		{`$['Actor']*['id']`, `["a","b","c","d"]`}, {`Actor.[*].id`, `["a","b","c","d"]`},
		{`none[*]`, `[]`}, {`Actor[*].nope`, `[]`}, {`empty.*`, `[]`}, {`nope[*]`, `-`}, {`n[*]`, `-`}, {`z[*].x`, `-`},

		// conditions
		{`Actor[?(@.Type == 5)].id`, `["b","c"]`}, {`Actor[?(@.Type == '5')].id`, `["b","c"]`}, {`Actor[?(@.id == 'a')].Type`, `[0]`}, {`Actor[?(@.id=="a")].Type`, `[0]`},
		{`Actor[?(@.Type != 5)].id`, `["a","d"]`}, {`Actor[?(@.Type > 0)].id`, `["b","c"]`}, {`Actor[?(@.Type >= 0 && @.id < 'c')].id`, `["a","b"]`},
		{`Actor[?(@.Type <= 0 || @.id == 'd')].id`, `["a","d"]`}, {`Actor[?(@.on)].id`, `["b","d"]`}, {`Actor[?(!@.on)].id`, `["a","c"]`}, {`Actor[?(!(@.id == 'a' || @.id == 'b'))].id`, `["c","d"]`},
		{`Actor[?(@.on == true)].id`, `["b"]`}, {`Actor[?(@.on == null)].id`, `["d"]`}, {`Actor[?(@.on == 'true')].id`, `[]`}, {`Actor[?@.on].id`, `["b","d"]`},
		{`Actor[?(@.id =~ /[ab]/)].id`, `["a","b"]`}, {`Actor[?(@.id =~ /B/i)].id`, `["b"]`}, {`Actor[?(@.id =~ /\/|a/)].id`, `["a"]`},
		{`Actor[?(@.id in ['a', 'd'])].id`, `["a","d"]`}, {`Actor[?(@.Type in [5])].id`, `["b","c"]`}, {`Actor[?(@.id nin ['a','b','c'])].id`, `["d"]`}, {`Actor[?(5 == @.Type)].id`, `["b","c"]`},
		{`deep.list[?(@.v[0] == 3)].v`, `[[3]]`}, {`deep.list[?(@.v.length() == 2)].v`, `[[1,2]]`}, {`deep.list[?(@.v[?(@ > 2)])].v`, `[[1,2],[3]]`},
		{`arr[?(@ == 'y')]`, `["y"]`}, {`meta[?(@.type == 'ts')].version`, `["1"]`}, {`meta[?(@.type == 'no')].version`, `[]`},

		// length()
		{`arr.length()`, `3`}, {`none.length()`, `0`}, {`meta.length()`, `2`}, {`n.length()`, `-`}, {`nope.length()`, `-`}, {`length()`, `17`}, {`deep.list[*].v.length()`, `[2,1]`},
	} {
		p, err := jsondoc.CompilePath(tt.path)
		if err != nil {
			t.Errorf("%s: %v", tt.path, err)
			continue
		}
		v, found := p.Eval([]byte(store))
		if got := show(v); got != tt.want || found != (got != "-") {
			t.Errorf("%s:\n got %s (%v)\nwant %s", tt.path, got, found, tt.want)
		}
	}
}

func TestPathsOfOtherRoots(t *testing.T) {
	for _, tt := range []struct{ text, path, want string }{
		{`[{"type":"a"},{"type":"b"}]`, `[0].type`, `"a"`},
		{`[{"type":"a"},{"type":"b"}]`, `$[1].type`, `"b"`},
		{`[{"type":"a"},{"type":"b"}]`, `[*].type`, `["a","b"]`},
		{`[{"type":"a"}]`, `type`, `-`},
		{`[]`, `length()`, `0`},
		{` 5 `, `$`, `5`},
		{`"x"`, `@`, `"x"`},
		{`{"a":1} x`, `a`, `-`},
		{`{"a":1`, `a`, `-`},
		{`{"a":1,"b":}`, `a`, `-`},
		{`no`, `a`, `-`},
		{``, `$`, `-`},
		{`{"\u0061":1,"b\"":2,"\\":3}`, `a`, `1`},
		{`{"\u0061":1,"b\"":2,"\\":3}`, `['b"']`, `2`},
		{`{"\u0061":1,"b\"":2,"\\":3}`, `['\\']`, `3`},
		{`{"a":1,"\u0061":2}`, `a`, `2`},
		{`{"a":"q\"\n"}`, `$..a`, `["q\"\n"]`},
	} {
		p, err := jsondoc.CompilePath(tt.path)
		if err != nil {
			t.Errorf("%s: %v", tt.path, err)
			continue
		}
		if v, _ := p.Eval([]byte(tt.text)); show(v) != tt.want {
			t.Errorf("%s of %s:\n got %s\nwant %s", tt.path, tt.text, show(v), tt.want)
		}
	}
}

func TestPathsThatCannotBeRead(t *testing.T) {
	for _, tt := range []struct {
		path   string
		at     int
		reason string
	}{
		{``, 0, "the path is empty"},
		{`a.`, 2, "a key should stand here"},
		{`a..`, 3, "a key should stand here"},
		{`...a`, 2, "a key should stand here"},
		{`a[`, 2, "[] names nothing"},
		{`a[0`, 1, "[ is not closed"},
		{`a[]`, 2, "[] names nothing"},
		{`a['b`, 2, "the text is not closed"},
		{`a['b'x]`, 5, "] should stand here"},
		{`a['b',0]`, 6, "keys or indexes, not both"},
		{`a[0,'b']`, 4, "keys or indexes, not both"},
		{`a[1:x]`, 2, "no range of indexes"},
		{`a[1:2:3:4]`, 2, "no range of indexes"},
		{`a[::-1]`, 2, "no range of indexes"},
		{`a[0,1:2]`, 4, "only keys and indexes"},
		{`a[?(@.x == )]`, 11, "is no value"},
		{`a[?(@.x == y)]`, 11, `"y" is no value`},
		{`a[?(@.x == 'y]`, 11, "the text is not closed"},
		{`a[?(@.x]`, 7, "the condition cannot be read here"},
		{`a[?(@.x`, 3, "( is not closed"},
		{`a[?(@.x =~ /(/)]`, 11, "the pattern cannot be read"},
		{`a[?($.x == 1)]`, 4, "and not at $"},
		{`a[?(1)]`, 5, "another comparison"},
		{`a.max()`, 2, "there is length()"},
		{`a]`, -1, ""}, // a key may hold any other sign
		{`a.length().b`, 10, "cannot be read here"},
		{`a[?` + strings.Repeat("(", 100), 35, "nested more than"},
		{strings.Repeat("[*]", 1000), 771, "more than 256 steps"},
	} {
		_, err := jsondoc.CompilePath(tt.path)
		if tt.at < 0 {
			if err != nil {
				t.Errorf("%s: %v", tt.path, err)
			}
			continue
		}
		var e *jsondoc.PathError
		if !errors.As(err, &e) || e.Offset != tt.at || !strings.Contains(e.Reason, tt.reason) {
			t.Errorf("%.40s: got %#v, want byte %d: %s", tt.path, err, tt.at, tt.reason)
		}
	}
}

// Paths is Path.Eval for many paths at once; they must agree.
func TestPathsInOnePassAgree(t *testing.T) {
	var all []*jsondoc.Path
	var texts []string
	for _, p := range []string{"a", "a.b", "a.b.c", "a[0]", "a[1].b", "$", "a.*", "a..b", "b[*].c", "a[-1]", "b", "b[0].c", "['a.b']", "a.length()", "length()", "A", "[0]", "[1].a"} {
		path, err := jsondoc.CompilePath(p)
		if err != nil {
			t.Fatal(err)
		}
		all, texts = append(all, path), append(texts, p)
	}
	ps := jsondoc.NewPaths(all)
	for range 2 {
		for _, text := range []string{
			`{"a":1,"b":[{"c":1},{"c":"x"}]}`, `{"a":{"b":{"c":[1]}},"A":2}`, `{"a":[1,{"b":"x"}]}`, `[1,{"a":2}]`, `5`, `{}`, `[]`,
			`{"a":{"b":1},"a":{"c":2}}`, `{"a":{"b":1},"a":5}`, `{"a":5,"a":{"b":1}}`, `{"a":[1,{"b":1}],"a":[2]}`, `{"a":{"b":{"c":1}},"a":{"b":2}}`,
			`{"a":{"b":{"c":1},"b":{"d":2}}}`, `{"\u0061":{"\u0062":1}}`, `{"a.b":1}`, `{"a":1`, `nope`, ``,
			`{"a":{"b":1},"\u0061":{"c":2}}`,
		} {
			got, err := ps.Eval([]byte(text))
			for i, p := range all {
				want, found := p.Eval([]byte(text))
				if found && err != nil || err == nil && show(got[i]) != show(want) {
					t.Errorf("%s of %s:\n got %s, %v\nwant %s", texts[i], text, show(got[i]), err, show(want))
				}
			}
		}
	}
}

// Each .. may multiply what the path leads to.
func TestPathsAreBounded(t *testing.T) {
	deep := []byte(strings.Repeat(`{"a":[1,`, 99) + "1" + strings.Repeat("]}", 99))
	wide := []byte("[" + strings.Repeat("[1],", 200_000) + "[1]]")
	for _, path := range []string{"$..a..a..a..a..a", "$..*..*..*", "$" + strings.Repeat("..*", 100), "$..[?(@..a == 1)]..a", "[*][*]", "[0:]", "$..[0]"} {
		p, err := jsondoc.CompilePath(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range [][]byte{deep, wide} {
			if v, found := p.Eval(text); found && len(v.Raw) > 64<<20 {
				t.Errorf("%s gave %d bytes", path, len(v.Raw))
			}
		}
	}
}

// published matches a json operator and the paths in its quotes.
var published = regexp.MustCompile(`\|\s*json\s+(?:field\s*=\s*\S+\s+)?((?:"(?:[^"\\]|\\.)*"\s*,?\s*)+)`)

func TestPublishedPathsCanBeRead(t *testing.T) {
	f, err := os.Open(sharedtest.Path(t, "corpus", "queries.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := map[string]bool{}
	var refused []string
	for d := json.NewDecoder(f); d.More(); {
		var q struct{ Query string }
		if err := d.Decode(&q); err != nil {
			t.Fatal(err)
		}
		for _, m := range published.FindAllStringSubmatch(q.Query, -1) {
			for _, s := range regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`).FindAllStringSubmatch(m[1], -1) {
				path := strings.ReplaceAll(s[1], `\"`, `"`)
				if seen[path] {
					continue
				}
				seen[path] = true
				if _, err := jsondoc.CompilePath(path); err != nil {
					refused = append(refused, path+": "+err.Error())
				}
			}
		}
	}
	if len(seen) < 1000 {
		t.Fatalf("only %d paths found", len(seen))
	}
	if len(refused) > 2 {
		t.Errorf("%d of %d paths are refused:\n%s", len(refused), len(seen), strings.Join(refused, "\n"))
	}
}

func FuzzPath(f *testing.F) {
	for _, p := range []string{`a.b[0]['c d'].*`, `$..a[?(@.x == 'y' && !(@.z =~ /a/i) || @.n in [1,"2"])]`, `a[1:2:3]`, `['a','b'].length()`, `[-1,0]`, `$['a']*['b']`} {
		f.Add(p, store)
		f.Add(p, `[{"a":1},{"a":[2]}]`)
	}
	f.Fuzz(func(t *testing.T, path, text string) {
		p, err := jsondoc.CompilePath(path)
		if err != nil {
			var e *jsondoc.PathError
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(path) || e.Reason == "" {
				t.Errorf("%#v", err)
			}
			return
		}
		want, found := p.Eval([]byte(text))
		if !found && want.Kind != jsondoc.Missing {
			t.Errorf("not found, yet %s", show(want))
		}
		got, err := jsondoc.NewPaths([]*jsondoc.Path{p, p}).Eval([]byte(text))
		if err != nil && found || err == nil && (show(got[0]) != show(want) || show(got[1]) != show(want)) {
			t.Errorf("alone %s, together %s, %v", show(want), show(got...), err)
		}
	})
}
