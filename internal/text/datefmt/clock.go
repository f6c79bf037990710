package datefmt

// Clock is ParseEventTime for the times of a log, of which most are of the same
// minute as the one before. It is one goroutine's; the zero Clock is ready.
type Clock struct {
	minute [minuteLen]byte // as a time begins, "2026-03-02 05:59:"
	start  int64           // of that minute in UTC
}

const minuteLen = len("2006-01-02T15:04:")

// ParseEventTime is the function of that name.
func (c *Clock) ParseEventTime(s string) (ms int64, ok bool) {
	const seconds = minuteLen + 2
	if len(s) < seconds || s[4] != '-' {
		return ParseEventTime(s)
	}
	if s[:minuteLen] != string(c.minute[:]) {
		var whole [seconds]byte
		copy(whole[:], s[:minuteLen])
		copy(whole[minuteLen:], "00")
		start, ok := isoTime(string(whole[:]))
		if !ok {
			return ParseEventTime(s)
		}
		copy(c.minute[:], s)
		c.start = start
	}
	tens, ones := s[minuteLen]-'0', s[minuteLen+1]-'0'
	if tens > 5 || ones > 9 {
		return ParseEventTime(s)
	}
	ms = c.start + int64(tens)*10_000 + int64(ones)*1_000
	rest := s[seconds:]
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
		i, scale := 1, int64(100)
		for i < len(rest) && rest[i]-'0' < 10 {
			ms += int64(rest[i]-'0') * scale
			scale /= 10
			i++
		}
		rest = rest[i:]
	}
	if rest == "" || rest == "Z" {
		return ms, true
	}
	return ParseEventTime(s) // with an offset, or something else
}
