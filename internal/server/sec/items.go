package sec

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// itemKind are the items of match and suppressed lists; their parent is the list.
const itemKind = "match-list-item"

// itemsMost is how many items one call may add, and a page of them may have (14).
const itemsMost = 1000

func (a *API) itemRoutes() (all []access.Route) {
	for _, lists := range []struct{ path, items, kind string }{
		{"match-lists", "match-list-items", ruledoc.MatchList}, {"suppressed-lists", "suppressed-list-items", ruledoc.SuppressedList},
	} {
		many := Base + "/" + lists.items
		get := func(w http.ResponseWriter, r *http.Request) (any, error) {
			d, err := a.findItem(r)
			if err != nil {
				return nil, err
			}
			w.Header().Set("ETag", etag(d.Revision))
			return itemShown(d), nil
		}
		all = append(all,
			call(http.MethodPost, Base+"/"+lists.path+"/{id}/items", true, handle(func(_ http.ResponseWriter, r *http.Request) (any, error) { return a.addItems(r, lists.kind) })),
			call(http.MethodGet, many, false, handle(a.items)),
			call(http.MethodGet, Base+"/"+lists.path+"/{id}/items", false, handle(func(w http.ResponseWriter, r *http.Request) (any, error) {
				if _, err := a.docs.Get(r.Context(), lists.kind, r.PathValue("id")); errors.Is(err, ErrNone) {
					return nil, missing("match list", r.PathValue("id"))
				}
				q := r.URL.Query()
				q.Set("listIds", r.PathValue("id"))
				r.URL.RawQuery = q.Encode()
				return a.items(w, r)
			})),
			call(http.MethodGet, Base+"/"+lists.path+"/{list}/items/{id}", false, handle(get)),
			call(http.MethodGet, many+"/all", false, handle(a.allItems)),
			call(http.MethodGet, many+"/{id}", false, handle(get)),
			call(http.MethodPut, many+"/{id}", true, handle(a.replaceItem)),
			call(http.MethodDelete, many+"/{id}", true, handle(a.deleteItem)))
	}
	return all
}

// item reads an item as it is written: value, active, description, expiration.
func item(o object) (object, error) {
	if strings.TrimSpace(text(o, "value")) == "" {
		return nil, bad("an item needs a value")
	}
	out := object{"value": o["value"], "active": true, "description": text(o, "description")}
	if on, ok := o["active"]; ok {
		if _, isBool := on.(bool); !isBool {
			return nil, bad("active of an item is true or false")
		}
		out["active"] = on
	}
	if e := text(o, "expiration"); e != "" {
		if _, err := expiration(e); err != nil {
			return nil, bad("expiration is a time such as 2026-12-31T00:00:00+00:00, and this is %q", e)
		}
		out["expiration"] = e
	}
	return out, nil
}

// expiration reads when an item ends, with a zone or in UTC.
func expiration(text string) (t time.Time, err error) {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04", "2006-01-02"} {
		if t, err = time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	return t, err
}

func (a *API) addItems(r *http.Request, kind string) (any, error) {
	var in struct {
		Items []object `json:"items"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if len(in.Items) > itemsMost {
		return nil, bad("one call adds at most %d items, and this one has %d", itemsMost, len(in.Items))
	}
	id := r.PathValue("id")
	list, err := a.docs.Get(r.Context(), kind, id)
	if errors.Is(err, ErrNone) {
		return nil, missing("match list", id)
	}
	if err != nil {
		return nil, err
	}
	// A list has each value once: one that comes again is changed.
	there, _, err := a.docs.Select(r.Context(), Selection{Kinds: []string{itemKind}, Parents: []string{list.ID}})
	if err != nil {
		return nil, err
	}
	byValue := map[string]*Document{}
	for _, d := range there {
		byValue[d.Name] = d
	}
	var fresh []*Document
	for _, o := range in.Items {
		body, err := item(o)
		if err != nil {
			return nil, err
		}
		value := text(body, "value")
		if d := byValue[value]; d != nil {
			d.Body = body
			if d.Number == 0 { // twice in this call
				continue
			}
			if err := a.put(r, d); err != nil {
				return nil, err
			}
			continue
		}
		d := &Document{Kind: itemKind, Parent: list.ID, Name: value, Body: body, Created: a.now(), CreatedBy: a.user(r)}
		byValue[value] = d
		fresh = append(fresh, d)
	}
	if err := a.docs.CreateAll(r.Context(), fresh, func(number int64) string { return strconv.FormatInt(number, 10) }); err != nil {
		return nil, err
	}
	a.changed()
	return object{"created": len(fresh)}, nil
}

func itemShown(d *Document) object {
	out := object{
		"id": d.ID, "value": d.Body["value"], "active": d.Body["active"], "expiration": d.Body["expiration"], "listId": d.Parent,
		"meta": object{
			"created": object{"username": d.CreatedBy, "when": stamp(d.Created)}, "description": text(d.Body, "description"),
			"updated": object{"username": d.UpdatedBy, "when": stamp(d.Updated)},
		},
	}
	return out
}

func (a *API) findItem(r *http.Request) (*Document, error) {
	id := r.PathValue("id")
	d, err := a.docs.Get(r.Context(), itemKind, id)
	if errors.Is(err, ErrNone) {
		return nil, missing("item", id)
	}
	return d, err
}

// selection reads which items are asked for.
func itemSelection(r *http.Request) (sel Selection) {
	sel.Kinds = []string{itemKind}
	if ids := r.URL.Query().Get("listIds"); ids != "" {
		sel.Parents = strings.Split(ids, ",")
	}
	sel.Name = r.URL.Query().Get("value")
	return sel
}

func (a *API) items(_ http.ResponseWriter, r *http.Request) (any, error) {
	offset, limit, err := page(r, itemsMost)
	if err != nil {
		return nil, err
	}
	sel := itemSelection(r)
	sel.Offset, sel.Limit = offset, limit
	docs, total, err := a.docs.Select(r.Context(), sel)
	if err != nil {
		return nil, err
	}
	var out []object
	for _, d := range docs {
		out = append(out, itemShown(d))
	}
	return listing(out, offset, total), nil
}

// allItems pages by token, as far as there are items.
func (a *API) allItems(_ http.ResponseWriter, r *http.Request) (any, error) {
	sel := itemSelection(r)
	sel.Limit = itemsMost
	if t := r.URL.Query().Get("nextPageToken"); t != "" {
		n, err := strconv.ParseInt(t, 10, 64)
		if err != nil || n < 1 {
			return nil, bad("nextPageToken is what the page before gave, and this is %q", t)
		}
		sel.After = n
	}
	docs, _, err := a.docs.Select(r.Context(), sel)
	if err != nil {
		return nil, err
	}
	out, next := []object{}, any(nil) // null at the end: clients go on until it is
	for _, d := range docs {
		out = append(out, itemShown(d))
	}
	if len(docs) == itemsMost {
		next = strconv.FormatInt(docs[len(docs)-1].Number, 10)
	}
	return object{"objects": out, "nextPageToken": next}, nil
}

func (a *API) replaceItem(w http.ResponseWriter, r *http.Request) (any, error) {
	o, err := body(r, "fields", false)
	if err != nil {
		return nil, err
	}
	d, err := a.findItem(r)
	if err != nil {
		return nil, err
	}
	if !matches(r, d.Revision) {
		return nil, errStale
	}
	for k, was := range d.Body {
		if _, ok := o[k]; !ok && was != nil {
			o[k] = was
		}
	}
	o["value"] = d.Body["value"]
	if d.Body, err = item(o); err != nil {
		return nil, err
	}
	if err := a.put(r, d); err != nil {
		return nil, err
	}
	w.Header().Set("ETag", etag(d.Revision))
	return itemShown(d), nil
}

func (a *API) deleteItem(_ http.ResponseWriter, r *http.Request) (any, error) {
	d, err := a.findItem(r)
	if err != nil {
		return nil, err
	}
	err = a.docs.Delete(r.Context(), d, "", a.now(), a.user(r))
	if errors.Is(err, ErrNone) {
		return nil, missing("item", d.ID)
	}
	if err == nil {
		a.changed()
	}
	return true, err
}

// expired reports whether an item is over.
func expired(body object, now time.Time) bool {
	e := text(body, "expiration")
	if e == "" {
		return false
	}
	t, err := expiration(e)
	return err == nil && !now.Before(t)
}
