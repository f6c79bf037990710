package lookup

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Feed is threat indicators read from files: for each indicator what is known
// of it. Letter case of indicators does not count.
type Feed struct {
	entries []Indicator
	of      map[string][]int32 // entries by indicator, folded
}

// Indicator is one entry of a feed. Times are Unix seconds, as text or number;
// what the file does not say is null.
type Indicator struct {
	Indicator, Type, ThreatType, Actors, Source, ID Value
	Confidence, KillChain, Fields, Raw              Value
	Imported, Updated, ValidFrom, ValidUntil        Value
}

// indicatorColumns are the names under which files have what an Indicator
// holds, the first one the name that is documented.
var indicatorColumns = []struct {
	names []string
	field func(*Indicator) *Value
}{
	{[]string{"indicator", "threat", "value", "ioc"}, func(i *Indicator) *Value { return &i.Indicator }},
	{[]string{"type", "indicator_type"}, func(i *Indicator) *Value { return &i.Type }},
	{[]string{"threat_type", "threatType"}, func(i *Indicator) *Value { return &i.ThreatType }},
	{[]string{"actors", "actor"}, func(i *Indicator) *Value { return &i.Actors }},
	{[]string{"source"}, func(i *Indicator) *Value { return &i.Source }},
	{[]string{"id"}, func(i *Indicator) *Value { return &i.ID }},
	{[]string{"confidence", "malicious_confidence", "threatlevel"}, func(i *Indicator) *Value { return &i.Confidence }},
	{[]string{"kill_chain", "killChain"}, func(i *Indicator) *Value { return &i.KillChain }},
	{[]string{"fields"}, func(i *Indicator) *Value { return &i.Fields }},
	{[]string{"raw", "raw_threat"}, func(i *Indicator) *Value { return &i.Raw }},
	{[]string{"imported"}, func(i *Indicator) *Value { return &i.Imported }},
	{[]string{"updated"}, func(i *Indicator) *Value { return &i.Updated }},
	{[]string{"valid_from", "validFrom"}, func(i *Indicator) *Value { return &i.ValidFrom }},
	{[]string{"valid_until", "validUntil"}, func(i *Indicator) *Value { return &i.ValidUntil }},
}

// ReadThreat adds a file of indicators, CSV or JSON as tables are. source names
// the feed where the file has no column source; "" is the file's name.
func (l *Library) ReadThreat(source, file string) error {
	t, err := ReadFile(file)
	if err != nil {
		return err
	}
	cols := make([]int, len(indicatorColumns))
	for i, c := range indicatorColumns {
		cols[i] = -1
		for _, name := range c.names {
			if cols[i] = t.Column(name); cols[i] >= 0 {
				break
			}
		}
	}
	if cols[0] < 0 {
		return fmt.Errorf("read indicators %s: it has no column indicator (or threat, value, ioc); its columns are %s", file, strings.Join(t.Columns, ", "))
	}
	if source == "" {
		source = file
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.threat == nil {
		l.threat = &Feed{of: map[string][]int32{}}
	}
	for _, r := range t.Rows {
		var e Indicator
		for i, c := range indicatorColumns {
			if cols[i] >= 0 && r[cols[i]].Str() != "" {
				*c.field(&e) = r[cols[i]]
			}
		}
		if e.Source.IsNull() {
			e.Source = event.Text(source)
		}
		l.threat.add(e)
	}
	return nil
}

func (f *Feed) add(e Indicator) {
	k := strings.ToLower(strings.TrimSpace(e.Indicator.Str()))
	if k == "" {
		return
	}
	f.of[k] = append(f.of[k], int32(len(f.entries)))
	f.entries = append(f.entries, e)
}

// Threat returns the indicators, nil when there are none.
func (l *Library) Threat() *Feed {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.threat
}

// Find returns the entries of an indicator, in the order of the files.
func (f *Feed) Find(indicator string) []*Indicator {
	if f == nil {
		return nil
	}
	var out []*Indicator
	for _, i := range f.of[strings.ToLower(strings.TrimSpace(indicator))] {
		out = append(out, &f.entries[i])
	}
	return out
}

// Best returns the entry of the highest confidence, the most recent of several,
// or nil.
func (f *Feed) Best(indicator string) *Indicator {
	var best *Indicator
	for _, e := range f.Find(indicator) {
		if best == nil || e.Before(best) {
			best = e
		}
	}
	return best
}

// Before reports whether e is preferred to o.
func (e *Indicator) Before(o *Indicator) bool {
	a, _ := e.confidence()
	b, _ := o.confidence()
	if a != b {
		return a > b
	}
	x, _ := e.Updated.Float()
	y, _ := o.Updated.Float()
	return x > y
}

// confidence puts words and percentages on one scale of 0 to 100.
func (e *Indicator) confidence() (float64, bool) {
	switch strings.ToLower(e.Confidence.Str()) {
	case "high", "malicious":
		return 90, true
	case "medium", "suspicious":
		return 50, true
	case "low", "unverified":
		return 10, true
	}
	return e.Confidence.Float()
}

// Malicious is the confidence as threatip words it: high, medium, low or
// unverified (bounds of 85, 50 and 15 of 100 by our choice).
func (e *Indicator) Malicious() Value {
	switch n, ok := e.confidence(); {
	case !ok:
		return e.Confidence
	case n >= 85:
		return event.Text("high")
	case n >= 50:
		return event.Text("medium")
	case n >= 15:
		return event.Text("low")
	}
	return event.Text("unverified")
}

// table is the feed as the table sumo://threat/cs: one row an indicator.
func (f *Feed) table(path string) *Table {
	t := &Table{Path: path, Columns: []string{"threat", "type", "actor", "raw", "threatlevel"}}
	seen := map[string]bool{}
	for i := range f.entries {
		k := strings.ToLower(f.entries[i].Indicator.Str())
		if seen[k] {
			continue
		}
		seen[k] = true
		e := f.Best(k)
		t.Rows = append(t.Rows, []Value{e.Indicator, e.Type, e.Actors, e.Raw, e.Malicious()})
	}
	return t
}
