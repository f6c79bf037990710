package lookup

const (
	// tableBytesMax is the largest file that is read as a table: all of it is
	// held in memory.
	tableBytesMax = 4 << 30
	// depthMax is how deep values of a JSON table may nest.
	depthMax = 64
)
