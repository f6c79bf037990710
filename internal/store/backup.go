package store

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Backup writes what the store holds now into a folder, which must be empty or not exist:
// a store of its own, that Open opens. Segments, which never change, are linked where the
// file system can.
func (s *Store) Backup(ctx context.Context, to string) error {
	if rel, err := filepath.Rel(abs(s.dir), abs(to)); err == nil && filepath.IsLocal(rel) {
		return fmt.Errorf("%s is in the store %s: a backup of it would be part of itself", to, s.dir)
	}
	if err := emptyFolder(to); err != nil {
		return err
	}
	return s.copies(ctx, to, &intoFolder{folder: folder{root: to}, made: map[string]bool{}})
}

// BackupTo writes what the store holds now as a tar archive, while others go on writing to
// the store: what was acknowledged before the call is in it. Its last file is VERSION, so
// that an archive that was cut short is no store.
func (s *Store) BackupTo(ctx context.Context, w io.Writer) error {
	if s.o.ReadOnly {
		return errRead
	}
	work := filepath.Join(s.dir, copyingDir)
	if err := os.MkdirAll(work, 0o700); err != nil {
		return err
	}
	t := intoTar{tar.NewWriter(w)}
	if err := s.copies(ctx, work, t); err != nil {
		return err
	}
	return t.Close()
}

// copying is where the files of a backup go. A name has slashes, and is below the folder.
type copying interface {
	// file copies the first size bytes of one. from is its path, "" for what has none that
	// stays.
	file(ctx context.Context, name, from string, r io.ReaderAt, size int64) error
	// end is called after the last.
	end() error
}

// copies hands out all files of a backup. Log, segments and catalogue are of one moment:
// what others have noted in the database of how far in the log they are is not beyond what
// is copied of it. work is a folder for what is needed meanwhile.
func (s *Store) copies(ctx context.Context, work string, to copying) error {
	snap, database, err := s.pinAll(ctx, work)
	if err != nil {
		return err
	}
	defer snap.Close()
	if database != "" {
		defer os.RemoveAll(filepath.Dir(database))
		if err := copyPath(ctx, to, catalogueName, database); err != nil {
			return err
		}
	}
	for _, g := range snap.segs {
		for _, n := range g.names() {
			from := filepath.Join(s.dir, filepath.FromSlash(n))
			if _, err := os.Stat(from); errors.Is(err, os.ErrNotExist) {
				from += newSuffix // see replace
			}
			if err := copyPath(ctx, to, n, from); err != nil {
				return err
			}
		}
	}
	for _, f := range snap.files {
		size := int64(0) // what came since the snapshot began new runs, or made the last longer
		for _, r := range snap.runs {
			if r.file == f {
				size = max(size, r.off+r.size)
			}
		}
		if err := to.file(ctx, f.name, "", f.f, size); err != nil {
			return err
		}
	}
	if err := s.copyOthers(ctx, to); err != nil {
		return err
	}
	version := strconv.Itoa(FormatVersion) + "\n"
	if err := to.file(ctx, versionFile, "", strings.NewReader(version), int64(len(version))); err != nil {
		return err
	}
	return to.end()
}

// pinAll pins what there is, with a copy of the database that is of the same moment, in a
// folder of its own in work; "" where there is none.
func (s *Store) pinAll(ctx context.Context, work string) (_ *Snapshot, database string, err error) {
	s.work.Lock() // the catalogue and the segments stay as they are
	defer s.work.Unlock()
	if s.reading == nil {
		return s.Snapshot(View{}), "", nil
	}
	dir, err := os.MkdirTemp(work, "catalogue-")
	if err != nil {
		return nil, "", err
	}
	database = filepath.Join(dir, catalogueName)
	if err := s.copyCatalogue(ctx, database); err != nil {
		os.RemoveAll(dir)
		return nil, "", fmt.Errorf("store: copy the catalogue: %w", err)
	}
	return s.Snapshot(View{}), database, nil // after the database
}

// copyingDir is where a backup in the making has its copy of the database. What a process
// left there that ended is removed at the next start.
const copyingDir = "backup.new"

// notCopied are the names in a store's folder that a backup makes itself, or has no use for.
var notCopied = []string{versionFile, lockName, logDir, segmentDir, quarantineDir, copyingDir, catalogueName, catalogueName + "-wal", catalogueName + "-shm", "jobs"}

// copyOthers copies what a server keeps beside the store: keys, sources, lookup tables.
func (s *Store) copyOthers(ctx context.Context, to copying) error {
	return filepath.WalkDir(s.dir, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) && name != s.dir {
			return nil // a server replaces such files whole, by others of another name
		}
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
		case !d.Type().IsRegular():
			return nil
		}
		if err := copyPath(ctx, to, filepath.ToSlash(rel), name); !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	})
}

// copyPath copies a file by its path, as long as it is now.
func copyPath(ctx context.Context, to copying, name, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	return to.file(ctx, name, from, f, st.Size())
}

// intoFolder makes a folder of a backup.
type intoFolder struct {
	folder
	made map[string]bool // folders
}

// makeDir makes a folder of the backup, once.
func (o *intoFolder) makeDir(name string) error {
	if o.made[name] {
		return nil
	}
	o.made[name] = true
	return os.MkdirAll(o.path(name), 0o700)
}

func (o *intoFolder) file(ctx context.Context, name, from string, r io.ReaderAt, size int64) error {
	if name == versionFile { // last: what has none is no store
		if err := o.ready(); err != nil {
			return err
		}
	}
	if err := o.makeDir(path.Dir(name)); err != nil {
		return err
	}
	if path.Dir(name) == segmentDir && os.Link(from, o.path(name)) == nil {
		return nil
	}
	f, err := o.Create(name)
	if err != nil {
		return err
	}
	a := &appender{f: f}
	_, err = io.Copy(a, &interrupted{ctx, io.NewSectionReader(r, 0, size)})
	return errors.Join(err, a.finish())
}

// ready makes what is there durable.
func (o *intoFolder) ready() error {
	for _, d := range []string{logDir, segmentDir, quarantineDir} {
		if err := o.makeDir(d); err != nil {
			return err
		}
	}
	for d := range o.made {
		if err := o.SyncDir(d); err != nil {
			return err
		}
	}
	return nil
}

func (o *intoFolder) end() error { return o.SyncDir(".") }

// intoTar makes an archive of a backup.
type intoTar struct{ *tar.Writer }

func (t intoTar) file(ctx context.Context, name, _ string, r io.ReaderAt, size int64) error {
	err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: time.Now().Truncate(time.Second)})
	if err != nil {
		return err
	}
	_, err = io.Copy(t.Writer, &interrupted{ctx, io.NewSectionReader(r, 0, size)})
	return err
}

func (t intoTar) end() error { return nil }

// interrupted reads until a context ends.
type interrupted struct {
	ctx context.Context
	r   io.Reader
}

func (i *interrupted) Read(b []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(b)
}

// Unpack makes a folder, which must be empty or not exist, of the archive that BackupTo
// writes. What is no such archive, or not all of one, is refused.
func Unpack(ctx context.Context, r io.Reader, to string) error {
	if err := emptyFolder(to); err != nil {
		return err
	}
	out := &intoFolder{folder: folder{root: to}, made: map[string]bool{}}
	archive := tar.NewReader(&interrupted{ctx, r})
	for {
		h, err := archive.Next()
		if err == io.EOF {
			return errors.New("the backup was cut short: it is not all there")
		}
		if err != nil {
			return fmt.Errorf("the backup cannot be read: %w", err)
		}
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(filepath.FromSlash(h.Name)) || path.Clean(h.Name) != h.Name {
			return fmt.Errorf("%q is no name of a file in a backup", h.Name)
		}
		if h.Name == versionFile {
			text, err := io.ReadAll(io.LimitReader(archive, 64))
			if err == nil {
				_, err = archive.Next() // that all of it has come
			}
			if err != io.EOF {
				return errors.New("the backup was cut short: it is not all there")
			}
			if err := out.ready(); err != nil {
				return err
			}
			return writeFile(out.folder, versionFile, text)
		}
		if err := out.makeDir(path.Dir(h.Name)); err != nil {
			return err
		}
		f, err := out.Create(h.Name)
		if err != nil {
			return err
		}
		a := &appender{f: f}
		_, err = io.Copy(a, archive)
		if err = errors.Join(err, a.finish()); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
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
		if err := g.file.CheckFilters(); err != nil && g.FilterBytes > 0 {
			s.told(g.base()+filterSuffix, fmt.Errorf("its token filters cannot be used: %w", err))
		}
		if err := g.file.Check(); err != nil {
			s.told(g.Name, err)
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
	if s.reading != nil {
		said := ""
		if err := s.reading.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&said); err != nil {
			said = err.Error()
		}
		if said != "ok" {
			s.told(catalogueName, errors.New("SQLite finds it damaged: "+said))
		}
	}
	return s.Stats().Damaged, nil
}

// nothing takes events.
type nothing struct{}

func (nothing) Push(*event.Batch) error { return nil }
