package rule

// classesMax is how many pairs of channel and event id a worker remembers the
// rules of. A machine has a few hundred channels with some ten ids each; logs
// with more are made up.
const classesMax = 8192

// What a worker keeps of the values that it has met: some 25,000 of them.
const (
	valuesBytesMax = 4 << 20 // of all fields
	valueBytesMax  = 1 << 10 // of one; longer ones, scripts above all, hardly repeat
	valueOverhead  = 96      // of one, beside its text
	valueLooks     = 4096    // after so many a field is judged:
	valuesRepeat   = 8       // less than one in so many was kept already,
	valuesRest     = 64      // so none is kept for so many batches
	verdictBits    = 15
)

// patternsKept is how many patterns are kept ready that an expression computes of
// an event: x LIKE concat('%', y). There are as many as values of y.
const patternsKept = 1024
