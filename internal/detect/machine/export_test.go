package machine

// SetMaxValues makes baselines small for a test and returns what undoes it.
func SetMaxValues(n int) func() {
	old := maxValues
	maxValues = n
	return func() { maxValues = old }
}
