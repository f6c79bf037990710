package rule

import (
	"errors"
	"maps"
	"math"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/sigma"
)

// errWindow is of saved bytes that no window has written.
var errWindow = errors.New("the window of a correlation is not whole")

func (w *sliding) save(to *exec.Saver) {
	to.Uint(uint64(len(w.in)))
	for _, x := range w.in {
		to.Int(x.at)
		to.Uint(uint64(x.ref))
		value := ""
		if x.value != nil {
			value = x.value.text
		}
		to.Bytes([]byte(value))
		to.Bytes([]byte(x.record))
	}
}

func (w *sliding) load(from *exec.Loader) {
	for n := from.Uint(); n > 0 && from.Err() == nil; n-- {
		at, ref := from.Int(), w.tally.ref(from)
		v := w.tally.add(ref, string(from.Bytes()))
		w.in = append(w.in, inside{at, ref, v, string(from.Bytes())})
		w.texts += len(w.in[len(w.in)-1].record)
	}
}

func (w *tumbling) save(to *exec.Saver) {
	w.tally.save(to)
	to.Int(w.f.First)
	to.Int(w.f.Last)
	to.Uint(w.f.Pos)
	saveTexts(to, w.f.Records)
}

func (w *tumbling) load(from *exec.Loader) {
	w.tally.load(from)
	w.f = Finding{First: from.Int(), Last: from.Int(), Pos: from.Uint(), Records: loadTexts(from)}
}

func (w *chains) save(to *exec.Saver) {
	to.Uint(uint64(len(w.of)))
	for _, c := range w.of {
		to.Int(c.start)
		to.Uint(uint64(c.events))
		saveTexts(to, c.records)
	}
	to.Uint(uint64(len(w.step)))
	for _, o := range w.step {
		to.Int(o.at)
		to.Uint(o.pos)
		to.Uint(uint64(o.ref))
		to.Bytes([]byte(o.record))
	}
}

func (w *chains) load(from *exec.Loader) {
	if from.Uint() != uint64(len(w.of)) {
		from.Fail(errWindow)
		return
	}
	for i := range w.of {
		w.of[i] = chain{from.Int(), int(from.Uint()), loadTexts(from)}
	}
	for n := from.Uint(); n > 0 && from.Err() == nil; n-- {
		o := occurrence{at: from.Int(), pos: from.Uint()}
		if o.ref = int(from.Uint()); o.ref < 0 || o.ref >= len(w.of) {
			from.Fail(errWindow)
			return
		}
		o.record = string(from.Bytes())
		w.step = append(w.step, o)
	}
}

// save writes down what a tally has of the windows that no match leaves.
func (t *tally) save(to *exec.Saver) {
	to.Uint(uint64(t.events))
	to.Uint(uint64(len(t.values)))
	for _, text := range slices.Sorted(maps.Keys(t.values)) {
		to.Bytes([]byte(text))
		to.Uint(uint64(t.values[text].n))
	}
	for _, n := range t.refs {
		to.Uint(uint64(n))
	}
	to.Uint(math.Float64bits(t.sum))
	to.Uint(uint64(t.n))
	to.Uint(uint64(len(t.numbers)))
	for _, x := range t.numbers {
		to.Uint(math.Float64bits(x))
	}
}

func (t *tally) load(from *exec.Loader) {
	t.events = int(from.Uint())
	for n := from.Uint(); n > 0 && from.Err() == nil; n-- {
		v := &counted{text: string(from.Bytes())}
		v.n = int(from.Uint())
		t.values[v.text] = v
		t.bytes += int64(textBytes + len(v.text))
	}
	for i := range t.refs {
		if t.refs[i] = int(from.Uint()); t.refs[i] > 0 && t.c.Type == sigma.Temporal {
			t.rules++
		}
	}
	t.sum, t.n = math.Float64frombits(from.Uint()), int(from.Uint())
	for n := from.Uint(); n > 0 && from.Err() == nil; n-- {
		t.numbers = append(t.numbers, math.Float64frombits(from.Uint()))
		t.bytes += numberBytes
	}
}

// ref reads the place of a rule.
func (t *tally) ref(from *exec.Loader) int {
	n := from.Uint()
	if n >= uint64(len(t.refs)) {
		from.Fail(errWindow)
		return 0
	}
	return int(n)
}

func saveTexts(to *exec.Saver, all []string) {
	to.Uint(uint64(len(all)))
	for _, s := range all {
		to.Bytes([]byte(s))
	}
}

func loadTexts(from *exec.Loader) (all []string) {
	for n := from.Uint(); n > 0 && from.Err() == nil; n-- {
		all = append(all, string(from.Bytes()))
	}
	return all
}
