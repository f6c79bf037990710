package match

import "time"

const (
	// regexTime bounds one match by backtracking. regexp2 looks at a clock that
	// ticks every 100 ms, so a match is stopped 250 to 450 ms after it began.
	regexTime = 250 * time.Millisecond

	// patternBytesMax and patternDepthMax bound what is compiled: patterns come
	// with rules from anywhere, and reading one is recursive.
	patternBytesMax = 64 << 10
	patternDepthMax = 200

	// repeatMax is the largest count in braces. Go's engine stops at 1000;
	// what is above goes to the backtracking one.
	repeatMax = 100_000

	// alternativesMax and alternativeBytesMax bound the literals known of a
	// regular expression. With more alternatives something is nearly always
	// found, and looking costs more than it saves.
	alternativesMax     = 64
	alternativeBytesMax = 64

	// classLettersMax is how many letters a character class may have and still
	// be spelled out as alternatives.
	classLettersMax = 6

	// witnessMax is how many literals a witness may have. Beyond it the set
	// search slows down to where reading every event is as quick.
	witnessMax = 256

	// needleBytesMin is the least a literal must have, once cut at what JSON
	// may escape, to be worth looking for.
	needleBytesMin = 3
)
