package search

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/server/job"
)

const (
	// fieldsOver is how many messages of a job are counted, the newest.
	fieldsOver = 20_000
	// fieldsTop is how many values of a field are told.
	fieldsTop = 8
	// valuesMost is how many different values of a field are counted; there may be more.
	valuesMost = 20_000
	// valueMost is how much of a value is told, in bytes.
	valueMost = 2000
)

// tally counts values of fields.
type tally struct {
	fields []*fieldTally
	index  map[string]*fieldTally
}

type fieldTally struct {
	name   string
	count  int64 // of rows that have it
	values map[string]int64
	more   bool // there are values that are not counted
}

// add counts a value of a field n times.
func (t *tally) add(name, value string, n int64) {
	f := t.index[name]
	if f == nil {
		if t.index == nil {
			t.index = map[string]*fieldTally{}
		}
		f = &fieldTally{name: name, values: map[string]int64{}}
		t.index[name] = f
		t.fields = append(t.fields, f)
	}
	f.add(value, n)
}

func (f *fieldTally) add(value string, n int64) {
	f.count += n
	if _, ok := f.values[value]; !ok {
		if len(f.values) >= valuesMost {
			f.more = true
			return
		}
		value = strings.Clone(value)
	}
	f.values[value] += n
}

type valueCount struct {
	Value string `json:"value"`
	Count int64  `json:"count"`
	// Cut says that the value is longer: no filter can be made of it.
	Cut bool `json:"cut,omitempty"`
}

// top are the most frequent values.
func (f *fieldTally) top(n int) []valueCount {
	all := make([]valueCount, 0, len(f.values))
	for v, k := range f.values {
		all = append(all, valueCount{Value: v, Count: k})
	}
	slices.SortFunc(all, func(a, b valueCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	return all[:min(n, len(all))]
}

// FieldOfJob is what is told of a field: in how many of the messages it is, how many
// different values it has there, and the most frequent of them.
type FieldOfJob struct {
	Name     string       `json:"name"`
	Count    int64        `json:"count"`
	Distinct int          `json:"distinct"`
	More     bool         `json:"more,omitempty"` // there are more than Distinct
	Top      []valueCount `json:"top"`
}

// fields answers the fields of a job's messages, or of its records where it has those.
// Over says how many of them were counted, of how many there are so far.
func (p *Page) fields(r *http.Request) (any, error) {
	j, err := p.job(r)
	if err != nil {
		return nil, err
	}
	rows, _ := rowsOf(j, r)
	t, over, total, err := tallyOf(rows, fieldsOver)
	if err != nil {
		return nil, err
	}
	out := []FieldOfJob{}
	for _, f := range t.fields {
		x := FieldOfJob{Name: f.name, Count: f.count, Distinct: len(f.values), More: f.more, Top: f.top(fieldsTop)}
		for i := range x.Top {
			v := &x.Top[i]
			if len(v.Value) > valueMost {
				v.Value, v.Cut = v.Value[:valueMost], true
			}
			v.Value = strings.ToValidUTF8(v.Value, "\uFFFD")
		}
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b FieldOfJob) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)))
	})
	return map[string]any{"over": over, "total": total, "fields": out}, nil
}

// tallyOf counts the first rows of a job.
func tallyOf(rows func(offset, limit int) (job.Page, error), most int) (t *tally, over, total int, err error) {
	t = &tally{}
	for over < most {
		p, err := rows(over, min(most-over, 2000))
		if err != nil {
			return nil, 0, 0, err
		}
		total = p.Total
		if len(p.Rows) == 0 {
			break
		}
		of := make([]*fieldTally, len(p.Columns))
		for _, row := range p.Rows {
			for _, c := range row {
				col := p.Columns[c.Column]
				if col.Carried || strings.EqualFold(col.Name, "_raw") {
					continue
				}
				if f := of[c.Column]; f != nil {
					f.add(string(c.Text), 1)
					continue
				}
				t.add(col.Name, string(c.Text), 1)
				of[c.Column] = t.index[col.Name]
			}
		}
		over += len(p.Rows)
	}
	return t, over, max(over, total), nil
}
