package format

const (
	// categoriesMax is how many channels a reader remembers the _sourceCategory of.
	categoriesMax = 256

	// excerptBytes is how much of a text that cannot be used a message shows.
	excerptBytes = 60
)
