package op

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "keyvalue", Aliases: []string{"kv"},
		Usage:   "(keyvalue|kv) {infer|auto|regex <pattern:regex>|field=<from:field>|delim [=] <sign:option>|keys|refonly|nodrop|<wanted:key,...>} [as <names:field,...>] {nodrop|refonly}",
		Summary: "Takes values out of text by their keys.",
		Text: "`infer`, the default, knows `k=\"v\"`, `k='v'`, `[k=v]` and `k=v` up to white space or one of `, ; ] } )`, then the same with `:` and with `->`; blanks around the sign may stand. " +
			"`regex` with two groups takes them for key and value at every match; with one group, the value is the match nearest after the key. " +
			"`auto` takes all pairs, at most 100, the last of several with one key; `keys` names some of them, `refonly` takes no others, and no message is dropped. " +
			"A field is named as its key, each sign other than letters, digits and `_` made `_`, unless `as` names it. " +
			"Without `nodrop` a message that lacks any key is dropped.",
		Differs: "OP-23 (the list of forms that infer knows), OP-55 (auto takes part in a run of nodrop only with `nodrop` written).",
		Examples: []lang.Example{
			{Query: `* | kv "module", "thread"`, In: []string{"[module=SEARCH] [thread=T1]"}, Out: []string{`{"module":"SEARCH","thread":"T1"}`}},
			{Query: `* | kv module, thread`, In: []string{"[module=SEARCH] [thread=T1]"}, Out: []string{`{"module":"SEARCH","thread":"T1"}`}},
			{Query: `* | keyvalue regex "=(.*?)," "svc.ip" as ip`, In: []string{"svc.ip=1.2.3.4, x=y,"}, Out: []string{`{"ip":"1.2.3.4"}`}},
			{Query: `* | keyvalue auto | count by a`, In: []string{"a=1 b=2 a=9"}, Out: []string{`{"a":"9","_count":1}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Drops, Alone: true, Family: true, Text: true},
	New:   func() lang.Stage { return new(keyvalue) },
})

type keyvalue struct {
	Infer   bool             `usage:"infer"`
	Auto    bool             `usage:"auto"`
	RefOnly bool             `usage:"refonly"`
	NoDrop  bool             `usage:"nodrop"`
	Pattern *syntax.String   `usage:"pattern"`
	From    *syntax.Field    `usage:"from"`
	Sign    *syntax.String   `usage:"sign"`
	Wanted  []*syntax.String `usage:"wanted"`
	Names   []*syntax.Field  `usage:"names"`

	parsing
	re     *match.Regexp
	sign   string
	outs   []event.Slot
	after  event.Fields // wanted behind this stage
	layout *event.Layout
}

func (p *keyvalue) Facts(f lang.Facts) lang.Facts {
	f.Any = p.Auto
	return f
}

func (p *keyvalue) Check(sc *lang.Scope) {
	p.check(sc, p.From, p.NoDrop)
	p.layout = sc.Layout
	if p.Sign != nil {
		p.sign = p.Sign.Value
		if strings.TrimSpace(p.sign) == "" {
			sc.Error(p.Sign, "bad-sign", "the text between key and value is empty", `write such as delim "="`)
		}
	}
	if p.Pattern != nil {
		re, err := match.CompileRegexp(p.Pattern.Raw)
		switch {
		case err != nil:
			sc.Error(p.Pattern, "bad-regex", err.Error(), "the syntax is that of RE2 or Java")
		case re.NumGroups() < 1 || re.NumGroups() > 2:
			sc.Error(p.Pattern, "bad-groups", "the pattern has "+count(re.NumGroups(), "group", "groups"), "write two groups, for key and value, or one for the value; (?:...) is no group")
		default:
			p.re = re
		}
	}
	if p.Auto && len(p.Wanted) == 0 {
		return // all pairs, under their own names
	}
	if len(p.Names) > 0 {
		p.outs = pathNames(sc, p.Wanted, p.Names, "key")
		return
	}
	if len(p.Wanted) == 0 {
		sc.Error(sc.Stage(), "key-missing", "no key is given", `write the keys in double quotes, or keyvalue auto`)
	}
	for _, k := range p.Wanted {
		p.outs = append(p.outs, sc.MakeName(pairName(k.Value)))
	}
}

// pairName is a key as the name of a field (spec C.2, keyvalue).
func pairName(key string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, key)
}

func (p *keyvalue) Needs(f *event.Fields) {
	p.after = f.Clone()
	if p.nodrop || !p.first || p.Auto {
		f.Add(p.outs...)
	} else {
		f.Remove(p.outs...)
	}
	f.Add(p.from)
}

func (p *keyvalue) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	t := &keyvalueTask{keyvalue: p, rt: rt, vals: make([]event.Value, len(p.outs)), index: map[string]int{}}
	for i, k := range p.Wanted {
		t.index[k.Value] = i
	}
	return &each{next: next, fn: t.run}
}

type keyvalueTask struct {
	*keyvalue
	rt    *exec.Runtime
	vals  []event.Value
	index map[string]int // of the wanted keys
	hit   []match.Span
}

func (t *keyvalueTask) run(b *event.Batch) error {
	t.begin(b)
	from := *b.Col(t.from)
	live := b.Live[:0]
	for _, row := range b.Live {
		v := from.At(row)
		ok := false
		if !v.IsNull() {
			clear(t.vals)
			switch s := v.Str(); {
			case t.Auto:
				t.auto(b, row, s)
			case t.re != nil && t.re.NumGroups() == 2:
				t.twoGroups(s)
			case t.re != nil:
				t.oneGroup(s)
			default:
				for i, k := range t.Wanted {
					if w, found := inferPair(s, k.Value); found {
						t.vals[i] = event.Text(w)
					}
				}
			}
			ok = true
			for _, w := range t.vals {
				ok = ok && !w.IsNull()
			}
			setFound(b, row, t.outs, t.vals, ok || t.nodrop || t.Auto)
		}
		if t.settle(b, row, ok) || t.Auto {
			live = append(live, row)
		}
	}
	b.Live = live
	return nil
}

// auto takes all pairs: those that are wanted into vals, the others into fields
// of their names.
func (t *keyvalueTask) auto(b *event.Batch, row uint16, s string) {
	autoPairs(s, t.sign, func(key, value string) {
		if i, ok := t.index[key]; ok {
			t.vals[i] = event.Text(value)
			return
		}
		if t.RefOnly {
			return
		}
		name := pairName(key)
		slot, ok := event.None, false
		if t.after.All {
			slot = t.rt.Layout.Met(name)
			ok = slot != event.None
		} else {
			slot, ok = t.rt.Layout.Find(name)
		}
		if ok && t.after.Wants(slot) {
			b.Col(slot).Set(row, event.Text(value))
		}
	})
}

func (t *keyvalueTask) failed(err error) {
	t.rt.Warnings.Add("regular expression", false, exec.Sample{Detail: err.Error()})
}

// twoGroups takes key and value of every match.
func (t *keyvalueTask) twoGroups(s string) {
	err := t.re.Each(s, func(g []match.Span) bool {
		if g[1].Start < 0 || g[2].Start < 0 {
			return true
		}
		if i, ok := t.index[s[g[1].Start:g[1].End]]; ok && t.vals[i].IsNull() {
			t.vals[i] = event.Text(s[g[2].Start:g[2].End])
		}
		return true
	})
	if err != nil {
		t.failed(err)
	}
}

// oneGroup takes, for each key, the match nearest behind the key's first place.
func (t *keyvalueTask) oneGroup(s string) {
	for i, k := range t.Wanted {
		at := strings.Index(s, k.Value)
		if at < 0 {
			continue
		}
		hit, ok, err := t.re.Find(s, at+len(k.Value), t.hit)
		t.hit = hit
		if err != nil {
			t.failed(err)
		}
		if ok && hit[1].Start >= 0 {
			t.vals[i] = event.Text(s[hit[1].Start:hit[1].End])
		}
	}
}
