package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMigrationsRunOnceAndInOrder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	m := Migration{"lookup", []string{"CREATE TABLE lookup_a (x TEXT)", "INSERT INTO lookup_a VALUES ('one')"}}
	for range 2 {
		if _, err := s.DB(m); err != nil {
			t.Fatal(err)
		}
	}
	s.Close(t.Context())
	s = open(t, dir, Options{})
	m.Steps = append(m.Steps, "INSERT INTO lookup_a VALUES ('two')")
	db, err := s.DB(m)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := db.QueryRow("SELECT count(*) FROM lookup_a").Scan(&n); err != nil || n != 2 {
		t.Errorf("%d rows, %v; want 2: each step once", n, err)
	}
	m.Steps = m.Steps[:1]
	if _, err := s.DB(m); err == nil || !strings.Contains(err.Error(), "later") {
		t.Errorf("an older gyoji: %v", err)
	}
	if _, err := s.DB(Migration{"broken", []string{"CREATE TABLE broken_a (x)", "no SQL"}}); err == nil || !strings.Contains(err.Error(), "broken, step 2") {
		t.Errorf("a broken step: %v", err)
	}
	if _, err := s.DB(Migration{"broken", []string{"CREATE TABLE broken_a (x)"}}); err != nil {
		t.Errorf("a migration that failed left something: %v", err)
	}
}

func TestSegmentsWithoutACatalogueAreNotTakenForNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	s.Close(t.Context())
	if err := os.WriteFile(filepath.Join(dir, segmentDir, "a.parquet"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{catalogueName, catalogueName + "-wal", catalogueName + "-shm"} {
		os.Remove(filepath.Join(dir, n))
	}
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "catalogue") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, segmentDir, "a.parquet")); err != nil {
		t.Error(err)
	}
}

// TestACatalogueThatCannotBeWritten: a store in a folder that nothing may be written to is
// read, as it was closed and as a process that was killed has left it.
func TestACatalogueThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	put(t, s, messages("one"))
	seal(t, s, true)
	killed := filepath.Join(t.TempDir(), "killed")
	if err := os.CopyFS(killed, os.DirFS(dir)); err != nil { // with SQLite's own log
		t.Fatal(err)
	}
	os.Remove(filepath.Join(killed, catalogueName+"-shm"))
	s.Close(t.Context())
	for _, d := range []string{dir, killed} {
		path := filepath.Join(d, catalogueName)
		r := &Store{dir: d}
		db, err := r.openUnwritable(path, errRead)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		if err := db.QueryRow(`SELECT count(*) FROM segment`).Scan(&n); err != nil || n != 1 {
			t.Errorf("%d segments, %v", n, err)
		}
		r.reading = db
		if err := r.closeCatalogue(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(r.copied, catalogueName)); r.copied != "" && err == nil {
			t.Error("the copy stays")
		}
		if _, err := os.Stat(path + "-shm"); err == nil {
			t.Error("something was written beside it")
		}
	}
}
