package jsondoc

const (
	// depthMax is how deep objects and arrays may be nested. Logs stay below
	// 20; a text that goes deeper is an error, not a deeper stack.
	depthMax = 200
	// nodesMax is how many different keys a Scanner remembers. Beyond it, keys
	// are looked up anew each time: a log whose keys are data has no end of them.
	nodesMax = 4096
	// keyMax is the longest key, in bytes, that a Scanner remembers.
	keyMax = 256
	// cutsMax is how many dots and brackets a wanted name may have for every
	// way to split it into keys to be tried; beyond it, only one key in all and
	// one key a segment are.
	cutsMax = 16
	// findWork bounds the bytes that Find looks at in vain, and those that a path
	// with choices may look at: this many times the text.
	findWork = 16
	// stepsMax is how many steps a path may have, and testDepthMax how deep
	// the parentheses of its conditions may be nested.
	stepsMax     = 256
	testDepthMax = 32
	// pathValuesMax is how many values a path may lead to, and be on the way
	// to, in one text.
	pathValuesMax = 1 << 16
	// pathBytesMax bounds the text of the array that a path with several values
	// gives.
	pathBytesMax = 64 << 20
)
