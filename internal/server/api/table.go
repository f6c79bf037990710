package api

import (
	"net/http"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/job"
)

// route is a call that is offered: access.Route with what the table of calls says of it.
type route struct {
	pattern string
	role    access.Role
	does    string
	serve   http.HandlerFunc
}

// missing is a call that clients know and that is not offered.
type missing struct {
	pattern string
	why     string
	status  int // 0 is 501
}

// notOffered are those calls.
var notOffered = []missing{
	{"POST /api/v1/metrics/results", "metrics are not kept", 0},
	{"POST /api/v1/metricsQueries", "metrics are not kept", 0},
	{"POST /api/v1/metricsRules", "metrics are not kept", 0},
	{"GET /api/v1/metricsRules", "metrics are not kept", 0},
	{"GET /api/v1/livetail/{call...}", "live tail is not offered; gyoji search --follow follows files", http.StatusNotFound},
	{"POST /api/v1/livetail/{call...}", "live tail is not offered; gyoji search --follow follows files", http.StatusNotFound},
	{"GET /api/v1/logs/search", "Sumo Logic retired this search; begin a search job with POST /api/v1/search/jobs", http.StatusNotFound},
	{"POST /api/v1/logs/search", "Sumo Logic retired this search; begin a search job with POST /api/v1/search/jobs", http.StatusNotFound},
	{"POST /api/v1/scheduledViews", "scheduled views are not made; searches read messages themselves", 0},
	{"PUT /api/v1/scheduledViews/{id}", "scheduled views are not made; searches read messages themselves", 0},
	{"DELETE /api/v1/scheduledViews/{id}/disable", "scheduled views are not made; searches read messages themselves", 0},
	{"POST /api/v1/monitors", "monitors are not made; save a search with a schedule and a webhook", 0},
	{"PUT /api/v1/monitors/{id}", "monitors are not made; save a search with a schedule and a webhook", 0},
	{"POST /api/v1/monitors/{id}/import", "monitors are not made; save a search with a schedule and a webhook", 0},
	{"PUT /api/v1/monitors/permissions/set", "monitors are not made; save a search with a schedule and a webhook", 0},
	{"POST /api/v2/dashboards", "dashboards are not kept", 0},
	{"PUT /api/v2/dashboards/{id}", "dashboards are not kept", 0},
	{"POST /api/v2/dashboards/reportJobs", "dashboards are not kept", 0},
	{"POST /api/v2/ingestBudgets", "ingest budgets are not kept; limits are in the configuration", 0},
	{"POST /api/v1/users", "users are keys here: gyoji keys makes them", 0},
	{"POST /api/v1/roles", "roles are fixed: ingest, read, triage, content, admin", 0},
	{"POST /api/v2/roles", "roles are fixed: ingest, read, triage, content, admin", 0},
	{"GET /api/v1/account/contract", "there is no contract", http.StatusNotFound},
	{"POST /api/v1/apps/{id}/install", "apps are not installed; gyoji pkg has packages", 0},
	{"POST /api/v1/entities/hierarchies", "views of entities are not kept", 0},
	{"GET /api/v1/entities/hierarchies", "views of entities are not kept", 0},
	{"POST /api/v2/content/folders/{id}/synchronize", "folders are not synchronised; import with overwrite=true", 0},
}

// all are the calls that are offered.
func (a *API) all() (out []route) {
	out = append(out, a.searchRoutes()...)
	out = append(out, a.collectorRoutes()...)
	out = append(out, a.tableRoutes()...)
	for _, x := range resources {
		out = append(out, x.routes(a)...)
	}
	out = append(out, a.partitionRoutes()...)
	out = append(out, a.fieldRoutes()...)
	out = append(out, a.contentRoutes()...)
	return append(out, a.accountRoutes()...)
}

// Routes are the calls for the server.
func (a *API) Routes() (out []access.Route) {
	for _, r := range a.all() {
		out = append(out, access.Route{Pattern: r.pattern, Role: r.role, Serve: r.serve})
	}
	for _, m := range notOffered {
		out = append(out, access.Route{Pattern: m.pattern, Role: access.Read, Missing: m.why, Status: m.status})
	}
	return out
}

func (a *API) searchRoutes() (out []route) {
	for _, version := range []string{"v1", "v2"} {
		jobs := "/api/" + version + "/search/jobs"
		one := jobs + "/{id}"
		out = append(out,
			route{"POST " + jobs, access.Read, "begins a search", a.createJob},
			route{"GET " + one, access.Read, "tells how it stands: state, counts, new buckets of the histogram, errors, warnings", a.answers(a.jobStatus)},
			route{"GET " + one + "/messages", access.Read, "gives a page of messages, the newest first", a.page("messages", (*job.Job).Messages)},
			route{"GET " + one + "/records", access.Read, "gives a page of the records of an aggregate", a.page("records", (*job.Job).Records)},
			route{"DELETE " + one, access.Read, "ends it and gives back what it holds", a.answers(a.deleteJob)},
		)
	}
	return append(out,
		route{"GET " + RowsPath, access.Read, "gives rows with the types of their values, for `gyoji search --server`; gyoji's own", a.rows},
		route{"POST /api/v1/logSearches/estimatedUsage", access.Read, "estimates what a search would read", a.answers(a.estimate)},
		route{"POST /api/v1/logSearches/estimatedUsageByView", access.Read, "the same", a.answers(a.estimate)},
	)
}
