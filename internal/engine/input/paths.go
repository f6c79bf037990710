package input

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/folder"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
)

// Options say how paths are opened and read.
type Options struct {
	Stdin    io.Reader
	Force    *Format // read every part as this format
	Warnings *exec.Warnings
	TempDir  string // where a zip from standard input is put; "" is the system's
	// Leave are files that are left out of folders and globs: what is written meanwhile. One
	// that is named is an error.
	Leave []fs.FileInfo
	// DateOrder is that of day and month in dates; unknown has each part say it.
	DateOrder datefmt.Order
	// Copies passes over parts that hold what an earlier part holds, and the start of those
	// that begin as one does; see Reader.Copies.
	Copies bool
	// Pass, where it is set, is asked of each regular file whether it is passed over.
	Pass func(path string) bool
	// Places keeps how far Follow has come with files; nil has it read them from their start.
	Places Places
	// BlockBytes is how much is read at a time; 0 is the default. Tests make it small.
	BlockBytes int
}

// Paths makes a source of files, folders with everything below them, globs (**
// reaches into folders), and - for standard input. Hidden files and folders
// below a folder are left out; name them to have them read. What does not exist
// or may not be read becomes an error in its place.
func Paths(args []string, o Options) (Source, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("no paths to read")
	}
	return &paths{args, o}, nil
}

type paths struct {
	args []string
	o    Options
}

// PathError is a part that cannot be read.
type PathError struct {
	Path string
	Err  error
}

func (e *PathError) Error() string { return e.Path + ": " + reason(e.Err) }
func (e *PathError) Unwrap() error { return e.Err }

// reason is the innermost cause of an error: the path is named already.
func reason(err error) string {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err.Error()
	}
	return err.Error()
}

func (p *paths) Parts(ctx context.Context) iter.Seq2[*Part, error] {
	return func(yield func(*Part, error) bool) {
		index := 0
		numbered := func(m *Part, err error) bool {
			if err == nil {
				m.Index = index
				index++
			}
			return yield(m, err)
		}
		file := func(path string) bool {
			if ctx.Err() != nil {
				return false
			}
			st, err := os.Stat(path)
			if err != nil {
				return yield(nil, &PathError{path, err})
			}
			if !st.Mode().IsRegular() {
				open := func(ctx context.Context) (io.ReadCloser, error) { return openPipe(ctx, path) }
				return expand(ctx, path, -1, open, true, 0, p.o.TempDir, numbered)
			}
			if p.o.Pass != nil && p.o.Pass(path) {
				return true
			}
			open := func(context.Context) (io.ReadCloser, error) { return os.Open(path) }
			return expand(ctx, path, st.Size(), open, false, 0, p.o.TempDir, func(m *Part, err error) bool { return numbered(m, err) })
		}
		for _, arg := range p.args {
			if arg == "-" {
				open := func(ctx context.Context) (io.ReadCloser, error) { return newInterruptible(ctx, p.o.Stdin), nil }
				if !expand(ctx, "-", -1, open, true, 0, p.o.TempDir, numbered) {
					return
				}
				continue
			}
			if archive, ok := archiveOf(arg); ok {
				found := false
				all := numbered
				numbered = func(m *Part, err error) bool {
					if err == nil && m.Name != arg {
						return true
					}
					found = true
					return all(m, err)
				}
				more := file(archive)
				numbered = all
				if more && !found {
					more = yield(nil, &PathError{arg, fmt.Errorf("%s holds no file of that name", archive)})
				}
				if !more {
					return
				}
				continue
			}
			if !p.walk(arg, file, func(err error) bool {
				if errors.Is(err, errNoFile) {
					p.o.Warnings.Add("neither file nor folder, passed over; name it to have it read", false, exec.Sample{Part: err.(*PathError).Path})
					return true
				}
				return yield(nil, err)
			}) {
				return
			}
		}
	}
}

// archiveOf is the archive that a file is in which an argument names, as parts are named:
// logs.zip#in/a.evtx.
func archiveOf(arg string) (archive string, ok bool) {
	if _, err := os.Stat(arg); !errors.Is(err, fs.ErrNotExist) {
		return "", false
	}
	for i := range len(arg) {
		if arg[i] != '#' || i == 0 {
			continue
		}
		if st, err := os.Stat(arg[:i]); err == nil && st.Mode().IsRegular() {
			return arg[:i], true
		}
	}
	return "", false
}

// errNoFile is why a pipe, a socket or a device in a folder is passed over.
var errNoFile = errors.New("neither a file nor a folder")

// Walk visits the files that an argument of Paths names. What cannot be read is passed
// over.
func Walk(arg string, file func(path string) bool) {
	(&paths{}).walk(arg, file, func(error) bool { return true })
}

// left reports whether a file is one to be left out.
func (p *paths) left(path string) bool {
	if len(p.o.Leave) == 0 {
		return false
	}
	st, err := os.Stat(path)
	return err == nil && slices.ContainsFunc(p.o.Leave, func(l fs.FileInfo) bool { return os.SameFile(l, st) })
}

// walk visits what an argument names, in the order of the paths.
func (p *paths) walk(arg string, visit func(string) bool, fail func(error) bool) bool {
	file := func(path string) bool { return p.left(path) || visit(path) }
	st, err := os.Stat(arg)
	switch {
	case err == nil && !st.IsDir():
		if p.left(arg) {
			return fail(&PathError{arg, errors.New("what is printed goes into this file: it cannot be read as well")})
		}
		return visit(arg)
	case err == nil:
		return walkFolder(arg, nil, file, fail)
	case !strings.ContainsAny(arg, "*?["):
		return fail(&PathError{arg, err})
	}
	found, err := glob(arg)
	if err != nil {
		return fail(&PathError{arg, err})
	}
	if len(found) == 0 {
		return fail(&PathError{arg, fmt.Errorf("no file fits this pattern")})
	}
	for _, f := range found {
		if st, err := os.Stat(f); err == nil && st.IsDir() {
			if !walkFolder(f, nil, file, fail) {
				return false
			}
		} else if !file(f) {
			return false
		}
	}
	return true
}

// walkFolder visits the files below a folder. seen holds the real paths of the
// folders above, so that a link to one of them does not go round for ever.
func walkFolder(dir string, seen []string, file func(string) bool, fail func(error) bool) bool {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		for _, s := range seen {
			if s == real {
				return true
			}
		}
		seen = append(seen, real)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fail(&PathError{dir, err})
	}
	for _, e := range entries {
		if folder.Hidden(e.Name()) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		isDir := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			st, err := os.Stat(path)
			if err != nil {
				if !fail(&PathError{path, err}) {
					return false
				}
				continue
			}
			isDir = st.IsDir()
		} else if !isDir && !e.Type().IsRegular() {
			if !fail(&PathError{path, errNoFile}) {
				return false
			}
			continue
		}
		if isDir {
			if !walkFolder(path, seen, file, fail) {
				return false
			}
		} else if !file(path) {
			return false
		}
	}
	return true
}

// glob expands a pattern; a ** element stands for any number of folders.
func glob(pattern string) ([]string, error) {
	before, after, deep := strings.Cut(filepath.ToSlash(pattern), "**")
	if !deep {
		return filepath.Glob(pattern)
	}
	root := filepath.FromSlash(strings.TrimSuffix(before, "/"))
	if root == "" {
		root = "."
	}
	rest := strings.TrimPrefix(after, "/")
	if _, err := filepath.Match(rest, ""); err != nil {
		return nil, err
	}
	var out []string
	err := filepath.WalkDir(root, folder.Visible(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // folders that may not be read show when they are named
		}
		elements := strings.Count(rest, "/") + 1
		parts := strings.Split(filepath.ToSlash(path), "/")
		if len(parts) < elements {
			return nil
		}
		tail := strings.Join(parts[len(parts)-elements:], "/")
		if ok, _ := filepath.Match(rest, tail); ok || rest == "" {
			out = append(out, path)
		}
		return nil
	}))
	sort.Strings(out)
	return out, err
}
