package evtx

const (
	// HeaderBytes is the size of a file's header block.
	HeaderBytes = 4096
	// ChunkBytes is the size of a chunk. Nothing in a chunk refers to another.
	ChunkBytes = 64 << 10

	// depthMax is how deep elements and fragments may nest. Windows' own go to
	// seven or so; a chain of damage must end somewhere.
	depthMax = 64
	// nodesMax is how many elements, attributes and pieces of text one fragment
	// may hold: more than 64 KiB can.
	nodesMax = ChunkBytes
	// fragmentsMax is how many fragments (System, EventData, ...) an event may
	// consist of.
	fragmentsMax = 256
	// templatesMax is how many compiled templates a Decoder keeps. A folder of
	// every log of a machine has some 2,000.
	templatesMax = 8192
	// variantsMax is how many layouts of one template are kept: a name is
	// written out where a chunk has it first, so templates come in a few.
	variantsMax = 16
	// shapeBytesMax is how much the keys of the templates may take that were
	// made of fragments without one; a template takes some fifty times its key.
	shapeBytesMax = 128 << 10
	// namesMax is how many names of elements and attributes are kept.
	namesMax = 16384
)
