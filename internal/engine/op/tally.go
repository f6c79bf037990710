package op

import (
	"maps"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// tallying is what a stage declares that counts texts: hidden fields of a text and its
// counts on disk.
type tallying struct {
	text event.Slot
	n    [2]event.Slot
}

func (t *tallying) check(sc *lang.Scope) {
	t.text, t.n = hidden(sc, "text"), [2]event.Slot{hidden(sc, "count0"), hidden(sc, "count1")}
}

// tally counts texts on two sides. Beyond the memory budget counts go to disk as they
// are, and are added up when they are read.
type tally struct {
	*tallying
	acct   *exec.Account
	counts map[string]*[2]int64
	disk   *exec.Sorter
}

func (t *tallying) open(rt *exec.Runtime, who string) *tally {
	var f event.Fields
	f.Add(t.text)
	f.Add(t.n[:]...)
	return &tally{
		tallying: t, acct: rt.Budget.Open(who), counts: map[string]*[2]int64{},
		disk: exec.NewSorter(rt, who, exec.Order{Keys: []exec.Key{{Slot: t.text}}}, exec.NewCodec(&f), 0),
	}
}

// tallyBytes is what a text costs in memory besides itself.
const tallyBytes = 96

// add counts a text, which is lent, n times on each side.
func (t *tally) add(text []byte, n [2]int64) error {
	c := t.counts[string(text)]
	if c == nil {
		if n := int64(len(text)) + tallyBytes; !t.acct.Hold(n) {
			if err := t.write(); err != nil {
				return err
			}
			t.acct.Hold(n)
		}
		c = new([2]int64)
		t.counts[string(text)] = c
	}
	c[0] += n[0]
	c[1] += n[1]
	return nil
}

// write writes all counts to disk, and forgets them.
func (t *tally) write() error {
	t.acct.Release() // so that the sorter has some
	var b event.Batch
	for text, n := range t.counts {
		row := b.AddRow(0, 0)
		b.Col(t.text).Set(row, event.Text(text))
		b.Col(t.tallying.n[0]).Set(row, event.Int(n[0]))
		b.Col(t.tallying.n[1]).Set(row, event.Int(n[1]))
		if b.N == event.MaxRows {
			if err := t.disk.Add(&b); err != nil {
				return err
			}
			b.Reset()
		}
	}
	clear(t.counts)
	if err := t.disk.Add(&b); err != nil {
		return err
	}
	return t.disk.PutAside()
}

// merge adds another worker's counts.
func (t *tally) merge(o *tally) error {
	for text, n := range o.counts {
		if err := t.add([]byte(text), *n); err != nil {
			return err
		}
	}
	o.acct.Release()
	return t.disk.Merge(o.disk)
}

// each gives all texts with their counts in the order of the texts, and keeps them.
func (t *tally) each(give func(text string, n [2]int64) error) error {
	if !t.disk.Spilled() {
		for _, text := range slices.Sorted(maps.Keys(t.counts)) {
			if err := give(text, *t.counts[text]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := t.write(); err != nil {
		return err
	}
	last, sum, some := "", [2]int64{}, false
	err := t.disk.Snapshot(sinkFunc(func(b *event.Batch) error {
		for _, row := range b.Live {
			if text := b.Value(t.text, row).Str(); !some || text != last {
				if some {
					if err := give(last, sum); err != nil {
						return err
					}
				}
				last, sum, some = strings.Clone(text), [2]int64{}, true
			}
			for i, s := range t.tallying.n {
				n, _ := b.Value(s, row).Int()
				sum[i] += n
			}
		}
		return nil
	}))
	if err != nil || !some {
		return err
	}
	return give(last, sum)
}

// save writes the counts down, and load adds those that were.
func (t *tally) save(to *exec.Saver) error {
	if err := t.each(func(text string, n [2]int64) error {
		to.Record([]byte(text))
		to.Int(n[0])
		to.Int(n[1])
		return to.Err()
	}); err != nil {
		return err
	}
	to.End()
	return to.Err()
}

func (t *tally) load(from *exec.Loader) error {
	return from.Records(func(rec []byte) error {
		text := slices.Clone(rec)
		n := [2]int64{from.Int(), from.Int()}
		if from.Err() != nil {
			return from.Err()
		}
		return t.add(text, n)
	})
}

func (t *tally) close() {
	t.disk.Close()
	t.acct.Release()
}
