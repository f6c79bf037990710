package cli

import (
	"cmp"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
)

// How much memory, in bytes, is taken before garbage is looked for at all.
const (
	// collectFrom is that of all commands: what most ever take. From the usual 4 MiB
	// on, garbage was looked for six times in the third of a second that a query
	// over 650 MiB of event logs takes, a twentieth of it.
	collectFrom = 32 << 20
	// collectRulesFrom is that of commands with rules or packages. What they are made of
	// stays, and to look through it again and again while it grows took a sixth of the
	// time of a short hunt.
	collectRulesFrom = 128 << 20
)

// putOff is up to how much memory the look for garbage is put off; 0 when the usual rules
// are in force.
var putOff atomic.Int64

// limited is the limit of memory from then on; 0 is what it was.
var limited struct {
	sync.Mutex
	limit int64
}

// collectWithin has garbage looked for more often as memory comes near a limit, unless the
// environment gives one (GOMEMLIMIT).
func collectWithin(limit int64) {
	if limit <= 0 || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	limited.Lock()
	defer limited.Unlock()
	limited.limit = limit
	if putOff.Load() == 0 {
		debug.SetMemoryLimit(limit)
	}
}

// collectLate puts the look for garbage off until there is memory of some size, and does so
// again while less than a third of it stays: the tests of a package leave 5 MiB, and
// from the usual 10 on it was looked for twenty times in a second, a quarter of their
// time. From then on, and where the environment says otherwise (GOGC, GOMEMLIMIT), the
// usual rules are in force.
func collectLate(from int64) {
	if putOff.Load() != 0 {
		putOff.Store(from)
		debug.SetMemoryLimit(from)
		return
	}
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(-1)
	if percent != 100 || limit != math.MaxInt64 {
		debug.SetGCPercent(percent)
		return
	}
	putOff.Store(from)
	debug.SetMemoryLimit(from)
	whenCollected(func() bool {
		limited.Lock()
		defer limited.Unlock()
		from := putOff.Load()
		if stays() < from/3 && (limited.limit == 0 || limited.limit > from) {
			return true
		}
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(cmp.Or(limited.limit, limit))
		putOff.Store(0)
		return false
	})
}

// whenCollected calls a function each time that garbage has been looked for, until it
// returns false.
func whenCollected(do func() (again bool)) {
	garbage := &struct{ _ *int }{} // told of when it is found
	runtime.AddCleanup(garbage, func(struct{}) {
		if do() {
			whenCollected(do)
		}
	}, struct{}{})
}

// stays is how many bytes of memory were no garbage when it was looked for last.
func stays() int64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if live[0].Value.Kind() != metrics.KindUint64 {
		return math.MaxInt64
	}
	return int64(live[0].Value.Uint64())
}
