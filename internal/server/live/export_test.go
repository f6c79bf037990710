package live

// Abandon ends the work as a kill does: nothing more is written.
func (e *Engine) Abandon() {
	e.abandoned.Store(true)
	e.stop()
	<-e.done
}
