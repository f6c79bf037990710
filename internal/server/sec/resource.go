package sec

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// A resource is a kind of document with the usual calls: list, POST, and GET, PUT and
// DELETE by id.
type resource struct {
	path string // after Base
	noun string // for messages
	kind string // as ruledoc calls it, or as the path does
	// at are the paths that documents are written under, where that is not path, and the
	// field that each sets.
	at    []string
	typed string

	// need are fields that a new document has to have, with text that is not empty.
	need []string
	// fixed are fields that PUT does not change.
	fixed []string
	// merged says that PUT keeps what its body does not have.
	merged bool
	// otherwise are fields that a document has, with what they are where nobody has said it.
	otherwise object
	// unique says that no two have one name, letter case aside.
	unique bool
	// children is the kind of documents that go with one.
	children string
	// known are documents that are always there and cannot be written.
	known []object
	// from is added to a document's number for its id: ids of known ones are below it.
	from int64
	// bare says that bodies need not be wrapped in fields.
	bare bool
	// byKey says that a document's id is its key.
	byKey bool
	// check says what is wrong with a document, besides what ruledoc finds.
	check func(ctx context.Context, a *API, o object) error
	// show changes what is shown of a document.
	show func(ctx context.Context, a *API, r *http.Request, d *Document, out object)
}

// resources are those with the usual calls (14.5). Rules and items have some of their own.
var resources = []resource{
	{path: "rule-tuning-expressions", noun: "tuning expression", kind: ruledoc.Tuning, need: []string{"name", "expression"}, check: ofRuledoc(ruledoc.Tuning)},
	{path: "custom-insights", noun: "custom insight", kind: ruledoc.CustomInsight, need: []string{"name"}, check: ofRuledoc(ruledoc.CustomInsight)},
	{path: "match-lists", noun: "match list", kind: ruledoc.MatchList, need: []string{"name", "targetColumn"}, fixed: []string{"name", "targetColumn"}, unique: true, merged: true,
		children: itemKind, check: targetColumn, show: listShown},
	{path: "suppressed-lists", noun: "suppressed list", kind: ruledoc.SuppressedList, need: []string{"name", "targetColumn"}, fixed: []string{"name", "targetColumn"}, unique: true, merged: true,
		children: itemKind, check: targetColumn, show: listShown},
	{path: "network-blocks", noun: "network block", kind: ruledoc.NetworkBlock, need: []string{"addressBlock"}, check: network},
	{path: "custom-match-list-columns", noun: "column", kind: ruledoc.Column, need: []string{"name"}, unique: true, check: ofRuledoc(ruledoc.Column)},
	{path: "custom-entity-types", noun: "entity type", kind: ruledoc.EntityType, need: []string{"name", "identifier"}, fixed: []string{"identifier"}, unique: true, merged: true},
	{path: "entity-criticality-configs", noun: "criticality", kind: ruledoc.Criticality, need: []string{"name", "severityExpression"}, fixed: []string{"name"}, unique: true, check: ofRuledoc(ruledoc.Criticality)},
	{path: "entity-group-configurations", noun: "entity group", kind: ruledoc.EntityGroup, at: []string{"entity_value", "inventory"}, typed: "configurationType", need: []string{"name"}},
	{path: "insight-status", noun: "status", kind: "insight-status", need: []string{"name"}, unique: true, known: statuses, show: statusShown},
	{path: "insight-resolutions", noun: "resolution", kind: "insight-resolutions", need: []string{"name"}, fixed: []string{"name", "parentId"}, unique: true, known: resolutions, from: resolutionsFrom, check: parentResolution, show: resolutionShown},
	{path: "tag-schemas", noun: "tag schema", kind: "tag-schemas", need: []string{"key"}, byKey: true, show: schemaShown},
	{path: "log-mappings", noun: "log mapping", kind: ruledoc.LogMapping, need: []string{"name", "recordType"}, otherwise: object{"enabled": true}, check: ofRuledoc(ruledoc.LogMapping)},
	{path: "context-actions", noun: "context action", kind: "context-actions", bare: true, need: []string{"name"}},
	{path: "automations", noun: "automation", kind: "automations", need: []string{"playbookId"}, fixed: []string{"playbookId", "cseResourceType"}, merged: true},
}

const resolutionsFrom = 100

// statuses and resolutions are those that every tenant has (10.3).
var (
	statuses = []object{
		{"id": "new", "name": "new", "displayName": "New", "description": ""},
		{"id": "inprogress", "name": "inprogress", "displayName": "In Progress", "description": ""},
		{"id": "closed", "name": "closed", "displayName": "Closed", "description": ""},
	}
	// Ids of resolutions are whole numbers; those of the four are as Sumo Logic's
	// Terraform provider has them.
	resolutions = []object{
		{"id": 1, "name": "Resolved", "description": ""}, {"id": 2, "name": "False Positive", "description": ""},
		{"id": 3, "name": "No Action", "description": ""}, {"id": 4, "name": "Duplicate", "description": ""},
	}
)

func (a *API) routes(s *resource) []access.Route {
	one, many := Base+"/"+s.path+"/{id}", Base+"/"+s.path
	all := []access.Route{
		call(http.MethodGet, many, false, handle(func(_ http.ResponseWriter, r *http.Request) (any, error) { return a.list(r, s) })),
		call(http.MethodGet, one, false, handle(func(w http.ResponseWriter, r *http.Request) (any, error) { return a.one(w, r, s) })),
		call(http.MethodDelete, one, true, handle(func(_ http.ResponseWriter, r *http.Request) (any, error) { return a.delete(r, s) })),
	}
	if s.at == nil {
		all = append(all,
			call(http.MethodPost, many, true, handle(func(w http.ResponseWriter, r *http.Request) (any, error) { return a.create(w, r, s, "") })),
			call(http.MethodPut, one, true, handle(func(w http.ResponseWriter, r *http.Request) (any, error) { return a.replace(w, r, s, "") })))
	}
	if s.byKey { // its client names the document in the body: 14.5
		put := handle(func(w http.ResponseWriter, r *http.Request) (any, error) { return a.replace(w, r, s, "") })
		all = append(all, call(http.MethodPut, many, true, put), call(http.MethodPut, many+"/{$}", true, put),
			call(http.MethodGet, many+"/{$}", false, handle(func(http.ResponseWriter, *http.Request) (any, error) { return nil, missing(s.noun, "") })))
	}
	for _, at := range s.at {
		path := many + "/" + at
		all = append(all,
			call(http.MethodPost, path, true, handle(func(w http.ResponseWriter, r *http.Request) (any, error) { return a.create(w, r, s, at) })),
			call(http.MethodPut, path+"/{id}", true, handle(func(w http.ResponseWriter, r *http.Request) (any, error) { return a.replace(w, r, s, at) })),
			call(http.MethodGet, path+"/{id}", false, handle(func(w http.ResponseWriter, r *http.Request) (any, error) { return a.one(w, r, s) })))
	}
	if s.kind == ruledoc.LogMapping {
		all = append(all, call(http.MethodPut, one+"/enabled", true, handle(func(w http.ResponseWriter, r *http.Request) (any, error) { return a.enable(w, r, s.kind, s.noun, s) })))
	}
	return all
}

// pageMost is the longest page of a list, and windowMost the furthest that offset and
// limit reach (14).
const (
	pageDefault = 10
	pageMost    = 100
	windowMost  = 10_000
)

// page reads offset and limit.
func page(r *http.Request, most int) (offset, limit int, err error) {
	limit = min(pageDefault, most)
	for _, x := range []struct {
		name  string
		to    *int
		least int
	}{{"offset", &offset, 0}, {"limit", &limit, 1}} {
		text := r.URL.Query().Get(x.name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < x.least {
			return 0, 0, bad("%s is a whole number of at least %d, and this is %q", x.name, x.least, text)
		}
		*x.to = n
	}
	if limit > most {
		return 0, 0, bad("limit is at most %d, and this is %d", most, limit)
	}
	if offset+limit > windowMost {
		return 0, 0, bad("the sum of offset and limit must not exceed %d, and it is %d", windowMost, offset+limit)
	}
	return offset, limit, nil
}

// listing is a page of a list.
func listing(objects []object, offset, total int) object {
	if objects == nil {
		objects = []object{}
	}
	return object{"objects": objects, "total": total, "hasNextPage": offset+len(objects) < total}
}

func (a *API) list(r *http.Request, s *resource) (any, error) {
	offset, limit, err := page(r, pageMost)
	if err != nil {
		return nil, err
	}
	sel := Selection{Kinds: []string{s.kind}, Offset: max(0, offset-len(s.known)), Limit: limit}
	if q := r.URL.Query().Get("q"); q != "" {
		if sel.Name, err = nameOf(q); err != nil {
			return nil, err
		}
	}
	docs, total, err := a.docs.Select(r.Context(), sel)
	if err != nil {
		return nil, err
	}
	var out []object
	if sel.Name == "" {
		for i := offset; i < min(offset+limit, len(s.known)); i++ {
			out = append(out, a.known(r, s, s.known[i]))
		}
		total += len(s.known)
	}
	for _, d := range docs {
		if len(out) < limit {
			out = append(out, a.shown(r, s, d))
		}
	}
	return listing(out, offset, total), nil
}

// nameOf reads the q of lists of content: a name, or name:"one".
func nameOf(q string) (string, error) {
	q = strings.TrimSpace(q)
	if field, value, ok := strings.Cut(q, ":"); ok {
		if field != "name" {
			return "", bad("q: there is no field %q; lists of content are searched by name:\"...\"", field)
		}
		q = value
	}
	return strings.Trim(q, `"`), nil
}

// known is a document that is always there.
func (a *API) known(r *http.Request, s *resource, o object) object {
	out := object{}
	for k, v := range o {
		out[k] = v
	}
	if s.show != nil {
		s.show(r.Context(), a, r, &Document{Body: o}, out)
	}
	return out
}

// shown is a document as a client sees it.
func (a *API) shown(r *http.Request, s *resource, d *Document) object {
	out := object{}
	for k, v := range d.Body {
		out[k] = v
	}
	out["id"] = d.ID
	out["created"], out["createdBy"] = stamp(d.Created), d.CreatedBy
	out["lastUpdated"], out["lastUpdatedBy"] = stamp(d.Updated), d.UpdatedBy
	if s.show != nil {
		s.show(r.Context(), a, r, d, out)
	}
	return out
}

// stamp is a time as the API writes it: ISO, UTC without a zone, microseconds (10.4).
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000") }

// find gets the document that a request names.
func (a *API) find(r *http.Request, s *resource, id string) (*Document, error) {
	d, err := a.docs.Get(r.Context(), s.kind, id)
	if errors.Is(err, ErrNone) {
		return nil, missing(s.noun, id)
	}
	return d, err
}

func (s *resource) isKnown(id string) object {
	for _, o := range s.known {
		if fmt.Sprint(o["id"]) == id {
			return o
		}
	}
	return nil
}

func (a *API) one(w http.ResponseWriter, r *http.Request, s *resource) (any, error) {
	id := r.PathValue("id")
	if o := s.isKnown(id); o != nil {
		return a.known(r, s, o), nil
	}
	d, err := a.find(r, s, id)
	if err != nil {
		return nil, err
	}
	w.Header().Set("ETag", etag(d.Revision))
	return a.shown(r, s, d), nil
}

// cleaned leaves out of a body what the server says itself.
func cleaned(o object) object {
	for _, k := range []string{"id", "created", "createdBy", "lastUpdated", "lastUpdatedBy"} {
		delete(o, k)
	}
	return o
}

// sound holds a body against what its resource asks.
func (a *API) sound(ctx context.Context, s *resource, o object, id string) error {
	for _, k := range s.need {
		if text, ok := o[k].(string); !ok || strings.TrimSpace(text) == "" {
			return bad("%s: %s needs %s", s.path, article(s.noun), k)
		}
	}
	if s.unique {
		name := o["name"].(string)
		for _, k := range s.known {
			if strings.EqualFold(k["name"].(string), name) {
				return bad("there is %s %q already", article(s.noun), name)
			}
		}
		same, _, err := a.docs.Select(ctx, Selection{Kinds: []string{s.kind}, Name: name})
		if err != nil {
			return err
		}
		for _, d := range same {
			if d.ID != id {
				return bad("there is %s %q already, with the id %s", article(s.noun), name, d.ID)
			}
		}
		if len(planOf(ctx, s.kind, name)) > 0 {
			return bad("there are two of the name %q", name)
		}
	}
	if s.check != nil {
		return s.check(ctx, a, o)
	}
	return nil
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

func (a *API) create(w http.ResponseWriter, r *http.Request, s *resource, at string) (any, error) {
	o, err := body(r, "fields", s.bare)
	if err != nil {
		return nil, err
	}
	if cleaned(o); at != "" {
		o[s.typed] = at
	}
	for k, v := range s.otherwise {
		if o[k] == nil {
			o[k] = v
		}
	}
	if err := a.sound(r.Context(), s, o, ""); err != nil {
		return nil, err
	}
	d := &Document{Kind: s.kind, Name: text(o, "name"), Body: o, Created: a.now(), CreatedBy: a.user(r)}
	id := func(number int64) string { return strconv.FormatInt(number+s.from, 10) }
	if s.byKey {
		key := o["key"].(string)
		if _, err := a.docs.Get(r.Context(), s.kind, key); err == nil {
			return nil, bad("there is %s %q already", article(s.noun), key)
		}
		id = func(int64) string { return key }
	}
	if err := a.docs.Create(r.Context(), d, id); err != nil {
		return nil, err
	}
	a.changed()
	w.Header().Set("ETag", etag(d.Revision))
	return a.shown(r, s, d), nil
}

func text(o object, key string) string {
	t, _ := o[key].(string)
	return t
}

func (a *API) replace(w http.ResponseWriter, r *http.Request, s *resource, at string) (any, error) {
	o, err := body(r, "fields", s.bare)
	if err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	if s.byKey && id == "" {
		id = text(o, "key")
	}
	if s.isKnown(id) != nil {
		return nil, bad("the %s %s is built in and cannot be changed", s.noun, id)
	}
	d, err := a.find(r, s, id)
	if err != nil {
		return nil, err
	}
	if !matches(r, d.Revision) {
		return nil, errStale
	}
	if cleaned(o); at != "" {
		o[s.typed] = at
	}
	if s.merged {
		for k, was := range d.Body {
			if _, ok := o[k]; !ok {
				o[k] = was
			}
		}
	}
	for k := range s.otherwise {
		if o[k] == nil {
			o[k] = d.Body[k]
		}
	}
	for _, k := range s.fixed {
		if was, ok := d.Body[k]; ok {
			o[k] = was
		} else {
			delete(o, k)
		}
	}
	if s.byKey {
		o["key"] = d.ID
	}
	if err := a.sound(r.Context(), s, o, d.ID); err != nil {
		return nil, err
	}
	d.Body, d.Name = o, text(o, "name")
	if err := a.put(r, d); err != nil {
		return nil, err
	}
	w.Header().Set("ETag", etag(d.Revision))
	return a.shown(r, s, d), nil
}

// put writes a document that was read before.
func (a *API) put(r *http.Request, d *Document) error {
	err := a.docs.Replace(r.Context(), d, a.now(), a.user(r))
	if errors.Is(err, ErrRevision) {
		return errStale
	}
	if err == nil {
		a.changed()
	}
	return err
}

func (a *API) delete(r *http.Request, s *resource) (any, error) {
	id := r.PathValue("id")
	if s.isKnown(id) != nil {
		return nil, bad("the %s %s is built in and cannot be deleted", s.noun, id)
	}
	d, err := a.find(r, s, id)
	if err != nil {
		return nil, err
	}
	if !matches(r, d.Revision) {
		return nil, errStale
	}
	err = a.docs.Delete(r.Context(), d, s.children, a.now(), a.user(r))
	if errors.Is(err, ErrNone) {
		return nil, missing(s.noun, id)
	}
	if err == nil {
		a.changed()
	}
	return true, err
}

// enable answers PUT {"fields":{"enabled":false}}.
func (a *API) enable(w http.ResponseWriter, r *http.Request, kind, noun string, s *resource) (any, error) {
	o, err := body(r, "fields", false)
	if err != nil {
		return nil, err
	}
	on, ok := o["enabled"].(bool)
	if !ok {
		return nil, bad(`"enabled" is true or false`)
	}
	id := r.PathValue("id")
	d, err := a.docs.Get(r.Context(), kind, id)
	if errors.Is(err, ErrNone) {
		return nil, missing(noun, id)
	}
	if err != nil {
		return nil, err
	}
	if !matches(r, d.Revision) {
		return nil, errStale
	}
	d.Body["enabled"] = on
	if err := a.put(r, d); err != nil {
		return nil, err
	}
	w.Header().Set("ETag", etag(d.Revision))
	if s == nil {
		return a.rule(r, d), nil
	}
	return a.shown(r, s, d), nil
}

// network checks a network block and spells its address as networks are.
func network(ctx context.Context, a *API, o object) error {
	given := text(o, "addressBlock")
	p, err := netip.ParsePrefix(given)
	if err != nil {
		if ip, e := netip.ParseAddr(given); e == nil {
			p, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
	}
	if err != nil || !p.IsValid() {
		return bad("addressBlock is a network such as 10.0.0.0/8, and this is %q", given)
	}
	return nil
}

// schemaShown shows a tag schema by the names that it is read by (14.5).
func schemaShown(_ context.Context, _ *API, _ *http.Request, d *Document, out object) {
	out["key"] = d.ID
	delete(out, "id")
	out["contentTypeEnums"], out["valueOptionObjects"] = []any{}, []any{}
	for _, x := range [][2]string{{"contentTypes", "contentTypeEnums"}, {"valueOptions", "valueOptionObjects"}} {
		if v, ok := d.Body[x[0]]; ok && v != nil {
			out[x[1]] = v
		}
		delete(out, x[0])
	}
}

// statusShown gives a status the name that people see.
func statusShown(_ context.Context, _ *API, _ *http.Request, d *Document, out object) {
	if out["displayName"] == nil {
		out["displayName"] = d.Body["name"]
	}
}

// parentResolution checks a resolution's parent, which is one of the four.
func parentResolution(ctx context.Context, a *API, o object) error {
	v, ok := o["parentId"]
	if !ok || v == nil || fmt.Sprint(v) == "-1" { // Sumo Logic's Terraform provider says none so
		return nil
	}
	for _, k := range resolutions {
		if fmt.Sprint(k["id"]) == fmt.Sprint(v) {
			return nil
		}
	}
	return bad("parentId: there is no resolution %v to be under; the four are 1 to %d", v, len(resolutions))
}

// resolutionShown gives a resolution a whole number as id and its parent by name.
func resolutionShown(_ context.Context, _ *API, _ *http.Request, d *Document, out object) {
	if d.ID != "" {
		out["id"] = d.Number + resolutionsFrom
	}
	parent, ok := out["parentId"]
	delete(out, "parentId")
	out["parent"] = nil
	for _, k := range resolutions {
		if ok && fmt.Sprint(k["id"]) == fmt.Sprint(parent) {
			out["parent"] = object{"id": k["id"], "name": k["name"]}
		}
	}
}
