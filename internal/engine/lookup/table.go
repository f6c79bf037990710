package lookup

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Value is a cell of a table.
type Value = event.Value

// Table is rows under named columns. It is not changed once made.
type Table struct {
	Path    string
	Columns []string
	Key     []string // columns that rows differ in; nil when none was declared
	Rows    [][]Value
}

// Column returns the index of a column, exact spelling first, or -1.
func (t *Table) Column(name string) int { return column(t.Columns, name) }

func column(names []string, name string) int {
	if i := slices.Index(names, name); i >= 0 {
		return i
	}
	return slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

func (t *Table) keyColumns() []int {
	var cols []int
	for _, k := range t.Key {
		cols = append(cols, t.Column(k))
	}
	return cols
}

// Bytes is about how much memory the table takes.
func (t *Table) Bytes() int64 {
	n := int64(0)
	for _, r := range t.Rows {
		n += 24
		for _, v := range r {
			n += 32
			if v.Kind() == event.String {
				n += int64(len(v.Str()))
			}
		}
	}
	return n
}

// Read reads a table from text. JSON may be an array of objects, objects one
// after the other, or {"columns": [...], "key": [...], "rows": [[...]]}; CSV has
// its columns in the first line.
func Read(text []byte) (*Table, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if head := bytes.TrimLeft(text, " \t\r\n"); len(head) > 0 && (head[0] == '[' || head[0] == '{') {
		return readJSON(head)
	}
	return readCSV(text)
}

func readCSV(text []byte) (*Table, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.TrimLeadingSpace = true
	head, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty: a table has at least a line with its columns")
	}
	if err != nil {
		return nil, err
	}
	t := &Table{}
	for i, c := range head {
		c = strings.TrimSpace(c)
		if c == "" {
			return nil, fmt.Errorf("line 1: column %d has no name", i+1)
		}
		if slices.Contains(t.Columns, c) {
			return nil, fmt.Errorf("line 1: two columns are named %s", c)
		}
		t.Columns = append(t.Columns, c)
	}
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, err // names the line
		}
		row := make([]Value, len(rec))
		for i, c := range rec {
			row[i] = event.Text(c)
		}
		t.Rows = append(t.Rows, row)
	}
}

// wide is a table written with its columns apart from its rows.
type wide struct {
	Columns []string            `json:"columns"`
	Key     []string            `json:"key"`
	Rows    [][]json.RawMessage `json:"rows"`
}

func readJSON(text []byte) (*Table, error) {
	if text[0] == '{' {
		var w wide
		if err := json.Unmarshal(text, &w); err == nil && w.Columns != nil {
			return w.table()
		}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if text[0] == '[' {
		if _, err := d.Token(); err != nil {
			return nil, err
		}
	}
	t := &Table{}
	index := map[string]int{}
	for d.More() {
		if err := t.readObject(d, index); err != nil {
			return nil, fmt.Errorf("row %d: %w", len(t.Rows)+1, err)
		}
	}
	if text[0] == '[' {
		if _, err := d.Token(); err != nil {
			return nil, fmt.Errorf("after row %d: %w", len(t.Rows), err)
		}
	}
	for i, r := range t.Rows { // columns that only later rows have
		t.Rows[i] = append(r, make([]Value, len(t.Columns)-len(r))...)
	}
	return t, nil
}

// readObject reads one row. Columns stand in the order they are first met.
func (t *Table) readObject(d *json.Decoder, index map[string]int) error {
	tok, err := d.Token()
	if err != nil {
		return err
	}
	if tok != json.Delim('{') {
		return errors.New("a row is a JSON object")
	}
	row := make([]Value, len(t.Columns))
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return err
		}
		name := k.(string)
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		v, err := cell(raw)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		i, ok := index[name]
		if !ok {
			i = len(t.Columns)
			index[name], t.Columns, row = i, append(t.Columns, name), append(row, Value{})
		}
		row[i] = v
	}
	_, err = d.Token()
	t.Rows = append(t.Rows, row)
	return err
}

func (w *wide) table() (*Table, error) {
	t := &Table{Columns: w.Columns, Key: w.Key}
	for _, k := range w.Key {
		if t.Column(k) < 0 {
			return nil, fmt.Errorf("the key %s is no column", k)
		}
	}
	for i, r := range w.Rows {
		if len(r) != len(w.Columns) {
			return nil, fmt.Errorf("row %d has %d values for %d columns", i+1, len(r), len(w.Columns))
		}
		row := make([]Value, len(r))
		for j, raw := range r {
			v, err := cell(raw)
			if err != nil {
				return nil, fmt.Errorf("row %d: %w", i+1, err)
			}
			row[j] = v
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// cell is a JSON value as a cell: objects and arrays keep their text.
func cell(raw json.RawMessage) (Value, error) {
	switch raw[0] {
	case 'n':
		return Value{}, nil
	case 't', 'f':
		return event.Bool(raw[0] == 't'), nil
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return event.Text(s), err
	case '{', '[':
		if depth(raw) > depthMax {
			return Value{}, fmt.Errorf("a value nests deeper than %d", depthMax)
		}
		return event.Text(string(raw)), nil
	}
	var n json.Number
	if err := json.Unmarshal(raw, &n); err != nil {
		return Value{}, err
	}
	if i, err := n.Int64(); err == nil {
		return event.Int(i), nil
	}
	f, err := n.Float64()
	return event.Float(f), err
}

func depth(raw []byte) (deepest int) {
	d, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{', c == '[':
			d++
			deepest = max(deepest, d)
		case c == '}', c == ']':
			d--
		}
	}
	return deepest
}

func (t *Table) writeCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	rec := slices.Clone(t.Columns)
	if err := c.Write(rec); err != nil {
		return err
	}
	for _, r := range t.Rows {
		for i, v := range r {
			rec[i] = v.String()
		}
		if err := c.Write(rec); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func (t *Table) writeJSON(w io.Writer) error {
	var b bytes.Buffer
	for _, r := range t.Rows {
		b.WriteByte('{')
		for i, v := range r {
			if i > 0 {
				b.WriteByte(',')
			}
			name, _ := json.Marshal(t.Columns[i])
			b.Write(name)
			b.WriteByte(':')
			var x any
			switch v.Kind() {
			case event.Null:
			case event.Boolean:
				x = v.True()
			case event.String:
				x = v.Str()
			default:
				x = json.Number(v.String())
				if f, _ := v.Float(); f != f || f-f != 0 { // NaN and infinities are no JSON
					x = v.String()
				}
			}
			text, err := json.Marshal(x)
			if err != nil {
				return err
			}
			b.Write(text)
		}
		b.WriteString("}\n")
		if b.Len() > 1<<16 {
			if _, err := w.Write(b.Bytes()); err != nil {
				return err
			}
			b.Reset()
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// Index finds rows by the values of some columns.
type Index struct {
	rows map[string]int32
	fold bool
}

// Index indexes the table by columns. With fold letter case does not count.
// Of rows with equal values the last is found; doubled is how many are not.
func (t *Table) Index(cols []int, fold bool) (x *Index, doubled int) {
	x = &Index{rows: make(map[string]int32, len(t.Rows)), fold: fold}
	for i, r := range t.Rows {
		if _, ok := x.of(r, cols); ok {
			doubled++
		}
		x.add(r, cols, i)
	}
	return x, doubled
}

// indexBytes is about what a row costs in an Index besides its key's text.
const indexBytes = 48

// Bytes is about how much memory the index takes.
func (x *Index) Bytes() (n int64) {
	for k := range x.rows {
		n += int64(len(k)) + indexBytes
	}
	return n
}

func (x *Index) add(row []Value, cols []int, i int) {
	if k, ok := x.key(nil, row, cols); ok {
		x.rows[string(k)] = int32(i)
	}
}

func (x *Index) of(row []Value, cols []int) (int, bool) {
	k, ok := x.key(nil, row, cols)
	if !ok {
		return 0, false
	}
	i, ok := x.rows[string(k)]
	return int(i), ok
}

func (x *Index) key(buf []byte, row []Value, cols []int) ([]byte, bool) {
	for _, c := range cols {
		if row[c].IsNull() {
			return buf, false
		}
		buf = x.appendText(buf, row[c])
	}
	return buf, true
}

// appendText appends a value so that different lists of values differ.
func (x *Index) appendText(buf []byte, v Value) []byte {
	s := v.Str()
	if x.fold {
		s = strings.ToLower(s)
	}
	buf = binary.AppendUvarint(buf, uint64(len(s)))
	return append(buf, s...)
}

// Find returns the row whose columns have these values, in the order the index
// was asked for. Null finds nothing. buf is memory to build the key in.
func (x *Index) Find(buf []byte, vals []Value) (row int, key []byte, ok bool) {
	for _, v := range vals {
		if v.IsNull() {
			return 0, buf, false
		}
		buf = x.appendText(buf, v)
	}
	i, ok := x.rows[string(buf)]
	return int(i), buf, ok
}
