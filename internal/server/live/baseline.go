package live

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// A rule that learns (first seen, outlier) and is added to a store that has logs gets its
// baseline from them: the rule does not run until it is built, and then goes on from where
// the building came to. What is built is put in place in one transaction with everything
// else, so that a kill leaves either nothing of it or all.

// baselineSchema says which rules have a baseline, by what they ask.
const baselineSchema = `
CREATE TABLE live_baseline (rule TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (rule, digest)) WITHOUT ROWID;
`

// baselineDefault is how far back logs are read for a rule that does not say how long it
// remembers.
const baselineDefault = 30 * 24 * time.Hour

// Build is how far the baseline of a rule is.
type Build struct {
	Rule    string
	Done    bool
	Problem string // why it could not be built; the rule runs and learns from what comes

	read, total *atomic.Int64
}

// Percent is how much of the logs is read.
func (b *Build) Percent() int {
	if b.Done {
		return 100
	}
	total := b.total.Load()
	if total <= 0 {
		return 0
	}
	return int(min(99, b.read.Load()*100/total))
}

// builds are those of the content that runs.
type builds struct {
	mu     sync.Mutex
	by     map[string]*Build
	failed []Build
}

// Building is how far the baselines are that are being built, or could not be, by rule.
func (e *Engine) Building() map[string]*Build {
	e.builds.mu.Lock()
	defer e.builds.mu.Unlock()
	all := map[string]*Build{}
	for _, b := range e.builds.failed {
		all[b.Rule] = &b
	}
	for id, b := range e.builds.by {
		c := *b
		all[id] = &c
	}
	return all
}

// without are the rules that have no baseline yet, of those that learn. On a store of which
// nothing is judged yet, none needs one: all of the store goes through them.
func (x *running) without(ctx context.Context) (pending []*tenant.Rule, err error) {
	db := x.alerts.db
	has, known := map[string]bool{}, map[string]bool{}
	if err := x.alerts.each(ctx, `SELECT rule || char(0) || digest FROM live_baseline`, nil, func(scan func(...any) error) error {
		var key string
		err := scan(&key)
		has[key] = true
		return err
	}); err != nil {
		return nil, err
	}
	for _, r := range x.tenant.Rules {
		if !r.Learns() {
			continue
		}
		key := r.ID + "\x00" + r.Digest()
		if known[key] = true; has[key] {
			continue
		}
		built := x.place == 0
		if !built { // of a version before this one: it has learnt from what came
			prefix := tenant.StateOf(r)
			var one int
			err := db.QueryRowContext(ctx, `SELECT 1 FROM live_state WHERE key >= ? AND key < ? LIMIT 1`, []byte(prefix), append([]byte(prefix), 0xff)).Scan(&one)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return nil, err
			}
			built = err == nil
		}
		if !built {
			pending = append(pending, r)
			continue
		}
		if _, err := db.ExecContext(ctx, `INSERT OR IGNORE INTO live_baseline (rule, digest) VALUES (?,?)`, r.ID, r.Digest()); err != nil {
			return nil, err
		}
	}
	for key := range has { // its state goes, and so does that it had one
		if rule, digest, _ := strings.Cut(key, "\x00"); !known[key] {
			if _, err := db.ExecContext(ctx, `DELETE FROM live_baseline WHERE rule = ? AND digest = ?`, rule, digest); err != nil {
				return nil, err
			}
		}
	}
	return pending, nil
}

// builder builds baselines beside what runs.
type builder struct {
	tenant *tenant.Tenant
	pass   *tenant.Pass
	place  uint64 // of the store: what is before it has been learnt from
	err    error
	done   chan struct{}
	cancel context.CancelFunc
}

// build begins to build the baselines of some rules.
func (x *running) build(ctx context.Context, docs []*ruledoc.Document, found diag.List, rules []*tenant.Rule) {
	ids := map[string]bool{}
	back := int64(0)
	for _, r := range rules {
		ids[r.ID] = true
		back = max(back, r.Retention, r.Learning)
		if r.Retention == 0 && r.Learning == 0 {
			back = max(back, baselineDefault.Milliseconds())
		}
	}
	some := tenant.Some(docs, func(id string) bool { return ids[id] })
	work, cancel := context.WithCancel(ctx)
	b := &builder{tenant: tenant.New(some, found), done: make(chan struct{}), cancel: cancel}
	// Its signals are given to the desks of what runs, which weigh them.
	b.tenant.Content = &insight.Content{Settings: b.tenant.Content.Settings}
	b.pass = &tenant.Pass{Tenant: b.tenant, Rules: b.tenant.Rules, Begin: func(r *tenant.Run) error { return r.Track() }}
	run := query.Run{Memory: x.o.Memory, Workers: 1, Warnings: &exec.Warnings{}, Now: x.o.Now()}
	view := store.View{}
	if x.newest != event.NoTime {
		view.From = max(x.newest-back, 1)
		run.From, run.To, run.Bounded = view.From, x.newest+24*60*60*1000, true
	}
	snap := x.o.Store.Snapshot(view)
	b.place = snap.Next()
	total, read := &atomic.Int64{}, &atomic.Int64{}
	x.builds.mu.Lock()
	for id := range ids {
		x.builds.by[id] = &Build{Rule: id, read: read, total: total}
	}
	x.builds.mu.Unlock()
	x.builder = b
	go func() {
		defer close(b.done)
		defer cancel()
		defer snap.Close()
		b.err = func() (err error) {
			defer exec.Caught(&err, "the building of baselines")
			run.Input = snap.Feeder()
			watch := make(chan struct{})
			defer close(watch)
			go func() {
				for {
					p := snap.Progress()
					total.Store(p.Total)
					read.Store(p.Bytes)
					select {
					case <-watch:
						return
					case <-time.After(tick):
					}
				}
			}()
			return query.RunTogether(work, run, nil, b.pass.Baseline())
		}()
	}()
}

// swap has baselines that are built put in place by the next checkpoint, once what came
// meanwhile has gone through their rules, too: up to the place that what runs has come to. It
// gives the signals of that, and reports whether it did; the content is then to be loaded anew.
func (x *running) swap(ctx context.Context, mark int64) (signals []*insight.Signal, done bool) {
	b := x.builder
	if b == nil {
		return nil, false
	}
	select {
	case <-b.done:
	default:
		return nil, false
	}
	gap := x.o.Store.Snapshot(store.View{After: b.place})
	defer gap.Close()
	if gap.Next() != x.place { // something came just now
		return nil, false
	}
	fail := b.err
	var entries []tenant.Entry
	if fail == nil {
		fail = func() (err error) {
			defer exec.Caught(&err, "the building of baselines")
			if _, err := b.pass.Run.Advance(mark); err != nil {
				return err
			}
			if gap.Next() > b.place {
				run := query.Run{Input: gap.Feeder(), Memory: x.o.Memory, Workers: 1, Warnings: &exec.Warnings{}, Now: x.o.Now()}
				if err := query.RunTogether(ctx, run, nil, b.pass.Consumer()); err != nil {
					return err
				}
			}
			if signals, err = b.pass.Run.Advance(mark); err != nil {
				return err
			}
			entries, err = b.pass.Run.State()
			return err
		}()
	}
	x.builder = nil
	var built [][2]string
	for _, r := range b.tenant.Rules {
		built = append(built, [2]string{r.ID, r.Digest()})
	}
	if fail != nil {
		entries, signals = nil, nil
		x.o.Logf("a baseline could not be built from the store, and the rule learns from what comes: %v", fail)
		x.builds.mu.Lock()
		for id := range x.builds.by {
			x.builds.failed = append(x.builds.failed, Build{Rule: id, Done: true, Problem: fail.Error()})
		}
		x.builds.mu.Unlock()
	}
	for _, s := range signals {
		s.Suppressed = slices.DeleteFunc(s.Suppressed, func(why string) bool { return !strings.HasPrefix(why, "list:") })
		s.Stronger = false
	}
	x.pass.Run.Give(signals)
	x.built, x.given, x.fresh = built, entries, true
	return signals, true
}
