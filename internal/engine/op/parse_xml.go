package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "parse xml", Usage: "(parse xml) {field=<from:field>} <paths:string,...> [as <names:field,...>] {nodrop}",
		Summary: "Takes values out of XML text by path.",
		Text: "A path is absolute and goes forward: `/a/b`, `/a/b[2]`, `/a/b[last()]`, `/a/b[@id=456]`, with `/@attr` or `/text()` at its end; `//`, `..` and axes are errors. " +
			"The first match counts. An element without `text()` gives all text inside it. Namespaces are passed over: a name has no prefix. " +
			"Text before the first `<` is passed over. A message that is not XML, or lacks a path, is dropped; with `nodrop` found values are set and the others are null.",
		Differs: "OP-25 and OP-61 (a message that lacks any path is dropped). An element of another namespace is found by its local name.",
		Examples: []lang.Example{
			{Query: `* | parse xml "/u/user[2]/n/text()", "/u/user/@id" as n, i`, In: []string{`<u><user id="1"><n>Al</n></user><user id="2"><n>Bo</n></user></u>`}, Out: []string{`{"n":"Bo","i":"1"}`}},
			{Query: `* | parse xml "/Event/EventData/Data[@Name='Image']" as Image`, In: []string{`<Event xmlns="urn:x"><EventData><Data Name="User">bob</Data><Data Name="Image">C:\a.exe</Data></EventData></Event>`}, Out: []string{`{"Image":"C:\\a.exe"}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Drops, Alone: true, Family: true, Text: true, Costly: true},
	New:   func() lang.Stage { return new(parseXMLOp) },
})

type parseXMLOp struct {
	From   *syntax.Field    `usage:"from"`
	NoDrop bool             `usage:"nodrop"`
	Paths  []*syntax.String `usage:"paths"`
	Names  []*syntax.Field  `usage:"names"`

	parsing
	paths []*xpath
	outs  []event.Slot
}

func (p *parseXMLOp) Check(sc *lang.Scope) {
	p.check(sc, p.From, p.NoDrop)
	p.outs = pathNames(sc, p.Paths, p.Names, "path")
	for _, s := range p.Paths {
		x, err := compileXPath(s.Value)
		if err != nil {
			sc.Error(s, "bad-xpath", err.Error(), "write a path such as /Event/System/EventID/text()")
			x = &xpath{}
		}
		p.paths = append(p.paths, x)
	}
}

func (p *parseXMLOp) Needs(f *event.Fields) {
	if p.nodrop || !p.first {
		f.Add(p.outs...)
	} else {
		f.Remove(p.outs...)
	}
	f.Add(p.from)
}

func (p *parseXMLOp) Open(_ *exec.Runtime, next exec.Sink) exec.Task {
	vals := make([]event.Value, len(p.paths))
	return &each{next: next, fn: func(b *event.Batch) error {
		p.begin(b)
		from := *b.Col(p.from)
		live := b.Live[:0]
		for _, row := range b.Live {
			ok := false
			if v := from.At(row); !v.IsNull() {
				if root := parseXML(v.Str()); root != nil {
					ok = true
					for i, path := range p.paths {
						s, found := path.find(root)
						vals[i], ok = event.Value{}, ok && found
						if found {
							vals[i] = event.Text(s)
						}
					}
					setFound(b, row, p.outs, vals, ok || p.nodrop)
				}
			}
			if p.settle(b, row, ok) {
				live = append(live, row)
			}
		}
		b.Live = live
		return nil
	}}
}

// setFound gives a row the values that were found.
func setFound(b *event.Batch, row uint16, outs []event.Slot, vals []event.Value, set bool) {
	for i, v := range vals {
		if set && !v.IsNull() {
			b.Col(outs[i]).Set(row, v)
		}
	}
}
