// Package search answers what the page Search asks besides search jobs, which package api
// has: what an editor shows of a query, why a query finds nothing, the fields of a job, the
// signals of a time range, a job's rows as a file. A call is a file; what it tells other
// packages find out.
package search

import (
	"errors"
	"net/http"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/job"
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/store"
)

// Base is the path before that of each call.
const Base = "/api/gyoji/v1"

// Options are what the calls work with.
type Options struct {
	Store  *store.Store
	Jobs   *job.Manager // search jobs, as the search API has them
	Alerts *live.Alerts // what was found; nil for a server that finds nothing
	// Rewrite gives a query as the search API runs it, partitions resolved.
	Rewrite func(query string) (string, []string)
	Logf    func(string, ...any)
	Now     func() time.Time // nil for the clock
}

// Page is the calls. Safe for several goroutines.
type Page struct {
	o      Options
	sample *sampler
	links  links
}

// New makes them.
func New(o Options) *Page {
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rewrite == nil {
		o.Rewrite = func(q string) (string, []string) { return q, nil }
	}
	return &Page{o: o, sample: newSampler(o)}
}

// Routes are all calls.
func (p *Page) Routes() []access.Route {
	get := func(path string, role access.Role, do func(*http.Request) (any, error)) access.Route {
		return access.Route{Pattern: "GET " + Base + path, Role: role, Serve: p.answers(do)}
	}
	post := func(path string, role access.Role, do func(*http.Request) (any, error)) access.Route {
		return access.Route{Pattern: "POST " + Base + path, Role: role, Serve: p.answers(do), Asks: true}
	}
	return []access.Route{
		post("/language/diagnostics", access.Read, p.diagnostics),
		post("/language/complete", access.Read, p.complete),
		post("/language/hover", access.Read, p.hover),
		post("/language/signature", access.Read, p.signature),
		post("/language/format", access.Read, p.format),
		post("/whynot", access.Read, p.whyNot),
		get("/jobs/{id}", access.Read, p.shared),
		get("/jobs/{id}/fields", access.Read, p.fields),
		post("/jobs/{id}/share", access.Read, p.share),
		post("/jobs/{id}/stop", access.Read, p.stop),
		get("/jobs/{id}/rows", access.Read, p.rows),
		post("/language/filter", access.Read, p.filter),
		post("/rule", access.Read, p.rule),
		get("/signals", access.Read, p.signals),
		{Pattern: "GET " + Base + "/jobs/{id}/csv", Role: access.Read, Serve: p.csv},
	}
}

// answers is a handler of a call whose value is the body of a 200.
func (p *Page) answers(do func(*http.Request) (any, error)) http.HandlerFunc {
	return access.Call(do, p.known)
}

// fail answers with an error: {"status":400,"id":"...","code":"...","message":"..."}.
func (p *Page) fail(w http.ResponseWriter, r *http.Request, err error) {
	access.FailWith(w, r, err, p.known)
}

func (p *Page) known(r *http.Request, err error) *access.Failure {
	if errors.Is(err, job.ErrGone) {
		return &access.Failure{Status: http.StatusNotFound, Code: access.CodeNotFound, Message: err.Error()}
	}
	if r.Context().Err() == nil {
		p.o.Logf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	return nil
}

// job is that of a request's path, if who asks may see it: it is theirs, or was shared.
func (p *Page) job(r *http.Request) (*job.Job, error) {
	j, err := p.o.Jobs.Get(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if !p.owns(r, j) && !p.links.has(j.ID) {
		return nil, job.ErrGone
	}
	return j, nil
}

// own is the job of a request's path, if it is theirs to change.
func (p *Page) own(r *http.Request) (*job.Job, error) {
	j, err := p.o.Jobs.Get(r.PathValue("id"))
	if err == nil && !p.owns(r, j) {
		err = job.ErrGone
	}
	return j, err
}

func (p *Page) owns(r *http.Request, j *job.Job) bool {
	who := access.From(r.Context())
	return who.ID == j.Owner || who.Role == access.Admin
}
