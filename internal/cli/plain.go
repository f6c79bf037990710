package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// plain is the text of an error for its reader: what the system said of a file becomes a
// sentence with a way out. The rest stays as it is.
func plain(err error) string {
	text := err.Error()
	ofFiles(err, func(said, path string, why error) {
		text = strings.ReplaceAll(text, said, ofPath(path, why, said))
	})
	return text
}

// ofFiles calls fn with each error of a file that an error is made of: its text, the file,
// and what the system said.
func ofFiles(err error, fn func(said, path string, why error)) {
	switch e := err.(type) {
	case *fs.PathError:
		fn(e.Error(), e.Path, e.Err)
	case *input.PathError:
		why := e.Err
		if in, ok := why.(*fs.PathError); ok {
			why = in.Err
		}
		if _, ok := why.(syscall.Errno); ok {
			fn(e.Error(), e.Path, why)
		} else {
			ofFiles(why, fn)
		}
	case interface{ Unwrap() error }:
		if in := e.Unwrap(); in != nil {
			ofFiles(in, fn)
		}
	case interface{ Unwrap() []error }:
		for _, in := range e.Unwrap() {
			ofFiles(in, fn)
		}
	}
}

// ofPath says what is wrong with a file, and what to do.
func ofPath(path string, why error, said string) string {
	is := func(err error) bool { return errors.Is(why, err) }
	switch {
	case is(fs.ErrNotExist):
		return path + ": there is no such file or folder" + nearPath(path)
	case is(fs.ErrPermission):
		return path + ": you have no permission for it; run gyoji as somebody who has, or on a copy"
	case is(syscall.EISDIR):
		return path + " is a folder; name a file"
	case is(syscall.ENOTDIR):
		return path + ": a file stands in the path where a folder is wanted"
	case is(fs.ErrExist):
		return path + ": it is there already; choose another name, or remove it first"
	case is(syscall.ENOSPC):
		return path + ": the disk is full; make room, or name another place"
	case is(syscall.EROFS):
		return path + ": the disk can only be read; name another place"
	case is(syscall.ENAMETOOLONG):
		name := []rune(path)
		return string(name[:min(40, len(name))]) + "...: the name is too long for a file; if it is the query, it comes first"
	case is(syscall.ELOOP):
		return path + ": its links lead in a circle"
	case is(syscall.EMFILE):
		return path + ": too many files are open; raise the limit (ulimit -n)"
	case is(context.Canceled):
		return said
	}
	return path + ": " + why.Error()
}

// nearPath names the file of the same folder that was probably meant, or says which folder
// is not there.
func nearPath(path string) string {
	dir, name := filepath.Split(filepath.Clean(path))
	if dir == "" {
		dir = "."
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		if up := filepath.Clean(dir); errors.Is(err, fs.ErrNotExist) && up != "." {
			return "; nor is there a folder " + up
		}
		return ""
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	if near := diag.Nearest(name, names); near != "" && near != name {
		return fmt.Sprintf("; did you mean %s?", filepath.Join(dir, near))
	}
	return ""
}
