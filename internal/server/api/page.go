package api

import (
	"fmt"
	"slices"
	"strings"
)

// Elsewhere are calls of http-api.md that other packages of the server answer.
var elsewhere = []struct{ pattern, does string }{
	{"POST /receiver/v1/http/{token}", "takes logs in"},
	{"POST /receiver/v1/http", "the same, with the token in the header x-sumo-token"},
	{"GET /receiver/v1/http/{token}", "health checks: 200 without a body"},
	{"OPTIONS /receiver/v1/http/{token}", "CORS preflight"},
	{"POST /receiver/v1/http/{token}/v1/logs", "takes OTLP logs in, protobuf or JSON"},
	{"POST /receiver/v1/http/{token}/v1/metrics", "takes OTLP metrics and discards them, counted"},
	{"POST /receiver/v1/http/{token}/v1/traces", "takes OTLP traces and discards them, counted"},
	{"POST /api/v1/collector/register", "registers an OpenTelemetry collector"},
	{"POST /api/v1/collector/heartbeat", "takes its signs of life"},
	{"POST /api/v1/otCollectors/metadata", "takes what it says of itself"},
	{"POST /api/v1/collector/logs", "takes its logs in; metrics and traces are discarded, counted"},
	{"GET /healthz", "tells whether the process lives"},
}

// sections are the parts of the table, by how paths begin.
var sections = []struct{ title, prefixes string }{
	{"Taking logs in", "/receiver /api/v1/collector/ /api/v1/otCollectors"},
	{"Search jobs", "/api/v1/search /api/v2/search /api/gyoji /api/v1/logSearches"},
	{"Collectors and sources", "/api/v1/collectors"},
	{"Lookup tables", "/api/v1/lookupTables"},
	{"Content: folders and saved searches", "/api/v2/content"},
	{"Connections (webhooks)", "/api/v1/connections"},
	{"Partitions, extraction rules, fields, views", "/api/v1/partitions /api/v1/extractionRules /api/v1/fields /api/v1/scheduledViews"},
	{"Everything else", "/"},
}

// Page is docs/compatibility-http.md: every call with what becomes of it.
func Page() string {
	type line struct{ pattern, state, does string }
	var lines []line
	for _, r := range (&API{}).all() {
		lines = append(lines, line{r.pattern, "answered, role " + string(r.role), r.does})
	}
	for _, e := range elsewhere {
		lines = append(lines, line{e.pattern, "answered", e.does})
	}
	for _, m := range notOffered {
		status := m.status
		if status == 0 {
			status = 501
		}
		lines = append(lines, line{m.pattern, fmt.Sprint("**not offered**: ", status), m.why})
	}
	var b strings.Builder
	b.WriteString(`# Compatibility of the HTTP API

What ` + "`gyoji serve`" + ` answers of the calls that clients of Sumo Logic make. A test keeps this table
and the calls together; ` + "`go test ./internal/server/api -update`" + ` writes it.

A call that is not in the table is answered with 404. One that clients are known to make and that
gyoji does not offer is answered with a sentence that says so, and is written to the log once.
Cloud SIEM's calls (` + "`/api/sec/v1`" + `) are on a page of their own.

Every call needs a key of the role given, or of a role that may do more: read < triage < content < admin.
`)
	placed := map[string]bool{}
	for _, s := range sections {
		var in []line
		for _, l := range lines {
			_, path, _ := strings.Cut(l.pattern, " ")
			if !placed[l.pattern] && slices.ContainsFunc(strings.Fields(s.prefixes), func(p string) bool { return strings.HasPrefix(path, p) }) {
				in, placed[l.pattern] = append(in, l), true
			}
		}
		if len(in) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| call | state | what it does |\n|---|---|---|\n", s.title)
		for _, l := range in {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", l.pattern, l.state, l.does)
		}
	}
	return b.String()
}
