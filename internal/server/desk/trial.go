package desk

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// A trial runs rules over what the store has, beside what runs live: it has state of its own,
// and writes nothing.

const (
	// trialsAtOnce is how many run, and trialsKept how many are remembered.
	trialsAtOnce = 2
	trialsKept   = 20
	// trialOf is how far back a trial looks where nothing else is said.
	trialOf = 24 * time.Hour
	// onlyShown is how many signals are told that one side alone has.
	onlyShown = 100
	// trialMemory is what one trial may hold.
	trialMemory = 256 << 20
)

// side is what one version of rules comes to.
type side struct {
	Signals  int               `json:"signals"`
	Counted  int               `json:"counted"`
	Entities int               `json:"entities"`
	Insights int               `json:"insights"` // that these rules alone make
	ByDay    map[string]int    `json:"byDay"`
	Names    []nameCount       `json:"names"` // the most frequent
	signals  []*insight.Signal // in order of time
	ids      map[string]bool   // of signals
}

type nameCount struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// version is a set-up that is tried.
type version struct {
	tenant *tenant.Tenant
	pass   *tenant.Pass
}

func newVersion(docs []*ruledoc.Document, found diag.List) *version {
	t := tenant.New(docs, found)
	return &version{t, &tenant.Pass{Tenant: t, Rules: t.Rules}}
}

// tried runs versions over the store within [from, to), ms, at once. watch, which may be nil,
// is given the snapshot that is read.
func (d *Desk) tried(ctx context.Context, versions []*version, from, to int64, watch func(*store.Snapshot)) (out []*side, err error) {
	defer exec.Caught(&err, "a trial of rules")
	back := int64(0) // how far back rules that learn look
	for _, v := range versions {
		for _, r := range v.tenant.Rules {
			if r.Learns() {
				back = max(back, r.Learning, r.Retention)
			}
		}
	}
	read := func(from, to int64, beside func(*tenant.Pass) query.Consumer) error {
		snap := d.o.Store.Snapshot(store.View{From: from, To: to})
		defer snap.Close()
		if watch != nil {
			watch(snap)
		}
		var all []query.Consumer
		for _, v := range versions {
			all = append(all, beside(v.pass))
		}
		return query.RunTogether(ctx, query.Run{
			Input: snap.Feeder(), Workers: 1, Memory: trialMemory, Now: d.o.Now(), From: from, To: to, Bounded: true, Warnings: &exec.Warnings{},
		}, nil, all...)
	}
	if back > 0 {
		if err := read(max(from-back, 1), from, (*tenant.Pass).Baseline); err != nil {
			return nil, err
		}
	}
	if err := read(from, to, (*tenant.Pass).Consumer); err != nil {
		return nil, err
	}
	for _, v := range versions {
		s, err := v.side()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// side is what the version has come to.
func (v *version) side() (*side, error) {
	s := &side{ByDay: map[string]int{}, Names: []nameCount{}, ids: map[string]bool{}}
	if v.pass.Run == nil {
		return s, nil
	}
	signals, insights, _, err := v.pass.Run.Signals()
	if err != nil {
		return nil, err
	}
	s.signals, s.Signals, s.Insights = signals, len(signals), len(insights)
	entities, names := map[string]bool{}, map[string]int{}
	for _, x := range signals {
		s.ids[x.ID] = true
		entities[x.Entity.ID()] = true
		names[x.Name]++
		s.ByDay[time.UnixMilli(x.Time).UTC().Format(time.DateOnly)]++
		if x.Counts() {
			s.Counted++
		}
	}
	s.Entities = len(entities)
	for _, n := range slices.Sorted(maps.Keys(names)) {
		s.Names = append(s.Names, nameCount{n, names[n]})
	}
	slices.SortStableFunc(s.Names, func(a, b nameCount) int { return b.Count - a.Count })
	s.Names = s.Names[:min(len(s.Names), 20)]
	return s, nil
}

// only are the signals of one side that the other does not have.
func (s *side) only(other *side) (some []any, all int) {
	some = []any{}
	for _, x := range s.signals {
		if other.ids[x.ID] {
			continue
		}
		if all++; len(some) < onlyShown {
			some = append(some, map[string]any{
				"id": x.ID, "name": x.Name, "summary": x.Summary, "rule": x.RuleID, "severity": x.Severity, "level": levelOf(x.Severity), "time": x.Time, "counted": x.Counts(),
				"entity": entity{ID: x.Entity.ID(), Type: x.Entity.Type, Value: x.Entity.Value, Shown: cmp.Or(x.Shown, x.Entity.Value)},
			})
		}
	}
	return some, all
}

// trial is a back-test.
type trial struct {
	id     string
	cancel context.CancelFunc

	mu     sync.Mutex
	snap   *store.Snapshot
	state  string // running, done, failed
	result map[string]any
}

type trials struct {
	mu      sync.Mutex
	list    []*trial
	running int
}

// asked are documents that a call brings, as text: YAML or JSON of files, or rules as the API
// of Cloud SIEM has them.
type asked struct {
	Documents string   `json:"documents"`
	Rules     []string `json:"rules"` // ids; those that are compared, else those of the documents
	From      *int64   `json:"from"`
	To        *int64   `json:"to"`
}

// stretch is the time that a trial is of.
func (d *Desk) stretch(ctx context.Context, from, to *int64, usual time.Duration) (int64, int64, error) {
	end, err := d.end(ctx)
	if err != nil {
		return 0, 0, err
	}
	b := end.UnixMilli() + 1
	if to != nil {
		b = *to
	}
	a := b - usual.Milliseconds()
	if from != nil {
		a = *from
	}
	if a >= b || a < 0 || b > latest {
		return 0, 0, access.Bad("from and to are times in ms, and from is the earlier")
	}
	return a, b, nil
}

// backtest begins a back-test: the documents of the call in place of those that run.
func (d *Desk) backtest(r *http.Request) (any, error) {
	ctx := r.Context()
	var ask asked
	if err := body(r, &ask); err != nil {
		return nil, err
	}
	if d.o.Content == nil {
		return nil, access.Bad("there is no content to compare with")
	}
	live, found, err := d.o.Content.Content(ctx)
	if err != nil {
		return nil, err
	}
	name := "documents.yaml"
	if strings.HasPrefix(strings.TrimSpace(ask.Documents), "{") {
		name = "documents.json"
	}
	given, wrongs := ruledoc.Read(diag.Text(name, ask.Documents))
	if err := wrongs.Err(); err != nil {
		return nil, access.Bad("the documents cannot be used: %v", err)
	}
	mine := ids(given)
	concerned := map[string]bool{}
	for _, id := range ask.Rules {
		concerned[id] = true
	}
	if len(concerned) == 0 {
		concerned = maps.Clone(mine)
	}
	if len(concerned) == 0 {
		return nil, access.Bad("name the rules to compare in \"rules\", or give a rule in \"documents\"")
	}
	from, to, err := d.stretch(ctx, ask.From, ask.To, trialOf)
	if err != nil {
		return nil, err
	}
	want := func(id string) bool { return concerned[id] }
	before := newVersion(tenant.Some(live, want), found)
	after := newVersion(append(tenant.Some(live, func(id string) bool { return concerned[id] && !mine[id] }), given...), nil)
	for _, u := range after.tenant.Unusable {
		return nil, access.Bad("%v", u.Error())
	}
	for id := range concerned {
		if !slices.ContainsFunc(append(slices.Clone(before.tenant.Rules), after.tenant.Rules...), func(r *tenant.Rule) bool { return r.ID == id }) {
			return nil, access.Missing("there is no rule %q that runs", id)
		}
	}
	d.tests.mu.Lock()
	defer d.tests.mu.Unlock()
	if d.tests.running >= trialsAtOnce {
		return nil, &access.Failure{Status: http.StatusTooManyRequests, Code: access.CodeRate, Message: "two back-tests run already; wait for one of them, or end it"}
	}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	t := &trial{id: access.RequestID(), cancel: cancel, state: "running"}
	d.tests.running++
	d.tests.list = append(d.tests.list, t)
	if n := len(d.tests.list); n > trialsKept {
		d.tests.list = slices.Delete(d.tests.list, 0, n-trialsKept)
	}
	go func() {
		defer cancel()
		go func() { // the server's end is the trial's
			select {
			case <-d.hub.done:
				cancel()
			case <-work.Done():
			}
		}()
		sides, err := d.tried(work, []*version{after, before}, from, to, func(s *store.Snapshot) {
			t.mu.Lock()
			t.snap = s
			t.mu.Unlock()
		})
		d.tests.mu.Lock()
		d.tests.running--
		d.tests.mu.Unlock()
		t.mu.Lock()
		defer t.mu.Unlock()
		t.snap = nil
		if err != nil {
			t.state, t.result = "failed", map[string]any{"why": err.Error()}
			return
		}
		added, more := sides[0].only(sides[1])
		gone, fewer := sides[1].only(sides[0])
		t.state, t.result = "done", map[string]any{
			"yours": sides[0], "live": sides[1], "onlyYours": added, "onlyYoursTotal": more, "onlyLive": gone, "onlyLiveTotal": fewer, "why": "",
		}
	}()
	return map[string]any{"id": t.id, "from": from, "to": to}, nil
}

func ids(docs []*ruledoc.Document) map[string]bool {
	all := map[string]bool{}
	for _, x := range docs {
		if x.IsRule() {
			if r, _ := x.Rule(); r != nil {
				all[r.ID] = true
			}
		}
	}
	return all
}

func (d *Desk) trialOf(r *http.Request) (*trial, error) {
	id := r.PathValue("id")
	d.tests.mu.Lock()
	defer d.tests.mu.Unlock()
	for _, t := range d.tests.list {
		if t.id == id {
			return t, nil
		}
	}
	return nil, access.Missing("there is no back-test %s; of the last %d the results are kept until the server ends", id, trialsKept)
}

// backtested is how far a back-test is, and its result.
func (d *Desk) backtested(r *http.Request) (any, error) {
	t, err := d.trialOf(r)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	out := map[string]any{"id": t.id, "state": t.state, "progress": 0, "writes": "nothing: it has state of its own"}
	if t.snap != nil {
		if p := t.snap.Progress(); p.Total > 0 {
			out["progress"] = min(99, p.Bytes*100/p.Total)
		}
	}
	if t.state != "running" {
		out["progress"] = 100
	}
	maps.Copy(out, t.result)
	return out, nil
}

// endBacktest ends one that runs.
func (d *Desk) endBacktest(r *http.Request) (any, error) {
	t, err := d.trialOf(r)
	if err != nil {
		return nil, err
	}
	t.cancel()
	return map[string]any{"id": t.id, "state": "ended"}, nil
}

// overEvents runs versions over events in memory.
func overEvents(ctx context.Context, versions []*version, events []map[string]any) ([]*side, error) {
	var text bytes.Buffer
	for _, e := range events {
		line, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		text.Write(append(line, '\n'))
	}
	var all []query.Consumer
	for _, v := range versions {
		v.pass.Run = nil
		all = append(all, v.pass.Consumer())
	}
	if err := query.RunTogether(ctx, query.Run{Input: memory(text.Bytes()), Workers: 1, Memory: trialMemory, Now: time.Now(), Warnings: &exec.Warnings{}}, nil, all...); err != nil {
		return nil, err
	}
	var out []*side
	for _, v := range versions {
		s, err := v.side()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
