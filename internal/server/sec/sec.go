// Package sec is the HTTP API of Cloud SIEM, /api/sec/v1: the content of a tenant as
// revisioned documents. A resource is one value of a table: its path, which kind of
// document it is, how it is checked. Lists, pages, ETag, If-Match and history come from
// the table. Source: ../shared/spec/cloud-siem.md, section 14; numbers in comments are
// sections of it.
package sec

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// API answers the calls.
type API struct {
	docs   *Documents
	alerts *live.Alerts
	read   func(context.Context, *insight.Signal, int) ([]live.Record, error)
	given  []*builtin
	now    func() time.Time
	// changed is called after content has changed.
	changed func()
}

// Options are what an API needs of the server.
type Options struct {
	Alerts *live.Alerts // what was found; nil for a server that finds nothing
	// Records reads what a signal was made of; nil where nobody can.
	Records func(ctx context.Context, s *insight.Signal, most int) ([]live.Record, error)
	Builtin []*ruledoc.Document // that every tenant has: they can be switched off and overridden
	Changed func()              // content is another; nil for nobody
	Now     func() time.Time    // nil for the clock
}

// New makes an API over documents.
func New(docs *Documents, o Options) *API {
	a := &API{docs: docs, alerts: o.Alerts, read: o.Records, now: o.Now, changed: o.Changed}
	for _, d := range o.Builtin {
		a.given = append(a.given, newBuiltin(d))
	}
	if a.now == nil {
		a.now = time.Now
	}
	if a.changed == nil {
		a.changed = func() {}
	}
	return a
}

// user is who asks, for created_by and history.
func (a *API) user(r *http.Request) string {
	if p := access.From(r.Context()); p.ID != "" {
		return p.String()
	}
	return "gyoji"
}

// Base is the path before that of each call.
const Base = "/api/sec/v1"

// call is a route: what reads asks for the role that reads, what writes for the one that
// changes content.
func call(method, path string, writes bool, serve http.HandlerFunc) access.Route {
	role := access.Read
	if writes {
		role = access.Content
	}
	return access.Route{Pattern: method + " " + path, Role: role, Serve: serve}
}

// Routes are all calls.
func (a *API) Routes() (all []access.Route) {
	for i := range resources {
		all = append(all, a.routes(&resources[i])...)
	}
	all = append(all, a.ruleRoutes()...)
	all = append(all, a.itemRoutes()...)
	all = append(all, a.singleRoutes()...)
	all = append(all, a.alertRoutes()...)
	all = append(all, a.contentRoutes()...)
	return append(all, look("/vendors-and-products", handle(a.products)), look("/log-mappings/vendors-and-products", handle(a.products)))
}

// bodyMost is the longest body of a request, in bytes.
const bodyMost = 16 << 20

// A failure is an answer that is none of success.
type failure struct {
	status  int
	code    string
	message string
}

func (f *failure) Error() string { return f.message }

func bad(format string, args ...any) *failure {
	return &failure{http.StatusBadRequest, "BAD_REQUEST", fmt.Sprintf(format, args...)}
}

func missing(what, id string) *failure {
	return &failure{http.StatusNotFound, "NOT_FOUND", fmt.Sprintf("there is no %s %s", what, id)}
}

var errStale = &failure{http.StatusPreconditionFailed, "PRECONDITION_FAILED", "it has changed since it was read: If-Match names another revision; GET it again"}

// handle makes a handler of what returns the data of an answer.
func handle(do func(http.ResponseWriter, *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		data, err := do(w, r)
		if err != nil {
			var f *failure
			if !errors.As(err, &f) {
				f = &failure{http.StatusInternalServerError, "INTERNAL_SERVER_ERROR", err.Error()}
			}
			write(w, f.status, map[string]any{"data": nil, "errors": []any{map[string]any{"message": f.message, "code": f.code, "error_id": uuid()}}})
			return
		}
		write(w, http.StatusOK, map[string]any{"data": data, "errors": []any{}})
	}
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(body) // the client is gone, or it has it
}

// uuid is a random UUID.
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// object is a JSON object; numbers in it are json.Number.
type object = map[string]any

// body reads the object of a request that is wrapped in a key, which bare ones may lack.
func body(r *http.Request, wrap string, bare bool) (object, error) {
	var in map[string]json.RawMessage
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	raw, ok := in[wrap]
	if !ok && bare && len(in) > 0 {
		out := object{}
		for k, v := range in {
			var x any
			if err := number(v, &x); err != nil {
				return nil, bad("%q: %v", k, err)
			}
			out[k] = x
		}
		return out, nil
	}
	if !ok {
		return nil, bad(`the body is {%q: {...}}, and this one has no %[1]q`, wrap)
	}
	var o object
	if err := number(raw, &o); err != nil || o == nil {
		return nil, bad("%q is to be an object", wrap)
	}
	return o, nil
}

// decode reads the body of a request.
func decode(r *http.Request, into any) error {
	text, err := io.ReadAll(io.LimitReader(r.Body, bodyMost+1))
	switch {
	case err != nil:
		return bad("the body cannot be read: %v", err)
	case len(text) > bodyMost:
		return &failure{http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", fmt.Sprintf("the body is longer than %d bytes", bodyMost)}
	case len(strings.TrimSpace(string(text))) == 0:
		return bad("the body is empty: it is to be JSON")
	}
	if err := number(text, into); err != nil {
		return bad("the body is no JSON that can be used: %v", err)
	}
	return nil
}

func number(text []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows its end")
	}
	return nil
}

// matches holds a request's If-Match against a revision. Empty and * always match: 14.
func matches(r *http.Request, rev int64) bool {
	for _, h := range r.Header.Values("If-Match") {
		h = strings.TrimSpace(h)
		if h != "" && h != "*" && strings.TrimPrefix(h, "W/") != etag(rev) {
			return false
		}
	}
	return true
}

func etag(rev int64) string { return fmt.Sprintf("%q", fmt.Sprint(rev)) }
