package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// Retention says how long what is put in is kept. What is held is kept in any case.
type Retention struct {
	Days       int    // since it was put in; 0 keeps it without end
	Categories []Keep // before Days, the first that fits
	MaxBytes   int64  // that the store may have on disk; 0 is no limit. The oldest segments go first
}

// Keep is how long what is of some categories is kept.
type Keep struct {
	Category string // pattern with * and ?
	Days     int    // 0 keeps it without end
}

// days is how long a segment is kept; 0 keeps it without end. One of several categories is kept
// as long as the longest of them.
func (r *Retention) days(g *Segment) int {
	longest := -1
	add := func(days int) {
		if days == 0 || longest == 0 {
			longest = 0
			return
		}
		longest = max(longest, days)
	}
	for _, c := range g.Categories {
		i := slices.IndexFunc(r.Categories, func(k Keep) bool { return c != "" && fits(k.Category, c) })
		if i >= 0 {
			add(r.Categories[i].Days)
			continue
		}
		add(r.Days)
		if c == "" { // it may have messages of any
			for _, k := range r.Categories {
				add(k.Days)
			}
		}
	}
	return max(longest, 0)
}

// Dropped is a segment that retention has removed.
type Dropped struct {
	Segment
	Why string
}

// Expire removes what has been kept long enough, and the oldest of what is too much.
func (s *Store) Expire(ctx context.Context, r Retention, now time.Time) (out []Dropped, err error) {
	if s.db == nil {
		return nil, errRead
	}
	s.work.Lock()
	defer s.work.Unlock()
	s.log.mu.Lock()
	all := slices.Clone(s.segments)
	size := s.log.bytes
	for _, g := range all {
		size += g.FileBytes + g.FilterBytes
	}
	slices.SortFunc(all, func(a, b *segment) int {
		return cmp.Or(cmp.Compare(a.PutIn, b.PutIn), cmp.Compare(a.MaxTime, b.MaxTime), cmp.Compare(a.Name, b.Name))
	})
	var old []*segment
	for _, g := range all {
		days := r.days(&g.Segment)
		why := ""
		switch {
		case g.Held:
		case days > 0 && now.UnixMilli()-g.PutIn > int64(days)*24*60*60*1000:
			why = fmt.Sprintf("kept for %d days", days)
		case r.MaxBytes > 0 && size > r.MaxBytes:
			why = fmt.Sprintf("the store has more than %d bytes", r.MaxBytes)
		}
		if why == "" {
			continue
		}
		size -= g.FileBytes + g.FilterBytes
		old = append(old, g)
		out = append(out, Dropped{g.Segment, why})
	}
	s.log.mu.Unlock()
	if len(old) == 0 {
		return nil, nil
	}
	err = s.replace(ctx, nil, old, 0, func(tx *sql.Tx) error {
		for _, d := range out {
			if _, err := tx.Exec(`INSERT INTO dropped VALUES (?, ?, ?, ?, ?, ?)`, now.UnixMilli(), d.Why, d.Messages, d.RawBytes, d.FileBytes+d.FilterBytes, d.Name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, d := range out {
		s.expired.Add(d.Messages)
		s.o.Told(fmt.Sprintf("%s: %d messages are removed: %s", d.Name, d.Messages, d.Why))
	}
	return out, nil
}
