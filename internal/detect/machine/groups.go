package machine

import (
	"container/list"
	"fmt"
	"maps"
	"slices"
)

// MaxGroups is how many groups a rule has at once unless it is told otherwise (7).
const MaxGroups = 1_000_000

// Groups are the machines of one rule, by group key. When there are too many the
// one that was quiet for longest goes and is counted: the rule is degraded.
type Groups struct {
	New     func() Machine
	Max     int   // 0 is MaxGroups
	Keep    int64 // how long hits stay for others that come late, in ms; 0 where hits come in order
	Evicted int   // groups that went

	by    map[string]*list.Element
	queue list.List // of *group, the longest quiet first
	crowd int       // how many groups there are when idle ones are looked for
	lost  int       // records of groups that are gone
	gone  Machine   // of groups that are gone the one that came nearest to firing

	clock   uint64   // counts what groups are given
	changes *tracked // nil where nobody asks for it
}

type group struct {
	key     string
	m       Machine
	touched uint64 // the clock when it was last given something
}

// Take gives a hit to its group's machine.
func (g *Groups) Take(key string, h *Hit, fire Fire) {
	e := g.by[key]
	if e != nil && e.Value.(*group).behind(h.Time) {
		key = g.front(key, h.Time)
		e = g.by[key]
	}
	if e == nil {
		if g.by != nil && len(g.by) >= g.crowd {
			g.sweep(h.Time)
		}
		most := g.Max
		if most == 0 {
			most = MaxGroups
		}
		if len(g.by) >= most {
			g.remove(g.queue.Front())
			g.Evicted++
		}
		e = g.add(key)
	} else {
		g.queue.MoveToBack(e)
	}
	x := e.Value.(*group)
	g.clock++
	x.touched = g.clock
	g.note(x)
	x.m.Take(h, fire)
}

// maxFronts is how many times of its own one group can be at: an old log that is sent after
// a new one of the same host is judged by itself, not thrown away.
const maxFronts = 8

// front is the key under which a group is at an older time, t. Where there are too many the
// one that was quiet for longest goes and is counted.
func (g *Groups) front(key string, t int64) string {
	var oldest *list.Element
	for n := 1; n < maxFronts; n++ {
		k := fmt.Sprintf("%s\x00^%d", key, n)
		e := g.by[k]
		if e == nil || !e.Value.(*group).behind(t) {
			return k
		}
		if oldest == nil || e.Value.(*group).touched < oldest.Value.(*group).touched {
			oldest = e
		}
	}
	g.remove(oldest)
	g.Evicted++
	return oldest.Value.(*group).key
}

// behind says whether the group has left t so far behind that no hit of then belongs to it.
func (x *group) behind(t int64) bool {
	m, ok := x.m.(keeping)
	return ok && m.behind(t)
}

// add makes a group.
func (g *Groups) add(key string) *list.Element {
	if g.by == nil {
		g.by, g.crowd = map[string]*list.Element{}, 1024
	}
	x := &group{key: key, m: g.New()}
	if m, ok := x.m.(keeping); ok {
		m.keep(g.Keep)
	}
	if m, ok := x.m.(inPieces); ok && g.changes != nil {
		m.track()
	}
	e := g.queue.PushBack(x)
	g.by[key] = e
	return e
}

// sweep drops groups that are as new at t.
func (g *Groups) sweep(t int64) {
	for e := g.queue.Front(); e != nil; {
		next := e.Next()
		if m := e.Value.(*group).m; m.Idle(t) {
			g.remove(e)
		}
		e = next
	}
	g.crowd = max(1024, 2*len(g.by))
}

func (g *Groups) remove(e *list.Element) {
	x := e.Value.(*group)
	g.lost += x.m.Lost()
	if g.gone == nil || x.m.Share() > g.gone.Share() {
		g.gone = x.m
	}
	delete(g.by, x.key)
	g.queue.Remove(e)
	g.drop(x)
}

// Close tells all groups, in the order of their keys, that no hit before t will come.
func (g *Groups) Close(t int64, fire Fire) {
	for _, key := range slices.Sorted(maps.Keys(g.by)) {
		if x := g.by[key].Value.(*group); x.m.Close(t, fire) {
			g.note(x)
		}
	}
	g.sweep(t)
}

// Len is how many groups there are, Lost how many records were too many for theirs.
func (g *Groups) Len() int { return len(g.by) }

// Lost is described with Len.
func (g *Groups) Lost() int {
	n := g.lost
	for e := g.queue.Front(); e != nil; e = e.Next() {
		n += e.Value.(*group).m.Lost()
	}
	return n
}

// Short says what the group lacked that came nearest to firing; "" without a group.
func (g *Groups) Short() string {
	near := g.gone
	for e := g.queue.Front(); e != nil; e = e.Next() {
		if m := e.Value.(*group).m; near == nil || m.Share() > near.Share() {
			near = m
		}
	}
	if near == nil {
		return ""
	}
	return near.Short()
}

// Save gives each the key and state of every group, the longest quiet first.
func (g *Groups) Save(each func(key string, state []byte) error) error {
	for e := g.queue.Front(); e != nil; e = e.Next() {
		x := e.Value.(*group)
		state, err := x.m.Save()
		if err != nil {
			return fmt.Errorf("group %q: %w", x.key, err)
		}
		if err := each(x.key, state); err != nil {
			return err
		}
	}
	return nil
}

// Load adds a group that Save has given, after those that were added before.
func (g *Groups) Load(key string, state []byte) error {
	if err := g.add(key).Value.(*group).m.Load(state); err != nil {
		return fmt.Errorf("group %q: %w", key, err)
	}
	return nil
}
