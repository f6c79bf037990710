package mapping

import (
	"bytes"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// Lookup is what has to be looked for in events so that fields are found under
// all their names. The values of an event are handed to it by index of Names.
type Lookup struct {
	Names []string
	Whole []bool // by name: it is a path from the top of the event, and not under a root
	Exact []bool // by name: it is one key at the top, in no other spelling
	Tops  []int  // those that Top has made

	// Twins says that Sigma rules read along: what the Security log's twins of Sysmon's
	// events have counts too.
	Twins bool

	index      map[string]int
	openings   []Opening
	opens      []bool  // by name: there are openings of it
	openingsOf [][]int // by name: which
	early      int     // how many names Early looks for
	marks      []int   // values whose presence says that backslashes are doubled
}

// Field is a name and where else its text may stand.
type Field struct {
	At    int         // index of the name among the Lookup's
	Own   []Elsewhere // how the text is said otherwise where it stands under its own name
	Other []Elsewhere
}

// Elsewhere is a Source by indexes of the Lookup's names.
type Elsewhere struct {
	*Source
	At []int // of From
	If int   // of When, -1 for none
}

// Keeper makes values of text that is put together.
type Keeper interface {
	// Scratch is empty memory to append to. Keep returns a value of what has been
	// appended, which lives as long as the event's own values.
	Scratch() []byte
	Keep([]byte) jsondoc.Value
}

// Name returns the index of a name to look for, at the top or under a root.
func (l *Lookup) Name(n string) int {
	i := l.add(n, false)
	l.Whole[i] = false
	return i
}

// Path is Name for a path from the top of the event.
func (l *Lookup) Path(n string) int { return l.add(n, true) }

// Top is Path for a name that somebody else may look for with Name: a value of its own,
// which nothing under a root is.
func (l *Lookup) Top(n string) int {
	const top = "\x00" // begins no name
	i, ok := l.index[top+n]
	if !ok {
		i = l.Path(top + n)
		l.Names[i] = n
		l.Tops = append(l.Tops, i)
	}
	return i
}

// Spelled is Path for a key at the top in this spelling and no other: what json's path
// of that key finds.
func (l *Lookup) Spelled(key string) int {
	const spelled = "\x00\x00" // begins no name
	i, ok := l.index[spelled+key]
	if !ok {
		i = l.Path(spelled + key)
		l.Names[i], l.Exact[i] = key, true
	}
	return i
}

func (l *Lookup) add(n string, whole bool) int {
	i, ok := l.index[n]
	if !ok {
		if l.index == nil {
			l.index = map[string]int{}
		}
		i = len(l.Names)
		l.Names, l.Whole, l.Exact = append(l.Names, n), append(l.Whole, whole), append(l.Exact, false)
		l.index[n] = i
	}
	return i
}

// At is the index of a name that is looked for.
func (l *Lookup) At(n string) (i int, ok bool) {
	i, ok = l.index[n]
	return i, ok
}

// Place is Name or Path for a name of the tables.
func (l *Lookup) Place(n string) int {
	if strings.Contains(n, ".") {
		return l.Path(n)
	}
	return l.Name(n)
}

// Field looks for a name, and where mapped for its other names.
func (l *Lookup) Field(name string, mapped bool) Field {
	f := Field{At: l.Name(name)}
	if !mapped {
		return f
	}
	sources := Sources(name)
	if l.Twins {
		for _, s := range twinSources {
			if strings.EqualFold(s.Name, name) {
				sources = append(slices.Clip(sources), s)
			}
		}
	}
	for i := range sources {
		e := Elsewhere{Source: &sources[i], If: -1}
		for _, n := range e.From {
			e.At = append(e.At, l.Place(n))
		}
		if e.When != "" {
			e.If = l.Place(e.When)
		}
		if len(e.From) > 0 && strings.EqualFold(e.From[0], name) && e.At[0] == f.At {
			f.Own = append(f.Own, e)
			continue
		}
		f.Other = append(f.Other, e)
	}
	return f
}

// LookForMarks makes Doubled able to tell.
func (l *Lookup) LookForMarks() {
	for _, s := range shapes {
		if s.Doubled {
			l.marks = append(l.marks, l.Path(s.Mark))
		}
	}
}

// Doubled reports whether an event's values have their backslashes doubled.
func (l *Lookup) Doubled(vals []jsondoc.Value) bool {
	for _, m := range l.marks {
		if vals[m].Kind != jsondoc.Missing {
			return true
		}
	}
	return false
}

// Absent reports whether a value is none, or an object that holds the field
// rather than being it.
func Absent(v jsondoc.Value) bool {
	return v.Kind <= jsondoc.Null || v.Kind == jsondoc.Container && v.Raw[0] == '{'
}

// Find is the field's value in an event, under whichever name.
func (f *Field) Find(vals []jsondoc.Value, k Keeper) jsondoc.Value {
	v := vals[f.At]
	if len(f.Own) > 0 {
		if said := f.Said(vals, k); said.Kind > jsondoc.Null {
			return said
		}
	}
	if len(f.Other) > 0 && Absent(v) {
		v = f.Elsewhere(vals, k)
	}
	return v
}

// Said is what the text that stands under the field's own name means, where events
// of the shape say it otherwise: 4 for Information.
func (f *Field) Said(vals []jsondoc.Value, k Keeper) jsondoc.Value {
	for i := range f.Own {
		e := &f.Own[i]
		if Absent(vals[f.At]) || e.If >= 0 && vals[e.If].Kind == jsondoc.Missing {
			continue
		}
		if v := e.value(vals, k); v.Kind > jsondoc.Null {
			return v
		}
	}
	return jsondoc.Value{}
}

// Elsewhere is the value of a field that the event does not have under its own name.
func (f *Field) Elsewhere(vals []jsondoc.Value, k Keeper) jsondoc.Value {
	for i := range f.Other {
		e := &f.Other[i]
		if e.If >= 0 && vals[e.If].Kind == jsondoc.Missing {
			continue
		}
		if v := e.value(vals, k); v.Kind > jsondoc.Null {
			return v
		}
	}
	return jsondoc.Value{}
}

func (e *Elsewhere) value(vals []jsondoc.Value, k Keeper) jsondoc.Value {
	v := vals[e.At[0]]
	switch e.Form {
	case Same:
		if Absent(v) {
			return jsondoc.Value{}
		}
		return v
	case Account:
		domain, name := v, vals[e.At[1]]
		if Absent(name) {
			return jsondoc.Value{}
		}
		if Absent(domain) || len(domain.Raw) == 0 || string(domain.Raw) == "-" {
			return name
		}
		return k.Keep(name.AppendText(append(domain.AppendText(k.Scratch()), '\\')))
	case Translated:
		if text, ok := e.Is[string(v.AppendText(nil))]; ok && !Absent(v) {
			return k.Keep(append(k.Scratch(), text...))
		}
	case Says:
		if !Absent(v) && strings.Contains(string(v.Raw), e.Part) {
			return k.Keep(append(k.Scratch(), e.Is[e.Part]...))
		}
	case Forwarded:
		if len(v.Raw) != len(forwardedEvents) || !strings.EqualFold(string(v.Raw), forwardedEvents) {
			break
		}
		for _, at := range e.At[1:] {
			if channel, ok := providerChannels[string(vals[at].AppendText(nil))]; ok {
				return k.Keep(append(k.Scratch(), channel...))
			}
		}
	case Hashes:
		return k.Keep(e.hashes(k.Scratch(), vals))
	case RegistryPath, RegistryData:
		return e.registry(vals, k)
	case SysmonTime:
		if len(v.Raw) >= 19 && v.Raw[10] == 'T' {
			return k.Keep(appendSysmonTime(k.Scratch(), v.Raw))
		}
	case Labelled:
		if !Absent(v) {
			return k.Keep(labelled(v.AppendText(k.Scratch()), e.Part))
		}
	case Inside:
		if v.Kind == jsondoc.String && len(v.Raw) > 0 && v.Raw[0] == '{' {
			return k.Keep(inside(k.Scratch(), v.AppendText(nil), e.Part))
		}
	}
	return jsondoc.Value{}
}

func (e *Elsewhere) hashes(dst []byte, vals []jsondoc.Value) []byte {
	for i, at := range e.At {
		v := vals[at]
		if Absent(v) || len(v.Raw) == 0 {
			continue
		}
		if len(dst) > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, hashName(e.From[i])...), '=')
		n := len(dst)
		dst = v.AppendText(dst)
		for j := n; j < len(dst); j++ {
			if c := dst[j]; 'a' <= c && c <= 'f' {
				dst[j] = c - 'a' + 'A'
			}
		}
	}
	return dst
}

// hashName is SHA256 of process.hash.sha256.
func hashName(field string) string {
	return strings.ToUpper(field[strings.LastIndexByte(field, '.')+1:])
}

// appendSysmonTime makes 2021-04-26 15:03:05.976 of an ISO 8601 time.
func appendSysmonTime(dst, iso []byte) []byte {
	dst = append(append(append(dst, iso[:10]...), ' '), iso[11:19]...)
	frac := []byte(".000")
	if len(iso) > 20 && iso[19] == '.' {
		for i := 1; i < 4 && 19+i < len(iso) && iso[19+i]-'0' < 10; i++ {
			frac[i] = iso[19+i]
		}
	}
	return append(dst, frac...)
}

// between stands between the parts of a Labelled text.
const between = " ¦ "

// labelled is the text of a part, nil when there is none.
func labelled(text []byte, label string) []byte {
	for len(text) > 0 {
		var part []byte
		part, text, _ = bytes.Cut(text, []byte(between))
		if name, value, ok := bytes.Cut(part, []byte(": ")); ok && string(name) == label {
			return value
		}
	}
	return nil
}

// inside appends the text of an object's field.
func inside(dst, object []byte, name string) []byte {
	// A mistake behind the field does not lose it.
	_ = jsondoc.Flatten(object, jsondoc.FlattenOptions{}, func(n []byte, v jsondoc.Value) {
		if string(n) == name && len(dst) == 0 && !Absent(v) {
			dst = v.AppendText(dst)
		}
	})
	return dst
}

// Undouble takes back the escapes of a text that was escaped once more than its
// JSON: \\ is \ and \" is ".
func Undouble(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && (text[i+1] == '\\' || text[i+1] == '"') {
			i++
		}
		dst = append(dst, text[i])
	}
	return dst
}
