//go:build amd64 && !purego

package jsondoc

import "golang.org/x/sys/cpu"

var hasMarks = cpu.X86.HasAVX2

// markQuotes sets a bit for every quote among 64*words bytes at text; words is
// at least 1.
//
//go:noescape
func markQuotes(text *byte, words int, marks *uint64)
