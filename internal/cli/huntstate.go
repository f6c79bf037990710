package cli

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/kafka"
)

// huntState is what hunt --follow --state writes down: a line of JSON, what the hunt
// holds, and the SHA-256 of both.
type huntState struct {
	Kind    string         `json:"kind"`
	Version int            `json:"version"`
	Places  []input.Place  `json:"places"` // in the files
	Names   map[int]string `json:"names"`  // of the files, by their numbers
	Mark    int64          `json:"mark"`   // up to where event time goes with the next tick
}

const (
	huntStateKind    = "gyoji hunt --follow state"
	huntStateVersion = 1
)

// commitMost is how long offsets may take to be committed: the state is written already.
const commitMost = 2 * time.Second

// stateShare is how many times as long as it took to write the state it is left alone.
const stateShare = 20

// huntPlaces are an input.Places: those of the state, and what has been kept since. The
// follower keeps some from a goroutine of its own.
type huntPlaces struct {
	mu   sync.Mutex
	all  []input.Place
	of   map[string]int // index in all, by what a file is
	from []input.Place
}

func (p *huntPlaces) Places() ([]input.Place, error) { return p.from, nil }

func (p *huntPlaces) Keep(places []input.Place) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range places {
		key := cmp.Or(x.File, x.Path)
		i, ok := p.of[key]
		if !ok {
			i = len(p.all)
			p.of[key], p.all = i, append(p.all, x)
		}
		x.Head, x.Last = bytes.Clone(x.Head), bytes.Clone(x.Last)
		p.all[i] = x
	}
	return nil
}

// kept are all of them.
func (p *huntPlaces) kept() []input.Place {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.all)
}

func (x *huntFollow) badState(err error) error {
	return &exit{exitInput, fmt.Errorf("--state %s: %w; nothing was run, and the file is as it was", x.h.state, err)}
}

// readState reads the state file, if there is one, and gives what the hunt held.
func (x *huntFollow) readState() ([]byte, error) {
	x.places = &huntPlaces{of: map[string]int{}}
	data, err := os.ReadFile(x.h.state)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &exit{exitInput, err}
	}
	bad := func(err error) ([]byte, error) { return nil, x.badState(err) }
	damaged := errors.New("it is damaged: its checksum is another")
	head, rest, ok := bytes.Cut(data, []byte("\n"))
	var s huntState
	switch err := json.Unmarshal(head, &s); {
	case bytes.HasPrefix(data, []byte(`{"kind":"`+huntStateKind+`"`)) && (err != nil || !ok):
		return bad(damaged)
	case err != nil || s.Kind != huntStateKind:
		return bad(errors.New("it is not the state of a hunt --follow"))
	case s.Version != huntStateVersion:
		return bad(fmt.Errorf("it is of version %d, and this gyoji reads version %d", s.Version, huntStateVersion))
	}
	end := len(data) - sha256.Size
	if sum := sha256.Sum256(data[:max(end, 0)]); len(rest) < sha256.Size || !bytes.Equal(sum[:], data[end:]) {
		return bad(damaged)
	}
	x.mark, x.places.from = s.Mark, s.Places
	for i, name := range s.Names {
		x.names[i] = name
	}
	return rest[:len(rest)-sha256.Size], x.places.Keep(s.Places)
}

// goOn has the hunt go on with what one before held; nil for nothing.
func (x *huntFollow) goOn(held []byte) error {
	if held == nil {
		return nil
	}
	if err := x.h.live.Load(bytes.NewReader(held)); err != nil {
		if errors.Is(err, hunt.ErrOtherHunt) {
			err = errors.New("it is of other detections; name another file, or delete this one to begin at the start of the logs")
		}
		return x.badState(err)
	}
	if !x.h.app.quiet {
		fmt.Fprintf(x.h.app.stderr, "goes on from %s\n", x.h.state)
	}
	return nil
}

// keep replaces the state file, whole or not at all.
func (x *huntFollow) keep() error {
	start := time.Now()
	var b bytes.Buffer
	e := json.NewEncoder(&b) // ends with a line
	if err := e.Encode(huntState{huntStateKind, huntStateVersion, x.places.kept(), x.names, x.mark}); err != nil {
		return err
	}
	if err := x.h.live.Save(&b); err != nil {
		return err
	}
	sum := sha256.Sum256(b.Bytes())
	b.Write(sum[:])
	t, err := x.h.app.create(x.h.state)
	if err != nil {
		return err
	}
	if _, err := t.Write(b.Bytes()); err != nil {
		t.discard()
		return err
	}
	if err := t.commit(); err != nil {
		return err
	}
	if c, ok := x.from.(*kafka.Consumer); ok {
		ctx, stop := context.WithTimeout(context.Background(), commitMost)
		c.Kept(ctx)
		stop()
	}
	x.kept, x.unkept = time.Now(), false
	x.keepWait = stateShare * time.Since(start)
	return nil
}

// keepSoon replaces the state file, if there is something new and it is time.
func (x *huntFollow) keepSoon() error {
	if x.places == nil || !x.unkept || time.Since(x.kept) < x.keepWait {
		return nil
	}
	return x.keep()
}

// placed refuses what has no place to go back to.
func (s *session) placed() error {
	if slices.Contains(s.paths, "-") {
		return usageError("--state with --follow keeps the place in files and topics, and standard input has none to go back to: name the files")
	}
	return nil
}
