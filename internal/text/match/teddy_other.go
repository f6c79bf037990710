//go:build !amd64 || purego

package match

const hasTeddy = false

func teddy(*teddyMasks, *byte, int, int, *[32]byte) (int, uint32) {
	panic("bug: teddy called where there is none")
}
