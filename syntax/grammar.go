package syntax

// Grammar is what the parser asks of a vocabulary. Names are matched ignoring case.
type Grammar interface {
	// Usage is the usage line of an operator, parsed; ok is false for an unknown one.
	Usage(op string) (u *Usage, ok bool)
	// Aggregate reports whether the word is a group function.
	Aggregate(name string) bool
	// Function reports whether the word is a scalar function.
	Function(name string) bool
	// Names lists every operator, aggregate and function, for "did you mean".
	Names() []string
}
