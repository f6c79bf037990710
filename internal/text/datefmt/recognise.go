package datefmt

import (
	"time"
)

// Order is the order of day and month in dates like 03/04/2026.
type Order uint8

const (
	OrderUnknown Order = iota // taken for MonthFirst, as Sumo Logic does, and said
	MonthFirst                // 04/13/2026
	DayFirst                  // 13/04/2026
	YearFirst                 // 26/04/13; of years of two digits alone
)

// Recogniser finds the time of an event in its text. It is one goroutine's; its
// fields may be changed between calls.
type Recogniser struct {
	Now   time.Time      // what a time without a year or a day is counted from; zero is the clock's
	Zone  *time.Location // of times that name none; nil is UTC
	Order Order          // of day and month in the source

	day memo
}

// Stamp is a time found in a text.
type Stamp struct {
	Millis     int64 // since the epoch
	Start, End int   // of it in the text, its zone and year included
	// Unsure says that day and month could be the other way round and the
	// source's order is not known.
	Unsure bool
	// Bare says that it is a time of day alone, of the day of Now.
	Bare bool
	// Day says that it is a date alone, its midnight.
	Day bool
}

// The years that a time may be of; what is outside is a number or a mark for
// "never", such as 1601 of Windows.
const (
	yearMin = 1980
	yearMax = 2100
)

// millisMin and millisMax are the same in ms; millisMax is excluded.
var millisMin, millisMax = days(yearMin, 1, 1) * dayMillis, days(yearMax+1, 1, 1) * dayMillis

// Plausible reports whether an event can be of a time in ms.
func Plausible(ms int64) bool { return millisMin <= ms && ms < millisMax }

const dayMillis = 86_400_000

// textBytesMax is how much of a text is looked through for its time.
const textBytesMax = 64 << 10

// Find finds the leftmost time in a text. One without a date counts only where it
// begins the text, or where there is no other: it may be a duration.
func (r *Recogniser) Find(text []byte) (Stamp, bool) {
	text = text[:min(len(text), textBytesMax)]
	bare, found := Stamp{}, false
	words := 0
	for i := 0; i < len(text); {
		c := text[i]
		if !isAlnum(c) {
			i++
			continue
		}
		start := wordStart(text, i)
		if c = text[start]; isDigit(c) || mayBeMonth[c] || isLevel(c) {
			if s, ok := r.at(text, start); ok {
				if !s.Bare || words == 0 {
					return s, true
				}
				if !found {
					bare, found = s, true
				}
			}
		}
		if words == 0 {
			if _, n := weekdayAt(text, start); n == 0 {
				words++
			}
		}
		for i = start; i < len(text) && isAlnum(text[i]); i++ {
		}
	}
	return bare, found
}

// wordStart is where the word at i begins in what a text means: behind the
// letter of an escape such as \n, or behind a terminal's colour.
func wordStart(text []byte, i int) int {
	switch prev := byte(0); {
	case i > 0:
		prev = text[i-1]
		if prev == '\\' && i+1 < len(text) && (text[i] == 'n' || text[i] == 't' || text[i] == 'r') && isAlnum(text[i+1]) {
			return i + 1
		}
		if (prev == '[' || prev == ';') && isDigit(text[i]) {
			j := i
			for j < len(text) && j < i+3 && isDigit(text[j]) {
				j++
			}
			if j+1 < len(text) && text[j] == 'm' && isAlnum(text[j+1]) {
				return j + 1
			}
		}
	}
	return i
}

// Begins finds the time that a text begins with; brackets, marks and a weekday may
// stand before it.
func (r *Recogniser) Begins(text []byte) (Stamp, bool) {
	text = text[:min(len(text), textBytesMax)]
	i := 0
	for i < len(text) && i < 4 && (text[i] == '[' || text[i] == '*' || text[i] == '(' || text[i] == '"' || text[i] == '<' && !isDigit(at(text, i+1))) {
		i++
	}
	if _, n := weekdayAt(text, i); n > 0 {
		for i += n; i < len(text) && (text[i] == ',' || text[i] == ' '); i++ {
		}
	}
	if i >= len(text) || !isAlnum(text[i]) {
		return Stamp{}, false
	}
	return r.at(text, i)
}

// Starts reports what Begins does, sooner: where the date is that of the last time
// found, what comes after the time of day is not read.
func (r *Recogniser) Starts(text []byte) bool {
	if m := &r.day; m.n > 0 && len(text) > m.n+10 && string(text[:m.n]) == string(m.text[:m.n]) && r.rememberedHolds() {
		c := text[m.n:]
		if isTwoColons(c) && two(c) < 24 && two(c[3:]) < 60 && two(c[6:]) < 60 && !isDigit(c[8]) && c[8] != ':' {
			return true
		}
	}
	_, ok := r.Begins(text)
	return ok
}

// at is text[i], or 0 beyond its end.
func at(text []byte, i int) byte {
	if i < 0 || i >= len(text) {
		return 0
	}
	return text[i]
}

func isLevel(c byte) bool { return c == 'I' || c == 'W' || c == 'E' || c == 'F' || c == 'D' }

// Whole reads a text that is known to be a time: the value of a field. It also
// takes a date alone, as its midnight, and FILETIMEs, but no time of day alone.
func (r *Recogniser) Whole(text []byte) (Stamp, bool) {
	for len(text) > 0 && (text[0] == ' ' || text[0] == '"' || text[0] == '[') {
		text = text[1:]
	}
	for n := len(text); n > 0 && (text[n-1] == ' ' || text[n-1] == '"'); n-- {
		text = text[:n-1]
	}
	if len(text) == 0 {
		return Stamp{}, false
	}
	if ms, ok := number(text); ok {
		return Stamp{Millis: ms, End: len(text)}, true
	}
	if i := dateCall(text); i > 0 {
		return r.dateMillis(text, i)
	}
	if s, ok := r.Begins(text); ok && !s.Bare {
		return s, true
	}
	if len(text) == len("2006-01-02") && (text[4] == '-' || text[4] == '/') && text[4] == text[7] {
		y, ok1 := digits(string(text[:4]), 4)
		mo, ok2 := digits(string(text[5:7]), 2)
		d, ok3 := digits(string(text[8:]), 2)
		if ok1 && ok2 && ok3 {
			v := reading{y: y, mo: mo, d: d, dated: true, yearly: true}
			if ms, ok := r.millis(&v); ok {
				return Stamp{Millis: ms, End: len(text), Day: true}, true
			}
		}
	}
	return Stamp{}, false
}

// OnDay is the time of day of a bare stamp on the day that another stamp is.
func (r *Recogniser) OnDay(day, bare Stamp) int64 {
	z := r.zone(&reading{})
	d, t := time.UnixMilli(day.Millis).In(z), time.UnixMilli(bare.Millis).In(z)
	return time.Date(d.Year(), d.Month(), d.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), z).UnixMilli()
}

// dateCall is where the number of /Date(1650000001234)/ begins, at the start of
// a text; 0 when that is something else.
func dateCall(text []byte) int {
	i := 0
	for i < len(text) && i < 2 && (text[i] == '\\' || text[i] == '/') {
		i++
	}
	if i > 0 && len(text) > i+5 && string(text[i:i+5]) == "Date(" {
		return i + 5
	}
	return 0
}

// at recognises a time that begins at i, which begins a word.
func (r *Recogniser) at(text []byte, i int) (Stamp, bool) {
	c := text[i]
	if isDigit(c) {
		n := 1
		for i+n < len(text) && isDigit(text[i+n]) {
			n++
		}
		if n <= 2 && !free(text, i) {
			return Stamp{}, false
		}
		if s, ok := r.remembered(text, i); ok {
			return s, true
		}
		if n >= len(forms.byRun) {
			return Stamp{}, false
		}
		for _, f := range forms.byRun[n][classOf[at(text, i+n)]] {
			if s, ok := r.fit(f, text, i); ok {
				return s, true
			}
		}
		if n >= 8 && c == '4' && at(text, i-1) == '@' {
			return r.tai(text, i)
		}
		if n >= 10 || n == 1 && c == '0' {
			return r.epoch(text, i, n)
		}
		return Stamp{}, false
	}
	if isLevel(c) && i+4 < len(text) && isDigit(text[i+1]) && isDigit(text[i+4]) {
		for _, f := range forms.byLevel {
			if s, ok := r.fit(f, text, i); ok {
				return s, true
			}
		}
	}
	if _, n := monthAt(text, i); n > 0 {
		for _, f := range forms.byMonth {
			if s, ok := r.fit(f, text, i); ok {
				return s, true
			}
		}
	}
	return Stamp{}, false
}

// free reports whether one or two digits at i begin something: what stands before
// does not make them a part of an address, a version or another number.
func free(text []byte, i int) bool {
	switch at(text, i-1) {
	case '.', '-', '/', ':', '%':
		return i >= 2 && !isAlnum(text[i-2]) && text[i-1] != ':' && text[i-1] != '%'
	}
	return true
}

// reading is what a text says of a time.
type reading struct {
	y, mo, d      int
	week          int // of the year, until its day is read
	a, b          int // the numbers of day and month as they come
	h, mi, s, ms  int
	dated, yearly bool // it has a date; its year
	short         bool // the year has two digits
	unordered     bool // a and b are day and month, the year comes last
	dots          bool // between them
	unsure        bool
	zone          bool
	offset        int // seconds east of UTC, where zone is set
	noon, half    int // 12 for PM; 1 where AM or PM is written
	location      *time.Location
	clock         int // where the time of day begins
}

// fit reads a time of a form at i.
func (r *Recogniser) fit(f *form, text []byte, i int) (Stamp, bool) {
	start := i
	v := reading{dated: !f.bare}
	for k := range f.steps {
		s := &f.steps[k]
		switch s.op {
		case 0:
			if at(text, i) != s.lit {
				return Stamp{}, false
			}
			i++
		case ' ':
			j := i
			for j < len(text) && j < i+blanksMax && (text[j] == ' ' || text[j] == '\t') {
				j++
			}
			if j == i {
				return Stamp{}, false
			}
			i = j
		case '*':
			j, ok := gap(text, i)
			if !ok {
				return Stamp{}, false
			}
			i = j
		case 'k':
			i++
		case 'N':
			m, n := monthAt(text, i)
			if n == 0 {
				return Stamp{}, false
			}
			v.mo = m
			i += n
		default:
			n, value := 0, 0
			for n < s.max && i+n < len(text) && isDigit(text[i+n]) {
				value = value*10 + int(text[i+n]-'0')
				n++
			}
			if n < s.min {
				return Stamp{}, false
			}
			if s.op == 'H' && v.clock == 0 {
				v.clock = i
			}
			i += n
			v.put(s, value, &v)
		}
	}
	if f.bare && f.text[0] == 'H' && i-start < len("15:04:05") {
		return Stamp{}, false // 1:02:03 is a duration or an address
	}
	if f.bare && ofDate(text, start) {
		return Stamp{}, false // of a date that there is not, or that is written in a way not known
	}
	v.dots = f.steps[0].op == 'x' && f.steps[1].lit == '.'
	return r.tail(text, start, i, &v, f)
}

// ofDate reports whether the word before a time of day at i is a date, or the year of
// one: a year, numbers between marks, or letters that are no ASCII.
func ofDate(text []byte, i int) bool {
	end := i
	for end > 0 && (isBlank(text[end-1]) || text[end-1] == ',') {
		end--
	}
	start := end
	for start > 0 && end-start < dateBytesMax && !isBlank(text[start-1]) && text[start-1] != '"' && text[start-1] != '[' {
		start--
	}
	word := text[start:end]
	if end == i || len(word) < 4 {
		return false
	}
	if word[len(word)-1] >= 0x80 {
		return true
	}
	year := func(digits []byte) bool {
		return digitsOnly(digits) && count(digits) >= 1900 && count(digits) < 3000
	}
	n := len(word)
	if year(word[:4]) && (n == 4 || isDateMark(word[4])) || n > 4 && year(word[n-4:]) && isDateMark(word[n-5]) {
		return true
	}
	marks := 0
	for k, c := range word {
		switch {
		case isDigit(c):
		case isDateMark(c) || c == '.' && k > 0:
			marks++
		default:
			return false
		}
	}
	return marks == 2
}

// serial reports whether digits at i are the number of a record of Linux's audit,
// which stands after its time: audit(03/01/2026 08:09:10.123:45).
func serial(text []byte, i int) bool {
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	return at(text, i) == ')'
}

// Named reports whether the name before a place in a text means a time, as the key of
// JSON, of key=value or of XML.
func Named(text []byte, i int) bool { return named(text, i) }

// dateAfter reads the date that stands after a time of day, of numbers between marks
// and with a year of four digits, and returns where it ends; i where there is none. ok is
// false where there is no such date.
func (r *Recogniser) dateAfter(text []byte, i int, v *reading) (end int, ok bool) {
	j := i
	w := *v
	j += halfAt(text, j, &w)
	for j < len(text) && j < i+blanksMax && (isBlank(text[j]) || text[j] == ',') {
		j++
	}
	if j == i || j >= len(text) || !isDigit(text[j]) {
		return i, false
	}
	var n, digits [3]int
	mark := byte(0)
	end = j
	for k := range n {
		from := end
		for end < len(text) && end < from+4 && isDigit(text[end]) {
			n[k] = n[k]*10 + int(text[end]-'0')
			end++
		}
		if digits[k] = end - from; digits[k] == 0 {
			return i, false
		}
		if k == 2 {
			break
		}
		c := at(text, end)
		if c != '.' && !isDateMark(c) || mark != 0 && c != mark {
			return i, false
		}
		mark = c
		end++
	}
	if c := at(text, end); isAlnum(c) || c == mark || c == ':' {
		return i, false
	}
	switch {
	case digits[0] == 4 && digits[1] <= 2 && digits[2] <= 2:
		w.y, w.mo, w.d = n[0], n[1], n[2]
	case digits[2] == 4 && digits[0] <= 2 && digits[1] <= 2:
		w.a, w.b, w.y, w.unordered, w.dots = n[0], n[1], n[2], true, mark == '.'
	default:
		return i, false
	}
	w.dated, w.yearly = true, true
	if w.half > 0 && w.h >= 1 && w.h <= 12 {
		w.h = w.h%12 + w.noon
	}
	if w.unordered && !r.ordered(&w) {
		return end, false
	}
	*v = w
	return end, true
}

func isBlank(c byte) bool    { return c == ' ' || c == '\t' }
func isDateMark(c byte) bool { return c == '-' || c == '/' }

// put keeps the number of a step.
func (*reading) put(s *step, n int, v *reading) {
	switch s.op {
	case 'y':
		v.y, v.yearly = n, true
		if s.max == 2 {
			v.y, v.short = 2000+n, true
		}
	case 'M':
		v.mo = n
	case 'd':
		v.d = n
	case 'D':
		v.ofYear(n, 366)
	case 'w':
		v.week = n
	case 'e':
		v.ofWeek(n)
	case 'x':
		if !v.unordered {
			v.a, v.unordered = n, true
		} else {
			v.b = n
		}
	case 'H':
		v.h = n
	case 'm':
		v.mi = n
	case 's':
		v.s = n
	case 'S':
		v.ms = n
	}
}

// ofYear keeps the nth day of the year, of which there are at most most.
func (v *reading) ofYear(n, most int) {
	t := time.Date(v.y, time.January, n, 0, 0, 0, 0, time.UTC)
	if n < 1 || n > most || n == 366 && t.Year() != v.y {
		return // the day is 0, which is none
	}
	v.y, v.mo, v.d = t.Year(), int(t.Month()), t.Day()
}

// ofWeek keeps the nth day, Monday the first, of the week that was read: week 1 is
// that of January 4th.
// Source: ISO 8601.
func (v *reading) ofWeek(n int) {
	if n < 1 || n > 7 || v.week < 1 || v.week > 53 {
		return
	}
	fourth := time.Date(v.y, time.January, 4, 0, 0, 0, 0, time.UTC)
	t := fourth.AddDate(0, 0, (v.week-1)*7+n-1-int(fourth.Weekday()+6)%7)
	if y, w := t.ISOWeek(); y != v.y || w != v.week {
		return
	}
	v.y, v.mo, v.d = t.Year(), int(t.Month()), t.Day()
}

const (
	blanksMax = 8  // blanks taken for one
	gapMax    = 16 // characters between a date and a time of two columns
)

// gap passes what may stand between a date and a time: one character or none, or
// the separator and the name of a column. What comes after it is a digit.
func gap(text []byte, i int) (int, bool) {
	if i >= len(text) {
		return i, false
	}
	if isDigit(text[i]) {
		return i, true
	}
	if !isLetter(text[i]) || text[i]|0x20 == 't' {
		if isDigit(at(text, i+1)) {
			return i + 1, true
		}
	}
	j := i
	named := false
	for j < len(text) && j < i+gapMax {
		switch c := text[j]; {
		case isDigit(c):
			return j, true
		case c == ' ', c == ',', c == '"', c == '\'', c == '\t', c == ';', c == '@', c == '|', c == '-', c == '\\', named && (c == ':' || c == '='):
			j++
		case !named && c|0x20 == 't' && j+4 <= len(text) && sameFold(text[j:j+4], "time"):
			named = true
			j += 4
		case !named && c == 'a' && j+3 < len(text) && string(text[j:j+3]) == "at ":
			named = true
			j += 3
		default:
			return i, false
		}
	}
	return i, false
}

// tail reads what may come after a time of day that ends at i.
func (r *Recogniser) tail(text []byte, start, i int, v *reading, f *form) (Stamp, bool) {
	last := f.steps[len(f.steps)-1].op
	if last == 's' {
		i = fraction(text, i, v)
	}
	if c := at(text, i); isDigit(c) || c == ':' && isDigit(at(text, i+1)) && !serial(text, i+1) {
		return Stamp{}, false
	}
	if f.bare {
		if end, ok := r.dateAfter(text, i, v); end > i {
			if !ok {
				return Stamp{}, false
			}
			ms, ok := r.millis(v)
			return Stamp{Millis: ms, Start: start, End: end, Unsure: v.unsure}, ok
		}
		if end := cmTraceDate(text, i, v); end > i {
			ms, ok := r.millis(v)
			return Stamp{Millis: ms, Start: start, End: end}, ok
		}
	}
	if n := halfAt(text, i, v); n > 0 {
		i += n
		if at(text, i) == ':' || at(text, i) == '.' {
			i = fraction(text, i, v)
		}
	}
	i = r.zoneAt(text, i, v)
	if v.dated && !v.yearly {
		if n := r.yearAt(text, i, v); n > 0 {
			i += n
			if !v.zone {
				i = r.zoneAt(text, i, v)
			}
		}
	}
	if f.bare {
		if c := at(text, i); isAlnum(c) || c == '.' && isDigit(at(text, i+1)) || c == '/' {
			return Stamp{}, false
		}
	} else if last == 'm' && isAlnum(at(text, i)) && !v.zone {
		return Stamp{}, false
	}
	if v.half > 0 && v.h >= 1 && v.h <= 12 {
		v.h = v.h%12 + v.noon
	}
	if v.unordered && !r.ordered(v) {
		return Stamp{}, false
	}
	ms, ok := r.millis(v)
	if !ok {
		return Stamp{}, false
	}
	r.remember(text, start, v, f)
	return Stamp{Millis: ms, Start: start, End: i, Unsure: v.unsure, Bare: f.bare}, true
}

// cmTraceDate reads the date that stands after a time of day in Configuration
// Manager's logs, and the minutes that UTC is later: 08:09:10.111+420" date="05-17-2022".
// It returns where the date ends, i where there is none.
func cmTraceDate(text []byte, i int, v *reading) int {
	const between = `" date="`
	j, bias := i, 0
	if c := at(text, j); (c == '+' || c == '-') && j+4 <= len(text) && digitsOnly(text[j+1:j+4]) {
		bias = two(text[j+1:])*10 + int(text[j+3]-'0')
		if c == '-' {
			bias = -bias
		}
		j += 4
	}
	if j+len(between) > len(text) || string(text[j:j+len(between)]) != between {
		return i
	}
	zoned := j > i
	j += len(between)
	var n [3]int
	for k := range n {
		from := j
		for j < len(text) && j < from+4 && isDigit(text[j]) {
			n[k] = n[k]*10 + int(text[j]-'0')
			j++
		}
		if sep := byte('-'); j == from || k == 2 && at(text, j) != '"' || k < 2 && at(text, j) != sep {
			return i
		}
		if k < 2 {
			j++
		}
	}
	v.mo, v.d, v.y, v.dated, v.yearly = n[0], n[1], n[2], true, true
	v.zone, v.offset = zoned, -bias*60
	return j
}

// fraction reads the digits of a second that stand after a separator, and returns
// where they end: at i where there are none.
func fraction(text []byte, i int, v *reading) int {
	sep := at(text, i)
	switch sep {
	case '.', ',', ':', '*', ';', '_':
	default:
		return i
	}
	n, ms, scale := 0, 0, 100
	for i+1+n < len(text) && isDigit(text[i+1+n]) {
		ms += int(text[i+1+n]-'0') * scale
		scale /= 10
		n++
	}
	next := at(text, i+1+n)
	switch {
	case n == 0, n > 9 && sep != '.':
		return i
	case sep != '.' && (next == ':' || next == '/'): // 08:09:10,17/05
		return i
	case sep == ',' && n < 3 && next == ',': // the next column
		return i
	case sep == ';' && (n != 3 || next == ';'):
		return i
	case sep == ':' && n > 3 && n != 6 && n != 7 && n != 9:
		return i
	}
	v.ms = ms
	return i + 1 + n
}

// halfAt reads AM or PM, which a blank may stand before; n is 0 for none.
func halfAt(text []byte, i int, v *reading) (n int) {
	j := i + blanksAt(text, i)
	c := at(text, j) | 0x20
	if c != 'a' && c != 'p' {
		return 0
	}
	k := j + 1
	if at(text, k) == '.' {
		k++
	}
	if at(text, k)|0x20 != 'm' {
		return 0
	}
	k++
	if at(text, k) == '.' && at(text, k-2) == '.' {
		k++
	}
	if isAlnum(at(text, k)) {
		return 0
	}
	v.half, v.noon = 1, 0
	if c == 'p' {
		v.noon = 12
	}
	return k - i
}

// blanksAt is the length of the blanks at i: plain ones, and the narrow ones that
// Windows and Java write before AM and PM.
func blanksAt(text []byte, i int) int {
	j := i
	for j < len(text) && j < i+blanksMax {
		switch {
		case text[j] == ' ' || text[j] == '\t':
			j++
		case text[j] == 0xe2 && at(text, j+1) == 0x80 && at(text, j+2) == 0xaf: // U+202F
			j += 3
		case text[j] == 0xc2 && at(text, j+1) == 0xa0: // U+00A0
			j += 2
		case text[j] == '\\' && j+6 <= len(text) && sameFold(text[j:j+6], `\u202f`):
			j += 6
		default:
			return j - i
		}
	}
	return j - i
}

// yearAt reads the year that comes after a time; n is 0 for none.
func (r *Recogniser) yearAt(text []byte, i int, v *reading) (n int) {
	j := i + blanksAt(text, i)
	if j == i || j+4 > len(text) {
		return 0
	}
	y, ok := digits(lend(text[j:j+4]), 4)
	if !ok || y < yearMin || y > r.now().Year()+1 {
		return 0
	}
	switch c := at(text, j+4); {
	case isAlnum(c), c == '-', c == '/', c == '.' && isDigit(at(text, j+5)), c == ':' && isDigit(at(text, j+5)):
		return 0
	}
	v.y, v.yearly = y, true
	return j + 4 - i
}

// ordered says which of two numbers is the day. It reports false when neither can
// be.
func (r *Recogniser) ordered(v *reading) bool {
	valid := func(order Order) bool {
		y, mo, d := v.y, v.a, v.b
		switch order {
		case DayFirst:
			mo, d = v.b, v.a
		case YearFirst:
			y, mo, d = 2000+v.a, v.b, v.y-2000
		}
		if mo < 1 || mo > 12 || d < 1 || d > daysIn(y, mo) {
			return false
		}
		// Of years of two digits one of the two other numbers may be the year: not
		// one of the future.
		return !v.short || days(y, mo, d)*dayMillis <= r.now().UnixMilli()+dayMillis
	}
	orders := [...]Order{MonthFirst, DayFirst, OrderUnknown}
	if v.dots {
		orders = [...]Order{DayFirst, MonthFirst, OrderUnknown}
	} else if v.short {
		orders = [...]Order{MonthFirst, YearFirst, DayFirst}
	}
	set := OrderUnknown
	if r.Order != OrderUnknown && !v.dots && (r.Order != YearFirst || v.short) && valid(r.Order) {
		set = r.Order
	}
	for _, o := range orders {
		if set == OrderUnknown && o != OrderUnknown && valid(o) {
			set = o
		}
	}
	switch set {
	case OrderUnknown:
		return false
	case MonthFirst:
		v.mo, v.d = v.a, v.b
	case DayFirst:
		v.mo, v.d = v.b, v.a
	case YearFirst:
		v.y, v.mo, v.d = 2000+v.a, v.b, v.y-2000
	}
	v.unsure = r.Order == OrderUnknown && !v.dots && v.a != v.b && v.a <= 12 && v.b <= 12
	return true
}

// now is what a time without a year is counted from.
func (r *Recogniser) now() time.Time {
	if r.Now.IsZero() {
		r.Now = time.Now()
	}
	return r.Now
}

// millis is the moment of a reading. ok is false where there is no such date or
// time of day, or an event cannot be of it.
func (r *Recogniser) millis(v *reading) (ms int64, ok bool) {
	if v.h > 23 || v.mi > 59 || v.s > 60 {
		return 0, false
	}
	if !v.dated {
		today := r.now().In(r.zone(v))
		v.y, v.mo, v.d = today.Year(), int(today.Month()), today.Day()
	} else if !v.yearly {
		return r.yearless(v)
	}
	if v.y < yearMin || v.y > yearMax || v.mo < 1 || v.mo > 12 || v.d < 1 || v.d > daysIn(v.y, v.mo) {
		return 0, false
	}
	return r.moment(v), true
}

// moment is the moment of a date and time that there are.
func (r *Recogniser) moment(v *reading) int64 {
	local := days(v.y, v.mo, v.d)*dayMillis + int64(v.h*3600+v.mi*60+v.s)*1000 + int64(v.ms)
	if v.zone && v.location == nil {
		return local - int64(v.offset)*1000
	}
	z := r.zone(v)
	if z == time.UTC {
		return local
	}
	return time.Date(v.y, time.Month(v.mo), v.d, v.h, v.mi, v.s, 0, z).UnixMilli() + int64(v.ms)
}

// zone is the zone of a reading that has no offset.
func (r *Recogniser) zone(v *reading) *time.Location {
	switch {
	case v.location != nil:
		return v.location
	case v.zone && v.offset != 0:
		return time.FixedZone("", v.offset)
	case v.zone || r.Zone == nil:
		return time.UTC
	}
	return r.Zone
}

// yearless takes the latest year that is not in the future of now, but for a day:
// the clocks of hosts differ, and so do zones.
func (r *Recogniser) yearless(v *reading) (int64, bool) {
	limit := r.now().UnixMilli() + dayMillis
	if v.mo < 1 || v.mo > 12 || v.d < 1 {
		return 0, false
	}
	for y := r.now().UTC().Year() + 1; y > r.now().UTC().Year()-8; y-- { // a February 29th may be far
		if v.d > daysIn(y, v.mo) {
			continue
		}
		w := *v
		w.y = y
		if ms := r.moment(&w); ms <= limit {
			return ms, ms >= millisMin
		}
	}
	return 0, false
}

// memo is the date of the last time found, as it is written: the next one is
// mostly of the same day and form.
type memo struct {
	form *form
	text [24]byte // the date and what stands between it and the time of day
	n    int
	date reading

	clocked bool // seconds come after the date, behind a colon
	set     struct {
		order Order
		now   int64
	}
}

// remember keeps the date of a time with a year before its time of day.
func (r *Recogniser) remember(text []byte, start int, v *reading, f *form) {
	n := v.clock - start
	if f.bare || n < 6 || n > len(r.day.text) || r.day.n == n && string(r.day.text[:n]) == string(text[start:start+n]) {
		return
	}
	for _, s := range f.steps[:len(f.steps)-1] {
		switch s.op {
		case 'y':
			r.day.form, r.day.n = f, copy(r.day.text[:], text[start:start+n])
			r.day.date = reading{y: v.y, mo: v.mo, d: v.d, unsure: v.unsure}
			last := len(f.steps) - 1
			r.day.clocked = f.steps[last].op == 's' && f.steps[last-1].lit == ':'
			r.day.set.order, r.day.set.now = r.Order, r.now().UnixMilli()
			return
		case 'H':
			return
		}
	}
}

// remembered reads a time at i whose date is the remembered one.
func (r *Recogniser) remembered(text []byte, i int) (Stamp, bool) {
	m := &r.day
	if m.n == 0 || i+m.n+8 > len(text) || text[i+m.n-2] != m.text[m.n-2] || string(text[i:i+m.n]) != string(m.text[:m.n]) ||
		!r.rememberedHolds() || !isTwoColons(text[i+m.n:]) {
		return Stamp{}, false
	}
	f := m.form
	c := text[i+m.n:]
	v := reading{
		y: m.date.y, mo: m.date.mo, d: m.date.d, unsure: m.date.unsure, dated: true, yearly: true, clock: i + m.n,
		h: two(c), mi: two(c[3:]), s: two(c[6:]),
	}
	return r.tail(text, i, i+m.n+8, &v, f)
}

// rememberedHolds reports whether the remembered date is read as it was, and a
// time of day with colons comes after it.
func (r *Recogniser) rememberedHolds() bool {
	m := &r.day
	return m.clocked && m.set.order == r.Order && m.set.now == r.now().UnixMilli()
}

// isTwoColons reports whether a text begins as 15:04:05 does.
func isTwoColons(c []byte) bool {
	return isDigit(c[0]) && isDigit(c[1]) && c[2] == ':' && isDigit(c[3]) && isDigit(c[4]) && c[5] == ':' && isDigit(c[6]) && isDigit(c[7])
}

func two(c []byte) int { return int(c[0]-'0')*10 + int(c[1]-'0') }

// weekdayAt reads the name of a weekday; n is its length, 0 where there is none.
func weekdayAt(text []byte, i int) (day, n int) {
	if i+3 > len(text) || !isLetter(text[i]) {
		return 0, 0
	}
	for day, name := range [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"} {
		if !sameFold(text[i:i+3], name[:3]) {
			continue
		}
		n = 3
		if i+len(name) <= len(text) && sameFold(text[i:i+len(name)], name) {
			n = len(name)
		}
		if isAlnum(at(text, i+n)) {
			return 0, 0
		}
		return day, n
	}
	return 0, 0
}
