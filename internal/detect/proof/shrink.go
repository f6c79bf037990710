package proof

import (
	"context"
	"strings"
)

// shrink makes an event on which the sides differ smaller, a field or a piece of
// a value at a time, as long as they still do.
func shrink(ctx context.Context, a, b *Side, e Event, verdict [2]bool) (Event, [2]bool, error) {
	for range roundsMax {
		tries := smallerEvents(e)
		verdicts, err := judge(ctx, a, b, tries)
		if err != nil {
			return nil, verdict, err
		}
		found := false
		for i, v := range verdicts {
			if v[0] != v[1] && smaller(tries[i], e) < 0 {
				e, verdict, found = tries[i], v, true
			}
		}
		if !found {
			break
		}
	}
	return e, verdict, nil
}

// smallerEvents are an event's next smaller ones.
func smallerEvents(e Event) (out []Event) {
	with := func(name, value string, keep bool) {
		c := Event{}
		for n, v := range e {
			c[n] = v
		}
		delete(c, name)
		if keep {
			c[name] = value
		}
		out = append(out, c)
	}
	of := frame{channel: e["Channel"], provider: e["Provider"], id: e["EventID"]}
	needed := of.always()
	for _, n := range e.names() {
		if n == "Channel" || n == "EventID" || n == "Provider" {
			continue // without them it is no event that anybody knows
		}
		if v, ok := needed[n]; ok {
			with(n, v, true)
		} else {
			with(n, "", false)
		}
		with(n, strings.ToLower(e[n]), true)
		r := []rune(e[n])
		for cut := len(r); cut > 0; cut /= 2 {
			for at := 0; at+cut <= len(r); at += cut {
				if v := string(r[:at]) + string(r[at+cut:]); of.writes(n, v) {
					with(n, v, true)
				}
			}
		}
	}
	return out
}
