package rule

// KeepAtMost sets how many bytes of values the worker keeps.
func (r *Run) KeepAtMost(bytes int) { r.heldMax = bytes }
