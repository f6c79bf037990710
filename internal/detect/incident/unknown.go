package incident

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/process"
)

const (
	// quietMin is how long a log has to be silent during the story to be named, in ms.
	quietMin = int64(time.Hour / time.Millisecond)
	// quietMax is how many such stretches of a host are named.
	quietMax = 4
	// sameMin is how far apart two logs of a host fall silent at most to do so together.
	sameMin = int64(time.Minute / time.Millisecond)
	// beforeMin is how long before the first finding of a host its logs should begin, in ms.
	beforeMin = int64(10 * time.Minute / time.Millisecond)
)

// tellLogs gives hosts their logs and what was changed of them.
func (t *teller) tellLogs() {
	for _, s := range t.around.Slices {
		h := t.hosts[strings.ToLower(t.known.host(s.Host))]
		if h == nil {
			continue
		}
		i := slices.IndexFunc(h.Logs, func(l *Log) bool { return l.Name == s.Log })
		if i < 0 {
			i, h.Logs = len(h.Logs), append(h.Logs, &Log{Name: s.Log, First: none, Last: none})
		}
		l := h.Logs[i]
		span(&l.First, &l.Last, s.First)
		span(&l.First, &l.Last, s.Last)
		l.Events += s.Events
		if s.Low > 0 && (l.low == 0 || s.Low < l.low) {
			l.low = s.Low
		}
		l.high = max(l.high, s.High)
	}
	for _, h := range t.Hosts {
		for _, l := range h.Logs {
			if l.low > 0 {
				l.Missing = max(l.high-l.low+1-l.Events, 0)
			}
		}
		slices.SortFunc(h.Logs, func(a, b *Log) int { return strings.Compare(a.Name, b.Name) })
		for _, c := range t.around.Changes {
			if h.Name != "" && strings.EqualFold(t.known.host(c.Host), h.Name) {
				h.Changes = append(h.Changes, c)
			}
		}
		slices.SortStableFunc(h.Changes, func(a, b Change) int { return compareTimes(a.Time, b.Time) })
	}
}

// unknown is what the logs do not say, a sentence each.
func (t *teller) unknown() (out []string) {
	say := func(form string, args ...any) { out = append(out, fmt.Sprintf(form, args...)) }
	untimed := 0
	for _, f := range t.Findings {
		if !f.Timed() {
			untimed++
		}
	}
	if untimed > 0 {
		say("%s last.", count(untimed, "finding has no time, and stands", "findings have no time, and stand"))
	}
	if t.around.Forest == nil {
		if len(t.Findings) > 0 {
			say("The logs were not read a second time: chains are what the findings name alone, without sign-ins, connections and gaps.")
		}
		return out
	}
	starts, bare, network := map[string]int{}, map[string]int{}, map[string]bool{}
	t.around.Forest.Each(func(n *process.Node) {
		host := strings.ToLower(t.known.host(n.Computer))
		if !n.Inferred {
			starts[host]++
			if n.CommandLine == "" {
				bare[host]++
			}
		}
		for _, a := range n.Acts {
			if a.Kind == "network" || a.Kind == "dns" {
				network[host] = true
			}
		}
	})
	signed := map[string]bool{}
	for _, s := range t.around.SignIns {
		signed[strings.ToLower(t.known.host(s.Host))] = true
	}
	for _, h := range t.Hosts {
		if h.Name == "" {
			say("%s no host: the events do not say which it was.", count(len(h.Findings), "finding names", "findings name"))
			continue
		}
		key := strings.ToLower(h.Name)
		if starts[key] == 0 {
			say("%s: no starts of processes are in the logs (Sysmon 1, Security 4688); its chains are what the findings name alone.", h.Name)
		} else if bare[key] > 0 {
			say("%s: %s no command line, of %d; Security 4688 has them only where the policy asks for it.", h.Name, count(bare[key], "start of a process has", "starts of processes have"), starts[key])
		}
		if !network[key] {
			say("%s: no connections and DNS queries of processes are in the logs (Sysmon 3 and 22); what its programs talked to is not known.", h.Name)
		}
		if !signed[key] {
			say("%s: no sign-ins are in the logs (Security 4624, 4625); who was signed in, and from where, is not known.", h.Name)
		}
		unseen := 0
		for _, c := range h.Chains {
			c.Top.walk(func(n *process.Node) {
				if n.Inferred {
					unseen++
				}
			})
		}
		if unseen > 0 && starts[key] > 0 {
			say("%s: %s in the chains below started before the logs begin, or where they have a gap.", h.Name, count(unseen, "process", "processes"))
		}
		first, last := none, none
		for _, l := range h.Logs {
			span(&first, &last, l.First)
			span(&first, &last, l.Last)
			if l.Missing > 0 {
				say("%s: of the log %s %s between the first and the last that were read are not there: filtered out on export, overwritten or deleted.", h.Name, l.Name, count(int(l.Missing), "record number", "record numbers"))
			}
		}
		if first != none && h.First != none && first > h.First-beforeMin {
			say("%s: its logs begin %s, less than ten minutes before its first finding; what came before is not known.", h.Name, stamp(first))
		}
		quiet := t.quiet(h)
		for _, q := range quiet[:min(len(quiet), quietMax)] {
			say("%s: %s from %s to %s.", h.Name, q.what, stamp(q.from), stamp(q.to))
		}
		if n := len(quiet) - quietMax; n > 0 {
			say("%s: %s without events of an hour or more, each shorter than these.", h.Name, count(n, "more stretch", "more stretches"))
		}
		for _, c := range h.Changes {
			by := ""
			if c.User != "" {
				by = " by " + c.User
			}
			say("%s: %s%s, %s.", h.Name, c.Text, by, stamp(c.Time))
		}
	}
	var others []string
	from := map[string][]string{}
	for _, s := range t.around.SignIns {
		who := t.known.host(s.From)
		if to := t.hosts[strings.ToLower(t.known.host(s.Host))]; to == nil || who == "" || s.systemOwn() || t.hosts[strings.ToLower(who)] != nil {
			continue
		}
		if from[who] == nil {
			others = append(others, who)
		}
		from[who] = addName(from[who], t.known.host(s.Host))
	}
	const othersMax = 12
	for i, o := range others {
		if i == othersMax {
			say("Sign-ins came from %d more such places.", len(others)-othersMax)
			break
		}
		say("Sign-ins to %s came from %s, of which nothing was found here, or whose logs were not read under that name.", strings.Join(from[o], ", "), o)
	}
	return out
}

// silence is a stretch of time without events.
type silence struct {
	what     string
	from, to int64
}

// quiet are the stretches of the story in which a host's logs, or one of those that
// detections live on, are silent, the longest first.
func (t *teller) quiet(h *Host) (out []silence) {
	if t.First == none {
		return nil
	}
	stretches := func(what string, of func(Slice) bool) (found []silence) {
		var has []Slice
		for _, s := range t.around.Slices {
			if strings.EqualFold(t.known.host(s.Host), h.Name) && of(s) {
				has = append(has, s)
			}
		}
		if len(has) == 0 {
			return nil
		}
		slices.SortFunc(has, func(a, b Slice) int { return compareTimes(a.First, b.First) })
		end := t.First
		for _, s := range append(has, Slice{First: t.Last, Last: t.Last}) {
			if from, to := max(end, t.First), min(s.First, t.Last); to-from >= quietMin {
				found = append(found, silence{what, from, to})
			}
			end = max(end, s.Last)
		}
		return found
	}
	out = stretches("no events at all", func(Slice) bool { return true })
	for _, l := range h.Logs {
		if low := strings.ToLower(l.Name); low != "security" && !strings.Contains(low, "sysmon") {
			continue
		}
		for _, q := range stretches("no events of the log "+l.Name, func(s Slice) bool { return s.Log == l.Name }) {
			if !slices.ContainsFunc(out, func(o silence) bool { return o.from <= q.from+sameMin && q.to <= o.to+sameMin }) {
				out = append(out, q)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b silence) int { return cmp.Compare(b.to-b.from, a.to-a.from) })
	return out
}

// stamp is a time in full.
func stamp(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC")
}

// count is a number with what it counts.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
