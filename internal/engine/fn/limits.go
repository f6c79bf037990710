package fn

const (
	// concatMax is the most arguments of concat and of format besides its
	// pattern (documented by Sumo Logic).
	concatMax = 16
	// textMax is the most bytes of text a function makes.
	textMax = 16 << 20
	// widthMax is the widest and most precise a conversion of format may be.
	widthMax = 1000
	// hexDigitsMax is the most digits of a hexadecimal number: those of a long.
	hexDigitsMax = 16
)
