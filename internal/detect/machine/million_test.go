package machine

import (
	"encoding/binary"
	"os"
	"runtime"
	"strconv"
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

// TestTenMillionGroups measures what a rule holds that a log gives ten million groups:
// a million of them, whatever comes, the others counted. GYOJI_MEASURE=1 runs it.
func TestTenMillionGroups(t *testing.T) {
	if os.Getenv("GYOJI_MEASURE") == "" {
		t.Skip("GYOJI_MEASURE=1 measures the memory of ten million groups")
	}
	g := &Groups{New: func() Machine { return NewThreshold(3, 3_600_000, false) }}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const all = 10_000_000
	fired := 0
	for i := range all {
		g.Take(strconv.Itoa(i), &Hit{Time: int64(i / 100)}, func(*Firing) bool { fired++; return true })
	}
	for range 2 { // a group that stayed is judged as ever
		g.Take(strconv.Itoa(all-1), &Hit{Time: all / 100}, func(*Firing) bool { fired++; return true })
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	t.Logf("%d groups came: %d are held in %d MB, %d went", all, g.Len(), (after.HeapAlloc-before.HeapAlloc)>>20, g.Evicted)
	if g.Len() != MaxGroups || g.Evicted != all-MaxGroups || fired != 1 {
		t.Errorf("%d groups, %d went, %d firings", g.Len(), g.Evicted, fired)
	}
}
