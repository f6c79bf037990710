package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "threatip", Usage: "threatip <ip:field>",
		Summary: "Says what is known of an IP address as a threat.",
		Text: "Adds `actor`, `malicious_confidence`, `raw_threat` and `type` from the indicator files of `--threat FILE` (CSV or JSON with a column `indicator`; `type`, `actor`, `confidence` and `raw` where there are). " +
			"Of several entries the one of the highest confidence counts. An address that is not known has nulls; without a file all have, with a warning.",
		Differs: "The indicators are yours; the service brings CrowdStrike's.",
		Examples: []lang.Example{
			{Query: `* | threatip ip`, In: []string{`{"_raw":"","ip":"10.1.2.3"}`}, Out: []string{`{"ip":"10.1.2.3","actor":null,"malicious_confidence":null}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Keeps, Alone: true, Costly: true},
	New:   func() lang.Stage { return new(threatip) },
})

type threatip struct {
	IP *syntax.Field `usage:"ip"`

	keys []event.Slot
	outs []event.Slot
	feed *lookup.Feed
}

func (p *threatip) Check(sc *lang.Scope) {
	p.keys = []event.Slot{sc.Read(p.IP)}
	for _, name := range []string{"actor", "malicious_confidence", "raw_threat", "type"} {
		p.outs = append(p.outs, sc.MakeName(name))
	}
	p.feed = threatFeed(sc)
}

// threatFeed returns the library's indicators, noting when there are none.
func threatFeed(sc *lang.Scope) *lookup.Feed {
	f := sc.Tables.Threat()
	if f == nil {
		sc.Miss(sc.Stage(), "a file of threat indicators", "name one, CSV or JSON with a column indicator: --threat FILE")
	}
	return f
}

func (p *threatip) Needs(f *event.Fields) {
	f.Remove(p.outs...)
	f.Add(p.keys...)
}

func (p *threatip) Open(_ *exec.Runtime, next exec.Sink) exec.Task {
	cols, vals := make([]event.Column, len(p.outs)), make([]event.Value, len(p.outs))
	return &each{next: next, fn: func(b *event.Batch) error {
		perKey(b, p.keys, cols, func(key []event.Value) []event.Value {
			clear(vals)
			if e := p.feed.Best(key[0].Str()); e != nil {
				vals[0], vals[1], vals[2], vals[3] = e.Actors, e.Malicious(), e.Raw, e.Type
			}
			return vals
		})
		for i, s := range p.outs {
			b.Col(s).Alias(&cols[i])
		}
		return nil
	}}
}
