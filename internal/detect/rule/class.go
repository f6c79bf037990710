package rule

import (
	"encoding/binary"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// class is the rules that events of one channel and event id may match.
type class struct {
	rules    []uint64  // bits
	some     bool      // there is one
	always   []int32   // those that have no needs
	slots    []int     // of the index that matter
	keywords *keywords // nil when no rule is found by what stands anywhere in an event
}

// class finds or makes the class of events with such values of the fields that route.
func (r *Run) class(values []event.Value) *class {
	r.key = r.key[:0]
	for _, v := range values {
		if v.IsNull() {
			r.key = append(r.key, 0)
			continue
		}
		r.key = binary.AppendUvarint(r.key, uint64(len(v.Str()))+1)
		r.key = append(r.key, v.Str()...)
	}
	if c := r.byName[string(r.key)]; c != nil {
		return c
	}
	if len(r.byName) >= classesMax {
		clear(r.byName)
	}
	s := r.set
	c := &class{rules: make([]uint64, (len(s.conds)+63)/64)}
	known := map[event.Slot]event.Value{}
	for i, slot := range s.routes {
		known[slot] = values[i]
	}
	used := make([]bool, len(s.index))
	var byText []int32
	for _, i := range s.routed(values) {
		if s.conds[i].routed && s.settle(r.single, s.node(int(i)), known) == isFalse {
			continue
		}
		c.rules[i>>6] |= 1 << (i & 63)
		c.some = true
		if !s.indexed[i] {
			c.always = append(c.always, i)
		}
		for _, slot := range s.slotsOf[i] {
			used[s.slotIndex[slot]] = true
			if slot == s.text {
				byText = append(byText, i)
			}
		}
	}
	for i, ok := range used {
		if ok {
			c.slots = append(c.slots, i)
		}
	}
	if byText != nil {
		c.keywords = s.keywords(byText)
	}
	r.byName[string(r.key)] = c
	s.meet(c.rules)
	return c
}

// routed lists the conditions that may hold of events with such values.
func (s *Set) routed(values []event.Value) []int32 {
	if s.route != nil {
		return s.route(values)
	}
	all := make([]int32, len(s.conds))
	for i := range all {
		all[i] = int32(i)
	}
	return all
}

// sources are the rules by where their events are written: a channel, or a
// provider for events that do not name theirs, and an event id; "" is for
// rules about all ids.
type sources struct {
	channel, provider map[[2]string][]int32
	rest              []int32 // about any event of Windows, or of other products
}

// add adds a rule, by its number.
func (s *sources) add(i int32, r *Rule) {
	if r.anywhere || !r.windows {
		s.rest = append(s.rest, i)
		return
	}
	if s.channel == nil {
		s.channel, s.provider = map[[2]string][]int32{}, map[[2]string][]int32{}
	}
	for _, p := range r.places {
		ids := p.EventIDs
		if ids == nil {
			ids = []string{""}
		}
		for _, id := range ids {
			at := [2]string{match.Fold(p.Channel), id}
			s.channel[at] = append(s.channel[at], i)
			if p.Provider != "" {
				at[0] = match.Fold(p.Provider)
				s.provider[at] = append(s.provider[at], i)
			}
		}
	}
}

// of returns all rules that may be about events, ascending. Rule.in decides.
func (s *sources) of(channel, provider, id event.Value) []int32 {
	by, name := s.channel, channel.Str()
	if channel.IsNull() {
		by, name = s.provider, provider.Str()
	}
	name = match.Fold(name)
	all := slices.Concat(s.rest, by[[2]string{name, ""}], by[[2]string{name, id.Str()}])
	slices.Sort(all)
	return slices.Compact(all)
}

// keywords are what some rules look for anywhere in an event. It is quicker to
// search the event as it came than to take it apart.
type keywords struct {
	rules   []int32
	needles *match.Set // nil when every event has to be taken apart
}

// keywords readies the keywords of some rules, or finds those of another class
// or worker.
func (s *Set) keywords(rules []int32) *keywords {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.searches {
		if slices.Equal(k.rules, rules) {
			return k
		}
	}
	k := &keywords{rules: rules}
	var literals []string
	for _, i := range rules {
		ns, _, _ := s.needs(nil, s.conds[i].x)
		for _, n := range ns {
			if n.slot == s.text {
				literals = append(literals, n.literal)
			}
		}
	}
	if needles := match.NewWitness(literals...).JSONNeedles(match.Folded); needles != nil {
		k.needles = match.NewSet(needles...)
	}
	s.searches = append(s.searches, k)
	return k
}

// mayStand reports whether a keyword may stand in an event, which may be JSON.
func (k *keywords) mayStand(raw string) bool {
	return k.needles == nil || k.needles.Index(bytesOf(raw), 0) >= 0
}
