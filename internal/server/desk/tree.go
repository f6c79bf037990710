package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/process"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
)

const (
	// treeWindow is how far from the process' time events are looked at, where nothing else
	// is said; treeWindowMost is the furthest.
	treeWindow     = 24 * time.Hour
	treeWindowMost = 31 * 24 * time.Hour
	// latest is the end of the year 9999, in ms.
	latest = 253402300799999
	// nodesMost is how many processes an answer has.
	nodesMost = 1000
)

// mark is a signal on a process.
type mark struct {
	Signal string `json:"signal"`
	Name   string `json:"name"`
	Level  string `json:"level"`
}

// act is what a process did.
type act struct {
	Time  int64  `json:"time"`
	Kind  string `json:"kind"`
	Text  string `json:"text"`
	Count int    `json:"count"`
	Last  int64  `json:"last"`
}

// twin is a process that nothing but its numbers tells from the one that is shown.
type twin struct {
	PID   string `json:"pid"`
	Start *int64 `json:"start"`
}

// node is a process as the page has it.
type node struct {
	Key         string  `json:"key"`
	Name        string  `json:"name"`
	Image       string  `json:"image"`
	PID         string  `json:"pid"`
	GUID        string  `json:"guid"`
	User        string  `json:"user"`
	CommandLine string  `json:"commandLine"`
	Start       *int64  `json:"start"`
	End         *int64  `json:"end"`
	Inferred    bool    `json:"inferred"`
	Own         bool    `json:"own"`
	Path        bool    `json:"path"`
	Marks       []mark  `json:"marks"`
	Acts        []act   `json:"acts"`
	More        bool    `json:"more"` // it did more than is told
	Children    []*node `json:"children"`
	Same        []twin  `json:"same"`
}

// sought is which process a tree is of, and the signals on its host.
type sought struct {
	guid, pid, host string
	at              int64
	signals         []*insight.Signal
}

// tree is the tree of a process: its ancestors, itself, and what it started.
func (d *Desk) tree(r *http.Request) (any, error) {
	ctx, q := r.Context(), r.URL.Query()
	var s sought
	var err error
	switch {
	case q.Get("insight") != "":
		c, err := d.insight(ctx, q.Get("insight"))
		if err != nil {
			return nil, err
		}
		s.signals = c.Insight.Signals
		best := -1
		for _, x := range c.Insight.Signals {
			if p := d.evidence(ctx, x).process(); (p.GUID != "" || p.PID != "") && x.Severity > best {
				best = x.Severity
				s.guid, s.pid, s.host, s.at = p.GUID, p.PID, p.Host, x.Time
			}
		}
		if best < 0 {
			return map[string]any{"host": "", "from": nil, "to": nil, "found": nil, "root": nil, "why": "No record of this insight names a process."}, nil
		}
	case q.Get("signal") != "":
		x, err := d.alerts.Signal(ctx, q.Get("signal"))
		if errors.Is(err, live.ErrNone) {
			return nil, access.Missing("there is no signal %s", q.Get("signal"))
		}
		if err != nil {
			return nil, err
		}
		p := d.evidence(ctx, x.Signal).process()
		if p.GUID == "" && p.PID == "" {
			return map[string]any{"host": p.Host, "from": nil, "to": nil, "found": nil, "root": nil, "why": "The record of this signal names no process."}, nil
		}
		s = sought{p.GUID, p.PID, p.Host, x.Time, []*insight.Signal{x.Signal}}
	default:
		s.guid, s.pid, s.host = q.Get("guid"), process.Number(q.Get("pid")), q.Get("host")
		if s.guid == "" && s.pid == "" || s.host == "" {
			return nil, access.Bad("a tree is asked for by insight, by signal, or by host with guid or pid and at, a time in ms")
		}
		if s.at, err = strconv.ParseInt(q.Get("at"), 10, 64); err != nil || s.at < 0 || s.at > latest {
			return nil, access.Bad("at is the time at which the process ran, in ms since 1970, and this is %q", q.Get("at"))
		}
	}
	window := treeWindow
	if t := q.Get("window"); t != "" {
		w, err := datefmt.ParseDuration(t)
		if err != nil || w <= 0 || w > treeWindowMost.Milliseconds() {
			return nil, access.Bad("window is a time such as 6h or 2d, of at most %s, and this is %q", "31d", t)
		}
		window = time.Duration(w) * time.Millisecond
	}
	from, to := s.at-window.Milliseconds(), s.at+window.Milliseconds()
	forest, err := d.forest(ctx, s.host, from, to)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"host": s.host, "from": from, "to": to, "found": nil, "root": nil, "why": ""}
	n := forest.Find(s.guid, s.host, s.pid, s.at)
	if n == nil {
		out["why"] = fmt.Sprintf("The logs of %s within %s of that time do not have the process. Are starts of processes (Sysmon 1 or Security 4688) collected from it?", s.host, cmp.Or(q.Get("window"), "a day"))
		return out, nil
	}
	t := drawn{own: n, whole: q.Get("whole") == "1", marks: map[*process.Node][]mark{}}
	for i, x := range s.signals {
		if i == signalsRead {
			break
		}
		p := d.evidence(ctx, x).process()
		if k := forest.Find(p.GUID, p.Host, p.PID, x.Time); k != nil && (p.GUID != "" || p.PID != "") {
			t.marks[k] = append(t.marks[k], mark{x.ID, x.Name, levelOf(x.Severity)})
		}
	}
	for up := n.Parent; up != nil; up = up.Parent {
		t.path = append(t.path, up)
	}
	out["found"], out["root"] = keyOf(n), t.draw(n.Root())
	if t.n >= nodesMost {
		out["why"] = fmt.Sprintf("Of the tree %d processes are shown.", nodesMost)
	}
	return out, nil
}

// forest reads the processes of a host.
func (d *Desk) forest(ctx context.Context, host string, from, to int64) (f *process.Forest, err error) {
	q, err := process.Around(host)
	if err != nil {
		return nil, err
	}
	err = d.reading(ctx, func(run func(from, to int64) (query.Run, error)) error {
		r, err := run(from, to)
		if err == nil {
			f, err = process.Read(ctx, q, r)
		}
		return err
	})
	return f, err
}

func keyOf(n *process.Node) string {
	if n.GUID != "" {
		return n.GUID
	}
	return fmt.Sprintf("%s/%s/%d", n.Computer, n.PID, n.Start)
}

// drawn is a tree while it is drawn.
type drawn struct {
	own   *process.Node
	path  []*process.Node // its ancestors
	whole bool
	marks map[*process.Node][]mark
	n     int
}

func (t *drawn) draw(p *process.Node) *node {
	t.n++
	o := &node{
		Key: keyOf(p), Name: p.Name(), Image: p.Image, PID: p.PID, GUID: p.GUID, User: p.User, CommandLine: p.CommandLine, Start: opt(p.Start), End: opt(p.End), Inferred: p.Inferred,
		Own: p == t.own, Marks: append([]mark{}, t.marks[p]...), Acts: []act{}, More: p.Full(), Children: []*node{}, Same: []twin{},
	}
	var down *process.Node // the only child that is shown
	for i, a := range t.path {
		if a != p {
			continue
		}
		o.Path = true
		if down = t.own; i > 0 {
			down = t.path[i-1]
		}
	}
	if !o.Path || t.whole {
		for _, a := range process.Fold(p.Acts) {
			o.Acts = append(o.Acts, act{a.Time, a.Kind, a.Text, a.Times, a.Last})
		}
	}
	if o.Path && !t.whole {
		o.Children = append(o.Children, t.draw(down))
		return o
	}
	for _, g := range process.Alike(p.Children, func(n *process.Node) bool { return n == t.own || len(t.marks[n]) > 0 }) {
		if t.n >= nodesMost {
			break
		}
		c := t.draw(g[0])
		for _, same := range g[1:] {
			c.Same = append(c.Same, twin{same.PID, opt(same.Start)})
		}
		o.Children = append(o.Children, c)
	}
	return o
}
