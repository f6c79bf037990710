// Package folder says what a folder that a user names is taken to hold.
package folder

import (
	"io/fs"
	"strings"
)

// Hidden reports whether a name found below a folder is left out: it begins with a dot,
// as do the settings and copies that programs keep there (.git, .gyoji-base, .DS_Store).
// What a user names is read whatever its name.
func Hidden(name string) bool { return strings.HasPrefix(name, ".") }

// Visible is visit for fs.WalkDir and filepath.WalkDir, without what is hidden below root.
func Visible(root string, visit fs.WalkDirFunc) fs.WalkDirFunc {
	return func(path string, d fs.DirEntry, err error) error {
		if d == nil || path == root || !Hidden(d.Name()) {
			return visit(path, d, err)
		}
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
}
