package convert

const (
	// stepsMax bounds how many conditions one of a query's becomes once its ifs
	// are decided: a sum of n flags has 2^n cases. SigmaHQ's longest
	// rule lists 5,000 values.
	stepsMax = 1 << 14
	// eventIDsMax bounds how many event ids a query's log source is looked up by.
	eventIDsMax = 64
)
