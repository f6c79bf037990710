package store

import "os"

// removed reports whether a file has no name any more, which one that is open has here.
func removed(*os.File) bool { return false }
