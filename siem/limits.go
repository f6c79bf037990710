package siem

const (
	// bytesMax is the longest expression that is read. The longest of the
	// product's own rules has 8 KB.
	bytesMax = 1 << 20
	// depthMax bounds how deep parentheses, NOT and the like are nested.
	depthMax = 200
)
