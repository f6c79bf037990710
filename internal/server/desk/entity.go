package desk

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

const (
	// suppressMost is how long an entity may be suppressed from the page.
	suppressMost = 90 * 24 * time.Hour
	// chartMost is of how many signals a chart of scores is made.
	chartMost = 2000
	// entitySignals is how many signals of an entity are listed.
	entitySignals = 200
)

// point is a score from a time on.
type point struct {
	At    int64 `json:"at"`
	Score int   `json:"score"`
}

// steps are an entity's scores within [from, to]: at each of them it changes. Signals are
// those of a look-back before from and later, the oldest first; cuts are the times of insights
// of the algorithm, after each of which it begins anew (10.1).
func steps(signals []*live.Signal, cuts []int64, lookback, from, to int64) []point {
	var counted []*live.Signal
	times := []int64{from, to}
	for _, s := range signals {
		if s.Counts() {
			counted = append(counted, s)
			times = append(times, s.Time, s.Time+lookback)
		}
	}
	for _, c := range cuts {
		times = append(times, c, c+1)
	}
	slices.Sort(times)
	times = slices.Compact(times)
	slices.Sort(cuts)
	var out []point
	for _, t := range times {
		if t < from || t > to {
			continue
		}
		// An insight is made at the time of its last signal: that moment still has the score.
		cut := int64(-1 << 62)
		if n, _ := slices.BinarySearch(cuts, t); n > 0 {
			cut = cuts[n-1]
		}
		tops := map[string]int{}
		score := 0
		for _, s := range counted {
			if s.Time > t || s.Time <= t-lookback || s.Time <= cut {
				continue
			}
			if top := tops[s.Name]; s.Severity > top {
				score += s.Severity - top
				tops[s.Name] = s.Severity
			}
		}
		if n := len(out); n == 0 || out[n-1].Score != score || t == to {
			out = append(out, point{t, score})
		}
	}
	return out
}

// strongestName is the name of an insight's strongest signal, which says what happened; the
// insight's own names its tactics. "" for none.
func strongestName(i *insight.Insight) string {
	if s := top(i); s != nil {
		return s.Name
	}
	return ""
}

func (d *Desk) entityOf(r *http.Request) (*live.Entity, error) {
	id := r.PathValue("id")
	e, err := d.alerts.Entity(r.Context(), id, d.o.Now(), time.Duration(d.settings().Lookback)*time.Millisecond)
	if errors.Is(err, live.ErrNone) {
		return nil, access.Missing("there is no entity %s: no signal was on it", id)
	}
	return e, err
}

// entity is all that the page of an entity shows.
func (d *Desk) entity(r *http.Request) (any, error) {
	e, err := d.entityOf(r)
	if err != nil {
		return nil, err
	}
	return d.entityShown(r.Context(), e, r.URL.Query().Get("z"))
}

func (d *Desk) entityShown(ctx context.Context, e *live.Entity, zoom string) (any, error) {
	set := d.settings()
	stretch := 14 * 24 * time.Hour
	switch zoom {
	case "", "14d":
	case "24h":
		stretch = 24 * time.Hour
	default:
		return nil, access.Bad("z is 14d or 24h, and this is %q", zoom)
	}
	// Of old evidence the last days are those before its newest signal.
	now := d.o.Now()
	end := now
	if now.Sub(e.Last) > 14*24*time.Hour {
		end = e.Last.Add(time.Hour)
	}
	from, to := end.Add(-stretch).UnixMilli(), end.UnixMilli()
	signals, err := d.alerts.On(ctx, e.ID, from-set.Lookback, to+1)
	if err != nil {
		return nil, err
	}
	cases, err := d.alerts.CasesOn(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	var cuts []int64
	insights := []any{}
	hidden := map[string]int{"signals": 0, "counted": 0, "insights": 0}
	recent := end.Add(-14 * 24 * time.Hour).UnixMilli()
	users, hosts := []string{}, []string{}
	for _, c := range cases {
		if c.Insight.Source == "ALGORITHM" {
			cuts = append(cuts, c.Insight.Time)
		}
		if c.Insight.Time >= recent {
			hidden["insights"]++
		}
		insights = append(insights, map[string]any{
			"id": c.Insight.ID, "readableId": c.ReadableID(), "name": cmp.Or(strongestName(c.Insight), c.Insight.Name), "level": levelOfInsight(c), "score": c.Insight.Score, "status": c.Status, "resolution": c.Resolution,
			"assignee": c.Assignee, "time": c.Insight.Time, "created": c.Created,
		})
	}
	charted := signals
	if len(charted) > chartMost {
		charted = charted[len(charted)-chartMost:]
	}
	all := []any{}
	for i := len(signals) - 1; i >= 0; i-- {
		s := signals[i]
		if s.Time >= recent {
			hidden["signals"]++
			if s.Counts() {
				hidden["counted"]++
			}
		}
		for _, id := range s.Related {
			o := entityOf(id)
			switch {
			case o.Type == "_username" && id != e.ID && !slices.Contains(users, o.Value):
				users = append(users, o.Value)
			case o.Type == "_hostname" && id != e.ID && !slices.Contains(hosts, o.Value):
				hosts = append(hosts, o.Value)
			}
		}
		if len(all) < entitySignals {
			all = append(all, signalShown(s))
		}
	}
	var suppression any
	if e.Suppressed {
		suppression = map[string]any{"by": e.Suppression.By, "at": opt(stampOf(e.Suppression.At)), "until": opt(stampOf(e.Suppression.Until)), "reason": e.Suppression.Reason}
	}
	ways := []any{}
	if d.o.Content != nil {
		docs, err := d.o.Content.Documents(ctx, ruledoc.Criticality)
		if err != nil {
			return nil, err
		}
		for _, x := range docs {
			ways = append(ways, map[string]any{"name": x.Name, "expression": x.Body["severityExpression"]})
		}
	}
	return map[string]any{
		"id": e.ID, "type": e.Type, "value": e.Value, "shown": cmp.Or(e.Shown, e.Value), "zone": e.Zone, "first": e.First.UnixMilli(), "last": e.Last.UnixMilli(), "score": e.Score, "rev": e.Revision,
		"tags": append([]string{}, e.Tags...), "criticality": e.Criticality, "criticalities": ways, "users": users, "hosts": hosts, "suppressed": e.Suppressed, "suppression": suppression,
		"threshold": set.Threshold, "window": set.Lookback, "from": from, "to": to, "old": end.Before(now), "steps": steps(charted, cuts, set.Lookback, from, to), "insights": insights, "signals": all,
		"wouldHide": hidden, "suppressMost": suppressMost.Milliseconds(), "now": now.UnixMilli(),
	}, nil
}

// suppress suppresses an entity for a reason and until a time, or with until null no longer.
func (d *Desk) suppress(r *http.Request) (any, error) {
	var ask struct {
		Reason string `json:"reason"`
		Until  *int64 `json:"until"` // ms; null ends it
		Rev    *int64 `json:"rev"`   // what the entity has; null for whatever it has
	}
	if err := body(r, &ask); err != nil {
		return nil, err
	}
	e, err := d.entityOf(r)
	if err != nil {
		return nil, err
	}
	if ask.Rev != nil && *ask.Rev != e.Revision {
		return nil, errStale
	}
	now := d.o.Now()
	if e.Suppressed = ask.Until != nil; e.Suppressed {
		until := time.UnixMilli(*ask.Until)
		switch {
		case strings.TrimSpace(ask.Reason) == "":
			return nil, access.Bad("say why: reason is what people read when they wonder that nothing is found here")
		case !until.After(now):
			return nil, access.Bad("until is in the past")
		case until.Sub(now) > suppressMost+time.Minute:
			return nil, access.Bad("an entity is suppressed for at most 90 days")
		}
		e.Suppression = live.Suppression{By: who(r), At: now, Until: until, Reason: strings.TrimSpace(ask.Reason)}
	}
	switch err := d.alerts.SetEntity(r.Context(), e); {
	case errors.Is(err, live.ErrRevision):
		return nil, errStale
	case err != nil:
		return nil, err
	}
	return d.entityShown(r.Context(), e, "")
}

var errStale = &access.Failure{Status: http.StatusPreconditionFailed, Code: "precondition.failed", Message: "it has changed since it was read; GET it again"}

// entities is a list of entities, those with the highest score first.
func (d *Desk) entities(r *http.Request) (any, error) {
	ctx := r.Context()
	want := strings.ToLower(strings.TrimSpace(r.URL.Query().Get("q")))
	all, err := d.alerts.Entities(ctx, d.o.Now(), time.Duration(d.settings().Lookback)*time.Millisecond, func(e *live.Entity) bool {
		return want == "" || strings.Contains(strings.ToLower(e.Value+" "+strings.Join(e.Tags, " ")+" "+e.Criticality), want)
	})
	if err != nil {
		return nil, err
	}
	total := len(all)
	all = all[:min(len(all), 1000)]
	var ids []string
	for _, e := range all {
		ids = append(ids, e.ID)
	}
	accounts, err := d.alerts.Accounts(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, e := range all {
		a := accounts[e.ID]
		out = append(out, map[string]any{
			"id": e.ID, "type": e.Type, "value": e.Value, "shown": cmp.Or(e.Shown, e.Value), "score": e.Score, "first": e.First.UnixMilli(), "last": e.Last.UnixMilli(), "tags": append([]string{}, e.Tags...),
			"criticality": e.Criticality, "suppressed": e.Suppressed, "signals": a.Signals, "insights": a.Insights, "open": a.Open,
		})
	}
	return map[string]any{"entities": out, "total": total, "threshold": d.settings().Threshold}, nil
}
