package exec

import (
	"fmt"
	"sort"
	"sync"
)

// samplesMax is how many places of each kind of warning are remembered.
const samplesMax = 5

// Warnings counts what went wrong with data while a query ran: lines that are
// no JSON, damaged records, values a function cannot take. Safe for several
// goroutines; Add is off the hot path.
type Warnings struct {
	mu    sync.Mutex
	kinds map[string]*Warning
}

// Warning is one kind of trouble, with the first few places it was met at.
type Warning struct {
	Kind   string   // "not JSON", "chunk checksum"
	Count  int64    //
	Lost   bool     // data was lost to it; with --strict the run fails
	Sample []Sample // in the order of the input, as far as -j lets
}

// Sample is one place of a Warning.
type Sample struct {
	Part   string // file, "" when not known
	Pos    uint64 // orders samples; see event.Position
	Detail string // "byte 911204: unexpected end of string"
}

// Add counts a warning. lost says that data could not be used.
func (w *Warnings) Add(kind string, lost bool, s Sample) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.kinds == nil {
		w.kinds = map[string]*Warning{}
	}
	k := w.kinds[kind]
	if k == nil {
		k = &Warning{Kind: kind}
		w.kinds[kind] = k
	}
	k.Count++
	k.Lost = k.Lost || lost
	// The samples kept are the first of the input, whichever worker met them.
	i := sort.Search(len(k.Sample), func(i int) bool { return k.Sample[i].Pos > s.Pos })
	if i >= samplesMax {
		return
	}
	k.Sample = append(k.Sample, Sample{})
	copy(k.Sample[i+1:], k.Sample[i:])
	k.Sample[i] = s
	if len(k.Sample) > samplesMax {
		k.Sample = k.Sample[:samplesMax]
	}
}

// List returns the warnings by kind.
func (w *Warnings) List() []Warning {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]Warning, 0, len(w.kinds))
	for _, k := range w.kinds {
		out = append(out, *k)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Kind < out[j].Kind })
	return out
}

// Lost reports how much could not be used.
func (w *Warnings) Lost() (n int64) {
	for _, k := range w.List() {
		if k.Lost {
			n += k.Count
		}
	}
	return n
}

func (s Sample) String() string {
	if s.Part == "" {
		return s.Detail
	}
	return fmt.Sprintf("%s: %s", s.Part, s.Detail)
}
