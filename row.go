package gyoji

import (
	"bytes"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Row is a row of a query: an event, or a record of what the query makes of events. It may
// be kept.
type Row struct {
	names  []string
	values []event.Value
	at     time.Time
}

// Time is the time of the event; zero where it says none, and for rows that are no events.
func (r *Row) Time() time.Time { return r.at }

// Len is how many columns have a value.
func (r *Row) Len() int { return len(r.names) }

// Has reports whether a column has a value: whether it is not null.
func (r *Row) Has(name string) bool { return !r.value(name).IsNull() }

// Text is a column as text, as the command prints it; "" for null.
func (r *Row) Text(name string) string { return r.value(name).String() }

// Int is a column as a whole number: of a number, of text that is one, of a time in
// milliseconds since 1970; 0 for what is none.
func (r *Row) Int(name string) int64 {
	n, _ := r.value(name).Int()
	return n
}

// Float is a column as a number; 0 for what is none.
func (r *Row) Float(name string) float64 {
	f, _ := r.value(name).Float()
	return f
}

// Bool is a column as true or false; false for null.
func (r *Row) Bool(name string) bool { return r.value(name).True() }

// Get is a column as the Go value it is: a string, int64, float64, bool or time.Time (in
// UTC), or nil for null.
func (r *Row) Get(name string) any { return goValue(r.value(name)) }

// All are the columns that have values, in order, as [Row.Get] gives them.
func (r *Row) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for i, n := range r.names {
			if !yield(n, goValue(r.values[i])) {
				return
			}
		}
	}
}

// String is the row as an object of JSON.
func (r *Row) String() string {
	text, err := r.MarshalJSON()
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// MarshalJSON writes the columns in order; times are ISO 8601.
func (r *Row) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	put := func(v any) error {
		err := e.Encode(v)
		b.Truncate(b.Len() - 1) // of the line end
		return err
	}
	b.WriteByte('{')
	for i, n := range r.names {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := put(n); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := put(goValue(r.values[i])); err != nil { // NaN and the like are text in JSON
			b.Truncate(b.Len())
			if err := put(r.values[i].String()); err != nil {
				return nil, err
			}
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// value finds a column by its name: the one that is spelled so, or else ignoring letter
// case.
func (r *Row) value(name string) event.Value {
	fold := -1
	for i, n := range r.names {
		if n == name {
			return r.values[i]
		}
		if fold < 0 && strings.EqualFold(n, name) {
			fold = i
		}
	}
	if fold >= 0 {
		return r.values[fold]
	}
	return event.Value{}
}

func goValue(v event.Value) any {
	switch v.Kind() {
	case event.Null, event.Dropped:
		return nil
	case event.Long:
		n, _ := v.Int()
		return n
	case event.Double:
		f, _ := v.Float()
		return f
	case event.Boolean:
		return v.True()
	case event.Date:
		ms, _ := v.Int()
		return time.UnixMilli(ms).UTC()
	}
	return v.String()
}

// rowSink makes rows of batches.
type rowSink struct {
	q      *query.Query
	layout *event.Layout
	take   func([]*Row) error
}

func (s rowSink) Push(b *event.Batch) error {
	columns := s.q.Columns
	if columns == nil {
		for i, name := range s.layout.Names() {
			if i < len(b.Cols) && len(b.Cols[i].Dict) > 1 {
				columns = append(columns, lang.Column{Slot: event.Slot(i), Name: name})
			}
		}
		slices.SortFunc(columns, func(x, y lang.Column) int { return strings.Compare(x.Name, y.Name) })
	} else {
		columns = lang.Expand(columns, s.layout)
	}
	rows := make([]*Row, 0, len(b.Live))
	for _, row := range b.Live {
		r := &Row{}
		if s.q.Messages && int(row) < len(b.Time) && b.Time[row] != event.NoTime {
			r.at = time.UnixMilli(b.Time[row]).UTC()
		}
		for _, c := range columns {
			if v := b.Value(c.Slot, row); !v.IsNull() {
				r.names, r.values = append(r.names, c.Name), append(r.values, v.Clone())
			}
		}
		rows = append(rows, r)
	}
	return s.take(rows)
}
