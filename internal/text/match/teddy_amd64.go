//go:build amd64 && !purego

package match

import "golang.org/x/sys/cpu"

var hasTeddy = cpu.X86.HasAVX2

// teddy looks for the first block of 32 places, of those that begin at a
// multiple of 32 and lie with their fingerprints inside the n bytes at text,
// that has a candidate. It returns where the block begins, a bit for each place
// with a candidate, and in found the buckets by place. Without a candidate
// places is 0 and pos the last block looked at. The bytes of a fingerprint stand
// stride apart; n is at least 32 and three strides.
//
//go:noescape
func teddy(masks *teddyMasks, text *byte, n, stride int, found *[32]byte) (pos int, places uint32)
