package match

// Witness is what a matching event must contain: at least one of Any, letter
// case aside. nil requires nothing.
type Witness struct{ Any []string }

// And picks the more telling of two requirements.
func And(a, b *Witness) *Witness {
	if a == nil {
		return b
	}
	if b == nil || shortest(a) >= shortest(b) {
		return a
	}
	return b
}

// Or is a requirement of either.
func Or(a, b *Witness) *Witness {
	if a == nil || b == nil {
		return nil
	}
	return &Witness{append(append([]string{}, a.Any...), b.Any...)}
}

func shortest(w *Witness) int {
	n := 1 << 30
	for _, s := range w.Any {
		n = min(n, len(s))
	}
	return n
}
