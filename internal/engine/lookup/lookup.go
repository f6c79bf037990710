// Package lookup holds what queries look things up in: lookup tables read from
// CSV or JSON files, MaxMind-format geo databases and files of threat
// indicators. Nothing is fetched: every source is a file that the user named.
package lookup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Library is the tables, databases and feeds that queries may use. Files are
// read when a query first names them, and once. Safe for several goroutines. A
// nil Library holds nothing.
type Library struct {
	mu     sync.Mutex
	tables map[string]*binding // by canonical path
	threat *Feed
	geo    *Geo
}

// binding is a table's file and, once it was read, its rows.
type binding struct {
	file  string
	table *Table
	err   error
	now   atomic.Pointer[Table] // table, for who looks without the lock
}

func (b *binding) set(t *Table, err error) {
	b.table, b.err = t, err
	b.now.Store(t)
}

// Bind gives a table path its file. The path is written as in queries:
// path://"/Library/Hosts" with or without the scheme and quotes, a URL, or
// shared/hosts.
func (l *Library) Bind(path, file string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tables == nil {
		l.tables = map[string]*binding{}
	}
	l.tables[canonical(path)] = &binding{file: file}
}

// Add puts a table that is already in memory under its path, in the place of one
// that is there: queries that run see it with their next batch.
func (l *Library) Add(t *Table) {
	if l.find(t.Path) == nil {
		l.Bind(t.Path, "")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tables[canonical(t.Path)].set(t, nil)
}

// ErrUnbound is the error for a path that no file was given for.
var ErrUnbound = errors.New("no file was given for this table")

// Table returns the table of a path as a query writes it; ErrUnbound when
// there is none.
func (l *Library) Table(path string) (*Table, error) {
	b := l.find(path)
	if b == nil {
		if _, ok := cutPrefixFold(path, "sumo://threat"); ok && l.Threat() != nil {
			return l.Threat().table(path), nil
		}
		return nil, ErrUnbound
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if b.table == nil && b.err == nil {
		t, err := ReadFile(b.file)
		if t != nil {
			t.Path = path
		}
		b.set(t, err)
	}
	return b.table, b.err
}

func (l *Library) find(path string) *binding {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tables[canonical(path)]
}

// Paths lists the paths that have a table.
func (l *Library) Paths() []string {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for p := range l.tables {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// canonical is the form of a table's path that does not depend on how it is
// written. Letter case does not count: Sumo Logic's paths are names of folders
// that differ by more than case.
func canonical(path string) string {
	p := strings.TrimSpace(path)
	if rest, ok := cutPrefixFold(p, "path://"); ok {
		p = rest
	}
	p = strings.Trim(p, `"`)
	return strings.ToLower(strings.TrimSuffix(p, "/"))
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// Classic reports whether a path names a table of the older kind, a URL or a
// shared folder: letter case of its values counts (spec C.5, lookup).
func Classic(path string) bool {
	_, table := cutPrefixFold(path, "path://")
	_, threat := cutPrefixFold(path, "sumo://")
	return !table && !threat
}

// Save writes rows to the table of a path, and to its file. With add they are
// added to the rows it has; where the table has a key, rows of an equal key
// are replaced. cols are the columns of rows by name; the table's own columns
// must be among them.
func (l *Library) Save(path string, cols []string, rows [][]Value, add bool) error {
	t, err := l.Table(path)
	b := l.find(path)
	if b == nil {
		return ErrUnbound
	}
	if errors.Is(err, os.ErrNotExist) { // a file that is made now
		t, err = &Table{Path: path, Columns: slices.Clone(cols)}, nil
	}
	if err != nil {
		return err
	}
	next, err := t.with(cols, rows, add)
	if err != nil {
		return err
	}
	if b.file != "" {
		if err := next.WriteFile(b.file); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b.set(next, nil)
	return nil
}

// with returns the table with rows put in.
func (t *Table) with(cols []string, rows [][]Value, add bool) (*Table, error) {
	at := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		if at[i] = column(cols, c); at[i] < 0 {
			return nil, fmt.Errorf("the table %s has a column %s that the rows lack", t.Path, c)
		}
	}
	n := &Table{Path: t.Path, Columns: t.Columns, Key: t.Key}
	if add {
		n.Rows = slices.Clone(t.Rows)
	}
	index, _ := n.Index(n.keyColumns(), true)
	for _, r := range rows {
		row := make([]Value, len(at))
		for i, j := range at {
			row[i] = r[j].Clone()
		}
		if len(t.Key) > 0 {
			if old, ok := index.of(row, n.keyColumns()); ok {
				n.Rows[old] = row
				continue
			}
			index.add(row, n.keyColumns(), len(n.Rows))
		}
		n.Rows = append(n.Rows, row)
	}
	return n, nil
}

// ReadFile reads a table: JSON when the text starts as JSON does, otherwise CSV
// with a header.
func ReadFile(file string) (*Table, error) {
	st, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("read table: %w", err)
	}
	if st.Size() > tableBytesMax {
		return nil, fmt.Errorf("read table %s: it is larger than %d GiB", file, tableBytesMax>>30)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read table: %w", err)
	}
	t, err := Read(text)
	if err != nil {
		return nil, fmt.Errorf("read table %s: %w", file, err)
	}
	t.Path = file
	return t, nil
}

// WriteFile writes the table as the file's name says, JSON Lines or CSV. The
// file is replaced as a whole, so a failure leaves the old one.
func (t *Table) WriteFile(file string) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".gyoji-table-*")
	if err != nil {
		return fmt.Errorf("write table %s: %w", file, err)
	}
	defer os.Remove(tmp.Name())
	write := t.writeCSV
	switch strings.ToLower(filepath.Ext(file)) {
	case ".json", ".jsonl", ".ndjson":
		write = t.writeJSON
	}
	err = write(tmp)
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("write table %s: %w", file, err)
	}
	return nil
}

// Remove takes the table of a path away. Queries that run keep it.
func (l *Library) Remove(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.tables, canonical(path))
}
