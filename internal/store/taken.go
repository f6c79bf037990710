package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// takenSteps keep which files have been put in, by their absolute path: how long they were,
// the SHA-256 of their content, and whether all of it is known to have been put in.
var takenSteps = Migration{"taken", []string{`
CREATE TABLE taken_file (
	path TEXT PRIMARY KEY, size INTEGER NOT NULL, sum BLOB NOT NULL, at INTEGER NOT NULL, whole INTEGER NOT NULL
) STRICT`}}

// Taken remembers which files have been put into a store, so that one that is put in again
// can be told from a new one.
type Taken struct {
	s     *Store
	db    *sql.DB
	begun []string
}

// Before is what is known of a file that had been put in.
type Before struct {
	At    time.Time
	Same  bool // it is as it was; else it has grown since
	Whole bool // all of it was put in; else the run was ended, and some of it may not be there
}

// Taken is what a store remembers of files.
func (s *Store) Taken() (*Taken, error) {
	db, err := s.DB(takenSteps)
	return &Taken{s: s, db: db}, err
}

// Look says what is known of a file, nil where it is new. Another file under its name is new,
// and so is the same content under another name.
func (t *Taken) Look(path string) (*Before, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	var size, at int64
	var sum []byte
	var b Before
	err = t.db.QueryRow(`SELECT size, sum, at, whole FROM taken_file WHERE path = ?`, path).Scan(&size, &sum, &at, &b.Whole)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyN(h, f, size); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if !bytes.Equal(h.Sum(nil), sum) {
		return nil, nil
	}
	more, _ := f.Read(make([]byte, 1))
	b.At, b.Same = time.UnixMilli(at).UTC(), more == 0
	return &b, nil
}

// Begin notes that a file is being put in, as it is now.
func (t *Taken) Begin(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	size, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	_, err = t.db.Exec(`INSERT INTO taken_file VALUES (?, ?, ?, ?, 0) ON CONFLICT (path) DO UPDATE SET
		size = excluded.size, sum = excluded.sum, at = excluded.at, whole = 0`, path, size, h.Sum(nil), time.Now().UnixMilli())
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	t.begun = append(t.begun, path)
	return nil
}

// End notes that all files that were begun have been put in whole.
func (t *Taken) End(ctx context.Context) error {
	return t.s.inTx(ctx, func(tx *sql.Tx) error {
		for _, p := range t.begun {
			if _, err := tx.Exec(`UPDATE taken_file SET whole = 1 WHERE path = ?`, p); err != nil {
				return err
			}
		}
		t.begun = nil
		return nil
	})
}
