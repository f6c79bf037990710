package jsondoc

// Find returns the last object inside a text that may have something before
// and behind it, as log lines do, or the last array where there is no object
// outside of one; nil when there is neither. What is empty, {} or [], is only
// taken when there is nothing else. Text that is one object or array as a whole
// is returned as it is, without the white space around it.
func Find(text []byte) []byte {
	var best []byte
	rank := 0 // of best: what is empty, an array, an object
	work := 0
	for at := 0; at < len(text); {
		if c := text[at]; c != '{' && c != '[' {
			at++
			continue
		}
		end, err := skipContainer(text, at, 0, false)
		if err != nil {
			// A bracket of the text around it, mostly one that fails at once.
			if work += end - at; work > findWork*len(text) {
				break
			}
			at++
			continue
		}
		r := 2
		switch {
		case text[blank(text, at+1)] == text[at]+2:
			r = 1
		case text[at] == '{':
			r = 3
		}
		if r >= rank {
			best, rank = text[at:end:end], r
		}
		at = end
	}
	return best
}
