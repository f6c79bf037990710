package evtxtest

import (
	"bytes"
	"math/rand/v2"
)

// Mutants are n damaged copies of a log or a chunk, the same ones every time: up
// to four places each, where a byte is turned, a number made an extreme one, a
// stretch copied to elsewhere or zeroed, or the end cut off.
func Mutants(data []byte, n int) (out [][]byte) {
	rnd := rand.New(rand.NewPCG(7, uint64(len(data))))
	for range n {
		m := bytes.Clone(data)
		for range 1 + rnd.IntN(4) {
			at := rnd.IntN(len(m) - 8)
			switch rnd.IntN(6) {
			case 0, 1:
				m[at] ^= 1 << rnd.IntN(8)
			case 2:
				m[at] = byte(rnd.Uint32())
			case 3:
				copy(m[at:at+4], [][]byte{{0, 0, 0, 0}, {0xff, 0xff, 0xff, 0xff}, {0, 0, 1, 0}, {0xff, 0xff, 0, 0}}[rnd.IntN(4)])
			case 4:
				from := rnd.IntN(len(m) - 8)
				copy(m[at:], m[from:from+rnd.IntN(min(64, len(m)-from))])
			case 5:
				if rnd.IntN(4) == 0 {
					m = m[:max(at, 64)]
				} else {
					clear(m[at:min(at+rnd.IntN(200), len(m))])
				}
			}
		}
		out = append(out, m)
	}
	return out
}
