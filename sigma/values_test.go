package sigma_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

// head is a rule up to its search.
const head = "title: t\nlogsource: {product: windows}\ndetection:\n  condition: s\n  s:\n"

// parseTest reads a rule with one test, key: value, in YAML.
func parseTest(t *testing.T, key, value string) (*sigma.Test, diag.List) {
	t.Helper()
	docs, diags := sigma.Parse(diag.Text("r.yml", head+"    "+key+": "+value+"\n"))
	if len(docs) == 0 {
		return nil, diags
	}
	return docs[0].(*sigma.Rule).Searches[0].Item.(*sigma.Group).Items[0].(*sigma.Test), diags
}

// show writes a value with its parts told apart: (*) and (?) are wildcards.
func show(v sigma.Value) string {
	switch v := v.(type) {
	case sigma.String:
		var b strings.Builder
		for _, p := range v.Parts {
			switch p.Kind {
			case sigma.Literal:
				b.WriteString(p.Text)
			case sigma.AnyRun:
				b.WriteString("(*)")
			case sigma.AnyOne:
				b.WriteString("(?)")
			case sigma.Placeholder:
				b.WriteString("(%" + p.Text + ")")
			}
		}
		if v.Cased {
			b.WriteString(" cased")
		}
		return b.String()
	case sigma.AnyOf:
		var all []string
		for _, a := range v {
			all = append(all, show(a))
		}
		return "{" + strings.Join(all, " | ") + "}"
	case sigma.Regexp:
		return "/" + v.Syntax() + "/"
	}
	return fmt.Sprintf("%T %+v", v, v)
}

// What values mean, alone and modified. Rows about text are what pySigma 2.0.1
// makes of them.
func TestValues(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"f", `'a\*b'`, `a*b`},
		{"f", `'a\\*b'`, `a\(*)b`},
		{"f", `'a\\\*b'`, `a\*b`},
		{"f", `'C:\x\y'`, `C:\x\y`},
		{"f", `'\\srv\share'`, `\srv\share`},
		{"f", `'\\\\srv\share'`, `\\srv\share`},
		{"f", `'a?b'`, `a(?)b`},
		{"f", `'a\?b'`, `a?b`},
		{"f", `'\'`, `\`},
		{"f", `'x\'`, `x\`},
		{"f", `'x\\'`, `x\`},
		{"f", `''`, ``},
		{"f|contains", `'*a*'`, `(*)a(*)`},
		{"f|contains", `'a\\'`, `(*)a\(*)`},
		{"f|contains", `''`, `(*)`},
		{"f|startswith", `'a*'`, `a(*)`},
		{"f|endswith", `'.exe'`, `(*).exe`},
		{"f|contains|cased", `a`, `(*)a(*) cased`},
		{"f|cased|contains", `a`, `(*)a(*) cased`},
		{"f|base64", `foo`, `Zm9v`},
		{"f|base64", `'a\*b'`, `YSpi`},
		{"f|base64offset|contains", `foobar`, `{(*)Zm9vYmFy(*) | (*)Zvb2Jhc(*) | (*)mb29iYX(*)}`},
		{"f|base64offset", `ab`, `{YW | Fi | hY}`},
		{"f|base64offset", `é`, `{w6 | Op | Dq}`},
		{"f|wide|base64offset", `ping`, `{cABpAG4AZw | AAaQBuAGcA | wAGkAbgBnA}`},
		{"f|utf16le|base64offset", `ping`, `{cABpAG4AZw | AAaQBuAGcA | wAGkAbgBnA}`},
		{"f|utf16|base64", `foo`, `//5mAG8AbwA=`},
		{"f|utf16be|base64", `foo`, `AGYAbwBv`},
		{"f|wide", `ab`, "a\x00b\x00"},
		{"f|windash", `'a -b'`, `{a -b | a /b | a –b | a —b | a ―b}`},
		{"f|windash", `'---a'`, `{---a | --/a | --–a | --—a | --―a}`},
		{"f|windash", `'-é'`, `{-é | /é | –é | —é | ―é}`},
		{"f|windash", `'*-a'`, `{(*)-a | (*)/a | (*)–a | (*)—a | (*)―a}`},
		{"f|windash", `'a-b-c - d'`, `{a-b-c - d}`},
		{"f|contains|windash", `-a`, `{(*)-a(*) | (*)/a(*) | (*)–a(*) | (*)—a(*) | (*)―a(*)}`},
		{"f|windash|base64offset", `-a`, `{{LW | 1h | tY} | {L2 | 9h | vY} | {4oCTY | KAk2 | igJNh} | {4oCUY | KAlG | igJRh} | {4oCVY | KAlW | igJVh}}`},
		{"f|expand", `'%a%b%%c%'`, `(%a)b%(%c)`},
		{"f|expand", `'%a\b%'`, `%a\b%`},
		{"f|expand", `'100%'`, `100%`},
		{"f|contains|expand", `'%a%'`, `(*)(%a)(*)`},
		{"f|re", `'a\\.*b'`, `/a\\.*b/`},
		{"f|re|i|m|s", `'a'`, `/(?ims)a/`},
		{"f|re|startswith", `'a|b'`, `/\A(?:a|b)/`},
		{"f|re|endswith", `'a'`, `/(?:a)\z/`},
		{"f|re|contains", `'a'`, `/a/`},
		{"f", `0x10`, `sigma.Number {Text:16 Float:16}`},
		{"f", `010`, `sigma.Number {Text:8 Float:8}`},
		{"f", `'010'`, `010`},
		{"f", `1.50`, `sigma.Number {Text:1.5 Float:1.5}`},
		{"f", `true`, `sigma.Bool true`},
		{"f", `'true'`, `true`},
		{"f", `null`, `sigma.Null {}`},
		{"f", ``, `sigma.Null {}`},
		{"f", `[]`, `sigma.Null {}`},
		{"f", `2020-01-01`, `2020-01-01`},
		{"f|gte", `5`, `sigma.Compare {Op:>= Number:{Text:5 Float:5}}`},
		{"f|lt", `-0.5`, `sigma.Compare {Op:< Number:{Text:-0.5 Float:-0.5}}`},
		{"f|exists", `false`, `sigma.Exists false`},
		{"f|fieldref", `g`, `sigma.FieldRef {Field:g Start:false End:false}`},
		{"f|fieldref|startswith", `g`, `sigma.FieldRef {Field:g Start:true End:false}`},
		{"f|fieldref|contains", `g`, `sigma.FieldRef {Field:g Start:true End:true}`},
		{"f|cidr", `10.0.0.0/8`, `sigma.CIDR {Prefix:10.0.0.0/8}`},
		{"f|cidr", `'fe80::/10'`, `sigma.CIDR {Prefix:fe80::/10}`},
		{"f|hour", `7`, `sigma.TimePart {Unit:hour Number:7}`},
	} {
		got, diags := parseTest(t, c.key, c.value)
		if got == nil {
			t.Errorf("%s: %s: %v", c.key, c.value, diags)
			continue
		}
		if s := show(got.Values[0]); s != c.want {
			t.Errorf("%s: %s\n got %s\nwant %s", c.key, c.value, s, c.want)
		}
	}
}

// A string written and read again is the same.
func TestStringIsWrittenAsItIsRead(t *testing.T) {
	for _, s := range []string{`a\*b`, `a\\*b`, `a\\\*b`, `\\\\srv\share`, `*\x\*`, `?`, `\`, `a\\`, `\\*`, `\\\\*`, ``} {
		once := sigma.ParseString(s)
		again := sigma.ParseString(once.String())
		if show(once) != show(again) {
			t.Errorf("%q is written %q, which reads %s, not %s", s, once.String(), show(again), show(once))
		}
	}
}

// Mistakes are named where they stand.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ key, value, code, at, message string }{
		{"f|contain", "a", "unknown-modifier", "contain", `"contain" is no modifier`},
		{"f|base64", "'a*'", "bad-modifier", "'a*'", "wildcards"},
		{"f|contains|re", "a", "modifier-order", "re", "re must come before contains"},
		{"f|re", "'a('", "bad-modifier", "'a('", "regular expression cannot be used"},
		{"f|cidr", "10.0.0.0/33", "bad-modifier", "10.0.0.0/33", "no network"},
		{"f|cidr", "10.0.0.1/8", "bad-modifier", "10.0.0.1/8", "write 10.0.0.0/8"},
		{"f|gt", "'5'", "bad-modifier", "'5'", "without quotes"},
		{"f|i", "a", "bad-modifier", "a", "i is not for text"},
		{"f|contains", "null", "bad-modifier", "null", "contains is not for null"},
		{"f|exists", "1", "bad-modifier", "1", "exists is not for a number"},
		{"f|windash", "'-a -b -c -d'", "bad-modifier", "'-a -b -c -d'", "at most 3 dashes"},
		{"f|windash|windash|windash", "'-a -b -c'", "bad-modifier", "'-a -b -c'", "more than 1000 values"},
		{"f", "{a: b}", "bad-value", "{", "a value is text"},
		{"f", "[[a]]", "bad-value", "[", "a value is text"},
		{"'|exists'", "true", "bad-modifier", "exists", "exists wants a field"},
		{"''", "null", "bad-value", "null", "here is no field"},
		{"f|fieldref", "'a*'", "bad-modifier", "'a*'", "without wildcards"},
	} {
		got, diags := parseTest(t, c.key, c.value)
		if got != nil || len(diags) == 0 {
			t.Errorf("%s: %s is read without a complaint", c.key, c.value)
			continue
		}
		d := diags[0]
		if d.Code != c.code || d.File.Slice(d.Span) != c.at || !strings.Contains(d.Message, c.message) || d.File.Place(d.Span.Start).Line != 6 {
			t.Errorf("%s: %s: %v at %q; want %s at %q saying %q", c.key, c.value, d, d.File.Slice(d.Span), c.code, c.at, c.message)
		}
	}
}
