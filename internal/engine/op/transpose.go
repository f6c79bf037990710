package op

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// transposeMax is how many columns transpose makes of the data (spec C.1).
const transposeMax = 300

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "transpose", Usage: "transpose row <rows:field,...> column <columns:field,...> [as <names:column,...>]",
		Summary: "Turns the values of a field into columns.",
		Text: "One row comes out for each value of the row fields, one column for each value of the column fields, named by its text; several column fields are joined by a blank. " +
			"The cell is the field that is left. Cells that nothing fills are null. Columns come in the order of their names, after the row fields. " +
			"`as a, b` gives only those columns, `as a, b, *` those first and then the others. " +
			"It stands after an aggregate. Beyond 300 columns the rest is left out and counted. Beyond the memory budget it goes to disk.",
		Differs: "Rows come in the order in which they are met (OP-42). Later stages may name any column. When two rows fill one cell the later one stays, and it is counted.",
		Examples: []lang.Example{
			{Query: `* | count by t, s | transpose row t column s`, In: []string{`{"_raw":"","t":"1","s":"200"}`, `{"_raw":"","t":"1","s":"404"}`, `{"_raw":"","t":"2","s":"200"}`}, Out: []string{`{"t":"2","200":1,"404":null}`, `{"t":"1","200":1,"404":1}`}},
			{Query: `* | count by t, s | transpose row t column s as %"404", *`, In: []string{`{"_raw":"","t":"1","s":"200"}`, `{"_raw":"","t":"1","s":"404"}`}, Out: []string{`{"t":"1","404":1,"200":1}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Makes, Whole: true},
	New:   func() lang.Stage { return new(transpose) },
})

type transpose struct {
	Rows    []*syntax.Field `usage:"rows"`
	Columns []*syntax.Field `usage:"columns"`
	Names   []syntax.Node   `usage:"names"` // fields and Stars

	rows, columns []event.Slot
	cell          event.Slot
	key, name     event.Slot // hidden
}

func (t *transpose) Check(sc *lang.Scope) {
	if sc.Messages {
		sc.Error(sc.Stage(), "transpose-before-aggregate", "transpose works on the rows of an aggregate, and here are messages", "put an aggregate before it: count by "+names(t.Rows)+", "+names(t.Columns))
	}
	t.key, t.name = hidden(sc, "stream"), hidden(sc, "name")
	var cols []lang.Column
	taken := map[event.Slot]bool{}
	for _, f := range t.Rows {
		s := sc.Read(f)
		t.rows, taken[s] = append(t.rows, s), true
		cols = append(cols, lang.Column{Slot: s, Name: f.Name})
	}
	for _, f := range t.Columns {
		s := sc.Read(f)
		if taken[s] {
			sc.Error(f, "transpose-twice", f.Name+" cannot be both row and column", "name different fields")
		}
		t.columns, taken[s] = append(t.columns, s), true
	}
	t.cell = event.None
	var cell string
	for _, c := range sc.Columns {
		switch {
		case taken[c.Slot]:
		case t.cell == event.None:
			t.cell, cell = c.Slot, c.Name
		default:
			sc.Warn(sc.Stage(), "transpose-cells", fmt.Sprintf("cells hold %s, and %s is left out", cell, c.Name), "keep one field for the cells: | fields "+names(t.Rows)+", "+names(t.Columns)+", "+cell)
		}
	}
	if t.cell == event.None && !sc.Messages {
		sc.Error(sc.Stage(), "transpose-without-cell", "no field is left for the cells", "put an aggregate before transpose: count by "+names(t.Rows)+", "+names(t.Columns))
	}
	for _, n := range t.Names {
		if f, ok := n.(*syntax.Field); ok {
			s := sc.Slot(f.Name)
			for _, c := range cols {
				if c.Slot == s && c.Name != f.Name { // apart in letter case alone (OP-54)
					s = sc.Layout.Exact(f.Name)
				}
			}
			cols = append(cols, lang.Column{Slot: s, Name: f.Name})
		} else {
			cols = append(cols, lang.Late())
		}
	}
	if t.Names == nil {
		cols = append(cols, lang.Late())
	}
	sc.Records(cols...)
}

func names(fields []*syntax.Field) string {
	var out []string
	for _, f := range fields {
		out = append(out, f.Name)
	}
	return strings.Join(out, ", ")
}

func (t *transpose) Needs(f *event.Fields) {
	f.Clear()
	f.Add(t.rows...)
	f.Add(t.columns...)
	f.Add(t.cell)
}

func (t *transpose) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	var f, name event.Fields
	f.Add(t.rows...)
	f.Add(t.cell)
	name.Add(t.name)
	return &transposeTask{
		transpose: t, rt: rt, next: next, acct: rt.Budget.Open("transpose"), met: map[string]bool{},
		cells: exec.NewSorter(rt, "transpose", exec.Order{Keys: []exec.Key{{Slot: t.key}, {Slot: t.name}}}, exec.NewCodec(&f, t.key, t.name), 0),
		names: exec.NewSorter(rt, "transpose", exec.Order{Keys: []exec.Key{{Slot: t.name}}}, exec.NewCodec(&name), 0),
	}
}

// transposeTask puts cells in order by the row and the column that they are of.
type transposeTask struct {
	*transpose
	rt   *exec.Runtime
	next exec.Sink
	acct *exec.Account

	cells *exec.Sorter
	names *exec.Sorter    // of columns, most of them once
	met   map[string]bool // those that are not put into names again
	n     uint64
	buf   []byte
}

func (t *transposeTask) Push(b *event.Batch) error {
	t.n = arrive(b, t.n)
	b.Col(t.key).Reset()
	b.Col(t.name).Reset()
	var found event.Batch
	for _, row := range b.Live {
		t.buf = t.buf[:0]
		for _, s := range t.rows {
			t.buf = appendKey(t.buf, b.Value(s, row))
		}
		b.Col(t.key).Set(row, event.Text(string(t.buf)))
		t.buf = t.buf[:0]
		for i, s := range t.columns {
			if i > 0 {
				t.buf = append(t.buf, ' ')
			}
			t.buf = b.Value(s, row).AppendText(t.buf)
		}
		name := string(t.buf)
		b.Col(t.name).Set(row, event.Text(name))
		if t.met[name] {
			continue
		}
		if !t.acct.Add(int64(len(name)) + 64) {
			clear(t.met)
			t.acct.Release()
		}
		t.met[name] = true
		found.Col(t.name).Set(found.AddRow(0, 0), event.Text(name))
	}
	if err := t.cells.Add(b); err != nil {
		return err
	}
	return t.names.Add(&found)
}

// eachName gives the names of all columns in order.
func (t *transposeTask) eachName(give func(name string)) error {
	last, some := "", false
	return t.names.Snapshot(sinkFunc(func(b *event.Batch) error {
		for _, row := range b.Live {
			if name := b.Value(t.name, row).Str(); !some || name != last {
				last, some = strings.Clone(name), true
				give(last)
			}
		}
		return nil
	}))
}

// slots gives each column that is shown its place in the layout.
func (t *transposeTask) slots() (map[string]event.Slot, error) {
	slots := map[string]event.Slot{}
	claimed := map[event.Slot]bool{}
	for _, s := range t.rows {
		claimed[s] = true
	}
	// A column that the query spells just so takes precedence over one that
	// differs in letter case (OP-54).
	if err := t.eachName(func(name string) {
		if s, ok := t.rt.Layout.Find(name); ok && t.rt.Layout.Name(s) == name && !claimed[s] {
			slots[name], claimed[s] = s, true
		}
	}); err != nil {
		return nil, err
	}
	var shown []event.Slot
	n := 0
	err := t.eachName(func(name string) {
		at := n
		n++
		if at >= transposeMax {
			delete(slots, name)
			t.rt.Warnings.Add(fmt.Sprintf("transpose: a column beyond the first %d", transposeMax), true, exec.Sample{Pos: uint64(at), Detail: "column " + name})
			return
		}
		s, ok := slots[name]
		if !ok {
			if s, ok = t.rt.Layout.Find(name); !ok || claimed[s] {
				s = t.rt.Layout.Exact(name)
			}
			if s == event.None || claimed[s] {
				t.rt.Warnings.Add("transpose: a column that cannot be named", true, exec.Sample{Pos: uint64(at), Detail: "column " + name + " is named like a row field, or the query has too many fields"})
				return
			}
			slots[name], claimed[s] = s, true
		}
		shown = append(shown, s)
	})
	t.rt.Layout.SetFound(shown)
	return slots, err
}

// transposed is one row of the result on its way.
type transposed struct {
	first uint64 // the first that it is made of
	time  int64
	key   []event.Value
	cells map[event.Slot]event.Value
}

func (t *transposeTask) Flush() error {
	t.acct.Release()
	t.met = nil
	slots, err := t.slots()
	if err != nil {
		return err
	}
	t.names.Close()
	var f event.Fields
	f.Add(t.rows...)
	for _, s := range slots {
		f.Add(s)
	}
	rows := exec.NewSorter(t.rt, "transpose", exec.Order{}, exec.NewCodec(&f), 0)
	out := made{rt: t.rt, next: sinkFunc(rows.Add)}
	at := transposed{cells: map[event.Slot]event.Value{}}
	key, name, some := "", "", false
	end := func() error {
		row, err := out.row(at.time, at.first)
		if err != nil {
			return err
		}
		for i, s := range t.rows {
			out.Col(s).Set(row, at.key[i])
		}
		for s, v := range at.cells {
			out.Col(s).Set(row, v)
		}
		clear(at.cells)
		return nil
	}
	if err := t.cells.Flush(sinkFunc(func(b *event.Batch) error {
		for _, row := range b.Live {
			k, col := b.Value(t.key, row).Str(), b.Value(t.name, row).Str()
			fresh := !some || k != key
			if fresh && some {
				if err := end(); err != nil {
					return err
				}
			}
			if fresh || b.Pos[row] < at.first {
				at.first, at.time, at.key = b.Pos[row], b.Time[row], nil
				for _, s := range t.rows {
					at.key = append(at.key, b.Value(s, row).Clone())
				}
			}
			if !fresh && col == name {
				t.rt.Warnings.Add("transpose: a cell that two rows fill", true, exec.Sample{Pos: b.Pos[row], Detail: "column " + name})
			} else {
				name = strings.Clone(col)
			}
			if fresh {
				key, some = strings.Clone(k), true
			}
			if s, ok := slots[name]; ok {
				at.cells[s] = b.Value(t.cell, row).Clone()
			}
		}
		return nil
	})); err != nil {
		return err
	}
	if some {
		if err := end(); err != nil {
			return err
		}
	}
	if err := out.flush(); err != nil {
		return err
	}
	var n uint64
	return rows.Flush(sinkFunc(func(b *event.Batch) error {
		n = arrive(b, n)
		return t.next.Push(b)
	}))
}
