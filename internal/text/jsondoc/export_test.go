package jsondoc

// Eager makes a scanner that wants all names and roots from the beginning.
func Eager(w Want) *Scanner {
	s := NewScanner(w)
	for _, n := range w.Names {
		s.meet([]byte(n))
	}
	for _, r := range w.Roots {
		s.meet([]byte(r))
	}
	return s
}
