package convert

const (
	// stepsMax bounds how many conditions one of a query's becomes once its ifs
	// are decided: a sum of n flags has 2^n cases. SigmaHQ's longest
	// rule lists 5,000 values.
	stepsMax = 1 << 14
	// eventIDsMax bounds how many event ids a query's log source is looked up by.
	eventIDsMax = 64
	// takenOutMax bounds how many characters a query may take out of a text for
	// its patterns to be written with them in between.
	takenOutMax = 16
	// editedBytesMax bounds how long such a pattern gets. The longest of the
	// package for T1204.001 has 4,300 bytes.
	editedBytesMax = 16 << 10
)
