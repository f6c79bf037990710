package server

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

const (
	// restEvery is how often it is looked whether the server has come to rest.
	restEvery = 5 * time.Second
	// restLong is for how many looks after that it is once more: hunts come to rest later.
	restLong = 10
)

// rest gives memory back to the system once nothing has come, and nothing was answered, for
// some seconds, and after a minute: a burst needs much that a server at rest has no use for,
// and Go would keep it for minutes.
func (s *Server) rest(ctx context.Context) {
	tick := time.NewTicker(restEvery)
	defer tick.Stop()
	seen, looks := s.done(), 0 // since it came to rest; what the start took goes back, too
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now := s.done(); now != seen || s.stats.active.Load() > 0 {
			seen, looks = now, 0
			continue
		}
		if looks++; looks == 1 || looks == restLong {
			runtime.GC() // pools keep what they hold over one collection
			debug.FreeOSMemory()
			dropProgram()
		}
	}
}

// work is how much a server has done.
type work struct {
	answered, appended, sealed int64
	live                       uint64
}

func (s *Server) done() (w work) {
	st := s.store.Stats()
	w.appended, w.sealed = st.Appended, st.Sealed
	w.answered = s.stats.all.Load()
	if s.live != nil {
		w.live = s.live.Status().Place
	}
	return w
}
