package live

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Days are counts by day, as its number since 1970.
type Days map[int64]int

// Total is the sum of the days.
func (d Days) Total() (n int) {
	for _, k := range d {
		n += k
	}
	return n
}

// Counts are the signals of each rule, and the findings of each detection, by the day of
// their times within [from, to).
func (a *Alerts) Counts(ctx context.Context, from, to int64) (map[string]Days, error) {
	all := map[string]Days{}
	for _, text := range []string{
		`SELECT rule, time / 86400000, count(*) FROM live_signal WHERE time >= ? AND time < ? GROUP BY 1, 2`,
		`SELECT detection, time / 86400000, count(*) FROM live_finding WHERE time >= ? AND time < ? GROUP BY 1, 2`,
	} {
		if err := a.each(ctx, text, []any{from, to}, func(scan func(...any) error) error {
			var id string
			var day int64
			var n int
			if err := scan(&id, &day, &n); err != nil {
				return err
			}
			if all[id] == nil {
				all[id] = Days{}
			}
			all[id][day] += n
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// LastFired is the time of the last signal of each rule and finding of each detection, in ms.
func (a *Alerts) LastFired(ctx context.Context) (map[string]int64, error) {
	all := map[string]int64{}
	return all, a.each(ctx, `SELECT rule, max(time) FROM live_signal GROUP BY 1 UNION ALL SELECT detection, max(time) FROM live_finding WHERE time IS NOT NULL GROUP BY 1`, nil, func(scan func(...any) error) error {
		var id string
		var at int64
		if err := scan(&id, &at); err != nil {
			return err
		}
		all[id] = max(all[id], at)
		return nil
	})
}

// Ends is how the closed insights with signals of each rule ended: by rule and resolution.
func (a *Alerts) Ends(ctx context.Context) (map[string]map[string]int, error) {
	all := map[string]map[string]int{}
	return all, a.each(ctx, `SELECT body FROM live_insight WHERE status = ?`, []any{insight.Closed}, func(scan func(...any) error) error {
		var text string
		if err := scan(&text); err != nil {
			return err
		}
		var c struct {
			Resolution string
			Insight    struct{ Signals []struct{ RuleID string } }
		}
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			return err
		}
		met := map[string]bool{}
		for _, s := range c.Insight.Signals {
			if met[s.RuleID] {
				continue
			}
			met[s.RuleID] = true
			if all[s.RuleID] == nil {
				all[s.RuleID] = map[string]int{}
			}
			all[s.RuleID][c.Resolution]++
		}
		return nil
	})
}

// OfRule are the last most signals of a rule, the newest first.
func (a *Alerts) OfRule(ctx context.Context, rule string, most int) ([]*Signal, error) {
	return a.signals(ctx, `WHERE rule = ? ORDER BY time DESC, number DESC LIMIT ?`, rule, most)
}

// Newest is the time of the newest event that was judged; zero before the first.
func (a *Alerts) Newest(ctx context.Context) (time.Time, error) {
	_, newest, err := a.place(ctx)
	if err != nil || newest == event.NoTime {
		return time.Time{}, err
	}
	return time.UnixMilli(newest), nil
}

func (a *Alerts) each(ctx context.Context, text string, args []any, take func(scan func(...any) error) error) error {
	rows, err := a.db.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := take(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
