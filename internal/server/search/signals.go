package search

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/live"
)

// signalsMost is how many signals are told.
const signalsMost = 2000

// Mark is a signal as it is marked over a histogram and before messages.
type Mark struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Rule     string   `json:"rule"`
	Severity int      `json:"severity"` // 0 to 10
	Time     int64    `json:"time"`     // ms
	Entity   string   `json:"entity"`
	Insight  string   `json:"insight,omitempty"`
	Messages []string `json:"messages"` // _messageId of those that made it
}

// signals answers the signals of a time range: from and to are ms, to excluded.
func (p *Page) signals(r *http.Request) (any, error) {
	q := r.URL.Query()
	from, err := strconv.ParseInt(q.Get("from"), 10, 64)
	to, err2 := strconv.ParseInt(q.Get("to"), 10, 64)
	if err != nil || err2 != nil {
		return nil, access.Bad("from and to are milliseconds since 1970.")
	}
	out := []Mark{}
	if p.o.Alerts == nil {
		return map[string]any{"signals": out, "more": false}, nil
	}
	all, more, err := p.o.Alerts.Between(r.Context(), from, to, signalsMost)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		out = append(out, markOf(s))
	}
	return map[string]any{"signals": out, "more": more}, nil
}

func markOf(s *live.Signal) Mark {
	m := Mark{ID: s.ID, Name: s.Name, Rule: s.RuleID, Severity: s.Severity, Time: s.Time, Entity: s.Shown, Insight: s.Insight, Messages: []string{}}
	for _, r := range s.Records {
		id := strconv.FormatUint(r.Pos, 10)
		if !r.Past && !slices.Contains(m.Messages, id) {
			m.Messages = append(m.Messages, id)
		}
	}
	return m
}
