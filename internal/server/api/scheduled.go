package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/reugn/go-quartz/quartz"

	"github.com/gyoji-dev/gyoji/internal/server/job"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
)

// savedSearch is what a saved search says that is run: a part of the product's
// SavedSearchWithScheduleSyncDefinition.
type savedSearch struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Search      struct {
		Query     string `json:"queryText"`
		Range     string `json:"defaultTimeRange"`
		ByReceipt bool   `json:"byReceiptTime"`
	} `json:"search"`
	Schedule *schedule `json:"searchSchedule"`
}

type schedule struct {
	Cron      string     `json:"cronExpression"` // Quartz: seconds first
	Type      string     `json:"scheduleType"`   // 15Minutes, 1Hour, ... Custom
	Range     *timeRange `json:"parseableTimeRange"`
	TimeZone  string     `json:"timeZone"`
	Threshold *struct {
		Of       string `json:"thresholdType"` // message, group
		Operator string `json:"operator"`      // eq, gt, ge, lt, le
		Count    int64  `json:"count"`
	} `json:"threshold"`
	Notification *struct {
		Task    string `json:"taskType"`
		Webhook string `json:"webhookId"` // a connection's id
		Payload string `json:"payload"`   // in place of the connection's
	} `json:"notification"`
}

// searchOf reads a saved search.
func searchOf(f fields) (s savedSearch, err error) {
	text, err := json.Marshal(f)
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, refuse(http.StatusBadRequest, codeBad, "The saved search cannot be read: %s.", plainJSON(err))
	}
	if strings.TrimSpace(s.Search.Query) == "" {
		return s, refuse(http.StatusBadRequest, codeNoQuery, "The saved search has no search.queryText.")
	}
	return s, nil
}

// every are the schedules that have a name; they begin at midnight in their zone.
var every = map[string]string{
	"15Minutes": "0 0/15 * * * ?", "1Hour": "0 0 * * * ?", "2Hours": "0 0 0/2 * * ?", "4Hours": "0 0 0/4 * * ?", "6Hours": "0 0 0/6 * * ?",
	"8Hours": "0 0 0/8 * * ?", "12Hours": "0 0 0/12 * * ?", "1Day": "0 0 0 * * ?", "1Week": "0 0 0 ? * SUN",
}

// trigger says when a schedule is due.
func (s *schedule) trigger() (*quartz.CronTrigger, *time.Location, error) {
	zone, err := datefmt.Zone(s.TimeZone)
	if err != nil {
		return nil, nil, refuse(http.StatusBadRequest, "schedule.invalid", "The timeZone %q of the schedule is not known.", s.TimeZone)
	}
	cron := strings.TrimSpace(s.Cron)
	if cron == "" {
		if cron = every[s.Type]; cron == "" {
			return nil, nil, refuse(http.StatusBadRequest, "schedule.invalid", "The schedule has no cronExpression, and its scheduleType %q has none of its own.", s.Type)
		}
	}
	t, err := quartz.NewCronTriggerWithLoc(cron, zone)
	if err != nil {
		return nil, nil, refuse(http.StatusBadRequest, "schedule.invalid", "The cronExpression %q is none of Quartz: %v.", cron, err)
	}
	return t, zone, nil
}

// scheduleLeast is the least time between two runs of a search.
const scheduleLeast = time.Minute

// checkSchedule says what of a schedule cannot be.
func (s *savedSearch) checkSchedule(a *API) error {
	if s.Schedule == nil {
		return nil
	}
	bad := func(message string, args ...any) error {
		return refuse(http.StatusBadRequest, "schedule.invalid", message, args...)
	}
	t, zone, err := s.Schedule.trigger()
	if err != nil {
		return err
	}
	now := a.o.Now()
	if s.Schedule.Range == nil {
		return bad("The schedule has no parseableTimeRange.")
	}
	if _, _, err := s.Schedule.Range.bounds(now, zone); err != nil {
		return err
	}
	if first, err := t.NextFireTime(now.UnixNano()); err == nil {
		if second, err := t.NextFireTime(first); err == nil && time.Duration(second-first) < scheduleLeast {
			return bad("The schedule is due more than once a minute.")
		}
	}
	if th := s.Schedule.Threshold; th != nil {
		if _, ok := thresholds[strings.ToLower(th.Operator)]; !ok {
			return bad("The operator of the threshold is %q; it is eq, gt, ge, lt or le.", th.Operator)
		}
	}
	n := s.Schedule.Notification
	if n == nil {
		return bad("The schedule has no notification, so nothing would come of it.")
	}
	if n.Task != "WebhookSearchNotificationSyncDefinition" {
		return bad("Notifications of the taskType %q are not offered; use WebhookSearchNotificationSyncDefinition with a connection.", n.Task)
	}
	if _, ok := a.keep.get("connections", n.Webhook); !ok {
		return bad("There is no connection %q, which webhookId names.", n.Webhook)
	}
	return nil
}

var thresholds = map[string]func(n, limit int64) bool{
	"eq": func(n, limit int64) bool { return n == limit },
	"gt": func(n, limit int64) bool { return n > limit },
	"ge": func(n, limit int64) bool { return n >= limit },
	"lt": func(n, limit int64) bool { return n < limit },
	"le": func(n, limit int64) bool { return n <= limit },
}

// runs runs searches when they are due.
type runs struct {
	a    *API
	hook *http.Client
	wait func(context.Context, time.Duration) // between tries

	mu     sync.Mutex
	due    map[string]time.Time // by search and revision
	active map[string]bool      // by search
	group  sync.WaitGroup
}

// dueEvery is how often it is looked at what is due.
const dueEvery = time.Second

func newRuns(a *API) *runs {
	return &runs{a: a, hook: a.o.Outward.Client(), due: map[string]time.Time{}, active: map[string]bool{}, wait: func(ctx context.Context, d time.Duration) {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}}
}

// outcome is how the last run of a search went, which is kept: a run that has begun and
// has no end is done again after a start, with the same key.
type outcome struct {
	Due    int64  `json:"due"` // ms
	Done   bool   `json:"done"`
	Posted bool   `json:"posted"`
	Error  string `json:"error,omitempty"`
}

const outcomeKind = "scheduledRuns"

func (x *runs) loop(ctx context.Context) {
	defer x.group.Wait()
	x.resume(ctx)
	tick := time.NewTicker(dueEvery)
	defer tick.Stop()
	for {
		x.look(ctx, x.a.o.Now())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// resume does the runs again that had begun when the process ended.
func (x *runs) resume(ctx context.Context) {
	for _, d := range x.a.keep.list(outcomeKind) {
		var o outcome
		if json.Unmarshal(d.Body, &o) == nil && !o.Done {
			if s, ok := x.search(d.ID); ok {
				x.begin(ctx, s, time.UnixMilli(o.Due))
			}
		}
	}
}

func (x *runs) search(id string) (s savedSearch, ok bool) {
	d, ok := x.a.keep.get(searchKind, id)
	if !ok {
		return s, false
	}
	s, err := searchOf(d.fields())
	return s, err == nil && s.Schedule != nil
}

// look begins the runs that are due.
func (x *runs) look(ctx context.Context, now time.Time) {
	known := map[string]time.Time{}
	for _, d := range x.a.keep.list(searchKind) {
		s, err := searchOf(d.fields())
		if err != nil || s.Schedule == nil {
			continue
		}
		t, _, err := s.Schedule.trigger()
		if err != nil {
			continue
		}
		key := d.ID + d.etag()
		at, ok := x.due[key]
		if ok && !at.After(now) {
			x.begin(ctx, s, at)
			ok = false
		}
		if !ok {
			next, err := t.NextFireTime(now.UnixNano())
			if err != nil {
				continue // never again
			}
			at = time.Unix(0, next)
		}
		known[key] = at
	}
	x.due = known
}

// begin runs a search that was due at a moment. One that runs still is not run again.
func (x *runs) begin(ctx context.Context, s savedSearch, at time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.active[s.ID] {
		x.a.o.Logf("scheduled search %s (%s): the run of %s is left out, since the one before has not ended", s.Name, s.ID, at.UTC().Format(time.RFC3339))
		return
	}
	x.active[s.ID] = true
	x.group.Go(func() {
		defer func() {
			x.mu.Lock()
			delete(x.active, s.ID)
			x.mu.Unlock()
		}()
		o := outcome{Due: at.UnixMilli()}
		x.note(s.ID, o)
		posted, err := x.run(ctx, s, at)
		if ctx.Err() != nil {
			return // done again after the next start
		}
		o.Done, o.Posted = true, posted
		if err != nil {
			o.Error = err.Error()
			x.a.o.Logf("scheduled search %s (%s): %v", s.Name, s.ID, err)
		}
		x.note(s.ID, o)
	})
}

func (x *runs) note(id string, o outcome) {
	_, err := x.a.keep.change(outcomeKind, id, func(document) (json.RawMessage, error) { return json.Marshal(o) })
	if err != nil {
		x.a.o.Logf("scheduled search %s: %v", id, err)
	}
}

// run runs a search and calls its webhook if the threshold is reached.
func (x *runs) run(ctx context.Context, s savedSearch, at time.Time) (posted bool, err error) {
	_, zone, err := s.Schedule.trigger()
	if err != nil {
		return false, err
	}
	from, to, err := s.Schedule.Range.bounds(at, zone)
	if err != nil {
		return false, err
	}
	text, _ := x.a.intoPartitions(s.Search.Query)
	j, err := x.a.jobs.Start(job.Request{Query: text, From: from, To: to, ByReceipt: s.Search.ByReceipt, Zone: zone, Owner: "scheduled"})
	if err != nil {
		return false, err
	}
	defer x.a.jobs.Delete(j.ID)
	if err := j.Wait(ctx); err != nil {
		return false, err
	}
	if err := j.Err(); err != nil {
		return false, fmt.Errorf("it failed, and nothing is posted: %w", err)
	}
	r, err := resultOf(j)
	if err != nil {
		return false, err
	}
	if th := s.Schedule.Threshold; th != nil && !thresholds[strings.ToLower(th.Operator)](r.total, th.Count) {
		return false, nil
	}
	d, ok := x.a.keep.get("connections", s.Schedule.Notification.Webhook)
	if !ok {
		return false, fmt.Errorf("there is no connection %s", s.Schedule.Notification.Webhook)
	}
	f := d.fields()
	template := s.Schedule.Notification.Payload
	if template == "" {
		template = f.text("defaultPayload")
	}
	payload := fill(template, r.variables(&s, from, to, at, zone))
	return true, x.post(ctx, f, payload, fmt.Sprintf("%s-%d", s.ID, at.UnixMilli()))
}
