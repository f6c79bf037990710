package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver
)

// catalogueName is the SQLite file of what is where, and of the small state of others.
const catalogueName = "gyoji.db"

// Migration is what a package keeps in the store's database. Its steps are run once
// each, in order, for good: a later version adds steps and changes none.
type Migration struct {
	Package string
	Steps   []string // SQL
}

// DB is the store's database, with a package's tables in it. They are named after the
// package, so that those of two do not meet. Errors are of SQLite, or say that a later
// gyoji has been here.
func (s *Store) DB(m Migration) (*sql.DB, error) {
	if s.db == nil {
		return nil, errRead
	}
	if err := migrate(s.db, m); err != nil {
		return nil, err
	}
	return s.db, nil
}

func migrate(db *sql.DB, m Migration) error {
	tx, err := db.Begin()
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec(`CREATE TABLE IF NOT EXISTS migrations (package TEXT PRIMARY KEY, steps INTEGER NOT NULL)`); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	done := 0
	err = tx.QueryRow(`SELECT steps FROM migrations WHERE package = ?`, m.Package).Scan(&done)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("store: %w", err)
	}
	if done > len(m.Steps) {
		return fmt.Errorf("store: %s has %d steps in %s, and this gyoji knows %d: use the gyoji that wrote it, or a later one", m.Package, done, catalogueName, len(m.Steps))
	}
	if done == len(m.Steps) && err == nil {
		return nil
	}
	for i, step := range m.Steps[done:] {
		if _, err := tx.Exec(step); err != nil {
			return fmt.Errorf("store: %s, step %d: %w", m.Package, done+i+1, err)
		}
	}
	if _, err := tx.Exec(`INSERT INTO migrations VALUES (?, ?) ON CONFLICT (package) DO UPDATE SET steps = excluded.steps`, m.Package, len(m.Steps)); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return tx.Commit()
}

// catalogueSteps are the store's own tables. sealed is up to where the log is in segments.
var catalogueSteps = Migration{"store", []string{`
CREATE TABLE segment (
	name TEXT PRIMARY KEY, kind INTEGER NOT NULL, categories TEXT NOT NULL,
	min_time INTEGER NOT NULL, max_time INTEGER NOT NULL, untimed INTEGER NOT NULL,
	min_receipt INTEGER NOT NULL, max_receipt INTEGER NOT NULL,
	min_seq INTEGER NOT NULL, max_seq INTEGER NOT NULL,
	messages INTEGER NOT NULL, raw_bytes INTEGER NOT NULL, file_bytes INTEGER NOT NULL, filter_bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE sealed (only INTEGER PRIMARY KEY CHECK (only = 1), seq INTEGER NOT NULL) STRICT;
CREATE TABLE hold (
	id INTEGER PRIMARY KEY, category TEXT NOT NULL, from_time INTEGER NOT NULL, to_time INTEGER NOT NULL,
	reason TEXT NOT NULL, made INTEGER NOT NULL
) STRICT;
CREATE TABLE dropped (at INTEGER NOT NULL, why TEXT NOT NULL, messages INTEGER NOT NULL, raw_bytes INTEGER NOT NULL, file_bytes INTEGER NOT NULL, name TEXT NOT NULL) STRICT;
CREATE TABLE damaged (file TEXT NOT NULL, at INTEGER NOT NULL, bytes INTEGER NOT NULL, kept TEXT NOT NULL, problem TEXT NOT NULL, PRIMARY KEY (file, at)) STRICT;
`, `ALTER TABLE segment ADD COLUMN put_in INTEGER NOT NULL DEFAULT 0`, `
CREATE TABLE asked (day INTEGER NOT NULL, name TEXT NOT NULL, queries INTEGER NOT NULL, PRIMARY KEY (day, name)) STRICT`}}

// openCatalogue opens the database, and makes it where there is none.
func (s *Store) openCatalogue() error {
	path := filepath.Join(s.dir, catalogueName)
	_, err := os.Stat(path)
	none := errors.Is(err, os.ErrNotExist)
	if none {
		if names, err := os.ReadDir(filepath.Join(s.dir, segmentDir)); err == nil && len(names) > 0 {
			return s.noCatalogue("no catalogue")
		}
		if s.o.ReadOnly { // a store of an ingest alone that did not live to make it
			return nil
		}
	}
	with := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)", "foreign_keys(1)"}, "_txlock": {"immediate"}}
	if s.o.ReadOnly {
		with = url.Values{"_pragma": {"busy_timeout(10000)", "query_only(1)"}}
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: with.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if s.o.ReadOnly {
		if err := readable(db); err != nil {
			db.Close()
			if db, err = s.openUnwritable(path, err); err != nil {
				return err
			}
		}
		s.reading = db
		return nil
	}
	if none {
		if f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err == nil { // SQLite's own would be for all to read
			f.Close()
		}
	}
	if err := migrate(db, catalogueSteps); err != nil {
		db.Close()
		return fmt.Errorf("%s: %w. Where it is damaged, put the catalogue of a backup there", path, err)
	}
	s.db, s.reading = db, db
	return nil
}

// readable reports why a database cannot be read.
func readable(db *sql.DB) error {
	n := 0
	return db.QueryRow(`SELECT count(*) FROM migrations`).Scan(&n)
}

// openUnwritable opens the catalogue in a folder that may not be written to, where SQLite
// cannot make the files that it reads a log of its own by: it is read as it is, or, where a
// process has left such a log, as a copy elsewhere. why is what went wrong before.
func (s *Store) openUnwritable(path string, why error) (*sql.DB, error) {
	at := path
	if st, err := os.Stat(path + "-wal"); err == nil && st.Size() > 0 {
		dir, err := os.MkdirTemp("", "gyoji-catalogue-")
		if err != nil {
			return nil, err
		}
		s.copied = dir
		at = filepath.Join(dir, catalogueName)
		for _, end := range []string{"", "-wal"} {
			data, err := os.ReadFile(path + end)
			if err == nil {
				err = os.WriteFile(at+end, data, 0o600)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	abs, err := filepath.Abs(at)
	if err != nil {
		return nil, err
	}
	with := url.Values{"_pragma": {"busy_timeout(10000)", "query_only(1)"}}
	if at == path { // the lock of the folder keeps others from changing it
		with["mode"], with["immutable"] = []string{"ro"}, []string{"1"}
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: with.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if readable(db) != nil {
		db.Close()
		return nil, fmt.Errorf("%s: %w", path, why)
	}
	return db, nil
}

// sealedTo is up to which position the log has been made into segments.
func (s *Store) sealedTo() (seq uint64, err error) {
	if s.reading == nil {
		return 0, nil
	}
	var n int64
	err = s.reading.QueryRow(`SELECT seq FROM sealed`).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return uint64(n), err
}

// inTx runs statements in one transaction.
func (s *Store) inTx(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}
