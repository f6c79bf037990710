package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/collect"
	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/web"
)

// own are the calls about the server itself.
func (s *Server) own() []access.Route {
	return []access.Route{
		{Pattern: "GET /healthz", Serve: s.healthz},
		{Pattern: "GET /readyz", Serve: s.readyz},
		{Pattern: "GET /metrics", Serve: s.metrics},
		{Pattern: "GET /{$}", Serve: s.root},
		{Pattern: "GET /api/v1/accessKeys", Role: access.Admin, Serve: s.listKeys},
		{Pattern: "POST /api/v1/accessKeys", Role: access.Admin, Serve: s.addKey},
		{Pattern: "DELETE /api/v1/accessKeys/{id}", Role: access.Admin, Serve: s.endKey},
		{Pattern: "POST " + BackupPath, Role: access.Admin, Serve: s.backup},
	}
}

func text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, body)
}

// healthz says that the process is alive.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok") }

// failureLasts is for how long a server is not ready whose log could not be written.
const failureLasts = 30 * time.Second

// readyz says whether logs can be sent.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	st := s.store.Stats()
	switch {
	case s.draining.Load():
		text(w, http.StatusServiceUnavailable, "the server is stopping")
	case st.LogMax > 0 && st.LogBytes >= st.LogMax:
		text(w, http.StatusServiceUnavailable, fmt.Sprintf("the log has %d bytes and may have %d", st.LogBytes, st.LogMax))
	case s.doors.Full():
		text(w, http.StatusServiceUnavailable, "there is no room for more logs")
	case st.Failure != nil && time.Since(st.FailedAt) < failureLasts: // then one has to be sent to see whether it goes on
		text(w, http.StatusServiceUnavailable, "the log could not be written; see what the server says")
	default:
		// What is wrong with detection is said, and is no reason to send logs elsewhere.
		if s.live != nil {
			if problem := s.live.Status().Problem; problem != "" {
				text(w, http.StatusOK, "ready to take logs; detection does not run: "+problem)
				return
			}
		}
		text(w, http.StatusOK, "ready")
	}
}

// root answers a browser with the page, and Elastic's clients with what they ask for first.
func (s *Server) root(w http.ResponseWriter, r *http.Request) {
	if collect.IsElastic(r) {
		if r.Header.Get("Authorization") != "" {
			if _, ok := s.who(w, r); !ok {
				return
			}
		}
		collect.ElasticRoot(w, r)
		return
	}
	web.Page(w, r)
}

// pages are the addresses of the web interface, and the files that it is made of.
func pages() (list []access.Route) {
	for _, pattern := range web.Pages {
		list = append(list, access.Route{Pattern: "GET " + pattern, Serve: web.Page})
	}
	for _, pattern := range web.Files {
		list = append(list, access.Route{Pattern: "GET " + pattern, Serve: web.File})
	}
	return list
}

// BackupPath answers POST with a backup of all that the server has: the archive that
// store.Unpack makes a folder of.
const BackupPath = "/api/gyoji/v1/backup"

// backup sends a backup. No path is named by who asks: where it goes is theirs to say.
func (s *Server) backup(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-tar")
	w.Header().Set("Content-Disposition", `attachment; filename="gyoji-backup.tar"`)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	out := bufio.NewWriterSize(w, 256<<10)
	err := s.store.BackupTo(r.Context(), out)
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		return
	}
	s.logf("backup: %v", err)
	if a, ok := w.(*answer); ok && a.status == 0 {
		w.Header().Del("Content-Disposition")
		access.Fail(w, http.StatusServiceUnavailable, access.CodeUnavailable, "the backup could not be made; the server's log says why")
		return
	}
	panic(http.ErrAbortHandler) // so that what was sent is not taken for all of it
}

// shownKey is a key as Sumo's API shows it, with its role.
type shownKey struct {
	ID        string      `json:"id"`
	Label     string      `json:"label"`
	Key       string      `json:"key,omitempty"`
	Role      access.Role `json:"role"`
	Disabled  bool        `json:"disabled"`
	CreatedAt string      `json:"createdAt"`
	CORS      []string    `json:"corsHeaders"`
}

func shown(k access.Key) shownKey {
	return shownKey{ID: k.ID, Label: k.Label, Role: k.Role, CreatedAt: time.UnixMilli(k.Created).UTC().Format("2006-01-02T15:04:05.000Z"), CORS: []string{}}
}

func (s *Server) listKeys(w http.ResponseWriter, _ *http.Request) {
	all, err := s.keys.List()
	if err != nil {
		s.logf("keys: %v", err)
		access.FailNew(w, http.StatusServiceUnavailable, access.CodeUnavailable, "the keys cannot be read")
		return
	}
	list := make([]shownKey, 0, len(all))
	for _, k := range all {
		list = append(list, shown(k))
	}
	access.Answer(w, http.StatusOK, map[string]any{"data": list, "next": nil})
}

func (s *Server) addKey(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Label string `json:"label"`
		Role  string `json:"role"`
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		access.FailNew(w, http.StatusBadRequest, "body.invalid", "the body is no JSON object with label and role")
		return
	}
	role, err := access.ParseRole(ask.Role)
	if err != nil {
		access.FailNew(w, http.StatusBadRequest, "role.invalid", err.Error())
		return
	}
	if strings.TrimSpace(ask.Label) == "" {
		access.FailNew(w, http.StatusBadRequest, "label.missing", "a key needs a label that says what it is for")
		return
	}
	key, secret, err := s.keys.Add(ask.Label, role)
	if err != nil {
		access.FailNew(w, http.StatusBadRequest, "key.invalid", err.Error())
		return
	}
	s.audit.Write(access.From(r.Context()), "key.add", key.ID+" "+string(role), r)
	out := shown(key)
	out.Key = secret
	access.Answer(w, http.StatusOK, out)
}

func (s *Server) endKey(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	switch err := s.keys.End(id); {
	case errors.Is(err, access.ErrNoKey):
		access.FailNew(w, http.StatusNotFound, access.CodeNotFound, "there is no key of this id")
	case err != nil:
		s.logf("keys: %v", err)
		access.FailNew(w, http.StatusServiceUnavailable, access.CodeUnavailable, "the key could not be ended; try again")
	default:
		s.audit.Write(access.From(r.Context()), "key.end", id, r)
		w.WriteHeader(http.StatusNoContent)
	}
}

// stats are what the server counts.
type stats struct {
	active, conns, panics, errors atomic.Int64
	all                           atomic.Int64 // answers, but for those about the server itself
	statuses                      sync.Map     // status -> *atomic.Int64
}

func (s *stats) answered(status int) {
	if status == 0 {
		return
	}
	s.all.Add(1)
	n, ok := s.statuses.Load(status)
	if !ok {
		n, _ = s.statuses.LoadOrStore(status, &atomic.Int64{})
	}
	n.(*atomic.Int64).Add(1)
}

func (s *stats) conn(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.conns.Add(-1)
	}
}

// metrics answers in Prometheus' text form.
// Source: Prometheus, "Exposition formats".
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	met := map[string]bool{}
	put := func(name, kind, help, labels string, v any) {
		if !met[name] {
			met[name] = true
			fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
		}
		fmt.Fprintf(&b, "%s%s %v\n", name, labels, v)
	}
	put("gyoji_build_info", "gauge", "Version of gyoji; always 1.", fmt.Sprintf("{version=%q,go=%q}", s.c.Version, runtime.Version()), 1)
	put("gyoji_start_time_seconds", "gauge", "When the server started, in seconds since 1970.", "", s.started.Unix())
	put("gyoji_http_connections", "gauge", "Connections that are open.", "", s.stats.conns.Load())
	put("gyoji_http_requests_active", "gauge", "Requests that are being answered.", "", s.stats.active.Load())
	var codes []int
	s.stats.statuses.Range(func(k, _ any) bool {
		codes = append(codes, k.(int))
		return true
	})
	slices.Sort(codes)
	for _, c := range codes {
		n, _ := s.stats.statuses.Load(c)
		put("gyoji_http_responses_total", "counter", "Answers by status.", fmt.Sprintf("{code=\"%d\"}", c), n.(*atomic.Int64).Load())
	}
	put("gyoji_http_errors_total", "counter", "Connections that did not speak HTTP or TLS.", "", s.stats.errors.Load())
	put("gyoji_panics_total", "counter", "Mistakes in gyoji that a request met.", "", s.stats.panics.Load())
	type door struct {
		name string
		c    *collect.Counts
	}
	var doors []door
	s.doors.Counts(func(name string, c *collect.Counts) { doors = append(doors, door{name, c}) })
	slices.SortFunc(doors, func(a, b door) int { return strings.Compare(a.name, b.name) })
	for _, m := range []struct {
		name, help string
		of         func(*collect.Counts) *atomic.Int64
	}{
		{"requests", "Requests, or messages of syslog.", func(c *collect.Counts) *atomic.Int64 { return &c.Requests }},
		{"refused", "Requests that were not taken.", func(c *collect.Counts) *atomic.Int64 { return &c.Refused }},
		{"messages", "Messages that are durable.", func(c *collect.Counts) *atomic.Int64 { return &c.Messages }},
		{"bytes", "Bytes of bodies, unpacked.", func(c *collect.Counts) *atomic.Int64 { return &c.Bytes }},
		{"packed_bytes", "Bytes of bodies, as they came.", func(c *collect.Counts) *atomic.Int64 { return &c.Packed }},
		{"dropped", "Messages that a filter, a cut-off or a wrong token kept out.", func(c *collect.Counts) *atomic.Int64 { return &c.Dropped }},
		{"fields_lost", "Fields of requests that could not be used.", func(c *collect.Counts) *atomic.Int64 { return &c.FieldsLost }},
		{"discarded", "Requests with metrics or traces, which gyoji does not keep.", func(c *collect.Counts) *atomic.Int64 { return &c.Discarded }},
	} {
		for _, d := range doors {
			put("gyoji_ingest_"+m.name+"_total", "counter", m.help, fmt.Sprintf("{door=%q}", d.name), m.of(d.c).Load())
		}
	}
	all, active := s.calls.Jobs().Count()
	put("gyoji_search_jobs", "gauge", "Search jobs that have not been deleted.", "", all)
	put("gyoji_search_jobs_active", "gauge", "Search jobs that have not ended.", "", active)
	put("gyoji_search_memory_bytes", "gauge", "Bytes that search jobs hold.", "", s.calls.Jobs().Used())
	st := s.store.Stats()
	put("gyoji_store_messages", "gauge", "Messages in the store's log.", "", st.Messages)
	put("gyoji_store_log_bytes", "gauge", "Bytes of the log on disk.", "", st.LogBytes)
	put("gyoji_store_log_max_bytes", "gauge", "Bytes that the log may have; 0 is no limit.", "", st.LogMax)
	put("gyoji_store_raw_bytes", "gauge", "Bytes of the log, unpacked.", "", st.RawBytes)
	put("gyoji_store_appended_total", "counter", "Messages stored since the start.", "", st.Appended)
	put("gyoji_store_syncs_total", "counter", "Writes to disk since the start, of one or more requests each.", "", st.Syncs)
	put("gyoji_store_segments", "gauge", "Segments of sealed messages.", "", st.Segments)
	put("gyoji_store_sealed_messages", "gauge", "Messages in segments.", "", st.Sealed)
	put("gyoji_store_sealed_raw_bytes", "gauge", "Bytes of text in segments, unpacked.", "", st.SealedRaw)
	put("gyoji_store_segment_bytes", "gauge", "Bytes of segments on disk.", "", st.SegmentBytes)
	put("gyoji_store_expired_total", "counter", "Messages that retention has removed since the start.", "", st.Expired)
	put("gyoji_store_damaged", "gauge", "Stretches of files that could not be read and were set aside.", "", len(st.Damaged))
	if s.live != nil {
		l := s.live.Status()
		put("gyoji_live_rules", "gauge", "Rules that run over what arrives.", "", l.Rules)
		put("gyoji_live_rules_unusable", "gauge", "Rules and other documents that cannot be used.", "", len(l.Unusable))
		put("gyoji_live_rules_degraded", "gauge", "Rules that have had to forget for want of memory.", "", len(l.Degraded))
		put("gyoji_live_records", "gauge", "Records that rules saw since the content was loaded.", "", l.Records)
		put("gyoji_live_unmapped", "gauge", "Events that no mapper makes a record of, since the content was loaded.", "", l.Unmapped)
		put("gyoji_live_entities", "gauge", "Entities with signals.", "", l.Entities)
		lag := uint64(0)
		if st.Next > l.Place {
			lag = (st.Next - l.Place) / message.Apart
		}
		put("gyoji_live_lag_messages", "gauge", "Messages that detection has yet to look at, or to write down.", "", lag)
	}
	mem := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}}
	metrics.Read(mem)
	put("gyoji_goroutines", "gauge", "Goroutines.", "", runtime.NumGoroutine())
	put("gyoji_memory_used_bytes", "gauge", "Bytes of memory that hold something.", "", mem[0].Value.Uint64())
	put("gyoji_memory_taken_bytes", "gauge", "Bytes of memory taken from the system.", "", mem[1].Value.Uint64())
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Write(b.Bytes())
}
