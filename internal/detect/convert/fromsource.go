package convert

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/sigma"
)

// place is a kind of event: its channel and id.
type place struct{ channel, provider, id string }

// otherID stands for the event ids that no table and no condition names.
const otherID = "9999"

// sourceFields are the fields that log sources are made of. Providers are not:
// several write to one channel, and no table has all of them.
var sourceFields = map[string]bool{"_sourcecategory": true, "channel": true, "eventid": true}

// logSource finds the log source of the conditions that say where events are
// from, and returns the conditions that it does not stand for. sourced says that
// one was found.
func (r *sumoReader) logSource(all []clause) (rest []clause, sourced bool) {
	var about []clause
	for _, c := range all {
		if r.saysWhere(c.cond) {
			about = append(about, c)
		} else {
			rest = append(rest, c)
		}
	}
	var places []place
	if len(about) > 0 {
		places = placesOf(about)
	}
	within := func(cs []clause) (in []place) {
		for _, p := range places {
			if !slices.ContainsFunc(cs, func(c clause) bool { return !holdsAt(c.cond, p) }) {
				in = append(in, p)
			}
		}
		return in
	}
	want := within(about)
	if len(about) > 0 && len(want) == 0 || len(about) == 0 {
		// Nothing that is known is meant: what can be said is said as conditions.
		for _, c := range about {
			if category, ok := r.category(c.cond); ok {
				r.lose(c.stage, diag.Warning, "unknown-source", fmt.Sprintf("no log source of Sigma is known for _sourceCategory=%s; name it in the rule", category))
				if name := ruleName(category); name != "" {
					r.p.LogSource.Category = name
				}
				continue
			}
			rest = append(rest, c)
		}
		if r.p.LogSource.Category == "" {
			r.p.LogSource.Category = "other"
			r.lose(nil, diag.Warning, "unknown-source", "the query names no log source that Sigma knows; name it in the rule")
		}
		return rest, false
	}
	best, covered := bestSource(places, want)
	r.p.LogSource = best
	if slices.Equal(covered, want) {
		return rest, true
	}
	// The log source is wider: conditions on channel and id stay, those on what
	// Sumo alone knows are lost.
	var kept []clause
	for _, c := range about {
		if _, ok := r.category(c.cond); !ok && !r.implied(c.cond, covered) {
			kept = append(kept, c)
		}
	}
	left := slices.DeleteFunc(within(kept), func(p place) bool { return !slices.Contains(covered, p) })
	if !slices.Equal(left, want) {
		for _, c := range about {
			if category, ok := r.category(c.cond); ok {
				r.lose(c.stage, diag.Warning, "wider-source", fmt.Sprintf("Sigma has no log source for _sourceCategory=%s alone; the rule is for %s", category, best))
			}
		}
	}
	return append(kept, rest...), true
}

// saysWhere reports whether a condition is about where events are from alone.
func (r *sumoReader) saysWhere(x expr.Expr) bool {
	reads, only := false, true
	expr.Walk(x, func(y expr.Expr) bool {
		switch y := y.(type) {
		case *expr.Field:
			name := strings.ToLower(y.Name)
			_, taken := r.paths[y.Slot]
			_, made := r.made[y.Slot]
			reads, only = true, only && sourceFields[name] && !taken && !made
		case expr.Reader:
			only = false
		}
		return true
	})
	return reads && only
}

// category reads a condition on _sourceCategory alone.
func (r *sumoReader) category(x expr.Expr) (pattern string, ok bool) {
	var of []string
	ok = true
	expr.Walk(x, func(y expr.Expr) bool {
		switch y := y.(type) {
		case *expr.Field:
			ok = ok && strings.EqualFold(y.Name, "_sourceCategory")
		case *expr.Glob:
			of = append(of, strings.Join(y.Glob.Pieces(), "*"))
		case *expr.Const:
			if y.Value.Kind() == event.String {
				of = append(of, y.Value.Str())
			}
		}
		return true
	})
	return strings.Join(of, ", "), ok
}

var notInNames = match.Lazy(`[^a-z0-9]+`)

// ruleName makes a word of a _sourceCategory.
func ruleName(category string) string {
	return strings.Trim(notInNames().ReplaceAllString(strings.ToLower(category), "_"), "_")
}

// implied reports whether a condition holds at every place.
func (r *sumoReader) implied(x expr.Expr, at []place) bool {
	return !slices.ContainsFunc(at, func(p place) bool { return !holdsAt(x, p) })
}

// holdsAt reports whether a condition on where events are from holds at a place.
func holdsAt(x expr.Expr, p place) bool {
	text := func(s string) expr.Expr {
		if s == "" {
			return &expr.Const{}
		}
		return &expr.Const{Value: event.Text(s)}
	}
	c, ok := expr.Fold(expr.Replace(x, func(f *expr.Field) expr.Expr {
		switch strings.ToLower(f.Name) {
		case "channel":
			return text(p.channel)
		case "eventid":
			return text(p.id)
		case "_sourcecategory":
			return text(mapping.Category(p.channel, p.provider))
		}
		return nil
	})).(*expr.Const)
	return !ok || c.Value.True()
}

// placesOf are the kinds of event that log sources and conditions tell apart.
func placesOf(about []clause) []place {
	ids := []string{otherID}
	for _, c := range about {
		expr.Walk(c.cond, func(x expr.Expr) bool {
			switch y := x.(type) {
			case *expr.Const:
				ids = append(ids, y.Value.String())
			case *expr.Glob:
				if text, ok := y.Glob.Exact(); ok {
					ids = append(ids, text)
				}
			}
			return len(ids) < eventIDsMax
		})
	}
	return placesWith(ids)
}

// placesWith are the kinds of event that log sources and event ids tell apart.
func placesWith(ids []string) (all []place) {
	seen := map[place]bool{}
	for _, source := range windowsSources() {
		for _, l := range source.at {
			provider := l.Provider
			if provider == "" {
				provider = mapping.ProviderOf(l.Channel)
			}
			for _, id := range slices.Concat(ids, l.EventIDs) {
				if p := (place{l.Channel, provider, id}); !seen[p] {
					seen[p] = true
					all = append(all, p)
				}
			}
		}
	}
	return all
}

// source is a log source with the places it is about.
type source struct {
	sigma.LogSource
	at []mapping.LogSource
}

// windowsSources are the log sources that a rule may name: the categories, those
// narrowed to one of their channels, and the services.
var windowsSources = sync.OnceValue(func() (out []source) {
	categories, services := mapping.WindowsLogSources()
	add := func(s sigma.LogSource) {
		if at, _, ok := mapping.LogSources(s.Product, s.Category, s.Service); ok && len(at) > 0 {
			out = append(out, source{s, at})
		}
	}
	for _, c := range categories {
		add(sigma.LogSource{Product: "windows", Category: c})
	}
	for _, s := range services {
		add(sigma.LogSource{Product: "windows", Service: s})
	}
	for _, c := range categories {
		for _, s := range []string{"sysmon", "security"} {
			add(sigma.LogSource{Product: "windows", Category: c, Service: s})
		}
	}
	return out
})

// among are those of some places that the log source is about.
func (s *source) among(all []place) (out []place) {
	for _, p := range all {
		if slices.ContainsFunc(s.at, func(l mapping.LogSource) bool {
			return l.Channel == p.channel && (l.EventIDs == nil || slices.Contains(l.EventIDs, p.id))
		}) {
			out = append(out, p)
		}
	}
	return out
}

// bestSource is the log source that covers the places and the fewest others,
// with what it covers: at worst all of Windows.
func bestSource(all, want []place) (best sigma.LogSource, covered []place) {
	best, covered = sigma.LogSource{Product: "windows"}, all
	for _, s := range windowsSources() {
		if len(s.among(want)) < len(want) {
			continue
		}
		if covers := s.among(all); len(covers) < len(covered) {
			best, covered = s.LogSource, covers
		}
	}
	return best, covered
}
