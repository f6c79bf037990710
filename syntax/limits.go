package syntax

const (
	// textMax is the longest query that is read, in bytes. Sumo Logic takes 15,000
	// characters and the longest published query has 14,150 bytes; with this a
	// text of nothing but mistakes is read in about a second.
	textMax = 1 << 20

	// regexMax is the longest /regular expression/; a word of Sumo Logic has 2,300
	// characters at most. Its end is looked for again at
	// each slash that may start one, so without a limit a line of slashes would
	// take the square of its length.
	regexMax = 4 << 10

	// nestingMax is how deep parentheses, calls, NOTs and child queries may
	// stand inside each other. The deepest published query has 43 levels of if;
	// the parser needs about 1 KiB of stack a level.
	nestingMax = 500

	// heightMax is how high the tree of one expression may grow. A chain such
	// as a or b or c leans to the left, one level an operator, and walkers of
	// the tree go down it.
	heightMax = 10000

	// findingsMax is how many findings of one text are kept. Getting over a
	// mistake may mean reading far ahead, so without an end a long text of
	// nothing but mistakes would take very long.
	findingsMax = 200

	// skippedMax is how much text may be read again to get over mistakes, as a
	// multiple of the text: mistakes inside each other each look for their end.
	skippedMax = 8

	// templateMax is the longest {{name}}, its braces included.
	templateMax = 200

	// lineMax is how long a printed line may get before it is wrapped.
	lineMax = 100
)
