//go:build unix

package input

import (
	"os"
	"strconv"
	"syscall"
)

// fileID is a file's device and number, by which it is known under another name.
func fileID(st os.FileInfo) string {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return strconv.FormatUint(uint64(s.Dev), 16) + ":" + strconv.FormatUint(uint64(s.Ino), 16)
	}
	return ""
}
