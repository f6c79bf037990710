package op

import (
	"fmt"
	"slices"
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
			"It stands after an aggregate. Beyond 300 columns the rest is left out and counted. The table must fit the memory budget.",
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
}

func (t *transpose) Check(sc *lang.Scope) {
	if sc.Messages {
		sc.Error(sc.Stage(), "transpose-before-aggregate", "transpose works on the rows of an aggregate, and here are messages", "put an aggregate before it: count by "+names(t.Rows)+", "+names(t.Columns))
	}
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
	return &transposeTask{transpose: t, rt: rt, next: next, acct: rt.Budget.Open("transpose"), at: map[string]int{}, columnAt: map[string]int{}}
}

// transposed is one row of the result.
type transposed struct {
	time  int64
	key   []event.Value
	cells map[int]event.Value // by column as first seen
}

type transposeTask struct {
	*transpose
	rt   *exec.Runtime
	next exec.Sink
	acct *exec.Account

	table    []*transposed
	at       map[string]int // row of a key
	found    []string       // texts of the columns, as first seen
	columnAt map[string]int
	buf      []byte
}

func (t *transposeTask) Push(b *event.Batch) error {
	for _, row := range b.Live {
		grown := 0
		t.buf = t.buf[:0]
		for i, s := range t.columns {
			if i > 0 {
				t.buf = append(t.buf, ' ')
			}
			t.buf = b.Value(s, row).AppendText(t.buf)
		}
		col, ok := t.columnAt[string(t.buf)]
		if !ok {
			name := string(t.buf)
			col = len(t.found)
			t.found, t.columnAt[name] = append(t.found, name), col
			grown += len(name) + 64
		}
		t.buf = t.buf[:0]
		for _, s := range t.rows {
			t.buf = appendKey(t.buf, b.Value(s, row))
		}
		i, ok := t.at[string(t.buf)]
		if !ok {
			r := &transposed{cells: map[int]event.Value{}}
			if int(row) < len(b.Time) {
				r.time = b.Time[row]
			}
			for _, s := range t.rows {
				r.key = append(r.key, b.Value(s, row).Clone())
			}
			i = len(t.table)
			t.table, t.at[string(t.buf)] = append(t.table, r), i
			grown += 2*len(t.buf) + 160
		}
		v := b.Value(t.cell, row).Clone()
		if _, twice := t.table[i].cells[col]; twice {
			t.rt.Warnings.Add("transpose: a cell that two rows fill", true, exec.Sample{Detail: "column " + t.found[col]})
		}
		t.table[i].cells[col] = v
		grown += 64 + len(v.Str())
		if !t.acct.Add(int64(grown)) && len(t.table) > 1 {
			return t.acct.Over(fmt.Sprintf("a table of %d rows and %d columns", len(t.table), len(t.found)), "filter earlier, or transpose fewer rows")
		}
	}
	return nil
}

// slots gives each column its place in the layout, and says in which order
// they are shown. event.None stands for a column that is left out.
func (t *transposeTask) slots() []event.Slot {
	order := make([]int, len(t.found))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(t.found[a], t.found[b]) })
	slots := make([]event.Slot, len(t.found))
	claimed := map[event.Slot]bool{}
	for i := range slots {
		slots[i] = event.None
	}
	for _, s := range t.rows {
		claimed[s] = true
	}
	// A column that the query spells just so takes precedence over one that
	// differs in letter case (OP-54).
	for _, i := range order {
		if s, ok := t.rt.Layout.Find(t.found[i]); ok && t.rt.Layout.Name(s) == t.found[i] && !claimed[s] {
			slots[i], claimed[s] = s, true
		}
	}
	var shown []event.Slot
	for n, i := range order {
		if n >= transposeMax {
			slots[i] = event.None
			t.rt.Warnings.Add(fmt.Sprintf("transpose: a column beyond the first %d", transposeMax), true, exec.Sample{Pos: uint64(n), Detail: "column " + t.found[i]})
			continue
		}
		if slots[i] == event.None {
			s, ok := t.rt.Layout.Find(t.found[i])
			if !ok || claimed[s] {
				s = t.rt.Layout.Exact(t.found[i])
			}
			if s == event.None || claimed[s] {
				t.rt.Warnings.Add("transpose: a column that cannot be named", true, exec.Sample{Pos: uint64(n), Detail: "column " + t.found[i] + " is named like a row field, or the query has too many fields"})
				continue
			}
			slots[i], claimed[s] = s, true
		}
		shown = append(shown, slots[i])
	}
	t.rt.Layout.SetFound(shown)
	return slots
}

func (t *transposeTask) Flush() error {
	defer t.acct.Release()
	slots := t.slots()
	out := made{rt: t.rt, next: t.next}
	for n, r := range t.table {
		row, err := out.row(r.time, uint64(n))
		if err != nil {
			return err
		}
		for i, s := range t.rows {
			out.Col(s).Set(row, r.key[i])
		}
		for col, v := range r.cells {
			if slots[col] != event.None {
				out.Col(slots[col]).Set(row, v)
			}
		}
	}
	return out.flush()
}
