package cli

import (
	"cmp"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// How much memory, in bytes, is taken before garbage is looked for at all.
const (
	// collectFrom is that of all commands: what most ever take. From the usual 4 MiB
	// on, garbage was looked for six times in the third of a second that a query
	// over 650 MiB of event logs takes, a twentieth of it.
	collectFrom = 32 << 20
	// collectRulesFrom is that of a hunt with rules. What they are made of stays, and
	// to look through it again and again while it grows took a sixth of the time of
	// a short hunt.
	collectRulesFrom = 128 << 20
)

// putOff says that the first look for garbage is yet to come.
var putOff atomic.Bool

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
	if !putOff.Load() {
		debug.SetMemoryLimit(limit)
	}
}

// collectLate puts the first look for garbage off until there is memory of some
// size. From then on, and where the environment says otherwise (GOGC, GOMEMLIMIT),
// the usual rules are in force.
func collectLate(from int64) {
	if putOff.Load() {
		debug.SetMemoryLimit(from)
		return
	}
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(-1)
	if percent != 100 || limit != math.MaxInt64 {
		debug.SetGCPercent(percent)
		return
	}
	putOff.Store(true)
	debug.SetMemoryLimit(from)
	garbage := &struct{ _ *int }{} // told of when it is found
	runtime.AddCleanup(garbage, func(struct{}) {
		debug.SetGCPercent(percent)
		limited.Lock()
		defer limited.Unlock()
		debug.SetMemoryLimit(cmp.Or(limited.limit, limit))
		putOff.Store(false)
	}, struct{}{})
}
