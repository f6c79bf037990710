package live

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Alerts are the signals, insights and entities that were found. They are in a database,
// beside the state of the rules.
type Alerts struct {
	db   *sql.DB
	told atomic.Pointer[func(News)]
	out  atomic.Pointer[func(context.Context, *sql.Tx, News) error]
	hand atomic.Bool // somebody has changed an entity since this was last looked at
}

// News is what has come or changed, told once it is written.
type News struct {
	Signals []*insight.Signal
	New     []*insight.Case // insights that were made
	Changed *insight.Case   // one that somebody has changed
	Entity  string          // id of one that somebody has changed
}

// Tell has f told of news from now on. It is called by whoever writes, who waits for it.
func (a *Alerts) Tell(f func(News)) { a.told.Store(&f) }

// Outbox has f write what others are to be told of news, in the transaction of the news.
func (a *Alerts) Outbox(f func(context.Context, *sql.Tx, News) error) { a.out.Store(&f) }

func (a *Alerts) outbox(ctx context.Context, tx *sql.Tx, n News) error {
	if f := a.out.Load(); f != nil {
		return (*f)(ctx, tx, n)
	}
	return nil
}

func (a *Alerts) tell(n News) {
	if f := a.told.Load(); f != nil {
		(*f)(n)
	}
}

// Migration is what the package keeps in a store's database.
var Migration = store.Migration{Package: "live", Steps: []string{schema, findingSchema, recordSchema, handSchema, baselineSchema, pastSchema}}

const schema = `
CREATE TABLE live_state (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE live_place (one INTEGER PRIMARY KEY CHECK (one = 1), place INTEGER NOT NULL, newest INTEGER NOT NULL);
CREATE TABLE live_signal (
	number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, rule TEXT NOT NULL, name TEXT NOT NULL, entity TEXT NOT NULL,
	severity INTEGER NOT NULL, time INTEGER NOT NULL, created INTEGER NOT NULL, suppressed INTEGER NOT NULL, insight TEXT NOT NULL DEFAULT '', body TEXT NOT NULL
);
CREATE INDEX live_signal_entity ON live_signal (entity, time);
CREATE INDEX live_signal_time ON live_signal (time);
CREATE TABLE live_insight (
	number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, entity TEXT NOT NULL, status TEXT NOT NULL, time INTEGER NOT NULL, created INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE INDEX live_insight_entity ON live_insight (entity);
CREATE TABLE live_entity (
	id TEXT PRIMARY KEY, type TEXT NOT NULL, zone TEXT NOT NULL, value TEXT NOT NULL, shown TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
	suppressed INTEGER NOT NULL DEFAULT 0, criticality TEXT NOT NULL DEFAULT '', tags TEXT NOT NULL DEFAULT '[]', revision INTEGER NOT NULL DEFAULT 1
);
`

// Of gives what is in a database that has the Migration's tables.
func Of(db *sql.DB) *Alerts { return &Alerts{db: db} }

// place is the place in the store up to which results are written, and the time of the
// newest event before it, event.NoTime for none.
func (a *Alerts) place(ctx context.Context) (n uint64, newest int64, err error) {
	err = a.db.QueryRowContext(ctx, `SELECT place, newest FROM live_place`).Scan(&n, &newest)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, event.NoTime, nil
	}
	return n, newest, err
}

// batch is what one transaction writes.
type batch struct {
	entries  []tenant.Entry
	stale    []string
	built    [][2]string // rules that have a baseline from now on, with what they ask
	signals  []*insight.Signal
	insights []*insight.Insight
	place    uint64
	newest   int64
	at       time.Time
}

// commit writes a batch, all of it or nothing. A signal or insight that is there already,
// by its id, is the same one, made again after a stop.
func (a *Alerts) commit(ctx context.Context, b batch) error {
	tx, err := a.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	news, err := b.write(ctx, tx)
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if len(news.Signals)+len(news.New) > 0 {
		if err := a.outbox(ctx, tx, news); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	if len(news.Signals)+len(news.New) > 0 {
		a.tell(news)
	}
	return nil
}

// prepared are the statements of a transaction: reading them anew for each row takes half of
// the time of writing it.
type prepared struct {
	ctx context.Context
	tx  *sql.Tx
	by  map[string]*sql.Stmt
}

func (p *prepared) exec(text string, args ...any) (sql.Result, error) {
	s := p.by[text]
	if s == nil {
		var err error
		if s, err = p.tx.PrepareContext(p.ctx, text); err != nil {
			return nil, err
		}
		p.by[text] = s
	}
	return s.ExecContext(p.ctx, args...)
}

func (p *prepared) close() {
	for _, s := range p.by {
		s.Close()
	}
}

// write writes the batch; news are what of it was not there yet.
func (b *batch) write(ctx context.Context, tx *sql.Tx) (news News, err error) {
	return news, b.put(ctx, tx, &news)
}

func (b *batch) put(ctx context.Context, tx *sql.Tx, news *News) error {
	p := prepared{ctx: ctx, tx: tx, by: map[string]*sql.Stmt{}}
	defer p.close()
	for _, key := range b.stale {
		if _, err := p.exec(`DELETE FROM live_state WHERE key = ?`, []byte(key)); err != nil {
			return err
		}
	}
	for _, e := range b.entries {
		var err error
		if e.Value == nil {
			_, err = p.exec(`DELETE FROM live_state WHERE key = ?`, []byte(e.Key))
		} else {
			_, err = p.exec(`INSERT INTO live_state (key, value) VALUES (?,?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, []byte(e.Key), e.Value)
		}
		if err != nil {
			return err
		}
	}
	for _, x := range b.built {
		if _, err := p.exec(`INSERT OR IGNORE INTO live_baseline (rule, digest) VALUES (?,?)`, x[0], x[1]); err != nil {
			return err
		}
	}
	at := b.at.UnixMilli()
	for _, s := range b.signals {
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		suppressed := 0
		if len(s.Suppressed) > 0 {
			suppressed = 1
		}
		id := s.Entity.ID()
		r, err := p.exec(`INSERT OR IGNORE INTO live_signal (id, rule, name, entity, severity, time, created, suppressed, body) VALUES (?,?,?,?,?,?,?,?,?)`,
			s.ID, s.RuleID, s.Name, id, s.Severity, s.Time, at, suppressed, string(text))
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err == nil && n > 0 {
			news.Signals = append(news.Signals, s)
		}
		if _, err := p.exec(`INSERT INTO live_entity (id, type, zone, value, shown, first, last) VALUES (?,?,?,?,?,?,?)
			ON CONFLICT (id) DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last)`,
			id, s.Entity.Type, s.Entity.Zone, s.Entity.Value, s.Shown, s.Time, s.Time); err != nil {
			return err
		}
	}
	for _, i := range b.insights {
		var number int
		if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(number), 0) + 1 FROM live_insight`).Scan(&number); err != nil {
			return err
		}
		c := insight.NewCase(i, number, at)
		text, err := json.Marshal(c)
		if err != nil {
			return err
		}
		r, err := p.exec(`INSERT OR IGNORE INTO live_insight (number, id, entity, status, time, created, body) VALUES (?,?,?,?,?,?,?)`,
			number, i.ID, i.Entity.ID(), c.Status, i.Time, at, string(text))
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			if err != nil {
				return err
			}
			continue
		}
		news.New = append(news.New, c)
		for _, s := range i.Signals {
			if _, err := p.exec(`UPDATE live_signal SET insight = ? WHERE id = ? AND insight = ''`, i.ID, s.ID); err != nil {
				return err
			}
		}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO live_place (one, place, newest) VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET place = excluded.place, newest = excluded.newest`, int64(b.place), b.newest)
	return err
}

// ErrNone is that there is no such signal, insight or entity; ErrRevision that it has
// changed since it was read.
var (
	ErrNone     = errors.New("there is none of this id")
	ErrRevision = errors.New("it has another revision")
)

// Signal is a signal as it is kept.
type Signal struct {
	*insight.Signal
	Number  int64
	Created time.Time
	Insight string // id of the insight that it is part of; "" for none
}

func (a *Alerts) signals(ctx context.Context, where string, args ...any) ([]*Signal, error) {
	return a.some(ctx, nil, where, args...)
}

// some are the signals that keep, which may be nil, holds for; the others are not held.
func (a *Alerts) some(ctx context.Context, keep func(*Signal) bool, where string, args ...any) (all []*Signal, err error) {
	rows, err := a.db.QueryContext(ctx, `SELECT number, created, insight, body FROM live_signal `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		s := &Signal{}
		var created int64
		var text string
		if err := rows.Scan(&s.Number, &created, &s.Insight, &text); err != nil {
			return nil, err
		}
		s.Created = time.UnixMilli(created).UTC()
		if err := json.Unmarshal([]byte(text), &s.Signal); err != nil {
			return nil, err
		}
		if keep == nil || keep(s) {
			all = append(all, s)
		}
	}
	return all, rows.Err()
}

// Signals are all that keep holds for, the newest first.
func (a *Alerts) Signals(ctx context.Context, keep func(*Signal) bool) ([]*Signal, error) {
	return a.some(ctx, keep, `ORDER BY time DESC, number DESC`)
}

// Between are the signals of a stretch of event time (ms, to excluded), the newest first,
// at most so many; more says that there are others.
func (a *Alerts) Between(ctx context.Context, from, to int64, most int) (all []*Signal, more bool, err error) {
	all, err = a.signals(ctx, `WHERE time >= ? AND time < ? ORDER BY time DESC, number DESC LIMIT ?`, from, to, most+1)
	return all[:min(most, len(all))], len(all) > most, err
}

func kept[T any](all []T, keep func(T) bool) []T {
	if keep == nil {
		return all
	}
	var some []T
	for _, x := range all {
		if keep(x) {
			some = append(some, x)
		}
	}
	return some
}

// On are the signals on an entity with times within [from, to), the oldest first.
func (a *Alerts) On(ctx context.Context, entity string, from, to int64) ([]*Signal, error) {
	return a.signals(ctx, `WHERE entity = ? AND time >= ? AND time < ? ORDER BY time, number`, entity, from, to)
}

// Signal is one.
func (a *Alerts) Signal(ctx context.Context, id string) (*Signal, error) {
	all, err := a.signals(ctx, `WHERE id = ?`, id)
	if err == nil && len(all) == 0 {
		err = ErrNone
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func (a *Alerts) cases(ctx context.Context, where string, args ...any) (all []*insight.Case, err error) {
	rows, err := a.db.QueryContext(ctx, `SELECT body FROM live_insight `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		c := &insight.Case{}
		if err := json.Unmarshal([]byte(text), c); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// Cases are the insights with their lives that keep holds for, the newest first.
func (a *Alerts) Cases(ctx context.Context, keep func(*insight.Case) bool) ([]*insight.Case, error) {
	all, err := a.cases(ctx, `ORDER BY number DESC`)
	return kept(all, keep), err
}

// Open are the insights that are not closed, the newest first.
func (a *Alerts) Open(ctx context.Context) ([]*insight.Case, error) {
	return a.cases(ctx, `WHERE status != ? ORDER BY number DESC`, insight.Closed)
}

// Closed are the last most insights that were closed, and how many there are.
func (a *Alerts) Closed(ctx context.Context, most int) (some []*insight.Case, total int, err error) {
	if err = a.db.QueryRowContext(ctx, `SELECT count(*) FROM live_insight WHERE status = ?`, insight.Closed).Scan(&total); err == nil {
		some, err = a.cases(ctx, `WHERE status = ? ORDER BY json_extract(body, '$.Closed') DESC, number DESC LIMIT ?`, insight.Closed, most)
	}
	return some, total, err
}

// Account is what is known of an entity in numbers.
type Account struct {
	Signals, Insights, Open int
	Ended                   map[string]int // closed insights by resolution
	First, Last             int64          // ms since 1970; 0 of an entity that is not known
	Criticality             string
	Suppressed              bool
	Shown                   string
}

// Accounts are those of some entities.
func (a *Alerts) Accounts(ctx context.Context, ids []string) (map[string]*Account, error) {
	all := map[string]*Account{}
	for part := range slices.Chunk(ids, 500) { // SQLite has a limit of variables
		if err := a.accounts(ctx, part, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (a *Alerts) accounts(ctx context.Context, ids []string, all map[string]*Account) error {
	var args []any
	for _, id := range ids {
		args = append(args, id)
		all[id] = &Account{Ended: map[string]int{}}
	}
	in := `(?` + strings.Repeat(`,?`, len(ids)-1) + `)`
	if err := a.each(ctx, `SELECT e.id, e.first, e.last, e.criticality, e.suppressed AND (e.hand_until = 0 OR e.hand_until > unixepoch() * 1000), e.shown, (SELECT count(*) FROM live_signal s WHERE s.entity = e.id) FROM live_entity e WHERE e.id IN `+in, args, func(scan func(...any) error) error {
		var id string
		x := &Account{Ended: map[string]int{}}
		err := scan(&id, &x.First, &x.Last, &x.Criticality, &x.Suppressed, &x.Shown, &x.Signals)
		all[id] = x
		return err
	}); err != nil {
		return err
	}
	return a.each(ctx, `SELECT entity, status, CASE WHEN status = 'closed' THEN json_extract(body, '$.Resolution') ELSE '' END, count(*) FROM live_insight WHERE entity IN `+in+` GROUP BY 1, 2, 3`, args, func(scan func(...any) error) error {
		var id, status, resolution string
		var n int
		if err := scan(&id, &status, &resolution, &n); err != nil {
			return err
		}
		x := all[id]
		if x.Insights += n; status == insight.Closed {
			x.Ended[resolution] += n
		} else {
			x.Open += n
		}
		return nil
	})
}

// CasesOn are the insights on an entity, the newest first.
func (a *Alerts) CasesOn(ctx context.Context, entity string) ([]*insight.Case, error) {
	return a.cases(ctx, `WHERE entity = ? ORDER BY number DESC`, entity)
}

// Case is an insight by its id, or the one that people use: INSIGHT-12.
func (a *Alerts) Case(ctx context.Context, id string) (*insight.Case, error) {
	all, err := a.cases(ctx, `WHERE id = ? OR 'INSIGHT-' || number = ?`, id, id)
	if err == nil && len(all) == 0 {
		err = ErrNone
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// Change changes a case, if accept, which may be nil, takes the revision that it has.
func (a *Alerts) Change(ctx context.Context, id string, accept func(rev int) bool, life *insight.Life, x insight.Change, by string, at time.Time) (*insight.Case, error) {
	for {
		c, err := a.Case(ctx, id)
		if err != nil {
			return nil, err
		}
		if accept != nil && !accept(c.Rev) {
			return nil, ErrRevision
		}
		was, err := json.Marshal(c)
		if err != nil {
			return nil, err
		}
		if err := life.Apply(c, x, by, at.UnixMilli()); err != nil {
			return nil, err
		}
		text, err := json.Marshal(c)
		if err != nil {
			return nil, err
		}
		done, err := a.put(ctx, c, string(text), string(was))
		if err != nil {
			return nil, err
		}
		if done {
			a.tell(News{Changed: c})
			return c, nil
		} // somebody else has changed it meanwhile
	}
}

// put writes a case that was changed, if it still is as it was.
func (a *Alerts) put(ctx context.Context, c *insight.Case, text, was string) (done bool, err error) {
	tx, err := a.db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	r, err := tx.ExecContext(ctx, `UPDATE live_insight SET body = ?, status = ? WHERE id = ? AND body = ?`, text, c.Status, c.Insight.ID, was)
	if err != nil {
		return false, errors.Join(err, tx.Rollback())
	}
	n, err := r.RowsAffected()
	if err == nil && n == 1 {
		err = a.outbox(ctx, tx, News{Changed: c})
	}
	if err != nil || n != 1 {
		return false, errors.Join(err, tx.Rollback())
	}
	return true, tx.Commit()
}

// Entity is one on which there were signals.
type Entity struct {
	ID, Type, Zone, Value string
	Shown                 string // in the letter case of its first record
	First, Last           time.Time
	Suppressed            bool
	Suppression           Suppression // of one that is
	Criticality           string
	Tags                  []string
	Revision              int64
	Score                 int // of its counted signals since the last insight, within the look-back
}

// Entities are all that keep holds for, those with the highest score first. lookback is
// how far back signals count.
func (a *Alerts) Entities(ctx context.Context, now time.Time, lookback time.Duration, keep func(*Entity) bool) ([]*Entity, error) {
	all, err := a.entities(ctx, now, lookback, "")
	return kept(all, keep), err
}

// Entity is one.
func (a *Alerts) Entity(ctx context.Context, id string, now time.Time, lookback time.Duration) (*Entity, error) {
	all, err := a.entities(ctx, now, lookback, id)
	if err == nil && len(all) == 0 {
		err = ErrNone
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// entities reads entities with their activity scores: the sum, over the names of counted
// signals within the look-back and after the entity's last insight, of the highest severity
// (10.1).
func (a *Alerts) entities(ctx context.Context, now time.Time, lookback time.Duration, id string) (all []*Entity, err error) {
	rows, err := a.db.QueryContext(ctx, `
		SELECT id, type, zone, value, shown, first, last, suppressed, hand_by, hand_at, hand_until, hand_reason, criticality, tags, revision, coalesce((
			SELECT sum(most) FROM (SELECT max(s.severity) AS most FROM live_signal s
				WHERE s.entity = e.id AND s.suppressed = 0 AND s.time > max(?, coalesce((SELECT max(i.time) FROM live_insight i WHERE i.entity = e.id), 0))
				GROUP BY s.name)), 0) AS score
		FROM live_entity e WHERE ? = '' OR id = ? ORDER BY score DESC, last DESC, id`,
		now.Add(-lookback).UnixMilli(), id, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		e := &Entity{}
		var first, last, at, until int64
		var tags string
		x := &e.Suppression
		if err := rows.Scan(&e.ID, &e.Type, &e.Zone, &e.Value, &e.Shown, &first, &last, &e.Suppressed, &x.By, &at, &until, &x.Reason, &e.Criticality, &tags, &e.Revision, &e.Score); err != nil {
			return nil, err
		}
		if at != 0 {
			x.At = time.UnixMilli(at).UTC()
		}
		if until != 0 {
			x.Until = time.UnixMilli(until).UTC()
			e.Suppressed = e.Suppressed && now.Before(x.Until)
		}
		if !e.Suppressed {
			*x = Suppression{}
		}
		e.First, e.Last = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
		if err := json.Unmarshal([]byte(tags), &e.Tags); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, rows.Err()
}

// SetEntity writes what people say of an entity: whether it is suppressed, its criticality,
// its tags.
func (a *Alerts) SetEntity(ctx context.Context, e *Entity) error {
	tags, err := json.Marshal(append([]string{}, e.Tags...))
	if err != nil {
		return err
	}
	if !e.Suppressed {
		e.Suppression = Suppression{}
	}
	x := &e.Suppression
	r, err := a.db.ExecContext(ctx, `UPDATE live_entity SET suppressed = ?, hand_by = ?, hand_at = ?, hand_until = ?, hand_reason = ?, criticality = ?, tags = ?, revision = revision + 1 WHERE id = ? AND revision = ?`,
		e.Suppressed, x.By, stamped(x.At), stamped(x.Until), x.Reason, e.Criticality, string(tags), e.ID, e.Revision)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrRevision, err)
	}
	e.Revision++
	a.hand.Store(true)
	a.tell(News{Entity: e.ID})
	return nil
}
