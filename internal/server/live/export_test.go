package live

import "time"

// Abandon ends the work as a kill does: nothing more is written.
func (e *Engine) Abandon() {
	e.abandoned.Store(true)
	e.stop()
	<-e.done
}

// Abandon ends the hunt as a kill does: nothing more is written.
func (x *Hunter) Abandon() {
	x.abandoned.Store(true)
	x.stop()
	<-x.done
}

// SetSaveEvery changes how often a hunt is written down.
func SetSaveEvery(d time.Duration) { saveEvery = d }
