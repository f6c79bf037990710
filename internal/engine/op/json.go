package op

import (
	"bytes"
	"fmt"
	"slices"
	"unsafe"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "json", Usage: "json {field=<from:field>|keys|nodrop|[,] <paths:string,...>} [as <names:field,...>] {nodrop}",
		Summary: "Takes values out of JSON text by path.",
		Text: "Paths are JSONPath: `a.b`, `a[0].b`, `['odd key']`, `$`, `..`, `*`, `[a,b]`, `[1:3]`, `[?(@.x == 'y')]`. Letter case of keys counts. " +
			"Text that is not JSON as a whole is searched for the last object in it. Values are text: strings without quotes, objects and arrays in their original spelling, " +
			"several values as a JSON array. Without `nodrop` a message is dropped when any path is missing; with it, found values are set and the other fields keep what they had, or are null. " +
			"A JSON null is a null field.",
		Differs: "OP-22 (JSON null keeps the row), OP-47 (found keys are set although others are missing), OP-62 (original spelling).",
		Examples: []lang.Example{
			{Query: `* | json "u.n", "k" as n, k`, In: []string{`{"u":{"n":"bob"},"k":7}`}, Out: []string{`{"n":"bob","k":"7"}`}},
			{Query: `* | json "zz" nodrop`, In: []string{`{"u":1}`}, Out: []string{`{"zz":null}`}},
			{Query: `* | json "a[*].t" as t`, In: []string{`{"a":[{"t":0},{"t":5}]}`}, Out: []string{`{"t":"[0,5]"}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Drops, Alone: true, Family: true},
	New:   func() lang.Stage { return new(jsonOp) },
})

type jsonOp struct {
	From   *syntax.Field    `usage:"from"`
	NoDrop bool             `usage:"nodrop"`
	Taken  []*syntax.String `usage:"paths"`
	Names  []*syntax.Field  `usage:"names"`

	parsing
	paths []*jsondoc.Path
	outs  []event.Slot

	// spelled are fields by path in which a reader may have the values already
	// (lang.SpelledName); nil where not all paths are keys of the event's own text.
	spelled []event.Slot
}

func (p *jsonOp) Check(sc *lang.Scope) {
	p.check(sc, p.From, p.NoDrop)
	p.outs = pathNames(sc, p.Taken, p.Names, "path")
	for _, s := range p.Taken {
		path, err := jsondoc.CompilePath(s.Raw)
		if err != nil {
			d := sc.Error(s, "bad-path", "the path cannot be read: "+err.Error(), "write a path such as a.b, a[0].b or ['odd key']")
			if pe, ok := err.(*jsondoc.PathError); ok {
				at := min(s.Pos.Start+1+pe.Offset, s.Pos.End-1)
				d.Span = diag.Span{Start: at, End: max(at+1, s.Pos.End-1)}
			}
			path = &jsondoc.Path{}
		}
		p.paths = append(p.paths, path)
	}
	if !sc.Made(p.from) && p.from == sc.Slot("_raw") {
		for _, path := range p.paths {
			key, ok := path.Key()
			if !ok {
				p.spelled = nil
				break
			}
			p.spelled = append(p.spelled, sc.Slot(lang.SpelledName(key)))
		}
	}
}

// pathNames declares the output fields of paths: the names given, or the paths
// themselves.
func pathNames(sc *lang.Scope, paths []*syntax.String, names []*syntax.Field, what string) []event.Slot {
	if len(names) > 0 && len(names) != len(paths) {
		sc.Error(names[0], what+"-names", fmt.Sprintf("there are %s and %s", count(len(paths), what, what+"s"), count(len(names), "name", "names")), "give each "+what+" one name")
	}
	if len(paths) == 0 {
		sc.Error(sc.Stage(), what+"-missing", "no "+what+" is given", "write what to take out, in double quotes")
	}
	var outs []event.Slot
	for i, p := range paths {
		if i < len(names) {
			outs = append(outs, sc.Make(names[i]))
		} else {
			outs = append(outs, sc.MakeName(p.Value))
		}
	}
	return outs
}

func (p *jsonOp) Needs(f *event.Fields) {
	if p.nodrop || !p.first {
		f.Add(p.outs...)
	} else {
		f.Remove(p.outs...)
	}
	f.Add(p.from)
	f.Add(p.spelled...)
}

func (p *jsonOp) Facts(f lang.Facts) lang.Facts {
	f.Paths = &lang.Paths{Outs: p.outs, Drops: p.drops()}
	if p.From == nil || p.From.Name == "_raw" {
		for _, s := range p.Taken {
			f.Paths.Paths = append(f.Paths.Paths, s.Value)
		}
	}
	return f
}

func (p *jsonOp) Open(_ *exec.Runtime, next exec.Sink) exec.Task {
	paths := jsondoc.NewPaths(p.paths)
	read := make([]event.Value, len(p.spelled))
	return &each{next: next, fn: func(b *event.Batch) error {
		p.begin(b)
		from := *b.Col(p.from)
		if p.taken(b) {
			p.forget(b)
			return nil
		}
		live := b.Live[:0]
		for _, row := range b.Live {
			ok := false
			if done := p.spelt(b, row, read); done {
				ok = !slices.ContainsFunc(read, missing)
				if ok || p.nodrop {
					for i, v := range read {
						switch {
						case missing(v):
						case v.Kind() == event.Boolean:
							b.Col(p.outs[i]).Set(row, event.Value{})
						default:
							b.Col(p.outs[i]).Set(row, v)
						}
					}
				}
			} else if v := from.At(row); !v.IsNull() {
				vals, isJSON := evalJSON(paths, bytesOf(v.Str()))
				ok = isJSON
				for _, w := range vals {
					ok = ok && w.Kind != jsondoc.Missing
				}
				if ok || p.nodrop {
					for i, w := range vals {
						if w.Kind != jsondoc.Missing {
							b.Col(p.outs[i]).Set(row, jsonText(w))
						}
					}
				}
			}
			if p.settle(b, row, ok) {
				live = append(live, row)
			}
		}
		b.Live = live
		p.forget(b)
		return nil
	}}
}

// missing reports whether a reader says that there is no such key.
func missing(v event.Value) bool {
	return v.Kind() == event.Boolean && v.True() == lang.SpelledNone
}

// spelt fills read with what a reader has found of the paths in a row, and reports
// whether it has looked for them.
func (p *jsonOp) spelt(b *event.Batch, row uint16, read []event.Value) bool {
	for i, s := range p.spelled {
		if read[i] = b.Value(s, row); read[i].IsNull() {
			return false
		}
	}
	return len(p.spelled) > 0
}

// taken does for a batch what Open's loop does, by columns, where a reader has looked for
// the paths in each row and no row has null under one: rows without one are dropped, and
// the others have the reader's columns.
func (p *jsonOp) taken(b *event.Batch) bool {
	if len(p.spelled) == 0 || !p.drops() {
		return false
	}
	live := make([]uint16, 0, len(b.Live))
	for _, row := range b.Live {
		ok := true
		for _, s := range p.spelled {
			switch v := b.Value(s, row); {
			case missing(v):
				ok = false
			case v.Kind() != event.String:
				return false
			}
		}
		if ok {
			live = append(live, row)
		}
	}
	b.Live = append(b.Live[:0], live...)
	for i, s := range p.spelled {
		b.Col(p.outs[i])
		b.Col(p.outs[i]).Alias(b.Col(s))
	}
	return true
}

// forget empties the reader's columns, which are no fields of the event. What has
// their values keeps them.
func (p *jsonOp) forget(b *event.Batch) {
	for _, s := range p.spelled {
		b.Col(s).Reset()
	}
}

// evalJSON follows paths into a text that is JSON as a whole, or else into the
// last object in it; ok is false when there is none.
func evalJSON(paths *jsondoc.Paths, text []byte) (vals []jsondoc.Value, ok bool) {
	if start := bytes.TrimLeft(text, " \t\r\n"); len(start) > 0 && (start[0] == '{' || start[0] == '[') {
		if vals, err := paths.Eval(text); err == nil {
			return vals, true
		}
	}
	if text = jsondoc.Find(text); len(text) == 0 {
		return nil, false
	}
	vals, err := paths.Eval(text)
	return vals, err == nil
}

// bytesOf is the bytes of a text, not to be written to.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// jsonText is a JSON value as a field, or null. Its text may be lent.
func jsonText(v jsondoc.Value) event.Value {
	switch {
	case v.Kind == jsondoc.Null || v.Kind == jsondoc.Missing:
		return event.Value{}
	case v.IsArray():
		return event.List(string(v.Raw))
	case v.Plain():
		return event.Text(unsafe.String(unsafe.SliceData(v.Raw), len(v.Raw)))
	}
	return event.Text(string(v.AppendText(nil)))
}
