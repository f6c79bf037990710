package collect

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// OTLP/HTTP, of OpenTelemetry's SDKs and collectors: below the address of an HTTP source,
// or at /v1/logs with an access id and key.
// Source: OpenTelemetry, "OTLP Specification"; http-api.md 5.
var _ = register(Door{
	Name: "otlp",
	Routes: []Route{
		{Pattern: "POST /receiver/v1/http/{token}/v1/logs", Way: tokenWay, Receive: receiveOTLP},
		{Pattern: "POST /receiver/v1/http/{token}/v1/metrics", Way: tokenWay, Receive: discardOTLP},
		{Pattern: "POST /receiver/v1/http/{token}/v1/traces", Way: tokenWay, Receive: discardOTLP},
		{Pattern: "POST /v1/logs", Way: ownWay("otlp", nil), Receive: receiveOTLP},
		{Pattern: "POST /v1/metrics", Way: ownWay("otlp", nil), Receive: discardOTLP},
		{Pattern: "POST /v1/traces", Way: ownWay("otlp", nil), Receive: discardOTLP},
	},
	Refuse: refuseOTLP,
})

// The encodings of OTLP/HTTP.
const (
	protobufType = "application/x-protobuf"
	jsonType     = "application/json"
)

// otlpType is the encoding of a request, "" for one that OTLP does not have.
func otlpType(r *http.Request) string {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && (kind == protobufType || kind == "application/protobuf"):
		return protobufType
	case err == nil && kind == jsonType:
		return jsonType
	}
	return ""
}

// The codes of google.rpc.Code that an answer may have.
const (
	rpcInvalid         = 3
	rpcDenied          = 7
	rpcExhausted       = 8
	rpcUnavailable     = 14
	rpcUnauthenticated = 16
)

// refuseOTLP answers with a google.rpc.Status in the encoding of the request.
func refuseOTLP(w http.ResponseWriter, r *http.Request, f *Failure) {
	code := rpcInvalid
	switch f.Status {
	case http.StatusUnauthorized:
		code = rpcUnauthenticated
	case http.StatusForbidden:
		code = rpcDenied
	case http.StatusTooManyRequests, http.StatusRequestEntityTooLarge:
		code = rpcExhausted
	case http.StatusServiceUnavailable:
		code = rpcUnavailable
	}
	kind, body := jsonType, []byte(nil)
	if otlpType(r) == protobufType {
		kind = protobufType
		body = protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(code))
		body = protowire.AppendString(protowire.AppendTag(body, 2, protowire.BytesType), f.Message)
	} else {
		body, _ = json.Marshal(struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		}{code, f.Message})
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(f.Status)
	w.Write(body)
}

func discardOTLP(q *Request) (*Delivery, *Failure) {
	kind := otlpType(q.Request)
	if kind == "" {
		return nil, unknownType(q)
	}
	q.Doors.count("otlp").Discarded.Add(1)
	q.Doors.once("otlp "+q.URL.Path[strings.LastIndexByte(q.URL.Path, '/'):], "OTLP %s came; gyoji keeps logs only and discards them", q.URL.Path[strings.LastIndexByte(q.URL.Path, '/')+1:])
	return &Delivery{Answer: answerOTLP(kind, 0, "")}, nil
}

func unknownType(q *Request) *Failure {
	return &Failure{Status: http.StatusUnsupportedMediaType, Code: "contenttype.invalid", Message: fmt.Sprintf("the Content-Type %q is none of OTLP; send %s or %s", clip(q.Header.Get("Content-Type")), protobufType, jsonType)}
}

// answerOTLP is an ExportLogsServiceResponse, with what was rejected of the request.
func answerOTLP(kind string, rejected int, why string) func(http.ResponseWriter, uint64) {
	return func(w http.ResponseWriter, _ uint64) {
		var body []byte
		switch {
		case kind == protobufType && rejected > 0:
			part := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(rejected))
			part = protowire.AppendString(protowire.AppendTag(part, 2, protowire.BytesType), why)
			body = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), part)
		case kind == jsonType && rejected > 0:
			body, _ = json.Marshal(map[string]any{"partialSuccess": map[string]string{"rejectedLogRecords": strconv.Itoa(rejected), "errorMessage": why}})
		case kind == jsonType:
			body = []byte("{}")
		}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(http.StatusOK)
		w.Write(body)
	}
}

// The messages of opentelemetry/proto/logs/v1 and common/v1, as far as they are read. A
// request is read record by record: a body of little may hold very many.
type (
	otlpRecord struct {
		Time, Observed uint64 // ns
		Number         int64
		Severity       string
		Body           otlpValue
		Attributes     []otlpPair
		Trace, Span    []byte
		Event          string
	}
	otlpPair struct {
		Key   string
		Value otlpValue
	}
	otlpValue struct {
		kind  byte // 0 for none, else s b i d a k x: string, bool, int, double, array, kvlist, bytes
		text  string
		n     int64
		f     float64
		list  []otlpValue
		pairs []otlpPair
	}
)

const (
	// otlpDepth is how deep values may be nested.
	otlpDepth = 32
	// otlpValues is how many values a record or a resource may have.
	otlpValues = 100_000
)

var (
	errDeep = errors.New("values are nested too deeply")
	errMany = errors.New("a record has too many values")
)

// otlpReader is given what a request holds.
type otlpReader struct {
	left     int // of otlpValues
	resource func(attributes []otlpPair)
	record   func(scope string, r *otlpRecord) error
}

// value counts a value that is read.
func (o *otlpReader) value(depth int) error {
	if o.left--; o.left < 0 {
		return errMany
	}
	if depth > otlpDepth {
		return errDeep
	}
	return nil
}

func receiveOTLP(q *Request) (*Delivery, *Failure) {
	kind := otlpType(q.Request)
	d := otlpDelivery{q: q, base: q.Way.metadata(q.Header, ""), last: -1}
	d.baseFields, _ = q.Way.requestFields(q.Header)
	o := otlpReader{resource: d.resource, record: d.record}
	var err error
	switch kind {
	case protobufType:
		err = o.protobuf(q.Body)
	case jsonType:
		err = o.json(q.Body)
	default:
		return nil, unknownType(q)
	}
	if errors.Is(err, errMessages) {
		return nil, tooMany()
	}
	if err != nil {
		return nil, &Failure{Status: http.StatusBadRequest, Code: "body.invalid", Message: "the body is no ExportLogsServiceRequest: " + clip(err.Error())}
	}
	why := ""
	if d.rejected > 0 {
		why = "log records without a body, an attribute or an event name are not kept"
	}
	d.Dropped += d.rejected
	d.Answer = answerOTLP(kind, d.rejected, why)
	return &d.Delivery, nil
}

// otlpDelivery makes receipts of records; those that follow each other with the same fields
// are one.
type otlpDelivery struct {
	Delivery
	q          *Request
	base, src  store.Source
	baseFields []store.Field
	fields     []store.Field // with the resource's
	rejected   int
	messages   int

	last                         int // of the receipts; -1 for none of this resource
	scope, severity, trace, span string
}

func (d *otlpDelivery) resource(attributes []otlpPair) {
	d.src, d.fields = otlpSource(attributes, d.base, d.baseFields)
	if d.src.Host == "" {
		d.src.Host = hostOf(d.q.RemoteAddr)
	}
	d.last = -1
}

func (d *otlpDelivery) record(scope string, r *otlpRecord) error {
	raw, structured, ok := r.raw()
	if !ok {
		d.rejected++
		return nil
	}
	severity, trace, span := r.Severity, hex.EncodeToString(r.Trace), hex.EncodeToString(r.Span)
	if structured { // they stand in it
		severity, trace, span = "", "", ""
	}
	if d.last < 0 || scope != d.scope || severity != d.severity || trace != d.trace || span != d.span {
		fields := slices.Clone(d.fields)
		for _, f := range []store.Field{{Name: "otel.scope.name", Value: scope}, {Name: "severity_text", Value: severity}, {Name: "trace_id", Value: trace}, {Name: "span_id", Value: span}} {
			if f.Value != "" {
				fields = setField(fields, f.Name, f.Value)
			}
		}
		d.Receipts = append(d.Receipts, store.Receipt{Source: d.src, Fields: fields, Received: d.q.Received})
		d.last, d.scope, d.severity, d.trace, d.span = len(d.Receipts)-1, scope, severity, trace, span
	}
	at := d.q.Received
	for _, ns := range []uint64{r.Time, r.Observed} {
		if ms := int64(ns / 1e6); ns > 0 && datefmt.Plausible(ms) {
			at = ms
			break
		}
	}
	list, dropped := d.q.Way.plan.at(d.Receipts[d.last].Messages, raw, at)
	d.messages += len(list) - len(d.Receipts[d.last].Messages)
	d.Receipts[d.last].Messages, d.Dropped = list, d.Dropped+dropped
	if d.messages > messagesMax {
		return errMessages
	}
	return nil
}

// otlpSource is the metadata and the fields that a resource says.
func otlpSource(attributes []otlpPair, src store.Source, base []store.Field) (store.Source, []store.Field) {
	fields := slices.Clone(base)
	host := ""
	for _, a := range attributes {
		value := string(a.Value.plain())
		plain := strings.NewReplacer("_", "", ".", "", "-", "").Replace(strings.ToLower(a.Key))
		switch strings.TrimPrefix(plain, "sumologic") {
		case "sourcecategory":
			src.Category = value
		case "sourcehost":
			src.Host = value
		case "sourcename":
			src.Name = value
		default:
			if a.Key == "host.name" {
				host = value
			}
			if a.Key != "" && !ownName(a.Key) {
				fields = setField(fields, a.Key, value)
			}
		}
	}
	if src.Host == "" {
		src.Host = host
	}
	return src, fields
}

// at adds a message whose time is known.
func (p *Plan) at(list []store.Message, msg []byte, at int64) (_ []store.Message, dropped int) {
	msg = cleanText(msg)
	if at < p.source.CutoffTimestamp {
		return list, 1
	}
	msg, keep := p.filtered(msg)
	if !keep {
		return list, 1
	}
	pieces(msg, p.max, func(piece []byte) {
		list = append(list, store.Message{Raw: piece, Time: at, Timed: true})
	})
	return list, 0
}

// raw is a record's text: its body where that is a string and there are no attributes, else
// a JSON object with the body as log and the attributes beside it.
func (r *otlpRecord) raw() (text []byte, structured, ok bool) {
	if r.Body.kind == 0 && len(r.Attributes) == 0 && r.Event == "" {
		return nil, false, false
	}
	if r.Body.kind == 's' && len(r.Attributes) == 0 && r.Event == "" {
		return []byte(r.Body.text), false, r.Body.text != ""
	}
	pairs := make([]otlpPair, 0, len(r.Attributes)+6)
	if r.Body.kind != 0 {
		pairs = append(pairs, otlpPair{"log", r.Body})
	}
	add := func(key string, v otlpValue) {
		if i := slices.IndexFunc(pairs, func(p otlpPair) bool { return p.Key == key }); i < 0 {
			pairs = append(pairs, otlpPair{key, v})
		}
	}
	for _, a := range r.Attributes {
		if a.Key != "" {
			add(a.Key, a.Value)
		}
	}
	if r.Event != "" {
		add("event_name", otlpValue{kind: 's', text: r.Event})
	}
	if r.Severity != "" {
		add("severity_text", otlpValue{kind: 's', text: r.Severity})
	}
	if r.Number != 0 {
		add("severity_number", otlpValue{kind: 'i', n: r.Number})
	}
	if len(r.Trace) > 0 {
		add("trace_id", otlpValue{kind: 's', text: hex.EncodeToString(r.Trace)})
	}
	if len(r.Span) > 0 {
		add("span_id", otlpValue{kind: 's', text: hex.EncodeToString(r.Span)})
	}
	return (&otlpValue{kind: 'k', pairs: pairs}).json(nil), true, true
}

// plain is a value as the text of a field.
func (v *otlpValue) plain() []byte {
	if v.kind == 's' {
		return []byte(v.text)
	}
	if v.kind == 0 {
		return nil
	}
	return v.json(nil)
}

// json appends a value as JSON.
func (v *otlpValue) json(dst []byte) []byte {
	switch v.kind {
	case 's':
		return jsondoc.AppendString(dst, v.text)
	case 'b':
		return strconv.AppendBool(dst, v.n != 0)
	case 'i':
		return strconv.AppendInt(dst, v.n, 10)
	case 'd':
		if math.IsNaN(v.f) || math.IsInf(v.f, 0) {
			return jsondoc.AppendString(dst, strconv.FormatFloat(v.f, 'g', -1, 64))
		}
		out, _ := json.Marshal(v.f)
		return append(dst, out...)
	case 'x':
		return jsondoc.AppendString(dst, base64.StdEncoding.EncodeToString([]byte(v.text)))
	case 'a':
		dst = append(dst, '[')
		for i := range v.list {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = v.list[i].json(dst)
		}
		return append(dst, ']')
	case 'k':
		dst = append(dst, '{')
		for i := range v.pairs {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(jsondoc.AppendString(dst, v.pairs[i].Key), ':')
			dst = v.pairs[i].Value.json(dst)
		}
		return append(dst, '}')
	}
	return append(dst, "null"...)
}
