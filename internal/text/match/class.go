package match

import (
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// ranges is a set of characters: pairs of first and last, ascending and apart.
type ranges []rune

// tidy sorts pairs and joins what touches.
func (r ranges) tidy() ranges {
	pairs := make([][2]rune, 0, len(r)/2)
	for i := 0; i < len(r); i += 2 {
		pairs = append(pairs, [2]rune{r[i], r[i+1]})
	}
	slices.SortFunc(pairs, func(a, b [2]rune) int { return int(a[0]) - int(b[0]) })
	out := make(ranges, 0, len(r))
	for _, p := range pairs {
		if n := len(out); n > 0 && p[0] <= out[n-1]+1 {
			out[n-1] = max(out[n-1], p[1])
		} else {
			out = append(out, p[0], p[1])
		}
	}
	return out
}

// complement is every character that is not in r, which is tidy.
func (r ranges) complement() ranges {
	var out ranges
	next := rune(0)
	for i := 0; i < len(r); i += 2 {
		if next < r[i] {
			out = append(out, next, r[i]-1)
		}
		next = r[i+1] + 1
	}
	if next <= utf8.MaxRune {
		out = append(out, next, utf8.MaxRune)
	}
	return out
}

func (r ranges) intersect(o ranges) ranges {
	return append(r.complement(), o.complement()...).tidy().complement()
}

// lettered are all characters that have another letter case, ascending.
var lettered = sync.OnceValue(func() (all []rune) {
	for _, c := range unicode.CaseRanges {
		for r := rune(c.Lo); r <= rune(c.Hi); r++ {
			// Not all of a letter's cases need be in the table: U+1E9E is, U+00DF is not.
			for q := unicode.SimpleFold(r); q != r; q = unicode.SimpleFold(q) {
				all = append(all, r, q)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
})

// folded adds to every letter its other cases.
func (r ranges) folded() ranges {
	out := slices.Clone(r)
	all := lettered()
	for i := 0; i < len(r); i += 2 {
		at, _ := slices.BinarySearch(all, r[i])
		for ; at < len(all) && all[at] <= r[i+1]; at++ {
			for q := unicode.SimpleFold(all[at]); q != all[at]; q = unicode.SimpleFold(q) {
				out = append(out, q, q)
			}
		}
	}
	return out.tidy()
}

var perlClass = map[rune]ranges{
	'd': {'0', '9'},
	'w': {'0', '9', 'A', 'Z', '_', '_', 'a', 'z'},
	's': {'\t', '\n', '\f', '\r', ' ', ' '},
	'h': {'\t', '\t', ' ', ' ', 0xa0, 0xa0, 0x1680, 0x1680, 0x180e, 0x180e, 0x2000, 0x200a, 0x202f, 0x202f, 0x205f, 0x205f, 0x3000, 0x3000},
}

// vertical is what ends a line, by \R and \V.
var vertical = ranges{'\n', '\r', 0x85, 0x85, 0x2028, 0x2029}

// asciiClass are the classes that POSIX writes [:alpha:] and Java \p{Alpha}.
var asciiClass = map[string]ranges{
	"alnum":  {'0', '9', 'A', 'Z', 'a', 'z'},
	"alpha":  {'A', 'Z', 'a', 'z'},
	"ascii":  {0, 0x7f},
	"blank":  {'\t', '\t', ' ', ' '},
	"cntrl":  {0, 0x1f, 0x7f, 0x7f},
	"digit":  {'0', '9'},
	"graph":  {'!', '~'},
	"lower":  {'a', 'z'},
	"print":  {' ', '~'},
	"punct":  {'!', '/', ':', '@', '[', '`', '{', '~'},
	"space":  {'\t', '\r', ' ', ' '},
	"upper":  {'A', 'Z'},
	"word":   {'0', '9', 'A', 'Z', '_', '_', 'a', 'z'},
	"xdigit": {'0', '9', 'A', 'F', 'a', 'f'},
}

// javaClass are Unicode's properties by Java's names.
var javaClass = map[string][]*unicode.RangeTable{
	"isalphabetic":  {unicode.L, unicode.Nl, unicode.Other_Alphabetic},
	"iscontrol":     {unicode.Cc},
	"isdigit":       {unicode.Nd},
	"isideographic": {unicode.Ideographic},
	"isletter":      {unicode.L},
	"islowercase":   {unicode.Lower, unicode.Other_Lowercase},
	"ispunctuation": {unicode.P},
	"isuppercase":   {unicode.Upper, unicode.Other_Uppercase},
	"iswhite_space": {unicode.White_Space},
}

// property reads the rest of \p{Name}, \pN and their negations.
func (d *dialect) property(start int, not bool) ranges {
	if !d.more() {
		d.fail(start, "\\p wants a property, as in \\p{Lu}")
	}
	var name string
	if d.take("{") {
		name = d.until("}", "this property")
	} else {
		name = string(d.next())
	}
	if strings.HasPrefix(name, "^") {
		name, not = name[1:], !not
	}
	r, java, ok := propertyRanges(name)
	if !ok {
		d.fail(start, "%q is no property of characters that is known", name)
	}
	d.java = d.java || java
	if r = d.cased(r); not {
		r = r.complement()
	}
	return r
}

// propertyRanges are the characters of a property; java reports a name that
// RE2 does not know and Go takes otherwise.
func propertyRanges(name string) (r ranges, java, ok bool) {
	low := strings.ToLower(name)
	// In Java \p{Punct} is ASCII's, $ and + included, where Go takes it for
	// Unicode's P, and \p{Lower} is not \p{IsLowercase}.
	if r, ok := asciiClass[low]; ok && low != "word" {
		return r, true, true
	}
	if tables, ok := javaClass[low]; ok {
		return tableRanges(tables...), false, true
	}
	if _, value, ok := strings.Cut(name, "="); ok { // sc=Latin, gc=Lu
		name = value
	}
	for _, n := range []string{name, strings.TrimPrefix(name, "Is")} {
		t, err := syntax.Parse(`\p{`+n+`}`, syntax.Perl)
		if err != nil {
			continue
		}
		switch t.Op {
		case syntax.OpCharClass:
			return ranges(t.Rune), false, true
		case syntax.OpLiteral:
			return ranges{t.Rune[0], t.Rune[0]}, false, true
		case syntax.OpAnyChar:
			return ranges{0, utf8.MaxRune}, false, true
		}
	}
	return nil, false, false
}

func tableRanges(tables ...*unicode.RangeTable) ranges {
	var out ranges
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			out = append(out, lo, hi)
			return
		}
		for ; lo <= hi; lo += stride {
			out = append(out, lo, lo)
		}
	}
	for _, t := range tables {
		for _, r := range t.R16 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	return out.tidy()
}

// class reads a class; its [ has been read and stands at start. A [ inside it
// stands for itself as in RE2, unless the class uses &&: then it is Java's, and
// a [ inside is a class.
func (d *dialect) class(start int) ranges {
	at := d.at
	r, java := d.classBody(start, false)
	if java {
		d.at, d.java = at, true
		r, _ = d.classBody(start, true)
	}
	return r
}

// classBody reads a class to its ]. When it finds && and java is not set, it
// stops and says so.
func (d *dialect) classBody(start int, java bool) (_ ranges, useJava bool) {
	if d.depth++; d.depth > patternDepthMax {
		d.fail(start, "its classes are nested more than %d deep", patternDepthMax)
	}
	defer func() { d.depth-- }()
	not := d.take("^")
	var all ranges        // of the operand of && at hand
	var operands []ranges // those before it
	for first := true; ; first = false {
		if !d.more() {
			d.fail(start, "this [ is not closed")
		}
		if !first && d.take("]") {
			break
		}
		if strings.HasPrefix(d.src[d.at:], "&&") && !strings.HasPrefix(d.src[d.at:], "&&]") {
			if !java {
				return nil, true
			}
			d.at += len("&&")
			operands, all = append(operands, all.tidy()), nil
			continue
		}
		item := d.at
		if d.take("[:") {
			if name, _, ok := strings.Cut(d.src[d.at:], ":]"); ok && !strings.ContainsAny(name, "[]") {
				d.at += len(name) + len(":]")
				all = append(all, d.posix(item, name)...)
				continue
			}
			d.at = item
		}
		if java && d.take("[") {
			r, _ := d.classBody(item, true)
			all = append(all, r...)
			continue
		}
		low, single := d.classItem()
		if !single {
			all = append(all, low...)
			continue
		}
		rest := d.src[d.at:]
		if len(rest) < 2 || rest[0] != '-' || rest[1] == ']' || java && (rest[1] == '[' || strings.HasPrefix(rest[1:], "&&")) {
			all = append(all, low...)
			continue
		}
		d.at++
		high, single := d.classItem()
		if !single || high[0] < low[0] {
			d.fail(item, "%s is no range of characters", d.src[item:d.at])
		}
		all = append(all, low[0], high[0])
	}
	r := all.tidy()
	for _, o := range operands {
		r = r.intersect(o)
	}
	if r = d.cased(r); not {
		r = r.complement()
	}
	return r, false
}

// classItem reads one character, or the escape of many. Letter case is left to
// the whole class.
func (d *dialect) classItem() (r ranges, single bool) {
	start := d.at
	flags := d.flags
	d.flags &^= flagFold
	defer func() { d.flags = flags }()
	if d.take(`\`) {
		if d.take("b") {
			return ranges{'\b', '\b'}, true
		}
		r, single = d.escaped(start)
		if !single && flags&flagFold != 0 {
			// \W without the letters that fold to word characters, as Go.
			d.flags = flags
			d.at = start + 1
			r, _ = d.escaped(start)
		}
		return r, single
	}
	if !d.more() {
		d.fail(start, "this class is not closed")
	}
	c := d.next()
	return ranges{c, c}, true
}

// posix is the class of [:name:].
func (d *dialect) posix(at int, name string) ranges {
	plain, not := strings.CutPrefix(name, "^")
	r, ok := asciiClass[plain]
	if !ok {
		d.fail(at, "[:%s:] is no class that is known", name)
	}
	if r = d.cased(r); not {
		r = r.complement()
	}
	return r
}
