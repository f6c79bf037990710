// Package datefmt reads and prints dates: the times of events, time ranges,
// durations, and the date patterns of formatDate and parseDate.
package datefmt

import (
	"time"
	"unsafe"
)

// ParseEventTime reads a time as logs hold it and returns ms since the epoch.
// It takes ISO 8601 dates with T or a blank, with or without a fraction, Z or an
// offset, which may come after a blank (UTC where there is none), epoch seconds,
// milliseconds, microseconds and nanoseconds by their digits, FILETIMEs, and WMI's
// yyyyMMddHHmmss.ffffff+mmm. Digits beyond the millisecond are cut off, not
// rounded. Recogniser reads what is written in other ways.
func ParseEventTime(s string) (ms int64, ok bool) {
	if len(s) >= 19 && s[4] == '-' {
		return isoTime(s)
	}
	if len(s) >= 21 && s[14] == '.' {
		return wmiTime(s)
	}
	return number(unsafe.Slice(unsafe.StringData(s), len(s)))
}

// digits reads n decimal digits.
func digits(s string, n int) (v int, ok bool) {
	if len(s) < n {
		return 0, false
	}
	for i := range n {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		v = v*10 + int(d)
	}
	return v, true
}

func isoTime(s string) (int64, bool) {
	y, ok1 := digits(s, 4)
	mo, ok2 := digits(s[5:], 2)
	d, ok3 := digits(s[8:], 2)
	h, ok4 := digits(s[11:], 2)
	mi, ok5 := digits(s[14:], 2)
	sec, ok6 := digits(s[17:], 2)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || s[7] != '-' || s[10] != 'T' && s[10] != ' ' && s[10] != 't' || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	if mo < 1 || mo > 12 || d < 1 || d > daysIn(y, mo) || h > 23 || mi > 59 || sec > 60 {
		return 0, false
	}
	rest := s[19:]
	ms := 0
	if rest != "" && (rest[0] == '.' || rest[0] == ',') {
		i, scale := 1, 100
		for i < len(rest) && rest[i]-'0' < 10 {
			ms += int(rest[i]-'0') * scale
			scale /= 10
			i++
		}
		rest = rest[i:]
	}
	offset := 0
	if len(rest) > 1 && rest[0] == ' ' && (rest[1] == '+' || rest[1] == '-') {
		rest = rest[1:]
	}
	switch {
	case rest == "" || rest == "Z" || rest == "z":
	case rest[0] == '+' || rest[0] == '-':
		// Replayed data has the fraction behind a plus: +000039800Z.
		if len(rest) > 6 && rest[len(rest)-1] == 'Z' {
			scale := 100
			for i := 1; i < len(rest)-1 && rest[i]-'0' < 10; i++ {
				ms += int(rest[i]-'0') * scale
				scale /= 10
			}
			break
		}
		hh, ok := digits(rest[1:], 2)
		if !ok {
			return 0, false
		}
		mm := 0
		if tail := rest[3:]; tail != "" {
			if tail[0] == ':' {
				tail = tail[1:]
			}
			if mm, ok = digits(tail, 2); !ok || len(tail) > 2 {
				return 0, false
			}
		}
		offset = hh*60 + mm
		if rest[0] == '-' {
			offset = -offset
		}
	case rest == " UTC" || rest == " Z" || rest == " GMT":
	default:
		return 0, false
	}
	return (days(y, mo, d)*86400+int64(h*3600+mi*60+sec)-int64(offset)*60)*1000 + int64(ms), true
}

// wmiTime reads yyyyMMddHHmmss.ffffff+mmm, the offset in minutes.
func wmiTime(s string) (int64, bool) {
	part := func(at, n int) int {
		v, ok := digits(s[at:], n)
		if !ok {
			return -1
		}
		return v
	}
	y, mo, d, h, mi, sec := part(0, 4), part(4, 2), part(6, 2), part(8, 2), part(10, 2), part(12, 2)
	us := part(15, 6)
	if min(y, mo, d, h, mi, sec, us) < 0 || mo < 1 || mo > 12 || d < 1 || d > daysIn(y, mo) || h > 23 || mi > 59 || sec > 60 {
		return 0, false
	}
	offset := 0
	if rest := s[21:]; rest != "" {
		v, ok := digits(rest[1:], 3)
		if !ok || len(rest) != 4 || rest[0] != '+' && rest[0] != '-' {
			return 0, false
		}
		if offset = v; rest[0] == '-' {
			offset = -v
		}
	}
	return (days(y, mo, d)*86400+int64(h*3600+mi*60+sec)-int64(offset)*60)*1000 + int64(us/1000), true
}

var monthDays = [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func daysIn(y, m int) int {
	if m == 2 && (y%4 == 0 && y%100 != 0 || y%400 == 0) {
		return 29
	}
	return monthDays[m-1]
}

// days counts the days from the epoch to a date of the Gregorian calendar.
func days(y, m, d int) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int64(era)*146097 + int64(doe) - 719468
}

// Slice returns the start and end in ms of the slice of a width that a time
// falls in. Widths below a day are aligned to the epoch, whole days to midnight
// in the zone, weeks to the epoch (OP-18).
func Slice(ms, width int64, zone *time.Location) (start, end int64) {
	const day = 86_400_000
	if width <= 0 {
		return ms, ms
	}
	shift := int64(0)
	if width%day == 0 && width%(7*day) != 0 && zone != nil && zone != time.UTC {
		_, offset := time.UnixMilli(ms).In(zone).Zone()
		shift = int64(offset) * 1000
	}
	start = floor(ms+shift, width) - shift
	if shift != 0 { // midnight may lie on the other side of a clock change
		t := time.UnixMilli(start).In(zone)
		_, offset := t.Zone()
		start += shift - int64(offset)*1000
	}
	return start, start + width
}

func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q * b
}

// widths are the round widths that BucketWidth chooses from, in ms.
var widths = []int64{
	1, 2, 5, 10, 20, 50, 100, 200, 500,
	1000, 2000, 5000, 10_000, 15_000, 30_000,
	60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
	3_600_000, 7_200_000, 10_800_000, 14_400_000, 21_600_000, 43_200_000,
	86_400_000, 172_800_000, 604_800_000, 2_592_000_000,
}

// BucketWidth picks the smallest round width in ms that cuts a time range into
// at most n slices.
func BucketWidth(from, to int64, n int) int64 {
	for _, w := range widths {
		if (to-from+w-1)/w <= int64(n) {
			return w
		}
	}
	return widths[len(widths)-1]
}
