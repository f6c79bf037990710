package lang

// OfNull says what the function makes of null arguments, as its contract
// decides it; Text says the rest.
func (f *Function) OfNull() string {
	if f.Nulls {
		return "Null arguments have a meaning of their own here: see above."
	}
	return "The result is null when an argument is."
}
