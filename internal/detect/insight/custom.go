package insight

import (
	"slices"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Custom makes an insight whenever all of a list of rules or signals were seen on
// an entity, whatever the score is (10.2). The score is neither asked nor reset.
type Custom struct {
	ID          string
	Name        string
	Description string
	RuleIDs     []string // either these
	SignalNames []string // or these, * standing for any run of characters
	Ordered     bool     // in the order of the list; equal times satisfy it (18, R26)
	Severity    string
	Dynamic     []Dynamic
	Tags        []string
	// Strict wants every signal to be of a firing that shares all entities of the
	// first one's (16, 8: a reading that the documentation leaves open).
	Strict bool

	once  sync.Once
	globs []*match.Glob // of SignalNames
}

// Dynamic makes an insight's severity follow its strongest signal's.
type Dynamic struct {
	Least    int // severity of the strongest signal
	Severity string
}

// fits says which entries of the list a signal serves; one may serve several.
func (x *Custom) fits(s *Signal, entry int) bool {
	if len(x.RuleIDs) > 0 {
		return s.RuleID == x.RuleIDs[entry]
	}
	x.once.Do(func() {
		for _, name := range x.SignalNames {
			x.globs = append(x.globs, match.CompileGlob(name, false))
		}
	})
	return x.globs[entry].Match(s.Name)
}

func (x *Custom) entries() int {
	if len(x.RuleIDs) > 0 {
		return len(x.RuleIDs)
	}
	return len(x.SignalNames)
}

// custom makes x's insight if one of the fresh signals completes it. It looks at
// signals after the last insight of x alone (18, R25), within the look-back.
func (d *Desk) custom(x *Custom, fresh []*Signal, at int64) *Insight {
	n := x.entries()
	if n == 0 {
		return nil
	}
	serves := func(s *Signal) bool {
		for e := range n {
			if x.fits(s, e) {
				return true
			}
		}
		return false
	}
	if !slices.ContainsFunc(fresh, serves) {
		return nil
	}
	cut, ok := d.Cuts[x.ID]
	if !ok {
		cut = noCut
	}
	var all []*Signal
	for _, s := range d.Signals {
		if s.Time > cut && serves(s) {
			all = append(all, s)
		}
	}
	used := x.complete(all)
	if used == nil {
		return nil
	}
	d.Cuts[x.ID] = at
	i := &Insight{
		Source: "RULE", Custom: x.ID, Name: x.Name, Description: x.Description, Severity: x.Severity,
		Entity: d.Entity, Time: at, Signals: used, Score: d.Score,
	}
	i.finish()
	for _, t := range x.Tags {
		if !slices.Contains(i.Tags, t) {
			i.Tags = append(i.Tags, t)
		}
	}
	top, least := 0, -1
	for _, s := range used {
		top = max(top, s.Severity)
	}
	for _, y := range x.Dynamic {
		if top >= y.Least && y.Least > least {
			i.Severity, least = y.Severity, y.Least
		}
	}
	return i
}

// complete is the signals of an insight if all entries of the list are served, nil
// if not. The signals are in order of time.
func (x *Custom) complete(all []*Signal) []*Signal {
	if !x.Strict {
		if x.served(all) {
			return all
		}
		return nil
	}
	for n, first := range all {
		var with []*Signal
		for _, s := range all[n:] {
			if within(first.Beside, s.Beside) {
				with = append(with, s)
			}
		}
		if x.served(with) {
			return with
		}
	}
	return nil
}

// served says whether the signals serve every entry. The earliest choice for each
// entry leaves most to those after it, so that taking it loses nothing.
func (x *Custom) served(all []*Signal) bool {
	from := int64(noCut)
	for e := range x.entries() {
		n := slices.IndexFunc(all, func(s *Signal) bool { return s.Time >= from && x.fits(s, e) })
		if n < 0 {
			return false
		}
		if x.Ordered {
			from = all[n].Time
		}
	}
	return true
}

// within says whether every one of some is among all.
func within(some, all []string) bool {
	for _, s := range some {
		if !slices.Contains(all, s) {
			return false
		}
	}
	return true
}
