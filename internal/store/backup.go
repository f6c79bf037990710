package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Backup writes what the store holds now into a folder, which must be empty or not exist:
// a store of its own, that Open opens. Segments, which never change, are linked where the
// file system can.
func (s *Store) Backup(ctx context.Context, to string) (err error) {
	if rel, err := filepath.Rel(abs(s.dir), abs(to)); err == nil && filepath.IsLocal(rel) {
		return fmt.Errorf("%s is in the store %s: a backup of it would be part of itself", to, s.dir)
	}
	if err := emptyFolder(to); err != nil {
		return err
	}
	s.work.Lock() // the catalogue and the segments stay as they are
	defer s.work.Unlock()
	for _, d := range []string{logDir, segmentDir, quarantineDir} {
		if err := os.MkdirAll(filepath.Join(to, d), 0o700); err != nil {
			return err
		}
	}
	out := folder{root: to}
	if s.reading != nil {
		if err := s.copyCatalogue(ctx, filepath.Join(to, catalogueName)); err != nil {
			return fmt.Errorf("store: copy the catalogue: %w", err)
		}
		if err := os.Chmod(filepath.Join(to, catalogueName), 0o600); err != nil {
			return err
		}
	}
	// After the database: what others note there of how far in the log they are is not
	// beyond what is copied of it.
	snap := s.Snapshot(View{})
	defer snap.Close()
	for _, g := range snap.segs {
		for _, n := range g.names() {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := linkOrCopy(filepath.Join(s.dir, filepath.FromSlash(n)), out.path(n)); err != nil {
				return err
			}
		}
	}
	type piece struct {
		f    *logFile
		size int64
	}
	var pieces []piece
	s.log.mu.Lock()
	for _, f := range snap.files { // what came since the snapshot began new runs, or made the last longer
		size := int64(0)
		for _, r := range snap.runs {
			if r.file == f {
				size = max(size, r.off+r.size)
			}
		}
		pieces = append(pieces, piece{f, size})
	}
	s.log.mu.Unlock()
	for _, p := range pieces {
		if err := copyLog(ctx, p.f.f, p.size, out, p.f.name); err != nil {
			return err
		}
	}
	if err := s.copyOthers(ctx, to); err != nil {
		return err
	}
	for _, d := range []string{logDir, segmentDir, "."} {
		if err := out.SyncDir(d); err != nil {
			return err
		}
	}
	// Last, as what has none is no store.
	return writeFile(out, versionFile, []byte(strconv.Itoa(FormatVersion)+"\n"))
}

// notCopied are the names in a store's folder that a backup makes itself, or has no use for.
var notCopied = []string{versionFile, lockName, logDir, segmentDir, quarantineDir, catalogueName, catalogueName + "-wal", catalogueName + "-shm", "jobs"}

// copyOthers copies what a server keeps beside the store: keys, sources, lookup tables.
func (s *Store) copyOthers(ctx context.Context, to string) error {
	return filepath.WalkDir(s.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(s.dir, name)
		if err != nil || rel == "." {
			return err
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case slices.Contains(notCopied, rel):
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case d.IsDir():
			return os.Mkdir(filepath.Join(to, rel), 0o700)
		case !d.Type().IsRegular():
			return nil
		}
		return copyFile(name, filepath.Join(to, rel))
	})
}

// copyCatalogue writes the database as one file.
func (s *Store) copyCatalogue(ctx context.Context, to string) error {
	c, err := s.reading.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if s.o.ReadOnly { // which SQLite takes for a reason not to write elsewhere either
		if _, err := c.ExecContext(ctx, `PRAGMA query_only = 0`); err != nil {
			return err
		}
		defer c.ExecContext(context.WithoutCancel(ctx), `PRAGMA query_only = 1`)
	}
	_, err = c.ExecContext(ctx, `VACUUM INTO ?`, to)
	return err
}

// abs is a path from the root, as far as it can be told.
func abs(name string) string {
	if full, err := filepath.Abs(name); err == nil {
		return full
	}
	return name
}

// Restore makes a store of a backup in a folder that is empty or does not exist, and looks
// whether it is whole.
func Restore(ctx context.Context, from, to string, o Options) error {
	o.ReadOnly = true
	s, err := Open(from, o)
	if err != nil {
		return err
	}
	err = s.Backup(ctx, to)
	if err = errors.Join(err, s.Close(ctx)); err != nil {
		return err
	}
	o.ReadOnly = false
	if s, err = Open(to, o); err != nil {
		return err
	}
	return s.Close(ctx)
}

// emptyFolder makes a folder, or says that it has something.
func emptyFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	names, err := os.ReadDir(dir)
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("%s is not empty: nothing is written over", dir)
	}
	return err
}

func linkOrCopy(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	return copyFile(from, to)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in)
	return errors.Join(err, f.Sync(), f.Close())
}

func copyLog(ctx context.Context, from file, size int64, out folder, name string) error {
	f, err := out.Create(name)
	if err != nil {
		return err
	}
	buf := make([]byte, min(size, windowBytes))
	for at := int64(0); at < size && err == nil; {
		n := min(int64(len(buf)), size-at)
		if _, err = from.ReadAt(buf[:n], at); err == nil {
			_, err = f.WriteAt(buf[:n], at)
		}
		at += n
		if err == nil {
			err = ctx.Err()
		}
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// Verify reads all that the store holds, and returns what is damaged. It is told in
// Stats as well.
func (s *Store) Verify(ctx context.Context) ([]Damage, error) {
	snap := s.Snapshot(View{})
	defer snap.Close()
	w := &input.Want{Layout: event.NewLayout("_raw")}
	w.Fields.Add(0)
	if err := snap.Feeder().Feed(ctx, w)(0, nothing{}); err != nil {
		return nil, err
	}
	// What a query reads of a segment depends on the query: here it is all.
	for _, g := range snap.segs {
		if g.open() != nil || g.file == nil {
			continue
		}
		n := int64(0)
		for _, err := range g.file.Rows() {
			if err == nil {
				err = ctx.Err()
			}
			if errors.Is(err, context.Canceled) {
				return nil, err
			}
			if err != nil {
				s.told(g.Name, err)
				break
			}
			n++
		}
		if n != g.Messages {
			s.told(g.Name, fmt.Errorf("it gives %d messages, and the catalogue says %d", n, g.Messages))
		}
	}
	return s.Stats().Damaged, nil
}

// nothing takes events.
type nothing struct{}

func (nothing) Push(*event.Batch) error { return nil }
