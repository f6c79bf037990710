package live

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

const findingSchema = `
CREATE TABLE live_finding (
	number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, detection TEXT NOT NULL, severity TEXT NOT NULL,
	time INTEGER, created INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE INDEX live_finding_detection ON live_finding (detection, number);
CREATE TABLE live_hunt (one INTEGER PRIMARY KEY CHECK (one = 1), place INTEGER NOT NULL, newest INTEGER NOT NULL, state BLOB NOT NULL);
`

// pastSchema remembers where in the store the hunt stood, for when it has to begin anew.
const pastSchema = `CREATE TABLE live_hunt_past (at INTEGER PRIMARY KEY, place INTEGER NOT NULL)`

// Hunter runs a hunt, packages' queries and Sigma rules, over what arrives in a store. What
// it finds is written at once; what it holds, with the place in the store, from time to
// time: after a kill it finds some of it again, and a finding that is there stays as it is.
type Hunter struct {
	o    Options
	hunt *hunt.Hunt
	db   *sql.DB

	stop context.CancelFunc
	done chan struct{}

	mu     sync.Mutex
	status HunterStatus
	warned exec.Warnings

	abandoned atomic.Bool // by a test, as if the process were killed
}

// HunterStatus says how a hunter stands.
type HunterStatus struct {
	Detections int
	Findings   int64    // written since the start
	Place      uint64   // in the store, up to which events were looked at
	Failed     []string // detections that a mistake in gyoji has stopped
	Lost       []string // what was left out, by kind: how often, what, and of what
	Problem    string   // why nothing runs; "" where all is well
}

// saveEvery is how often what a hunt holds is written down.
var saveEvery = 10 * time.Second

const (
	// again is how much of what came before is hunted in again when the state is of other
	// detections: windows that are open then are mostly shorter.
	again = time.Hour
	// pastEvery is how far apart the places are that one can go back to.
	pastEvery = time.Minute
)

// StartHunter begins to hunt. Of the options Content is not used.
func StartHunter(o Options, h *hunt.Hunt) (*Hunter, error) {
	o.defaults()
	db, err := o.Store.DB(Migration)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	x := &Hunter{o: o, hunt: h, db: db, stop: stop, done: make(chan struct{})}
	x.status.Detections = h.Len()
	go func() {
		defer close(x.done)
		for ctx.Err() == nil {
			err := func() (err error) {
				defer exec.Caught(&err, "live hunt")
				return x.follow(ctx)
			}()
			if err == nil || errors.Is(err, context.Canceled) {
				continue
			}
			o.Logf("the live hunt stands still, and is tried again in %s: %v%s", retry, err, stackOf(err))
			x.say(func(s *HunterStatus) { s.Problem = err.Error() })
			select {
			case <-ctx.Done():
			case <-time.After(retry):
			}
		}
	}()
	return x, nil
}

func (x *Hunter) say(change func(*HunterStatus)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	change(&x.status)
}

// Status is how the hunter stands.
func (x *Hunter) Status() HunterStatus {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.status
}

// Detections are what hunts.
func (x *Hunter) Detections() []*hunt.Detection { return x.hunt.Detections() }

// Blind are those that look at no event of these categories.
func (x *Hunter) Blind(categories []string) []*hunt.Detection { return x.hunt.Blind(categories) }

// Close writes down what the hunt holds, and ends it.
func (x *Hunter) Close(ctx context.Context) error {
	x.stop()
	select {
	case <-x.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// load reads where the hunt stands.
func (x *Hunter) load(ctx context.Context) (place uint64, newest int64, state []byte, err error) {
	err = x.db.QueryRowContext(ctx, `SELECT place, newest, state FROM live_hunt`).Scan(&place, &newest, &state)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, event.NoTime, nil, nil
	}
	return place, newest, state, err
}

// follow hunts in what comes until ctx ends, or until nothing has come for some time after
// there was something to do: what remembers values of events is then begun anew, which gives
// its memory back.
func (x *Hunter) follow(ctx context.Context) error {
	work := context.WithoutCancel(ctx)
	place, newest, state, err := x.load(work)
	if err != nil {
		return err
	}
	var found []*hunt.Finding
	begin := func() (*hunt.Live, error) {
		return x.hunt.Start(work, query.Run{Memory: x.o.Memory, Warnings: &x.warned, Now: x.o.Now()}, hunt.LiveOptions{
			Part:  func(int) string { return "" },
			Found: func(f *hunt.Finding) error { found = append(found, f); return nil },
		})
	}
	l, err := begin()
	if err != nil {
		return err
	}
	defer func() { l.Close() }()
	if state == nil {
		if _, err := x.db.ExecContext(work, `INSERT OR IGNORE INTO live_hunt_past (at, place) VALUES (?,?)`, x.o.Now().UnixMilli(), int64(place)); err != nil {
			return err
		}
	} else {
		if err := l.Load(bytes.NewReader(state)); err != nil {
			l.Close()
			from, lost := x.past(work, place)
			if lost != nil {
				return lost
			}
			since := fmt.Sprintf("it hunts again in what came in about the last %s before that", again)
			if from == place {
				since = "it goes on where it stood, without what it held, since no earlier place is known"
			}
			x.o.Logf("the live hunt starts over, since its detections are others now: %v; %s", err, since)
			place, newest = from, event.NoTime
			if l, err = begin(); err != nil {
				return err
			}
		}
	}
	came, saved, mark := x.o.Now(), x.o.Now(), int64(noMark)
	dirty, worked, waiting := false, false, false
	for {
		x.wait(ctx)
		now := x.o.Now()
		snap := x.o.Store.Snapshot(store.View{After: place})
		next := snap.Next()
		if next > place {
			err = l.Add(work, snap.Feeder())
			place, came, dirty, worked, waiting = next, now, true, true, true
		}
		snap.Close()
		if err != nil {
			return err
		}
		if t := l.Newest(); t != event.NoTime && (newest == event.NoTime || t > newest) {
			newest = t
		}
		if newest != event.NoTime {
			to := newest + 1 - x.o.Late.Milliseconds()
			if now.Sub(came) >= x.o.Idle {
				to = newest + 1
			}
			// What is older than the newest is looked at, too.
			if to > mark || waiting {
				mark, waiting = max(mark, to), false
				if err := l.Advance(mark); err != nil {
					return err
				}
				if err := l.News(); err != nil {
					return err
				}
			}
		}
		for _, bug := range l.Failures() {
			x.o.Logf("%v; the other detections go on%s", bug, stackOf(bug))
			x.say(func(s *HunterStatus) { s.Failed = append(s.Failed, bug.Error()) })
		}
		if len(found) > 0 {
			if err := x.write(work, found); err != nil {
				return err
			}
			found = found[:0]
		}
		x.say(func(s *HunterStatus) { s.Place, s.Problem, s.Lost = place, "", lostOf(&x.warned) })
		ended := false
		select {
		case <-ctx.Done():
			ended = true
		case <-time.After(tick):
		}
		if x.abandoned.Load() {
			return context.Canceled
		}
		if dirty && (ended || now.Sub(saved) >= saveEvery) {
			if err := x.save(work, l, place, newest); err != nil {
				return err
			}
			saved, dirty = now, false
		}
		if ended || worked && !dirty && now.Sub(came) >= x.o.Rest {
			return nil
		}
	}
}

// waitMost is how long a hunt waits for what is more urgent: under a load that never ends it
// goes on all the same.
const waitMost = time.Second

// wait waits as long as there is something more urgent: queries of packages cost more for an
// event than rules do, and would keep signals waiting.
func (x *Hunter) wait(ctx context.Context) {
	if x.o.Busy == nil {
		return
	}
	for began := time.Now(); ctx.Err() == nil && x.o.Busy() && time.Since(began) < waitMost; {
		select {
		case <-ctx.Done():
		case <-time.After(tick / 4):
		}
	}
}

// write keeps findings.
func (x *Hunter) write(ctx context.Context, found []*hunt.Finding) error {
	tx, err := x.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	n := int64(0)
	for _, f := range found {
		text, err := json.Marshal(f)
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
		var at any
		if f.Timed() {
			at = int64(f.Time)
		}
		r, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO live_finding (id, detection, severity, time, created, body) VALUES (?,?,?,?,?,?)`,
			f.ID, f.DetectionID, f.Severity.String(), at, x.o.Now().UnixMilli(), string(text))
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
		if k, err := r.RowsAffected(); err == nil {
			n += k
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	x.say(func(s *HunterStatus) { s.Findings += n })
	return nil
}

// save writes down what the hunt holds.
func (x *Hunter) save(ctx context.Context, l *hunt.Live, place uint64, newest int64) error {
	var state bytes.Buffer
	if err := l.Save(&state); err != nil {
		return err
	}
	tx, err := x.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	at := x.o.Now().UnixMilli()
	for _, do := range []struct {
		text string
		args []any
	}{
		{`INSERT INTO live_hunt (one, place, newest, state) VALUES (1,?,?,?)
			ON CONFLICT (one) DO UPDATE SET place = excluded.place, newest = excluded.newest, state = excluded.state`, []any{int64(place), newest, state.Bytes()}},
		{`INSERT INTO live_hunt_past (at, place) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM live_hunt_past WHERE at > ?)`, []any{at, int64(place), at - pastEvery.Milliseconds()}},
		// The newest of those that are too old stays: what came after it is young enough.
		{`DELETE FROM live_hunt_past WHERE at < (SELECT max(at) FROM live_hunt_past WHERE at <= ?)`, []any{at - again.Milliseconds()}},
	} {
		if _, err := tx.ExecContext(ctx, do.text, do.args...); err != nil {
			return fmt.Errorf("what the live hunt holds cannot be written: %w", errors.Join(err, tx.Rollback()))
		}
	}
	return tx.Commit()
}

// past is the place at which the hunt stood some time before it was last written down: now,
// where that is not known.
func (x *Hunter) past(ctx context.Context, now uint64) (place uint64, err error) {
	place = now
	err = x.db.QueryRowContext(ctx, `SELECT place FROM live_hunt_past ORDER BY at LIMIT 1`).Scan(&place)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return min(place, now), err
}

// Finding is a finding as it is kept: its JSON is that of gyoji hunt.
type Finding struct {
	Number    int64
	ID        string
	Detection string
	Severity  string
	Created   time.Time
	JSON      json.RawMessage
}

// Findings are those of a hunter, the newest first, from the offset on, and how many there
// are.
func (a *Alerts) Findings(ctx context.Context, detection, severity string, offset, limit int) (all []*Finding, total int, err error) {
	const where = ` FROM live_finding WHERE (? = '' OR detection = ?) AND (? = '' OR severity = ?)`
	args := []any{detection, detection, severity, severity}
	if err := a.db.QueryRowContext(ctx, `SELECT count(*)`+where, args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := a.db.QueryContext(ctx, `SELECT number, id, detection, severity, created, body`+where+` ORDER BY number DESC LIMIT ? OFFSET ?`, append(args, limit, offset)...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		f := &Finding{}
		var created int64
		var text string
		if err := rows.Scan(&f.Number, &f.ID, &f.Detection, &f.Severity, &created, &text); err != nil {
			return nil, 0, err
		}
		f.Created, f.JSON = time.UnixMilli(created).UTC(), json.RawMessage(text)
		all = append(all, f)
	}
	return all, total, rows.Err()
}
