package datefmt

import (
	"math"
	"strconv"
)

// Epochs are numbers of seconds, ms, us or ns since 1970, and FILETIMEs of 100 ns
// since 1601. In a text they are taken for times only where something says so:
// the place that Sumo Logic names for them, or a name that means a time before
// them. A number elsewhere is a number.

// filetimeEpoch is 1970 in FILETIME's units.
const filetimeEpoch = 116_444_736_000_000_000

// filetimeMillis is the time of a FILETIME in ms.
func filetimeMillis(n int64) int64 { return (n - filetimeEpoch) / 10_000 }

// number reads a number that is known to be a time.
func number(text []byte) (ms int64, ok bool) {
	if len(text) > 2 && text[0] == '0' && text[1]|0x20 == 'x' {
		n, err := strconv.ParseInt(lend(text[2:]), 16, 64)
		if err != nil {
			return 0, false
		}
		ms = filetimeMillis(n)
		return ms, Plausible(ms)
	}
	n := 0
	for n < len(text) && isDigit(text[n]) {
		n++
	}
	switch {
	case n == len(text) || text[n] == '.' && digitsOnly(text[n+1:]):
		ms, ok = epochMillis(text, n)
		return ms, ok && Plausible(ms)
	case n > 0 && n < len(text) && (text[n] == '.' || text[n]|0x20 == 'e'): // 1.65E12
		f, err := strconv.ParseFloat(lend(text), 64)
		if err != nil || !(f >= 1e8 && f < 1e19) {
			return 0, false
		}
		whole, frac := math.Modf(f)
		ms, ok = epochMillis(strconv.AppendFloat(nil, whole, 'f', 0, 64), len(strconv.FormatFloat(whole, 'f', 0, 64)))
		if whole < 1e11 {
			ms += int64(frac * 1000)
		}
		return ms, ok && Plausible(ms)
	}
	return 0, false
}

func digitsOnly(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return len(b) > 0
}

// epochMillis reads a number of n digits, which a fraction may follow; the unit
// goes by their count: each has one for the years that are plausible.
func epochMillis(text []byte, n int) (ms int64, ok bool) {
	if n > 19 {
		return 0, false
	}
	v, err := strconv.ParseInt(lend(text[:n]), 10, 64)
	if err != nil {
		return 0, false
	}
	switch n {
	case 9, 10:
		f, scale := int64(0), int64(100)
		if n < len(text) && text[n] == '.' {
			for i := n + 1; i < len(text) && isDigit(text[i]); i++ {
				f += int64(text[i]-'0') * scale
				scale /= 10
			}
		}
		return v*1000 + f, true
	case 12, 13:
		return v, true
	case 15, 16:
		return v / 1000, true
	case 18:
		if ms := filetimeMillis(v); Plausible(ms) && v < 200_000_000_000_000_000 {
			return ms, true
		}
		return v / 1e6, true
	case 19:
		return v / 1e6, true
	}
	return 0, false
}

// dateMillis reads the number at i of /Date(ms)/. What may follow it is the
// offset of the host, which the number does not need.
func (r *Recogniser) dateMillis(text []byte, i int) (Stamp, bool) {
	end := i
	for end < len(text) && isDigit(text[end]) {
		end++
	}
	if n := end - i; n < 11 || n > 14 {
		return Stamp{}, false
	}
	ms, err := strconv.ParseInt(lend(text[i:end]), 10, 64)
	if err != nil || !Plausible(ms) {
		return Stamp{}, false
	}
	for end < len(text) && text[end] != '"' && text[end] != ')' {
		end++
	}
	return Stamp{Millis: ms, Start: i, End: end}, true
}

// epoch reads the number of n digits at i, where its place says that it is a time.
func (r *Recogniser) epoch(text []byte, i, n int) (Stamp, bool) {
	if n == 1 { // 0x01D8506C9A4B2C00
		if at(text, i+1)|0x20 != 'x' {
			return Stamp{}, false
		}
		end := i + 2
		for end < len(text) && end < i+20 && isAlnum(text[end]) {
			end++
		}
		if ms, ok := number(text[i:end]); ok && end-i >= 17 && named(text, i) {
			return Stamp{Millis: ms, Start: i, End: end}, true
		}
		return Stamp{}, false
	}
	if i >= 5 && string(text[i-5:i]) == "Date(" {
		return r.dateMillis(text, i)
	}
	end, frac := i+n, 0
	if n == 10 && at(text, end) == '.' {
		for isDigit(at(text, end+1+frac)) {
			frac++
		}
		if frac > 0 {
			end += 1 + frac
		}
	}
	ms, ok := epochMillis(text[i:end], n)
	if !ok || !Plausible(ms) {
		return Stamp{}, false
	}
	s := Stamp{Millis: ms, Start: i, End: end}
	next := at(text, end)
	if isAlnum(next) || next == '_' || next == '-' || next == '.' && isAlnum(at(text, end+1)) {
		return Stamp{}, false
	}
	if named(text, i) {
		return s, true
	}
	first := begins(text, i)
	switch {
	case frac == 3 || frac == 6 || frac == 9:
		// Squid, Akamai, Zeek, Meraki, audit(1650000001.234:501): a number with as
		// many digits behind the point is hardly anything else.
		if first || i >= 6 && string(text[i-6:i]) == "audit(" {
			return s, true
		}
		if p := at(text, i-1); p == ' ' || p == '\t' || p == '[' || p == '(' || p == ',' || p == '"' {
			return s, next == 0 || next == ' ' || next == '\t' || next == ']' || next == ')' || next == ',' || next == '"' || next == ':' || next == '\n' || next == '\r'
		}
	case frac > 0:
		return s, first
	case n == 10:
		if first && (next == ',' || next == '\t' || next == ';' || next == '|' || next == ']' && at(text, i-1) == '[') {
			return s, true
		}
		if fifth(text, i, end) || pair(text, i, end) {
			return s, true
		}
	case n == 13 || n == 16 || n == 19:
		return s, first
	}
	return Stamp{}, false
}

// beginsMax is how many brackets and blanks may stand before a number that begins
// a text.
const beginsMax = 64

// begins reports whether nothing but brackets, quotes and a syslog priority stand
// before i.
func begins(text []byte, i int) bool {
	k := 0
	if at(text, 0) == '<' {
		for k = 1; k < len(text) && k < 5 && isDigit(text[k]); k++ {
		}
		if k == 1 || at(text, k) != '>' {
			return false
		}
		k++
		if at(text, k) == '1' && at(text, k+1) == ' ' {
			k += 2
		}
	}
	if i > beginsMax {
		return false
	}
	for k < i && (text[k] == ' ' || text[k] == '[' || text[k] == '(' || text[k] == '"') {
		k++
	}
	return k == i
}

// fifth reports whether a number is the fifth of values between commas.
// Source: Sumo Logic's page, as for forms.
func fifth(text []byte, i, end int) bool {
	for end < len(text) && text[end] == ' ' {
		end++
	}
	if c := at(text, end); c != ',' && c != 0 && c != '\n' && c != '\r' {
		return false
	}
	commas := 0
	for k := i - 1; k >= 0 && text[k] != '\n'; k-- {
		if text[k] == ',' {
			if commas++; commas > 4 {
				return false
			}
		} else if commas == 0 && text[k] != ' ' {
			return false
		}
	}
	return commas == 4
}

// pair reports whether a number of seconds is followed by another, up to a day
// later: start and end, as in AWS's VPC flow logs.
func pair(text []byte, i, end int) bool {
	if p := at(text, i-1); p != ' ' && p != '\t' || at(text, end) != p || end+11 > len(text) || isAlnum(at(text, end+11)) || !digitsOnly(text[end+1:end+11]) {
		return false
	}
	from, _ := strconv.ParseInt(lend(text[i:end]), 10, 64)
	to, _ := strconv.ParseInt(lend(text[end+1:end+11]), 10, 64)
	return from <= to && to <= from+86_400
}

// named reports whether a name that means a time stands before i, as the key of
// JSON, of key=value or of XML.
func named(text []byte, i int) bool {
	k := i - 1
	for k >= 0 && (text[k] == '"' || text[k] == '\'' || text[k] == '\\') {
		k--
	}
	for k >= 0 && text[k] == ' ' {
		k--
	}
	if k < 0 || text[k] != ':' && text[k] != '=' && text[k] != '>' {
		return false
	}
	element := text[k] == '>'
	for k--; k >= 0 && (text[k] == ' ' || text[k] == '"' || text[k] == '\'' || text[k] == '\\'); k-- {
	}
	if element {
		// <ts unit="ms">: the name stands first.
		open := k
		for open >= 0 && open > k-nameBytesMax && text[open] != '<' {
			open--
		}
		if at(text, open) != '<' {
			return false
		}
		if named := open + 1; at(text, named) != '/' {
			last := named
			for last <= k && text[last] != ' ' {
				last++
			}
			return timeName(text[named:last])
		}
		return false
	}
	last := k + 1
	if n := last - len("seconds"); n > 1 && string(text[n:last]) == "seconds" && text[n-1] == '"' {
		// "timestamp": {"seconds": 1650000001, "nanos": 0}
		for n--; n > 0 && (text[n-1] == ' ' || text[n-1] == '\\'); n-- {
		}
		if n > 0 && text[n-1] == '{' {
			return named(text, n-1)
		}
	}
	for k >= 0 && k > last-nameBytesMax && (isAlnum(text[k]) || text[k] == '_' || text[k] == '.' || text[k] == '@' || text[k] == '-' || text[k] == '$') {
		k--
	}
	return timeName(text[k+1 : last])
}

const nameBytesMax = 48

// timeWords end the names of times. Words of units may come behind them.
var timeWords = map[string]bool{
	"time": true, "timestamp": true, "ts": true, "date": true, "datetime": true, "epoch": true, "stamp": true, "published": true,
	"created": true, "create": true, "occurred": true, "at": true, "eventtime": true, "unixtime": true, "createtime": true, "creationtime": true, "devicetime": true,
	"logtime": true, "starttime": true, "endtime": true, "receivetime": true, "receipttime": true, "utctime": true, "systemtime": true, "rt": true,
	"timecreated": true, "timegenerated": true, "timelocal": true, "filetime": true, "servertime": true, "localtime": true, "messagetime": true,
}

// unitWords may end a time's name.
var unitWords = map[string]bool{
	"ms": true, "us": true, "ns": true, "s": true, "sec": true, "secs": true, "seconds": true, "second": true, "millis": true, "milliseconds": true, "msec": true,
	"micros": true, "microseconds": true, "usec": true, "nanos": true, "nanoseconds": true, "nano": true, "milli": true, "micro": true, "utc": true, "unix": true,
}

// spanWords before "time" make it the length of something.
var spanWords = map[string]bool{
	"response": true, "processing": true, "elapsed": true, "up": true, "run": true, "cpu": true, "total": true, "wait": true, "execution": true,
	"queue": true, "exec": true, "connect": true, "upstream": true, "idle": true, "taken": true, "life": true, "latency": true, "user": true, "kernel": true,
}

// timeName reports whether a name is that of a time: its last word says so.
func timeName(name []byte) bool {
	var words [2]string // the last two, not of units
	n := 0
	end := len(name)
	for end > 0 && n < 2 {
		start := end
		for start > 0 && isAlnum(name[start-1]) {
			start--
			if c := name[start]; 'A' <= c && c <= 'Z' && (start == 0 || !('A' <= name[start-1] && name[start-1] <= 'Z')) {
				break
			}
		}
		if start == end { // a mark
			end--
			continue
		}
		b := make([]byte, 0, nameBytesMax)
		for _, c := range name[start:end] {
			if 'A' <= c && c <= 'Z' {
				c |= 0x20
			}
			b = append(b, c)
		}
		if word := string(b); n > 0 || !unitWords[word] {
			words[n] = word
			n++
		}
		end = start
	}
	switch words[0] {
	case "at":
		return words[1] != ""
	case "generated", "stamp":
		return words[1] == "time"
	case "time":
		return !spanWords[words[1]]
	}
	return timeWords[words[0]]
}

// tai reads a TAI64N label, @4000000069a3f10a075bca00: 16 digits of seconds and eight of
// nanoseconds. Who writes them counts ten seconds between TAI and UTC.
// Source: D. J. Bernstein, "TAI64, TAI64N, and TAI64NA", and libtai's tai_now.
func (r *Recogniser) tai(text []byte, i int) (Stamp, bool) {
	const label, lag = 24, 10
	if i+label > len(text) || isAlnum(at(text, i+label)) {
		return Stamp{}, false
	}
	seconds, err := strconv.ParseUint(lend(text[i:i+16]), 16, 64)
	nanos, err2 := strconv.ParseUint(lend(text[i+16:i+label]), 16, 32)
	if err != nil || err2 != nil || nanos >= 1e9 {
		return Stamp{}, false
	}
	ms := (int64(seconds-1<<62)-lag)*1000 + int64(nanos/1e6)
	return Stamp{Millis: ms, Start: i, End: i + label}, Plausible(ms)
}
