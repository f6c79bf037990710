package datefmt

import (
	"bytes"
	"time"
)

// Evidence gathers from a source whether the day or the month comes first in its
// dates. The zero Evidence has seen nothing.
type Evidence struct {
	Now   time.Time // which dates of two-digit years are of the future; zero is the clock's
	Asked bool      // there are dates whose order matters and that do not say it themselves
	year  bool      // there are two-digit years that come first, as it seems
	order Order
	rest  []byte // of the text before, too short for a date
}

// Order is what the dates seen so far say.
func (e *Evidence) Order() Order {
	if e.order == OrderUnknown && e.year {
		return YearFirst
	}
	return e.order
}

// Decided reports whether more text changes nothing.
func (e *Evidence) Decided() bool { return e.order != OrderUnknown }

// dateBytesMax is the longest date with what may stand behind it, up to the first
// digit of a time of day.
const dateBytesMax = len("05/17/2022") + gapMax + 1

// Add looks through more of the source. Any date with a time of day behind it
// counts that could only be meant one way: one number is above 12.
func (e *Evidence) Add(text []byte) {
	if e.Decided() {
		return
	}
	if len(e.rest) == 0 {
		e.look(text, 0)
		e.rest = append(e.rest, text[max(0, len(text)-restBytes):]...)
		return
	}
	joint := append(e.rest, text[:min(len(text), restBytes)]...)
	e.look(joint, 0)
	if len(text) > restBytes {
		e.look(text, 1) // the start of it may be the end of a number
		joint = text
	}
	e.rest = append([]byte(nil), joint[max(0, len(joint)-restBytes):]...)
}

// restBytes is how much of a text is looked at once more with what follows it.
const restBytes = 2 * dateBytesMax

// look looks through a text for dates that begin at from or later.
func (e *Evidence) look(text []byte, from int) {
	next := func(c byte, from int) int {
		if n := bytes.IndexByte(text[min(from, len(text)):], c); n >= 0 {
			return from + n
		}
		return len(text)
	}
	dash, slash := next('-', 1), next('/', 1)
	for !e.Decided() {
		i := min(dash, slash)
		if i >= len(text) {
			return
		}
		c := text[i]
		if c == '-' {
			dash = next('-', i+1)
		} else {
			slash = next('/', i+1)
		}
		if !isDigit(text[i-1]) {
			continue
		}
		start := i - 1
		if start > 0 && isDigit(text[start-1]) {
			start--
		}
		if start < from || start > 0 && isAlnum(text[start-1]) || !free(text, start) {
			continue
		}
		a := count(text[start:i])
		j := i + 1
		for j < len(text) && j < i+3 && isDigit(text[j]) {
			j++
		}
		if j == i+1 || at(text, j) != c {
			continue
		}
		b := count(text[i+1 : j])
		k := j + 1
		for k < len(text) && k < j+6 && isDigit(text[k]) {
			k++
		}
		n := k - j - 1
		if n != 4 && (n != 2 || c == '-') {
			continue
		}
		y := count(text[j+1 : k])
		if end, ok := gap(text, k); !ok || !isDigit(at(text, end)) || end == k && n == 4 {
			continue
		}
		e.date(a, b, y, n == 2)
	}
}

// date is evidence from one date.
func (e *Evidence) date(a, b, y int, short bool) {
	switch {
	case a < 1 || b < 1 || a > 12 && b > 12 || a > 31 && !short || b > 31:
	case b > 12 && a <= 12:
		e.order = MonthFirst
	case a > 12 && !short:
		e.order = DayFirst
	case a > 12: // 22/07/14: the year, if that is a date of the past, else the day
		if e.Now.IsZero() {
			e.Now = time.Now()
		}
		if y >= 1 && y <= 31 && days(2000+a, b, y)*dayMillis <= e.Now.UnixMilli()+dayMillis {
			e.year, e.Asked = true, true
		} else if a <= 31 {
			e.order = DayFirst
		}
	case a != b:
		e.Asked = true
	}
}

// count is the number that digits are.
func count(digits []byte) (n int) {
	for _, c := range digits {
		n = n*10 + int(c-'0')
	}
	return n
}
