package insight

// SetFewDesks has desks without a future looked for early and returns what undoes it.
func SetFewDesks(n int) func() {
	old := fewDesks
	fewDesks = n
	return func() { fewDesks = old }
}
