package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// Hold keeps what it is about from being removed, whatever retention says.
type Hold struct {
	ID       int64
	Category string // pattern with * and ?; "" or * is all
	From, To int64  // of the messages' times, ms, To excluded; 0 is open
	Reason   string
	Made     int64 // ms
}

// Hold adds a hold and returns it with its ID.
func (s *Store) Hold(ctx context.Context, h Hold) (Hold, error) {
	if s.db == nil {
		return h, errRead
	}
	h.Made = time.Now().UnixMilli()
	r, err := s.db.ExecContext(ctx, `INSERT INTO hold (category, from_time, to_time, reason, made) VALUES (?, ?, ?, ?, ?)`, h.Category, h.From, h.To, h.Reason, h.Made)
	if err == nil {
		h.ID, err = r.LastInsertId()
	}
	if err != nil {
		return h, fmt.Errorf("store: %w", err)
	}
	return h, s.loadHolds()
}

// ErrNoHold says that there is no hold of a number.
var ErrNoHold = errors.New("store: there is no such hold")

// Release ends a hold. Errors are ErrNoHold, or the database's.
func (s *Store) Release(ctx context.Context, id int64) error {
	if s.db == nil {
		return errRead
	}
	r, err := s.db.ExecContext(ctx, `DELETE FROM hold WHERE id = ?`, id)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if n, err := r.RowsAffected(); err == nil && n == 0 {
		return ErrNoHold
	}
	return s.loadHolds()
}

// Holds lists the holds, oldest first.
func (s *Store) Holds() []Hold {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return append([]Hold(nil), s.holds...)
}

func (s *Store) loadHolds() error {
	rows, err := s.reading.Query(`SELECT id, category, from_time, to_time, reason, made FROM hold ORDER BY id`)
	if err != nil {
		return fmt.Errorf("store: catalogue: %w", err)
	}
	defer rows.Close()
	var holds []Hold
	for rows.Next() {
		var h Hold
		if err := rows.Scan(&h.ID, &h.Category, &h.From, &h.To, &h.Reason, &h.Made); err != nil {
			return fmt.Errorf("store: catalogue: %w", err)
		}
		holds = append(holds, h)
	}
	if err := rows.Err(); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("store: catalogue: %w", err)
	}
	if s.log != nil {
		s.log.mu.Lock()
		defer s.log.mu.Unlock()
	}
	s.holds = holds
	s.noteHolds()
	return nil
}

// noteHolds marks the segments that are held. The log's lock is held.
func (s *Store) noteHolds() {
	for _, g := range s.segments {
		g.Held = false
		for _, h := range s.holds {
			g.Held = g.Held || h.covers(&g.Segment)
		}
	}
}

// covers reports whether a segment may have messages that are held.
func (h *Hold) covers(g *Segment) bool {
	if g.Untimed == 0 && (h.From != 0 && g.MaxTime < h.From || h.To != 0 && g.MinTime >= h.To) {
		return false
	}
	for _, c := range g.Categories {
		if c == "" || fits(h.Category, c) {
			return true
		}
	}
	return false
}

// fits reports whether a category fits a pattern with * and ?, letter case aside.
func fits(pattern, category string) bool {
	if pattern == "" || pattern == "*" {
		return true
	}
	// In path.Match * ends at a slash, which categories have.
	plain := strings.NewReplacer("/", "\x00")
	ok, err := path.Match(plain.Replace(strings.ToLower(pattern)), plain.Replace(strings.ToLower(category)))
	return ok && err == nil
}
