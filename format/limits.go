package format

// categoriesMax is how many channels a reader remembers the _sourceCategory of.
const categoriesMax = 256
