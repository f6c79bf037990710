package tenant

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// tagged is an attribute whose entities have tags, for fieldTags (2.7).
type tagged struct {
	name string
	typ  string
	slot event.Slot
}

// enriches readies what a record gets beyond its mapper's attributes, if a rule reads it:
// fieldTags.
func (t *Tenant) enriches() {
	s, ok := t.records.Find("fieldTags")
	if !ok {
		return
	}
	tags := false
	for _, g := range t.Content.Groups {
		tags = tags || len(g.Tags) > 0
	}
	if !tags {
		return
	}
	t.fieldTags = s
	for name, a := range record.Schema() {
		if a.Entity == "" || strings.HasSuffix(name, "_raw") {
			continue
		}
		t.tagged = append(t.tagged, tagged{name, a.Entity, t.records.Exact(name)})
	}
}

// enrich fills what enriches has readied.
func (w *worker) enrich(b *event.Batch, rows []uint16) {
	t := w.run.tenant
	if t.fieldTags == event.None {
		return
	}
	type key struct{ attr, code uint16 }
	known := map[key][]string{}
	for _, row := range rows {
		var all map[string][]string
		for i, a := range t.tagged {
			col := b.Col(a.slot)
			if int(row) >= len(col.Code) || col.Code[row] == 0 {
				continue
			}
			k := key{uint16(i), col.Code[row]}
			tags, ok := known[k]
			if !ok {
				tags = t.Content.Tags(t.Names.Entity(a.typ, "", col.At(row).String()))
				known[k] = tags
			}
			if len(tags) > 0 {
				if all == nil {
					all = map[string][]string{}
				}
				all[a.name] = tags
			}
		}
		if all == nil {
			continue
		}
		text, err := json.Marshal(all)
		if err != nil {
			panic(fmt.Sprintf("bug: tenant: tags: %v", err))
		}
		b.Col(t.fieldTags).Set(row, event.Text(string(text)))
	}
}
