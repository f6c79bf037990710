package op

import (
	"errors"
	"fmt"
	"os"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "save", Usage: "save [append] <table:path>",
		Summary: "Writes the rows to a lookup table.",
		Text: "The table is replaced; with `append` rows are added, and where the table has a key, rows of an equal key are replaced. " +
			"All columns of the table must be there, other fields are left out. The rows pass through to the result; stages after `save` do not run. " +
			"The table's file is named by `--table PATH=FILE` and made if it does not exist; its name ends in .csv or .json. A table that is not given is not saved, with a warning. The rows must fit the memory budget, as a table is looked up in memory.",
		Differs: "A table need not exist before.",
		Examples: []lang.Example{
			{Query: `* | count by k | save path://"/Library/T"`, In: []string{`{"_raw":"","k":"a"}`}, Out: []string{`{"k":"a","_count":1}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Keeps, Ends: true},
	New:   func() lang.Stage { return new(save) },
})

type save struct {
	Append bool         `usage:"append"`
	Table  *syntax.Path `usage:"table"`

	library *lookup.Library // nil when the table is not given
	names   []string
	slots   []event.Slot
}

func (s *save) Check(sc *lang.Scope) {
	t, err := sc.Tables.Table(s.Table.Text)
	switch {
	case errors.Is(err, lookup.ErrUnbound):
		sc.Miss(s.Table, "the table "+s.Table.Text, "name its file: --table '"+s.Table.Text+"=FILE'")
		return
	case err != nil && !errors.Is(err, os.ErrNotExist):
		sc.Error(s.Table, "bad-table", err.Error(), "give another file with --table")
		return
	}
	s.library = sc.Tables
	if t == nil {
		for _, c := range sc.Known() {
			s.names, s.slots = append(s.names, c.Name), append(s.slots, c.Slot)
		}
		if len(s.names) == 0 {
			sc.Error(sc.Stage(), "nothing-to-save", "no field is known that a new table could have", "name the columns before: | fields a, b")
		}
		return
	}
	have := sc.Known()
	for _, name := range t.Columns {
		slot := sc.Slot(name)
		if sc.Columns != nil {
			found := false
			for _, c := range have {
				found = found || c.Slot == slot
			}
			if !found {
				sc.Error(s.Table, "missing-column", "the table has a column "+name+" that the rows lack", "make the field before, or name it so with as")
			}
		}
		s.names, s.slots = append(s.names, name), append(s.slots, slot)
	}
}

func (s *save) Needs(f *event.Fields) { f.Add(s.slots...) }

func (s *save) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	return &saveTask{save: s, next: next, acct: rt.Budget.Open("save")}
}

type saveTask struct {
	*save
	next exec.Sink
	acct *exec.Account
	rows [][]event.Value
	done bool // what comes after wants no more
}

func (t *saveTask) Push(b *event.Batch) error {
	if t.library != nil {
		for _, row := range b.Live {
			vals := make([]event.Value, len(t.slots))
			n := int64(24)
			for i, s := range t.slots {
				vals[i] = b.Value(s, row).Clone()
				n += 32 + int64(len(vals[i].Str()))
			}
			if !t.acct.Hold(n) {
				return t.acct.Over(fmt.Sprintf("%d rows, which must be held all at once", len(t.rows)), "save fewer rows")
			}
			t.rows = append(t.rows, vals)
		}
	}
	if t.done {
		return nil
	}
	err := t.next.Push(b)
	if errors.Is(err, exec.ErrStop) {
		t.done, err = true, nil
	}
	return err
}

func (t *saveTask) Flush() error {
	defer t.acct.Release()
	if t.library == nil {
		return nil
	}
	return t.library.Save(t.Table.Text, t.names, t.rows, t.Append)
}
