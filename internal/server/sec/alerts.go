package sec

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// triage is a route for who works on insights.
func triage(method, path string, serve http.HandlerFunc) access.Route {
	return access.Route{Pattern: method + " " + Base + path, Role: access.Triage, Serve: serve}
}

func look(path string, serve http.HandlerFunc) access.Route {
	return call(http.MethodGet, Base+path, false, serve)
}

// alertRoutes are the calls about insights, signals and entities (14.2, 14.3).
func (a *API) alertRoutes() []access.Route {
	if a.alerts == nil {
		return nil
	}
	return []access.Route{
		look("/insights", handle(a.insights)),
		look("/insights/all", handle(a.allInsights)),
		look("/insights/{id}", handle(func(w http.ResponseWriter, r *http.Request) (any, error) {
			c, err := a.findCase(r)
			if err != nil {
				return nil, err
			}
			w.Header().Set("ETag", etag(int64(c.Rev)))
			return a.insight(r, c, true), nil
		})),
		look("/insights/{id}/history", handle(a.history)),
		look("/insights/{id}/comments", handle(func(_ http.ResponseWriter, r *http.Request) (any, error) {
			c, err := a.findCase(r)
			if err != nil {
				return nil, err
			}
			return object{"comments": comments(c)}, nil
		})),
		triage(http.MethodPut, "/insights/{id}/status", a.change(func(o object) (x insight.Change, err error) {
			status, err := needText(o, "status")
			if err != nil {
				return x, err
			}
			x.Status = &status
			if t := text(o, "resolution"); t != "" {
				x.Resolution = &t
			}
			if t := text(o, "subResolution"); t != "" {
				x.SubResolution = &t
			}
			return x, nil
		})),
		triage(http.MethodPut, "/insights/{id}/assignee", a.change(func(o object) (x insight.Change, err error) {
			v, ok := o["assignee"]
			if !ok {
				return x, bad(`the body is {"assignee":{"type":"USER","value":"name"}}, or null for nobody`)
			}
			who := ""
			switch v := v.(type) {
			case nil:
			case string:
				who = v
			case map[string]any:
				who = text(v, "value")
			default:
				return x, bad("assignee is an object with type and value")
			}
			x.Assignee = &who
			return x, nil
		})),
		triage(http.MethodPut, "/insights/{id}/severity", a.change(func(o object) (x insight.Change, err error) {
			severity, err := needText(o, "severity")
			x.Severity = &severity
			return x, err
		})),
		triage(http.MethodPost, "/insights/{id}/comments", a.change(func(o object) (x insight.Change, err error) {
			x.Comment, err = needText(o, "body")
			return x, err
		})),
		triage(http.MethodPost, "/insights/{id}/tags", a.change(func(o object) (x insight.Change, err error) {
			tag, err := needText(o, "tagName")
			x.AddTags = []string{tag}
			return x, err
		})),
		triage(http.MethodDelete, "/insights/{id}/tags/{tag}", handle(func(w http.ResponseWriter, r *http.Request) (any, error) {
			return a.apply(w, r, insight.Change{DropTags: []string{r.PathValue("tag")}})
		})),
		{Pattern: "GET " + FindingsPath, Role: access.Read, Serve: handle(a.findings)},
		look("/signals", handle(a.signals)),
		look("/signals/{id}", handle(func(_ http.ResponseWriter, r *http.Request) (any, error) {
			s, err := a.alerts.Signal(r.Context(), r.PathValue("id"))
			if errors.Is(err, live.ErrNone) {
				err = missing("signal", r.PathValue("id"))
			}
			if err != nil {
				return nil, err
			}
			out := a.signal(s, true)
			if a.read == nil {
				return out, nil
			}
			records, err := a.read(r.Context(), s.Signal, 0)
			if err != nil {
				return nil, err
			}
			out["allRecords"] = whole(records)
			return out, nil
		})),
		look("/signals/counts", handle(a.signalCounts)), look("/signal-counts", handle(a.signalCounts)), look("/insight-counts", handle(a.insightCounts)),
		look("/entities", handle(a.entities)),
		look("/entities/{id}", handle(func(w http.ResponseWriter, r *http.Request) (any, error) {
			e, err := a.findEntity(r)
			if err != nil {
				return nil, err
			}
			w.Header().Set("ETag", etag(e.Revision))
			return a.entity(e), nil
		})),
		triage(http.MethodPut, "/entities/{id}/suppressed", a.changeEntity("suppressed", func(e *live.Entity, o object) error {
			on, ok := o["suppressed"].(bool)
			if !ok {
				return bad(`the body is {"suppressed":true} or false`)
			}
			e.Suppressed, e.Suppression = on, live.Suppression{Reason: text(o, "reason")}
			return nil
		})),
		triage(http.MethodPut, "/entities/{id}/criticality", a.changeEntity("criticality", func(e *live.Entity, o object) error {
			if _, ok := o["criticality"]; !ok {
				return bad(`the body is {"criticality":"name"}, or null for none`)
			}
			name := text(o, "criticality")
			if name != "" {
				same, _, err := a.docs.Select(context.Background(), Selection{Kinds: []string{ruledoc.Criticality}, Name: name})
				if err != nil {
					return err
				}
				if len(same) == 0 {
					return bad("there is no criticality %q; they are made by /entity-criticality-configs", name)
				}
			}
			e.Criticality = name
			return nil
		})),
		triage(http.MethodPut, "/entities/{id}/tags", a.changeEntity("tags", func(e *live.Entity, o object) error {
			list, ok := o["tags"].([]any)
			if !ok {
				return bad(`the body is {"tags":["key:value"]}`)
			}
			e.Tags = []string{}
			for _, t := range list {
				tag, ok := t.(string)
				if !ok || tag == "" {
					return bad("a tag is text")
				}
				e.Tags = append(e.Tags, tag)
			}
			return nil
		})),
	}
}

func needText(o object, key string) (string, error) {
	t := strings.TrimSpace(text(o, key))
	if t == "" {
		return "", bad("the body needs %q", key)
	}
	return t, nil
}

// plain reads a body whose object is not wrapped, or is wrapped in fields.
func plain(r *http.Request) (object, error) {
	var o object
	if err := decode(r, &o); err != nil {
		return nil, err
	}
	if f, ok := o["fields"].(map[string]any); ok && len(o) == 1 {
		return f, nil
	}
	if o == nil {
		return nil, bad("the body is to be an object")
	}
	return o, nil
}

func (a *API) findCase(r *http.Request) (*insight.Case, error) {
	id := r.PathValue("id")
	c, err := a.alerts.Case(r.Context(), id)
	if errors.Is(err, live.ErrNone) {
		return nil, missing("insight", id)
	}
	return c, err
}

// change makes a handler of what reads a change of an insight.
func (a *API) change(read func(object) (insight.Change, error)) http.HandlerFunc {
	return handle(func(w http.ResponseWriter, r *http.Request) (any, error) {
		o, err := plain(r)
		if err != nil {
			return nil, err
		}
		x, err := read(o)
		if err != nil {
			return nil, err
		}
		return a.apply(w, r, x)
	})
}

func (a *API) apply(w http.ResponseWriter, r *http.Request, x insight.Change) (any, error) {
	if _, err := a.findCase(r); err != nil {
		return nil, err
	}
	life, err := a.life(r.Context())
	if err != nil {
		return nil, err
	}
	c, err := a.alerts.Change(r.Context(), r.PathValue("id"), func(rev int) bool { return matches(r, int64(rev)) }, life, x, a.user(r), a.now())
	switch {
	case errors.Is(err, live.ErrRevision):
		return nil, errStale
	case errors.Is(err, live.ErrNone):
		return nil, missing("insight", r.PathValue("id"))
	case err != nil:
		return nil, bad("%v", err)
	}
	w.Header().Set("ETag", etag(int64(c.Rev)))
	return a.insight(r, c, true), nil
}

// life are the statuses and resolutions that this tenant has added.
func (a *API) life(ctx context.Context) (*insight.Life, error) {
	docs, _, err := a.docs.Select(ctx, Selection{Kinds: []string{"insight-status", "insight-resolutions"}})
	if err != nil {
		return nil, err
	}
	l := &insight.Life{Resolutions: map[string][]string{}}
	for _, d := range docs {
		if d.Kind == "insight-status" {
			l.Statuses = append(l.Statuses, d.Name)
			continue
		}
		under := ""
		for _, k := range resolutions {
			if fmt.Sprint(k["id"]) == fmt.Sprint(d.Body["parentId"]) {
				under = k["name"].(string)
			}
		}
		if under == "" {
			l.Resolutions[d.Name] = append(l.Resolutions[d.Name], []string(nil)...)
		} else {
			l.Resolutions[under] = append(l.Resolutions[under], d.Name)
		}
	}
	return l, nil
}

// A field is what q may ask of an object: its values.
type fieldOf[T any] map[string]func(T) []string

// filter reads a q over objects that have some fields. Words without a field are looked for
// in those of "".
func filter[T any](q string, now time.Time, fields fieldOf[T]) (func(T) bool, error) {
	terms, err := Terms(q)
	if err != nil {
		return nil, bad("q: %v", err)
	}
	for i, t := range terms {
		if fields[t.Field] == nil {
			var names []string
			for name := range fields {
				if name != "" {
					names = append(names, name)
				}
			}
			slices.Sort(names)
			return nil, bad("q: there is no field %q to be asked for; there are %s", t.Field, strings.Join(names, ", "))
		}
		for j, v := range t.Values {
			if terms[i].Values[j], err = moment(v, now); err != nil {
				return nil, bad("q: %v", err)
			}
		}
	}
	return func(x T) bool {
		for _, t := range terms {
			if !t.Holds(fields[t.Field](x)) {
				return false
			}
		}
		return true
	}, nil
}

// moment writes NOW, and NOW-24h, as the times of objects are written.
func moment(v string, now time.Time) (string, error) {
	if !strings.HasPrefix(v, "NOW") {
		return v, nil
	}
	at := now
	if rest := v[3:]; rest != "" {
		if len(rest) < 3 || rest[0] != '-' && rest[0] != '+' {
			return "", fmt.Errorf("%s is to be NOW, or NOW-24h: a number with s, m, h, d or w", v)
		}
		n, err := strconv.ParseInt(rest[1:len(rest)-1], 10, 32)
		unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'D': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[rest[len(rest)-1]]
		if err != nil || unit == 0 {
			return "", fmt.Errorf("%s is to be NOW, or NOW-24h: a number with s, m, h, d or w", v)
		}
		if rest[0] == '-' {
			n = -n
		}
		at = at.Add(time.Duration(n) * unit)
	}
	return stamp(at), nil
}

func ms(t int64) string { return stamp(time.UnixMilli(t)) }

// insightFields are those of 14.4.
var insightFields = fieldOf[*insight.Case]{
	"": func(c *insight.Case) []string {
		return []string{c.Insight.Name, c.Insight.Description, c.Insight.Entity.Value, c.ReadableID()}
	},
	"status":     func(c *insight.Case) []string { return []string{c.Status} },
	"severity":   func(c *insight.Case) []string { return []string{c.Severity} },
	"name":       func(c *insight.Case) []string { return []string{c.Insight.Name} },
	"assignee":   func(c *insight.Case) []string { return []string{c.Assignee} },
	"tag":        func(c *insight.Case) []string { return c.Tags },
	"readableId": func(c *insight.Case) []string { return []string{c.ReadableID()} },
	"id":         func(c *insight.Case) []string { return []string{c.Insight.ID} },
	"resolution": func(c *insight.Case) []string { return []string{c.Resolution, c.SubResolution} },
	"created":    func(c *insight.Case) []string { return []string{ms(c.Created)} },
	"timestamp":  func(c *insight.Case) []string { return []string{ms(c.Insight.Time)} },
	"ruleId": func(c *insight.Case) (ids []string) {
		for _, s := range c.Insight.Signals {
			ids = append(ids, s.RuleID)
		}
		return ids
	},
	"entity.name":     func(c *insight.Case) []string { return []string{c.Insight.Entity.Value} },
	"entity.type":     func(c *insight.Case) []string { return []string{c.Insight.Entity.Type} },
	"entity.id":       func(c *insight.Case) []string { return []string{c.Insight.Entity.ID()} },
	"entity.ip":       ofType("_ip"),
	"entity.hostname": ofType("_hostname"),
	"entity.username": ofType("_username"),
}

func ofType(typ string) func(*insight.Case) []string {
	return func(c *insight.Case) []string {
		if c.Insight.Entity.Type != typ {
			return nil
		}
		return []string{c.Insight.Entity.Value}
	}
}

func (a *API) someCases(r *http.Request) ([]*insight.Case, error) {
	keep, err := filter(r.URL.Query().Get("q"), a.now(), insightFields)
	if err != nil {
		return nil, err
	}
	return a.alerts.Cases(r.Context(), keep)
}

func (a *API) insights(_ http.ResponseWriter, r *http.Request) (any, error) {
	offset, limit, err := page(r, pageMost)
	if err != nil {
		return nil, err
	}
	all, err := a.someCases(r)
	if err != nil {
		return nil, err
	}
	if err := sortBy(all, r.URL.Query().Get("sort")); err != nil {
		return nil, err
	}
	var out []object
	for i := offset; i < min(offset+limit, len(all)); i++ {
		out = append(out, a.insight(r, all[i], false))
	}
	return listing(out, offset, len(all)), nil
}

// sortBy puts insights in the order that sort names: created, severity, timestamp or
// readableId, with - before it or DESC after it for the other way round.
func sortBy(all []*insight.Case, by string) error {
	if by == "" {
		return nil
	}
	field, direction, _ := strings.Cut(strings.ReplaceAll(by, ":", " "), " ")
	down := strings.HasPrefix(field, "-") || strings.EqualFold(direction, "desc")
	field = strings.TrimLeft(field, "-+")
	levels := []string{insight.Low, insight.Medium, insight.High, insight.Critical}
	key := map[string]func(*insight.Case) int64{
		"created":    func(c *insight.Case) int64 { return c.Created },
		"timestamp":  func(c *insight.Case) int64 { return c.Insight.Time },
		"readableId": func(c *insight.Case) int64 { return int64(c.Number) },
		"severity":   func(c *insight.Case) int64 { return int64(slices.Index(levels, c.Severity)) },
	}[field]
	if key == nil {
		return bad("sort: there is created, timestamp, readableId and severity, with - before it for the other way round, and not %q", by)
	}
	slices.SortStableFunc(all, func(x, y *insight.Case) int {
		d := key(x) - key(y)
		if down {
			d = -d
		}
		switch {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return 0
	})
	return nil
}

// allInsights pages by token, oldest first, without the wall of 10,000.
func (a *API) allInsights(_ http.ResponseWriter, r *http.Request) (any, error) {
	all, err := a.someCases(r)
	if err != nil {
		return nil, err
	}
	slices.Reverse(all)
	after := 0
	if t := r.URL.Query().Get("nextPageToken"); t != "" {
		if after, err = strconv.Atoi(t); err != nil || after < 1 {
			return nil, bad("nextPageToken is what the page before gave, and this is %q", t)
		}
	}
	out, next := []object{}, any(nil) // null at the end: clients go on until it is
	for _, c := range all {
		if c.Number <= after {
			continue
		}
		if len(out) == pageMost {
			next = strconv.Itoa(after)
			break
		}
		out, after = append(out, a.insight(r, c, false)), c.Number
	}
	return object{"objects": out, "nextPageToken": next}, nil
}

// insight is an insight as a client sees it (10.4).
func (a *API) insight(r *http.Request, c *insight.Case, whole bool) object {
	i := c.Insight
	out := object{
		"id": i.ID, "readableId": c.ReadableID(), "name": i.Name, "description": i.Description, "severity": c.Severity, "source": i.Source,
		"status":     object{"name": c.Status, "displayName": displayName(c.Status)},
		"resolution": orNull(c.Resolution), "subResolution": orNull(c.SubResolution),
		"assignee": nil, "assignedTo": orNull(c.Assignee), "teamAssignedTo": nil,
		"entity": entityOf(i.Entity), "relatedEntities": related(i), "signals": []object{},
		"created": ms(c.Created), "lastUpdated": ms(c.Updated), "closed": nil, "timestamp": ms(i.Time),
		"timeToDetection": seconds(c.Detection()), "timeToResponse": seconds(c.Response()), "timeToRemediation": seconds(c.Remediation()),
		"confidence": nil, "tags": append([]string{}, c.Tags...), "artifacts": []any{}, "orgId": "gyoji", "recordSummaryFields": []any{},
		"score": i.Score, "threshold": i.Threshold, "customInsight": orNull(i.Custom),
	}
	if c.Assignee != "" {
		out["assignee"] = object{"type": "USER", "value": c.Assignee, "username": c.Assignee, "displayName": c.Assignee}
	}
	if c.Closed != 0 {
		out["closed"] = ms(c.Closed)
	}
	if whole {
		out["comments"] = comments(c)
	}
	if !strings.Contains(r.URL.Query().Get("exclude"), "signals") || strings.Contains(r.URL.Query().Get("exclude"), "signals.") {
		var all []object
		for _, s := range i.Signals {
			all = append(all, a.signal(&live.Signal{Signal: s, Insight: i.ID}, false))
		}
		out["signals"] = all
	}
	return out
}

func displayName(status string) string {
	for _, s := range statuses {
		if s["name"] == status {
			return s["displayName"].(string)
		}
	}
	return status
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// seconds is a time in ms in seconds, null for one that has not come.
func seconds(t int64) any {
	if t < 0 {
		return nil
	}
	return float64(t) / 1000
}

func comments(c *insight.Case) []object {
	all := []object{}
	for n, x := range c.Comments {
		all = append(all, object{"id": strconv.Itoa(n + 1), "body": x.Body, "timestamp": ms(x.At), "author": object{"username": x.By}})
	}
	return all
}

// entityOf is an entity as insights and signals name it: with its value under a key of its
// type, too.
func entityOf(e insight.Entity) object {
	out := object{"id": e.ID(), "name": e.Value, "value": e.Value, "entityType": e.Type, "sensorZone": e.Zone}
	out[strings.TrimPrefix(e.Type, "_")] = e.Value
	return out
}

func related(i *insight.Insight) []object {
	all := []object{}
	for _, id := range i.Related {
		all = append(all, object{"id": id})
	}
	return all
}

// signal is a signal as a client sees it (8.1).
func (a *API) signal(s *live.Signal, whole bool) object {
	stage := ""
	if names := insight.Tactics(s.Tags); len(names) > 0 {
		stage = names[0]
	}
	out := object{
		"id": s.ID, "name": s.Name, "ruleId": s.RuleID, "ruleName": s.RuleName, "severity": s.Severity, "stage": stage, "contentType": s.ContentType,
		"summary": s.Summary, "description": s.Description, "entity": entityOf(s.Entity), "tags": append([]string{}, s.Tags...),
		"timestamp": ms(s.Time), "suppressed": len(s.Suppressed) > 0, "suppressedReasons": append([]string{}, s.Suppressed...), "prototype": s.Prototype,
		"recordCount": s.Total, "recordTypes": []string{}, "artifacts": []any{}, "insightId": orNull(s.Insight), "stronger": s.Stronger,
	}
	if !s.Created.IsZero() {
		out["created"] = stamp(s.Created)
	}
	if whole {
		records := []object{}
		for _, r := range s.Records {
			records = append(records, object{"uid": r.UID, "timestamp": ms(r.Time), "metadata_deviceEventId": r.Kind})
		}
		out["allRecords"] = records
	}
	return out
}

// whole are records with what their events say: the fields of each beside its id, time and
// kind. One whose message is not in the store any more has these alone.
func whole(records []live.Record) []object {
	all := []object{}
	for _, r := range records {
		o := object{}
		for _, f := range r.Fields {
			o[f[0]] = f[1]
		}
		if r.Raw != "" {
			o["_raw"] = r.Raw
		}
		o["uid"], o["timestamp"], o["metadata_deviceEventId"] = r.UID, ms(r.Time), r.Kind
		all = append(all, o)
	}
	return all
}

func (a *API) history(_ http.ResponseWriter, r *http.Request) (any, error) {
	c, err := a.findCase(r)
	if err != nil {
		return nil, err
	}
	all := []object{}
	for _, e := range c.History {
		all = append(all, object{"timestamp": ms(e.At), "username": e.By, "field": e.What, "from": orNull(e.From), "to": orNull(e.To)})
	}
	return object{"objects": all, "total": len(all), "hasNextPage": false}, nil
}

var signalFields = fieldOf[*live.Signal]{
	"":            func(s *live.Signal) []string { return []string{s.Name, s.Summary, s.Entity.Value, s.RuleID} },
	"name":        func(s *live.Signal) []string { return []string{s.Name} },
	"id":          func(s *live.Signal) []string { return []string{s.ID} },
	"ruleId":      func(s *live.Signal) []string { return []string{s.RuleID} },
	"severity":    func(s *live.Signal) []string { return []string{strconv.Itoa(s.Severity)} },
	"tag":         func(s *live.Signal) []string { return s.Tags },
	"suppressed":  func(s *live.Signal) []string { return []string{strconv.FormatBool(len(s.Suppressed) > 0)} },
	"timestamp":   func(s *live.Signal) []string { return []string{ms(s.Time)} },
	"created":     func(s *live.Signal) []string { return []string{stamp(s.Created)} },
	"entity.id":   func(s *live.Signal) []string { return []string{s.Entity.ID()} },
	"entity.name": func(s *live.Signal) []string { return []string{s.Entity.Value} },
	"entity.type": func(s *live.Signal) []string { return []string{s.Entity.Type} },
	"entity.ip":   signalOf("_ip"), "entity.hostname": signalOf("_hostname"), "entity.username": signalOf("_username"),
	"insightId": func(s *live.Signal) []string { return []string{s.Insight} },
}

func signalOf(typ string) func(*live.Signal) []string {
	return func(s *live.Signal) []string {
		if s.Entity.Type != typ {
			return nil
		}
		return []string{s.Entity.Value}
	}
}

func (a *API) someSignals(r *http.Request) ([]*live.Signal, error) {
	keep, err := filter(r.URL.Query().Get("q"), a.now(), signalFields)
	if err != nil {
		return nil, err
	}
	return a.alerts.Signals(r.Context(), keep)
}

func (a *API) signals(_ http.ResponseWriter, r *http.Request) (any, error) {
	offset, limit, err := page(r, pageMost)
	if err != nil {
		return nil, err
	}
	all, err := a.someSignals(r)
	if err != nil {
		return nil, err
	}
	var out []object
	for i := offset; i < min(offset+limit, len(all)); i++ {
		out = append(out, a.signal(all[i], false))
	}
	return listing(out, offset, len(all)), nil
}

// between reads startTime and endTime of counts.
func between(r *http.Request) (from, to string) {
	cut := func(s string) string { return strings.TrimSuffix(s, "Z") }
	from, to = cut(r.URL.Query().Get("startTime")), cut(r.URL.Query().Get("endTime"))
	if to == "" {
		to = "9999"
	}
	return from, to
}

func (a *API) signalCounts(_ http.ResponseWriter, r *http.Request) (any, error) {
	all, err := a.someSignals(r)
	if err != nil {
		return nil, err
	}
	from, to := between(r)
	counts, n := map[string]int{}, 0
	for _, s := range all {
		if at := ms(s.Time); at >= from && at < to {
			counts[at[:10]]++
			n++
		}
	}
	return object{"total": n, "counts": counts}, nil
}

func (a *API) insightCounts(_ http.ResponseWriter, r *http.Request) (any, error) {
	all, err := a.someCases(r)
	if err != nil {
		return nil, err
	}
	from, to := between(r)
	counts, n := map[string]int{}, 0
	for _, c := range all {
		if at := ms(c.Created); at >= from && at < to {
			counts[at[:10]]++
			n++
		}
	}
	return object{"total": n, "counts": counts}, nil
}

// lookback is how far back signals count for an entity's score.
func (a *API) lookback(ctx context.Context) time.Duration {
	d, err := a.theSingle(ctx, singles[0])
	if err != nil {
		return 14 * 24 * time.Hour
	}
	days, err := strconv.ParseFloat(fmt.Sprint(d.Body["lookbackDays"]), 64)
	if err != nil {
		days = 14
	}
	return time.Duration(days * 24 * float64(time.Hour))
}

func (a *API) findEntity(r *http.Request) (*live.Entity, error) {
	id := r.PathValue("id")
	e, err := a.alerts.Entity(r.Context(), id, a.now(), a.lookback(r.Context()))
	if errors.Is(err, live.ErrNone) {
		return nil, missing("entity", id)
	}
	return e, err
}

var entityFields = fieldOf[*live.Entity]{
	"":              func(e *live.Entity) []string { return []string{e.Value, e.ID} },
	"name":          func(e *live.Entity) []string { return []string{e.Value} },
	"id":            func(e *live.Entity) []string { return []string{e.ID} },
	"type":          func(e *live.Entity) []string { return []string{e.Type} },
	"entityType":    func(e *live.Entity) []string { return []string{e.Type} },
	"tag":           func(e *live.Entity) []string { return e.Tags },
	"criticality":   func(e *live.Entity) []string { return []string{e.Criticality} },
	"suppressed":    func(e *live.Entity) []string { return []string{strconv.FormatBool(e.Suppressed)} },
	"activityScore": func(e *live.Entity) []string { return []string{strconv.Itoa(e.Score)} },
	"lastSeen":      func(e *live.Entity) []string { return []string{stamp(e.Last)} },
	"hostname":      entityType("_hostname"), "ip": entityType("_ip"), "username": entityType("_username"),
}

func entityType(typ string) func(*live.Entity) []string {
	return func(e *live.Entity) []string {
		if e.Type != typ {
			return nil
		}
		return []string{e.Value}
	}
}

func (a *API) entities(_ http.ResponseWriter, r *http.Request) (any, error) {
	offset, limit, err := page(r, pageMost)
	if err != nil {
		return nil, err
	}
	keep, err := filter(r.URL.Query().Get("q"), a.now(), entityFields)
	if err != nil {
		return nil, err
	}
	all, err := a.alerts.Entities(r.Context(), a.now(), a.lookback(r.Context()), keep)
	if err != nil {
		return nil, err
	}
	var out []object
	for i := offset; i < min(offset+limit, len(all)); i++ {
		out = append(out, a.entity(all[i]))
	}
	return listing(out, offset, len(all)), nil
}

// entity is an entity as a client sees it (9.4).
func (a *API) entity(e *live.Entity) object {
	out := entityOf(insight.Entity{Type: e.Type, Zone: e.Zone, Value: e.Value})
	out["activityScore"], out["firstSeen"], out["lastSeen"] = e.Score, stamp(e.First), stamp(e.Last)
	out["isSuppressed"], out["isWhitelisted"], out["criticality"] = e.Suppressed, e.Suppressed, orNull(e.Criticality)
	out["tags"], out["inventory"], out["shown"] = append([]string{}, e.Tags...), []any{}, e.Shown
	return out
}

// changeEntity makes a handler of what changes an entity. The rules that run learn of it by
// themselves.
func (a *API) changeEntity(key string, set func(*live.Entity, object) error) http.HandlerFunc {
	return handle(func(w http.ResponseWriter, r *http.Request) (any, error) {
		o, err := plain(r)
		if err != nil {
			return nil, err
		}
		e, err := a.findEntity(r)
		if err != nil {
			return nil, err
		}
		if !matches(r, e.Revision) {
			return nil, errStale
		}
		was := e.Suppression
		if err := set(e, o); err != nil {
			return nil, err
		}
		if e.Suppression != was {
			e.Suppression.By, e.Suppression.At = a.user(r), a.now()
		}
		if err := a.alerts.SetEntity(r.Context(), e); err != nil {
			if errors.Is(err, live.ErrRevision) {
				err = errStale
			}
			return nil, err
		}
		w.Header().Set("ETag", etag(e.Revision))
		return a.entity(e), nil
	})
}

// FindingsPath is gyoji's own call for what packages and Sigma rules find in what comes:
// detection and severity choose, offset and limit page. A finding is as gyoji hunt -f ndjson
// writes it.
const FindingsPath = "/api/gyoji/v1/findings"

func (a *API) findings(_ http.ResponseWriter, r *http.Request) (any, error) {
	offset, limit, err := page(r, itemsMost)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	all, total, err := a.alerts.Findings(r.Context(), q.Get("detection"), strings.ToLower(q.Get("severity")), offset, limit)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, f := range all {
		out = append(out, f.JSON)
	}
	return object{"objects": out, "total": total, "hasNextPage": offset+len(out) < total}, nil
}
