//go:build amd64 && !purego

package evtx

import "unsafe"

// narrow is narrowWords, sixteen characters at a time.
func narrow(dst, src []byte, json bool) ([]byte, int) {
	read, wrote := narrow16(unsafe.SliceData(dst[len(dst):cap(dst)]), unsafe.SliceData(src), len(src)/2, json)
	return dst[:len(dst)+wrote], read
}

// narrow16 is narrow of n characters of src. It may write over the whole room of
// dst, and reads, but does not look at, what stands after src in its page.
//
//go:noescape
func narrow16(dst, src *byte, n int, json bool) (read, wrote int)
