package rule_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// A rule over a field of two values is the rule over the one or the rule over the
// other, for every modifier: in JSON, where the values are an array, and in event
// XML, where the element comes twice; by the index and by a full scan.
func TestListIsOneOfItsValues(t *testing.T) {
	values := []string{"abc", `C:\x\abc.exe`, "ABC ", "xabcx", "a\nabc", `say "abc"`, "10.0.0.7", "10", "9007199254740993", "2026-01-02T07:59:00Z", "", "é", `["abc"]`, "QUJD"}
	tests := []string{
		`A: abc`, `A: 'a*'`, `A: '*c'`, `A: 'a?c'`, `A|cased: ABC`, `A|contains: abc`, `A|contains: '"'`, `A|contains: '\x\a'`,
		`A|startswith: a`, `A|startswith: '["'`, `A|endswith: .exe`, `A|endswith: 'c '`, `A|endswith: '"'`, `A|startswith|cased: A`,
		`A|re: '^abc$'`, `A|re|i: '^ABC'`, `A|re|m: '^abc$'`, `A|re|s: 'a.abc'`, `A|re: 'c$'`, `A|re: '.{4,}'`, `A|re: '\\x\\'`, `A|re: '^\['`,
		`A|cidr: 10.0.0.0/8`, `A|gt: 9`, `A|gte: 10`, `A|lt: 11`, `A|lte: 9007199254740992`, `A|gt: 9007199254740992`, `A: 10`, `A: ''`, `A: 'é'`,
		`A|hour: 7`, `A|year: 2026`, `A|base64: ABC`, `A|wide|base64offset|contains: abc`, `A|contains: [zzz, bc]`, `A: [abc, '10']`, `A|fieldref: B`, `A|fieldref|endswith: B`,
		`CommandLine: abc`, `CommandLine|endswith: c`, `CommandLine|re: 'c$'`,
	}
	var b strings.Builder
	for _, c := range tests {
		fmt.Fprintf(&b, "title: t\nlogsource: {product: windows}\ndetection:\n  s:\n    %s\n  condition: s\n---\n", c)
	}
	for _, c := range tests {
		fmt.Fprintf(&b, "title: t\nlogsource: {product: windows}\ndetection:\n  s:\n    %s\n  condition: not s\n---\n", c)
	}
	sc := rule.NewScope()
	rules := lower(t, sc, "r.yml", b.String())
	set := rule.Compile(sc, rules)
	index := map[*rule.Rule]int{}
	for i, r := range rules {
		index[r] = i
	}
	quote := func(v any) string { s, _ := json.Marshal(v); return string(s) }
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "\n", "&#10;").Replace
	shapes := map[string]func(fields ...string) string{
		"json": func(vs ...string) string {
			v := quote(vs)
			if len(vs) == 1 {
				v = quote(vs[0])
			}
			return `{"Channel":"c","B":"ABC","A":` + v + `,"CommandLine":` + v + `}`
		},
		"xml": func(vs ...string) string {
			var data string
			for _, v := range vs {
				data += `<Data Name="A">` + escape(v) + `</Data><Data Name="CommandLine">` + escape(v) + `</Data>`
			}
			return `<Event><System><Channel>c</Channel></System><EventData><Data Name="B">ABC</Data>` + data + `</EventData></Event>`
		},
	}
	for name, shape := range shapes {
		// matches are the rules that an event meets.
		matches := func(line string) (fast []bool) {
			fast, full := make([]bool, len(rules)), make([]bool, len(rules))
			read(t, sc, set.Fields(), 1, func() exec.Task {
				return both{
					set.Task(&expr.Env{}, nil, func(r *rule.Rule, b *event.Batch) error { fast[index[r]] = len(b.Live) > 0; return nil }),
					newPlain(rules, func(i int, _ uint64) { full[i] = true }),
				}
			}, events(t, line))
			for i := range rules {
				if fast[i] != full[i] {
					t.Errorf("%s: rule %d: the set says %v, a full scan %v", line, i, fast[i], full[i])
				}
			}
			return fast
		}
		one := map[string][]bool{}
		for _, v := range values {
			one[v] = matches(shape(v))
		}
		for i, x := range values {
			y := values[(i+3)%len(values)]
			for _, pair := range [][2]string{{x, y}, {y, x}, {x, values[(i+1)%len(values)]}} {
				got := matches(shape(pair[0], pair[1]))
				for k, c := range tests {
					want := one[pair[0]][k] || one[pair[1]][k]
					if got[k] != want {
						t.Errorf("%s: %s over %q: %v, want %v", name, c, pair, got[k], want)
					}
					if got[len(tests)+k] == want {
						t.Errorf("%s: not %s over %q: %v as well", name, c, pair, want)
					}
				}
			}
		}
	}
}
