// Package proof compares two conditions on events, written in whatever
// languages gyoji runs: it runs both over given events and over events made at
// the boundaries of every predicate of either, and finds the smallest event on
// which they differ. That is evidence and no proof in the sense of logic: what
// it says is "equal on these many events".
package proof

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Event is an event as flat fields. A field that is not there is null.
type Event map[string]string

// MarshalJSON writes the fields in order of their names, the three that say
// what event it is first.
func (e Event) MarshalJSON() ([]byte, error) {
	names := e.names()
	var b bytes.Buffer
	b.WriteByte('{')
	for i, n := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, s := range [2]string{n, e[n]} {
			if j > 0 {
				b.WriteByte(':')
			}
			var t bytes.Buffer
			enc := json.NewEncoder(&t)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(s); err != nil {
				return nil, err
			}
			b.Write(bytes.TrimSuffix(t.Bytes(), []byte("\n")))
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// String is the event as a line of JSON.
func (e Event) String() string {
	text, _ := e.MarshalJSON() // writing to memory does not fail
	return string(text)
}

func (e Event) names() []string {
	var names []string
	for n := range e {
		names = append(names, n)
	}
	rank := func(n string) int {
		if i := slices.Index([]string{"Channel", "Provider", "EventID"}, n); i >= 0 {
			return i
		}
		return 3
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b)) })
	return names
}

// smaller orders events by what a reader has to look at.
func smaller(a, b Event) int {
	size := func(e Event) (n int) {
		for _, v := range e {
			n += len(v)
		}
		return n
	}
	capitals := func(e Event) (n int) {
		for _, v := range e {
			if v != strings.ToLower(v) {
				n++
			}
		}
		return n
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(size(a), size(b)), cmp.Compare(capitals(a), capitals(b)), strings.Compare(a.String(), b.String()))
}

// Result is what a comparison found.
type Result struct {
	Given, Made int      // events that both sides were run over
	Matched     [2]int   // of all of them, by side
	Different   int      // events on which the sides differ
	Event       Event    // the smallest of them; nil when there is none, or it cannot be shown as fields
	Raw         string   // the event's text when it is no flat object
	Verdict     [2]bool  // of Event, by side
	Notes       []string // what was not looked at
}

// Equal reports whether no difference was found.
func (r *Result) Equal() bool { return r.Different == 0 }

// Empty reports whether neither side matched anything: then equal says little.
func (r *Result) Empty() bool { return r.Matched[0]+r.Matched[1] == 0 }

// Check compares two sides over events made for them, and over those that open
// gives a reader of; open may be nil. It is deterministic.
func Check(ctx context.Context, a, b *Side, open func() (*input.Reader, error)) (*Result, error) {
	r := &Result{}
	made, notes := makeEvents(ctx, a, b)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.Notes = append(append(append(r.Notes, a.Notes...), b.Notes...), notes...)
	verdicts, err := judge(ctx, a, b, made)
	if err != nil {
		return nil, err
	}
	r.Made = len(made)
	for i, v := range verdicts {
		r.count(v)
		if v[0] != v[1] && (r.Event == nil || smaller(made[i], r.Event) < 0) {
			r.Event, r.Verdict = made[i], v
		}
	}
	if open != nil {
		if err := r.given(ctx, a, b, open); err != nil {
			return nil, err
		}
	}
	if r.Event != nil {
		r.Event, r.Verdict, err = shrink(ctx, a, b, r.Event, r.Verdict)
	}
	return r, err
}

func (r *Result) count(v [2]bool) {
	for i := range v {
		if v[i] {
			r.Matched[i]++
		}
	}
	if v[0] != v[1] {
		r.Different++
	}
}

// given runs both sides over what was given.
func (r *Result) given(ctx context.Context, a, b *Side, open func() (*input.Reader, error)) error {
	var hits [2]map[uint64]bool
	for i, s := range [2]*Side{a, b} {
		in, err := open()
		if err != nil {
			return err
		}
		if hits[i], err = s.run(ctx, in, false); err != nil {
			return err
		}
		r.Given = max(r.Given, int(in.Stats().Events))
		if failed := in.Stats().Failed; len(failed) > 0 {
			return failed[0]
		}
		r.Matched[i] += len(hits[i])
	}
	var at []uint64
	for i := range hits {
		for pos := range hits[i] {
			if !hits[1-i][pos] {
				at = append(at, pos)
			}
		}
	}
	r.Different += len(at)
	if len(at) == 0 || r.Event != nil {
		return nil
	}
	slices.Sort(at)
	in, err := open()
	if err != nil {
		return err
	}
	e, raw, err := eventAt(ctx, in, at[0])
	if err != nil {
		return err
	}
	r.Raw, r.Verdict = raw, [2]bool{hits[0][at[0]], hits[1][at[0]]}
	// The event's fields alone must make the same difference, or it is shown as it is.
	v, err := judge(ctx, a, b, []Event{e})
	if err == nil && v[0][0] != v[0][1] {
		r.Event, r.Verdict, r.Raw = e, v[0], ""
	}
	return err
}

// judge runs both sides over events that were made, and returns the verdicts of
// each. The events are as their sources write them, and a side that is native to
// another product gets them as they are.
func judge(ctx context.Context, a, b *Side, events []Event) ([][2]bool, error) {
	out := make([][2]bool, len(events))
	var data bytes.Buffer
	rows := map[uint64]int{}
	for i, e := range events {
		rows[event.Position(0, int64(data.Len()))] = i
		text, err := e.MarshalJSON()
		if err != nil {
			return nil, err
		}
		data.Write(text)
		data.WriteByte('\n')
	}
	for i, s := range [2]*Side{a, b} {
		r := input.NewReader(input.Memory("made", data.Bytes()), jsonl, input.Options{})
		hits, err := s.run(ctx, r, s.native)
		if err != nil {
			return nil, err
		}
		if failed := r.Stats().Failed; len(failed) > 0 {
			return nil, fmt.Errorf("bug: proof: events that were made are not read: %w", failed[0])
		}
		for pos := range hits {
			row, ok := rows[pos]
			if !ok {
				return nil, fmt.Errorf("bug: proof: no event was made at %d", pos)
			}
			out[row][i] = true
		}
	}
	return out, nil
}

var jsonl = []*input.Format{format.Named("jsonl")}
