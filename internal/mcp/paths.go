package mcp

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// roots are the folders that tools may read. What an assistant names comes from
// anywhere, logs included, so nothing outside of them is opened: no .., no symbolic
// link, no pattern that would be expanded, no address.
type roots []string

// filesMax is how many files a folder may hold for a tool to read it whole.
const filesMax = 100000

// newRoots checks the folders that the user has named.
func newRoots(names []string) (roots, error) {
	var all roots
	for _, n := range names {
		abs, err := filepath.Abs(n)
		if err != nil {
			return nil, err
		}
		// The user may name a folder by a link; what is below it may not.
		if abs, err = filepath.EvalSymlinks(abs); err != nil {
			return nil, err
		}
		st, err := os.Stat(abs)
		if err != nil {
			return nil, err
		}
		if !st.IsDir() {
			return nil, fmt.Errorf("%s is no folder", n)
		}
		all = append(all, abs)
	}
	return all, nil
}

// path is the absolute path of a file or folder that a tool may read.
func (r roots) path(name string) (string, error) {
	switch {
	case len(r) == 0:
		return "", errors.New("no folder may be read: start gyoji mcp with --allow FOLDER")
	case name == "":
		return "", errors.New("a path is empty")
	case strings.ContainsAny(name, "*?[\x00") || strings.Contains(name, "://"):
		return "", fmt.Errorf("%q is no path: patterns and addresses are not read", name)
	}
	for part := range strings.SplitSeq(filepath.ToSlash(name), "/") {
		if part == ".." {
			return "", fmt.Errorf("%q leads upwards with .., which is not read", name)
		}
	}
	for _, root := range r {
		rel := name
		if filepath.IsAbs(name) {
			var err error
			if rel, err = filepath.Rel(root, filepath.Clean(name)); err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
				continue
			}
		} else if runtime.GOOS == "windows" && filepath.VolumeName(name) != "" {
			continue
		}
		full := filepath.Join(root, rel)
		if _, err := os.Lstat(full); err != nil {
			continue
		}
		if err := plainBelow(root, full); err != nil {
			return "", err
		}
		return full, plainInside(full)
	}
	return "", fmt.Errorf("%q is not below a folder that may be read: %s", name, strings.Join(r, ", "))
}

// plainBelow refuses a path that goes through a symbolic link below its root.
func plainBelow(root, full string) error {
	for at := full; at != root; at = filepath.Dir(at) {
		st, err := os.Lstat(at)
		if err != nil {
			return err
		}
		if st.Mode()&fs.ModeSymlink != 0 {
			return fmt.Errorf("%s is a symbolic link, which is not followed", at)
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	return nil
}

// plainInside refuses a folder that holds anything but folders and files, since that
// would be opened like them: a link to what lies elsewhere, a device that never ends.
func plainInside(full string) error {
	n := 0
	return filepath.WalkDir(full, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if t := d.Type(); t&fs.ModeSymlink != 0 {
			return fmt.Errorf("%s is a symbolic link, which is not followed; name the files beside it", path)
		} else if !d.IsDir() && !t.IsRegular() {
			return fmt.Errorf("%s is no ordinary file, and is not read", path)
		}
		if n++; n > filesMax {
			return fmt.Errorf("%s holds more than %d files; name a folder in it", full, filesMax)
		}
		return nil
	})
}

// paths are those of some names.
func (r roots) paths(names []string) (out []string, err error) {
	for _, n := range names {
		p, err := r.path(n)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}
