package op

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "threatlookup", Usage: "threatlookup {singleIndicator|source=<from:string>} <of:field,...>",
		Summary: "Adds what threat indicators say of the values of fields.",
		Text: "Adds `_threatlookup.actors`, `.confidence`, `.fields`, `.id`, `.imported`, `.indicator`, `.kill_chain`, `.source`, `.threat_type`, `.type`, `.updated`, `.valid_from` and `.valid_until`. " +
			"A row comes out once for each entry that any of its fields matches; with `singleIndicator` once, with the entry of the highest confidence, the most recent of several, and `_threatlookup.num_matches`. " +
			"A row that nothing matches has nulls. `source` takes the entries of one feed, `*` is a wildcard in it. " +
			"The indicators are files of yours: `--threat FILE` or `--threat SOURCE=FILE`.",
		Differs: "The indicators are yours. An indicator matches whole, in any letter case.",
		Examples: []lang.Example{
			{Query: `* | threatlookup singleIndicator ip`, In: []string{`{"_raw":"","ip":"198.51.100.7"}`}, Out: []string{`{"ip":"198.51.100.7","_threatlookup.confidence":null}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Repeats, Alone: true, Costly: true},
	New:   func() lang.Stage { return new(threatlookup) },
})

type threatlookup struct {
	Single bool            `usage:"singleIndicator"`
	Source *syntax.String  `usage:"from"`
	Of     []*syntax.Field `usage:"of"`

	keys   []event.Slot
	outs   []event.Slot
	number event.Slot // num_matches
	source *match.Glob
	feed   *lookup.Feed
}

// threatColumns are the fields that threatlookup adds.
var threatColumns = []struct {
	name  string
	value func(*lookup.Indicator) event.Value
}{
	{"actors", func(e *lookup.Indicator) event.Value { return e.Actors }},
	{"confidence", func(e *lookup.Indicator) event.Value { return e.Confidence }},
	{"fields", func(e *lookup.Indicator) event.Value { return e.Fields }},
	{"id", func(e *lookup.Indicator) event.Value { return e.ID }},
	{"imported", func(e *lookup.Indicator) event.Value { return e.Imported }},
	{"indicator", func(e *lookup.Indicator) event.Value { return e.Indicator }},
	{"kill_chain", func(e *lookup.Indicator) event.Value { return e.KillChain }},
	{"source", func(e *lookup.Indicator) event.Value { return e.Source }},
	{"threat_type", func(e *lookup.Indicator) event.Value { return e.ThreatType }},
	{"type", func(e *lookup.Indicator) event.Value { return e.Type }},
	{"updated", func(e *lookup.Indicator) event.Value { return e.Updated }},
	{"valid_from", func(e *lookup.Indicator) event.Value { return e.ValidFrom }},
	{"valid_until", func(e *lookup.Indicator) event.Value { return e.ValidUntil }},
}

func (p *threatlookup) Check(sc *lang.Scope) {
	for _, f := range p.Of {
		p.keys = append(p.keys, sc.Read(f))
	}
	for _, c := range threatColumns {
		p.outs = append(p.outs, sc.MakeName("_threatlookup."+c.name))
	}
	if p.Single {
		p.number = sc.MakeName("_threatlookup.num_matches")
	}
	if p.Source != nil {
		p.source = match.CompileGlob(p.Source.Value, true)
	}
	p.feed = threatFeed(sc)
}

func (p *threatlookup) Needs(f *event.Fields) {
	f.Remove(p.outs...)
	f.Add(p.keys...)
}

func (p *threatlookup) Open(_ *exec.Runtime, next exec.Sink) exec.Task {
	return &threatTask{threatlookup: p, next: next}
}

type threatTask struct {
	stateless
	*threatlookup
	next  exec.Sink
	out   event.Batch
	found []*lookup.Indicator
}

func (t *threatTask) Push(b *event.Batch) error {
	for _, s := range t.outs {
		b.Col(s).Reset()
	}
	t.out.Reset()
	for _, row := range b.Live {
		t.find(b, row)
		if len(t.found) == 0 || t.Single {
			at := t.add(b, row)
			if t.Single && len(t.found) > 0 {
				best := t.found[0]
				for _, e := range t.found[1:] {
					if e.Before(best) {
						best = e
					}
				}
				t.set(at, best)
				t.out.Col(t.number).Set(at, event.Int(int64(len(t.found))))
			}
		} else {
			for _, e := range t.found {
				t.set(t.add(b, row), e)
				if err := t.full(b); err != nil {
					return err
				}
			}
		}
		if err := t.full(b); err != nil {
			return err
		}
	}
	return t.push(b)
}

// find sets t.found to the entries that a row's fields match.
func (t *threatTask) find(b *event.Batch, row uint16) {
	t.found = t.found[:0]
	for _, s := range t.keys {
		v := b.Value(s, row)
		if v.IsNull() || strings.TrimSpace(v.Str()) == "" {
			continue
		}
		for _, e := range t.feed.Find(v.Str()) {
			if t.source == nil || t.source.Match(e.Source.Str()) {
				t.found = append(t.found, e)
			}
		}
	}
}

func (t *threatTask) add(b *event.Batch, row uint16) uint16 {
	copyRow(&t.out, b, row)
	return uint16(t.out.N - 1)
}

func (t *threatTask) set(row uint16, e *lookup.Indicator) {
	for i, c := range threatColumns {
		t.out.Col(t.outs[i]).Set(row, c.value(e))
	}
}

func (t *threatTask) full(b *event.Batch) error {
	if t.out.N < event.MaxRows {
		return nil
	}
	return t.push(b)
}

func (t *threatTask) push(b *event.Batch) error {
	if t.out.N == 0 {
		return nil
	}
	t.out.Auto = b.Auto
	err := t.next.Push(&t.out)
	t.out.Reset()
	return err
}
