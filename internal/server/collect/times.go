package collect

import (
	"bytes"
	"math"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// someDay is what the time that a line begins with is read against: only its form matters.
var someDay = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// clock finds the times of messages. It is one goroutine's.
type clock struct {
	begin  datefmt.Recogniser // of lines
	stamps datefmt.Recogniser
	iso    datefmt.Clock
	fields *jsondoc.Scanner // of mapping.Times
	zoned  bool             // times that name no zone are not UTC
}

func (p *Plan) clock(received int64) *clock {
	c, _ := p.clocks.Get().(*clock)
	if c == nil {
		c = &clock{fields: jsondoc.NewScanner(jsondoc.Want{Names: mapping.Times})}
		c.begin = datefmt.Recogniser{Now: someDay}
		c.stamps.Zone = p.zone
		c.zoned = p.zone != time.UTC
	}
	c.stamps.Now = time.UnixMilli(received).UTC()
	return c
}

func (p *Plan) free(c *clock) { p.clocks.Put(c) }

// Messages reads a body as the source says: its messages, in order, those that were
// dropped by a filter or the cut-off counted. received is in ms. The messages are parts of
// the body.
func (p *Plan) Messages(body []byte, received int64) (list []store.Message, dropped int) {
	body = cleanText(body)
	c := p.clock(received)
	defer p.free(c)
	p.cut(body, &c.begin, func(msg []byte) {
		m, n := p.add(c, list, msg, received)
		list, dropped = m, dropped+n
	})
	return list, dropped
}

// Message reads one message that came by itself: it is not taken apart, but cut where it
// is too long.
func (p *Plan) Message(list []store.Message, msg []byte, received int64) (_ []store.Message, dropped int) {
	c := p.clock(received)
	defer p.free(c)
	return p.add(c, list, cleanText(msg), received)
}

func (p *Plan) add(c *clock, list []store.Message, msg []byte, received int64) ([]store.Message, int) {
	if len(list) > messagesMax { // the request is refused
		return list, 0
	}
	at, timed := p.time(c, msg)
	if timed && at < p.source.CutoffTimestamp {
		return list, 1
	}
	if !timed {
		at = received
	}
	msg, keep := p.filtered(msg)
	if !keep {
		return list, 1
	}
	pieces(msg, p.max, func(piece []byte) {
		list = append(list, store.Message{Raw: piece, Time: at, Timed: true})
	})
	return list, 0
}

// time is a message's own time in ms.
func (p *Plan) time(c *clock, msg []byte) (int64, bool) {
	if ms, ok := p.customTime(c, msg); ok {
		return ms, true
	}
	if !p.source.AutomaticDateParsing {
		return 0, false
	}
	if len(msg) > 0 && msg[0] == '{' {
		if ms, ok, is := p.objectTime(c, msg); is {
			return ms, ok
		}
	}
	s, ok := c.stamps.Find(msg)
	if !ok {
		return 0, false
	}
	return p.said(c, msg, s), true
}

// objectTime is the time of a JSON object: that of the first field of mapping.Times which
// has one, else the first in its text, as files are read. is is false where it is no object.
func (p *Plan) objectTime(c *clock, msg []byte) (ms int64, ok, is bool) {
	vals, err := c.fields.Scan(msg)
	if err != nil {
		return 0, false, false
	}
	var day datefmt.Stamp
	for i, v := range vals {
		if v.Kind == jsondoc.Missing || v.Kind == jsondoc.Null || v.Kind == jsondoc.Container {
			continue
		}
		utc := mapping.UTC(mapping.Times[i])
		if utc || !c.zoned {
			if ms, ok := c.iso.ParseEventTime(string(v.Raw)); ok && datefmt.Plausible(ms) && !p.source.ForceTimeZone {
				return ms, true, true
			}
		}
		if s, ok := c.stamps.Whole(v.Raw); ok {
			if !s.Day {
				return p.said(c, v.Raw, s), true, true
			}
			if !day.Day {
				day = s
			}
		}
	}
	s, ok := c.stamps.Find(msg)
	switch {
	case day.Day && !ok:
		return day.Millis, true, true
	case day.Day && s.Bare:
		return c.stamps.OnDay(day, s), true, true
	case ok && s.Bare && !datefmt.Named(msg, s.Start): // a duration, as likely
		return 0, false, true
	case ok:
		return p.said(c, msg, s), true, true
	}
	return 0, false, true
}

// zoneAfter is a zone at the end of a time.
var zoneAfter = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(` ?(?:Z|[A-Z]{2,5}|(?:UTC|GMT)?[+-]\d\d:?\d\d)$`)
})

// said is the time of a stamp, in the source's zone where that is forced.
func (p *Plan) said(c *clock, text []byte, s datefmt.Stamp) int64 {
	if !p.source.ForceTimeZone {
		return s.Millis
	}
	bare := zoneAfter().ReplaceAll(bytes.Clone(text[s.Start:s.End]), nil)
	if again, ok := c.stamps.Begins(bare); ok && !again.Bare {
		return again.Millis
	}
	return s.Millis
}

// customTime is the time by the source's own forms.
func (p *Plan) customTime(c *clock, msg []byte) (int64, bool) {
	for _, d := range p.dates {
		text := msg[:min(len(msg), MessageMax)]
		if d.locator != nil {
			m := d.locator.FindSubmatch(text)
			if m == nil {
				continue
			}
			text = m[1]
		}
		if d.pattern == nil {
			if ms, ok := epoch(bytes.TrimSpace(text)); ok {
				return ms, true
			}
			continue
		}
		if d.locator != nil {
			if ms, ok := p.pattern(c, d.pattern, text); ok {
				return ms, true
			}
			continue
		}
		for i := range text { // anywhere, where a word begins
			if i > 0 && wordByte(text[i-1]) || !wordByte(text[i]) {
				continue
			}
			if ms, ok := p.pattern(c, d.pattern, text[i:min(len(text), i+128)]); ok {
				return ms, true
			}
		}
	}
	return 0, false
}

func (p *Plan) pattern(c *clock, pattern *datefmt.Pattern, text []byte) (int64, bool) {
	ms, ok := pattern.Parse(string(text), p.zone)
	if !ok {
		return 0, false
	}
	if t := time.UnixMilli(ms).In(p.zone); t.Year() == 1970 { // of a form without a year
		now := c.stamps.Now
		best := ms
		for _, y := range []int{now.Year() - 1, now.Year(), now.Year() + 1} {
			at := time.Date(y, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), p.zone)
			if math.Abs(at.Sub(now).Seconds()) < math.Abs(time.UnixMilli(best).Sub(now).Seconds()) {
				best = at.UnixMilli()
			}
		}
		ms = best
	}
	return ms, datefmt.Plausible(ms)
}

// epoch reads seconds, ms, us or ns since 1970, by how many digits there are.
func epoch(text []byte) (int64, bool) {
	whole, fraction, _ := bytes.Cut(text, []byte{'.'})
	n, err := strconv.ParseInt(string(whole), 10, 64)
	if err != nil || n < 0 {
		return 0, false
	}
	switch len(whole) {
	case 9, 10:
		ms := n * 1000
		if len(fraction) > 0 {
			f, err := strconv.ParseFloat("0."+string(fraction), 64)
			if err != nil {
				return 0, false
			}
			ms += int64(math.Round(f * 1000))
		}
		return ms, true
	case 13:
		return n, true
	case 16:
		return n / 1e3, true
	case 19:
		return n / 1e6, true
	}
	return 0, false
}

func wordByte(c byte) bool {
	return c-'0' < 10 || c|0x20-'a' < 26
}
