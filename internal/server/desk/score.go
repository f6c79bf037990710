package desk

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/live"
)

// laterShown is how many signals are shown that came after an insight was made.
const laterShown = 50

// weighed is a signal of an insight's entity with whether it was counted, and why not.
type weighed struct {
	*live.Signal
	counted  bool
	reason   string // "" of one that was counted
	of       *insight.Signal
	stronger bool
}

// weigh gives the signals of an insight's entity in the time that its score is of, in order of
// time: those that make it, those that were not counted, and some that came later.
func (d *Desk) weigh(ctx context.Context, c *insight.Case) ([]weighed, error) {
	i := c.Insight
	set := d.settings()
	from, to := i.Time-set.Lookback+1, int64(1)<<62
	cases, err := d.alerts.CasesOn(ctx, i.Entity.ID())
	if err != nil {
		return nil, err
	}
	for _, o := range cases { // the score begins anew with each insight of the algorithm
		if o.Insight.Source != "ALGORITHM" || o.Insight.ID == i.ID {
			continue
		}
		if o.Insight.Time < i.Time {
			from = max(from, o.Insight.Time+1)
		} else {
			to = min(to, o.Insight.Time+1)
		}
	}
	counted := map[string]bool{}
	for _, s := range i.Signals {
		counted[s.ID] = true
		from = min(from, s.Time)
	}
	// What a repeat repeats may lie before.
	all, err := d.alerts.On(ctx, i.Entity.ID(), from-set.Ceiling, to)
	if err != nil {
		return nil, err
	}
	first := map[string]*insight.Signal{} // the last of each name that counted anywhere
	var out []weighed
	later := 0
	for _, s := range all {
		w := weighed{Signal: s, counted: counted[s.ID], of: first[s.Name]}
		if s.Counts() {
			first[s.Name] = s.Signal
		}
		switch {
		case s.Time < from:
			continue
		case w.counted:
			w.of = nil
		case s.Counts() || s.Time > i.Time:
			w.of = nil
			if later++; s.Time > i.Time && later > laterShown {
				continue
			}
			if w.reason = "later"; s.Time <= i.Time {
				w.reason = "before"
			}
			if why := reasonOf(s.Signal); why != "" {
				w.reason = why
			}
		default:
			w.reason = reasonOf(s.Signal)
			w.stronger = s.Stronger
		}
		if !strings.HasPrefix(w.reason, "repeat") {
			w.of = nil
		}
		out = append(out, w)
	}
	return out, nil
}

// reasonOf says why a signal does not count, whatever it is part of; "" of one that does.
func reasonOf(s *insight.Signal) string {
	if s.Prototype {
		return "prototype"
	}
	for _, why := range s.Suppressed {
		kind, what, _ := strings.Cut(why, ":")
		switch kind {
		case "redundant":
			if s.Stronger {
				return "repeat, stronger"
			}
			return "repeat"
		case "entity":
			return "suppressed: the entity is"
		case "list":
			return "suppressed: on the list " + what
		case "network":
			return "suppressed: in the network " + what
		default:
			return "suppressed: " + why
		}
	}
	return ""
}

type notCounted struct {
	Signal     string `json:"signal"`
	Name       string `json:"name"`
	Severity   int    `json:"severity"`
	Level      string `json:"level"`
	Time       int64  `json:"time"`
	Reason     string `json:"reason"`
	Of         string `json:"of"`
	OfSeverity int    `json:"ofSeverity"`
	Stronger   bool   `json:"stronger"`
}

// score is the arithmetic of an insight's score: what was added, and what was not and why.
func (d *Desk) score(r *http.Request) (any, error) {
	c, err := d.insightOf(r)
	if err != nil {
		return nil, err
	}
	all, err := d.weigh(r.Context(), c)
	if err != nil {
		return nil, err
	}
	i := c.Insight
	added := terms(i)
	sum := 0
	for _, t := range added {
		sum += t.Severity
	}
	out := []notCounted{}
	for _, w := range all {
		if w.counted {
			continue
		}
		n := notCounted{Signal: w.ID, Name: w.Name, Severity: w.Severity, Level: levelOf(w.Severity), Time: w.Time, Reason: w.reason, Stronger: w.stronger}
		if w.of != nil {
			n.Of, n.OfSeverity = w.of.ID, w.of.Severity
		}
		out = append(out, n)
	}
	return map[string]any{
		"score": i.Score, "sum": sum, "threshold": i.Threshold, "window": d.settings().Lookback, "source": i.Source, "custom": i.Custom, "terms": added, "notCounted": out,
	}, nil
}

// shownRecord is a record as the page has it.
type shownRecord struct {
	UID    string      `json:"uid,omitempty"`
	Time   int64       `json:"time"`
	Kind   string      `json:"kind"`
	Fields [][2]string `json:"fields"`
	More   int         `json:"more,omitempty"` // fields left out
	Raw    string      `json:"raw,omitempty"`
	Gone   bool        `json:"gone,omitempty"` // its message is not in the store any more
}

// telling are the fields that say most of what happened, the first the most.
var telling = []string{
	"CommandLine", "Image", "NewProcessName", "ParentImage", "ParentProcessName", "ParentCommandLine", "User", "SubjectUserName", "TargetUserName", "TargetFilename", "DestinationHostname",
	"DestinationIp", "DestinationPort", "QueryName", "QueryResults", "IpAddress", "LogonType", "ServiceName", "ImagePath", "TaskName", "TargetObject", "Details", "ScriptBlockText", "Hashes",
	"ProcessGuid", "ProcessId", "NewProcessId", "Computer", "EventID", "Channel",
}

// tellingMost is how many telling fields are shown first.
const tellingMost = 8

// told is a record with its telling fields.
func tellingOf(rec *live.Record) shownRecord {
	out := shownRecord{UID: rec.UID, Time: rec.Time, Kind: rec.Kind, Fields: [][2]string{}, Gone: rec.Gone}
	order := func(f [2]string) int {
		if n := slices.Index(telling, f[0]); n >= 0 {
			return n
		}
		return len(telling)
	}
	fields := slices.DeleteFunc(slices.Clone(rec.Fields), func(f [2]string) bool { return f[1] == "" || f[1] == "-" || strings.HasPrefix(f[0], "_") })
	slices.SortStableFunc(fields, func(a, b [2]string) int { return cmp.Compare(order(a), order(b)) })
	n := min(len(fields), tellingMost)
	out.Fields = append(out.Fields, fields[:n]...)
	out.More = len(rec.Fields) - n
	return out
}

// signals are those of the insight's entity in the time that its score is of.
func (d *Desk) signals(r *http.Request) (any, error) {
	c, err := d.insightOf(r)
	if err != nil {
		return nil, err
	}
	all, err := d.weigh(r.Context(), c)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for n, w := range all {
		s := w.Signal
		o := map[string]any{
			"id": s.ID, "name": s.Name, "summary": s.Summary, "description": s.Description, "rule": s.RuleID, "ruleName": s.RuleName, "severity": s.Severity, "level": levelOf(s.Severity),
			"time": s.Time, "tactics": append([]string{}, insight.Tactics(s.Tags)...), "tags": append([]string{}, s.Tags...), "counted": w.counted, "reason": w.reason, "of": "", "total": s.Total,
			"stronger": w.stronger, "commandLine": "", "records": []any{},
		}
		if w.of != nil {
			o["of"] = w.of.ID
		}
		if n < signalsRead {
			e := d.evidence(r.Context(), s.Signal)
			o["commandLine"] = e.said("CommandLine")
			if len(e.record.Fields) > 0 {
				o["records"] = []any{tellingOf(&e.record)}
			}
		}
		out = append(out, o)
	}
	return map[string]any{"signals": out}, nil
}

// signalsRead is of how many signals in a list the records are read.
const signalsRead = 100

// records are those of a signal, whole.
func (d *Desk) records(r *http.Request) (any, error) {
	s, err := d.alerts.Signal(r.Context(), r.PathValue("id"))
	if err == live.ErrNone {
		return nil, access.Missing("there is no signal %s", r.PathValue("id"))
	}
	if err != nil {
		return nil, err
	}
	all, err := d.o.Live.Records(r.Context(), s.Signal, 0)
	if err != nil {
		return nil, err
	}
	out := []shownRecord{}
	for _, rec := range all {
		out = append(out, shownRecord{UID: rec.UID, Time: rec.Time, Kind: rec.Kind, Fields: append([][2]string{}, rec.Fields...), Raw: rec.Raw, Gone: rec.Gone})
	}
	return map[string]any{"total": s.Total, "records": out}, nil
}
