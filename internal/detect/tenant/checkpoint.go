package tenant

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/machine"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Entry is a part of a run's state under its key, as a table of keys and values or a
// compacted topic keeps it. A nil Value takes the key away. Keys are bytes, not text.
type Entry struct {
	Key   string
	Value []byte
}

// Kinds of entries: the first byte of their keys. A change of what an entry holds raises
// entryVersion; machines and desks have versions of their own.
const (
	entryRun  = 'r' // how far event time has come
	entryHits = 'h' // hits whose time has not come
	entryRule = 'm' // of a rule: groups that were too many
	entryPart = 'g' // a piece of a group of a rule
	entryDesk = 'd' // an entity

	entryVersion = 1
	// hitsVersion is that of entryHits: since 2 it says which rules the hits are of.
	hitsVersion = 2
)

func entryKey(kind byte, parts ...string) string {
	b := []byte{kind}
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return string(b)
}

// entryParts are the parts of a key, nil of one that is not whole.
func entryParts(key string) (parts []string) {
	for b := []byte(key[1:]); len(b) > 0; {
		n, size := binary.Uvarint(b)
		if size <= 0 || uint64(len(b)-size) < n {
			return nil
		}
		parts, b = append(parts, string(b[size:size+int(n)])), b[size+int(n):]
	}
	return parts
}

// StateOf is what the keys of a rule's groups begin with.
func StateOf(r *Rule) string { return entryKey(entryPart, r.ID, r.digest()) }

// State are the entries of the rules' groups that have changed since the last checkpoint: for
// another run that goes on from them.
func (r *Run) State() (groups []Entry, err error) {
	err = r.Checkpoint(func(all []Entry) error {
		for _, e := range all {
			if kind := e.Key[0]; kind == entryRule || kind == entryPart {
				groups = append(groups, e)
			}
		}
		return nil
	})
	return groups, err
}

// Track readies the run for checkpoints: from now on it remembers what changes. It is
// called before the run is given events; Restore does it, too.
func (r *Run) Track() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.track()
}

func (r *Run) track() error {
	if err := r.begin(math.MinInt64); err != nil {
		return err
	}
	r.judge.tracked = true
	for _, g := range r.judge.groups {
		if g != nil {
			g.Track()
		}
	}
	r.desks.Track()
	return nil
}

// Checkpoint gives commit the entries that have changed since the last one that was
// committed; what they hold, with the signals and insights that Advance has given out and
// the place of the log up to which events were pushed, belongs into one transaction. If
// commit fails the next Checkpoint has the same entries, and those that came. The tasks
// have been flushed, and Track or Restore was called before the first event.
func (r *Run) Checkpoint(commit func([]Entry) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.judge.tracked {
		return errors.New("bug: tenant: a checkpoint of a run that is not tracked")
	}
	var hits bytes.Buffer
	to := exec.NewSaver(&hits)
	if err := errors.Join(r.later.Save(to), to.Flush()); err != nil {
		return err
	}
	state := []byte{entryVersion}
	for _, t := range []int64{r.mark, r.swept, r.judge.mark, r.judge.newest} {
		state = binary.AppendVarint(state, t)
	}
	waiting := []byte{hitsVersion}
	waiting = binary.AppendUvarint(waiting, uint64(len(r.rules)))
	for _, x := range r.rules {
		for _, text := range []string{x.ID, x.digest()} {
			waiting = binary.AppendUvarint(waiting, uint64(len(text)))
			waiting = append(waiting, text...)
		}
	}
	entries := []Entry{{string(rune(entryRun)), state}, {string(rune(entryHits)), append(waiting, hits.Bytes()...)}}
	for i, g := range r.judge.groups {
		if g == nil {
			continue
		}
		id, digest := r.rules[i].ID, r.rules[i].digest()
		if g.Evicted > 0 {
			entries = append(entries, Entry{entryKey(entryRule, id, digest), binary.AppendUvarint(nil, uint64(g.Evicted))})
		}
		pieces, err := g.Changed()
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		for _, p := range pieces {
			entries = append(entries, Entry{entryKey(entryPart, id, digest, p.Group, p.Name), p.State})
		}
	}
	for _, id := range r.desks.Changed() {
		e := Entry{Key: entryKey(entryDesk, id)}
		if d := r.desks.Of(id); d != nil {
			var err error
			if e.Value, err = d.Save(); err != nil {
				return err
			}
		}
		entries = append(entries, e)
	}
	if err := commit(entries); err != nil {
		return err
	}
	for _, g := range r.judge.groups {
		if g != nil {
			g.Kept()
		}
	}
	r.desks.Kept()
	return nil
}

// restoreHits takes the hits of an entry. Those of rules that ask something else now, or are
// gone, are left out.
func (r *Run) restoreHits(s *stateReader, value []byte) error {
	var now []int // rules of now, by those of the entry; -1 is none
	b := value[1:]
	if value[0] == entryVersion { // it has numbers alone: the rules are taken to be the same
		for i := range r.rules {
			now = append(now, i)
		}
	} else {
		number := func() (n uint64, ok bool) {
			n, size := binary.Uvarint(b)
			if size <= 0 {
				return 0, false
			}
			b = b[size:]
			return n, true
		}
		rules, ok := number()
		for i := uint64(0); ok && i < rules; i++ {
			var parts [2]string
			for k := range parts {
				n, whole := number()
				if !whole || n > uint64(len(b)) {
					return errors.New("it is not whole")
				}
				parts[k], b = string(b[:n]), b[n:]
			}
			at := -1
			if j, runs := s.byID[parts[0]]; runs && s.digests[parts[0]] == parts[1] {
				at = j
			}
			now = append(now, at)
		}
		if !ok {
			return errors.New("it is not whole")
		}
	}
	all := exec.NewBacklog(r.rt, hitsName, hitOrder, hitCodec())
	defer all.Close()
	if _, err := all.Load(exec.NewLoader(bytes.NewReader(b))); err != nil {
		return err
	}
	return all.Release(math.MaxInt64, renumbered{r, now})
}

// renumbered takes hits whose rules have other numbers now.
type renumbered struct {
	r   *Run
	now []int
}

func (x renumbered) Push(b *event.Batch) error {
	b.Live = slices.DeleteFunc(b.Live, func(row uint16) bool {
		n, _ := b.Value(hitRule, row).Int()
		if n < 0 || n >= int64(len(x.now)) || x.now[n] < 0 {
			return true
		}
		b.Col(hitRule).Set(row, event.Int(int64(x.now[n])))
		return false
	})
	return x.r.hold(b)
}

// Restore has a run that has had no events go on from the entries that checkpoints have
// left, in any order. Entries of rules that ask something else now, or are gone, are left
// out, named, and listed in Stale, for the next transaction to take away.
func (r *Run) Restore(entries iter.Seq2[Entry, error]) (*Loaded, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.begin(math.MinInt64); err != nil {
		return nil, err
	}
	s := newStateReader(r.judge, r.desks)
	bad := func(e Entry, err error) error { return fmt.Errorf("%w: entry %q: %v", ErrState, e.Key, err) }
	for e, err := range entries {
		if err != nil {
			return nil, err
		}
		if e.Key == "" {
			return nil, bad(e, errors.New("it has no key"))
		}
		parts := entryParts(e.Key)
		short := errors.New("it is not whole")
		switch kind := e.Key[0]; {
		case kind == entryRun || kind == entryHits:
			if len(e.Value) == 0 {
				return nil, bad(e, short)
			}
			if v := e.Value[0]; v != entryVersion && (kind == entryRun || v != hitsVersion) {
				return nil, bad(e, fmt.Errorf("it has version %d, and this gyoji reads up to version %d", v, entryVersion))
			}
			if kind == entryHits {
				if err := r.restoreHits(s, e.Value); err != nil {
					return nil, bad(e, err)
				}
				break
			}
			b := e.Value[1:]
			for _, t := range []*int64{&r.mark, &r.swept, &r.judge.mark, &r.judge.newest} {
				v, n := binary.Varint(b)
				if n <= 0 {
					return nil, bad(e, short)
				}
				*t, b = v, b[n:]
			}
			s.Until = r.mark
		case kind == entryDesk && len(parts) == 1:
			d, err := insight.Load(e.Value)
			if err != nil {
				return nil, bad(e, err)
			}
			r.desks.Put(d)
			s.Desks++
		case kind == entryRule && len(parts) == 2, kind == entryPart && len(parts) == 4:
			i, ok := s.rule(parts[0], parts[1])
			if !ok {
				s.Stale = append(s.Stale, e.Key)
				break
			}
			g := r.judge.machines(i)
			if kind == entryRule {
				n, size := binary.Uvarint(e.Value)
				if size <= 0 {
					return nil, bad(e, short)
				}
				g.Evicted = int(n)
				break
			}
			if parts[3] == "" {
				s.Groups++
			}
			if err := g.Put(machine.Piece{Group: parts[2], Name: parts[3], State: e.Value}); err != nil {
				return nil, bad(e, err)
			}
		default:
			return nil, bad(e, errors.New("it is of no kind that this gyoji knows"))
		}
	}
	for _, g := range r.judge.groups {
		if g != nil {
			g.Ready()
		}
	}
	slices.Sort(s.Changed)
	slices.Sort(s.Gone)
	return &s.Loaded, r.track()
}
