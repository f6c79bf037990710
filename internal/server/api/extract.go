package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/server/job"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// extraction is a field extraction rule that can be run: its query shows the fields that it
// makes, and nothing else.
type extraction struct {
	name  string
	query *query.Query
	made  []string
}

// extractionFields is how many fields a rule makes at most (http-api.md 12).
const extractionFields = 200

// compileExtraction compiles a rule, and says which fields it makes.
func (a *API) compileExtraction(f fields) (*extraction, error) {
	x := &extraction{name: f.text("name"), made: []string{}}
	uses := func(sc *lang.Scope) {
		sc.Uses = func(u lang.Use) {
			if u.Makes && !slices.Contains(x.made, u.Name) {
				x.made = append(x.made, u.Name)
			}
		}
	}
	text := f.text("scope") + "\n| " + strings.TrimPrefix(strings.TrimSpace(f.text("parseExpression")), "|")
	q, diags := a.jobs.Compile(text, uses)
	if err := diags.Err(); err != nil {
		return nil, refuse(400, "extraction-rule.invalid", "The rule cannot be read: %s.", problem(err, ""))
	}
	if !q.Messages || !q.Streams() {
		return nil, refuse(400, "extraction-rule.invalid", "The parseExpression aggregates or sorts; it may only take fields out of messages.")
	}
	if n := len(x.made); n > extractionFields {
		return nil, refuse(400, "extraction-rule.limit", "The rule makes %d fields, and %d is the most.", n, extractionFields)
	}
	if len(x.made) == 0 {
		return x, nil
	}
	var names []string
	for _, n := range x.made {
		names = append(names, "%\""+strings.ReplaceAll(n, `"`, `\"`)+"\"")
	}
	if x.query, diags = a.jobs.Compile(text + "\n| fields " + strings.Join(names, ", ")); diags.Err() != nil {
		return nil, refuse(400, "extraction-rule.invalid", "The rule cannot be read: %s.", problem(diags.Err(), ""))
	}
	return x, nil
}

// extractions are the rules that are enabled, compiled once for each revision.
type extractions struct {
	mu    sync.Mutex
	known map[string]knownExtraction // by id
}

type knownExtraction struct {
	revision int64
	rule     *extraction // nil where it cannot be used
}

// rules are those that are enabled and make something.
func (a *API) rules() (out []*extraction) {
	docs := a.keep.list("extractionRules")
	if len(docs) == 0 {
		return nil
	}
	x := &a.extractions
	x.mu.Lock()
	defer x.mu.Unlock()
	next := map[string]knownExtraction{}
	for _, d := range docs {
		k, ok := x.known[d.ID]
		if !ok || k.revision != d.Revision {
			k = knownExtraction{revision: d.Revision}
			f := d.fields()
			if enabled, ok := f["enabled"].(bool); !ok || enabled {
				rule, err := a.compileExtraction(f)
				if err != nil {
					a.o.Logf("field extraction rule %s is not applied: %v", f.text("name"), err)
				} else if rule.query != nil {
					k.rule = rule
				}
			}
		}
		if next[d.ID] = k; k.rule != nil {
			out = append(out, k.rule)
		}
	}
	x.known = next
	return out
}

// extracted is a snapshot whose messages have the fields that rules take out of them.
type extracted struct {
	job.Snapshot
	rules []*extraction
}

func (s extracted) Feeder() input.Feeder { return extracting{s.Snapshot.Feeder(), s.rules} }

// extracting feeds messages with fields of rules. The product applies rules once, when a
// message comes; here they are applied when a search asks for a field of theirs, also of
// messages that came before a rule was made.
type extracting struct {
	of    input.Feeder
	rules []*extraction
}

// taken is a field of a rule's events, and where it goes.
type taken struct{ from, to event.Slot }

// applied is what a run applies of a rule.
type applied struct {
	*extraction
	layout *event.Layout
	reads  []taken // from the messages to the rule's events
	gives  []taken // and back
}

// Feed implements input.Feeder.
func (x extracting) Feed(ctx context.Context, want *input.Want) exec.Feed {
	inner := *want
	inner.Fields = want.Fields.Clone()
	var use []*applied
	for _, r := range x.rules {
		p := &applied{extraction: r, layout: r.query.Layout.Clone()}
		for _, name := range r.made {
			from, ok := p.layout.Find(name)
			if !ok {
				continue
			}
			if want.Fields.All {
				if to := want.Layout.Met(name); to != event.None {
					p.gives = append(p.gives, taken{from, to})
				}
				continue
			}
			for i := range want.Layout.Len() { // each spelling that is asked for
				if to := event.Slot(i); want.Fields.Has(to) && strings.EqualFold(want.Layout.Name(to), name) {
					p.gives = append(p.gives, taken{from, to})
				}
			}
		}
		if len(p.gives) == 0 {
			continue
		}
		needs := r.query.Want(query.Run{Layout: p.layout})
		for _, from := range needs.Fields.Slots() {
			to := want.Layout.Slot(p.layout.Name(from))
			inner.Fields.Add(to)
			p.reads = append(p.reads, taken{to, from})
		}
		use = append(use, p)
	}
	if len(use) == 0 {
		return x.of.Feed(ctx, want)
	}
	// What must hold of a field that a rule makes need not hold of the message.
	inner.Conditions, inner.AutoConditions, inner.Readers = nil, nil, nil
	inner.Need = slices.DeleteFunc(slices.Clone(want.Need), func(n input.Need) bool {
		return n.Slot != event.None && slices.ContainsFunc(use, func(p *applied) bool {
			return slices.ContainsFunc(p.made, func(m string) bool { return strings.EqualFold(m, want.Layout.Name(n.Slot)) })
		})
	})
	feed := x.of.Feed(ctx, &inner)
	return func(worker int, front exec.Sink) error {
		s := &extractSink{next: front}
		defer s.close()
		for _, p := range use {
			o := &one{applied: p}
			run, err := p.query.Start(ctx, query.Run{
				Layout: p.layout.Clone(), Now: inner.Now, Zone: inner.Zone, Warnings: &exec.Warnings{}, Memory: extractBytes,
			}, query.Live{Out: o})
			if err != nil {
				return fmt.Errorf("field extraction rule %s: %w", p.name, err)
			}
			o.run = run
			s.all = append(s.all, o)
		}
		return feed(worker, s)
	}
}

// extractBytes is how much the stages of a rule may hold.
const extractBytes = 16 << 20

// extractSink gives messages the fields of rules before it passes them on.
type extractSink struct {
	next exec.Sink
	all  []*one
}

func (s *extractSink) Push(b *event.Batch) error {
	for _, o := range s.all {
		if err := o.apply(b); err != nil {
			return fmt.Errorf("field extraction rule %s: %w", o.name, err)
		}
	}
	return s.next.Push(b)
}

func (s *extractSink) close() {
	for _, o := range s.all {
		o.run.Close()
	}
}

// one is a rule in one worker. It is the sink of the rule's events, too.
type one struct {
	*applied
	run  *query.Running
	in   event.Batch
	to   *event.Batch // what is given the fields
	base uint64       // position of its first row
}

// apply runs the rule over a batch.
func (o *one) apply(b *event.Batch) error {
	in := &o.in
	in.Reset()
	in.N, in.Receipt = b.N, b.Receipt
	in.Live = append(in.Live, b.Live...)
	in.Time = append(in.Time, b.Time...)
	in.Pos = append(in.Pos, b.Pos...)
	for _, c := range o.reads {
		if int(c.from) < len(b.Cols) {
			in.Col(c.to).Alias(&b.Cols[c.from])
		}
	}
	o.to = b
	err := o.run.PushBatch(in)
	o.base += uint64(b.N)
	return err
}

// Push takes what the rule has found.
func (o *one) Push(found *event.Batch) error {
	for _, c := range o.gives {
		for _, row := range found.Live {
			if v := found.Value(c.from, row); !v.IsNull() {
				o.to.Col(c.to).Set(uint16(found.Pos[row]-o.base), v.Clone())
			}
		}
	}
	return nil
}
