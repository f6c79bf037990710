package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"crypto/rand"

	"github.com/gyoji-dev/gyoji/internal/server/access"
)

// resource is a kind of things that clients list, make, change and take away: a table
// of calls over documents that are kept.
type resource struct {
	path  string // /api/v1/partitions
	kind  string // the file that they are in
	what  string // one of them, in a sentence
	role  access.Role
	state string // what becomes of them, for the table of calls
	// check completes what was sent, or says what is wrong with it. old is what is there,
	// nil for a new one.
	check func(a *API, sent, old fields) error
	// gone is told of one that was taken away; nil for nobody.
	gone func(a *API, id string)
	// wrap is the name that older clients wrap one in: {"connection": {...}}.
	wrap string
}

// fields are a JSON object.
type fields map[string]any

func (f fields) text(name string) string {
	s, _ := f[name].(string)
	return s
}

// put gives a field a value where it has none.
func (f fields) put(name string, v any) {
	if _, ok := f[name]; !ok {
		f[name] = v
	}
}

// need says that a text is missing.
func (f fields) need(name string) error {
	if strings.TrimSpace(f.text(name)) == "" {
		return refuse(http.StatusBadRequest, "field.missing", "The field %s is missing or empty.", name)
	}
	return nil
}

func (d document) fields() fields {
	f := fields{}
	_ = json.Unmarshal(d.Body, &f) // it was written by us
	return f
}

func (d document) etag() string { return `"` + strconv.FormatInt(d.Revision, 10) + `"` }

// newContentID is an id as the product's newer resources have it: 16 hexadecimal digits.
func newContentID() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("%016X", b[:])
}

// stampForm is how times of documents are written.
const stampForm = "2006-01-02T15:04:05.000Z"

func (a *API) stamp() string { return a.o.Now().UTC().Format(stampForm) }

// matches checks the header If-Match, where it is sent.
func matches(r *http.Request, d document) error {
	if m := strings.TrimPrefix(r.Header.Get("If-Match"), "W/"); m != "" && m != "*" && m != d.etag() {
		return refuse(http.StatusPreconditionFailed, "etag.mismatch", "It has been changed since: its ETag is %s now.", d.etag())
	}
	return nil
}

// sent reads the body of a call that makes or changes one.
func (x *resource) sent(r *http.Request) (fields, error) {
	var f fields
	if err := body(r, &f); err != nil {
		return nil, err
	}
	if f == nil {
		return nil, refuse(http.StatusBadRequest, codeBad, "The body is no JSON object.")
	}
	if in, ok := f[x.wrap].(map[string]any); ok && x.wrap != "" {
		return in, nil
	}
	return f, nil
}

func (x *resource) none(id string) error {
	return refuse(http.StatusNotFound, access.CodeNotFound, "There is no %s %s.", x.what, id)
}

// routes are the calls of the resource.
func (x *resource) routes(a *API) []route {
	one := x.path + "/{id}"
	list := route{"GET " + x.path, access.Read, "lists", a.answers(func(r *http.Request) (any, error) {
		var all []any
		for _, d := range a.keep.list(x.kind) {
			all = append(all, d.fields())
		}
		return listed(r, all)
	})}
	get := route{"GET " + one, access.Read, "gives one", func(w http.ResponseWriter, r *http.Request) {
		d, ok := a.keep.get(x.kind, r.PathValue("id"))
		if !ok {
			a.fail(w, r, x.none(r.PathValue("id")))
			return
		}
		w.Header().Set("ETag", d.etag())
		access.Answer(w, http.StatusOK, d.fields())
	}}
	post := route{"POST " + x.path, x.role, "makes one" + x.state, a.answers(func(r *http.Request) (any, error) {
		f, err := x.sent(r)
		if err != nil {
			return nil, err
		}
		return a.make(r, x, f)
	})}
	put := route{"PUT " + one, x.role, "changes one", func(w http.ResponseWriter, r *http.Request) {
		f, err := x.sent(r)
		if err == nil {
			var d document
			if d, err = a.change(r, x, r.PathValue("id"), f); err == nil {
				w.Header().Set("ETag", d.etag())
				access.Answer(w, http.StatusOK, d.fields())
				return
			}
		}
		a.fail(w, r, err)
	}}
	del := route{"DELETE " + one, x.role, "takes one away", a.answers(func(r *http.Request) (any, error) {
		return nil, a.drop(r, x, r.PathValue("id"))
	})}
	return []route{list, post, get, put, del}
}

// make makes a document.
func (a *API) make(r *http.Request, x *resource, f fields) (fields, error) {
	delete(f, "id")
	if err := x.check(a, f, nil); err != nil {
		return nil, err
	}
	id, who := newContentID(), access.From(r.Context()).String()
	f["id"] = id
	f["createdAt"], f["createdBy"], f["modifiedAt"], f["modifiedBy"] = a.stamp(), who, a.stamp(), who
	d, err := a.keep.change(x.kind, id, func(document) (json.RawMessage, error) { return json.Marshal(f) })
	if err != nil {
		return nil, err
	}
	return d.fields(), nil
}

// change changes a document: fields that are not sent stay.
func (a *API) change(r *http.Request, x *resource, id string, f fields) (document, error) {
	d, err := a.keep.change(x.kind, id, func(d document) (json.RawMessage, error) {
		if d.Revision == 0 {
			return nil, x.none(id)
		}
		if err := matches(r, d); err != nil {
			return nil, err
		}
		old, next := d.fields(), d.fields()
		for k, v := range f {
			switch k {
			case "id", "createdAt", "createdBy", "modifiedAt", "modifiedBy":
			default:
				next[k] = v
			}
		}
		if err := x.check(a, next, old); err != nil {
			return nil, err
		}
		next["modifiedAt"], next["modifiedBy"] = a.stamp(), access.From(r.Context()).String()
		return json.Marshal(next)
	})
	if err == nil {
	}
	return d, err
}

// drop takes a document away.
func (a *API) drop(r *http.Request, x *resource, id string) error {
	_, err := a.keep.change(x.kind, id, func(d document) (json.RawMessage, error) {
		if d.Revision == 0 {
			return nil, x.none(id)
		}
		return nil, matches(r, d)
	})
	if err != nil {
		return err
	}
	if x.gone != nil {
		x.gone(a, id)
	}
	return nil
}

// listed is a page of a list: limit (100, at most 1000) and token, as the newer
// resources have them.
func listed(r *http.Request, all []any) (any, error) {
	limit, offset := 100, 0
	q := r.URL.Query()
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return nil, refuse(http.StatusBadRequest, "limit.invalid", "The parameter limit is %q; it is a number from 1 to 1000.", text)
		}
		limit = n
	}
	if text := q.Get("token"); text != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(text, tokenPrefix))
		if err != nil || n < 0 || !strings.HasPrefix(text, tokenPrefix) {
			return nil, refuse(http.StatusBadRequest, "token.invalid", "The parameter token is none that a former answer gave as next.")
		}
		offset = min(n, len(all))
	}
	page := all[offset:min(offset+limit, len(all))]
	var next any
	if end := offset + len(page); end < len(all) {
		next = tokenPrefix + strconv.Itoa(end)
	}
	return struct {
		Data []any `json:"data"`
		Next any   `json:"next"`
	}{orEmpty(page), next}, nil
}

// tokenPrefix begins what clients hand back to have the next page.
const tokenPrefix = "after-"

// unique says that another one has the same value.
func unique(a *API, kind, field string, f fields) error {
	for _, d := range a.keep.list(kind) {
		if o := d.fields(); strings.EqualFold(o.text(field), f.text(field)) && o.text("id") != f.text("id") {
			return refuse(http.StatusBadRequest, "name.duplicate", "There is one with the %s %s already.", field, f.text(field))
		}
	}
	return nil
}
