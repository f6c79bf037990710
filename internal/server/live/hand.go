package live

import (
	"context"
	"time"
)

// handSchema says of entities that are suppressed by hand who did it, until when, and why.
const handSchema = `
ALTER TABLE live_entity ADD COLUMN hand_by TEXT NOT NULL DEFAULT '';
ALTER TABLE live_entity ADD COLUMN hand_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE live_entity ADD COLUMN hand_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE live_entity ADD COLUMN hand_reason TEXT NOT NULL DEFAULT '';
`

// Suppression is who suppressed an entity, until when, and why.
type Suppression struct {
	By     string
	At     time.Time
	Until  time.Time // zero for without end
	Reason string
}

// stamped is a time in ms, 0 for none.
func stamped(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// byHand is what people have said of entities, as rules are to know it at a time: which are
// suppressed, and the criticality of each that has one. next is when that changes by itself,
// zero for never.
func (a *Alerts) byHand(ctx context.Context, now time.Time) (suppressed map[string]bool, critical map[string]string, next time.Time, err error) {
	rows, err := a.db.QueryContext(ctx, `SELECT id, suppressed, hand_until, criticality FROM live_entity WHERE suppressed != 0 OR criticality != ''`)
	if err != nil {
		return nil, nil, next, err
	}
	defer rows.Close()
	suppressed, critical = map[string]bool{}, map[string]string{}
	for rows.Next() {
		var id, name string
		var on bool
		var until int64
		if err := rows.Scan(&id, &on, &until, &name); err != nil {
			return nil, nil, next, err
		}
		if on && (until == 0 || until > now.UnixMilli()) {
			suppressed[id] = true
			if end := time.UnixMilli(until); until != 0 && (next.IsZero() || end.Before(next)) {
				next = end
			}
		}
		if name != "" {
			critical[id] = name
		}
	}
	return suppressed, critical, next, rows.Err()
}

// hand gives the rules that run what people have said of entities, if that has changed. It
// takes effect at one place: between what was judged before, and what is judged after.
func (x *running) hand(ctx context.Context, now time.Time) error {
	if changed := x.alerts.hand.Swap(false); !changed && x.handed && (x.next.IsZero() || now.Before(x.next)) {
		return nil
	}
	suppressed, critical, next, err := x.alerts.byHand(ctx, now)
	if err != nil {
		x.alerts.hand.Store(true)
		return err
	}
	c := x.tenant.Content
	c.Suppressed, c.Critical, x.next, x.handed = suppressed, critical, next, true
	return nil
}
