package op

import (
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
	"github.com/gyoji-dev/gyoji/syntax"
)

const (
	schemaDepth   = 5   // maxdepth unless it is written (spec C.7)
	schemaKeysMax = 100 // keys of a schema (spec C.7)
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "logreduce keys", Usage: "(logreduce keys) {[,] parser [=] (json|keyvalue)|[,] maxdepth [=] <depth:int>|[,] field [=] <from:field>|noaggregate}",
		Summary: "Counts messages by the keys that they have.",
		Text: "The schema of a message is the list of its keys, flattened (`a.b`) down to `maxdepth`, 5 unless written, at most 100 of them; keys inside arrays do not count. " +
			"Rows have `_signature_id`, `_schema` and `_count`, the most common first. A message that has no keys is `unknown`, with the id 0000000000000000. " +
			"`noaggregate` keeps the messages and adds `_signature_id` and `_schema` to them.",
		Differs: "The ids are of an algorithm of ours, the same in every run. Stages after it see counts unless `noaggregate` is written.",
		Examples: []lang.Example{
			{Query: `* | logreduce keys`, In: []string{`{"a":1,"b":{"c":2}}`, `{"b":{"c":3},"a":1}`, `{"d":1}`}, Out: []string{`{"_schema":"a, b.c","_count":2}`, `{"_schema":"d","_count":1}`}},
		},
	},
	Flow:  lang.Collects,
	Facts: lang.Facts{Rows: lang.Makes, Costly: true},
	New:   func() lang.Stage { return new(logreduceKeys) },
})

type logreduceKeys struct {
	Pairs bool           `usage:"keyvalue"`
	Depth *syntax.Number `usage:"depth"`
	From  *syntax.Field  `usage:"from"`
	Keep  bool           `usage:"noaggregate"`

	from              event.Slot
	id, schema, count event.Slot
	options           jsondoc.FlattenOptions
	tallying
}

// Facts are other ones where messages are kept.
func (s *logreduceKeys) Facts(f lang.Facts) lang.Facts {
	f.Apart = s.Keep
	return f
}

func (s *logreduceKeys) Check(sc *lang.Scope) {
	s.check(sc)
	s.from = sc.ReadName("_raw")
	if s.From != nil {
		s.from = sc.Read(s.From)
	}
	s.options.MaxDepth = schemaDepth
	if s.Depth != nil {
		if s.Depth.Int < 1 {
			sc.Error(s.Depth, "bad-depth", "maxdepth is at least 1", "write maxdepth=1, or leave it out")
		}
		s.options.MaxDepth = int(s.Depth.Int)
	}
	if s.Keep {
		s.id, s.schema = sc.MakeName("_signature_id"), sc.MakeName("_schema")
		return
	}
	s.id, s.schema, s.count = sc.Slot("_signature_id"), sc.Slot("_schema"), sc.Slot("_count")
	sc.Records(lang.Column{Slot: s.id, Name: "_signature_id"}, lang.Column{Slot: s.schema, Name: "_schema"}, lang.Column{Slot: s.count, Name: "_count"})
}

func (s *logreduceKeys) Needs(f *event.Fields) {
	if s.Keep {
		f.Remove(s.id, s.schema)
	} else {
		f.Clear()
	}
	f.Add(s.from)
}

// of is the schema of a text: its keys in order.
func (s *logreduceKeys) of(text string) string {
	var keys []string
	if s.Pairs {
		autoPairs(text, "", func(k, _ string) { keys = append(keys, k) })
	} else if doc := jsondoc.Find([]byte(text)); len(doc) > 0 {
		err := jsondoc.Flatten(doc, s.options, func(name []byte, _ jsondoc.Value) {
			if !strings.Contains(string(name), "[") {
				keys = append(keys, string(name))
			}
		})
		if err != nil {
			keys = nil
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	if len(keys) > schemaKeysMax {
		keys = keys[:schemaKeysMax]
	}
	if len(keys) == 0 {
		return "unknown"
	}
	return sentence(keys)
}

// idOf names a schema.
func idOf(schema string) string {
	if schema == "unknown" {
		return "0000000000000000"
	}
	return signature{text: schema}.id()
}

func (s *logreduceKeys) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	if !s.Keep {
		return &schemaTask{logreduceKeys: s, rt: rt, next: next, counts: s.open(rt, "logreduce keys")}
	}
	cols, vals := make([]event.Column, 2), make([]event.Value, 2)
	keys := []event.Slot{s.from}
	return &each{next: next, fn: func(b *event.Batch) error {
		perKey(b, keys, cols, func(key []event.Value) []event.Value {
			schema := s.of(key[0].Str())
			vals[0], vals[1] = event.Text(idOf(schema)), event.Text(schema)
			return vals
		})
		b.Col(s.id).Alias(&cols[0])
		b.Col(s.schema).Alias(&cols[1])
		return nil
	}}
}

type schemaTask struct {
	untimed
	*logreduceKeys
	rt     *exec.Runtime
	next   exec.Sink
	counts *tally
	buf    []byte
}

func (t *schemaTask) Push(b *event.Batch) error {
	for _, row := range b.Live {
		t.buf = append(t.buf[:0], t.of(b.Value(t.from, row).Str())...)
		if err := t.counts.add(t.buf, [2]int64{1}); err != nil {
			return err
		}
	}
	return nil
}

func (t *schemaTask) Merge(o exec.Task) error { return t.counts.merge(o.(*schemaTask).counts) }

func (t *schemaTask) Flush() error {
	defer t.counts.close()
	return t.Snapshot()
}

func (t *schemaTask) Save(to *exec.Saver) error    { return t.counts.save(to) }
func (t *schemaTask) Load(from *exec.Loader) error { return t.counts.load(from) }

// Snapshot pushes the schemas so far.
func (t *schemaTask) Snapshot() error {
	rows := newRanked(t.rt, "logreduce keys", false, 0, t.count, t.schema)
	if err := t.counts.each(func(schema string, n [2]int64) error {
		b, row, err := rows.row(0)
		if err != nil {
			return err
		}
		b.Col(t.schema).Set(row, event.Text(schema))
		b.Col(t.count).Set(row, event.Int(n[0]))
		return nil
	}); err != nil {
		return err
	}
	return rows.flush(func(b *event.Batch) error {
		for _, row := range b.Live {
			b.Col(t.id).Set(row, event.Text(idOf(b.Value(t.schema, row).Str())))
		}
		return t.next.Push(b)
	})
}
