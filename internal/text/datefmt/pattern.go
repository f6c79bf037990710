package datefmt

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Pattern is a date pattern as Java's SimpleDateFormat has them: yyyy-MM-dd
// HH:mm:ss.SSS, with literals in single quotes.
type Pattern struct{ parts []patternPart }

// patternPart is a run of one letter, or literal text (letter 0).
type patternPart struct {
	letter byte
	n      int
	text   string
}

// letters are those a pattern may hold.
const letters = "GyYMLwWDdFEuaHkKhmsSzZX"

// Compile reads a pattern.
func Compile(pattern string) (*Pattern, error) {
	p := &Pattern{}
	for i := 0; i < len(pattern); {
		c := pattern[i]
		switch {
		case c == '\'':
			text, n, err := quoted(pattern[i:])
			if err != nil {
				return nil, err
			}
			p.literal(text)
			i += n
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			if strings.IndexByte(letters, c) < 0 {
				return nil, fmt.Errorf("%c is no letter of a date pattern; put text in single quotes: '%c'", c, c)
			}
			j := i
			for j < len(pattern) && pattern[j] == c {
				j++
			}
			p.parts = append(p.parts, patternPart{letter: c, n: j - i})
			i = j
		default:
			p.literal(string(c))
			i++
		}
	}
	return p, nil
}

// quoted reads 'text', or ” for one quote.
func quoted(s string) (text string, n int, err error) {
	if strings.HasPrefix(s, "''") {
		return "'", 2, nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), i + 1, nil
	}
	return "", 0, fmt.Errorf("the single quote in the date pattern is not closed")
}

func (p *Pattern) literal(text string) {
	if n := len(p.parts); n > 0 && p.parts[n-1].letter == 0 {
		p.parts[n-1].text += text
		return
	}
	p.parts = append(p.parts, patternPart{text: text})
}

// Format prints a time in ms since the epoch.
func (p *Pattern) Format(ms int64, zone *time.Location) string {
	t := time.UnixMilli(ms).In(zone)
	var b []byte
	for _, q := range p.parts {
		b = q.append(b, t)
	}
	return string(b)
}

func (q patternPart) append(b []byte, t time.Time) []byte {
	number := func(v int) []byte { return fmt.Appendf(b, "%0*d", q.n, v) }
	name := func(s string, short int) []byte {
		if q.n < 4 && len(s) > short {
			s = s[:short]
		}
		return append(b, s...)
	}
	switch q.letter {
	case 0:
		return append(b, q.text...)
	case 'G':
		return append(b, "AD"...)
	case 'y':
		if q.n == 2 {
			return fmt.Appendf(b, "%02d", t.Year()%100)
		}
		return number(t.Year())
	case 'Y':
		y := weekYear(t)
		if q.n == 2 {
			return fmt.Appendf(b, "%02d", y%100)
		}
		return number(y)
	case 'M', 'L':
		if q.n >= 3 {
			return name(t.Month().String(), 3)
		}
		return number(int(t.Month()))
	case 'w':
		return number(week(t))
	case 'W':
		first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
		return number((t.Day()+int(first.Weekday())-1)/7 + 1)
	case 'D':
		return number(t.YearDay())
	case 'd':
		return number(t.Day())
	case 'F':
		return number((t.Day()-1)/7 + 1)
	case 'E':
		return name(t.Weekday().String(), 3)
	case 'u':
		return number((int(t.Weekday())+6)%7 + 1)
	case 'a':
		if t.Hour() < 12 {
			return append(b, "AM"...)
		}
		return append(b, "PM"...)
	case 'H':
		return number(t.Hour())
	case 'k':
		return number((t.Hour()+23)%24 + 1)
	case 'K':
		return number(t.Hour() % 12)
	case 'h':
		return number((t.Hour()+11)%12 + 1)
	case 'm':
		return number(t.Minute())
	case 's':
		return number(t.Second())
	case 'S':
		return number(t.Nanosecond() / 1e6)
	case 'z':
		if q.n >= 4 {
			return append(b, t.Location().String()...)
		}
		abbr, _ := t.Zone()
		if abbr != "" && (abbr[0] == '+' || abbr[0] == '-') {
			return append(append(b, "GMT"...), t.Format("-07:00")...)
		}
		return append(b, abbr...)
	case 'Z':
		return t.AppendFormat(b, "-0700")
	case 'X':
		return t.AppendFormat(b, [...]string{"Z07", "Z07", "Z0700", "Z07:00"}[min(q.n, 3)])
	}
	return b
}

// week is the number of the week in its year, weeks starting on Sunday and the
// first one being that of January 1st, as in Java's locale of the United States.
func week(t time.Time) int {
	jan1 := time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	n := (t.YearDay()+int(jan1.Weekday())-1)/7 + 1
	if weekYear(t) > t.Year() {
		return 1
	}
	return n
}

// weekYear is the year that a date's week belongs to.
func weekYear(t time.Time) int {
	next := time.Date(t.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
	start := next.AddDate(0, 0, -int(next.Weekday()))
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	if !day.Before(start) {
		return t.Year() + 1
	}
	return t.Year()
}

// parsed is what a text says of a time.
type parsed struct {
	year, month, day, yearDay  int
	hour, minute, second       int
	ms                         int
	hour12, pm, hasPM, hasYDay bool
	zone                       *time.Location
}

// Parse reads a date from the start of a text; what follows is ignored. Numbers
// may be shorter or longer than the pattern shows, unless another number
// follows at once. Values out of range carry over, as Java's lenient parser has
// it. ok is false when the text does not fit.
func (p *Pattern) Parse(text string, zone *time.Location) (ms int64, ok bool) {
	d := parsed{year: 1970, month: 1, day: 1, zone: zone}
	text = strings.TrimLeft(text, " ")
	for i, q := range p.parts {
		adjacent := i+1 < len(p.parts) && p.parts[i+1].numeric()
		if text, ok = q.parse(text, adjacent, &d); !ok {
			return 0, false
		}
	}
	if d.hour12 && d.hasPM {
		d.hour %= 12
		if d.pm {
			d.hour += 12
		}
	}
	if d.hasYDay {
		d.month, d.day = 1, d.yearDay
	}
	t := time.Date(d.year, time.Month(d.month), d.day, d.hour, d.minute, d.second, 0, d.zone)
	return t.UnixMilli() + int64(d.ms), true
}

// numeric reports whether a part reads digits only.
func (q patternPart) numeric() bool {
	switch q.letter {
	case 0, 'G', 'E', 'a', 'z', 'Z', 'X':
		return false
	case 'M', 'L':
		return q.n < 3
	}
	return true
}

func (q patternPart) parse(s string, adjacent bool, d *parsed) (rest string, ok bool) {
	if q.letter == 0 {
		if strings.HasPrefix(s, q.text) {
			return s[len(q.text):], true
		}
		return s, false
	}
	if !q.numeric() {
		return q.parseWord(s, d)
	}
	s = strings.TrimLeft(s, " ")
	n := 0
	for n < len(s) && s[n]-'0' < 10 && n < 18 {
		n++
	}
	if adjacent {
		n = min(n, q.n)
	}
	neg := n == 0 && len(s) > 1 && s[0] == '-' && s[1]-'0' < 10
	if neg {
		return s, false
	}
	if n == 0 {
		return s, false
	}
	v, err := strconv.Atoi(s[:n])
	if err != nil {
		return s, false
	}
	switch q.letter {
	case 'y', 'Y':
		if n <= 2 && q.n <= 2 {
			// Two digits are the year within 80 years before and 20 after now;
			// a fixed window keeps answers the same over the years.
			if v += 2000; v > 2045 {
				v -= 100
			}
		}
		d.year = v
	case 'M', 'L':
		d.month = v
	case 'd':
		d.day = v
	case 'D':
		d.yearDay, d.hasYDay = v, true
	case 'H':
		d.hour = v
	case 'k':
		d.hour = v % 24
	case 'K', 'h':
		d.hour, d.hour12 = v, true
		if q.letter == 'h' {
			d.hour = v % 12
		}
	case 'm':
		d.minute = v
	case 's':
		d.second = v
	case 'S':
		d.ms = v
		// Java takes .5 as 5 ms; logs with more than three digits mean a fraction.
		for k := n; k > 3; k-- {
			d.ms /= 10
		}
	}
	return s[n:], true
}

// parseWord reads names, halves of the day and zones.
func (q patternPart) parseWord(s string, d *parsed) (string, bool) {
	prefix := func(word string) bool { return len(s) >= len(word) && strings.EqualFold(s[:len(word)], word) }
	switch q.letter {
	case 'G':
		return strings.TrimPrefix(strings.TrimPrefix(s, "AD"), "BC"), prefix("AD") || prefix("BC")
	case 'a':
		if !prefix("AM") && !prefix("PM") {
			return s, false
		}
		d.hasPM, d.pm = true, prefix("PM")
		return s[2:], true
	case 'M', 'L':
		for m := time.January; m <= time.December; m++ {
			for _, word := range []string{m.String(), m.String()[:3]} {
				if prefix(word) {
					d.month = int(m)
					return s[len(word):], true
				}
			}
		}
	case 'E':
		for w := time.Sunday; w <= time.Saturday; w++ {
			for _, word := range []string{w.String(), w.String()[:3]} {
				if prefix(word) {
					return s[len(word):], true
				}
			}
		}
	case 'z', 'Z', 'X':
		return parseZone(s, d)
	}
	return s, false
}

// parseZone reads Z, an offset, or a zone's name.
func parseZone(s string, d *parsed) (string, bool) {
	t := s
	if len(t) >= 3 && strings.EqualFold(t[:3], "GMT") && len(t) > 3 && (t[3] == '+' || t[3] == '-') {
		t = t[3:]
	}
	switch {
	case t == "":
		return s, false
	case t[0] == 'Z' || t[0] == 'z':
		d.zone = time.UTC
		return t[1:], true
	case t[0] == '+' || t[0] == '-':
		h, ok := digits(t[1:], 2)
		if !ok {
			return s, false
		}
		rest, m := t[3:], 0
		if v, ok := digits(strings.TrimPrefix(rest, ":"), 2); ok {
			m = v
			rest = strings.TrimPrefix(rest, ":")[2:]
		}
		off := h*3600 + m*60
		if t[0] == '-' {
			off = -off
		}
		d.zone = time.FixedZone("", off)
		return rest, true
	}
	n := 0
	for n < len(t) && (t[n] == '/' || t[n] == '_' || 'a' <= t[n]|32 && t[n]|32 <= 'z') {
		n++
	}
	z, err := Zone(t[:n])
	if n == 0 || err != nil {
		return s, false
	}
	d.zone = z
	return t[n:], true
}
