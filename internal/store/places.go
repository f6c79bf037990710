package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// placesSteps keep how far followed files have been put in. next is the sequence number
// that the first message after that gets.
var placesSteps = Migration{"ingest", []string{`
CREATE TABLE ingest_place (
	key TEXT PRIMARY KEY, path TEXT NOT NULL, file TEXT NOT NULL, format TEXT NOT NULL,
	off INTEGER NOT NULL, lines INTEGER NOT NULL, head BLOB, last BLOB, next INTEGER NOT NULL
) STRICT`}}

// places is an input.Places.
type places struct {
	s  *Store
	db *sql.DB
}

// Places are how far files that are followed have been put into the store.
func (s *Store) Places() (input.Places, error) {
	db, err := s.DB(placesSteps)
	return places{s, db}, err
}

// Places gives what is kept, and what the log has of the files beyond that: a process may
// have ended before it was noted.
func (p places) Places() (out []input.Place, err error) {
	rows, err := p.db.Query(`SELECT path, file, format, off, lines, head, last, next FROM ingest_place`)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer rows.Close()
	from := int64(0)
	var next []int64
	for rows.Next() {
		var x input.Place
		var n int64
		if err := rows.Scan(&x.Path, &x.File, &x.Format, &x.Off, &x.Lines, &x.Head, &x.Last, &n); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		if out, next = append(out, x), append(next, n); from == 0 || n < from {
			from = n
		}
	}
	if err := rows.Err(); err != nil || len(out) == 0 {
		return out, err
	}
	snap := p.s.Snapshot(View{After: uint64(from)})
	defer snap.Close()
	w := &sealing{s: p.s, known: map[string]*known{}}
	for i := len(snap.runs) - 1; i >= 0; i-- { // oldest first
		err := w.each(context.Background(), &snap.runs[i], func(at frameAt, rest []byte) error {
			if at.kind != kindPiece {
				return nil
			}
			k, body, err := w.unpack(&at.header, rest)
			if err != nil {
				return err
			}
			for j := range out {
				x := &out[j]
				if x.Path != k.piece.Name || x.Off != k.piece.Offset || at.seq < uint64(next[j]) || x.Format == "" {
					continue
				}
				x.Off += int64(len(body))
				x.Lines += int64(bytes.Count(body, []byte{'\n'}))
				x.Last = bytes.Clone(body[max(0, len(body)-placeBytes):])
				if len(x.Head) == 0 {
					x.Head = bytes.Clone(body[:min(len(body), placeBytes)])
				}
				return nil
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// placeBytes is how much of what was read last is kept, to know a file again.
const placeBytes = 1 << 10

// Keep implements input.Places.
func (p places) Keep(all []input.Place) error {
	return p.s.inTx(context.Background(), func(tx *sql.Tx) error {
		next := int64(p.s.Stats().Next)
		for _, x := range all {
			_, err := tx.Exec(`INSERT INTO ingest_place VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
				path = excluded.path, file = excluded.file, format = excluded.format, off = excluded.off, lines = excluded.lines, head = excluded.head, last = excluded.last, next = excluded.next`,
				cmp.Or(x.File, x.Path), x.Path, x.File, x.Format, x.Off, x.Lines, x.Head, x.Last, next)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
