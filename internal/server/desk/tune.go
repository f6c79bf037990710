package desk

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/server/sec"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

const (
	// proposalsMost is how many proposals are made of signals.
	proposalsMost = 5
	// tuneSignals is how many signals are looked at for them.
	tuneSignals = 200
	// tuneOf is how far back it is counted what a proposal removes.
	tuneOf = 30 * 24 * time.Hour
)

// memory reads events from a text of JSON Lines.
func memory(text []byte) input.Feeder {
	jsonl := format.Named("jsonl")
	return input.NewReader(input.Memory("events", text), []*input.Format{jsonl}, input.Options{Force: jsonl, BlockBytes: len(text) + 1})
}

// lost is a true case that a proposal would lose.
type lost struct {
	Kind  string `json:"kind"` // test or insight
	ID    string `json:"id"`
	Title string `json:"title"`
}

// attacker answers whether somebody could use a proposal to go unseen; Usable is null where
// nobody can say.
type attacker struct {
	Usable *bool  `json:"usable"`
	Text   string `json:"text"`
}

// proposal is a tuning expression, with what it would change.
type proposal struct {
	Name       string         `json:"name"`
	Reason     string         `json:"reason"`
	Expression string         `json:"expression"`
	Example    string         `json:"example"`
	Removes    int            `json:"removes"` // of the signals that were named
	Of         int            `json:"of"`
	Before     int            `json:"before"` // signals of the rule in the time that is looked at
	After      int            `json:"after"`
	True       int            `json:"trueCases"`
	Lost       []lost         `json:"lost"`
	Attacker   attacker       `json:"attacker"`
	Document   map[string]any `json:"document"` // for POST /api/sec/v1/rule-tuning-expressions
	Problem    string         `json:"problem"`  // why it cannot be tried

	version *version
	covers  []string // ids of the signals that it is made of
}

// tune proposes tuning expressions that would keep some signals of a rule from being made, or
// tries one that is given: signals before and after, true cases that would be lost, whether an
// attacker could use it.
func (d *Desk) tune(r *http.Request) (any, error) {
	ctx := r.Context()
	var ask struct {
		Rule       string   `json:"rule"`
		Signals    []string `json:"signals"`
		Insight    string   `json:"insight"` // of it, the rule's signals
		Expression string   `json:"expression"`
		Include    bool     `json:"include"` // the expression is one that must hold
		From       *int64   `json:"from"`
		To         *int64   `json:"to"`
	}
	if err := body(r, &ask); err != nil {
		return nil, err
	}
	if d.o.Content == nil {
		return nil, access.Bad("there is no content to tune")
	}
	docs, found, err := d.o.Content.Content(ctx)
	if err != nil {
		return nil, err
	}
	mine := tenant.Some(docs, func(id string) bool { return id == ask.Rule })
	base := newVersion(mine, found)
	if len(base.tenant.Rules) != 1 {
		return nil, access.Missing("there is no rule %q that runs", ask.Rule)
	}
	signals, err := d.named(ctx, ask.Rule, ask.Signals, ask.Insight)
	if err != nil {
		return nil, err
	}
	var all []*proposal
	if ask.Expression != "" {
		p := &proposal{Name: "Tuning of " + base.tenant.Rules[0].Name, Expression: ask.Expression, Of: len(signals), Attacker: attacker{nil, "gyoji cannot say. Read it as an attacker would: which part of it can an attacker choose?"}}
		all = append(all, p)
	} else if all, err = d.proposals(ctx, signals); err != nil {
		return nil, err
	}
	for _, p := range all {
		p.Document = map[string]any{
			"name": p.Name, "description": cmp.Or(p.Reason, p.Name), "expression": p.Expression, "enabled": true, "exclude": !ask.Include, "isGlobal": false, "ruleIds": []string{ask.Rule},
		}
		doc, err := sec.Parsed(&sec.Document{Kind: ruledoc.Tuning, ID: "tried", Name: p.Name, Body: p.Document})
		if err != nil {
			p.Problem = err.Error()
			continue
		}
		v := newVersion(append(slices.Clone(mine), doc), nil)
		for _, u := range v.tenant.Unusable {
			if !slices.ContainsFunc(base.tenant.Unusable, func(k rule.Unusable) bool { return k.Error() == u.Error() }) {
				p.Problem = u.Error()
			}
		}
		if p.Problem == "" {
			p.version = v
		}
	}
	from, to, err := d.stretch(ctx, ask.From, ask.To, tuneOf)
	if err != nil {
		return nil, err
	}
	if err := d.try(ctx, ask.Rule, base, all, signals, from, to); err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b *proposal) int { return b.Removes - a.Removes })
	if all == nil {
		all = []*proposal{}
	}
	why := ""
	if len(all) == 0 {
		why = "No signal was named whose record says a program and its command line; give an expression to try."
	}
	return map[string]any{"rule": ask.Rule, "from": from, "to": to, "proposals": all, "why": why}, nil
}

// named are the signals of a rule that a call names; none named are its last ones.
func (d *Desk) named(ctx context.Context, rule string, ids []string, insight string) (out []*live.Signal, err error) {
	if insight != "" {
		c, err := d.insight(ctx, insight)
		if err != nil {
			return nil, err
		}
		for _, s := range c.Insight.Signals {
			if s.RuleID == rule {
				ids = append(ids, s.ID)
			}
		}
	}
	if len(ids) == 0 && insight == "" {
		return d.alerts.OfRule(ctx, rule, tuneSignals)
	}
	for _, id := range ids[:min(len(ids), tuneSignals)] {
		s, err := d.alerts.Signal(ctx, id)
		if err == live.ErrNone {
			return nil, access.Missing("there is no signal %s", id)
		}
		if err != nil {
			return nil, err
		}
		if s.RuleID == rule {
			out = append(out, s)
		}
	}
	return out, nil
}

// proposals are made of signals of processes: one for each program with a line, the most
// frequent first.
func (d *Desk) proposals(ctx context.Context, signals []*live.Signal) ([]*proposal, error) {
	by := map[string]*proposal{}
	var all []*proposal
	for _, s := range signals {
		e := d.evidence(ctx, s.Signal)
		program, _ := e.value("Image")
		parent, _ := e.value("ParentImage")
		line := e.said("CommandLine")
		if program == "" || line == "" {
			continue
		}
		key := strings.ToLower(program) + "\x00" + detection.AlikeLine(line)
		p := by[key]
		if p == nil {
			child := strings.TrimSuffix(strings.ToLower(program[strings.LastIndexAny(program, `\/`)+1:]), ".exe")
			entry, refused, err := detection.Exclude(fmt.Sprintf("%s-%d", child, len(all)+1), program, parent, line)
			if err != nil {
				return nil, err
			}
			p = &proposal{Name: entry.ID, Reason: entry.Reason, Example: line}
			no, yes := false, true
			p.Attacker = attacker{&no, "No: the whole line is matched, and no file of the user is in it. Check that before you use it."}
			if refused != "" {
				p.Attacker = attacker{&yes, "Yes: " + refused + "."}
			}
			if p.Expression, err = convert.CSECondition(entry.Cond); err != nil {
				p.Problem = err.Error()
			}
			by[key] = p
			all = append(all, p)
		}
		p.covers = append(p.covers, s.ID)
	}
	slices.SortStableFunc(all, func(a, b *proposal) int { return len(b.covers) - len(a.covers) })
	return all[:min(len(all), proposalsMost)], nil
}

// try counts what proposals change: over the store, over the tests of the rule's package, and
// over what people have closed as real.
func (d *Desk) try(ctx context.Context, id string, base *version, all []*proposal, signals []*live.Signal, from, to int64) error {
	versions := []*version{base}
	var tried []*proposal
	for _, p := range all {
		p.Lost, p.Of = []lost{}, len(signals)
		if p.version != nil {
			versions, tried = append(versions, p.version), append(tried, p)
		}
	}
	sides, err := d.tried(ctx, versions, from, to, nil)
	if err != nil {
		return err
	}
	real, err := d.real(ctx, id)
	if err != nil {
		return err
	}
	for i, p := range tried {
		p.Before, p.After = sides[0].Signals, sides[i+1].Signals
		for _, s := range signals {
			if sides[0].ids[s.ID] && !sides[i+1].ids[s.ID] {
				p.Removes++
			}
		}
		for _, x := range real {
			if !sides[0].ids[x.signal] {
				continue // outside the time that was looked at
			}
			if p.True++; !sides[i+1].ids[x.signal] {
				p.Lost = append(p.Lost, x.lost)
			}
		}
	}
	pack := d.byRule[id]
	if pack == nil || pack.Tests == "" {
		return nil
	}
	suite, err := pack.Suite()
	if err != nil {
		return err
	}
	for _, c := range suite.Cases {
		if c.Benign {
			continue
		}
		events, err := c.Recorded()
		if err != nil {
			return err
		}
		sides, err := overEvents(ctx, versions, events)
		if err != nil {
			return err
		}
		if sides[0].Signals == 0 {
			continue
		}
		for i, p := range tried {
			if p.True++; sides[i+1].Signals == 0 {
				p.Lost = append(p.Lost, lost{"test", c.ID, cmp.Or(c.Title, c.ID)})
			}
		}
	}
	return nil
}

// realSignal is a signal of an insight that was closed as real.
type realSignal struct {
	signal string
	lost   lost
}

// real are the rule's signals in insights that were closed as Resolved.
func (d *Desk) real(ctx context.Context, rule string) (out []realSignal, err error) {
	closed, _, err := d.alerts.Closed(ctx, 1000)
	if err != nil {
		return nil, err
	}
	for _, c := range closed {
		if c.Resolution != "Resolved" {
			continue
		}
		for _, s := range c.Insight.Signals {
			if s.RuleID == rule {
				out = append(out, realSignal{s.ID, lost{"insight", c.ReadableID(), c.Insight.Name}})
			}
		}
	}
	return out, nil
}
