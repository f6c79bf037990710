package jsondoc

// FlattenOptions says how far an object is flattened.
type FlattenOptions struct {
	MaxDepth      int  // > 0: objects and arrays at that depth stay JSON text
	ExtractArrays bool // arrays of plain values become a[0], a[1], ...
}

// Flatten calls emit for every field of the object that text is, under the name
// json auto gives it: a.b for nested objects, a[0].c for arrays that hold
// objects. Arrays of plain values stay text, empty objects give nothing. Blanks
// in keys become underscores. A name is good until emit returns. The error is a
// *SyntaxError; the fields before it have been given.
func Flatten(text []byte, o FlattenOptions, emit func(name []byte, v Value)) error {
	f := &flattener{src: text, o: o, emit: emit}
	f.i = blank(text, 0)
	if f.i >= len(text) || text[f.i] != '{' {
		return fail(f.i, noObject)
	}
	if err := f.object(0); err != nil {
		return err
	}
	if f.i = blank(text, f.i); f.i < len(text) {
		return fail(f.i, textAfter)
	}
	return nil
}

type flattener struct {
	src  []byte
	i    int
	o    FlattenOptions
	emit func([]byte, Value)
	name []byte
}

// object flattens the object at i, which stands at a depth.
func (f *flattener) object(depth int) error {
	if depth >= depthMax {
		return fail(f.i, tooDeep)
	}
	src := f.src
	f.i = blank(src, f.i+1)
	if f.i < len(src) && src[f.i] == '}' {
		f.i++
		return nil
	}
	base := len(f.name)
	for {
		if f.i >= len(src) {
			return fail(f.i, endOfText)
		}
		if src[f.i] != '"' {
			return fail(f.i, noKey)
		}
		end := stringEnd(src, f.i+1)
		if end < 0 {
			return fail(len(src), endOfString)
		}
		if depth > 0 {
			f.name = append(f.name[:base], '.')
		}
		at := len(f.name)
		f.name = Unescape(f.name, src[f.i+1:end])
		for i := at; i < len(f.name); i++ {
			if f.name[i] == ' ' {
				f.name[i] = '_'
			}
		}
		if f.i = blank(src, end+1); f.i >= len(src) {
			return fail(f.i, endOfText)
		}
		if src[f.i] != ':' {
			return fail(f.i, noColon)
		}
		f.i = blank(src, f.i+1)
		if err := f.value(depth); err != nil {
			return err
		}
		f.name = f.name[:base]
		if f.i = blank(src, f.i); f.i >= len(src) {
			return fail(f.i, endOfText)
		}
		switch src[f.i] {
		case ',':
			f.i = blank(src, f.i+1)
		case '}':
			f.i++
			return nil
		default:
			return fail(f.i, noComma)
		}
	}
}

// value flattens the value at i, which stands in a container at a depth.
func (f *flattener) value(depth int) error {
	if f.i < len(f.src) && (f.o.MaxDepth == 0 || depth+1 < f.o.MaxDepth) {
		switch f.src[f.i] {
		case '{':
			return f.object(depth + 1)
		case '[':
			if f.o.ExtractArrays || holdsObjects(f.src, f.i, depth+1) {
				return f.array(depth + 1)
			}
		}
	}
	v, end, err := whole(f.src, f.i, depth+1)
	f.i = end
	if err != nil {
		return err
	}
	f.emit(f.name, v)
	return nil
}

func (f *flattener) array(depth int) error {
	if depth >= depthMax {
		return fail(f.i, tooDeep)
	}
	src := f.src
	f.i = blank(src, f.i+1)
	if f.i < len(src) && src[f.i] == ']' {
		f.i++
		return nil
	}
	base := len(f.name)
	for at := 0; ; at++ {
		f.name = appendIndex(f.name[:base], at)
		if err := f.value(depth); err != nil {
			return err
		}
		f.name = f.name[:base]
		if f.i = blank(src, f.i); f.i >= len(src) {
			return fail(f.i, endOfText)
		}
		switch src[f.i] {
		case ',':
			f.i = blank(src, f.i+1)
		case ']':
			f.i++
			return nil
		default:
			return fail(f.i, noCommaList)
		}
	}
}

// holdsObjects reports whether the array at i has an object among its elements.
func holdsObjects(src []byte, i, depth int) bool {
	i = blank(src, i+1)
	for i < len(src) {
		switch src[i] {
		case '{':
			return true
		case ']':
			return false
		}
		_, end, err := whole(src, i, depth+1)
		if err != nil {
			return false
		}
		if i = blank(src, end); i < len(src) && src[i] == ',' {
			i = blank(src, i+1)
		}
	}
	return false
}
