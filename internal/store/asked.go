package store

import (
	"fmt"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/store/columns"
)

const (
	// askedDays is for how long it counts that a query has asked for a field.
	askedDays = 30
	// askedMax is how many fields are counted between two segments: more are of queries
	// that a program makes up.
	askedMax = 4096
)

// asked counts the fields that queries ask for, as those asked for most become columns
// of segments.
type asked struct {
	mu     sync.Mutex
	counts map[string]int // since they were last saved
}

// note counts the fields of a query.
func (a *asked) note(w *input.Want) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, slot := range w.Fields.Slots() {
		name := w.Layout.Name(slot)
		if !columns.Promotable(name) {
			continue
		}
		if a.counts == nil {
			a.counts = map[string]int{}
		}
		if _, met := a.counts[name]; met || len(a.counts) < askedMax {
			a.counts[name]++
		}
	}
}

// askedFor lists the fields that queries have asked for in the last days, those asked for
// most first.
func (s *Store) askedFor() (names []string, err error) {
	s.asked.mu.Lock()
	counts := s.asked.counts
	s.asked.counts = nil
	s.asked.mu.Unlock()
	today := time.Now().Unix() / (24 * 60 * 60)
	tx, err := s.db.Begin()
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer tx.Rollback()
	for name, n := range counts {
		if _, err := tx.Exec(`INSERT INTO asked VALUES (?, ?, ?) ON CONFLICT (day, name) DO UPDATE SET queries = queries + excluded.queries`, today, name, n); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
	}
	if _, err := tx.Exec(`DELETE FROM asked WHERE day < ?`, today-askedDays); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	rows, err := tx.Query(`SELECT name FROM asked GROUP BY name ORDER BY sum(queries) DESC, name LIMIT ?`, 4*columns.PromotedMax)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return names, tx.Commit()
}
