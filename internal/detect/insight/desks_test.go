package insight_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
)

// TestDesksThatAreForgotten: desks that are dropped once nothing can come of them, and
// desks that are written down whenever they change and read again, make the insights that
// desks make which stay.
func TestDesksThatAreForgotten(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 2))
	c := content()
	c.Customs = []*insight.Custom{{ID: "c", Name: "both", SignalNames: []string{"n1", "n2"}, Severity: "LOW"}}
	var all []*insight.Signal
	at := int64(0)
	for n := range 3000 {
		at += r.Int64N(hour)
		s := signal(fmt.Sprint("n", r.IntN(4)), at, 1+r.IntN(8))
		s.Entity.Value, s.Pos, s.ID = fmt.Sprint("h", n/8+r.IntN(20)), uint64(n), fmt.Sprint(n)
		all = append(all, s)
	}
	run := func(of func(d *insight.Desks) *insight.Desks) (out []string, most int) {
		d := insight.NewDesks(c)
		d.Track()
		for n := 0; n < len(all); n += 7 {
			var part []*insight.Signal
			for _, s := range all[n:min(n+7, len(all))] {
				k := *s
				part = append(part, &k)
			}
			for _, i := range d.Take(part) {
				out = append(out, fmt.Sprint(i.ID, i.Time, i.Score, i.Name, len(i.Signals)))
			}
			most = max(most, d.Len())
			d = of(d)
		}
		return out, most
	}
	want, most := run(func(d *insight.Desks) *insight.Desks { return d })
	if len(want) < 30 {
		t.Fatalf("%d insights", len(want))
	}
	defer insight.SetFewDesks(20)()
	got, fewer := run(func(d *insight.Desks) *insight.Desks { return d })
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%d insights of desks that are forgotten, want %d", len(got), len(want))
	}
	if fewer > most*2/3 {
		t.Errorf("%d desks at most, %d of all", fewer, most)
	}
	store := map[string][]byte{}
	got, _ = run(func(d *insight.Desks) *insight.Desks {
		for _, id := range d.Changed() {
			delete(store, id)
			if x := d.Of(id); x != nil {
				text, err := x.Save()
				if err != nil {
					t.Fatal(err)
				}
				store[id] = text
			}
		}
		d.Kept()
		if r.IntN(10) > 0 {
			return d
		}
		next := insight.NewDesks(c)
		for _, text := range store {
			x, err := insight.Load(text)
			if err != nil {
				t.Fatal(err)
			}
			next.Put(x)
		}
		next.Track()
		if next.Len() != d.Len() {
			t.Fatalf("%d desks are written down, there are %d", next.Len(), d.Len())
		}
		return next
	})
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%d insights of desks that are written down, want %d", len(got), len(want))
	}
}

// TestDesksAreBounded: of too many entities those that were quiet for longest go, and are
// counted.
func TestDesksAreBounded(t *testing.T) {
	d := insight.NewDesks(content())
	d.Max = 100
	for n := range 1000 {
		s := signal("n", int64(n), 3)
		s.Entity.Value = fmt.Sprint("h", n)
		d.Take([]*insight.Signal{s})
	}
	last := insight.Entity{Type: "_hostname", Value: "h999"}
	if d.Len() > 100 || d.Len()+d.Evicted != 1000 || d.Of(last.ID()) == nil {
		t.Errorf("%d desks, %d went", d.Len(), d.Evicted)
	}
}
