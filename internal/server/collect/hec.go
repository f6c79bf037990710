package collect

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// Splunk's HTTP Event Collector. Its token is that of an HTTP source, or an access id and
// key. host is _sourceHost, source _sourceName, sourcetype _sourceCategory where the source
// has none; all four are fields, too.
// Source: Splunk Enterprise, "HTTP Event Collector REST API endpoints" and "Format events
// for HTTP Event Collector"; codes: "Possible error codes".
var _ = register(Door{
	Name: "hec",
	Routes: []Route{
		{Pattern: "POST /services/collector", Way: hecWay, Receive: receiveHEC},
		{Pattern: "POST /services/collector/event", Way: hecWay, Receive: receiveHEC},
		{Pattern: "POST /services/collector/event/1.0", Way: hecWay, Receive: receiveHEC},
		{Pattern: "POST /services/collector/raw", Way: hecWay, Receive: receiveHECRaw},
		{Pattern: "POST /services/collector/raw/1.0", Way: hecWay, Receive: receiveHECRaw},
		{Pattern: "POST /services/collector/ack", Way: hecWay, Receive: receiveAcks},
		// Docker's logging driver asks so whether there is a collector.
		{Pattern: "OPTIONS /services/collector", NoBody: true, Receive: hecHealth},
		{Pattern: "OPTIONS /services/collector/event", NoBody: true, Receive: hecHealth},
		{Pattern: "OPTIONS /services/collector/event/1.0", NoBody: true, Receive: hecHealth},
		{Pattern: "GET /services/collector/health", NoBody: true, Receive: hecHealth},
		{Pattern: "GET /services/collector/health/1.0", NoBody: true, Receive: hecHealth},
	},
	Refuse: refuseHEC,
})

// The codes of HEC's answers.
const (
	hecSuccess       = 0
	hecNoToken       = 2
	hecAuthorization = 3
	hecToken         = 4
	hecNoData        = 5
	hecFormat        = 6
	hecBusy          = 9
	hecNoChannel     = 10
	hecNoEvent       = 12
	hecBlank         = 13
	hecFields        = 15
	hecHealthy       = 17
)

var hecTexts = map[int]string{
	hecSuccess: "Success", hecNoToken: "Token is required", hecAuthorization: "Invalid authorization", hecToken: "Invalid token", hecNoData: "No data",
	hecFormat: "Invalid data format", hecBusy: "Server is busy", hecNoChannel: "Data channel is missing", hecNoEvent: "Event field is required",
	hecBlank: "Event field cannot be blank", hecFields: "Error in handling indexed fields", hecHealthy: "HEC is healthy",
}

type hecAnswer struct {
	Text  string  `json:"text"`
	Code  int     `json:"code"`
	Event *int    `json:"invalid-event-number,omitempty"`
	Ack   *uint64 `json:"ackId,omitempty"`
}

func refuseHEC(w http.ResponseWriter, _ *http.Request, f *Failure) {
	a := hecAnswer{Text: f.Message, Code: f.Kind}
	switch {
	case a.Code == hecFormat || a.Code == hecNoEvent || a.Code == hecBlank || a.Code == hecFields:
		a.Text = hecTexts[a.Code]
		a.Event = &f.Detail
	case a.Code != 0:
		a.Text = hecTexts[a.Code]
	case f.Status == http.StatusServiceUnavailable || f.Status == http.StatusTooManyRequests:
		a.Code, a.Text = hecBusy, hecTexts[hecBusy]
	case f.Status == http.StatusUnauthorized:
		a.Code = hecAuthorization
	case f.Status == http.StatusForbidden:
		a.Code = hecToken
	default:
		a.Code = hecFormat
	}
	if f.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Splunk realm="gyoji"`)
	}
	access.Answer(w, f.Status, a)
}

func hecFailure(status, code, event int) *Failure {
	return &Failure{Status: status, Kind: code, Message: hecTexts[code], Detail: event}
}

// hecWay finds the source by HEC's token: Authorization: Splunk TOKEN, the password of Basic,
// or ?token=.
func hecWay(d *Doors, r *http.Request) (*Way, *Failure) {
	header := r.Header.Get("Authorization")
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	switch {
	case strings.EqualFold(scheme, "Splunk") || strings.EqualFold(scheme, "Bearer"):
	case strings.EqualFold(scheme, "Basic"):
		id, password, ok := r.BasicAuth()
		if !ok {
			return nil, hecFailure(http.StatusUnauthorized, hecAuthorization, 0)
		}
		if p, ok := d.o.Keys.Check(id, password); ok && p.Role.May(access.Ingest) {
			return d.ownSource("hec", nil)
		}
		token = password
	case header == "":
		if token = r.URL.Query().Get("token"); token == "" {
			return nil, hecFailure(http.StatusUnauthorized, hecNoToken, 0)
		}
	default:
		return nil, hecFailure(http.StatusUnauthorized, hecAuthorization, 0)
	}
	if w, ok := d.o.Sources.way(token); ok && w.Source.SourceType == TypeHTTP {
		return w, nil
	}
	if id, key, ok := strings.Cut(token, ":"); ok { // an access id and key
		if p, ok := d.o.Keys.Check(id, key); ok && p.Role.May(access.Ingest) {
			return d.ownSource("hec", nil)
		}
	}
	if token == "" {
		return nil, hecFailure(http.StatusUnauthorized, hecNoToken, 0)
	}
	return nil, hecFailure(http.StatusForbidden, hecToken, 0)
}

func hecHealth(*Request) (*Delivery, *Failure) {
	return &Delivery{Answer: func(w http.ResponseWriter, _ uint64) {
		access.Answer(w, http.StatusOK, hecAnswer{Text: hecTexts[hecHealthy], Code: hecHealthy})
	}}, nil
}

// hecEvent is one event as HEC takes it.
type hecEvent struct {
	Time                            json.RawMessage `json:"time"`
	Host, Source, Sourcetype, Index *string
	Event                           json.RawMessage            `json:"event"`
	Fields                          map[string]json.RawMessage `json:"fields"`
}

func receiveHEC(q *Request) (*Delivery, *Failure) {
	var d Delivery
	text := cleanText(q.Body)
	n := 0
	for at := 0; ; n++ {
		for at < len(text) && (text[at] <= ' ' || text[at] == ',' && n > 0) {
			at++
		}
		if at == len(text) {
			break
		}
		end, err := jsondoc.End(text, at)
		if err != nil {
			return nil, hecFailure(http.StatusBadRequest, hecFormat, n)
		}
		if text[at] == '[' { // some send an array of events
			if at != 0 || n > 0 || len(strings.TrimSpace(string(text[end:]))) > 0 {
				return nil, hecFailure(http.StatusBadRequest, hecFormat, n)
			}
			var all []json.RawMessage
			if err := json.Unmarshal(text[at:end], &all); err != nil {
				return nil, hecFailure(http.StatusBadRequest, hecFormat, n)
			}
			for i, e := range all {
				if f := hecAdd(q, &d, e, i); f != nil {
					return nil, f
				}
			}
			n = len(all)
			break
		}
		if f := hecAdd(q, &d, text[at:end], n); f != nil {
			return nil, f
		}
		at = end
	}
	if n == 0 {
		return nil, hecFailure(http.StatusBadRequest, hecNoData, 0)
	}
	d.Answer = hecDone(q)
	return &d, nil
}

// hecAdd adds an event; those that follow each other with the same metadata are one receipt.
func hecAdd(q *Request, d *Delivery, text []byte, n int) *Failure {
	var e hecEvent
	if err := json.Unmarshal(text, &e); err != nil {
		return hecFailure(http.StatusBadRequest, hecFormat, n)
	}
	raw := []byte(e.Event)
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return hecFailure(http.StatusBadRequest, hecNoEvent, n)
	case raw[0] == '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return hecFailure(http.StatusBadRequest, hecFormat, n)
		}
		if raw = []byte(s); isBlank(raw) {
			return hecFailure(http.StatusBadRequest, hecBlank, n)
		}
	}
	src, fields := q.hecSource(raw, e.Host, e.Source, e.Sourcetype, e.Index)
	for _, name := range sortedKeys(e.Fields) {
		value := e.Fields[name]
		text := string(value)
		switch {
		case text == "null":
			continue
		case value[0] == '"':
			if err := json.Unmarshal(value, &text); err != nil {
				return hecFailure(http.StatusBadRequest, hecFields, n)
			}
		case value[0] == '{': // Splunk takes no objects
			return hecFailure(http.StatusBadRequest, hecFields, n)
		}
		if name == "" || ownName(name) {
			q.Doors.count("hec").FieldsLost.Add(1)
			continue
		}
		fields = setField(fields, name, text)
	}
	if len(d.Receipts) == 0 || !sameReceipt(&d.Receipts[len(d.Receipts)-1], src, fields) {
		d.Receipts = append(d.Receipts, store.Receipt{Source: src, Fields: fields, Received: q.Received})
	}
	r := &d.Receipts[len(d.Receipts)-1]
	dropped := 0
	switch at, ok := hecTime(e.Time); {
	case ok:
		r.Messages, dropped = q.Way.plan.at(r.Messages, raw, at)
	case len(e.Time) > 0 && string(e.Time) != "null":
		return hecFailure(http.StatusBadRequest, hecFormat, n)
	default:
		r.Messages, dropped = q.Way.plan.Message(r.Messages, raw, q.Received)
	}
	d.Dropped += dropped
	return nil
}

func sameReceipt(r *store.Receipt, src store.Source, fields []store.Field) bool {
	if r.Source != src || len(r.Fields) != len(fields) {
		return false
	}
	for i, f := range fields {
		if r.Fields[i] != f {
			return false
		}
	}
	return true
}

// hecSource is the metadata and the fields of an event.
func (q *Request) hecSource(raw []byte, host, source, sourcetype, index *string) (store.Source, []store.Field) {
	src := q.Way.metadata(q.Header, q.RemoteAddr)
	fields, _ := q.Way.requestFields(q.Header)
	for _, f := range []struct {
		name  string
		value *string
		to    *string
	}{{"host", host, &src.Host}, {"source", source, &src.Name}, {"sourcetype", sourcetype, nil}, {"index", index, nil}} {
		if f.value == nil || *f.value == "" {
			continue
		}
		value := clipText(*f.value)
		if f.to != nil {
			*f.to = value
		}
		fields = setField(fields, f.name, value)
	}
	if src.Category == "" && sourcetype != nil && !ofWindows(raw) {
		src.Category = clipText(*sourcetype)
	}
	return src, fields
}

func clipText(s string) string {
	if len(s) > metadataMax {
		s = strings.ToValidUTF8(s[:metadataMax], "")
	}
	return s
}

// hecTime reads seconds since 1970 with a fraction, as a number or text.
func hecTime(raw json.RawMessage) (int64, bool) {
	s := strings.Trim(string(raw), `" `)
	if s == "" {
		return 0, false
	}
	sec, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(sec) || math.IsInf(sec, 0) {
		return 0, false
	}
	for _, unit := range []float64{1e3, 1, 1e-3, 1e-6} { // some send ms, us or ns
		if ms := sec * unit; ms < math.MaxInt64/2 && datefmt.Plausible(int64(math.Round(ms))) {
			return int64(math.Round(ms)), true
		}
	}
	return 0, false
}

func receiveHECRaw(q *Request) (*Delivery, *Failure) {
	if len(q.Body) == 0 || isBlank(q.Body) {
		return nil, hecFailure(http.StatusBadRequest, hecNoData, 0)
	}
	values := q.URL.Query()
	get := func(name string) *string {
		if !values.Has(name) {
			return nil
		}
		v := strings.ToValidUTF8(values.Get(name), "\uFFFD")
		return &v
	}
	src, fields := q.hecSource(q.Body, get("host"), get("source"), get("sourcetype"), get("index"))
	r := store.Receipt{Source: src, Fields: fields, Received: q.Received}
	dropped := 0
	if at, ok := hecTime(json.RawMessage(values.Get("time"))); ok {
		p := q.Way.plan
		c := p.clock(q.Received)
		p.cut(cleanText(q.Body), &c.begin, func(msg []byte) {
			list, n := p.at(r.Messages, msg, at)
			r.Messages, dropped = list, dropped+n
		})
		p.free(c)
	} else {
		r.Messages, dropped = q.Way.plan.Messages(q.Body, q.Received)
	}
	return &Delivery{Receipts: []store.Receipt{r}, Dropped: dropped, Answer: hecDone(q)}, nil
}

// acks are the numbers of the last requests of each channel. A request is answered when it
// is durable, so each number that was given is acknowledged.
type acks struct {
	mu   sync.Mutex
	next map[string]uint64
}

// channelsMax is how many channels are remembered.
const channelsMax = 10_000

func (a *acks) add(channel string) uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next == nil || len(a.next) >= channelsMax {
		a.next = map[string]uint64{}
	}
	n := a.next[channel]
	a.next[channel] = n + 1
	return n
}

func (a *acks) given(channel string, n uint64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return n < a.next[channel]
}

func hecChannel(q *Request) string {
	channel := firstOf(q.Header.Get("X-Splunk-Request-Channel"), q.URL.Query().Get("channel"))
	if channel == "" {
		return ""
	}
	return strconv.FormatInt(q.Way.Source.ID, 10) + " " + clipText(channel)
}

func hecDone(q *Request) func(http.ResponseWriter, uint64) {
	return func(w http.ResponseWriter, _ uint64) {
		a := hecAnswer{Text: hecTexts[hecSuccess]}
		if channel := hecChannel(q); channel != "" {
			n := q.Doors.acks.add(channel)
			a.Ack = &n
		}
		access.Answer(w, http.StatusOK, a)
	}
}

func receiveAcks(q *Request) (*Delivery, *Failure) {
	channel := hecChannel(q)
	if channel == "" {
		return nil, hecFailure(http.StatusBadRequest, hecNoChannel, 0)
	}
	var ask struct{ Acks []uint64 }
	if err := json.Unmarshal(q.Body, &ask); err != nil {
		return nil, hecFailure(http.StatusBadRequest, hecFormat, 0)
	}
	out := map[string]bool{}
	for _, n := range ask.Acks {
		out[fmt.Sprint(n)] = q.Doors.acks.given(channel, n)
	}
	return &Delivery{Answer: func(w http.ResponseWriter, _ uint64) {
		access.Answer(w, http.StatusOK, map[string]any{"acks": out})
	}}, nil
}
