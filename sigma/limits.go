package sigma

const (
	// FileBytesMax is the largest rule file that is read. The largest published
	// one has 70 KB.
	FileBytesMax = 4 << 20

	// nodesMax bounds what a file may hold once its YAML aliases are followed:
	// a few lines of aliases can stand for billions of values.
	nodesMax = 200_000

	// depthMax bounds how deep maps, lists and conditions are nested.
	depthMax = 60

	// expandMax is how many values a value with placeholders may become, as in
	// pySigma.
	expandMax = 200

	// valuesMax is how many values modifiers may make of one: windash and
	// base64offset each make several, of each other's too.
	valuesMax = 1000

	// dashesMax is how many dashes of one value windash turns; each makes five
	// of one. As in pySigma.
	dashesMax = 3

	// archiveBytesMax is how much is unpacked of an archive of rules.
	archiveBytesMax = 512 << 20

	// filesAhead is how many files are read before they are parsed.
	filesAhead = 64
)
