package op

import (
	"sync"

	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/exec"
	"github.com/gyoji-dev/gyoji/jsondoc"
	"github.com/gyoji-dev/gyoji/lang"
	"github.com/gyoji-dev/gyoji/mapping"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "json auto", Usage: "(json auto) {field=<from:field>|maxdepth <depth:int>|extractarrays|refonly|keys|nodrop|<paths:string,...>} [as <names:field,...>] {nodrop|refonly}",
		Summary: "Makes fields of everything in a JSON object.",
		Text: "Finds an object in the text, which may have something before it, and flattens it: `a.b`, `a[0].c`. Arrays of plain values stay text unless `extractarrays`; " +
			"`maxdepth n` leaves what is deeper as JSON text. Letter case of keys does not matter, blanks in them become underscores. Fields that exist are overwritten. " +
			"Messages without JSON stay. `keys` names and renames some keys; with `refonly` nothing else is taken.",
		Differs: "A field under EventData and the like is found by its plain name too (switch it off with --no-map). There is no limit of 100 fields.",
		Examples: []lang.Example{
			{Query: `* | json auto`, In: []string{`x {"foo":{"bar":[1,2],"baz":"qux"}}`}, Out: []string{`{"foo.bar":"[1,2]","foo.baz":"qux"}`}},
			{Query: `* | json auto | count by username`, In: []string{`{"username":"bob"}`, `{"username":"bob"}`}, Out: []string{`{"username":"bob","_count":2}`}},
		},
	},
	Flow: lang.Streams,
	New:  func() lang.Stage { return new(jsonAuto) },
})

type jsonAuto struct {
	From          *syntax.Field    `usage:"from"`
	Depth         *syntax.Number   `usage:"depth"`
	ExtractArrays bool             `usage:"extractarrays"`
	RefOnly       bool             `usage:"refonly"`
	NoDrop        bool             `usage:"nodrop"`
	Keys          []*syntax.String `usage:"paths"`
	Names         []*syntax.Field  `usage:"names"`

	from   event.Slot
	plain  bool // reads _raw as a whole, as readers do
	outs   []event.Slot
	layout *event.Layout
	after  event.Fields // wanted behind this stage
}

func (p *jsonAuto) Check(sc *lang.Scope) {
	p.layout = sc.Layout
	p.from = sc.ReadName("_raw")
	if p.From != nil {
		p.from = sc.Read(p.From)
	}
	p.plain = p.From == nil && p.Depth == nil && !p.ExtractArrays && len(p.Keys) == 0 && !sc.Made(p.from)
	if len(p.Keys) > 0 {
		p.outs = pathNames(sc, p.Keys, p.Names, "key")
	}
	if p.Depth != nil && p.Depth.Int < 1 {
		sc.Error(p.Depth, "bad-depth", "maxdepth is at least 1", "write maxdepth 1, or leave it out")
	}
}

// FieldsOfRaw says that the fields' text stands in the raw text.
func (p *jsonAuto) FieldsOfRaw() {}

func (p *jsonAuto) Needs(f *event.Fields) {
	p.after = f.Clone()
	f.Remove(p.outs...)
	// The reader gives the fields of plain lines itself; the text is needed for
	// messages whose _raw is JSON inside of something else.
	if p.plain {
		f.AddForAuto(p.from)
	} else {
		f.Add(p.from)
	}
}

func (p *jsonAuto) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	t := &jsonAutoTask{jsonAuto: p, layout: rt.Layout, slots: map[string]event.Slot{}}
	var names []string
	for i, k := range p.Keys {
		names, t.wanted = append(names, k.Value), append(t.wanted, p.outs[i])
	}
	if !p.RefOnly {
		for _, s := range p.after.Slots() {
			if name := rt.Layout.Name(s); name != "" && name[0] != '_' {
				names, t.wanted = append(names, name), append(t.wanted, s)
			}
		}
	}
	t.all = p.after.All && !p.RefOnly
	t.options.ExtractArrays = p.ExtractArrays
	if p.Depth != nil {
		t.options.MaxDepth = int(p.Depth.Int)
	}
	t.scanner = sync.OnceValue(func() *jsondoc.Scanner {
		return jsondoc.NewScanner(jsondoc.Want{Names: names, Roots: mapping.Roots})
	})
	return &each{next: next, fn: t.run}
}

type jsonAutoTask struct {
	*jsonAuto
	layout  *event.Layout
	scanner func() *jsondoc.Scanner // most often the reader has done it all
	wanted  []event.Slot            // by index of the scanner's names
	all     bool
	options jsondoc.FlattenOptions
	slots   map[string]event.Slot
}

func (t *jsonAutoTask) run(b *event.Batch) error {
	if t.plain && b.Auto {
		return nil // the reader has done it
	}
	from := *b.Col(t.from)
	for _, row := range b.Live {
		v := from.At(row)
		if v.IsNull() {
			continue
		}
		text := jsondoc.Find(bytesOf(v.Str()))
		if len(text) == 0 || text[0] != '{' {
			continue
		}
		vals, err := t.scanner().Scan(text)
		if err != nil {
			continue // not JSON after all: the row stays
		}
		flat := t.options.MaxDepth > 0 || t.options.ExtractArrays
		if !flat || len(t.Keys) > 0 {
			for i, w := range vals {
				if w.Kind != jsondoc.Missing && (!flat || i < len(t.Keys)) {
					b.Col(t.wanted[i]).Set(row, jsonText(w))
				}
			}
		}
		if t.all || flat && !t.RefOnly {
			if err := t.flatten(b, row, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// flatten sets every field of an object that is wanted.
func (t *jsonAutoTask) flatten(b *event.Batch, row uint16, text []byte) error {
	// A mistake inside a value does not lose the fields before it.
	_ = jsondoc.Flatten(text, t.options, func(name []byte, v jsondoc.Value) {
		s, ok := t.slots[string(name)]
		if !ok {
			s = event.None
			if found, known := t.layout.Find(string(name)); known {
				s = found
			} else if t.all {
				s = t.layout.Slot(string(name))
			}
			t.slots[string(name)] = s
		}
		if s != event.None {
			b.Col(s).Set(row, jsonText(v))
		}
	})
	return nil
}
