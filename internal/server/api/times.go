package api

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
)

// moment is a time as a request has it: an ISO 8601 text, or epoch milliseconds as a
// number or text. null is as if it were not there.
type moment struct{ text string }

func (m *moment) UnmarshalJSON(b []byte) error {
	switch {
	case string(b) == "null":
		return nil
	case b[0] == '"':
		return json.Unmarshal(b, &m.text)
	case b[0] == '{' || b[0] == '[' || b[0] == 't' || b[0] == 'f':
		m.text = string(b) // no time: said with the right code
		return nil
	}
	m.text = string(b)
	return nil
}

var errNoTime = errors.New("it is no time")

// isoForms are how ISO 8601 times are written; those without a zone are in the one of
// the request. Fractions of seconds are read by all.
var isoForms = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04Z07:00", "2006-01-02T15:04Z0700",
	"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02",
}

// epoch reads epoch milliseconds.
func (m moment) epoch() (int64, bool) {
	text := strings.TrimSpace(m.text)
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return ms, ms >= -millisMost && ms <= millisMost
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && f == math.Trunc(f) && math.Abs(f) <= millisMost {
		return int64(f), true
	}
	return 0, false
}

// millisMost is the last ms of the year 9999.
const millisMost = 253402300799999

// at is the time in ms, in a zone where it names none. relative accepts -15m and now.
func (m moment) at(zone *time.Location, now time.Time, relative bool) (int64, error) {
	if ms, ok := m.epoch(); ok {
		return ms, nil
	}
	text := strings.TrimSpace(m.text)
	if len(text) > 10 && (text[10] == 't' || text[len(text)-1] == 'z') {
		text = strings.ToUpper(text)
	}
	for _, form := range isoForms {
		if t, err := time.ParseInLocation(form, text, zone); err == nil && t.Year() > 0 {
			return t.UnixMilli(), nil
		}
	}
	if relative && (strings.EqualFold(text, "now") || strings.HasPrefix(text, "-")) {
		if t, err := datefmt.ParseTime(text, now, zone); err == nil {
			return t.UnixMilli(), nil
		}
	}
	return 0, errNoTime
}

// looksRelative reports whether a text is a relative time, for what is said of it.
func (m moment) looksRelative() bool {
	text := strings.TrimSpace(m.text)
	if strings.EqualFold(text, "now") {
		return true
	}
	_, err := datefmt.ParseDurations(text)
	return err == nil
}
