package server

import "testing"

// TestLimitsFitTheMachine: what the configuration leaves open is what the machine bears, what it
// says stays, and two of the longest bodies fit always.
func TestLimitsFitTheMachine(t *testing.T) {
	const gib, mib = 1 << 30, 1 << 20
	for _, c := range []struct {
		machine            int64
		given              Config
		search, bodyMemory int64
	}{
		{0, Config{}, gib, 256 * mib},
		{64 * gib, Config{}, gib, 256 * mib},
		{2 * gib, Config{}, 512 * mib, 256 * mib},
		{512 * mib, Config{}, 128 * mib, 128 * mib},
		{512 * mib, Config{SearchMemory: 3 * gib, Memory: mib}, 3 * gib, mib},
	} {
		got := c.given
		if got.fit(c.machine); got.SearchMemory != c.search || got.Memory != c.bodyMemory {
			t.Errorf("a machine of %d MiB: searches %d MiB, bodies %d MiB; want %d and %d", c.machine/mib, got.SearchMemory/mib, got.Memory/mib, c.search/mib, c.bodyMemory/mib)
		}
	}
}
