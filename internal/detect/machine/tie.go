package machine

// tie is the records of one time, those that fit the same steps taken together.
type tie struct {
	kinds []kind
	of    map[uint64]int // steps -> kind
}

type kind struct {
	steps uint64
	free  int         // records that serve no step
	serve map[int]int // step -> records that serve it
}

func (t *tie) add(steps uint64) {
	n, ok := t.of[steps]
	if !ok {
		if t.of == nil {
			t.of = map[uint64]int{}
		}
		n = len(t.kinds)
		t.of[steps] = n
		t.kinds = append(t.kinds, kind{steps: steps, serve: map[int]int{}})
	}
	t.kinds[n].free++
}

// serve lets one more record serve a step, moving others to further steps that are
// served already if need be, so that no step loses. It says whether that can be: a
// search for an augmenting path, as for matchings.
func (t *tie) serve(step int) bool {
	type move struct{ kind, step int } // a record of the kind comes to serve the step
	from := make([]move, len(t.kinds)) // kind -> how the search came to it
	seen := make([]bool, len(t.kinds))
	queue := []move{}
	reach := func(step int, by move) (found int) {
		for n := range t.kinds {
			k := &t.kinds[n]
			if seen[n] || k.steps&(1<<step) == 0 {
				continue
			}
			seen[n], from[n] = true, move{by.kind, step}
			if k.free > 0 {
				return n
			}
			queue = append(queue, move{n, step})
		}
		return -1
	}
	n := reach(step, move{kind: -1})
	for n < 0 && len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for s := range t.kinds[at.kind].serve {
			if t.kinds[at.kind].serve[s] > 0 {
				if n = reach(s, move{kind: at.kind}); n >= 0 {
					break
				}
			}
		}
	}
	if n < 0 {
		return false
	}
	// The kind that was found gives a record to the step that led to it; the kind
	// that served that step before gives one to the step that led to it, and so on.
	t.kinds[n].free--
	for {
		came := from[n]
		t.kinds[n].serve[came.step]++
		if came.kind < 0 {
			return true
		}
		t.kinds[came.kind].serve[came.step]--
		n = came.kind
	}
}
