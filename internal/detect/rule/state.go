package rule

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/sigma"
)

// stateVersion is that of what Save writes; it rises with any change of it.
const stateVersion = 1

// ErrOtherRules is that a saved state is of other correlations.
var ErrOtherRules = errors.New("the saved state is of other correlations")

// identity tells correlations apart in saved state.
func (r *Rule) identity() string { return cmp.Or(r.ID, r.Name, r.Title) }

// Asks is what a correlation asks, as text that tells it from one that asks something
// else: what its windows hold means nothing to that. "" for a rule that is none.
func (r *Rule) Asks() string {
	c := r.Correlation
	if c == nil {
		return ""
	}
	names := func(all []sigma.Named) (out []string) {
		for _, n := range all {
			out = append(out, n.Name)
		}
		return out
	}
	text := fmt.Sprintf("%v of", c.Type)
	for _, r := range c.Rules {
		text += fmt.Sprintf(" %q", r.Name)
	}
	text += fmt.Sprintf(" by %q within %v: %q %v %s", names(c.GroupBy), c.Timespan, names(c.Fields), c.Percentile, asksOf(c.Expr))
	for _, b := range c.Bounds {
		text += fmt.Sprintf(" %v %v", b.Op, b.Count)
	}
	for _, a := range c.Aliases {
		text += fmt.Sprintf(" %q %q", a.Name, a.Fields) // maps are printed by key
	}
	return text
}

func asksOf(x sigma.Expr) string {
	many := func(word string, all []sigma.Expr) string {
		for _, x := range all {
			word += " " + asksOf(x)
		}
		return "(" + word + ")"
	}
	switch x := x.(type) {
	case *sigma.And:
		return many("and", x.Of)
	case *sigma.Or:
		return many("or", x.Of)
	case *sigma.Not:
		return many("not", []sigma.Expr{x.X})
	case *sigma.Use:
		return fmt.Sprintf("%q", x.Name)
	}
	return ""
}

// Save writes down the matches and windows that are held.
func (c *Correlator) Save(to *exec.Saver) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	to.Uint(stateVersion)
	var held []*matches
	for _, r := range c.rules {
		if m := c.got[r]; m != nil && r.Correlation != nil {
			if err := c.put(m); err != nil {
				return err
			}
			held = append(held, m)
		}
	}
	live := uint64(0)
	if c.live {
		live = 1
	}
	to.Uint(live)
	to.Int(c.mark)
	to.Uint(uint64(len(held)))
	for _, m := range held {
		to.Bytes([]byte(m.of.identity()))
		if m.rows != nil {
			if err := m.rows.Save(to); err != nil {
				return err
			}
			continue
		}
		to.Int(m.mark)
		if err := m.later.Save(to); err != nil {
			return err
		}
		m.open.save(to)
		if err := m.open.out.save(to); err != nil {
			return err
		}
	}
	return to.Err()
}

// Load adds what equal correlations have saved: to nothing, or, before the first Advance
// of both, to the matches that are held already.
func (c *Correlator) Load(from *exec.Loader) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v := from.Uint(); v != stateVersion && from.Err() == nil {
		return errors.New("the saved state of correlations is of another version")
	}
	live, mark := from.Uint() == 1, from.Int()
	if live || c.live {
		if len(c.got) > 0 {
			return errors.New("state with open windows is loaded into correlations that have matches of their own")
		}
		c.live, c.mark = live, mark
	}
	for n := from.Uint(); n > 0 && from.Err() == nil; n-- {
		name := string(from.Bytes())
		i := slices.IndexFunc(c.rules, func(r *Rule) bool { return r.Correlation != nil && r.identity() == name })
		if i < 0 {
			return ErrOtherRules
		}
		m := c.matches(c.rules[i])
		if m.rows != nil {
			if err := m.rows.Load(from); err != nil {
				return err
			}
			continue
		}
		m.mark = from.Int()
		fits, err := m.later.Load(from)
		if err != nil {
			return err
		}
		m.open.load(from)
		if err := m.open.out.load(from); err != nil {
			return err
		}
		if !fits {
			if err := c.early(m); err != nil {
				return err
			}
		}
	}
	return from.Err()
}

// Snapshot gives what Findings would if there were no more matches, and changes nothing.
// What is held is there twice meanwhile.
func (c *Correlator) Snapshot(found func(Finding) error) error {
	var state bytes.Buffer
	to := exec.NewSaver(&state)
	if err := firstOf(c.Save(to), to.Flush()); err != nil {
		return err
	}
	copied := NewCorrelator(c.rt, c.rules)
	defer copied.Close()
	if err := copied.Load(exec.NewLoader(&state)); err != nil {
		return err
	}
	return copied.Findings(found)
}

// Close gives back what is held.
func (c *Correlator) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.got {
		if m.rows != nil {
			m.rows.Close()
			continue
		}
		m.later.Close()
		m.open.acct.Release()
		if m.open.out.rows != nil {
			m.open.out.rows.Close()
		}
	}
	clear(c.got)
}

func (o *openWindows) save(to *exec.Saver) {
	to.Uint(uint64(len(o.by)))
	for _, group := range slices.Sorted(maps.Keys(o.by)) {
		to.Bytes([]byte(group))
		o.by[group].w.save(to)
	}
}

func (o *openWindows) load(from *exec.Loader) {
	for n := from.Uint(); n > 0 && from.Err() == nil; n-- {
		x := &openWindow{group: string(from.Bytes()), w: newWindow(o.rule), place: -1}
		x.w.load(from)
		o.by[x.group] = x
		o.settle(x)
	}
}

func (x *foundRows) save(to *exec.Saver) error {
	if err := x.put(); err != nil {
		return err
	}
	if x.rows == nil {
		to.End()
		return to.Err()
	}
	return x.rows.Save(to)
}

func (x *foundRows) load(from *exec.Loader) error {
	x.ready()
	return x.rows.Load(from)
}
