package hunt

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Rows makes findings of the rows of a detection's query. It is one goroutine's.
type Rows struct {
	To        Taker
	Detection *Detection
	Of        *detection.Detection
	Layout    *event.Layout
	Columns   []lang.Column          // of the query; nil for every field of a row
	Part      func(index int) string // name of a part of the input

	slots map[string]event.Slot
	names []string
	epoch int // of the layout, that slots and names are of
}

// Push takes rows.
func (r *Rows) Push(b *event.Batch) error {
	if e := r.Layout.Epoch(); e != r.epoch {
		r.slots, r.names, r.epoch = nil, nil, e
	}
	for _, row := range b.Live {
		if err := r.To.Add(r.Detection, r.finding(b, row)); err != nil {
			return err
		}
	}
	return nil
}

// value is a field of a row, as the query has it or as it was carried there.
func (r *Rows) value(b *event.Batch, row uint16, name string, carried bool) event.Value {
	if carried {
		name = lang.CarriedName(name)
	}
	s, ok := r.slots[name]
	if !ok {
		if s, ok = r.Layout.Find(name); !ok {
			s = event.None
		}
		if r.slots == nil {
			r.slots = map[string]event.Slot{}
		}
		if s != event.None || r.Columns != nil { // else an event may yet have it
			r.slots[name] = s
		}
	}
	if s == event.None {
		return event.Value{}
	}
	return b.Value(s, row)
}

func (r *Rows) finding(b *event.Batch, row uint16) *Finding {
	f := &Finding{Severity: r.Of.Base()}
	// said is a value of the event, as it was carried or else as the query has it.
	said := func(name string) string {
		v := r.value(b, row, name, true)
		if v.IsNull() {
			v = r.value(b, row, name, false)
		}
		return strings.Clone(v.String())
	}
	at := event.NoTime
	if int(row) < len(b.Time) {
		at = b.Time[row]
	} else { // records, such as the end of a chain of events
		at, _ = r.value(b, row, "_messageTime", false).Int()
	}
	f.SetTime(at)
	if name := r.Of.Score.Field; name != "" {
		if v := r.value(b, row, name, false); !v.IsNull() {
			if x, ok := v.Float(); ok {
				f.Score = &x
				f.Severity = r.Of.SeverityOf(int(x))
			}
		}
	}
	f.Host, f.User = said("Computer"), UserOf(said)
	for _, e := range r.Of.Whom() {
		if v := r.value(b, row, e.Field, false); !v.IsNull() && v.String() != "" {
			f.Entities = append(f.Entities, Entity{e.Type, strings.Clone(v.String())})
		}
	}
	if at := r.value(b, row, lang.CarriedPlace, false); !at.IsNull() {
		pos, _ := at.Int()
		f.About(r.Part(part(uint64(pos))), uint64(pos), said)
	}
	if of := r.value(b, row, lang.CarriedPlaces, false); !of.IsNull() {
		r.places(f, of.Str())
	}
	if f.Entities == nil {
		f.Entities = whom(f)
	}
	if r.Detection.Next == "" {
		f.Next = Advice(f, said)
	}
	add := func(name string, v event.Value) {
		if v.IsNull() || strings.EqualFold(name, "_messageTime") || strings.HasPrefix(name, lang.CarriedPrefix) {
			return // the time is the finding's
		}
		f.Fields = append(f.Fields, Field{name, v.Clone()})
	}
	if r.Columns != nil && !lang.HasLate(r.Columns) {
		for _, c := range r.Columns {
			add(c.Name, b.Value(c.Slot, row))
		}
		return f
	}
	if len(r.names) < len(b.Cols) {
		r.names = r.Layout.Names()
	}
	for i := range b.Cols {
		add(r.names[i], b.Value(event.Slot(i), row))
	}
	// Slots are in the order in which names were met, which differs from run to run.
	slices.SortFunc(f.Fields, func(x, y Field) int { return strings.Compare(x.Name, y.Name) })
	return f
}

// places gives the finding of an aggregate its records, of lang.CarriedPlaces.
func (r *Rows) places(f *Finding, text string) {
	for i, n := range strings.Fields(text) {
		at, _ := strconv.ParseUint(n, 10, 64)
		if i == 0 {
			f.Records = int(at)
			continue
		}
		f.Evidence = append(f.Evidence, Record(Place{File: r.Part(part(at))}, at))
	}
}

// OfPackage is what the findings of a package's detection have in common.
func OfPackage(d *detection.Detection) *Detection {
	p := d.Package
	o := &Detection{
		ID: p.Folder + "/" + d.ID, Name: cmp.Or(d.Name, d.ID), Kind: Package, Package: p.Name,
		Techniques: TechniquesOf(p.Attack.Techniques), Tactics: TacticsOf(p.Attack.Tactics, p.Attack.Techniques), Next: d.Next, Base: d.Base(),
	}
	o.Tags = attackTags(o.Techniques, o.Tactics)
	return o
}
