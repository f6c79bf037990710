package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "backshift", Usage: "backshift <of:field> [[,] <n:int>] {as <out:field>|by <groups:field,...>}",
		Summary: "The value that a field had some rows before.",
		Text: "Without a number it is the row before; at most 1,000 rows back. Where there is none the result is null. " +
			"A value that is null or no number gives null and is not counted as a row to go back to. The column is `_backshift`.",
		Differs: "OP-56: null and text are passed over, and their rows stay.",
		Examples: []lang.Example{
			{Query: `* | sum(n) as n by t | sort by t asc | backshift n`, In: numbersInOrder, Out: []string{`{"t":"1","_backshift":null}`, `{"t":"2","_backshift":2}`, `{"t":"3","_backshift":4}`}},
			{Query: `* | sum(n) as n by t | sort by t asc | backshift n, 2 as b`, In: numbersInOrder, Out: []string{`{"t":"1","b":null}`, `{"t":"2","b":null}`, `{"t":"3","b":2}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Keeps},
	New: func() lang.Stage {
		return &running{name: "backshift", result: "_backshift", n: 1, open: func(n int) step { return &backshift{n: n} }}
	},
})

type backshift struct {
	n    int
	vals []event.Value // the last n, oldest at at
	at   int
}

func (s *backshift) next(v event.Value) (event.Value, bool) {
	if _, ok := v.Float(); !ok {
		return event.Value{}, true
	}
	if len(s.vals) < s.n {
		s.vals = append(s.vals, v.Clone())
		return event.Value{}, true
	}
	old := s.vals[s.at]
	s.vals[s.at] = v.Clone()
	s.at = (s.at + 1) % s.n
	return old, true
}

func (s *backshift) bytes() int { return 48 * s.n }
