package op

import (
	"bytes"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "json auto", Usage: "(json auto) {field=<from:field>|maxdepth <depth:int>|extractarrays|refonly|keys|nodrop|<paths:string,...>} [as <names:field,...>] {nodrop|refonly}",
		Summary: "Makes fields of everything in a JSON object.",
		Text: "Finds an object in the text, which may have something before it, and flattens it: `a.b`, `a[0].c`. Arrays of plain values stay text unless `extractarrays`; " +
			"`maxdepth n` leaves what is deeper as JSON text. Letter case of keys does not matter, blanks in them become underscores. Fields that exist are overwritten. " +
			"Messages without JSON stay. `keys` names and renames some keys; with `refonly` nothing else is taken.",
		Differs: "A field of a Windows event is found by its plain name wherever a shipper has put it, `Image` as `EventData.Image` or `process.executable`, also in event XML, Splunk's text and the legacy text of Sumo Logic's collector (switch it off with --no-map). There is no limit of 100 fields.",
		Examples: []lang.Example{
			{Query: `* | json auto`, In: []string{`x {"foo":{"bar":[1,2],"baz":"qux"}}`}, Out: []string{`{"foo.bar":"[1,2]","foo.baz":"qux"}`}},
			{Query: `* | json auto | count by username`, In: []string{`{"username":"bob"}`, `{"username":"bob"}`}, Out: []string{`{"username":"bob","_count":2}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Keeps, Alone: true, Any: true, OfRaw: true},
	New:   func() lang.Stage { return new(jsonAuto) },
})

type jsonAuto struct {
	From          *syntax.Field    `usage:"from"`
	Depth         *syntax.Number   `usage:"depth"`
	ExtractArrays bool             `usage:"extractarrays"`
	RefOnly       bool             `usage:"refonly"`
	NoDrop        bool             `usage:"nodrop"`
	Keys          []*syntax.String `usage:"paths"`
	Names         []*syntax.Field  `usage:"names"`

	from  event.Slot
	plain bool // reads _raw as a whole, as readers do
	outs  []event.Slot
	after event.Fields // wanted behind this stage
}

func (p *jsonAuto) Check(sc *lang.Scope) {
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

// FieldsOfMessages makes the stage that json auto is for what is no query: it
// gives the wanted fields of messages whose text they stand in.
func FieldsOfMessages(l *event.Layout, wanted event.Fields) lang.Stage {
	return &jsonAuto{from: l.Slot("_raw"), plain: true, after: wanted}
}

// Facts say whether the stage leaves events as they are of which the reader has given the
// fields of their JSON, see event.Batch.Auto.
func (p *jsonAuto) Facts(f lang.Facts) lang.Facts {
	f.AsRead = p.plain
	return f
}

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
	t := &jsonAutoTask{jsonAuto: p, rt: rt, all: p.after.All && !p.RefOnly}
	t.options.ExtractArrays = p.ExtractArrays
	if p.Depth != nil {
		t.options.MaxDepth = int(p.Depth.Int)
	}
	return &each{next: next, fn: t.run}
}

// jsonAutoTask reads the texts of messages. Most often the reader of the input
// has done all there is to do, so it gets ready when there is a first text.
type jsonAutoTask struct {
	*jsonAuto
	rt      *exec.Runtime
	all     bool
	options jsondoc.FlattenOptions
	slots   map[string]event.Slot

	look    mapping.Lookup
	doc     *jsondoc.Scanner
	wanted  []autoField // keys first
	scratch []byte
	inside  func(text []byte, to exec.Sink) (bool, error) // nil when fields have their own names alone
}

// autoField is a field to be made.
type autoField struct {
	mapping.Field
	slot event.Slot
}

// ready prepares to find the wanted fields under all their names.
func (t *jsonAutoTask) ready() {
	mapped := !t.rt.NoMap
	t.look.Twins = t.rt.Twins
	want := func(name string, s event.Slot) {
		t.wanted = append(t.wanted, autoField{t.look.Field(name, mapped), s})
	}
	for i, k := range t.Keys {
		want(k.Value, t.outs[i])
	}
	var fields event.Fields
	if !t.RefOnly {
		fields.All = t.after.All
		for _, s := range t.after.Slots() {
			if name := t.rt.Layout.Name(s); name != "" && name[0] != '_' {
				want(name, s)
				fields.Add(s)
			}
		}
	}
	if mapped {
		t.look.LookForMarks()
		t.look.Openings()
		if t.rt.Inside != nil {
			t.inside = t.rt.Inside(fields)
		}
	}
	t.doc = t.look.Document(mapped)
	t.slots = map[string]event.Slot{}
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
		if t.doc == nil {
			t.ready()
		}
		if err := t.read(b, row, bytesOf(v.Str())); err != nil {
			return err
		}
	}
	return nil
}

// read gives a row the fields of its text.
func (t *jsonAutoTask) read(b *event.Batch, row uint16, whole []byte) error {
	if start := bytes.TrimLeft(whole, " \t\r\n"); len(start) == 0 || start[0] != '{' {
		if t.plain {
			if found, err := t.event(b, row, start); found || err != nil {
				return err
			}
		}
	}
	text := jsondoc.Find(whole)
	if len(text) == 0 || text[0] != '{' {
		return nil
	}
	vals, err := t.doc.Scan(text)
	if err != nil {
		return nil // not JSON after all: the row stays
	}
	flat := t.options.MaxDepth > 0 || t.options.ExtractArrays
	doubled := t.look.Doubled(vals)
	for i := range t.wanted {
		if flat && i >= len(t.Keys) {
			break
		}
		f := &t.wanted[i]
		v := vals[f.At]
		if said := f.Said(vals, t); said.Kind > jsondoc.Null {
			v = said
		}
		if len(f.Other) > 0 && mapping.Absent(v) && b.Value(f.slot, row).IsNull() {
			if other := f.Elsewhere(vals, t); other.Kind > jsondoc.Null {
				v = other
			}
		}
		if doubled && v.Kind > jsondoc.Null {
			v = t.Keep(mapping.Undouble(t.Scratch(), v.AppendText(nil)))
		}
		if v.Kind != jsondoc.Missing {
			b.Col(f.slot).Set(row, jsonText(v))
		}
	}
	if t.all || flat && !t.RefOnly {
		t.flatten(b, row, text)
	}
	if !flat && t.look.HoldsMore(vals, t.doc.Found()) {
		_, err = t.event(b, row, text)
	}
	return err
}

// event gives a row the fields of a text that is a Windows event written another
// way than as JSON, and reports whether it is one. What the row has it keeps.
func (t *jsonAutoTask) event(b *event.Batch, row uint16, text []byte) (bool, error) {
	if t.inside == nil {
		return false, nil
	}
	return t.inside(text, autoEvent{t, b, row})
}

// autoEvent takes over the fields of a batch of one event.
type autoEvent struct {
	*jsonAutoTask
	to  *event.Batch
	row uint16
}

func (t autoEvent) Push(b *event.Batch) error {
	if len(b.Live) == 0 {
		return nil
	}
	for i := range b.Cols {
		s := event.Slot(i)
		v := b.Value(s, b.Live[0])
		if name := t.rt.Layout.Name(s); v.IsNull() || name[0] == '_' || !t.to.Value(s, t.row).IsNull() {
			continue
		}
		if text := strings.Clone(v.Str()); v.IsList() {
			t.to.Col(s).Set(t.row, event.List(text))
		} else {
			t.to.Col(s).Set(t.row, event.Text(text))
		}
	}
	return nil
}

// Scratch and Keep make the task a mapping.Keeper.
func (t *jsonAutoTask) Scratch() []byte { return t.scratch[:0] }

func (t *jsonAutoTask) Keep(text []byte) jsondoc.Value {
	t.scratch = text
	if len(text) == 0 {
		return jsondoc.Value{}
	}
	return jsondoc.Value{Kind: jsondoc.Number, Raw: bytes.Clone(text)} // there are no escapes in it
}

// flatten sets every field of an object that is wanted.
func (t *jsonAutoTask) flatten(b *event.Batch, row uint16, text []byte) {
	// A mistake inside a value does not lose the fields before it.
	_ = jsondoc.Flatten(text, t.options, func(name []byte, v jsondoc.Value) {
		s, ok := t.slots[string(name)]
		if !ok {
			s = event.None
			if mapping.Metadata(string(name)) {
				// What a text says of where it came from replaces nothing.
			} else if t.all {
				s = t.rt.Layout.Met(string(name))
			} else if found, known := t.rt.Layout.Find(string(name)); known {
				s = found
			}
			t.slots[string(name)] = s
		}
		if s != event.None {
			b.Col(s).Set(row, jsonText(v))
		}
	})
}
