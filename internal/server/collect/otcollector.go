package collect

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
)

// The calls of the Sumo Logic extension and exporter of the OpenTelemetry collector: it
// registers, sends a heartbeat every 15 s, and logs.
// Source: http-api.md 8, of the extension's source code.
var _ = register(Door{
	Name: "otcollector",
	Routes: []Route{
		{Pattern: "POST /api/v1/collector/register", Receive: registerCollector},
		{Pattern: "POST /api/v1/collector/heartbeat", Way: collectorWay, Receive: heartbeat},
		{Pattern: "POST /api/v1/otCollectors/metadata", Way: collectorWay, Receive: heartbeat},
		{Pattern: "POST /api/v1/collector/logs", Way: collectorWay, Receive: receiveCollectorLogs},
		{Pattern: "POST /api/v1/collector/metrics", Way: collectorWay, Receive: discardCollector},
		{Pattern: "POST /api/v1/collector/traces", Way: collectorWay, Receive: discardCollector},
	},
	Refuse: refuseSumo,
})

// collectorWay is the way of a collector that has registered, or of a key that may send.
func collectorWay(d *Doors, r *http.Request) (*Way, *Failure) {
	p, f := d.byKey(r)
	if f != nil {
		return nil, f
	}
	id, name, ok := d.o.Sources.byKey(p.ID)
	if !ok {
		return d.ownSource("otel", nil)
	}
	w, err := d.o.Sources.ofCollector(id, name, "otel", nil)
	if err != nil {
		return nil, &Failure{Status: http.StatusServiceUnavailable, Code: access.CodeUnavailable, Message: "the source cannot be made; try again", After: 5 * time.Second}
	}
	return w, nil
}

func registerCollector(q *Request) (*Delivery, *Failure) {
	scheme, token, _ := strings.Cut(q.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || !q.Doors.installs(token) {
		return nil, &Failure{Status: http.StatusUnauthorized, Code: access.CodeUnauthorized, Message: "the installation token is wrong: give the token of an HTTP source, or one of --install-token"}
	}
	var ask struct {
		CollectorName, Description, Hostname, Category, TimeZone string
		Ephemeral, Clobber                                       bool
		Fields                                                   map[string]any
	}
	if err := json.Unmarshal(q.Body, &ask); err != nil {
		return nil, &Failure{Status: http.StatusBadRequest, Code: "body.invalid", Message: "the body is no JSON object: " + clip(err.Error())}
	}
	c := Collector{
		Name: firstOf(strings.TrimSpace(ask.CollectorName), ask.Hostname), Description: clipText(ask.Description), HostName: clipText(ask.Hostname),
		Category: clipText(ask.Category), TimeZone: ask.TimeZone, Ephemeral: ask.Ephemeral, CollectorType: "Installable", Fields: map[string]string{},
	}
	for k, v := range ask.Fields {
		if fieldName(k) && len(c.Fields) < fieldsMax {
			c.Fields[k] = clipText(fmt.Sprint(v))
		}
	}
	key, secret, err := q.Doors.o.Keys.Add("collector "+clip(c.Name), access.Ingest)
	if err != nil {
		q.Doors.o.Logf("a collector could not be registered: %v", err)
		return nil, &Failure{Status: http.StatusServiceUnavailable, Code: access.CodeUnavailable, Message: "no key could be made; try again", After: 5 * time.Second}
	}
	c, old, err := q.Doors.o.Sources.register(c, key.ID, ask.Clobber)
	if err != nil {
		_ = q.Doors.o.Keys.End(key.ID)
		return nil, &Failure{Status: http.StatusBadRequest, Code: "invalid_collector", Message: clip(err.Error())}
	}
	if old != "" {
		_ = q.Doors.o.Keys.End(old)
	}
	q.Doors.o.Audit.Write(access.Principal{ID: key.ID, Label: key.Label}, "collector.register", c.Name, q.Request)
	return &Delivery{Answer: func(w http.ResponseWriter, _ uint64) {
		access.Answer(w, http.StatusOK, map[string]string{
			"collectorCredentialId": key.ID, "collectorCredentialKey": secret, "collectorId": strconv.FormatInt(c.ID, 10), "collectorName": c.Name,
		})
	}}, nil
}

// installs reports whether a collector may register with a token.
func (d *Doors) installs(token string) bool {
	if _, ok := d.o.Sources.way(token); ok {
		return true
	}
	if token == "" {
		return false
	}
	want := tokenHash(token)
	return slices.ContainsFunc(d.o.Install, func(t string) bool { return tokenHash(t) == want })
}

func heartbeat(q *Request) (*Delivery, *Failure) {
	q.Doors.o.Sources.alive(q.Way.Collector.ID)
	return &Delivery{Answer: func(w http.ResponseWriter, _ uint64) { w.WriteHeader(http.StatusNoContent) }}, nil
}

func receiveCollectorLogs(q *Request) (*Delivery, *Failure) {
	q.Doors.o.Sources.alive(q.Way.Collector.ID)
	if otlpType(q.Request) == protobufType {
		return receiveOTLP(q)
	}
	return receiveHTTP(q)
}

func discardCollector(q *Request) (*Delivery, *Failure) {
	q.Doors.count("otcollector").Discarded.Add(1)
	return &Delivery{}, nil
}

// byKey is the collector that registered with a key.
func (s *Sources) byKey(key string) (id int64, name string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.state.Collectors {
		if c := &s.state.Collectors[i]; c.Key == key && key != "" {
			return c.ID, c.Name, true
		}
	}
	return 0, "", false
}

// alive notes a sign of life of a collector.
func (s *Sources) alive(id int64) {
	s.mu.Lock()
	s.seen[id] = time.Now().UnixMilli()
	s.mu.Unlock()
}

// register adds a collector with its key. One of the same name is taken over when clobber
// says so, and its old key returned; else the new one gets a name of its own.
func (s *Sources) register(c Collector, key string, clobber bool) (_ Collector, old string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.change(func(f *sourcesFile) error {
		at := slices.IndexFunc(f.Collectors, func(o collectorRecord) bool { return o.Name == c.Name })
		if at >= 0 && clobber && f.Collectors[at].CollectorType == "Installable" {
			r := &f.Collectors[at]
			c.ID, old = r.ID, r.Key
			if err := checkCollector(f, &c); err != nil {
				return err
			}
			r.Collector, r.Key = c, key
			r.Revision++
			return nil
		}
		if at >= 0 {
			c.Name = fmt.Sprintf("%s-%d", c.Name, f.Next)
		}
		if err := checkCollector(f, &c); err != nil {
			return err
		}
		if len(f.Collectors) >= collectorsMax {
			return &InvalidError{"collectors.limit", fmt.Sprintf("there may be %d collectors at most", collectorsMax)}
		}
		c.ID = f.Next
		f.Next++
		f.Collectors = append(f.Collectors, collectorRecord{Collector: c, Revision: 1, Key: key, Sources: []sourceRecord{}})
		return nil
	})
	if err == nil {
		s.seen[c.ID] = time.Now().UnixMilli()
	}
	return c, old, err
}
