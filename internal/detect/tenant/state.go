package tenant

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// The state that a run over files keeps for the next one is lines of JSON: what it is,
// then groups of rules and desks of entities, and at the end how many lines there are and
// their digest. A change of what a line holds raises the version; the machines' and desks'
// own states have versions of their own.
const (
	stateKind    = "gyoji cloud siem state"
	stateVersion = 1
)

// stateLine is one line of it; what is not set is left out.
type stateLine struct {
	Kind    string `json:"kind,omitempty"`
	Version int    `json:"version,omitempty"`
	Mark    *int64 `json:"mark,omitempty"` // hits of windows before it are late

	Rule    string `json:"rule,omitempty"`
	Digest  string `json:"digest,omitempty"` // of what the rule asks
	Evicted int    `json:"evicted,omitempty"`
	Key     []byte `json:"key,omitempty"`
	Group   []byte `json:"group,omitempty"` // nil of a rule without one

	Desk json.RawMessage `json:"desk,omitempty"`

	Lines int    `json:"lines,omitempty"`
	Sum   string `json:"sum,omitempty"` // SHA-256 of the lines before
}

// ErrState is the kind of error of a state that cannot be gone on with.
var ErrState = errors.New("the state cannot be used")

// Loaded says what became of a state that was loaded.
type Loaded struct {
	Until   int64    // hits of windows before it are late; ms since 1970
	Groups  int      // that go on
	Desks   int      // of entities
	Changed []string // ids of rules that are not what they were: they begin anew
	Gone    []string // ids of rules that do not run any more
	Stale   []string // keys of entries of both, of Restore
}

// Learns says whether the rule learns from logs before it signals: first seen, outlier.
func (r *Rule) Learns() bool {
	return r.What == ruledoc.FirstSeenRule || r.What == ruledoc.OutlierRule
}

// Digest is that of what the rule asks: another one begins anew.
func (r *Rule) Digest() string { return r.asks }

func (r *Rule) digest() string { return r.asks }

// asked is the digest of what a rule asks, so that a changed one begins anew. Names, texts,
// tags and severities do not matter to what it remembers.
func (r *Rule) asked() string {
	asks := []any{
		r.What, r.Expression.Text, r.Trigger.Text, r.GroupBy, r.Limit, r.Distinct, r.CountField, r.Window, r.Ordered, r.GroupByEntity,
		r.PerEntity, r.ValueFields, r.Learning, r.Retention, r.SkipEmpty,
	}
	for _, s := range r.Steps {
		asks = append(asks, s.Expression.Text, s.Limit)
	}
	for _, f := range r.Functions {
		asks = append(asks, f.Name, f.Function)
		for _, a := range f.Arguments {
			asks = append(asks, a.Text)
		}
	}
	if r.What != ruledoc.FirstSeenRule && r.What != ruledoc.OutlierRule { // theirs do not make groups (18, R09)
		for _, s := range r.Selectors {
			asks = append(asks, s.Type, s.Attr.Text)
		}
	}
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(asks); err != nil {
		panic("bug: tenant: what a rule asks: " + err.Error())
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// lines gives the groups of the rules and the desks of the entities.
func (j *judge) lines(desks *insight.Desks, line func(stateLine) error) error {
	for i, g := range j.groups {
		if g == nil {
			continue
		}
		r := j.rules[i]
		digest := r.digest()
		if g.Evicted > 0 {
			if err := line(stateLine{Rule: r.ID, Digest: digest, Evicted: g.Evicted}); err != nil {
				return err
			}
		}
		err := g.Save(func(key string, state []byte) error {
			return line(stateLine{Rule: r.ID, Digest: digest, Key: []byte(key), Group: state})
		})
		if err != nil {
			return err
		}
	}
	for _, d := range desks.All() {
		text, err := d.Save()
		if err != nil {
			return err
		}
		if err := line(stateLine{Desk: text}); err != nil {
			return err
		}
	}
	return nil
}

// stateReader takes what lines has given, into a judge and desks that have seen nothing.
type stateReader struct {
	Loaded
	j       *judge
	desks   *insight.Desks
	byID    map[string]int
	digests map[string]string
	left    map[string]bool // ids of rules whose state is left out
}

func newStateReader(j *judge, desks *insight.Desks) *stateReader {
	s := &stateReader{j: j, desks: desks, byID: map[string]int{}, digests: map[string]string{}, left: map[string]bool{}}
	for i, x := range j.rules {
		s.byID[x.ID], s.digests[x.ID] = i, x.digest()
	}
	return s
}

// rule is the number of the rule that a state is of; it is not ok where that asks
// something else now, or does not run any more, which is noted.
func (s *stateReader) rule(id, digest string) (n int, ok bool) {
	n, runs := s.byID[id]
	if runs && s.digests[id] == digest {
		return n, true
	}
	switch {
	case s.left[id]:
	case runs:
		s.Changed = append(s.Changed, id)
	default:
		s.Gone = append(s.Gone, id)
	}
	s.left[id] = true
	return 0, false
}

func (s *stateReader) take(l *stateLine) error {
	switch {
	case l.Rule != "":
		i, ok := s.rule(l.Rule, l.Digest)
		if !ok {
			return nil
		}
		g := s.j.machines(i)
		if g.Evicted += l.Evicted; l.Group == nil {
			return nil
		}
		s.Groups++
		if err := g.Load(string(l.Key), l.Group); err != nil {
			return fmt.Errorf("%w: %s: %v", ErrState, l.Rule, err)
		}
		return nil
	case l.Desk != nil:
		d, err := insight.Load(l.Desk)
		if err != nil {
			return fmt.Errorf("%w: %v", ErrState, err)
		}
		s.desks.Put(d)
		s.Desks++
		return nil
	}
	return fmt.Errorf("%w: a line of it says nothing", ErrState)
}

// Keep writes the state of a run that has been judged, for another one to go on from.
func (r *Run) Keep(w io.Writer) error {
	sum, lines := sha256.New(), 0
	buf := bufio.NewWriter(w)
	line := func(l stateLine) error {
		text, err := json.Marshal(l)
		if err != nil {
			return err
		}
		lines++
		text = append(text, '\n')
		sum.Write(text)
		_, err = buf.Write(text)
		return err
	}
	mark := max(r.judge.mark, r.judge.newest)
	if err := line(stateLine{Kind: stateKind, Version: stateVersion, Mark: &mark}); err != nil {
		return err
	}
	if err := r.judge.lines(r.desks, line); err != nil {
		return err
	}
	text, err := json.Marshal(stateLine{Lines: lines, Sum: hex.EncodeToString(sum.Sum(nil))})
	if err != nil {
		return err
	}
	if _, err := buf.Write(append(text, '\n')); err != nil {
		return err
	}
	return buf.Flush()
}

// GoOn has a run go on from a state that Keep has written. It is called before anything is
// read. A state that is cut off or changed is an ErrState, and then the run is not to be
// used.
func (r *Run) GoOn(from io.Reader) (*Loaded, error) {
	bad := func(format string, args ...any) (*Loaded, error) {
		return nil, fmt.Errorf("%w: %s", ErrState, fmt.Sprintf(format, args...))
	}
	s := newStateReader(r.judge, r.desks)
	in, sum := bufio.NewReaderSize(from, 1<<16), sha256.New()
	for n := 0; ; n++ {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return bad("it is cut off after %d lines", n)
		}
		if err != nil {
			return nil, err
		}
		var l stateLine
		if err := json.Unmarshal(text, &l); err != nil {
			return bad("line %d is not of a state: %v", n+1, err)
		}
		switch {
		case n == 0:
			if l.Kind != stateKind || l.Mark == nil {
				return bad("the file is no state of gyoji")
			}
			if l.Version != stateVersion {
				return bad("it has version %d, and this gyoji reads version %d", l.Version, stateVersion)
			}
			r.judge.mark, s.Until = *l.Mark, *l.Mark
		case l.Sum != "":
			if l.Lines != n || l.Sum != hex.EncodeToString(sum.Sum(nil)) {
				return bad("it was changed since it was written: its digest is another")
			}
			if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
				return bad("something stands after its end")
			}
			return &s.Loaded, nil
		default:
			if err := s.take(&l); err != nil {
				return nil, err
			}
		}
		sum.Write(text)
	}
}
