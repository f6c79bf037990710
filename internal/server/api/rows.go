package api

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/job"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// RowsPath is where gyoji's own command line reads the rows of a job: the columns of the
// query in its order, as it spells them, with the types of values. {id} is the job's.
const RowsPath = "/api/gyoji/v1/search/jobs/{id}/rows"

// Rows is the answer there.
type Rows struct {
	Messages bool     `json:"messages"` // rows are messages
	Fixed    bool     `json:"fixed"`    // columns are those of the query; else each row has its own
	Columns  []string `json:"columns"`
	// Rows are lists of cells that are not null: column, kind, text.
	Rows [][]RowCell `json:"rows"`
}

// RowCell is a value: [column, kind, text].
type RowCell struct {
	Column int
	Kind   event.Kind
	Text   string
}

// MarshalJSON implements json.Marshaler.
func (c RowCell) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{c.Column, c.Kind, c.Text})
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *RowCell) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&c.Column, &c.Kind, &c.Text})
}

// Value is the value of a cell.
func (c RowCell) Value() event.Value {
	switch c.Kind {
	case event.String:
		return event.Text(c.Text)
	case event.Boolean:
		return event.Bool(c.Text == "true")
	case event.Date:
		v, _ := event.Text(c.Text).Int()
		return event.Millis(v)
	case event.Long, event.Double:
		if v := event.Number(c.Text); !v.IsNull() {
			if c.Kind == event.Double && v.Kind() == event.Long {
				v, _ = v.ToDouble()
			}
			return v
		}
		f, _ := event.ParseNumber(c.Text) // NaN and Infinity
		return event.Float(f)
	}
	return event.Value{}
}

func (a *API) rows(w http.ResponseWriter, r *http.Request) {
	j, err := a.job(r)
	var offset, limit int
	if err == nil {
		offset, limit, err = paging(r)
	}
	var p job.Page
	if err == nil {
		p, err = j.Rows(offset, limit)
	}
	if err != nil {
		a.fail(w, r, jobError(err))
		return
	}
	shown := j.Shown()
	out := Rows{Messages: shown.Messages, Fixed: shown.Fixed, Columns: []string{}, Rows: [][]RowCell{}}
	at := make([]int, len(p.Columns))
	for i, c := range p.Columns {
		if at[i] = -1; !c.Carried {
			at[i] = len(out.Columns)
			out.Columns = append(out.Columns, c.Name)
		}
	}
	for _, row := range p.Rows {
		cells := []RowCell{}
		for _, c := range row {
			if i := at[c.Column]; i >= 0 {
				cells = append(cells, RowCell{i, c.Kind, strings.ToValidUTF8(string(c.Text), "\uFFFD")})
			}
		}
		out.Rows = append(out.Rows, cells)
	}
	access.Answer(w, http.StatusOK, out)
}
