//go:build unix

package store

import (
	"os"

	"golang.org/x/sys/unix"
)

// removed reports whether a file has no name any more: what is written to it is gone once it
// is closed.
func removed(f *os.File) bool {
	var st unix.Stat_t
	return unix.Fstat(int(f.Fd()), &st) == nil && st.Nlink == 0
}
