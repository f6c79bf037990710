package syntax

// TextMax is the longest text the tests read.
const TextMax = textMax
