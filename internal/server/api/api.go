// Package api answers the calls that clients of Sumo Logic make to search and manage:
// search jobs, lookup tables, saved and scheduled searches, lists of what is set up.
// Its source is ../shared/spec/http-api.md. Who may call what is decided before: the
// server checks the role of each access.Route.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/collect"
	"github.com/gyoji-dev/gyoji/internal/server/job"
	"github.com/gyoji-dev/gyoji/internal/store"
)

// Options are what the API works with.
type Options struct {
	Jobs    job.Options      // Tables, Dir and Told are set here
	Store   *store.Store     // what is searched; nil where Jobs.Open is set
	Sources *collect.Sources // nil where there are none
	Dir     string           // the data folder
	Base    func() string    // the address of the server, without a slash at its end
	Logf    func(string, ...any)

	// RelativeTimes accepts -15m and now as from and to of a search job, which the
	// product refuses.
	RelativeTimes bool
	// Outward is what webhooks may reach.
	Outward access.Outward
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// API is the calls and what they keep.
type API struct {
	o    Options
	jobs *job.Manager

	extractions extractions
	keep        *keep
	tables      *tables
	runs        *runs
	stop        context.CancelFunc
	done        sync.WaitGroup

	resultsMu sync.Mutex
	results   map[string]any // of tasks, by id
}

// New opens what the calls keep in the data folder.
func New(o Options) (*API, error) {
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &API{o: o}
	var err error
	if a.keep, err = openKeep(filepath.Join(o.Dir, "api")); err != nil {
		return nil, err
	}
	if a.tables, err = openTables(a.keep, filepath.Join(o.Dir, "lookups"), o.Now); err != nil {
		return nil, err
	}
	jobs := o.Jobs
	if jobs.Open == nil {
		jobs.Open = func(v job.View) (job.Snapshot, error) {
			return o.Store.Snapshot(store.View{From: v.From, To: v.To, ByReceipt: v.ByReceipt}), nil
		}
	}
	plain := jobs.Open
	jobs.Open = func(v job.View) (job.Snapshot, error) {
		s, err := plain(v)
		if rules := a.rules(); err == nil && rules != nil {
			s = extracted{s, rules}
		}
		return s, err
	}
	jobs.Dir = filepath.Join(o.Dir, "jobs")
	jobs.Tables = func() *lookup.Library { return a.tables.library }
	jobs.Told = func(s string) { o.Logf("%s", s) }
	jobs.Now = o.Now
	if a.jobs, err = job.New(jobs); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	a.stop = stop
	a.runs = newRuns(a)
	a.done.Go(func() { a.runs.loop(ctx) })
	a.done.Go(func() { a.tables.expire(ctx) })
	return a, nil
}

// Jobs are the search jobs, for those who report on them.
func (a *API) Jobs() *job.Manager { return a.jobs }

// Close ends the jobs and what runs beside them.
func (a *API) Close(ctx context.Context) error {
	a.stop()
	err := a.jobs.Close(ctx)
	a.done.Wait()
	return err
}

// failure is an answer that is none of success.
type failure struct {
	status  int
	code    string
	message string
	newer   bool // in the form of the newer resources
	after   time.Duration
}

func (f *failure) Error() string { return f.message }

// refuse makes a failure.
func refuse(status int, code, message string, args ...any) error {
	if len(args) > 0 {
		message = fmt.Sprintf(message, args...)
	}
	return &failure{status: status, code: code, message: message}
}

// codeBad is that of a request that cannot be read.
const codeBad = "bad.request"

// fail answers with an error.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	var f *failure
	if !errors.As(err, &f) {
		if errors.Is(err, context.Canceled) {
			return
		}
		a.o.Logf("%s %s: %v", r.Method, r.URL.Path, err)
		f = &failure{status: http.StatusInternalServerError, code: access.CodeInternal, message: err.Error()}
	}
	if f.after > 0 {
		access.RetryAfter(w, f.after)
	}
	if f.newer || newer(r.URL.Path) {
		access.FailNew(w, f.status, f.code, f.message)
		return
	}
	access.Fail(w, f.status, f.code, f.message)
}

// newer reports whether a path is of the resources whose errors have the newer form.
func newer(path string) bool {
	if strings.HasPrefix(path, "/api/v2/") {
		return !strings.HasPrefix(path, "/api/v2/search/")
	}
	for _, p := range []string{"lookupTables", "partitions", "extractionRules", "scheduledViews", "fields", "users", "roles", "account", "connections", "logSearches"} {
		if strings.HasPrefix(path, "/api/v1/"+p) {
			return true
		}
	}
	return false
}

// answers is a handler whose value is the body of a 200; nil is an empty one.
func (a *API) answers(do func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := do(r)
		switch {
		case err != nil:
			a.fail(w, r, err)
		case v == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			access.Answer(w, http.StatusOK, v)
		}
	}
}

// bodyMost is how large the body of a call may be that is no upload.
const bodyMost = 4 << 20

// body reads a request's body as JSON. Numbers keep their digits.
func body(r *http.Request, into any) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return refuse(http.StatusUnsupportedMediaType, access.CodeContentType, "The body has to be JSON, and the header Content-Type has to say so: application/json.")
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, bodyMost+1))
	if err != nil {
		return refuse(http.StatusBadRequest, codeBad, "The body could not be read: %v.", err)
	}
	if len(text) > bodyMost {
		return refuse(http.StatusRequestEntityTooLarge, codeBad, "The body is larger than %d MiB.", bodyMost>>20)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return refuse(http.StatusBadRequest, codeBad, "The body is no JSON object as this call takes it: %s.", plainJSON(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return refuse(http.StatusBadRequest, codeBad, "The body has something after its JSON object.")
	}
	return nil
}

// plainJSON says what is wrong with JSON without the words of Go.
func plainJSON(err error) string {
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Sprintf("%s may not be a JSON %s", kind.Field, kind.Value)
	case errors.As(err, &kind):
		return fmt.Sprintf("a JSON %s is not an object", kind.Value)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it ends too early"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// origin is the address at which the client has reached the server.
func origin(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
