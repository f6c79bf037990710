package incident

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/process"
)

// signInsMax is how many sign-ins of a host are shown, alike ones counted once.
const signInsMax = 40

// systemOwn reports whether a sign-in is of a service or of Windows itself.
func (s *SignIn) systemOwn() bool {
	name := strings.ToUpper(s.User[strings.LastIndexByte(s.User, '\\')+1:])
	if s.Kind == "refused" {
		return false
	}
	return s.Type == "5" || s.Type == "0" || s.Type == "4" || strings.HasSuffix(name, "$") || s.Kind == "with other credentials" && s.From == "" && strings.HasSuffix(name, "$") ||
		slices.Contains([]string{"", "SYSTEM", "LOCAL SERVICE", "NETWORK SERVICE"}, name) ||
		strings.HasPrefix(name, "UMFD-") || strings.HasPrefix(name, "DWM-")
}

// session finds the sign-in that the processes of a chain ran in: by its id, which a host
// gives anew after it has started, so the last before.
func (t *teller) session(c *Chain) *SignIn {
	var id string
	for s := []*Step{c.Top}; len(s) > 0 && id == ""; s = s[1:] {
		if len(s[0].Findings) > 0 {
			id = s[0].Logon
		}
		s = append(s, s[0].Steps...)
	}
	if id == "" || id == "0x3e7" || id == "0x3e4" || id == "0x3e5" { // the system's own
		return nil
	}
	var found *SignIn
	for i := range t.around.SignIns {
		s := &t.around.SignIns[i]
		if s.Logon != "" && strings.EqualFold(s.Logon, id) && strings.EqualFold(t.known.host(s.Host), c.Host.Name) &&
			(c.First == none || s.Time <= c.First+2000) && (found == nil || s.Time > found.Time) {
			found = s
		}
	}
	return found
}

// tellSignIns gives hosts their sign-ins and chains the one that they ran in.
func (t *teller) tellSignIns() {
	slices.SortStableFunc(t.around.SignIns, func(a, b SignIn) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), strings.Compare(a.Logon, b.Logon), strings.Compare(a.User, b.User), strings.Compare(a.From, b.From))
	})
	ran := map[*SignIn]bool{}
	for _, h := range t.Hosts {
		for _, c := range h.Chains {
			if c.Session = t.session(c); c.Session != nil {
				ran[c.Session] = true
			}
		}
	}
	for _, h := range t.Hosts {
		folded := map[SignIn]*SignIn{}
		for i := range t.around.SignIns {
			s := &t.around.SignIns[i]
			if h.Name == "" || !strings.EqualFold(t.known.host(s.Host), h.Name) {
				continue
			}
			if s.systemOwn() && !ran[s] {
				h.Services++
				continue
			}
			k := SignIn{User: strings.ToLower(s.User), Kind: s.Kind, Type: s.Type, From: s.From, To: s.To}
			if old := folded[k]; old != nil {
				old.Records, old.Last = old.Records+1, s.Time
				continue
			}
			one := *s
			one.User = t.known.user(one.User)
			folded[k] = &one
			h.SignIns = append(h.SignIns, &one)
		}
		if k := len(h.SignIns) - signInsMax; k > 0 {
			for _, s := range h.SignIns[signInsMax:] {
				h.MoreSignIns += s.Records
			}
			h.SignIns = h.SignIns[:signInsMax]
		}
	}
}

// links are sign-ins and connections from one host of the story to another.
func (t *teller) links() (out []*Link) {
	type key struct{ from, to, how, user string }
	by := map[key]*Link{}
	add := func(at int64, from, to, how, user string) {
		if from == "" || to == "" || strings.EqualFold(from, to) || t.hosts[strings.ToLower(from)] == nil || t.hosts[strings.ToLower(to)] == nil {
			return
		}
		k := key{strings.ToLower(from), strings.ToLower(to), how, strings.ToLower(user)}
		l := by[k]
		if l == nil {
			l = &Link{First: none, Last: none, From: from, To: to, How: how, User: user}
			by[k] = l
			out = append(out, l)
		}
		l.Records++
		span(&l.First, &l.Last, at)
	}
	for _, s := range t.around.SignIns {
		how := s.Kind
		if s.How() != "" {
			how += " " + s.How()
		}
		switch {
		case s.Kind == "with other credentials":
			add(s.Time, t.known.host(s.Host), t.known.host(s.To), how, t.known.user(s.User))
		default:
			add(s.Time, t.known.host(s.From), t.known.host(s.Host), how, t.known.user(s.User))
		}
	}
	for _, c := range t.Chains {
		for steps := []*Step{c.Top}; len(steps) > 0; steps = steps[1:] {
			s := steps[0]
			for _, a := range s.Acts {
				if to, _, ok := strings.Cut(a.Text, " ("); ok && a.Kind == "network" {
					add(a.Time, c.Host.Name, t.known.host(to), "connection of "+cmp.Or(s.Name(), "process "+s.PID), t.known.user(s.User))
				}
			}
			steps = append(steps, s.Steps...)
		}
	}
	slices.SortStableFunc(out, func(a, b *Link) int { return compareTimes(a.First, b.First) })
	return out
}

// walk goes through the steps of a chain.
func (s *Step) walk(do func(*process.Node)) {
	do(s.Node)
	for _, k := range s.Steps {
		k.walk(do)
	}
}
