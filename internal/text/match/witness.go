package match

import "slices"

// Witness is what a matching event must contain: at least one of Any, in any
// letter case and spelling that Fold makes equal. A nil Witness requires
// nothing and is always right; one without literals is of what never matches.
type Witness struct{ Any []string }

// NewWitness makes a witness of alternatives, folded and each once. An empty
// one among them stands in every text: then, and when they are too many to be
// worth looking for, nothing is required.
func NewWitness(any ...string) *Witness {
	w := &Witness{Any: make([]string, 0, len(any))}
	for _, s := range any {
		if s == "" {
			return nil
		}
		w.Any = append(w.Any, Fold(s))
	}
	slices.Sort(w.Any)
	w.Any = slices.Compact(w.Any)
	if len(w.Any) > witnessMax {
		return nil
	}
	return w
}

// And is a requirement of one of two that both hold: that which fewer events
// will meet by accident. Longer literals are rarer, fewer alternatives too, and
// what stands in every Sysmon event (".exe", "microsoft") is the last choice.
func And(a, b *Witness) *Witness {
	switch {
	case a == nil:
		return b
	case b == nil || rateAny(a.Any) <= rateAny(b.Any):
		return a
	}
	return b
}

// Or is a requirement of what meets a or b, or both: either's literals. Where
// one requires nothing, nothing is.
func Or(a, b *Witness) *Witness {
	if a == nil || b == nil {
		return nil
	}
	return NewWitness(append(slices.Clip(a.Any), b.Any...)...)
}

// rateAny guesses how often per byte of text one of some literals is met.
func rateAny(any []string) (sum float64) {
	for _, s := range any {
		sum += rate(Fold(s))
	}
	return sum
}

// Witnesses are requirements that all hold: an AND of ORs. None is always right.
type Witnesses []*Witness

// With adds a requirement.
func (ws Witnesses) With(w *Witness) Witnesses {
	if w == nil || slices.ContainsFunc(ws, func(o *Witness) bool { return slices.Equal(o.Any, w.Any) }) {
		return ws
	}
	return append(ws, w)
}
