package desk

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/live"
)

// entity is an entity as the page has it.
type entity struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	Value       string `json:"value"`
	Shown       string `json:"shown"`
	Criticality string `json:"criticality,omitempty"`
}

// term is a name's share of a score.
type term struct {
	Signal   string `json:"signal"` // id of the strongest
	Name     string `json:"name"`
	Severity int    `json:"severity"`
	Level    string `json:"level"`
	Count    int    `json:"count"`
	Time     int64  `json:"time"` // of the first
}

// strongest is an insight's most severe signal.
type strongest struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Severity int    `json:"severity"`
	Level    string `json:"level"`
	Rule     string `json:"rule"`
	Time     int64  `json:"time"`
}

// stronger is a signal that was not counted since it repeats a name, though more severe.
type stronger struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Severity   int    `json:"severity"`
	Level      string `json:"level"`
	Time       int64  `json:"time"`
	Of         string `json:"of"` // id of what it repeats; "" of an earlier insight's
	OfSeverity int    `json:"ofSeverity"`
}

// account is what is known of an entity, in numbers.
type account struct {
	Signals  int            `json:"signals"`
	Insights int            `json:"insights"`
	Closed   map[string]int `json:"closed"`
	First    int64          `json:"first"`
	Last     int64          `json:"last"`
	Text     string         `json:"text"`
}

// row is an insight in a list, with all that a preview of it shows.
type row struct {
	ID            string    `json:"id"`
	ReadableID    string    `json:"readableId"`
	Rev           int       `json:"rev"`
	Name          string    `json:"name"`
	Severity      string    `json:"severity"`
	Level         string    `json:"level"`
	Score         int       `json:"score"`
	Threshold     float64   `json:"threshold"`
	Source        string    `json:"source"`
	Status        string    `json:"status"`
	Resolution    string    `json:"resolution"`
	SubResolution string    `json:"subResolution"`
	Assignee      string    `json:"assignee"`
	Created       int64     `json:"created"`
	Time          int64     `json:"time"`
	Updated       int64     `json:"updated"`
	Closed        *int64    `json:"closed"`
	Tactics       []string  `json:"tactics"`
	Tags          []string  `json:"tags"`
	Entity        entity    `json:"entity"`
	User          string    `json:"user"`
	Host          string    `json:"host"`
	Strongest     strongest `json:"strongest"`
	Signals       int       `json:"signals"`
	Others        int       `json:"others"`
	Summary       string    `json:"summary"`
	Next          string    `json:"next"`
	Terms         []term    `json:"terms"`
	NotCounted    int       `json:"notCounted"`
	Stronger      *stronger `json:"stronger"`
	History       account   `json:"history"`
}

// terms are the shares of an insight's score, in the order in which the names came.
func terms(i *insight.Insight) (all []term) {
	for _, p := range i.Parts() {
		t := term{Name: p.Name, Severity: p.Severity, Level: levelOf(p.Severity), Count: p.Signals}
		for _, s := range i.Signals {
			if s.Name != p.Name {
				continue
			}
			if t.Time == 0 {
				t.Time = s.Time
			}
			if s.Severity == p.Severity && t.Signal == "" {
				t.Signal = s.ID
			}
		}
		all = append(all, t)
	}
	return all
}

// top is an insight's most severe signal, the first of several; nil of one without signals.
func top(i *insight.Insight) (s *insight.Signal) {
	for _, x := range i.Signals {
		if s == nil || x.Severity > s.Severity {
			s = x
		}
	}
	return s
}

func opt(t int64) *int64 {
	if t == 0 {
		return nil
	}
	return &t
}

// rows are insights as a list has them.
func (d *Desk) rows(ctx context.Context, cases []*insight.Case) ([]*row, error) {
	var ids []string
	for _, c := range cases {
		if id := c.Insight.Entity.ID(); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	accounts, err := d.alerts.Accounts(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := []*row{}
	for _, c := range cases {
		out = append(out, d.row(ctx, c, accounts[c.Insight.Entity.ID()]))
	}
	return out, nil
}

func (d *Desk) row(ctx context.Context, c *insight.Case, of *live.Account) *row {
	i := c.Insight
	r := &row{
		ID: i.ID, ReadableID: c.ReadableID(), Rev: c.Rev, Name: i.Name, Severity: c.Severity, Level: strings.ToLower(c.Severity), Score: i.Score, Threshold: i.Threshold, Source: i.Source,
		Status: c.Status, Resolution: c.Resolution, SubResolution: c.SubResolution, Assignee: c.Assignee, Created: c.Created, Time: i.Time, Updated: c.Updated, Closed: opt(c.Closed),
		Tactics: append([]string{}, insight.Tactics(i.Tags)...), Tags: append([]string{}, c.Tags...), Signals: len(i.Signals), Terms: terms(i), NotCounted: len(i.Stronger),
		Entity: entity{ID: i.Entity.ID(), Type: i.Entity.Type, Value: i.Entity.Value, Shown: cmp.Or(of.Shown, i.Entity.Value), Criticality: of.Criticality},
	}
	r.History = history(of)
	r.Others = of.Open
	if c.Status != insight.Closed && r.Others > 0 {
		r.Others--
	}
	if s := top(i); s != nil {
		r.Strongest = strongest{s.ID, s.Name, s.Severity, levelOf(s.Severity), s.RuleID, s.Time}
		e := d.evidence(ctx, s)
		r.User, r.Host, r.Next = e.User, e.Host, e.Next
		r.Summary = cmp.Or(e.process().CommandLine, s.Summary)
	}
	for _, s := range i.Stronger {
		if r.Stronger != nil && s.Severity <= r.Stronger.Severity {
			continue
		}
		r.Stronger = &stronger{ID: s.ID, Name: s.Name, Severity: s.Severity, Level: levelOf(s.Severity), Time: s.Time}
		for _, k := range i.Signals {
			if k.Name == s.Name && k.Time <= s.Time {
				r.Stronger.Of, r.Stronger.OfSeverity = k.ID, k.Severity
			}
		}
	}
	return r
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// history is an account with the sentence that says it.
func history(of *live.Account) account {
	a := account{Signals: of.Signals, Insights: of.Insights, Closed: of.Ended, First: of.First, Last: of.Last}
	var parts []string
	for _, k := range insight.Resolutions {
		if n := of.Ended[k]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d closed as %s", n, k))
		}
	}
	rest := 0
	for k, n := range of.Ended {
		if !slices.Contains(insight.Resolutions, k) {
			rest += n
		}
	}
	if rest > 0 {
		parts = append(parts, fmt.Sprintf("%d closed otherwise", rest))
	}
	if of.Open > 0 {
		parts = append(parts, fmt.Sprintf("%d open", of.Open))
	}
	a.Text = plural(of.Signals, "signal") + ", " + plural(of.Insights, "insight")
	if len(parts) > 0 {
		a.Text += ": " + strings.Join(parts, ", ")
	}
	return a
}

// listed is how many insights a list has at most: of the open ones the most urgent, of those
// that are closed the last.
const listed = 500

// triage is the list of insights, with the counts of each view: ?view= and ?limit=.
func (d *Desk) triage(r *http.Request) (any, error) {
	ctx, q := r.Context(), r.URL.Query()
	view := cmp.Or(q.Get("view"), "open")
	if !slices.Contains([]string{"open", "mine", "free", "closed"}, view) {
		return nil, access.Bad("there is no view %q; there are open, mine, free and closed", view)
	}
	limit := listed
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, access.Bad("limit is how many insights are wanted, and this is %q", text)
		}
		limit = min(n, listed)
	}
	open, err := d.alerts.Open(ctx)
	if err != nil {
		return nil, err
	}
	me := access.From(ctx)
	counts := map[string]int{"open": len(open), "mine": 0, "free": 0}
	var oldest *int64
	var chosen []*insight.Case
	for _, c := range open {
		mine, free := c.Assignee != "" && (c.Assignee == me.ID || c.Assignee == me.Label), c.Assignee == ""
		if mine {
			counts["mine"]++
		}
		if free {
			counts["free"]++
		}
		if oldest == nil || c.Created < *oldest {
			at := c.Created
			oldest = &at
		}
		if view == "open" || view == "mine" && mine || view == "free" && free {
			chosen = append(chosen, c)
		}
	}
	most := 0
	if view == "closed" {
		most = limit
	}
	closed, total, err := d.alerts.Closed(ctx, most)
	if err != nil {
		return nil, err
	}
	counts["closed"] = total
	if view == "closed" {
		chosen = closed
	}
	if view != "closed" {
		slices.SortStableFunc(chosen, urgency)
	}
	rows, err := d.rows(ctx, chosen[:min(len(chosen), limit)])
	if err != nil {
		return nil, err
	}
	set := d.settings()
	return map[string]any{
		"now": d.o.Now().UnixMilli(), "me": map[string]any{"id": me.ID, "label": me.Label, "role": me.Role}, "people": d.people(), "counts": counts, "oldest": oldest,
		"threshold": set.Threshold, "window": set.Lookback, "rows": rows,
	}, nil
}

func (d *Desk) people() map[string]string {
	if d.o.People == nil {
		return map[string]string{}
	}
	return d.o.People()
}

// urgency orders open insights: by the more severe of the insight and its strongest signal,
// nobody's first, then by the insight's severity, its score and its age.
func urgency(a, b *insight.Case) int {
	own := func(c *insight.Case) int { return rank(strings.ToLower(c.Severity)) }
	most := func(c *insight.Case) int {
		if s := top(c.Insight); s != nil {
			return max(own(c), rank(levelOf(s.Severity)))
		}
		return own(c)
	}
	free := func(c *insight.Case) int {
		if c.Assignee == "" {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(most(b), most(a)), cmp.Compare(free(b), free(a)), cmp.Compare(own(b), own(a)), cmp.Compare(b.Insight.Score, a.Insight.Score), cmp.Compare(a.Created, b.Created))
}
