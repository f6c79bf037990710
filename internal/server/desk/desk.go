// Package desk is what the web page asks for beside Sumo Logic's calls, /api/gyoji/v1: what
// is to be looked at now, why a score is what it is, the guide of a package run in place, the
// process tree, coverage, health. What it answers the commands of gyoji answer, too, and by
// the same code.
package desk

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/server/sec"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// Options are what a desk works with.
type Options struct {
	Store  *store.Store
	Live   *live.Engine
	Hunter *live.Hunter // nil where nothing hunts
	// Content are the documents of the tenant; nil where there are none.
	Content *sec.API
	Meter   *Meter // counts what comes in; nil for nothing
	// Cares are asked for what else needs care.
	Cares []func(context.Context) ([]Care, error)
	// Packages have the guides and playbooks; Builtin are the documents that name, by where
	// they come from, which rules are of which package.
	Packages []*detection.Package
	Builtin  []*ruledoc.Document
	People   func() map[string]string // labels of access ids; nil for none
	Logf     func(string, ...any)
	Now      func() time.Time // nil for the clock
}

// Desk answers the calls.
type Desk struct {
	o       Options
	db      *sql.DB
	alerts  *live.Alerts
	hub     *hub
	byRule  map[string]*detection.Package
	nexts   map[string]string // what to do first, by rule
	told    evidences
	covered covered
	blind   blind
	tests   trials
	saved   time.Time     // when the meter was last saved
	running chan struct{} // steps of guides that run
}

// Base is the path before that of each call.
const Base = "/api/gyoji/v1"

// Migration is what the package keeps in the store's database.
var Migration = store.Migration{Package: "desk", Steps: []string{guideSchema, meterSchema}}

// stepsAtOnce is how many steps of guides, and trees, are read for at once.
const stepsAtOnce = 2

// New makes a desk. It is told of what is found from now on.
func New(o Options) (*Desk, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	db, err := o.Store.DB(Migration)
	if err != nil {
		return nil, err
	}
	d := &Desk{o: o, db: db, alerts: o.Live.Alerts(), byRule: map[string]*detection.Package{}, nexts: map[string]string{}, running: make(chan struct{}, stepsAtOnce)}
	for _, doc := range o.Builtin {
		if !doc.IsRule() {
			continue
		}
		r, _ := doc.Rule()
		if r == nil {
			continue
		}
		for _, p := range o.Packages {
			if !strings.HasPrefix(doc.File.Name, p.Dir+"/") {
				continue
			}
			d.byRule[r.ID] = p
			if p.Platforms.Rule != "" && doc.File.Name == path.Join(p.Dir, p.Platforms.Rule) && len(p.Detections) > 0 {
				d.nexts[r.ID] = p.Detections[0].Next
			}
		}
	}
	d.hub = newHub(d)
	d.saved = o.Now()
	d.alerts.Tell(func(n live.News) {
		if o.Meter != nil {
			o.Meter.news(n)
		}
		d.hub.news(n)
	})
	go d.hub.rows()
	go d.watchCare()
	return d, nil
}

// Close ends the streams of events.
func (d *Desk) Close(ctx context.Context) error {
	d.hub.close()
	if d.o.Meter == nil {
		return nil
	}
	return d.o.Meter.save(ctx, d.db)
}

// Routes are all calls.
func (d *Desk) Routes() []access.Route {
	get := func(path string, do func(*http.Request) (any, error)) access.Route {
		return access.Route{Pattern: "GET " + Base + path, Role: access.Read, Serve: answer(do)}
	}
	triage := func(method, path string, do func(*http.Request) (any, error)) access.Route {
		return access.Route{Pattern: method + " " + Base + path, Role: access.Triage, Serve: answer(do)}
	}
	return []access.Route{
		{Pattern: "GET " + Base + "/events", Role: access.Read, Serve: d.hub.serve},
		get("/triage", d.triage),
		get("/insights/{id}", d.one),
		get("/insights/{id}/score", d.score),
		get("/insights/{id}/signals", d.signals),
		get("/insights/{id}/context", d.context),
		get("/insights/{id}/history", d.history),
		get("/insights/{id}/guide", d.guide),
		triage(http.MethodPost, "/insights/{id}/guide", d.runGuide),
		triage(http.MethodPost, "/insights/{id}/guide/{step}", d.runStep),
		get("/insights/{id}/playbook", d.playbook),
		triage(http.MethodPut, "/insights/{id}/playbook", d.tick),
		triage(http.MethodPost, "/insights/{id}/playbook/{step}", d.runPlaybook),
		get("/signals/{id}/records", d.records),
		get("/tree", d.tree),
		get("/entities", d.entities),
		get("/entities/{id}/desk", d.entity),
		triage(http.MethodPut, "/entities/{id}/suppression", d.suppress),
		get("/rules", d.content),
		get("/rules/{id}", d.oneRule),
		get("/rules/{id}/tests", d.cases),
		{Pattern: "POST " + Base + "/rules/{id}/tests", Role: access.Read, Serve: answer(d.runCases), Asks: true},
		get("/coverage", d.coverage),
		get("/health", d.health),
		{Pattern: "POST " + Base + "/whyrule", Role: access.Read, Serve: answer(d.whyRule), Asks: true},
		{Pattern: "POST " + Base + "/tune", Role: access.Read, Serve: answer(d.tune), Asks: true},
		{Pattern: "POST " + Base + "/backtests", Role: access.Read, Serve: answer(d.backtest), Asks: true},
		get("/backtests/{id}", d.backtested),
		{Pattern: "DELETE " + Base + "/backtests/{id}", Role: access.Read, Serve: answer(d.endBacktest), Asks: true},
	}
}

// answer makes a handler of what gives the value of an answer.
func answer(do func(*http.Request) (any, error)) http.HandlerFunc {
	return access.Call(do, func(_ *http.Request, err error) *access.Failure {
		var over *exec.OverBudget
		if errors.As(err, &over) {
			return &access.Failure{Status: http.StatusUnprocessableEntity, Code: "memory", Message: err.Error()}
		}
		return nil
	})
}

// bodyMost is the longest body of a request, in bytes.
const bodyMost = 4 << 20

// body reads the JSON of a request, which may be empty.
func body(r *http.Request, into any) error { return access.Body(r, bodyMost, into) }

// who asks.
func who(r *http.Request) string {
	if p := access.From(r.Context()); p.ID != "" {
		return p.String()
	}
	return "gyoji"
}

// insightOf is the insight that a request names.
func (d *Desk) insightOf(r *http.Request) (*insight.Case, error) {
	return d.insight(r.Context(), r.PathValue("id"))
}

func (d *Desk) insight(ctx context.Context, id string) (*insight.Case, error) {
	c, err := d.alerts.Case(ctx, id)
	if errors.Is(err, live.ErrNone) {
		return nil, access.Missing("there is no insight %s", id)
	}
	return c, err
}

// settings are those of the insight algorithm that run now.
func (d *Desk) settings() insight.Settings {
	if t := d.o.Live.Tenant(); t != nil {
		return t.Content.Settings
	}
	return insight.Defaults()
}

// packageOf is the package with the guide for a rule: the one that has the rule, or else the
// first about one of its techniques. nil for none.
func (d *Desk) packageOf(rule string, tags []string) *detection.Package {
	if p := d.byRule[rule]; p != nil {
		return p
	}
	for _, t := range tags {
		id, ok := strings.CutPrefix(t, "_mitreAttackTechnique:")
		if !ok {
			continue
		}
		id, _, _ = strings.Cut(id, " ")
		for _, p := range d.o.Packages {
			if slices.Contains(p.Attack.Techniques, id) {
				return p
			}
		}
	}
	return nil
}

// readMemory is what one question to the store may hold.
const readMemory = 256 << 20

// reading runs do with runs over the store, one of few at a time.
func (d *Desk) reading(ctx context.Context, do func(run func(from, to int64) (query.Run, error)) error) error {
	select {
	case d.running <- struct{}{}:
		defer func() { <-d.running }()
	case <-ctx.Done():
		return ctx.Err()
	}
	var open []*store.Snapshot
	defer func() {
		for _, s := range open {
			s.Close()
		}
	}()
	return do(func(from, to int64) (query.Run, error) {
		snap := d.o.Store.Snapshot(store.View{From: from, To: to})
		open = append(open, snap)
		return query.Run{
			Input: snap.Feeder(), Reopen: again(snap), Workers: 1, Memory: readMemory, TempDir: "",
			Now: d.o.Now(), From: from, To: to, Bounded: true, Warnings: &exec.Warnings{},
		}, nil
	})
}

func levelOf(severity int) string { return short(detection.SeverityOfSignal(severity).String()) }

func short(level string) string {
	if level == "informational" {
		return "info"
	}
	return level
}

// levels, lowest first.
var levels = []string{"info", "low", "medium", "high", "critical"}

func rank(level string) int { return slices.Index(levels, level) }
