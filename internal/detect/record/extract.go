package record

import (
	"encoding/csv"
	"regexp"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Extract takes keys out of the text of a field. Patterns or Columns is set.
type Extract struct {
	Field    string
	Patterns []Pattern // the first that is found counts
	Columns  []string  // of a line of comma-separated values; "" is passed over
}

// Pattern is a regular expression whose named groups are keys; the key event is Event.
type Pattern struct {
	Event string
	RE    *regexp.Regexp
}

// eventKey is the key that says which pattern was found.
const eventKey = "event"

// keys are the names that an extraction may take out.
func (x *Extract) keys() (names []string) {
	for _, p := range x.Patterns {
		names = append(names, p.RE.SubexpNames()...)
	}
	if len(x.Patterns) > 0 {
		names = append(names, eventKey)
	}
	return append(names, x.Columns...)
}

// of gives the keys of a text to put, and says whether there were any.
func (x *Extract) of(text string, put func(key, value string)) (found bool) {
	if len(x.Columns) > 0 {
		r := csv.NewReader(strings.NewReader(text))
		r.FieldsPerRecord, r.LazyQuotes = -1, true
		values, err := r.Read()
		if err != nil || len(values) < 2 {
			return false
		}
		for i, name := range x.Columns {
			if i < len(values) && name != "" && values[i] != "" {
				put(name, values[i])
			}
		}
		return true
	}
	for _, p := range x.Patterns {
		m := p.RE.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		if p.Event != "" {
			put(eventKey, p.Event)
		}
		for i, name := range p.RE.SubexpNames() {
			if name != "" && m[i] != "" {
				put(name, m[i])
			}
		}
		return true
	}
	return false
}

// extraction is what one worker has taken out of the rows of a batch.
type extraction struct {
	out   event.Batch
	known []map[uint16]int // by parser: code of the field -> rows of texts, 0 is no match
	texts [][]taken
}

// taken is a key's slot and value.
type taken struct {
	slot  event.Slot
	value event.Value
}

func (e *extraction) reset(n, parsers int) {
	e.out.Reset()
	e.out.N = n
	for len(e.known) < parsers {
		e.known = append(e.known, map[uint16]int{})
	}
	for _, m := range e.known {
		clear(m)
	}
	e.texts = append(e.texts[:0], nil)
}

// row takes the keys of a parser out of a row's field, once for each distinct text.
func (r *Run) extract(in *event.Batch, row uint16, parser int) bool {
	p := r.plan
	x, slot := p.Parsers[parser].Extract, p.from[parser]
	if int(slot) >= len(in.Cols) {
		return false
	}
	code := codeOf(&in.Cols[slot], row)
	if code == 0 {
		return false
	}
	e := &r.extracted
	n, ok := e.known[parser][code]
	if !ok {
		var list []taken
		found := x.of(in.Cols[slot].Dict[code].Str(), func(key, value string) {
			if s, ok := p.taken[parser][key]; ok {
				list = append(list, taken{s, event.Text(strings.Clone(value))})
			}
		})
		if found {
			n = len(e.texts)
			e.texts = append(e.texts, list)
		}
		e.known[parser][code] = n
	}
	for _, t := range e.texts[n] {
		e.out.Col(t.slot).Set(row, t.value)
	}
	return n > 0
}
