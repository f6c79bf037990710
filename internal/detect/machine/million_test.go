package machine

import (
	"encoding/binary"
	"os"
	"runtime"
	"testing"
)

// TestTenMillionValues measures what a first seen rule holds; docs/cloud-siem.md states it.
// GYOJI_MEASURE=1 runs it: it takes a minute.
func TestTenMillionValues(t *testing.T) {
	if os.Getenv("GYOJI_MEASURE") == "" {
		t.Skip("GYOJI_MEASURE=1 measures the memory of ten million values")
	}
	m := NewFirstSeen(0, 90*86_400_000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var value [8]byte
	for i := range MaxValues {
		binary.BigEndian.PutUint64(value[:], uint64(i))
		m.Take(&Hit{Time: int64(i), Value: string(value[:])}, func(*Firing) bool { return true })
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	state, err := m.Save()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d values: %d MB, state %d MB, forgotten %d", MaxValues, (after.HeapAlloc-before.HeapAlloc)>>20, len(state)>>20, m.Lost())
	if m.Lost() > 0 {
		t.Error("values are forgotten that should be kept")
	}
}
