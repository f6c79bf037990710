package op

import (
	"fmt"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "parse regex", Aliases: []string{"extract"},
		Usage:   "(parse regex|extract) {field=<from:field>|multi|nodrop} <patterns:regex,...> {, regex <patterns:regex,...>|multi|nodrop}",
		Summary: "Takes fields out of text by the named groups of a regular expression.",
		Text: "The first match anywhere counts; letter case matters unless the pattern says `(?i)`. Each named group `(?<name>...)` becomes a field; a group that took no part is null. " +
			"With `multi` every match gives a row of its own. A message without a match is dropped, or kept with `nodrop`. " +
			"Lookaround and back-references work, within a time limit for each message.",
		Differs: "OP-15 (reach of nodrop).",
		Examples: []lang.Example{
			{Query: `* | parse regex "(?<ip>\d+\.\d+\.\d+\.\d+)"`, In: []string{"ip 1.2.3.4 and 5.6.7.8"}, Out: []string{`{"ip":"1.2.3.4"}`}},
			{Query: `* | parse regex "(?<ip>\d+\.\d+\.\d+\.\d+)" multi`, In: []string{"ip 1.2.3.4 and 5.6.7.8"}, Out: []string{`{"ip":"1.2.3.4"}`, `{"ip":"5.6.7.8"}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Repeats, Alone: true, Family: true, Text: true, Parts: true, Costly: true},
	New:   func() lang.Stage { return new(parseRegex) },
})

type parseRegex struct {
	From     *syntax.Field    `usage:"from"`
	NoDrop   bool             `usage:"nodrop"`
	Multi    bool             `usage:"multi"`
	Patterns []*syntax.String `usage:"patterns"`

	parsing
	rules []regexRule
	outs  []event.Slot // of all rules
}

type regexRule struct {
	re     *match.Regexp
	groups []int        // number of each named group
	outs   []event.Slot // and its field
}

// Facts give the planner what any match must hold.
func (p *parseRegex) Facts(f lang.Facts) lang.Facts {
	if !p.Multi {
		f.Rows = lang.Drops
	}
	f.Takes = p.takes(p.fits)
	f.Takes.Outs = p.outs
	for _, r := range p.rules {
		if any := r.re.Literals(); any != nil && p.drops() && !p.Multi {
			f.Takes.Holds = append(f.Takes.Holds, &match.Witness{Any: any})
		}
	}
	return f
}

func (p *parseRegex) Check(sc *lang.Scope) {
	p.check(sc, p.From, p.NoDrop)
	for _, s := range p.Patterns {
		re, err := match.CompileRegexp(s.Raw)
		if err != nil {
			sc.Error(s, "bad-regex", err.Error(), "the syntax is that of RE2 or Java")
			continue
		}
		r := regexRule{re: re}
		for i, name := range re.GroupNames() {
			switch {
			case i == 0:
			case name == "" && p.Multi:
				sc.Warn(s, "unnamed-group", "a group without a name takes nothing out", "write (?<name>...), or (?:...) for a group that takes nothing out")
			case name == "":
				sc.Error(s, "unnamed-group", "every capturing group needs a name", "write (?<name>...), or (?:...) for a group that takes nothing out")
			default:
				r.groups = append(r.groups, i)
				r.outs = append(r.outs, sc.MakeName(name))
			}
		}
		if outer, inner := re.NestedGroups(); outer != "" {
			sc.Error(s, "nested-group", fmt.Sprintf("the group %s stands inside the group %s", inner, outer), "take the two out with a pattern each")
		}
		if re.NumGroups() == 0 || p.Multi && len(r.groups) == 0 {
			sc.Error(s, "no-named-group", "the pattern takes nothing out: it has no named group", "write (?<name>...) around what is wanted")
		}
		p.rules, p.outs = append(p.rules, r), append(p.outs, r.outs...)
	}
}

func (p *parseRegex) Needs(f *event.Fields) {
	if p.nodrop || !p.first {
		f.Add(p.outs...)
	} else {
		f.Remove(p.outs...)
	}
	f.Add(p.from)
}

// fits says for each rule that it matches.
func (p *parseRegex) fits() (all []expr.Expr) {
	for _, r := range p.rules {
		all = append(all, &expr.Regexp{X: p.text, Re: r.re})
	}
	return all
}

func (p *parseRegex) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	t := &regexTask{parseRegex: p, rt: rt}
	if p.Multi {
		return &multiTask{regexTask: t, next: next}
	}
	return &each{next: next, fn: t.run}
}

type regexTask struct {
	*parseRegex
	rt   *exec.Runtime
	hits [][]match.Span // of each rule, for the current text

	// By code of the field's values in the current batch: equal texts are
	// matched once.
	tried, fits []bool
	codes       []uint16 // of the results, len(outs) for each
}

// find matches every rule against a text; ok when all do.
func (t *regexTask) find(s string) bool {
	if len(t.hits) < len(t.rules) {
		t.hits = make([][]match.Span, len(t.rules))
	}
	for i, r := range t.rules {
		hit, ok, err := r.re.Find(s, 0, t.hits[i])
		t.hits[i] = hit
		if err != nil {
			t.rt.Warnings.Add("regular expression", false, exec.Sample{Detail: err.Error()})
		}
		if !ok {
			return false
		}
	}
	return true
}

// set gives a row the groups of a match.
func (r *regexRule) set(b *event.Batch, row uint16, s string, hit []match.Span) {
	for i, g := range r.groups {
		v := event.Value{}
		if g < len(hit) && hit[g].Start >= 0 {
			v = event.Text(s[hit[g].Start:hit[g].End])
		}
		b.Col(r.outs[i]).Set(row, v)
	}
}

func (t *regexTask) run(b *event.Batch) error {
	t.begin(b)
	from := *b.Col(t.from)
	t.tried = append(t.tried[:0], make([]bool, len(from.Dict))...)
	t.fits = append(t.fits[:0], make([]bool, len(from.Dict))...)
	t.codes = slices.Grow(t.codes[:0], len(from.Dict)*len(t.outs))[:len(from.Dict)*len(t.outs)]
	for _, s := range t.outs {
		b.Col(s) // so that none moves below
	}
	live := b.Live[:0]
	for _, row := range b.Live {
		code := uint16(0)
		if int(row) < len(from.Code) {
			code = from.Code[row]
		}
		codes := t.codes[int(code)*len(t.outs):][:len(t.outs)]
		if !t.tried[code] {
			t.tried[code] = true
			if v := from.Dict[code]; !v.IsNull() && t.find(v.Str()) {
				t.fits[code] = true
				t.put(b, v.Str(), codes)
			}
		}
		if t.fits[code] {
			for i, s := range t.outs {
				b.Cols[s].SetCode(row, codes[i])
			}
		}
		if t.settle(b, row, t.fits[code]) {
			live = append(live, row)
		}
	}
	b.Live = live
	return nil
}

// put adds the groups of the current matches of a text to the columns' values
// and notes their codes.
func (t *regexTask) put(b *event.Batch, s string, codes []uint16) {
	at := 0
	for i, r := range t.rules {
		hit := t.hits[i]
		for j, g := range r.groups {
			codes[at] = 0
			if g < len(hit) && hit[g].Start >= 0 {
				codes[at] = b.Cols[r.outs[j]].Put(event.Text(s[hit[g].Start:hit[g].End]))
			}
			at++
		}
	}
}

// multiTask gives a row for every match: it builds batches of its own.
type multiTask struct {
	*regexTask
	next exec.Sink
	out  event.Batch
}

func (t *multiTask) Push(b *event.Batch) error {
	t.begin(b)
	from := *b.Col(t.from)
	t.out.Reset()
	for _, row := range b.Live {
		v := from.At(row)
		found := false
		if !v.IsNull() {
			s := v.Str()
			for _, r := range t.rules {
				var failed error
				err := r.re.Each(s, func(hit []match.Span) bool {
					found = true
					if failed = t.copy(b, row); failed != nil {
						return false
					}
					r.set(&t.out, uint16(t.out.N-1), s, hit)
					return true
				})
				if failed != nil {
					return failed
				}
				if err != nil {
					t.rt.Warnings.Add("regular expression", false, exec.Sample{Detail: err.Error()})
				}
			}
		}
		if !found && t.settle(b, row, false) {
			if err := t.copy(b, row); err != nil {
				return err
			}
		}
	}
	return t.flush(b)
}

// copy appends a row of b to the batch that goes out.
func (t *multiTask) copy(b *event.Batch, row uint16) error {
	if t.out.N == event.MaxRows {
		if err := t.flush(b); err != nil {
			return err
		}
	}
	copyRow(&t.out, b, row)
	return nil
}

func (t *multiTask) flush(b *event.Batch) error {
	if t.out.N == 0 {
		return nil
	}
	t.out.Auto = b.Auto
	err := t.next.Push(&t.out)
	t.out.Reset()
	return err
}

func (t *multiTask) Flush() error { return nil }

// copyRow appends a row of one batch to another, values' text shared.
func copyRow(to, from *event.Batch, row uint16) {
	time, pos := int64(0), uint64(0)
	if int(row) < len(from.Time) {
		time = from.Time[row]
	}
	if int(row) < len(from.Pos) {
		pos = from.Pos[row]
	}
	at := to.AddRow(time, pos)
	if int(row) < len(from.Receipt) {
		for len(to.Receipt) < int(at) {
			to.Receipt = append(to.Receipt, to.Time[len(to.Receipt)])
		}
		to.Receipt = append(to.Receipt, from.Receipt[row])
	}
	for s := range from.Cols {
		if v := from.Cols[s].At(row); !v.IsNull() {
			to.Col(event.Slot(s)).Set(at, v)
		}
	}
}
