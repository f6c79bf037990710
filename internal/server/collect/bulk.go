package collect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// Elastic's bulk API, for Beats, Logstash, Fluent Bit and Elastic's own clients. Documents
// are added; what changes or deletes one is refused document by document. The index is
// _sourceCategory.
// Source: Elasticsearch, "Bulk API".
var _ = register(Door{
	Name: "elastic",
	Routes: []Route{
		{Pattern: "POST /_bulk", Way: elasticWay, Receive: receiveBulk},
		{Pattern: "PUT /_bulk", Way: elasticWay, Receive: receiveBulk},
		{Pattern: "POST /{index}/_bulk", Way: elasticWay, Receive: receiveBulk},
		{Pattern: "PUT /{index}/_bulk", Way: elasticWay, Receive: receiveBulk},
		{Pattern: "POST /{index}/_doc", Way: elasticWay, Receive: receiveDocument},
		{Pattern: "PUT /{index}/_doc/{id}", Way: elasticWay, Receive: receiveDocument},
		{Pattern: "POST /{index}/_doc/{id}", Way: elasticWay, Receive: receiveDocument},
		{Pattern: "PUT /{index}/_create/{id}", Way: elasticWay, Receive: receiveDocument},
		{Pattern: "POST /{index}/_create/{id}", Way: elasticWay, Receive: receiveDocument},
		{Pattern: "GET /_cluster/health", Way: elasticWay, NoBody: true, Receive: elasticHealth},
		{Pattern: "GET /_license", Way: elasticWay, NoBody: true, Receive: elasticLicense},
	},
	Refuse: refuseElastic,
})

// elasticVersion is the version of Elasticsearch whose bulk API this is; clients look at it.
const elasticVersion = "9.2.0"

var elasticWay = ownWay("elastic", func(s *Source) { s.MaxMessage = -1 })

// elasticHeaders are what clients demand of an answer.
func elasticHeaders(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Elastic-Product", "Elasticsearch")
	if accept := r.Header.Get("Accept"); strings.HasPrefix(accept, "application/vnd.elasticsearch+json") && len(accept) < 100 {
		h.Set("Content-Type", accept)
		return
	}
	h.Set("Content-Type", "application/json")
}

func answerElastic(w http.ResponseWriter, r *http.Request, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte("{}")
	}
	elasticHeaders(w, r)
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

type elasticError struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

func refuseElastic(w http.ResponseWriter, r *http.Request, f *Failure) {
	kind := "illegal_argument_exception"
	status := f.Status
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		kind = "security_exception"
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="gyoji"`)
		}
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		kind, status = "es_rejected_execution_exception", http.StatusTooManyRequests // what clients try again
	}
	e := elasticError{kind, f.Message}
	answerElastic(w, r, status, map[string]any{
		"error": map[string]any{"root_cause": []elasticError{e}, "type": e.Type, "reason": e.Reason}, "status": status,
	})
}

// ElasticRoot answers what Elastic's clients ask first: which server this is.
func ElasticRoot(w http.ResponseWriter, r *http.Request) {
	answerElastic(w, r, http.StatusOK, map[string]any{
		"name": "gyoji", "cluster_name": "gyoji", "cluster_uuid": "gyoji",
		"version": map[string]any{
			"number": elasticVersion, "build_flavor": "default", "build_type": "tar", "build_hash": "gyoji", "build_snapshot": false,
			"lucene_version": "10.3.0", "minimum_wire_compatibility_version": "8.19.0", "minimum_index_compatibility_version": "8.0.0",
		},
		"tagline": "You Know, for Search",
	})
}

// IsElastic reports whether a request for / is of a client of Elastic's rather than a browser.
func IsElastic(r *http.Request) bool {
	if r.Header.Get("Authorization") != "" || r.Header.Get("X-Elastic-Client-Meta") != "" || r.Method == http.MethodHead {
		return true
	}
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

func elasticLicense(q *Request) (*Delivery, *Failure) {
	return &Delivery{Answer: func(w http.ResponseWriter, _ uint64) {
		answerElastic(w, q.Request, http.StatusOK, map[string]any{"license": map[string]any{"uid": "gyoji", "type": "basic", "mode": "basic", "status": "active"}})
	}}, nil
}

// elasticHealth is what Vector and others ask before they send.
func elasticHealth(q *Request) (*Delivery, *Failure) {
	return &Delivery{Answer: func(w http.ResponseWriter, _ uint64) {
		answerElastic(w, q.Request, http.StatusOK, map[string]any{"cluster_name": "gyoji", "status": "green", "timed_out": false, "number_of_nodes": 1, "number_of_data_nodes": 1})
	}}, nil
}

// bulkAction is the line before a document.
type bulkAction struct {
	Index string `json:"_index"`
	ID    string `json:"_id"`
}

// bulkItem is the answer to one action.
type bulkItem struct {
	Index   string         `json:"_index"`
	ID      string         `json:"_id"`
	Version int            `json:"_version,omitempty"`
	Result  string         `json:"result,omitempty"`
	Shards  map[string]int `json:"_shards,omitempty"`
	Seq     *uint64        `json:"_seq_no,omitempty"`
	Term    int            `json:"_primary_term,omitempty"`
	Status  int            `json:"status"`
	Error   *elasticError  `json:"error,omitempty"`
}

var shards = map[string]int{"total": 1, "successful": 1, "failed": 0}

func created(index, id string) *bulkItem {
	return &bulkItem{Index: index, ID: id, Version: 1, Result: "created", Shards: shards, Term: 1, Status: http.StatusCreated}
}

func failed(a bulkAction, status int, kind, format string, args ...any) *bulkItem {
	return &bulkItem{Index: a.Index, ID: a.ID, Status: status, Error: &elasticError{kind, fmt.Sprintf(format, args...)}}
}

// nextLine is the line at the start of a text, and what follows it.
func nextLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte{'\n'})
	return bytes.TrimSpace(line), rest
}

func bulkFailure(format string, args ...any) *Failure {
	return &Failure{Status: http.StatusBadRequest, Code: "body.invalid", Message: fmt.Sprintf(format, args...)}
}

func receiveBulk(q *Request) (*Delivery, *Failure) {
	start := time.Now()
	elasticPipeline(q)
	var d Delivery
	var items []map[string]*bulkItem
	errors := false
	rest := q.Body
	for n := 1; len(rest) > 0; n++ {
		var line []byte
		if line, rest = nextLine(rest); len(line) == 0 {
			continue
		}
		var actions map[string]bulkAction
		if err := json.Unmarshal(line, &actions); err != nil || len(actions) != 1 {
			return nil, bulkFailure("Malformed action/metadata line [%d], expected one of [create, delete, index, update]", n)
		}
		for name, a := range actions {
			if a.Index == "" {
				a.Index = q.PathValue("index")
			}
			if a.ID == "" {
				a.ID = access.RequestID()
			}
			var item *bulkItem
			switch name {
			case "delete":
				item = failed(a, http.StatusNotImplemented, "unsupported_operation_exception", "gyoji adds documents and deletes none")
			case "create", "index", "update":
				if len(rest) == 0 {
					return nil, bulkFailure("The bulk request must be terminated by a newline [\\n]: action [%d] has no document", n)
				}
				var doc []byte
				doc, rest = nextLine(rest)
				n++
				switch {
				case name == "update":
					item = failed(a, http.StatusNotImplemented, "unsupported_operation_exception", "gyoji adds documents and changes none")
				default:
					item = q.document(&d, a, doc)
				}
			default:
				return nil, bulkFailure("Malformed action/metadata line [%d], found [%s]: expected one of [create, delete, index, update]", n, clip(name))
			}
			errors = errors || item.Error != nil
			items = append(items, map[string]*bulkItem{name: item})
		}
	}
	if len(items) == 0 {
		return nil, bulkFailure("request body is required")
	}
	d.Answer = func(w http.ResponseWriter, first uint64) {
		for _, item := range items {
			for _, i := range item {
				if i.Error == nil {
					seq := first
					i.Seq = &seq
					first += message.Apart
				}
			}
		}
		answerElastic(w, q.Request, http.StatusOK, map[string]any{"took": time.Since(start).Milliseconds(), "errors": errors, "items": items})
	}
	return &d, nil
}

// document adds a document and returns the answer to it.
func (q *Request) document(d *Delivery, a bulkAction, doc []byte) *bulkItem {
	if a.Index == "" {
		return failed(a, http.StatusBadRequest, "action_request_validation_exception", "index is missing")
	}
	doc = cleanText(doc)
	end, err := jsondoc.End(doc, 0)
	if err != nil || doc[0] != '{' || end != len(doc) {
		return failed(a, http.StatusBadRequest, "document_parsing_exception", "the document is no JSON object")
	}
	src := q.Way.metadata(q.Header, q.RemoteAddr)
	index := clipText(a.Index)
	if src.Category == "" && !ofWindows(doc) {
		src.Category = index
	}
	fields, _ := q.Way.requestFields(q.Header)
	fields = setField(fields, "index", index)
	if len(d.Receipts) == 0 || !sameReceipt(&d.Receipts[len(d.Receipts)-1], src, fields) {
		d.Receipts = append(d.Receipts, store.Receipt{Source: src, Fields: fields, Received: q.Received})
	}
	r := &d.Receipts[len(d.Receipts)-1]
	list, dropped := q.Way.plan.Message(r.Messages, doc, q.Received)
	r.Messages, d.Dropped = list, d.Dropped+dropped
	return created(a.Index, a.ID)
}

func receiveDocument(q *Request) (*Delivery, *Failure) {
	var d Delivery
	id := q.PathValue("id")
	if id == "" {
		id = access.RequestID()
	}
	item := q.document(&d, bulkAction{q.PathValue("index"), id}, bytes.TrimSpace(q.Body))
	if item.Error != nil {
		return nil, bulkFailure("%s", item.Error.Reason)
	}
	d.Answer = func(w http.ResponseWriter, first uint64) {
		item.Seq = &first
		w.Header().Set("Location", "/"+item.Index+"/_doc/"+item.ID)
		answerElastic(w, q.Request, http.StatusCreated, item)
	}
	return &d, nil
}
