package convert

import (
	"fmt"
	"unicode/utf8"
)

// Limit is the most characters that a product takes of a query.
type Limit struct {
	Max  int
	Of   string // what takes no longer one
	Help string // what may be done
}

// Over says that a query is longer than its product takes; "" where it is not.
func (b *Backend) Over(text string) string {
	n := utf8.RuneCountInString(text)
	if b.Limit.Max == 0 || n <= b.Limit.Max {
		return ""
	}
	return fmt.Sprintf("it has %d characters, and %s takes %d: %s", n, b.Limit.Of, b.Limit.Max, b.Limit.Help)
}

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
