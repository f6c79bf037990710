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
		Name: "cat", Usage: "cat <table:path>",
		Summary:  "Gives the rows of a lookup table.",
		Text:     "It stands at the start of a query; no logs are read. `--table PATH=FILE` names the table's file. A table that is not given has no rows, with a warning.",
		Examples: []lang.Example{{Query: `cat path://"/Library/Users" | count`, In: []string{"a message"}, Out: []string{`{"_count":0}`}}},
	},
	Flow:  lang.Collects,
	Facts: lang.Facts{Rows: lang.Makes, Table: true},
	New:   func() lang.Stage { return new(cat) },
})

type cat struct {
	Table *syntax.Path `usage:"table"`

	table *lookup.Table
	outs  []event.Slot
}

func (c *cat) Check(sc *lang.Scope) {
	c.table = sc.Table(c.Table)
	var cols []lang.Column
	if c.table != nil {
		for _, name := range c.table.Columns {
			s := sc.Slot(name)
			c.outs, cols = append(c.outs, s), append(cols, lang.Column{Slot: s, Name: name})
		}
	}
	sc.Records(cols...)
}

func (c *cat) Needs(f *event.Fields) { f.Clear() }

func (c *cat) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	return &catTask{cat: c, rt: rt, next: next}
}

type catTask struct {
	untimed
	*cat
	rt   *exec.Runtime
	next exec.Sink
}

// Push takes no messages: the first batch ends the reading.
func (t *catTask) Push(*event.Batch) error { return exec.ErrStop }

func (t *catTask) Merge(exec.Task) error { return nil }

func (t *catTask) Save(*exec.Saver) error  { return nil }
func (t *catTask) Load(*exec.Loader) error { return nil }
func (t *catTask) Flush() error            { return t.Snapshot() }

// Snapshot pushes the table, which is all there ever is.
func (t *catTask) Snapshot() error {
	if t.table == nil {
		return nil
	}
	out := made{rt: t.rt, next: t.next}
	for i, r := range t.table.Rows {
		row, err := out.row(0, uint64(i))
		if err != nil {
			return err
		}
		for j, s := range t.outs {
			out.Col(s).Set(row, r[j])
		}
	}
	return out.flush()
}
