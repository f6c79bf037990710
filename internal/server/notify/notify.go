// Package notify tells others of insights and signals: webhooks, syslog, Kafka, email. What is
// to be told is written in the transaction that the finding is written in, and sent from
// there: at least once, whatever happens to the process, each time with the same key. Who
// does not take it holds nobody else back; what cannot be delivered is kept as a dead letter.
package notify

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/store"
)

// Migration is what the package keeps in the store's database.
var Migration = store.Migration{Package: "notify", Steps: []string{schema}}

const schema = `
CREATE TABLE notify_channel (id TEXT PRIMARY KEY, revision INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE notify_outbox (
	number INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, created INTEGER NOT NULL,
	tries INTEGER NOT NULL DEFAULT 0, next INTEGER NOT NULL, error TEXT NOT NULL DEFAULT '', dead INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX notify_outbox_key ON notify_outbox (channel, key);
CREATE INDEX notify_outbox_next ON notify_outbox (channel, dead, next);
`

// Options are what a notifier works with.
type Options struct {
	Store   *store.Store
	Alerts  *live.Alerts
	Outward access.Outward // which addresses may be opened for channels that the API has set
	Fixed   []*Channel     // of the configuration: whoever wrote it may open what it names
	Base    func() string  // the server's address, for links
	// PackageOf names the package that a rule is of; nil for none.
	PackageOf func(rule string) string
	Packages  []string // names that PackageOf gives; nil where they are not known
	Logf      func(string, ...any)

	pace pace // of tests
}

// pace is how long things take.
type pace struct {
	first, most time.Duration // between tries: the first, and the longest
	give        time.Duration // after which what could not be delivered is a dead letter
	send        time.Duration // that one delivery may take
	look        time.Duration // how often it is looked for what is due
}

var usual = pace{first: time.Second, most: 15 * time.Minute, give: 24 * time.Hour, send: 30 * time.Second, look: 250 * time.Millisecond}

// Notifier sends until it is closed.
type Notifier struct {
	o    Options
	db   *sql.DB
	stop context.Context
	end  context.CancelFunc
	busy sync.WaitGroup

	mu       sync.Mutex
	channels map[string]*Channel
	workers  map[string]*worker
}

// New reads the channels and begins to send.
func New(o Options) (*Notifier, error) {
	if o.pace == (pace{}) {
		o.pace = usual
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	if o.Base == nil {
		o.Base = func() string { return "" }
	}
	if o.PackageOf == nil {
		o.PackageOf = func(string) string { return "" }
	}
	db, err := o.Store.DB(Migration)
	if err != nil {
		return nil, err
	}
	n := &Notifier{o: o, db: db, channels: map[string]*Channel{}, workers: map[string]*worker{}}
	n.stop, n.end = context.WithCancel(context.Background())
	rows, err := db.Query(`SELECT id, revision, body FROM notify_channel`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		c := &Channel{}
		var id, text string
		var revision int64
		if err := errors.Join(rows.Scan(&id, &revision, &text), json.Unmarshal([]byte(text), c)); err != nil {
			return nil, err
		}
		c.ID, c.Revision = id, revision
		n.channels[id] = c
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, c := range o.Fixed {
		if err := n.usable(c); err != nil {
			return nil, fmt.Errorf("notification %q: %w", c.Name, err)
		}
		c.ID, c.fixed = ofConfig+c.Name, true
		if n.channels[c.ID] != nil {
			return nil, fmt.Errorf("there are two notifications of the name %q", c.Name)
		}
		n.channels[c.ID] = c
	}
	if err := n.orphans(); err != nil {
		return nil, err
	}
	for _, c := range n.channels {
		n.work(c)
	}
	o.Alerts.Outbox(n.write)
	return n, nil
}

// ofConfig begins the ids of channels of the configuration.
const ofConfig = "config:"

// orphans makes dead letters of those that wait for a channel that the configuration has no
// more: nobody would send them, and nobody see them.
func (n *Notifier) orphans() error {
	ids := []string{} // null is a value to json_each
	for id := range n.channels {
		ids = append(ids, id)
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	_, err = n.db.Exec(`UPDATE notify_outbox SET dead = 1, error = 'its channel is no more in the configuration' WHERE dead = 0 AND channel NOT IN (SELECT value FROM json_each(?))`, string(list))
	return err
}

// Close ends the sending. What was not sent is sent after the next start.
func (n *Notifier) Close(ctx context.Context) error {
	n.end()
	done := make(chan struct{})
	go func() {
		n.busy.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write puts what is to be told into the outbox, in the transaction of what is found.
func (n *Notifier) write(ctx context.Context, tx *sql.Tx, news live.News) error {
	n.mu.Lock()
	var channels []*Channel
	for _, c := range n.channels {
		if c.Enabled {
			channels = append(channels, c)
		}
	}
	n.mu.Unlock()
	if len(channels) == 0 {
		return nil
	}
	slices.SortFunc(channels, func(a, b *Channel) int { return strings.Compare(a.ID, b.ID) })
	var events []*Event
	for _, c := range news.New {
		events = append(events, n.ofInsight("insight.created", c))
	}
	if news.Changed != nil {
		events = append(events, n.ofInsight("insight.changed", news.Changed))
	}
	for _, s := range news.Signals {
		events = append(events, n.ofSignal(s))
	}
	now := time.Now().UnixMilli()
	for _, e := range events {
		var text []byte
		for _, c := range channels {
			if !c.wants(e) {
				continue
			}
			if text == nil {
				var err error
				if text, err = json.Marshal(e); err != nil {
					return err
				}
			}
			if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO notify_outbox (channel, key, body, created, next) VALUES (?,?,?,?,?)`, c.ID, e.Key, string(text), now, now); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n *Notifier) ofInsight(typ string, c *insight.Case) *Event {
	i := c.Insight
	e := &Event{
		Type: typ, ID: i.ID, Revision: c.Rev, Key: fmt.Sprintf("%s:%d", i.ID, c.Rev), Level: strings.ToLower(c.Severity), Name: i.Name, ReadableID: c.ReadableID(), Time: i.Time, Status: c.Status,
		Resolution: c.Resolution, Assignee: c.Assignee, Score: i.Score, Threshold: i.Threshold, Entity: i.Entity.Value, EntityType: i.Entity.Type, Tactics: append([]string{}, insight.Tactics(i.Tags)...), Tags: append([]string{}, c.Tags...),
		URL: n.o.Base() + "/insight/" + c.ReadableID(),
	}
	for _, s := range i.Signals[:min(len(i.Signals), signalsTold)] {
		e.Signals = append(e.Signals, Told{s.ID, s.Name, s.Summary, s.RuleID, s.Severity, s.Time})
	}
	for _, s := range i.Signals {
		e.addPackage(n.o.PackageOf(s.RuleID))
	}
	return e
}

func (n *Notifier) ofSignal(s *insight.Signal) *Event {
	e := &Event{
		Type: "signal.created", ID: s.ID, Key: s.ID + ":0", Level: levelOf(s.Severity), Name: s.Name, Time: s.Time, Score: s.Severity, Entity: s.Entity.Value, EntityType: s.Entity.Type, Summary: s.Summary, Rule: s.RuleID,
		Tactics: append([]string{}, insight.Tactics(s.Tags)...), Tags: append([]string{}, s.Tags...), Suppressed: len(s.Suppressed) > 0 || s.Prototype, URL: n.o.Base() + "/entity/" + escape(s.Entity.ID()),
	}
	e.addPackage(n.o.PackageOf(s.RuleID))
	return e
}

// worker sends what is due on one channel, until its context ends.
type worker struct {
	cancel context.CancelFunc
	wake   chan struct{}
}

// work begins to send on a channel, in place of what sent on it before.
func (n *Notifier) work(c *Channel) {
	if old := n.workers[c.ID]; old != nil {
		old.cancel()
		delete(n.workers, c.ID)
	}
	if !c.Enabled || n.stop.Err() != nil {
		return
	}
	ctx, cancel := context.WithCancel(n.stop)
	w := &worker{cancel, make(chan struct{}, 1)}
	n.workers[c.ID] = w
	n.busy.Go(func() {
		defer cancel()
		var way sender
		defer func() {
			if way != nil {
				way.close()
			}
		}()
		for ctx.Err() == nil {
			sent := n.due(ctx, c, &way)
			if sent {
				continue
			}
			select {
			case <-ctx.Done():
			case <-w.wake:
			case <-time.After(n.o.pace.look):
			}
		}
	})
}

const (
	// batchMost is how many letters are sent before what became of them is written: a write of its
	// own for each would wait each time until detection has written, too.
	batchMost = 64
	// batchTime is how long letters that were sent may go on without being noted as sent: after a
	// kill they are sent again.
	batchTime = 250 * time.Millisecond
)

// due sends letters that are due, in their order, and says whether there was one.
func (n *Notifier) due(ctx context.Context, c *Channel, way *sender) bool {
	letters, err := n.pending(ctx, c)
	if err != nil {
		if ctx.Err() == nil {
			n.o.Logf("notifications: %v", err)
		}
		return false
	}
	var sent []int64
	began := time.Now()
	for _, l := range letters {
		var e Event
		err := json.Unmarshal([]byte(l.body), &e)
		if err != nil {
			err = permanent(err)
		} else {
			err = n.send(ctx, c, way, &e)
		}
		if err == nil {
			sent = append(sent, l.number)
		} else if ctx.Err() == nil { // otherwise it is the end, or another setting: it stays as it is
			n.failed(ctx, c, l, err)
		}
		if err != nil || ctx.Err() != nil || time.Since(began) > batchTime {
			break
		}
	}
	n.sent(ctx, sent)
	return len(letters) > 0 && ctx.Err() == nil
}

// pending are the next letters of a channel that are due.
func (n *Notifier) pending(ctx context.Context, c *Channel) (all []*letter, err error) {
	rows, err := n.db.QueryContext(ctx, `SELECT number, key, body, created, tries FROM notify_outbox WHERE channel = ? AND dead = 0 AND next <= ? ORDER BY next, number LIMIT ?`,
		c.ID, time.Now().UnixMilli(), batchMost)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		l := &letter{}
		if err := rows.Scan(&l.number, &l.key, &l.body, &l.created, &l.tries); err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, rows.Err()
}

// letter is a row of the outbox.
type letter struct {
	number, created int64
	key, body       string
	tries           int
}

// send makes one try.
func (n *Notifier) send(ctx context.Context, c *Channel, way *sender, e *Event) (err error) {
	ctx, cancel := context.WithTimeout(ctx, n.o.pace.send)
	defer cancel()
	if *way == nil {
		if *way, err = c.open(n.outward(c)); err != nil {
			return permanent(err)
		}
	}
	return (*way).send(ctx, e)
}

// outward is what a channel may open. Whoever writes the configuration may open all.
func (n *Notifier) outward(c *Channel) access.Outward {
	o := n.o.Outward
	if c.fixed {
		o.Plain, o.Hosts = true, append(slices.Clone(o.Hosts), c.hosts()...)
	}
	return o
}

// sent notes letters as sent, all in one write.
func (n *Notifier) sent(ctx context.Context, numbers []int64) {
	if len(numbers) == 0 {
		return
	}
	list, err := json.Marshal(numbers)
	if err == nil {
		_, err = n.db.ExecContext(context.WithoutCancel(ctx), `DELETE FROM notify_outbox WHERE number IN (SELECT value FROM json_each(?))`, string(list))
	}
	if err != nil {
		n.o.Logf("notifications: %d were sent and will be sent again: %v", len(numbers), err)
	}
}

// failed notes that a try has not delivered a letter: when it is tried again, or that it is dead.
func (n *Notifier) failed(ctx context.Context, c *Channel, l *letter, failed error) {
	ctx = context.WithoutCancel(ctx)
	l.tries++
	dead := 0
	wait := min(n.o.pace.first<<min(l.tries-1, 20), n.o.pace.most)
	wait += time.Duration(rand.Int64N(int64(wait)/5 + 1)) // not all at once
	var later *laterError
	if errors.As(failed, &later) {
		wait = min(max(later.after, wait), n.o.pace.most)
	}
	now := time.Now()
	if isPermanent(failed) || now.Sub(time.UnixMilli(l.created)) > n.o.pace.give {
		dead = 1
		n.o.Logf("the notification %s to %s cannot be delivered and is kept as a dead letter: %v", l.key, c.Name, failed)
	}
	if _, err := n.db.ExecContext(ctx, `UPDATE notify_outbox SET tries = ?, next = ?, error = ?, dead = ? WHERE number = ?`, l.tries, now.Add(wait).UnixMilli(), clip(failed.Error()), dead, l.number); err != nil {
		n.o.Logf("notifications: %v", err)
	}
}

func clip(s string) string { return s[:min(len(s), 500)] }

// permanentError is one that another try does not mend.
type permanentError struct{ error }

func (e *permanentError) Unwrap() error { return e.error }

func permanent(err error) error { return &permanentError{err} }

func isPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p) || errors.Is(err, access.ErrForbidden)
}

// laterError says when to try again.
type laterError struct {
	error
	after time.Duration
}

func (e *laterError) Unwrap() error { return e.error }

// errorOf is the failure that an answer's status is; nil for success.
func errorOf(resp *http.Response) error {
	err := fmt.Errorf("it answers %s", resp.Status)
	switch code := resp.StatusCode; {
	case code < 300:
		return nil
	case code < 400:
		return permanent(fmt.Errorf("it answers %s, and redirections are not followed: write the address that it leads to", resp.Status))
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		return &laterError{err, retryAfter(resp.Header.Get("Retry-After"))}
	case code >= 500 || code == http.StatusRequestTimeout || code == http.StatusTooEarly:
		return err
	}
	return permanent(err)
}

// retryAfter reads seconds or a date.
// Source: RFC 9110, 10.2.3.
func retryAfter(s string) time.Duration {
	if d, err := time.ParseDuration(strings.TrimSpace(s) + "s"); err == nil && d > 0 {
		return d
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}
