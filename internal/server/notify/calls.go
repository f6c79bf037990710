package notify

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
)

// Base is the path before that of each call.
const Base = "/api/gyoji/v1/notifications"

// Routes are the calls: channels, dead letters.
func (n *Notifier) Routes() []access.Route {
	route := func(method, path string, role access.Role, do func(*http.Request) (any, error)) access.Route {
		return access.Route{Pattern: method + " " + Base + path, Role: role, Serve: access.Call(do, nil)}
	}
	return []access.Route{
		route(http.MethodGet, "/channels", access.Read, n.list),
		route(http.MethodPost, "/channels", access.Admin, n.create),
		route(http.MethodGet, "/channels/{id}", access.Read, n.one),
		route(http.MethodPut, "/channels/{id}", access.Admin, n.replace),
		route(http.MethodDelete, "/channels/{id}", access.Admin, n.remove),
		route(http.MethodPost, "/channels/{id}/test", access.Admin, n.test),
		route(http.MethodGet, "/dead", access.Read, n.dead),
		route(http.MethodPost, "/dead/send", access.Triage, n.sendAgain),
		route(http.MethodPost, "/dead/{number}/send", access.Triage, n.sendAgain),
		route(http.MethodDelete, "/dead/{number}", access.Admin, n.drop),
	}
}

// status is a channel with how it does.
type status struct {
	Channel
	Fixed   bool   `json:"fixed"`   // of the configuration: the API does not change it
	Waiting int    `json:"waiting"` // letters that are to be sent
	Dead    int    `json:"dead"`
	Problem string `json:"problem"` // of the last try that failed and is tried again
}

func (n *Notifier) shown(ctx context.Context, c *Channel) (*status, error) {
	s := &status{Channel: c.shown(), Fixed: c.fixed}
	err := n.db.QueryRowContext(ctx, `SELECT count(*) FILTER (WHERE dead = 0), count(*) FILTER (WHERE dead = 1), coalesce((SELECT error FROM notify_outbox WHERE channel = ? AND dead = 0 AND error != '' ORDER BY next DESC LIMIT 1), '')
		FROM notify_outbox WHERE channel = ?`, c.ID, c.ID).Scan(&s.Waiting, &s.Dead, &s.Problem)
	return s, err
}

func (n *Notifier) all() (out []*Channel) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.channels {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b *Channel) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
	return out
}

func (n *Notifier) list(r *http.Request) (any, error) {
	out := []*status{}
	for _, c := range n.all() {
		s, err := n.shown(r.Context(), c)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return map[string]any{"channels": out, "kinds": Kinds}, nil
}

func (n *Notifier) find(id string) (*Channel, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c := n.channels[id]; c != nil {
		return c, nil
	}
	return nil, access.Missing("there is no channel %s", id)
}

func (n *Notifier) one(r *http.Request) (any, error) {
	c, err := n.find(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return n.shown(r.Context(), c)
}

// bodyMost is the longest body of a request, in bytes.
const bodyMost = 1 << 20

// read is the channel that a body says. A key that means nothing is refused, as in a file: a
// misspelt filter would tell what nobody asked for. What channels are shown with may stay.
func read(r *http.Request) (*Channel, error) {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, bodyMost))
	d.DisallowUnknownFields()
	s := &status{Channel: Channel{Enabled: true}}
	if err := d.Decode(s); err != nil {
		return nil, access.Bad("the body is no JSON of a channel: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, access.Bad("the body has more than one channel, and a call takes one")
	}
	return &s.Channel, nil
}

// usable says what of a channel that is to be set cannot be.
func (n *Notifier) usable(c *Channel) error {
	if err := c.check(); err != nil {
		return err
	}
	if what := c.stillHidden(); what != "" {
		return fmt.Errorf("%s is %s, which stands for a secret that is not shown: write the secret itself", what, hidden)
	}
	for _, p := range c.Filter.Packages {
		if n.o.Packages != nil && !slices.Contains(n.o.Packages, p) {
			return fmt.Errorf("filter.packages: no rule that runs is of a package %q; those there are: %s", p, strings.Join(n.o.Packages, ", "))
		}
	}
	return nil
}

// save writes a channel and has it sent on.
func (n *Notifier) save(ctx context.Context, c *Channel) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, err := n.db.ExecContext(ctx, `INSERT INTO notify_channel (id, revision, body) VALUES (?,?,?) ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, body = excluded.body`, c.ID, c.Revision, string(text)); err != nil {
		return err
	}
	n.channels[c.ID] = c
	n.work(c)
	return nil
}

// channelsMost is how many channels there may be.
const channelsMost = 100

func (n *Notifier) create(r *http.Request) (any, error) {
	c, err := read(r)
	if err != nil {
		return nil, err
	}
	if err := n.usable(c); err != nil {
		return nil, access.Bad("%v", err)
	}
	if len(n.all()) >= channelsMost {
		return nil, access.Bad("there are %d channels, and there may be no more", channelsMost)
	}
	c.ID, c.Revision = strings.ToLower(strings.ReplaceAll(access.RequestID(), "-", "")), 1
	if err := n.save(r.Context(), c); err != nil {
		return nil, err
	}
	return n.shown(r.Context(), c)
}

var errFixed = access.Bad("this channel is of the server's configuration: it is changed there")

func (n *Notifier) replace(r *http.Request) (any, error) {
	was, err := n.find(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if was.fixed {
		return nil, errFixed
	}
	c, err := read(r)
	if err != nil {
		return nil, err
	}
	if c.Revision != 0 && c.Revision != was.Revision {
		return nil, &access.Failure{Status: http.StatusPreconditionFailed, Code: "precondition.failed", Message: "the channel has changed since it was read; GET it again"}
	}
	c.keep(was)
	if err := n.usable(c); err != nil {
		return nil, access.Bad("%v", err)
	}
	c.ID, c.Revision = was.ID, was.Revision+1
	if err := n.save(r.Context(), c); err != nil {
		return nil, err
	}
	return n.shown(r.Context(), c)
}

func (n *Notifier) remove(r *http.Request) (any, error) {
	c, err := n.find(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if c.fixed {
		return nil, errFixed
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if w := n.workers[c.ID]; w != nil {
		w.cancel()
		delete(n.workers, c.ID)
	}
	delete(n.channels, c.ID)
	for _, text := range []string{`DELETE FROM notify_channel WHERE id = ?`, `DELETE FROM notify_outbox WHERE channel = ?`} {
		if _, err := n.db.ExecContext(r.Context(), text, c.ID); err != nil {
			return nil, err
		}
	}
	return map[string]any{"deleted": true}, nil
}

// test sends a trial event at once, once, and says what came of it.
func (n *Notifier) test(r *http.Request) (any, error) {
	c, err := n.find(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	e := &Event{
		Type: "test", ID: "test-" + access.RequestID(), Name: "This is a trial of the channel " + c.Name, Level: "info", Entity: "nobody", Time: time.Now().UnixMilli(), Tactics: []string{}, Tags: []string{}, URL: n.o.Base() + "/health",
	}
	e.Key = e.ID + ":0"
	var way sender
	err = n.send(r.Context(), c, &way, e)
	if way != nil {
		way.close()
	}
	if err != nil {
		return map[string]any{"delivered": false, "why": clip(err.Error())}, nil
	}
	return map[string]any{"delivered": true, "why": ""}, nil
}

// deadLetter is what could not be delivered.
type deadLetter struct {
	Number  int64  `json:"number"`
	Channel string `json:"channel"` // id
	Name    string `json:"name"`    // of the channel
	Key     string `json:"key"`
	Type    string `json:"type"`
	Title   string `json:"title"`
	Created int64  `json:"created"`
	Tries   int    `json:"tries"`
	Why     string `json:"why"`
}

// deadShown is how many dead letters are told.
const deadShown = 500

func (n *Notifier) deadLetters(ctx context.Context) (out []deadLetter, total int, err error) {
	names := map[string]string{}
	for _, c := range n.all() {
		names[c.ID] = c.Name
	}
	if err := n.db.QueryRowContext(ctx, `SELECT count(*) FROM notify_outbox WHERE dead = 1`).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := n.db.QueryContext(ctx, `SELECT number, channel, key, body, created, tries, error FROM notify_outbox WHERE dead = 1 ORDER BY number DESC LIMIT ?`, deadShown)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	out = []deadLetter{}
	for rows.Next() {
		var l deadLetter
		var text string
		var e Event
		if err := rows.Scan(&l.Number, &l.Channel, &l.Key, &text, &l.Created, &l.Tries, &l.Why); err != nil {
			return nil, 0, err
		}
		if json.Unmarshal([]byte(text), &e) == nil {
			l.Type, l.Title = e.Type, e.title()
		}
		l.Name = cmp.Or(names[l.Channel], nameOf(l.Channel))
		out = append(out, l)
	}
	return out, total, rows.Err()
}

func (n *Notifier) dead(r *http.Request) (any, error) {
	out, total, err := n.deadLetters(r.Context())
	if err != nil {
		return nil, err
	}
	return map[string]any{"dead": out, "total": total}, nil
}

// sendAgain has one dead letter, or all of a channel, or all, sent again. Those of a channel
// that does not send stay where they are seen, and it is said which.
func (n *Notifier) sendAgain(r *http.Request) (any, error) {
	where, args := `dead = 1`, []any{time.Now().UnixMilli(), time.Now().UnixMilli()}
	if t := r.PathValue("number"); t != "" {
		number, err := strconv.ParseInt(t, 10, 64)
		if err != nil {
			return nil, access.Missing("there is no dead letter %s", t)
		}
		where, args = where+` AND number = ?`, append(args, number)
	} else if c := r.URL.Query().Get("channel"); c != "" {
		where, args = where+` AND channel = ?`, append(args, c)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	works := []string{} // null is a value to json_each
	for id := range n.workers {
		works = append(works, id)
	}
	list, err := json.Marshal(works)
	if err != nil {
		return nil, err
	}
	stays, why, err := n.stay(r.Context(), strings.Replace(where, "dead = 1", "dead = 1 AND channel NOT IN (SELECT value FROM json_each(?))", 1), append([]any{string(list)}, args[2:]...))
	if err != nil {
		return nil, err
	}
	where, args = where+` AND channel IN (SELECT value FROM json_each(?))`, append(args, string(list))
	// Its time to be delivered begins anew.
	res, err := n.db.ExecContext(r.Context(), `UPDATE notify_outbox SET dead = 0, tries = 0, created = ?, next = ? WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	count, err := res.RowsAffected()
	if err != nil {
		return nil, err
	}
	if count == 0 && stays > 0 {
		return nil, access.Bad("%s", why)
	}
	if count == 0 && r.PathValue("number") != "" {
		return nil, access.Missing("there is no dead letter %s", r.PathValue("number"))
	}
	for _, w := range n.workers {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
	return map[string]any{"sent": count, "stay": stays, "why": why}, nil
}

// stay counts dead letters that nobody would send, and says why of one of them. n.mu is held.
func (n *Notifier) stay(ctx context.Context, where string, args []any) (count int, why string, err error) {
	var id sql.NullString
	if err := n.db.QueryRowContext(ctx, `SELECT count(*), min(channel) FROM notify_outbox WHERE `+where, args...).Scan(&count, &id); err != nil || count == 0 {
		return 0, "", err
	}
	if c := n.channels[id.String]; c != nil {
		return count, fmt.Sprintf("the channel %s is switched off; its letters stay here until it is switched on", c.Name), nil
	}
	return count, fmt.Sprintf("the channel %s is no more; its letters stay here until there is one again, or they are deleted", nameOf(id.String)), nil
}

// nameOf is what is known of the name of a channel that is no more.
func nameOf(id string) string { return strings.TrimPrefix(id, ofConfig) }

func (n *Notifier) drop(r *http.Request) (any, error) {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err == nil {
		var res sql.Result
		if res, err = n.db.ExecContext(r.Context(), `DELETE FROM notify_outbox WHERE number = ? AND dead = 1`, number); err != nil {
			return nil, err
		}
		if k, _ := res.RowsAffected(); k == 1 {
			return map[string]any{"deleted": true}, nil
		}
	}
	return nil, access.Missing("there is no dead letter %s", r.PathValue("number"))
}

// Problem is a channel on which something needs care.
type Problem struct {
	Channel, Name string
	Dead, Waiting int
	Why           string
	Since         time.Time // the oldest letter's
}

// Problems are the channels with dead letters, and those on which letters wait since a try has
// failed.
func (n *Notifier) Problems(ctx context.Context) (out []Problem, err error) {
	names := map[string]string{}
	for _, c := range n.all() {
		names[c.ID] = c.Name
	}
	rows, err := n.db.QueryContext(ctx, `SELECT channel, count(*) FILTER (WHERE dead = 1), count(*) FILTER (WHERE dead = 0), max(error), min(created) FROM notify_outbox WHERE dead = 1 OR tries > 1 GROUP BY channel ORDER BY channel`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p Problem
		var since int64
		if err := rows.Scan(&p.Channel, &p.Dead, &p.Waiting, &p.Why, &since); err != nil {
			return nil, err
		}
		p.Name, p.Since = cmp.Or(names[p.Channel], nameOf(p.Channel)), time.UnixMilli(since)
		out = append(out, p)
	}
	return out, rows.Err()
}
