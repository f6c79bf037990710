package op

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "withtime", Usage: "withtime <of:field>",
		Summary: "Puts a field and the time of its message together, for most_recent and least_recent.",
		Text: "The new field is named after the first: `withtime status` makes `status_withtime`. It is JSON text: the value, and `_messageTime` in ms, which is null where the event has no time: the two aggregates leave it out. " +
			"It stands before the aggregate, while rows are messages.",
		Differs: "The text that Sumo Logic makes is not documented; only the two aggregates read it.",
		Examples: []lang.Example{
			{Query: `* | withtime s | most_recent(s_withtime) as s`, In: []string{`{"_raw":"1","_messageTime":1704067200000,"s":"up"}`, `{"_raw":"2","_messageTime":1704067201000,"s":"down"}`}, Out: []string{`{"s":"down"}`}},
			{Query: `* | withtime s | fields s_withtime`, In: []string{`{"_raw":"1","_messageTime":1704067200000,"s":"up"}`}, Out: []string{`{"s_withtime":"{\"value\":\"up\",\"time\":1704067200000}"}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Keeps, Alone: true},
	New:   func() lang.Stage { return new(withtime) },
})

type withtime struct {
	Of *syntax.Field `usage:"of"`

	of, out event.Slot
}

func (w *withtime) Check(sc *lang.Scope) {
	if !sc.Messages {
		sc.Error(sc.Stage(), "withtime-after-aggregate", "withtime reads the time of messages, and here are the rows of an aggregate", "put withtime before the aggregate")
	}
	w.of = sc.Read(w.Of)
	w.out = sc.MakeName(w.Of.Name + "_withtime")
}

func (w *withtime) Needs(f *event.Fields) {
	f.Remove(w.out)
	f.Add(w.of)
}

func (w *withtime) Open(_ *exec.Runtime, next exec.Sink) exec.Task {
	var out event.Column
	var buf []byte
	return &each{next: next, fn: func(b *event.Batch) error {
		out.Reset()
		for _, row := range b.Live {
			buf = appendJSON(append(buf[:0], `{"value":`...), b.Value(w.of, row))
			buf = append(buf, `,"time":`...)
			if b.Time[row] == event.NoTime {
				buf = append(buf, "null"...)
			} else {
				buf = strconv.AppendInt(buf, b.Time[row], 10)
			}
			out.Set(row, event.Text(string(append(buf, '}'))))
		}
		b.Col(w.out).Alias(&out)
		return nil
	}}
}

// appendJSON appends a value as JSON. Numbers that JSON lacks become text.
func appendJSON(dst []byte, v event.Value) []byte {
	switch v.Kind() {
	case event.Null:
		return append(dst, "null"...)
	case event.Long, event.Date, event.Boolean:
		return v.AppendText(dst)
	case event.Double:
		if f, _ := v.Float(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return v.AppendText(dst)
		}
	}
	text, err := json.Marshal(v.Str()) // text always can be
	if err != nil {
		panic("bug: op: " + err.Error())
	}
	return append(dst, text...)
}
