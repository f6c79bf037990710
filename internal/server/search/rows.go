package search

import (
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/server/job"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

const (
	rowsMost = 1000 // of a page
	cutLeast = 16
)

// Column is a column of rows.
type Column struct {
	Name string `json:"name"` // as the query or the logs spell it
	// Own says that the query does not show it: metadata that messages have always.
	Own bool `json:"own,omitempty"`
	// Number says that all values so far are numbers, Time that they are ms since 1970.
	Number bool `json:"number,omitempty"`
	Time   bool `json:"time,omitempty"`
	Key    bool `json:"key,omitempty"` // records are grouped by it
}

// Rows is a page of a job's rows.
type Rows struct {
	Messages bool     `json:"messages"` // rows are messages, else records
	Fixed    bool     `json:"fixed"`    // columns are those of the query, in its order
	Columns  []Column `json:"columns"`
	Total    int      `json:"total"` // rows so far
	// Rows are lists of cells that are not null: [column, text], and a third element where
	// the text is cut: how many characters it has.
	Rows [][][]any `json:"rows"`
}

// stop has a job gather no more; its rows stay.
func (p *Page) stop(r *http.Request) (any, error) {
	j, err := p.own(r)
	if err != nil {
		return nil, err
	}
	j.Stop()
	return map[string]any{"id": j.ID}, nil
}

// rowsOf are the rows of a job that a request means: with of=messages those that an
// aggregate is of, where the job has them.
func rowsOf(j *job.Job, r *http.Request) (func(offset, limit int) (job.Page, error), job.Shown) {
	if r.URL.Query().Get("of") == "messages" {
		return j.Messages, job.Shown{Messages: true}
	}
	return j.Rows, j.Shown()
}

// rows answers a page of a job's rows: offset, limit (1000 at most), and cut, after how
// many bytes values are cut; without it none is.
func (p *Page) rows(r *http.Request) (any, error) {
	j, err := p.job(r)
	if err != nil {
		return nil, err
	}
	number := func(name string, otherwise int) int {
		n, err := strconv.Atoi(r.URL.Query().Get(name))
		if err != nil || n < 0 {
			return otherwise
		}
		return n
	}
	cut := number("cut", 0)
	if cut > 0 {
		cut = max(cut, cutLeast)
	}
	read, shown := rowsOf(j, r)
	page, err := read(number("offset", 0), min(max(1, number("limit", 100)), rowsMost))
	if err != nil {
		return nil, err
	}
	out := Rows{Messages: shown.Messages, Fixed: shown.Fixed, Columns: []Column{}, Total: page.Total, Rows: [][][]any{}}
	for _, c := range page.Columns {
		x := Column{Name: strings.ToValidUTF8(c.Name, "\uFFFD"), Own: c.Carried}
		only := func(kinds ...event.Kind) bool {
			var all uint8
			for _, k := range kinds {
				all |= 1 << k
			}
			return c.Kinds != 0 && c.Kinds&^all == 0
		}
		x.Number = only(event.Long, event.Double)
		x.Time = only(event.Date) || strings.EqualFold(c.Name, "_timeslice") && only(event.Long, event.Date)
		if !shown.Messages {
			for _, k := range j.Keys() {
				x.Key = x.Key || strings.EqualFold(k, c.Name)
			}
		}
		out.Columns = append(out.Columns, x)
	}
	for _, row := range page.Rows {
		cells := [][]any{}
		for _, c := range row {
			text := strings.ToValidUTF8(string(c.Text), "\uFFFD")
			if cut > 0 && len(text) > cut {
				at := cut
				for at > 0 && !utf8.RuneStart(text[at]) {
					at--
				}
				cells = append(cells, []any{c.Column, text[:at], utf8.RuneCountInString(text)})
				continue
			}
			cells = append(cells, []any{c.Column, text})
		}
		out.Rows = append(out.Rows, cells)
	}
	return out, nil
}
