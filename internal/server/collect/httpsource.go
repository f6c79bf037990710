package collect

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/store"
)

// The HTTP source takes plain text and JSON at an address that holds the source's token.
// Source: Sumo Logic, "HTTP Logs and Metrics Source"; http-api.md 2.
var _ = register(Door{
	Name: "http",
	Routes: []Route{
		{Pattern: "POST /receiver/v1/http/{token}", Way: tokenWay, Receive: receiveHTTP},
		{Pattern: "PUT /receiver/v1/http/{token}", Way: tokenWay, Receive: receiveHTTP},
		{Pattern: "POST /receiver/v1/http/{token}/{$}", Way: tokenWay, Receive: receiveHTTP},
		{Pattern: "PUT /receiver/v1/http/{token}/{$}", Way: tokenWay, Receive: receiveHTTP},
		{Pattern: "POST /receiver/v1/http", Way: tokenWay, Receive: receiveHTTP},
		{Pattern: "PUT /receiver/v1/http", Way: tokenWay, Receive: receiveHTTP},
		{Pattern: "POST /receiver/v1/http/{$}", Way: tokenWay, Receive: receiveHTTP},
		{Pattern: "PUT /receiver/v1/http/{$}", Way: tokenWay, Receive: receiveHTTP},
		{Pattern: "GET /receiver/v1/http/{token}", Way: tokenWay, NoBody: true, Receive: nothing},
		{Pattern: "GET /receiver/v1/http", NoBody: true, Receive: nothing},
		{Pattern: "OPTIONS /receiver/v1/http/{token}", NoBody: true, Receive: preflight},
		{Pattern: "OPTIONS /receiver/v1/http", NoBody: true, Receive: preflight},
		{Pattern: "OPTIONS /receiver/v1/http/{token}/v1/{signal}", NoBody: true, Receive: preflight},
	},
	Refuse: func(w http.ResponseWriter, r *http.Request, f *Failure) {
		allowOrigin(w.Header())
		refuseSumo(w, r, f)
	},
})

func nothing(*Request) (*Delivery, *Failure) { return &Delivery{Answer: answerCORS}, nil }

// sourceToken is the token of a request: in its path, percent-encoded or not, or in a header.
func sourceToken(r *http.Request) string {
	token := r.PathValue("token")
	if token == "" {
		return strings.TrimSpace(r.Header.Get("X-Sumo-Token"))
	}
	if strings.Contains(token, "%") {
		if plain, err := url.PathUnescape(token); err == nil {
			token = plain
		}
	}
	return token
}

func tokenWay(d *Doors, r *http.Request) (*Way, *Failure) {
	w, ok := d.o.Sources.way(sourceToken(r))
	if !ok || w.Source.SourceType != TypeHTTP {
		return nil, &Failure{Status: http.StatusUnauthorized, Code: access.CodeUnauthorized, Message: "no source has this token; the address of the HTTP source is in credentials.json"}
	}
	return w, nil
}

// metricsTypes are the content types of metrics.
var metricsTypes = []string{"application/vnd.sumologic.graphite", "application/vnd.sumologic.carbon2", "application/vnd.sumologic.prometheus"}

func receiveHTTP(q *Request) (*Delivery, *Failure) {
	counts := q.Doors.count("http")
	kind, _, _ := strings.Cut(strings.ToLower(q.Header.Get("Content-Type")), ";")
	for _, t := range metricsTypes {
		if strings.TrimSpace(kind) == t {
			counts.Discarded.Add(1)
			q.Doors.once("metrics", "metrics came (%s); gyoji keeps logs only and discards them", t)
			return &Delivery{Answer: answerCORS}, nil
		}
	}
	fields, lost := q.Way.requestFields(q.Header)
	if lost > 0 {
		counts.FieldsLost.Add(int64(lost))
		q.Doors.once("fields "+q.Way.Source.Name, "source %s: fields of X-Sumo-Fields cannot be used: each is NAME=VALUE, at most %d of at most %d and %d characters, and none of metadata", q.Way.Source.Name, fieldsMax, fieldNameMax, fieldValueMax)
	}
	messages, dropped := q.Way.plan.Messages(q.Body, q.Received)
	return &Delivery{
		Receipts: []store.Receipt{{Source: q.Way.metadata(q.Header, q.RemoteAddr), Fields: fields, Received: q.Received, Messages: messages}},
		Dropped:  dropped,
		Answer:   answerCORS,
	}, nil
}

func answerCORS(w http.ResponseWriter, _ uint64) {
	allowOrigin(w.Header())
	w.WriteHeader(http.StatusOK)
}

// allowOrigin lets pages of any site send: who has the token may.
func allowOrigin(h http.Header) { h.Set("Access-Control-Allow-Origin", "*") }

func preflight(q *Request) (*Delivery, *Failure) {
	return &Delivery{Answer: func(w http.ResponseWriter, _ uint64) {
		h := w.Header()
		allowOrigin(h)
		h.Set("Access-Control-Allow-Methods", "POST, PUT, GET, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Content-Type, Content-Encoding, X-Sumo-Name, X-Sumo-Host, X-Sumo-Category, X-Sumo-Fields, X-Sumo-Client, X-Sumo-Dimensions, X-Sumo-Metadata, X-Sumo-Token")
		h.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusOK)
	}}, nil
}
