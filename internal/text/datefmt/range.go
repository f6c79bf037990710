package datefmt

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones on machines that have none of their own
)

// units of time in ms.
var units = map[string]int64{"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}

// ParseDuration reads an integer with a unit, 5m or -24h, as ms.
func ParseDuration(s string) (int64, error) {
	i := 0
	for i < len(s) && (s[i]-'0' < 10 || i == 0 && (s[i] == '-' || s[i] == '+')) {
		i++
	}
	n, err := strconv.ParseInt(s[:i], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no duration; write a number and a unit, such as 5m", s)
	}
	u, ok := units[s[i:]]
	if !ok {
		return 0, fmt.Errorf("%q is not a unit of time; write one of ms, s, m, h, d, w", s[i:])
	}
	if n > (1<<62)/u || n < -(1<<62)/u {
		return 0, fmt.Errorf("%s is too long", s)
	}
	return n * u, nil
}

// ParseDurations reads durations that stand one behind the other after one sign:
// -4h30m.
func ParseDurations(s string) (int64, error) {
	sign, rest := "", s
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		sign, rest = rest[:1], rest[1:]
	}
	var sum int64
	for {
		i := 0
		for i < len(rest) && rest[i]-'0' < 10 {
			i++
		}
		for i < len(rest) && rest[i]-'0' >= 10 {
			i++
		}
		ms, err := ParseDuration(sign + rest[:i])
		if err != nil {
			return 0, err
		}
		if rest, sum = rest[i:], sum+ms; rest == "" {
			return sum, nil
		}
	}
}

// Zone finds a time zone by its name in any letter case, or by its offset.
func Zone(name string) (*time.Location, error) {
	switch strings.ToUpper(name) {
	case "", "UTC", "GMT", "Z", "ETC/UTC", "ETC/GMT":
		return time.UTC, nil
	}
	if name[0] == '+' || name[0] == '-' {
		h, ok := digits(name[1:], 2)
		m, tail := 0, ""
		if ok {
			tail = strings.TrimPrefix(name[3:], ":")
		}
		if tail != "" {
			m, ok = digits(tail, 2)
		}
		if !ok || len(tail) > 2 {
			return nil, fmt.Errorf("%s is no offset; write it as +02:00", name)
		}
		off := h*3600 + m*60
		if name[0] == '-' {
			off = -off
		}
		return time.FixedZone(name, off), nil
	}
	if abbr, ok := abbreviations[strings.ToUpper(name)]; ok {
		name = abbr
	}
	for _, n := range []string{name, titled(name), unusualZones()[strings.ToLower(name)]} {
		if n == "" {
			continue
		}
		if l, err := time.LoadLocation(n); err == nil && n != "Local" && n != "local" {
			return l, nil
		}
	}
	return nil, fmt.Errorf("there is no time zone %s; write a name such as Europe/Berlin, or an offset such as +02:00", name)
}

// unusualZones spells the names of the time zone database whose letter case
// titled does not hit. Go has no list of the names it holds.
var unusualZones = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	for _, n := range strings.Fields(`Etc/UCT Etc/GMT Etc/GMT0 Etc/GMT+0 Etc/GMT-0 UCT GMT0 GMT+0 GMT-0
		EST5EDT CST6CDT MST7MDT PST8PDT EET MET WET HST PRC ROC ROK GB GB-Eire NZ NZ-CHAT W-SU
		Africa/Dar_es_Salaam Africa/Porto-Novo America/Knox_IN America/Port-au-Prince America/Port_of_Spain
		Antarctica/DumontDUrville Antarctica/McMurdo Australia/ACT Australia/LHI Australia/NSW
		Brazil/DeNoronha Chile/EasterIsland Europe/Isle_of_Man Mexico/BajaNorte Mexico/BajaSur`) {
		m[strings.ToLower(n)] = n
	}
	for h := 1; h <= 14; h++ {
		for _, sign := range []string{"+", "-"} {
			n := fmt.Sprintf("Etc/GMT%s%d", sign, h)
			m[strings.ToLower(n)] = n
		}
	}
	return m
})

// abbreviations of zones that people write; the zone observes summer time.
var abbreviations = map[string]string{
	"PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "MST": "America/Denver", "MDT": "America/Denver",
	"CST": "America/Chicago", "CDT": "America/Chicago", "EST": "America/New_York", "EDT": "America/New_York",
	"CET": "Europe/Paris", "CEST": "Europe/Paris", "BST": "Europe/London", "JST": "Asia/Tokyo", "IST": "Asia/Kolkata",
	"AEST": "Australia/Sydney", "AEDT": "Australia/Sydney",
}

// titled writes a zone's name as the database does: america/los_angeles as
// America/Los_Angeles.
func titled(s string) string {
	b := []byte(strings.ToLower(s))
	up := true
	for i, c := range b {
		if up && 'a' <= c && c <= 'z' {
			b[i] = c - 32
		}
		up = c == '/' || c == '_' || c == '-'
	}
	return string(b)
}

// ParseTime reads a point in time: now, -15m, -1d -12h, 03/01/2026 [08:00:00],
// 2026-03-01[T08:00:00[.5][Z]], 2026/03/01 [08:00[:00]], 03-01 [08:00], or epoch
// milliseconds. A missing year is the current one.
func ParseTime(s string, now time.Time, zone *time.Location) (time.Time, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return time.Time{}, fmt.Errorf("no time given; write -1d, 03/01/2026, 2026-03-01T08:00:00Z or epoch milliseconds")
	case strings.EqualFold(s, "now"):
		return now, nil
	case s[0] == '-' || s[0] == '+':
		t := now
		for _, part := range strings.Fields(s) {
			ms, err := ParseDurations(part)
			if err != nil {
				return time.Time{}, err
			}
			t = t.Add(time.Duration(ms) * time.Millisecond)
		}
		return t, nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.UnixMilli(n), nil
	}
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02",
		"2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05 Z0700",
		// Sumo Logic, "Subqueries", supported time formats.
		"2006/01/02 15:04:05", "2006/01/02 15:04", "2006/01/02", "01-02 15:04:05", "01-02 15:04", "01-02", "01/02 15:04:05", "01/02 15:04", "01/02",
		"1/2/2006 15:04:05", "1/2/2006 15:04", "1/2/2006", "1/2/2006 3:04:05 PM", "1/2/2006 3:04 PM",
	} {
		t, err := time.ParseInLocation(layout, s, zone)
		if err != nil {
			continue
		}
		if t.Year() == 0 { // a missing year is the current one
			t = time.Date(now.In(zone).Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone)
		}
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%q is no time; write -1d, 03/01/2026 08:00:00, 2026-03-01T08:00:00Z or epoch milliseconds", s)
}
