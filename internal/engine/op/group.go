package op

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// groupMark is the scope's mark of the last aggregate, whose groups compare and
// predict ask for.
const groupMark = "group"

// group runs aggregates by key: "count, sum(x) by y".
type group struct {
	stage *syntax.Stage

	by   []event.Slot
	cols []event.Slot // output slots of by: an alias differs from its source
	aggs []lang.Aggregator
	outs []event.Slot // of all aggregates' columns, in order
	name string

	records bool // rows arrive in the order of the stream
	counts  bool // some aggregate is count: no rows at all give one row of 0 (OP-26, OP-59)
}

func (g *group) Check(sc *lang.Scope) {
	g.records = sc.Ordered || !sc.Messages
	var cols []lang.Column
	for _, n := range g.stage.By {
		f, ok := n.X.(*syntax.Field)
		if !ok {
			text := strings.TrimSpace(sc.File.Slice(n.X.Span()))
			sc.Error(n, "group-by-expression", "rows are grouped by fields, not by an expression",
				fmt.Sprintf("give it a name first: | %s as key | %s by key", text, g.stage.Op.Text))
			continue
		}
		g.by = append(g.by, sc.Read(f))
		as := f
		if n.As != nil {
			as = n.As
		}
		cols = append(cols, lang.Column{Slot: sc.Slot(as.Name), Name: as.Name})
	}
	seen := map[string]*syntax.Agg{}
	for _, a := range g.stage.Aggs {
		word := sc.Vocab.AggregateOf(a.Func.Text)
		if word == nil {
			sc.Error(a.Func, "stands-alone", a.Func.Text+" is an operator of its own, no group function", "write it in a stage of its own, without the others: | "+a.Func.Text+" ...")
			continue
		}
		if word.Dialect != "" {
			sc.Warn(a.Func, "nonportable-aggregate", word.Name+" is not a Sumo Logic group function", "write "+word.Dialect)
		}
		ag := word.New(&lang.AggSite{Node: a, Scope: sc})
		g.counts = g.counts || word.Name == "count"
		if a.As != nil {
			if len(ag.Out) == 1 {
				ag.Out[0] = a.As.Name
			} else {
				sc.Warn(a.As, "alias-unused", fmt.Sprintf("%s makes %d columns, so one name does not fit", word.Name, len(ag.Out)), "leave the alias out, or ask for one column")
			}
		}
		for _, name := range ag.Out {
			key := strings.ToLower(name)
			if first := seen[key]; first != nil {
				d := sc.Error(a, "duplicate-column", "two results are named "+name, "name one of them with as")
				d.Labels = append(d.Labels, diag.Label{Span: first.Pos, Text: "the other one"})
			}
			seen[key] = a
			cols = append(cols, lang.Column{Slot: sc.Slot(name), Name: name, Kind: word.Kind})
		}
		g.aggs = append(g.aggs, ag)
	}
	for i, c := range cols {
		if i < len(g.by) {
			g.cols = append(g.cols, c.Slot)
		} else {
			g.outs = append(g.outs, c.Slot)
		}
	}
	g.name = strings.TrimSpace(sc.File.Slice(g.stage.Pos))
	sc.Mark(groupMark, g.stage)
	sc.Records(cols...)
}

func (g *group) Needs(f *event.Fields) {
	f.Clear()
	f.Add(g.by...)
	for _, a := range g.aggs {
		f.Add(a.Args...)
	}
}

func (g *group) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	t := &groupTask{
		group: g, rt: rt, next: next,
		acct: rt.Budget.Open(g.name), groups: map[string]*groupRow{},
	}
	t.args = make([][]event.Value, len(g.aggs))
	for i, a := range g.aggs {
		t.args[i] = make([]event.Value, len(a.Args))
	}
	return t
}

// groupRow is one group: its key as first seen, its states, and the moment of
// its first row, which orders the output.
type groupRow struct {
	key   []event.Value
	accs  []lang.Accumulator
	first lang.Moment
}

// groupBytes is what a group costs besides its key and what its states report.
const groupBytes = 160

// groupsMin is how many groups a task holds whatever the budget says: without
// any, rows put aside would only be put aside again.
const groupsMin = 16

// groupParts is into how many files rows of groups that do not fit are split.
const groupParts = 16

// groupDepthMax bounds how often such files are split again.
const groupDepthMax = 6

type groupTask struct {
	*group
	rt     *exec.Runtime
	next   exec.Sink
	acct   *exec.Account
	groups map[string]*groupRow

	full  bool            // no room for further groups: their rows go to parts
	parts []*exec.RowFile // by hash of the key
	codec *exec.Codec     // of the rows in parts
	depth int

	buf  []byte
	memo []*groupRow // by the codes of the key columns, for the current batch
	args [][]event.Value
	n    uint64
}

func (t *groupTask) Push(b *event.Batch) error {
	if t.records {
		t.n = arrive(b, t.n)
	}
	// Rows whose keys have equal codes are of one group: where the values are
	// few, a table of all their combinations finds it.
	size := 1
	for _, s := range t.by {
		if size *= len(b.Col(s).Dict); size > groupTableMax {
			size = 0
			break
		}
	}
	t.memo = slices.Grow(t.memo[:0], size)[:size]
	clear(t.memo)
	for _, row := range b.Live {
		var g *groupRow
		at := 0
		if size > 0 {
			for _, s := range t.by {
				c := &b.Cols[s]
				at *= len(c.Dict)
				if int(row) < len(c.Code) {
					at += int(c.Code[row])
				}
			}
			g = t.memo[at]
		}
		if g == nil {
			var err error
			if g, err = t.find(b, row); err != nil {
				return err
			}
			if g == nil { // put aside
				continue
			}
			if size > 0 {
				t.memo[at] = g
			}
		}
		if err := t.add(g, b, row); err != nil {
			return err
		}
	}
	return nil
}

// groupTableMax is how many combinations of values a table is made for: more
// take longer to clear than the rows of a batch to look up.
const groupTableMax = 8 * event.MaxRows

// find returns the group of a row, making it if there is room; nil if the row
// was put aside.
func (t *groupTask) find(b *event.Batch, row uint16) (*groupRow, error) {
	t.buf = t.buf[:0]
	for _, s := range t.by {
		t.buf = appendKey(t.buf, b.Value(s, row))
	}
	if g := t.groups[string(t.buf)]; g != nil {
		return g, nil
	}
	if t.full {
		return nil, t.putAside(b, row)
	}
	// Half of the budget is left for the groups that come back from disk.
	if !t.room() || t.rt.Budget.Half() && len(t.groups) >= groupsMin {
		t.full = true
		return nil, t.putAside(b, row)
	}
	return t.make(b, row), nil
}

// room asks for the memory of the group whose key is in buf.
func (t *groupTask) room() bool {
	return t.acct.Add(int64(2*len(t.buf)+groupBytes+48*len(t.aggs))) || len(t.groups) < groupsMin
}

func (t *groupTask) make(b *event.Batch, row uint16) *groupRow {
	g := &groupRow{first: t.moment(b, row)}
	for _, s := range t.by {
		g.key = append(g.key, b.Value(s, row).Clone())
	}
	for _, a := range t.aggs {
		g.accs = append(g.accs, a.Open())
	}
	t.groups[string(t.buf)] = g
	return g
}

func (t *groupTask) moment(b *event.Batch, row uint16) lang.Moment {
	m := lang.Moment{Records: t.records}
	if int(row) < len(b.Pos) {
		m.Pos = b.Pos[row]
	}
	if int(row) < len(b.Time) {
		m.Time = b.Time[row]
		m.Receipt = m.Time
	}
	if int(row) < len(b.Receipt) {
		m.Receipt = b.Receipt[row]
	}
	return m
}

func (t *groupTask) add(g *groupRow, b *event.Batch, row uint16) error {
	at := t.moment(b, row)
	if at.Before(g.first) {
		g.first = at
		for i, s := range t.by { // the type of a key is that of its first row (OP-53)
			if v := b.Value(s, row); v.Kind() != g.key[i].Kind() {
				g.key[i] = v.Clone()
			}
		}
	}
	grown := 0
	for i, acc := range g.accs {
		args := t.args[i]
		for j, s := range t.aggs[i].Args {
			args[j] = b.Value(s, row)
		}
		grown += acc.Add(args, at)
	}
	if grown > 0 && !t.acct.Add(int64(grown)) {
		return t.acct.Over(fmt.Sprintf("%d groups", len(t.groups)), "filter earlier, or group by fewer fields")
	}
	return nil
}

// appendKey appends the text of a group value so that different tuples differ:
// null is apart from "" (OP-50), values compare as text.
func appendKey(dst []byte, v event.Value) []byte {
	if v.IsNull() {
		return append(dst, 0)
	}
	at := len(dst)
	dst = append(dst, 1, 0, 0, 0, 0)
	dst = v.AppendText(dst)
	binary.LittleEndian.PutUint32(dst[at+1:], uint32(len(dst)-at-5))
	return dst
}

var groupSeed = maphash.MakeSeed()

func (t *groupTask) putAside(b *event.Batch, row uint16) error {
	if t.parts == nil {
		var f event.Fields
		t.group.Needs(&f)
		t.codec = exec.NewCodec(&f)
		t.parts = make([]*exec.RowFile, groupParts)
	}
	if t.depth >= groupDepthMax {
		return t.acct.Over("groups that do not divide further", "filter earlier, or group by fewer fields")
	}
	h := maphash.Bytes(groupSeed, t.buf) >> (4 * t.depth) % groupParts
	if t.parts[h] == nil {
		f, err := exec.NewRowFile(t.rt, t.codec)
		if err != nil {
			return err
		}
		t.parts[h] = f
	}
	return t.parts[h].Write(b, row)
}

func (t *groupTask) Merge(o exec.Task) error {
	ot := o.(*groupTask)
	for k, og := range ot.groups {
		if g := t.groups[k]; g != nil {
			t.join(g, og)
		} else {
			t.groups[k] = og
		}
	}
	t.acct.Take(ot.acct)
	t.full = t.full || ot.full
	if ot.parts != nil {
		if t.parts == nil {
			t.parts, t.codec = ot.parts, ot.codec
			return nil
		}
		for i, f := range ot.parts {
			if err := t.parts[i].Join(&t.parts[i], f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *groupTask) join(g, o *groupRow) {
	if o.first.Before(g.first) {
		g.first, g.key = o.first, o.key
	}
	for i := range g.accs {
		g.accs[i].Merge(o.accs[i])
	}
}

func (t *groupTask) Flush() error {
	defer t.acct.Release()
	if t.parts == nil {
		return t.emit(slices.Values(t.inOrder()), t.next)
	}
	return t.flushParts()
}

// Snapshot pushes the groups so far.
func (t *groupTask) Snapshot() error {
	if t.parts != nil {
		return t.acct.Over(fmt.Sprintf("more than the %d groups that are kept while rows still come", len(t.groups)), "filter earlier, or group by fewer fields")
	}
	return t.emit(slices.Values(t.inOrder()), t.next)
}

// inOrder are the groups in the order of their first rows.
func (t *groupTask) inOrder() []*groupRow {
	out := make([]*groupRow, 0, len(t.groups))
	for _, g := range t.groups {
		out = append(out, g)
	}
	if len(t.by) == 0 && len(out) == 0 && t.counts {
		g := &groupRow{}
		for _, a := range t.aggs {
			g.accs = append(g.accs, a.Open())
		}
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b *groupRow) int {
		switch {
		case a.first.Before(b.first):
			return -1
		case b.first.Before(a.first):
			return 1
		}
		return slices.CompareFunc(a.key, b.key, event.Compare) // rows of one message
	})
	return out
}

// emit pushes groups as rows, in the order given.
func (t *groupTask) emit(groups func(func(*groupRow) bool), next exec.Sink) error {
	b := made{rt: t.rt, next: next}
	var vals []event.Value
	for g := range groups {
		row, err := b.row(g.first.Time, g.first.Pos)
		if err != nil {
			return err
		}
		if g.first.Receipt != g.first.Time || b.Receipt != nil {
			for len(b.Receipt) < int(row) {
				b.Receipt = append(b.Receipt, b.Time[len(b.Receipt)])
			}
			b.Receipt = append(b.Receipt, g.first.Receipt)
		}
		for i, s := range t.cols {
			b.Col(s).Set(row, g.key[i])
		}
		vals = vals[:0]
		for _, acc := range g.accs {
			vals = acc.Result(vals)
		}
		for i, s := range t.outs {
			b.Col(s).Set(row, vals[i])
		}
	}
	return b.flush()
}

// flushParts brings back the rows put aside, file by file. A row belongs to a
// group in memory when another worker had room for it. All groups then go
// through a sorter, since no file has them in order.
func (t *groupTask) flushParts() error {
	var f event.Fields
	f.Add(t.cols...)
	f.Add(t.outs...)
	sorter := exec.NewSorter(t.rt, t.name, exec.Order{Newest: !t.records, Ties: t.cols}, exec.NewCodec(&f), 0)
	into := sinkFunc(sorter.Add)
	for i, part := range t.parts {
		if part == nil {
			continue
		}
		sub := t.group.Open(t.rt, into).(*groupTask)
		sub.depth = t.depth + 1
		err := part.Read(func(b *event.Batch) error { return t.readBack(sub, b) })
		t.parts[i] = nil
		if err != nil {
			return err
		}
		if err := sub.flushInto(into); err != nil {
			return err
		}
	}
	all := func(yield func(*groupRow) bool) {
		for _, g := range t.groups {
			if !yield(g) {
				return
			}
		}
	}
	if err := t.emit(all, into); err != nil {
		return err
	}
	t.groups = nil
	t.acct.Release()
	return sorter.Flush(t.next)
}

// readBack adds rows to the groups of t that have them, and the rest to sub.
func (t *groupTask) readBack(sub *groupTask, b *event.Batch) error {
	for _, row := range b.Live {
		t.buf = t.buf[:0]
		for _, s := range t.by {
			t.buf = appendKey(t.buf, b.Value(s, row))
		}
		if g := t.groups[string(t.buf)]; g != nil {
			if err := t.add(g, b, row); err != nil {
				return err
			}
			continue
		}
		sub.buf = append(sub.buf[:0], t.buf...)
		g := sub.groups[string(sub.buf)]
		if g == nil {
			if sub.full || !sub.room() {
				sub.full = true
				if err := sub.putAside(b, row); err != nil {
					return err
				}
				continue
			}
			g = sub.make(b, row)
		}
		if err := sub.add(g, b, row); err != nil {
			return err
		}
	}
	return nil
}

// flushInto is Flush for groups that came back from disk: in any order.
func (t *groupTask) flushInto(next exec.Sink) error {
	defer t.acct.Release()
	for i, part := range t.parts {
		if part == nil {
			continue
		}
		sub := t.group.Open(t.rt, next).(*groupTask)
		sub.depth = t.depth + 1
		err := part.Read(func(b *event.Batch) error { return t.readBack(sub, b) })
		t.parts[i] = nil
		if err != nil {
			return err
		}
		if err := sub.flushInto(next); err != nil {
			return err
		}
	}
	return t.emit(func(yield func(*groupRow) bool) {
		for _, g := range t.groups {
			if !yield(g) {
				return
			}
		}
	}, next)
}

type sinkFunc func(*event.Batch) error

func (f sinkFunc) Push(b *event.Batch) error { return f(b) }
