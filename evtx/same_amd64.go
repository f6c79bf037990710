//go:build amd64 && !purego

package evtx

import "golang.org/x/sys/cpu"

var hasSameFree = cpu.X86.HasAVX2

// sameFree is sameWords, of blocks of 32 bytes of which there is one at least.
//
//go:noescape
func sameFree(a, b *byte, free *uint32, blocks int) bool
