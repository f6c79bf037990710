package op

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	mathbits "math/bits"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "logreduce values", Usage: "(logreduce values) (on <of:field,...> [output_threshold [=] <threshold:number>|, output_threshold = <threshold:number>]|[-] details [on <keys:field,...>] [<search:word> [<clusters:(<id:string>|<id:word>),...>]])",
		Summary: "Puts rows together whose fields have mostly the same values, and counts them.",
		Text: "A row belongs to the first cluster with which at least half of its fields agree; fields that differ become `*`. " +
			"Rows have `_cluster_id`, the same in every run for the same signature, `_signature` (`name=value, ...`) and `_count`, the most common first. " +
			"Clusters of rows with several fields must fit the memory budget; those with one go to disk beyond it. " +
			"`output_threshold=0.01` leaves out clusters with less than that share of the rows. " +
			"`details` shows the messages of a search that the service keeps by its code; nothing is stored here, so it is refused.",
		Differs: "The clusters are made by an algorithm of ours, so they differ from the service's; counts are exact.",
		Examples: []lang.Example{
			{Query: `* | logreduce values on user, action`, In: []string{`{"_raw":"","user":"a","action":"in"}`, `{"_raw":"","user":"b","action":"in"}`}, Out: []string{`{"_signature":"user=*, action=in","_count":2}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Makes, Costly: true},
	New:   func() lang.Stage { return new(logreduceValues) },
})

type logreduceValues struct {
	Of        []*syntax.Field `usage:"of"`
	Threshold *syntax.Number  `usage:"threshold"`
	Details   *syntax.Name    `usage:"details"`

	slots                []event.Slot
	id, signature, count event.Slot
	tallying
}

func (s *logreduceValues) Check(sc *lang.Scope) {
	if s.Details != nil {
		sc.Error(s.Details, "service-only", "logreduce values details shows a search that Sumo Logic's service keeps, and does not run outside of it", "write logreduce values on the same fields, or filter with where")
		return
	}
	s.check(sc)
	for _, f := range s.Of {
		s.slots = append(s.slots, sc.Read(f))
	}
	s.id, s.signature, s.count = sc.Slot("_cluster_id"), sc.Slot("_signature"), sc.Slot("_count")
	sc.Records(lang.Column{Slot: s.id, Name: "_cluster_id"}, lang.Column{Slot: s.signature, Name: "_signature"}, lang.Column{Slot: s.count, Name: "_count"})
}

func (s *logreduceValues) Needs(f *event.Fields) {
	f.Clear()
	f.Add(s.slots...)
}

func (s *logreduceValues) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	return &valuesTask{
		logreduceValues: s, rt: rt, next: next, acct: rt.Budget.Open("logreduce values"), counts: s.open(rt, "logreduce values"),
		index: map[uint64]*valueCluster{}, seed: maphash.MakeSeed(), subsets: halves(len(s.slots)),
	}
}

// valueCluster is rows whose fields mostly agree.
type valueCluster struct {
	vals  []string // of its first row
	many  []bool   // by field: rows differ in it
	count int64
	nth   int
}

type valuesTask struct {
	*logreduceValues
	rt   *exec.Runtime
	next exec.Sink
	acct *exec.Account
	all  []*valueCluster
	// index finds the clusters to which a row may belong, by the values of each half of the
	// fields. A cluster is made where none has half of its values, and only loses some: so no
	// two have the same values in one half. One that has lost them gives way.
	index   map[uint64]*valueCluster
	seed    maphash.Seed
	subsets [][]int
	total   int64
	counts  *tally // by signature
	buf     []byte
}

// halvesMax is how many fields, at most, are looked up by their halves: 924 of 12. Of more
// all clusters are looked at.
const halvesMax = 12

// halves lists the subsets of n fields that have half of them, rounded up.
func halves(n int) (all [][]int) {
	if n > halvesMax {
		return nil
	}
	for bits := range 1 << n {
		if mathbits.OnesCount(uint(bits)) != (n+1)/2 {
			continue
		}
		var fields []int
		for i := range n {
			if bits&(1<<i) != 0 {
				fields = append(fields, i)
			}
		}
		all = append(all, fields)
	}
	return all
}

func (t *valuesTask) Push(b *event.Batch) error {
	vals := make([]string, len(t.slots))
	keys := make([]uint64, len(t.subsets))
	for _, row := range b.Live {
		for i, s := range t.slots {
			vals[i] = b.Value(s, row).Str()
		}
		t.total++
		if len(vals) == 1 { // agrees with the same value alone
			if err := t.counts.add(t.text(vals, nil), [2]int64{1}); err != nil {
				return err
			}
			continue
		}
		for i, fields := range t.subsets {
			t.buf = binary.AppendUvarint(t.buf[:0], uint64(i))
			for _, f := range fields {
				t.buf = append(binary.AppendUvarint(t.buf, uint64(len(vals[f]))), vals[f]...)
			}
			keys[i] = maphash.Bytes(t.seed, t.buf)
		}
		if c := t.find(vals, keys); c != nil {
			c.count++
			for i, v := range vals {
				c.many[i] = c.many[i] || c.vals[i] != v
			}
			continue
		}
		c := &valueCluster{vals: make([]string, len(vals)), many: make([]bool, len(vals)), count: 1, nth: len(t.all)}
		n := int64(clusterBytes + halfBytes*len(keys))
		for i, v := range vals {
			c.vals[i] = strings.Clone(v)
			n += int64(len(v) + 24)
		}
		for _, k := range keys {
			t.index[k] = c
		}
		t.all = append(t.all, c)
		if !t.acct.Hold(n) {
			return t.acct.Over(fmt.Sprintf("%d clusters, which must be held all at once", len(t.all)), "filter earlier, or name one field alone")
		}
	}
	return nil
}

// halfBytes is what a half of a cluster's fields takes in the index.
const halfBytes = 40

// find returns the cluster that agrees best with a row, of several the first; nil where
// none does in half of the fields. keys are those of the row's halves.
func (t *valuesTask) find(vals []string, keys []uint64) (best *valueCluster) {
	most := 0
	look := func(c *valueCluster) {
		if c == best {
			return
		}
		n := 0
		for i, v := range vals {
			if !c.many[i] && c.vals[i] == v {
				n++
			}
		}
		if 2*n >= len(vals) && (n > most || n == most && c.nth < best.nth) {
			best, most = c, n
		}
	}
	if len(keys) == 0 {
		for _, c := range t.all {
			look(c)
		}
		return best
	}
	for _, k := range keys {
		if c := t.index[k]; c != nil {
			look(c)
		}
	}
	return best
}

// text is the signature of some values, of which many are several. It is good until the next.
func (t *valuesTask) text(vals []string, many []bool) []byte {
	t.buf = t.buf[:0]
	for i, v := range vals {
		if i > 0 {
			t.buf = append(t.buf, ", "...)
		}
		if many != nil && many[i] {
			v = "*"
		}
		t.buf = append(append(append(t.buf, t.Of[i].Name...), '='), v...)
	}
	return t.buf
}

func (t *valuesTask) Flush() error {
	defer t.acct.Release()
	defer t.counts.close()
	for _, c := range t.all {
		if err := t.counts.add(t.text(c.vals, c.many), [2]int64{c.count}); err != nil {
			return err
		}
	}
	t.all, t.index = nil, nil
	t.acct.Release()
	out := newRanked(t.rt, "logreduce values", false, 0, t.count, t.signature)
	if err := t.counts.each(func(text string, n [2]int64) error {
		if t.Threshold != nil && float64(n[0]) < t.Threshold.Float*float64(t.total) {
			return nil
		}
		b, row, err := out.row(0)
		if err != nil {
			return err
		}
		b.Col(t.signature).Set(row, event.Text(text))
		b.Col(t.count).Set(row, event.Int(n[0]))
		return nil
	}); err != nil {
		return err
	}
	return out.flush(func(b *event.Batch) error {
		for _, row := range b.Live {
			b.Col(t.id).Set(row, event.Text(signature{text: b.Value(t.signature, row).Str()}.id()))
		}
		return t.next.Push(b)
	})
}
