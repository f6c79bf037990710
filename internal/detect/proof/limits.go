package proof

const (
	// framesMax is how many kinds of event (a channel and event id) are made.
	framesMax = 16
	// atomsMax is how many predicates of a side are tested in one kind of event;
	// of more, as in lists of hashes, these many are taken at even distances.
	atomsMax = 60
	// stepsMax bounds the search for one event.
	stepsMax = 1500
	// candidatesMax is how many values are tried for one predicate.
	candidatesMax = 12
	// roundsMax bounds how often an event is made smaller.
	roundsMax = 200
	// samplesMax is how many texts are made of one regular expression.
	samplesMax = 12
)
