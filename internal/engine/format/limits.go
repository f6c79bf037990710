package format

const (
	// categoriesMax is how many channels a reader remembers the _sourceCategory of.
	categoriesMax = 256

	// excerptBytes is how much of a text that cannot be used a message shows.
	excerptBytes = 60

	// xmlDepthMax is how deep the elements of an event may stand.
	xmlDepthMax = 32

	// openedMax is how many fields of an event are opened that hold more of it.
	openedMax = 64

	// endlessBytes is how long an object may get of a text of objects before it is
	// taken for one without an end.
	endlessBytes = 16 << 20

	// resumeBytes is how far beyond a broken object the shape of others is looked for.
	resumeBytes = 1 << 20

	// labelBytesMax is the longest label of a line in a rendered message.
	labelBytesMax = 64

	// timeBytesMax is the longest time that a line may begin with.
	timeBytesMax = 128

	// messageLinesMax and messageBytesMax are how long a message of plain text may
	// get before its lines are taken for messages of their own.
	messageLinesMax = 2000
	messageBytesMax = 512 << 10

	// oddShare: text may have one control character or byte that is no UTF-8 in
	// so many, as logs of attacks do.
	oddShare = 32

	// namesMax is how many names of fields a reader remembers the use of.
	namesMax = 4096
)
