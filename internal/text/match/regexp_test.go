package match

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func compile(t testing.TB, pattern string) *Regexp {
	t.Helper()
	r, err := CompileRegexp(pattern)
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	return r
}

// find is the text of the first match and of its groups, "-" for one that took
// no part.
func find(t testing.TB, r *Regexp, s string) []string {
	t.Helper()
	groups, ok, err := r.Find(s, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	matched, err := r.Match(s)
	if err != nil || matched != ok {
		t.Errorf("Match(%q) = %v, %v, but Find says %v", s, matched, err, ok)
	}
	if !ok {
		return nil
	}
	var out []string
	for _, g := range groups {
		if g.Start < 0 {
			out = append(out, "-")
		} else {
			out = append(out, s[g.Start:g.End])
		}
	}
	return out
}

func TestRegexpOfBothDialects(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          []string // nil for no match
		backtracks    bool
	}{
		// What Go's engine takes as it is.
		{`DELETE`, "xDELETEx", []string{"DELETE"}, false},
		{`errored|failed`, "it failed", []string{"failed"}, false},
		{`(?<ip>\d+\.\d+)`, "ip 1.2", []string{"1.2", "1.2"}, false},
		{`(?P<ip>\d+\.\d+)`, "ip 1.2", []string{"1.2", "1.2"}, false},
		{`(flight)\/([0-9]{5,})`, "flight/123456/x", []string{"flight/123456", "flight", "123456"}, false},
		{`(a)|(b)`, "b", []string{"b", "-", "b"}, false},
		{`\Qa.b\E+`, "a.bbb", []string{"a.bbb"}, false},

		// Java's spellings of what Go's engine can do.
		{`\u0041\h+B`, "A \u00a0B", []string{"A \u00a0B"}, false},
		{`a\Rb`, "a\r\nb", []string{"a\r\nb"}, false},
		{`a\Rb`, "a\u2028b", []string{"a\u2028b"}, false},
		{`\p{Alpha}+`, "1äab2", []string{"ab"}, false},
		{`[\p{Upper}_]+`, "aB_c", []string{"B_"}, false},
		{`\P{Alnum}`, "aé", []string{"é"}, false},
		{`\p{IsLatin}+`, "1äb", []string{"äb"}, false},
		{`\p{IsAlphabetic}+`, "1äb", []string{"äb"}, false},
		{`\p{Punct}\p{XDigit}`, "-fF", []string{"-f"}, false},
		{`\p{Punct}+`, "a$+b", []string{"$+"}, false},
		{`\p{Digit}`, "\u0663", nil, false},
		{`\p{Lu}\p{sc=Greek}`, "Aα", []string{"Aα"}, false},
		{`\e\[0m`, "\x1b[0m", []string{"\x1b[0m"}, false},
		{`\cM`, "\r", []string{"\r"}, false},
		{`(?x) a  b # remark
			c`, "abc", []string{"abc"}, false},
		{`a(?#remark)b\h?`, "ab", []string{"ab"}, false},
		{`(?iu)STRASSE`, "strasse", []string{"strasse"}, false},
		{`[a-z&&[^aeiou]]+`, "aeixyz", []string{"xyz"}, false},
		{`[a-z&&[def]]`, "abce", []string{"e"}, false},
		{`[\w&&[^\d_]]+`, "12ab_", []string{"ab"}, false},
		{`[^a-c&&b]`, "bd", []string{"d"}, false},
		{`[a&&]+`, "x&a", []string{"&a"}, false},

		// What needs backtracking.
		{`(?<!un)happy`, "unhappy happy", []string{"happy"}, true},
		{`(?<=user=)\w+`, "user=bob", []string{"bob"}, true},
		{`foo(?=bar)`, "foox foobar", []string{"foo"}, true},
		{`foo(?!bar)\w`, "foobar foox", []string{"foox"}, true},
		{`(\w)\1`, "hello", []string{"ll", "l"}, true},
		{`(?<c>\w)\k<c>`, "hello", []string{"ll", "l"}, true},
		{`(?P<c>\w)(?P=c)`, "hello", []string{"ll", "l"}, true},
		{`(?i)(a)\1`, "aA", []string{"aA", "a"}, true},
		{`(a)(b)?\1`, "aa", []string{"aa", "a", "-"}, true},
		{`a++b`, "aaab", []string{"aaab"}, true},
		{`a++ab`, "aaab", nil, true},
		{`"[^"]*+"`, `x"y"`, []string{`"y"`}, true},
		{`(?:ab){1,2}+b`, "ababb", []string{"ababb"}, true},
		{`(?>a|ab)c`, "abc", nil, true},
		{`a\Z`, "ba\n", []string{"a"}, true},
		{`a\Z`, "a\nb", nil, true},

		// Anchors, classes and letter case mean the same with a lookahead.
		{`^b(?!x)`, "a\nb", nil, true},
		{`(?m)^b$(?!x)`, "a\nb\nc", []string{"b"}, true},
		{`a$(?!x)`, "a\n", nil, true},
		{`\d(?!x)`, "\u0663", nil, true},
		{`\bé(?!x)`, "é", nil, true},
		{`a.c(?!x)`, "a\nc", nil, true},
		{`(?s)a.c(?!x)`, "a\nc", []string{"a\nc"}, true},
		{`(?i)[^i](?!x)`, "İ", []string{"İ"}, true},
		{`(?i)k(?!x)`, "\u212a", []string{"\u212a"}, true},
		{`[a[b]](?!x)`, "[]", []string{"[]"}, true},
		{`[a-z\-[b]](?!x)`, "b]", []string{"b]"}, true},
		{`x{2000}`, strings.Repeat("x", 2001), []string{strings.Repeat("x", 2000)}, true},
		// Groups are numbered as they open, named or not.
		{`(?<first>a)(b)(?<third>c)(?!x)`, "abc", []string{"abc", "a", "b", "c"}, true},
		// Places are bytes, whatever stands before.
		{`(?<=é)(ö)(?!x)`, "\xffäéöx öy éö", []string{"ö", "ö"}, true},
	} {
		r, err := CompileRegexp(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got := find(t, r, c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s on %q: %q, want %q", c.pattern, c.text, got, c.want)
		}
		if r.Backtracks() != c.backtracks {
			t.Errorf("%s backtracks: %v", c.pattern, r.Backtracks())
		}
	}
}

func TestRegexpErrorsSayWhere(t *testing.T) {
	for _, c := range []struct {
		pattern string
		offset  int
		reason  string
	}{
		{`abc(def`, 3, "this ( is not closed"},
		{`abc)`, 3, "this ) closes nothing"},
		{`ab[c-`, 2, "this [ is not closed"},
		{`a[z-b]`, 2, "z-b is no range of characters"},
		{`a**`, 2, "this repeats what is repeated already; write (?:a*)*"},
		{`|*`, 1, "* repeats nothing"},
		{`a{3,2}`, 1, "this count ends before it begins"},
		{`a{999999}`, 1, "this count is above 100000"},
		{`(a)\2`, 3, "there is no such group"},
		{`\k<x>`, 0, "there is no such group"},
		{`(?<x>a)(?<x>b)`, 10, "there are two groups named x"},
		{`(?<x y>a)`, 3, `"x y" is no name for a group; letters, digits and _ make one`},
		{`a\y`, 1, `\y means nothing`},
		{`a\`, 1, `the \ at the end escapes nothing`},
		{`\p{Nothing}`, 0, `"Nothing" is no property of characters that is known`},
		{`\p{L`, 3, "this property is not closed"},
		{`\u12`, 0, "this code wants 4 hexadecimal digits"},
		{`\x{110000}`, 0, "this code is above U+10FFFF"},
		{`(?(1)a|b)`, 0, "conditions in a pattern are not supported"},
		{`\Gx`, 0, `\G is not supported`},
		{`(?q)a`, 2, `'q' is no flag`},
		{"a\xff", 1, "it holds bytes that are not UTF-8"},
		{strings.Repeat("(", 300), 200, "its groups are nested more than 200 deep"},
		{`((x{900}){900}){900}`, 0, "it repeats too much: "},
	} {
		_, err := CompileRegexp(c.pattern)
		var e *RegexpError
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if e.Offset != c.offset || !strings.HasPrefix(e.Reason, c.reason) {
			t.Errorf("%s: %q at %d, want %q at %d", c.pattern, e.Reason, e.Offset, c.reason, c.offset)
		}
	}
	if _, err := CompileRegexp(strings.Repeat("a", patternBytesMax+1)); err == nil {
		t.Error("a pattern beyond the limit compiles")
	}
}

func TestRegexpStopsInTime(t *testing.T) {
	r := compile(t, `(?=a)(a+)+$`)
	start := time.Now()
	ok, err := r.Match(strings.Repeat("a", 5000) + "b")
	if ok || !errors.Is(err, ErrRegexTime) {
		t.Errorf("%v, %v", ok, err)
	}
	if took := time.Since(start); took > 20*regexTime {
		t.Errorf("took %v", took)
	}
	if _, _, err := r.Find(strings.Repeat("a", 5000)+"b", 0, nil); !errors.Is(err, ErrRegexTime) {
		t.Errorf("Find: %v", err)
	}
}

// each is the text of all matches.
func each(t *testing.T, r *Regexp, s string) (all []string) {
	t.Helper()
	if err := r.Each(s, func(g []Span) bool {
		all = append(all, s[g[0].Start:g[0].End])
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRegexpFindsAllMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          []string
	}{
		{`\d+`, "1 22 333", []string{"1", "22", "333"}},
		{`\d+(?!x)`, "1 22 333", []string{"1", "22", "333"}},
		{`a*`, "baaac", []string{"", "aaa", ""}},
		{`a*(?!x)`, "baaac", []string{"", "aaa", ""}},
		{`(?!x)`, "äé", []string{"", "", ""}},
		{`(?<=ä)(.)(?!x)`, "äöxäé\xffä!", []string{"é", "!"}},
		{`x(?!x)`, "", nil},
	} {
		if got := each(t, compile(t, c.pattern), c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s on %q: %q, want %q", c.pattern, c.text, got, c.want)
		}
	}
	n := 0
	compile(t, `a(?!x)`).Each("aaa", func([]Span) bool { n++; return n < 2 })
	if n != 2 {
		t.Errorf("Each went on to %d", n)
	}
}

// A caller may walk by Find too, beginning wherever it likes.
func TestRegexpFindsFromAnyByte(t *testing.T) {
	for _, pattern := range []string{`\bö|é`, `\bö|é(?!x)`} {
		r := compile(t, pattern)
		s := "äéöé"
		for from := -1; from <= len(s)+1; from++ {
			g, ok, err := r.Find(s, from, nil)
			want := -1
			if from >= 0 && from <= 6 {
				want = 2
				if from > 2 {
					want = 6
				}
			}
			if err != nil || ok != (want >= 0) || ok && g[0] != (Span{want, want + 2}) {
				t.Errorf("%s from %d: %v %v %v, want %d", pattern, from, g, ok, err, want)
			}
		}
	}
}

func TestRegexpNamesItsGroups(t *testing.T) {
	for _, c := range []struct {
		pattern      string
		names        []string
		outer, inner string
	}{
		{`a`, []string{""}, "", ""},
		{`(?<a>x)(y)(?P<b>z)`, []string{"", "a", "", "b"}, "", ""},
		{`(?<a>x)(y)(?P<b>z)(?!q)`, []string{"", "a", "", "b"}, "", ""},
		{`(?<a>x(?:(?<b>y)))`, []string{"", "a", "b"}, "a", "b"},
		{`(?<a>x(?:(?<b>y)))(?!q)`, []string{"", "a", "b"}, "a", "b"},
		{`(?<a>\h(?<b>y))`, []string{"", "a", "b"}, "a", "b"},
		{`(?<a>x(y))`, []string{"", "a", ""}, "", ""},
	} {
		r := compile(t, c.pattern)
		outer, inner := r.NestedGroups()
		if !slices.Equal(r.GroupNames(), c.names) || r.NumGroups() != len(c.names)-1 || outer != c.outer || inner != c.inner {
			t.Errorf("%s: %q, %q in %q", c.pattern, r.GroupNames(), inner, outer)
		}
	}
}

func TestRegexpLiterals(t *testing.T) {
	for _, c := range []struct {
		pattern string
		need    []string
		plain   []string
	}{
		{`DELETE`, []string{"delete"}, []string{"DELETE"}},
		{`(?i)DELETE`, []string{"delete"}, nil},
		{`errored|failed`, []string{"errored", "failed"}, []string{"errored", "failed"}},
		{`(foo|far)bar`, []string{"farbar", "foobar"}, []string{"farbar", "foobar"}},
		{`errored|fail(?:ed)?`, []string{"errored", "fail"}, []string{"errored", "failed", "fail"}},
		{`^DELETE$`, []string{"delete"}, nil},
		{`\bx\b`, []string{"x"}, nil},
		{`.*`, nil, nil},
		{`a*`, nil, nil},
		{`foo|.*`, nil, nil},
		{`foo|`, nil, nil},
		{`[a-z]+`, nil, nil},
		{`gr[ae]y`, []string{"gray", "grey"}, []string{"gray", "grey"}},
		{`(?i)\\(power|p)wsh\.exe`, []string{`\powerwsh.exe`, `\pwsh.exe`}, nil},
		{`\.exe.*downloadstring`, []string{"downloadstring"}, nil},
		{`user=(\w+) action=(?:add|del)`, []string{" action=add", " action=del"}, nil},
		{`(?:abc)+`, []string{"abc"}, nil},
		{`(?:abc){2,}`, []string{"abc"}, nil},
		{`(?:abc){0,2}`, nil, nil},
		{"a\ufffdb", nil, nil},
		{`(?i)\x{212a}elvin`, []string{"kelvin"}, nil},
		{`(?<!x)needle\w`, []string{"needle"}, nil},
		{`(?=.*needle)\w`, []string{"needle"}, nil},
		{`(?!.*needle)\w`, nil, nil},
		{`(a|(?=.*needle))\w`, nil, nil},
		{`\u006eeedle\d`, []string{"needle"}, nil},
		{`(\w+) and \1`, []string{" and "}, nil},
	} {
		r := compile(t, c.pattern)
		want := c.need
		slices.Sort(c.plain)
		plain := slices.Sorted(slices.Values(r.plain))
		if !slices.Equal(r.Literals(), want) || !slices.Equal(plain, c.plain) {
			t.Errorf("%s: %q plain %q, want %q plain %q", c.pattern, r.Literals(), plain, want, c.plain)
		}
	}
}

// replaced is s with every match replaced.
func replaced(r *Regexp, s string, t Template) (string, error) {
	var out []byte
	done := 0
	err := r.Each(s, func(groups []Span) bool {
		out = t.Append(append(out, s[done:groups[0].Start]...), s, groups)
		done = groups[0].End
		return true
	})
	return string(append(out, s[done:]...)), err
}

func TestReplaceTakesGroups(t *testing.T) {
	for _, c := range []struct{ pattern, text, template, want string }{
		{`(flight)\/([0-9]{5,})`, "flight/12345678/x", "new-$2-url", "new-12345678-url/x"},
		{`(?<section>flight)\/(?<id>[0-9]{5,})`, "flight/12345678/x", "${id}-${section}", "12345678-flight/x"},
		{`[0-9]{5,}`, "flight/12345678/x", "<$0>", "flight/<12345678>/x"},
		{`[0-9]`, "cost 5", `\$$0`, "cost $5"},
		{`[0-9](?!x)`, "cost 5 6", `\$$0`, "cost $5 $6"},
		{`(a)(b)?`, "ab a", "[$2$1]", "[ba] [a]"},
		{`(a)`, "a", "$12", "a2"},
		{`a*`, "baaac", "-", "-b-c-"},
		{`a*(?!x)`, "baaac", "-", "-b-c-"},
		{`z`, "abc", "-", "abc"},
		{`(?<=ä)ö`, "äöö", "oe", "äoeö"},
	} {
		r := compile(t, c.pattern)
		template, err := r.Template(c.template)
		if err != nil {
			t.Errorf("%s: %v", c.template, err)
			continue
		}
		if got, err := replaced(r, c.text, template); err != nil || got != c.want {
			t.Errorf("replace %s by %s in %q: %q, %v, want %q", c.pattern, c.template, c.text, got, err, c.want)
		}
	}
	r := compile(t, "(?<a>x)")
	for _, bad := range []string{"$2", "${b}", "${", "$", "$x", "${}"} {
		if _, err := r.Template(bad); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// FuzzRegexpDialects compares three engines' readings of patterns that Go
// takes: Go's own, Go's of what the tree says, regexp2's of what the tree says.
// And no literal may be required that a match does without.
func FuzzRegexpDialects(f *testing.F) {
	for _, p := range []string{
		`a|b|`, `(?i)[^k]+\b`, `(?m)^a.*$`, `(?s).+?x`, `(a|ab)(c|bcd)`, `[[:alpha:]-]{2,3}`, `\Qa.b\E*`, `(?U)a+b??`,
		`x*$`, `\D\W\S[\D\W]`, `\pL\p{Greek}\PN`, `[^\n]\x41\x{212A}\012`, `(?i:a)B`, `(?-i)z{,3}{`, `[]a][^]a]`, `\B.\B`,
		`(?i)\W`, `(?i)[\W]`, `(?i)\x{17f}`, `(a*)*b`, `(?P<n>a)(?:b|(c))?`,
	} {
		f.Add(p, "aab K\nſab.b\xffαx")
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		defer func(start time.Time) {
			if took := time.Since(start); took > 8*regexTime {
				t.Fatalf("%q on %q took %v", pattern, s, took)
			}
		}(time.Now())
		re, err := regexp.Compile(pattern)
		if err != nil {
			// It need only not panic, and be matched in time.
			if r, err := CompileRegexp(pattern); err == nil && len(s) < 30 {
				r.Find(s, 0, nil)
				r.Match(s)
			}
			return
		}
		if len(pattern) > 60 || len(s) > 60 || octal.MatchString(pattern) {
			return
		}
		tree, d, err := parseDialect(pattern)
		if err != nil {
			if strings.Contains(err.Error(), "nested more") || strings.Contains(err.Error(), "two groups") {
				return
			}
			t.Fatalf("%q is taken by Go: %v", pattern, err)
		}
		if d.java {
			return
		}
		want := re.FindStringIndex(s)
		plain, err := regexp.Compile(tree.write(forGo))
		if err != nil {
			t.Fatalf("%q written as %q: %v", pattern, tree.write(forGo), err)
		}
		if got := plain.FindStringIndex(s); !slices.Equal(got, want) {
			t.Fatalf("%q on %q: %v, written %q: %v", pattern, s, want, tree.write(forGo), got)
		}
		if !slices.Equal(d.names, re.SubexpNames()) {
			t.Fatalf("%q: groups %q, want %q", pattern, d.names, re.SubexpNames())
		}
		r, err := CompileRegexp(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if ok, _ := r.Match(s); ok != (want != nil) {
			t.Fatalf("%q on %q: %v, without its literals %v (plain %q, need %q, cased %q)", pattern, s, ok, want != nil, r.plain, r.need, r.cased)
		}
		if want != nil && r.Literals() != nil {
			hit := Fold(s[want[0]:want[1]])
			if !slices.ContainsFunc(r.Literals(), func(l string) bool { return strings.Contains(hit, l) }) {
				t.Fatalf("%q matches %q, which holds none of %q", pattern, s, r.Literals())
			}
		}
		// The backtracking engine goes through the same alternatives, but for
		// what repeats nothing: there engines differ in when they stop.
		if tree.emptyLoop() || !utf8.ValidString(s) {
			return
		}
		back, err := CompileRegexp("(?:" + pattern + ")(?!\ufffc)")
		if err != nil || !back.Backtracks() {
			return // flags or braces that reach beyond the group
		}
		g, ok, err := back.Find(s, 0, nil)
		if err != nil || strings.Contains(s, "\ufffc") {
			return
		}
		if ok != (want != nil) || ok && !reflect.DeepEqual(g[0], Span{want[0], want[1]}) {
			t.Fatalf("%q on %q: %v, by backtracking %v %v", pattern, s, want, g, ok)
		}
	})
}

// octal is what Go takes for a code and Java, where there is such a group, for
// a reference.
var octal = regexp.MustCompile(`\\[1-7][0-7]`)

// emptyLoop reports whether the tree repeats what may match nothing.
func (n *node) emptyLoop() bool {
	if n.kind == kindRepeat {
		t, err := syntax.Parse(n.subs[0].write(forGo), syntax.Perl)
		if err != nil || regexp.MustCompile(`\A(?:`+t.String()+`)\z`).MatchString("") || strings.Contains(t.String(), "$") || strings.Contains(t.String(), "^") || strings.Contains(t.String(), `\`) {
			return true
		}
	}
	return slices.ContainsFunc(n.subs, (*node).emptyLoop)
}

func BenchmarkRegexp(b *testing.B) {
	miss := `"C:\Windows\System32\svchost.exe" -k netsvcs -p -s Schedule -- ` + strings.Repeat("argument ", 8)
	for _, c := range []struct{ name, pattern string }{
		{"plain", `DownloadString|DownloadFile`},
		{"any case", `(?i)invoke-webrequest|downloadstring|iex\s*\(`},
		{"looks around", `(?i)(?<!x)downloadstring\((?!y)`},
		{"nothing required", `[a-z]{40,}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := compile(b, c.pattern)
			if ok, err := r.Match(miss); ok || err != nil {
				b.Fatal(ok, err)
			}
			b.SetBytes(int64(len(miss)))
			for b.Loop() {
				r.Match(miss)
			}
		})
	}
}

func ExampleRegexp_Template() {
	r, _ := CompileRegexp(`(?<user>\w+)@(?<host>\w+)`)
	t, _ := r.Template(`${host}\\${user}`)
	const s = "bob@ws1"
	groups, _, _ := r.Find(s, 0, nil)
	fmt.Printf("%s\n", t.Append(nil, s, groups))
	// Output: ws1\bob
}

// TestLettered compares the table of letters with a look at every character.
func TestLettered(t *testing.T) {
	var want []rune
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.SimpleFold(r) != r {
			want = append(want, r)
		}
	}
	if !slices.Equal(lettered(), want) {
		t.Errorf("%d characters have another letter case, and %d are known", len(want), len(lettered()))
	}
}
