package insight

import "math"

// Settings are those of the insight algorithm (10.1).
type Settings struct {
	Lookback  int64   // ms of signals that count together
	Threshold float64 // a score above it makes an insight
	Ceiling   int64   // ms that repeats of a signal stay uncounted at the longest (8.3)
}

// Defaults are Cloud SIEM's: 14 days, 12, 72 hours.
func Defaults() Settings {
	return Settings{Lookback: 14 * 24 * hour, Threshold: 12, Ceiling: 72 * hour}
}

// Content is what an organisation has set up beside its rules. It is read by
// many at once and replaced whole.
type Content struct {
	Settings    Settings
	Customs     []*Custom
	Groups      []*Group
	Criticality map[string]*Criticality // by name
	Suppressed  map[string]bool         // ids of entities suppressed by hand
	Critical    map[string]string       // id of an entity -> name of its criticality, set by hand
	Blocks      Blocks
}

// hidden lists why signals on e are not counted, whatever they say (8.2, 1 and 2).
func (c *Content) hidden(e Entity, id string) (why []string) {
	if c.Suppressed[id] {
		why = append(why, "entity:"+id)
	} else if g := c.group(e, func(g *Group) bool { return g.Suppressed }); g != nil {
		why = append(why, "entity:"+id)
	}
	if b := c.Blocks.Of(e); b != nil && b.Suppresses {
		why = append(why, "network:"+b.CIDR.String())
	}
	return why
}

// severity is a signal's severity on e, its criticality reckoned in: floored,
// at least 0, without an upper bound (9.5).
func (c *Content) severity(e Entity, id string, severity int) int {
	name, ok := c.Critical[id]
	if !ok {
		if g := c.group(e, func(g *Group) bool { return g.Criticality != "" }); g != nil {
			name = g.Criticality
		}
	}
	x := c.Criticality[name]
	if x == nil {
		return severity
	}
	v := math.Floor(x.Of(float64(severity)))
	if !(v > 0) { // also no number at all: a division by zero
		return 0
	}
	return int(min(v, math.MaxInt32))
}
