//go:build !unix

package input

import "os"

// fileID is "": the system's number of a file is not in what it says of one.
func fileID(os.FileInfo) string { return "" }
