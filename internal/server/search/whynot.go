package search

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
)

const (
	whyNotMost   = 64 << 10 // bytes of a request
	whyNotTime   = 60 * time.Second
	whyNotMemory = 256 << 20
	// whyNotAtOnce is how many are looked at a time: each reads all of its range.
	whyNotAtOnce = 2
)

var whyNotSlots = make(chan struct{}, whyNotAtOnce)

// WhyNot is the answer: what gyoji explain --why-not -f json prints, and the change that
// the page offers.
type WhyNot struct {
	*query.Why
	Change *Change `json:"change,omitempty"`
	// Oldest and Newest are the times (ms) of the messages that there are; null for none.
	Oldest *int64 `json:"oldest"`
	Newest *int64 `json:"newest"`
}

// Change is a change of the query that was tried over the same messages.
type Change struct {
	edit
	Stage string `json:"stage"` // what is changed, as it is written
	Why   string `json:"why"`
	Value string `json:"value,omitempty"` // that was probably meant
	Query string `json:"query"`           // the query with the change
	Rows  int64  `json:"rows"`            // that it finds
}

// whyNot answers why a query finds nothing: {"query", "from", "to" (ms, to excluded),
// "timeZone"}.
func (p *Page) whyNot(r *http.Request) (any, error) {
	var ask struct {
		Query    string `json:"query"`
		From     int64  `json:"from"`
		To       int64  `json:"to"`
		TimeZone string `json:"timeZone"`
	}
	if err := access.Body(r, whyNotMost, &ask); err != nil {
		return nil, err
	}
	zone, err := datefmt.Zone(ask.TimeZone)
	if ask.TimeZone == "" {
		zone, err = time.UTC, nil
	}
	if err != nil {
		return nil, access.Bad("The timeZone %q is not known; write a name such as America/Los_Angeles or UTC.", ask.TimeZone)
	}
	select {
	case whyNotSlots <- struct{}{}:
		defer func() { <-whyNotSlots }()
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	ctx, cancel := context.WithTimeout(r.Context(), whyNotTime)
	defer cancel()
	view := store.View{From: ask.From, To: ask.To}
	out := &WhyNot{}
	all := p.o.Store.Snapshot(store.View{})
	if oldest, newest, ok := all.Times(); ok {
		out.Oldest, out.Newest = &oldest, &newest
	}
	all.Close()
	if out.Why, err = p.why(ctx, ask.Query, view, zone); err != nil {
		return nil, tooLong(ctx, r.Context(), err)
	}
	out.Change, err = p.change(ctx, ask.Query, out.Why, view, zone)
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	return out, nil
}

// tooLong says of an error that the time was over, where it was.
func tooLong(ctx, asker context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && asker.Err() == nil {
		return &access.Failure{Status: http.StatusServiceUnavailable, Code: "too.long", Message: "Counting the rows through every stage takes more than a minute over this time range. Take a shorter one."}
	}
	return err
}

// why runs a query as gyoji explain --why-not does.
func (p *Page) why(ctx context.Context, text string, view store.View, zone *time.Location) (w *query.Why, err error) {
	defer exec.Caught(&err, "")
	text, _ = p.o.Rewrite(text)
	q, wrong := p.o.Jobs.Compile(text)
	if wrong.HasErrors() {
		return nil, access.Bad("The query cannot be read: %s.", firstError(wrong))
	}
	read := view
	if q.ReadsTwice(true) {
		read.From, read.To = 0, 0
	}
	snap := p.o.Store.Snapshot(read)
	defer snap.Close()
	var made *record.Catalogue
	if record.Asked(q.Tree) {
		made, _ = record.NewCatalogue(record.Sumo, nil)
	}
	open := func() input.Feeder {
		if made != nil {
			return record.Feeder{Of: snap.Feeder(), By: made}
		}
		return snap.Feeder()
	}
	return q.Why(ctx, query.Run{
		Input: open(), Reopen: func() (input.Feeder, error) { return open(), nil }, Layout: q.Layout.Clone(), Workers: 1, Memory: whyNotMemory,
		Now: p.o.Now(), Zone: zone, Warnings: &exec.Warnings{}, From: view.From, To: view.To, Bounded: view.From != 0 || view.To != 0,
	})
}

// change is what the page offers: the first change of the stage that lets nothing through
// after which rows come out of the query, or at least out of that stage.
func (p *Page) change(ctx context.Context, text string, w *query.Why, view store.View, zone *time.Location) (*Change, error) {
	at := -1
	for i, s := range w.Stages {
		if s.NothingLeft {
			at = i
		}
	}
	if at < 0 {
		return nil, nil
	}
	if ran, _ := p.o.Rewrite(text); ran != text {
		return nil, nil // places are those of another text
	}
	t := textOf(text)
	for _, part := range w.Stages[at].Predicates {
		c := part.Change
		if c == nil || c.End > len(text) {
			continue
		}
		changed := text[:c.Start] + c.Text + text[c.End:]
		after, err := p.why(ctx, changed, view, zone)
		if err != nil {
			return nil, err
		}
		if at < len(after.Stages) && after.Stages[at].Out > 0 {
			x := &Change{Stage: w.Stages[at].Stage, Why: c.Why, Query: changed, Rows: after.Rows, edit: edit{t.between(diag.Span{Start: c.Start, End: c.End}), c.Text}}
			for _, f := range part.Fields {
				x.Value = f.Nearest
			}
			return x, nil
		}
	}
	return nil, nil
}
