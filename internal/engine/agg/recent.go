package agg

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// recent is the state of most_recent and least_recent. Its input is what
// withtime makes: {"value":...,"time":ms}. Anything else is left out.
type recent struct {
	least bool
	some  bool
	time  int64
	at    lang.Moment
	raw   held
}

func (r *recent) Add(args []event.Value, at lang.Moment) int {
	if args[0].Kind() != event.String {
		return 0
	}
	ms, ok := timeOf(args[0].Str())
	if !ok || r.some && !r.wins(ms, at) {
		return 0
	}
	r.some, r.time, r.at = true, ms, at
	return r.raw.set(args[0])
}

// wins reports whether a value of time ms replaces the one that is held. Of
// equal times the most recent is the one that comes first in the stream, and
// the least recent the one that comes last.
func (r *recent) wins(ms int64, at lang.Moment) bool {
	switch {
	case ms != r.time:
		return (ms > r.time) != r.least
	case r.least:
		return !at.Before(r.at)
	}
	return at.Before(r.at)
}

func (r *recent) Merge(o lang.Accumulator) {
	if other := o.(*recent); other.some && (!r.some || r.wins(other.time, other.at)) {
		*r = *other
	}
}

func (r *recent) Result(dst []event.Value) []event.Value {
	if !r.some {
		return append(dst, event.Value{})
	}
	return append(dst, valueOf(string(r.raw.text)))
}

const (
	timedStart = `{"value":`
	timedTime  = `,"time":`
)

// timeOf reads the time of a value made by withtime. The spelling withtime uses
// is read without a JSON decoder: quotes inside the value are escaped, so the
// last key stands where it is looked for.
func timeOf(s string) (ms int64, ok bool) {
	if i := strings.LastIndex(s, timedTime); i > 0 && strings.HasPrefix(s, timedStart) && strings.HasSuffix(s, "}") {
		if ms, err := strconv.ParseInt(s[i+len(timedTime):len(s)-1], 10, 64); err == nil {
			return ms, true
		}
	}
	var t struct {
		Value *json.RawMessage `json:"value"`
		Time  *json.Number     `json:"time"`
	}
	if !strings.HasPrefix(strings.TrimSpace(s), "{") || json.Unmarshal([]byte(s), &t) != nil || t.Time == nil {
		return 0, false
	}
	return event.Text(t.Time.String()).Int()
}

// valueOf reads the value of a text that timeOf has accepted: text as text,
// numbers and booleans as such, null as null.
func valueOf(s string) event.Value {
	var t struct {
		Value json.RawMessage `json:"value"`
	}
	if json.Unmarshal([]byte(s), &t) != nil || len(t.Value) == 0 {
		return event.Value{}
	}
	switch c := t.Value[0]; {
	case c == '"':
		var text string
		if json.Unmarshal(t.Value, &text) != nil {
			return event.Value{}
		}
		return event.Text(text)
	case c == 't', c == 'f':
		return event.Bool(c == 't')
	case c == 'n':
		return event.Value{}
	case c == '{', c == '[':
		return event.Text(string(t.Value))
	}
	if i, err := strconv.ParseInt(string(t.Value), 10, 64); err == nil {
		return event.Int(i)
	}
	f, ok := event.ParseNumber(string(t.Value))
	if !ok {
		return event.Value{}
	}
	return event.Float(f)
}

// ofTimed is ofField for a field that withtime has made.
func ofTimed(name, out string, open func() lang.Accumulator) func(*lang.AggSite) lang.Aggregator {
	return func(s *lang.AggSite) lang.Aggregator {
		if !s.Count(1, 1, name+"(field_withtime)") {
			return broken(out)
		}
		f, slot, ok := s.Field(0)
		if !ok {
			return broken(out)
		}
		if !strings.HasSuffix(strings.ToLower(f.Name), "_withtime") {
			s.Warn(0, "withtime-missing", name+" reads a field that withtime has made, and "+f.Name+" is not named like one",
				"write: | withtime "+f.Name+" | "+name+"("+f.Name+"_withtime)")
		}
		return lang.Aggregator{Args: []event.Slot{slot}, Out: []string{out}, Open: open}
	}
}
