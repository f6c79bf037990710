package rule

// classesMax is how many pairs of channel and event id a worker remembers the
// rules of. A machine has a few hundred channels with some ten ids each; logs
// with more are made up.
const classesMax = 8192
