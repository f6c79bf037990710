package desk

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
)

// other is another insight.
type other struct {
	ID         string `json:"id"`
	ReadableID string `json:"readableId"`
	Name       string `json:"name"`
	Level      string `json:"level"`
	Score      int    `json:"score"`
	Status     string `json:"status"`
	Created    int64  `json:"created"`
}

func otherOf(r *row) other {
	return other{r.ID, r.ReadableID, r.Name, r.Level, r.Score, r.Status, r.Created}
}

// relatedMost is how many related entities are told of.
const relatedMost = 30

// one is an insight with all that its page shows but for what is asked for apart.
func (d *Desk) one(r *http.Request) (any, error) {
	ctx := r.Context()
	c, err := d.insightOf(r)
	if err != nil {
		return nil, err
	}
	rows, err := d.rows(ctx, []*insight.Case{c})
	if err != nil {
		return nil, err
	}
	i := c.Insight
	comments := []any{}
	for _, x := range c.Comments {
		comments = append(comments, map[string]any{"by": x.By, "at": x.At, "body": x.Body})
	}
	ids := i.Related[:min(len(i.Related), relatedMost)]
	accounts, err := d.alerts.Accounts(ctx, ids)
	if err != nil {
		return nil, err
	}
	related := []any{}
	for _, id := range ids {
		cases, err := d.alerts.CasesOn(ctx, id)
		if err != nil {
			return nil, err
		}
		on := []any{}
		for _, x := range cases[:min(len(cases), 5)] {
			on = append(on, map[string]any{"id": x.Insight.ID, "readableId": x.ReadableID(), "level": levelOfInsight(x), "status": x.Status})
		}
		e := entityOf(id)
		e.Shown = cmp.Or(accounts[id].Shown, e.Value)
		related = append(related, struct {
			entity
			Signals  int   `json:"signals"`
			Insights []any `json:"insights"`
		}{e, accounts[id].Signals, on})
	}
	var pack any
	var proc any
	if s := top(i); s != nil {
		if p := d.packageOf(s.RuleID, s.Tags); p != nil {
			pack = map[string]any{"name": p.Name, "dir": p.Dir, "technique": p.Technique(), "guide": p.Guide != "", "playbook": p.Playbook != ""}
		}
		if p := d.evidence(ctx, s).process(); p.GUID != "" || p.PID != "" {
			proc = p
		}
	}
	took := func(t int64) *int64 {
		if t < 0 {
			return nil
		}
		return &t
	}
	return struct {
		*row
		Comments      []any  `json:"comments"`
		Description   string `json:"description"`
		Related       []any  `json:"related"`
		Package       any    `json:"package"`
		Process       any    `json:"process"`
		ToDetection   *int64 `json:"timeToDetection"`
		ToResponse    *int64 `json:"timeToResponse"`
		ToRemediation *int64 `json:"timeToRemediation"`
	}{rows[0], comments, i.Description, related, pack, proc, took(c.Detection()), took(c.Response()), took(c.Remediation())}, nil
}

func levelOfInsight(c *insight.Case) string {
	switch c.Severity {
	case insight.Critical:
		return "critical"
	case insight.High:
		return "high"
	case insight.Medium:
		return "medium"
	}
	return "low"
}

// context is what else is known of an insight's entity, and what is to be done first.
func (d *Desk) context(r *http.Request) (any, error) {
	ctx := r.Context()
	c, err := d.insightOf(r)
	if err != nil {
		return nil, err
	}
	cases, err := d.alerts.CasesOn(ctx, c.Insight.Entity.ID())
	if err != nil {
		return nil, err
	}
	cases = slices.DeleteFunc(cases, func(x *insight.Case) bool { return x.Status == insight.Closed || x.Insight.ID == c.Insight.ID })
	rows, err := d.rows(ctx, append([]*insight.Case{c}, cases...))
	if err != nil {
		return nil, err
	}
	others := []other{}
	for _, x := range rows[1:] {
		others = append(others, otherOf(x))
	}
	var next any
	if rows[0].Next != "" {
		next = map[string]any{"text": rows[0].Next, "signal": rows[0].Strongest.ID, "rule": rows[0].Strongest.Rule}
	}
	return map[string]any{"others": others, "next": next, "history": rows[0].History}, nil
}

// step is an entry of an insight's history.
type entry struct {
	At   int64  `json:"at"`
	By   string `json:"by"`
	What string `json:"what"`
	From string `json:"from"`
	To   string `json:"to"`
	Text string `json:"text"`
	Step string `json:"step,omitempty"`
}

// history is all that was done about an insight, the oldest first.
func (d *Desk) history(r *http.Request) (any, error) {
	c, err := d.insightOf(r)
	if err != nil {
		return nil, err
	}
	out := []entry{{At: c.Created, What: "made", By: "gyoji", Text: "made of " + plural(len(c.Insight.Signals), "signal")}}
	for _, e := range c.History {
		out = append(out, entry{At: e.At, By: e.By, What: e.What, From: e.From, To: e.To})
	}
	more, err := d.guided(r.Context(), c.Insight.ID)
	if err != nil {
		return nil, err
	}
	out = append(out, more...)
	slices.SortStableFunc(out, func(a, b entry) int { return cmp.Compare(a.At, b.At) })
	return map[string]any{"entries": out}, nil
}

// entityOf reads an entity's id.
func entityOf(id string) entity {
	e := entity{ID: id, Value: id}
	if typ, rest, ok := strings.Cut(id, "-"); ok {
		e.Type, e.Value = typ, strings.ReplaceAll(rest, "--", "-")
	}
	return e
}
