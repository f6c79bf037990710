package op

import (
	"fmt"
	"hash/maphash"
	"slices"
	"unsafe"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// groupsMin is how many groups a task holds whatever the budget says.
const groupsMin = 16

// groupTableMax is how many combinations of values a table is made for: more
// take longer to clear than the rows of a batch to look up.
const groupTableMax = 8 * event.MaxRows

// groupLastingMax is the same where the table lasts: the dictionaries of the batch
// before are those of this one.
const groupLastingMax = 128 * event.MaxRows

// groupTask is a group's task. Where the budget does not do, groups are written to
// disk as far as they have come, and put together once all rows are there.
type groupTask struct {
	*group
	rt   *exec.Runtime
	next exec.Sink
	acct *exec.Account

	groups *groupTable
	held   int64        // bytes that they take
	free   int64        // bytes held that no budget had
	disk   *exec.Sorter // what was known of groups when they were written, by hash; nil for none

	buf  []byte
	memo []int32  // group + 1 by the codes of the key columns
	of   []dictOf // the dictionaries that memo is of, where others may have them too
	rows lang.GroupedRows
	n    uint64
}

// dictOf tells the dictionaries of batches apart; gen is 0 of one that only one has.
type dictOf struct {
	gen  uint64
	size int
}

// table readies the table of groups by the codes of the key columns, which lasts as long
// as their dictionaries do, and returns its size; 0 where there is none.
func (t *groupTask) table(b *event.Batch) int {
	size, lasts := 1, len(t.of) == len(t.by)
	for i, s := range t.by {
		c := b.Col(s)
		d := dictOf{c.Gen, len(c.Dict)}
		if i == len(t.of) {
			t.of = append(t.of, dictOf{})
		}
		lasts = lasts && d == t.of[i] && d.gen != 0
		t.of[i] = d
		size = min(size, groupLastingMax) * d.size
	}
	switch {
	case lasts && len(t.memo) == size:
		return size
	case size > groupLastingMax, size > groupTableMax && !lasts:
		t.memo = t.memo[:0]
		return 0
	}
	t.memo = slices.Grow(t.memo[:0], size)[:size]
	clear(t.memo)
	return size
}

func (t *groupTask) Push(b *event.Batch) error {
	if t.records {
		t.n = arrive(b, t.n)
	}
	t.rows = lang.GroupedRows{Batch: b, Records: t.records, Rows: t.rows.Rows[:0], Groups: t.rows.Groups[:0]}
	// Rows whose keys have equal codes are of one group: where the values are
	// few, a table of all their combinations finds it.
	size := t.table(b)
	for _, row := range b.Live {
		g := int32(-1)
		at := 0
		if size > 0 {
			for _, s := range t.by {
				c := &b.Cols[s]
				at *= len(c.Dict)
				if int(row) < len(c.Code) {
					at += int(c.Code[row])
				}
			}
			g = t.memo[at] - 1
		}
		if g < 0 {
			var err error
			if g, err = t.find(b, row); err != nil {
				return err
			}
			if size > 0 {
				t.memo[at] = g + 1
			}
		}
		t.meet(g, b, row)
		t.rows.Rows = append(t.rows.Rows, row)
		t.rows.Groups = append(t.rows.Groups, g)
	}
	return t.count()
}

// find returns the group of a row, making it if need be. To make room, the others
// may leave memory.
func (t *groupTask) find(b *event.Batch, row uint16) (int32, error) {
	t.buf = t.buf[:0]
	for _, s := range t.by {
		t.buf = appendKey(t.buf, b.Value(s, row))
	}
	hash := maphash.Bytes(groupSeed, t.buf)
	if g := t.groups.find(t.buf, hash); g >= 0 {
		return g, nil
	}
	if n := int64(len(t.buf) + groupBytes); !t.hold(n) {
		if err := t.count(); err != nil {
			return 0, err
		}
		if err := t.write(); err != nil {
			return 0, err
		}
		t.hold(n)
	}
	g, grown := t.groups.add(t.buf, hash, lang.MomentOf(b, row, t.records), func(i int) event.Value { return b.Value(t.by[i], row) })
	t.hold(int64(grown))
	return g, nil
}

// hold charges memory. False says that there is no more of it, and enough is held
// to be written.
func (t *groupTask) hold(n int64) bool {
	if !t.acct.Add(n) && t.groups.len() >= groupsMin && t.held+n > t.acct.Floor() {
		return false
	}
	t.held += n // what the budget did not have, too
	return true
}

// meet notes that a group has a row.
func (t *groupTask) meet(g int32, b *event.Batch, row uint16) {
	if first := &t.groups.first[g]; t.records && b.Pos[row] >= first.Pos || !t.records && int(row) < len(b.Time) && b.Time[row] < first.Time {
		return // most rows, where they come in the order of the stream
	}
	t.groups.meet(g, lang.MomentOf(b, row, t.records), func(i int) event.Value { return b.Value(t.by[i], row) })
}

// count gives the aggregates the rows that have been told their groups.
func (t *groupTask) count() error {
	grown := 0
	if len(t.rows.Rows) > 0 {
		for _, s := range t.groups.states {
			grown += s.Add(&t.rows)
		}
	}
	t.rows.Rows, t.rows.Groups = t.rows.Rows[:0], t.rows.Groups[:0]
	return t.grown(grown)
}

// grown charges what states have grown by. What cannot be held is written, where
// that is of use.
func (t *groupTask) grown(n int) error {
	if n <= 0 || t.hold(int64(n)) {
		return nil
	}
	if t.groups.len() < groupsMin { // to write them would not help
		if t.free += int64(n); t.free > groupsFree {
			return t.over()
		}
		return nil
	}
	clear(t.memo)
	return t.write()
}

func (t *groupTask) over() error {
	return t.acct.Over(fmt.Sprintf("%d groups", t.groups.len()), "filter earlier, or group by fewer fields")
}

// writeBytes is how much of groups is given to the sorter at a time.
const writeBytes = 256 << 10

// write writes all groups to disk as they are, and forgets them.
func (t *groupTask) write() error {
	if t.disk == nil {
		var f event.Fields
		f.Add(t.hash, t.state)
		t.disk = exec.NewSorter(t.rt, t.name, exec.Order{Keys: []exec.Key{{Slot: t.hash}}}, exec.NewCodec(&f), 0)
	}
	clear(t.memo)
	t.acct.Release() // so that the sorter has some
	t.held, t.free = 0, 0
	var b event.Batch
	var text []byte
	for g := range int32(t.groups.len()) {
		at := len(text)
		text = t.groups.save(g, text)
		row := b.AddRow(0, 0)
		b.Col(t.hash).Set(row, event.Int(int64(t.groups.hashes[g])))
		b.Col(t.state).Set(row, textOf(text[at:len(text):len(text)]))
		if b.N == event.MaxRows || len(text) > writeBytes {
			if err := t.disk.Add(&b); err != nil {
				return err
			}
			b.Reset()
			text = text[:0]
		}
	}
	t.groups = newGroupTable(t.group)
	if b.N == 0 {
		return nil
	}
	return t.disk.Add(&b)
}

// textOf is a value whose text stands in p.
func textOf(p []byte) event.Value { return event.Text(unsafe.String(unsafe.SliceData(p), len(p))) }

func (t *groupTask) Merge(o exec.Task) error {
	ot := o.(*groupTask)
	t.acct.Take(ot.acct)
	t.held += ot.held
	for g := range int32(ot.groups.len()) {
		t.groups.merge(ot.groups, g)
	}
	ot.groups = nil
	if ot.disk == nil {
		return nil
	}
	if t.disk == nil {
		t.disk = ot.disk
		return nil
	}
	return t.disk.Merge(ot.disk)
}

func (t *groupTask) Flush() error {
	defer t.acct.Release()
	err := t.Snapshot()
	if t.disk != nil {
		t.disk.Close()
	}
	return err
}

// Snapshot pushes the groups so far.
func (t *groupTask) Snapshot() error {
	out := made{rt: t.rt, next: t.next}
	if t.disk == nil {
		if len(t.by) == 0 && t.groups.len() == 0 && t.counts {
			none := newGroupTable(t.group)
			none.add(nil, 0, lang.Moment{}, nil)
			return t.emit(&out, none, []int32{0})
		}
		return t.emit(&out, t.groups, t.groups.inOrder())
	}
	if err := t.write(); err != nil {
		return err
	}
	var f event.Fields
	f.Add(t.cols...)
	f.Add(t.outs...)
	sorter := exec.NewSorter(t.rt, t.name, exec.Order{Newest: !t.records, Ties: t.cols}, exec.NewCodec(&f), 0)
	defer sorter.Close()
	out.next = sinkFunc(sorter.Add)
	if err := t.together(func(groups *groupTable) error { return t.emit(&out, groups, groups.inOrder()) }); err != nil {
		return err
	}
	return sorter.Flush(t.next)
}

// together gives the groups on disk, those of one hash at a time, each of which is
// put together of all that was written of it.
func (t *groupTask) together(give func(*groupTable) error) error {
	groups, current := newGroupTable(t.group), int64(0)
	acct := t.rt.Budget.Open(t.name)
	defer acct.Release()
	free := int64(0)
	next := func() error {
		free = 0
		if groups.len() == 0 {
			return nil
		}
		err := give(groups)
		groups.empty()
		acct.Release()
		return err
	}
	err := t.disk.Snapshot(sinkFunc(func(b *event.Batch) error {
		for _, row := range b.Live {
			hash, _ := b.Value(t.hash, row).Int()
			if hash != current {
				if err := next(); err != nil {
					return err
				}
				current = hash
			}
			s := b.Value(t.state, row).Str()
			_, _, grown := groups.load(unsafe.Slice(unsafe.StringData(s), len(s)))
			if free += int64(grown); !acct.Add(int64(grown)) && free > groupsFree {
				return t.acct.Over("values of one group", "filter earlier, or group by fewer fields")
			}
		}
		return nil
	}))
	if err != nil {
		return err
	}
	return next()
}

// groupsFree is by how much few groups may grow whatever the budget says, in bytes.
const groupsFree = 64 << 10

// emit pushes groups as rows, in the order given.
func (t *groupTask) emit(b *made, groups *groupTable, order []int32) error {
	var key, vals []event.Value
	for _, g := range order {
		first := groups.first[g]
		row, err := b.row(first.Time, first.Pos)
		if err != nil {
			return err
		}
		if first.Receipt != first.Time || b.Receipt != nil {
			for len(b.Receipt) < int(row) {
				b.Receipt = append(b.Receipt, b.Time[len(b.Receipt)])
			}
			b.Receipt = append(b.Receipt, first.Receipt)
		}
		key, vals = groups.key(g, key[:0]), vals[:0]
		for i, s := range t.cols {
			b.Col(s).Set(row, key[i])
		}
		for _, s := range groups.states {
			vals = s.Result(g, vals)
		}
		for i, s := range t.outs {
			b.Col(s).Set(row, vals[i])
		}
	}
	return b.flush()
}

func (t *groupTask) Save(to *exec.Saver) error {
	to.Uint(t.n)
	var buf []byte
	for g := range int32(t.groups.len()) {
		buf = t.groups.save(g, buf[:0])
		to.Record(buf)
	}
	if t.disk != nil {
		if err := t.disk.Snapshot(sinkFunc(func(b *event.Batch) error {
			for _, row := range b.Live {
				to.Record([]byte(b.Value(t.state, row).Str()))
			}
			return to.Err()
		})); err != nil {
			return err
		}
	}
	to.End()
	return to.Err()
}

func (t *groupTask) Load(from *exec.Loader) error {
	t.n = max(t.n, from.Uint())
	return from.Records(func(rec []byte) error {
		made, key, grown := t.groups.load(rec)
		if made {
			grown += key + groupBytes
		}
		return t.grown(grown)
	})
}

// Advance gives and forgets the groups of slices of time that have passed.
func (t *groupTask) Advance(at int64) error {
	if t.slice < 0 || t.every <= 0 {
		return nil
	}
	if t.disk != nil {
		return nil // what has gone to disk is given at the end
	}
	var closed []int32
	var key []event.Value
	for _, g := range t.groups.inOrder() {
		key = t.groups.key(g, key[:0])
		if start, ok := key[t.slice].Int(); ok && start+t.every <= at {
			closed = append(closed, g)
		}
	}
	if len(closed) == 0 {
		return nil
	}
	out := made{rt: t.rt, next: t.next}
	if err := t.emit(&out, t.groups, closed); err != nil {
		return err
	}
	slices.Sort(closed)
	open := newGroupTable(t.group)
	clear(t.memo)
	t.acct.Release()
	t.held = 0
	for g := range int32(t.groups.len()) {
		if _, is := slices.BinarySearch(closed, g); !is {
			open.merge(t.groups, g)
			t.hold(int64(t.groups.keys[g].n) + groupBytes)
		}
	}
	t.groups = open
	return nil
}
