package lookup

import (
	"sync"
	"sync/atomic"
)

// View is a table as a stage of a query looks things up in it, by some columns: in
// its newest version. A query that runs sees a table that has been put in its place
// (Library.Add, Save) with its next batch. Safe for several goroutines.
type View struct {
	of   *binding // nil for a table that does not change
	cols []string // by which rows are found
	fold bool

	mu  sync.Mutex
	now atomic.Pointer[Version]
}

// Version is a table at a time, with its index.
type Version struct {
	*Table
	*Index
}

// View looks at the table of a path, of which t is the version that a query was
// compiled with, by some of its columns. doubled is as Index's.
func (l *Library) View(path string, t *Table, cols []int, fold bool) (v *View, doubled int) {
	v = &View{of: l.find(path), fold: fold}
	for _, c := range cols {
		v.cols = append(v.cols, t.Columns[c])
	}
	x, doubled := t.Index(cols, fold)
	v.now.Store(&Version{t, x})
	return v, doubled
}

// Now is the newest version that has the columns looked at.
func (v *View) Now() *Version {
	old := v.now.Load()
	if v.of == nil {
		return old
	}
	t := v.of.now.Load()
	if t == nil || t == old.Table {
		return old
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if old = v.now.Load(); t == old.Table {
		return old
	}
	var cols []int
	for _, name := range v.cols {
		c := t.Column(name)
		if c < 0 {
			return old // not a table that the query could have been compiled with
		}
		cols = append(cols, c)
	}
	x, _ := t.Index(cols, v.fold)
	next := &Version{t, x}
	v.now.Store(next)
	return next
}
