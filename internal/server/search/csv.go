package search

import (
	"net/http"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
	"github.com/gyoji-dev/gyoji/internal/server/api"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// csv answers all rows of a job as a file for spreadsheets: text that one would compute
// has a ' before it. With ?columns=a,b it has these columns.
func (p *Page) csv(w http.ResponseWriter, r *http.Request) {
	j, err := p.job(r)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	// All columns are known with the last row.
	first, err := j.Rows(0, 1)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	layout := event.NewLayout()
	var cols []lang.Column
	var wanted []string
	if s := r.URL.Query().Get("columns"); s != "" {
		wanted = strings.Split(s, ",")
	}
	if wanted == nil {
		for _, c := range first.Columns {
			if !c.Carried && (!j.Shown().Messages || !strings.HasPrefix(c.Name, "_") || c.Name == "_raw" || c.Name == "_messageTime") {
				wanted = append(wanted, c.Name)
			}
		}
	}
	for _, name := range wanted {
		cols = append(cols, lang.Column{Slot: layout.Slot(name), Name: name})
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", `attachment; filename="search.csv"`)
	sink, err := render.New("csv", w, render.Options{Columns: cols, Layout: layout, SafeCSV: true})
	if err != nil {
		p.fail(w, r, err)
		return
	}
	var b event.Batch
	for at := 0; ; {
		p, err := j.Rows(at, 1000)
		if err != nil {
			panic(http.ErrAbortHandler) // half a file is not to look like a whole one
		}
		if len(p.Rows) == 0 {
			break
		}
		at += len(p.Rows)
		b.Reset()
		for _, cells := range p.Rows {
			row := b.AddRow(0, 0)
			for _, c := range cells {
				if slot, ok := layout.Find(p.Columns[c.Column].Name); ok {
					b.Col(slot).Set(row, api.RowCell{Column: c.Column, Kind: c.Kind, Text: string(c.Text)}.Value())
				}
			}
		}
		if err := sink.Push(&b); err != nil {
			return
		}
	}
	_ = sink.Close() // the client is gone, or it has it
}
