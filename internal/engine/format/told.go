package format

import (
	"sync"

	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// signs are what a text has that a Windows event stands in, however deep: the
// name of the event's number as products spell it, or how another form begins.
var signs = sync.OnceValue(func() *match.Set {
	return match.NewSet(
		match.AnyCase("eventid"), match.AnyCase("event_id"), match.AnyCase("event.code"), match.AnyCase("eventcode"), match.AnyCase("event id"),
		match.Exact("<Event"), match.AnyCase("003cevent"), match.Exact("MSWinEventLog"), match.Exact("LEEF:"),
	)
})

// signed reports whether a Windows event may stand in a text.
func signed(text []byte) bool { return signs().Index(text, 0) >= 0 }

// told reports whether the number of a Windows event is among an event's values.
func (p *plan) told(vals []jsondoc.Value, w *builder) bool {
	if p.noMap {
		return true
	}
	if v := &vals[p.from.id.At]; v.Kind > jsondoc.Null && v.Kind != jsondoc.Container {
		return true
	}
	return p.from.id.Find(vals, w).Kind > jsondoc.Null
}
