package collect

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/gyoji-dev/gyoji/internal/engine/kafka"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/store"
)

// show is receipts as text: where from, fields, and each message with its time in s.
func show(list []store.Receipt) string {
	var b strings.Builder
	for _, r := range list {
		fmt.Fprintf(&b, "%s|%s|%s", r.Source.Category, r.Source.Host, r.Source.Name)
		for _, f := range r.Fields {
			fmt.Fprintf(&b, " %s=%s", f.Name, f.Value)
		}
		for _, m := range r.Messages {
			fmt.Fprintf(&b, "\n  %s", m.Raw)
			if m.Time != r.Received {
				fmt.Fprintf(&b, " @%s", time.UnixMilli(m.Time).UTC().Format("2006-01-02T15:04:05.000"))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// pb writes protobuf for tests: fields of a message, by number.
func pb(parts ...any) []byte {
	var b []byte
	for i := 0; i+1 < len(parts); i += 2 {
		n := protowire.Number(parts[i].(int))
		switch v := parts[i+1].(type) {
		case string:
			b = protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), v)
		case []byte:
			b = protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
		case int:
			b = protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), uint64(v))
		case uint64:
			b = protowire.AppendFixed64(protowire.AppendTag(b, n, protowire.Fixed64Type), v)
		case float64:
			b = protowire.AppendFixed64(protowire.AppendTag(b, n, protowire.Fixed64Type), math.Float64bits(v))
		}
	}
	return b
}

// TestOTLP: the same request in both encodings, by the field numbers of logs.proto and the
// mapping of http-api.md 5.
func TestOTLP(t *testing.T) {
	const ns = uint64(1767323045678000000) // 2026-01-02T03:04:05.678Z
	str := func(s string) []byte { return pb(1, s) }
	pair := func(k string, v []byte) []byte { return pb(1, k, 2, v) }
	binary := pb(1, pb(
		1, pb(1, pair("_sourceCategory", str("c/d")), 1, pair("service.name", str("svc")), 1, pair("host.name", str("box")), 1, pair("_raw", str("no"))),
		2, pb(1, pb(1, "lib"),
			2, pb(1, ns, 5, str("plain")),
			2, pb(11, ns, 2, 9, 3, "INFO", 5, str("severe"), 9, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 10, []byte{1, 2, 3, 4, 5, 6, 7, 8}),
			2, pb(1, ns, 5, str("with"), 6, pair("n", pb(3, 7)), 6, pair("b", pb(2, 1)), 6, pair("d", pb(4, 0.5)), 6, pair("l", pb(5, pb(1, str("x"), 1, pb(3, -1)))), 6, pair("m", pb(6, pb(1, pair("k", str("v"))))), 6, pair("y", pb(7, []byte("hi"))), 6, pair("none", nil)),
			2, pb(5, pb(6, pb(1, pair("only", str("map"))))),
			2, pb(3, "WARN"), // nothing to keep
		)))
	text := `{"resourceLogs":[{"resource":{"attributes":[{"key":"_sourceCategory","value":{"stringValue":"c/d"}},{"key":"service.name","value":{"stringValue":"svc"}},{"key":"host.name","value":{"stringValue":"box"}},{"key":"_raw","value":{"stringValue":"no"}}]},
	 "scopeLogs":[{"scope":{"name":"lib","unknown":1},"logRecords":[
	  {"timeUnixNano":"1767323045678000000","body":{"stringValue":"plain"}},
	  {"observed_time_unix_nano":1767323045678000000,"severityNumber":9,"severityText":"INFO","body":{"stringValue":"severe"},"traceId":"0102030405060708090A0b0c0d0e0f10","spanId":"0102030405060708"},
	  {"timeUnixNano":"1767323045678000000","body":{"stringValue":"with"},"attributes":[{"key":"n","value":{"intValue":"7"}},{"key":"b","value":{"boolValue":true}},{"key":"d","value":{"doubleValue":0.5}},{"key":"l","value":{"arrayValue":{"values":[{"stringValue":"x"},{"intValue":-1}]}}},{"key":"m","value":{"kvlistValue":{"values":[{"key":"k","value":{"stringValue":"v"}}]}}},{"key":"y","value":{"bytesValue":"aGk="}},{"key":"none"}]},
	  {"body":{"kvlistValue":{"values":[{"key":"only","value":{"stringValue":"map"}}]}}},
	  {"severityText":"WARN"}]}]}]}`
	want := `c/d|box|http service.name=svc host.name=box otel.scope.name=lib
  plain @2026-01-02T03:04:05.678
c/d|box|http service.name=svc host.name=box otel.scope.name=lib severity_text=INFO trace_id=0102030405060708090a0b0c0d0e0f10 span_id=0102030405060708
  severe @2026-01-02T03:04:05.678
c/d|box|http service.name=svc host.name=box otel.scope.name=lib
  {"log":"with","n":7,"b":true,"d":0.5,"l":["x",-1],"m":{"k":"v"},"y":"aGk=","none":null} @2026-01-02T03:04:05.678
  {"log":{"only":"map"}}
`
	h := open(t)
	status, answer := h.send("POST", source+"/v1/logs", string(binary), "Content-Type", "application/x-protobuf")
	if got := show(h.log.taken()); got != want {
		t.Errorf("protobuf:\n%s\nwant\n%s", got, want)
	}
	rejected := pb(1, pb(1, 1, 2, "log records without a body, an attribute or an event name are not kept"))
	if status != 200 || answer != string(rejected) {
		t.Errorf("protobuf: %d %q", status, answer)
	}
	status, answer = h.send("POST", source+"/v1/logs", text, "Content-Type", "application/json; charset=utf-8")
	if got := show(h.log.taken()); got != want {
		t.Errorf("JSON:\n%s\nwant\n%s", got, want)
	}
	if status != 200 || !strings.Contains(answer, `"rejectedLogRecords":"1"`) {
		t.Errorf("JSON: %d %s", status, answer)
	}
	if status, answer = h.send("POST", source+"/v1/logs", "", "Content-Type", "application/x-protobuf"); status != 200 || answer != "" {
		t.Errorf("nothing: %d %q", status, answer)
	}
	if status, answer = h.send("POST", source+"/v1/logs", "{}", "Content-Type", "application/json"); status != 200 || answer != "{}" {
		t.Errorf("nothing: %d %q", status, answer)
	}
	for _, signal := range []string{"metrics", "traces"} {
		if status, _ = h.send("POST", source+"/v1/"+signal, "x", "Content-Type", "application/x-protobuf"); status != 200 {
			t.Errorf("%s: %d", signal, status)
		}
	}
	for _, c := range [][3]string{{"application/x-protobuf", "\xff\xff", "400"}, {"application/json", "{", "400"}, {"application/json", "[]", "400"}, {"application/json", "{} {}", "400"}, {"text/plain", "x", "415"}, {"", "x", "415"}} {
		if status, answer = h.send("POST", source+"/v1/logs", c[1], "Content-Type", c[0]); fmt.Sprint(status) != c[2] {
			t.Errorf("%s %q: %d %q, want %s", c[0], c[1], status, answer, c[2])
		}
	}
	if status, _ = h.send("POST", "/v1/logs", string(binary), "Content-Type", "application/x-protobuf"); status != 401 {
		t.Errorf("without a key: %d", status)
	}
	if status, _ = h.send("POST", "/v1/logs", string(binary), append(h.basic(), "Content-Type", "application/x-protobuf")...); status != 200 {
		t.Errorf("with a key: %d", status)
	}
	// The codes of google.rpc.Status: 16 unauthenticated, 3 invalid argument.
	if status, answer = h.send("POST", "/receiver/v1/http/x/v1/logs", "", "Content-Type", "application/x-protobuf"); status != 401 || !strings.HasPrefix(answer, "\x08\x10\x12") {
		t.Errorf("a wrong token: %d %q", status, answer)
	}
}

// TestOTLPDeep: values that are nested without an end are refused, in both encodings.
func TestOTLPDeep(t *testing.T) {
	h := open(t)
	v := pb(1, "x")
	text := `{"stringValue":"x"}`
	for range 5000 {
		v = pb(5, pb(1, v))
		text = `{"arrayValue":{"values":[` + text + `]}}`
	}
	if status, _ := h.send("POST", source+"/v1/logs", string(pb(1, pb(2, pb(2, pb(5, v))))), "Content-Type", "application/x-protobuf"); status != 400 {
		t.Errorf("protobuf: %d", status)
	}
	if status, _ := h.send("POST", source+"/v1/logs", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":`+text+`}]}]}]}`, "Content-Type", "application/json"); status != 400 {
		t.Errorf("JSON: %d", status)
	}
}

// TestHEC: answers and codes by Splunk's "HTTP Event Collector REST API endpoints".
func TestHEC(t *testing.T) {
	h := open(t)
	token := []string{"Authorization", "Splunk " + h.token}
	for _, c := range []struct {
		name, path, body string
		headers          []string
		status           int
		answer, want     string
	}{
		{"events", "/services/collector/event", `{"time":1767323045.678,"host":"h","source":"s","sourcetype":"st","index":"i","event":"hello"}` + "\n" + `{"time":"1767323046","host":"h","source":"s","sourcetype":"st","index":"i","event":{"a":[1, 2]}}`, token, 200, `{"text":"Success","code":0}`,
			"st|h|s host=h source=s sourcetype=st index=i\n  hello @2026-01-02T03:04:05.678\n  {\"a\":[1, 2]} @2026-01-02T03:04:06.000\n"},
		{"no blank between, fields", "/services/collector", `{"event":"a 2026-01-02 03:04:05","fields":{"x":"1","y":2,"z":["p","q"],"n":null}}{"event":5}`, token, 200, `{"text":"Success","code":0}`,
			"|127.0.0.1|http x=1 y=2 z=[\"p\",\"q\"]\n  a 2026-01-02 03:04:05 @2026-01-02T03:04:05.000\n|127.0.0.1|http\n  5\n"},
		{"array", "/services/collector/event/1.0", `[{"event":"a"},{"event":"b"}]`, token, 200, `{"text":"Success","code":0}`, "|127.0.0.1|http\n  a\n  b\n"},
		{"raw", "/services/collector/raw?host=h&sourcetype=st&time=1767323045", "a\nb\n", token, 200, `{"text":"Success","code":0}`, "st|h|http host=h sourcetype=st\n  a @2026-01-02T03:04:05.000\n  b @2026-01-02T03:04:05.000\n"},
		{"raw with its own times", "/services/collector/raw/1.0", "2026-01-02 03:04:05 a\n at b", token, 200, `{"text":"Success","code":0}`, "|127.0.0.1|http\n  2026-01-02 03:04:05 a\n at b @2026-01-02T03:04:05.000\n"},
		{"token as a password", "/services/collector", `{"event":"a"}`, nil, 401, `{"text":"Token is required","code":2}`, ""},
		{"access id and key", "/services/collector", `{"event":"a"}`, h.basic(), 200, `{"text":"Success","code":0}`, "|127.0.0.1|hec\n  a\n"},
		{"id and key as a token", "/services/collector", `{"event":"a"}`, []string{"Authorization", "Splunk " + h.id + ":" + h.key}, 200, `{"text":"Success","code":0}`, "|127.0.0.1|hec\n  a\n"},
		{"token in the query", "/services/collector?token=" + h.token, `{"event":"a"}`, nil, 200, `{"text":"Success","code":0}`, "|127.0.0.1|http\n  a\n"},
		{"wrong token", "/services/collector", `{"event":"a"}`, []string{"Authorization", "Splunk x"}, 403, `{"text":"Invalid token","code":4}`, ""},
		{"other scheme", "/services/collector", `{"event":"a"}`, []string{"Authorization", "Digest x"}, 401, `{"text":"Invalid authorization","code":3}`, ""},
		{"no data", "/services/collector", "", token, 400, `{"text":"No data","code":5}`, ""},
		{"no raw data", "/services/collector/raw", " \n", token, 400, `{"text":"No data","code":5}`, ""},
		{"format", "/services/collector", `{"event":"a"} nonsense`, token, 400, `{"text":"Invalid data format","code":6,"invalid-event-number":1}`, ""},
		{"time that is none", "/services/collector", `{"event":"a","time":"yesterday"}`, token, 400, `{"text":"Invalid data format","code":6,"invalid-event-number":0}`, ""},
		{"no event", "/services/collector", `{"event":"a"}{"x":1}`, token, 400, `{"text":"Event field is required","code":12,"invalid-event-number":1}`, ""},
		{"blank event", "/services/collector", `{"event":""}`, token, 400, `{"text":"Event field cannot be blank","code":13,"invalid-event-number":0}`, ""},
		{"fields", "/services/collector", `{"event":"a","fields":{"x":{}}}`, token, 400, `{"text":"Error in handling indexed fields","code":15,"invalid-event-number":0}`, ""},
		{"ack without a channel", "/services/collector/ack", `{"acks":[0]}`, token, 400, `{"text":"Data channel is missing","code":10}`, ""},
		{"channel", "/services/collector/event?channel=C", `{"event":"a"}`, token, 200, `{"text":"Success","code":0,"ackId":0}`, "|127.0.0.1|http\n  a\n"},
		{"channel again", "/services/collector/event", `{"event":"a"}`, append([]string{"X-Splunk-Request-Channel", "C"}, token...), 200, `{"text":"Success","code":0,"ackId":1}`, "|127.0.0.1|http\n  a\n"},
		{"acks", "/services/collector/ack?channel=C", `{"acks":[0,1,2]}`, token, 200, `{"acks":{"0":true,"1":true,"2":false}}`, ""},
	} {
		status, answer := h.send("POST", c.path, c.body, c.headers...)
		if status != c.status || answer != c.answer {
			t.Errorf("%s: %d %s, want %d %s", c.name, status, answer, c.status, c.answer)
		}
		if got := show(h.log.taken()); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if status, answer := h.send("GET", "/services/collector/health", ""); status != 200 || answer != `{"text":"HEC is healthy","code":17}` {
		t.Errorf("health: %d %s", status, answer)
	}
}

// TestBulk: answers by Elasticsearch's "Bulk API".
func TestBulk(t *testing.T) {
	h := open(t)
	body := `{"create":{"_index":"logs","_id":"1"}}
{"@timestamp":"2026-01-02T03:04:05Z","m":1}
{"index":{}}
{"m": 2}

{"delete":{"_id":"9"}}
{"update":{"_id":"8"}}
{"doc":{}}
{"create":{}}
not json
`
	status, answer := h.send("POST", "/other/_bulk", body, append(h.basic(), "Content-Type", "application/x-ndjson")...)
	var got struct {
		Errors bool
		Items  []map[string]struct {
			Index  string `json:"_index"`
			ID     string `json:"_id"`
			Status int
			Error  *struct{ Type string }
		}
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil || status != 200 {
		t.Fatalf("%d %s: %v", status, answer, err)
	}
	var items []string
	for _, i := range got.Items {
		for name, v := range i {
			items = append(items, fmt.Sprint(name, " ", v.Index, " ", v.Status, " ", v.Error != nil, " ", v.ID != ""))
		}
	}
	if want := "create logs 201 false true|index other 201 false true|delete other 501 true true|update other 501 true true|create other 400 true true"; strings.Join(items, "|") != want || !got.Errors {
		t.Errorf("items %s\nwant %s", strings.Join(items, "|"), want)
	}
	if got, want := show(h.log.taken()), "logs|127.0.0.1|elastic index=logs\n  {\"@timestamp\":\"2026-01-02T03:04:05Z\",\"m\":1} @2026-01-02T03:04:05.000\nother|127.0.0.1|elastic index=other\n  {\"m\": 2}\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if status, answer = h.send("POST", "/_bulk", "{\"index\":{}}\n{}\n", h.basic()...); status != 200 || !strings.Contains(answer, "index is missing") {
		t.Errorf("no index: %d %s", status, answer)
	}
	for _, bad := range []string{"", "\n", "{}", "[]\n{}\n", `{"create":{}}`, `{"shred":{}}` + "\n{}\n", `{"create":{},"index":{}}` + "\n{}\n", "nonsense"} {
		if status, answer = h.send("POST", "/x/_bulk", bad, h.basic()...); status != 400 || !strings.Contains(answer, `"root_cause":[{`) {
			t.Errorf("%q: %d %s", bad, status, answer)
		}
	}
	h.log.taken()
	if status, answer = h.send("POST", "/x/_doc", `{"a":1}`, h.basic()...); status != 201 || show(h.log.taken()) != "x|127.0.0.1|elastic index=x\n  {\"a\":1}\n" {
		t.Errorf("_doc: %d %s", status, answer)
	}
	if status, answer = h.send("POST", "/x/_bulk", body); status != 401 || !strings.Contains(answer, "security_exception") {
		t.Errorf("without a key: %d %s", status, answer)
	}
	reader, secret, err := h.keys.Add("reader", access.Read)
	if err != nil {
		t.Fatal(err)
	}
	if status, _ = h.send("POST", "/x/_bulk", body, "Authorization", "Bearer "+reader.ID+":"+secret); status != 403 {
		t.Errorf("with a key that may only read: %d", status)
	}
}

// A record of a Windows event log has the category of its channel, which it is given when it
// is read; the name of an index and a sourcetype are for what has none.
func TestWindowsRecordsKeepTheirCategory(t *testing.T) {
	for _, c := range []struct {
		name, record string
		windows      bool
	}{
		{"winlogbeat", `{"@timestamp":"2026-01-02T03:04:05Z","event":{"code":"1"},"winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","event_id":"1"}}`, true},
		{"Elastic agent, flat", `{"@timestamp":"2026-01-02T03:04:05Z","winlog.channel":"Security","winlog.event_id":4688}`, true},
		{"NXLog", `{"EventTime":"2026-01-02 03:04:05","Channel":"Security","EventID":4688,"SourceName":"Microsoft-Windows-Security-Auditing"}`, true},
		{"Fluent Bit", `{"ProviderName":"Microsoft-Windows-Sysmon","EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","TimeCreated":"2026-01-02 03:04:05 +0000"}`, true},
		{"Get-WinEvent", `{"Id":1,"LogName":"Microsoft-Windows-Sysmon/Operational","ProviderName":"Microsoft-Windows-Sysmon"}`, true},
		{"OpenTelemetry", `{"channel":"Security","event_id":{"id":4688,"qualifiers":0},"provider":{"name":"Microsoft-Windows-Security-Auditing"}}`, true},
		{"Wazuh", `{"data":{"win":{"system":{"providerName":"Microsoft-Windows-Sysmon","eventID":"1"},"eventdata":{"image":"C:\\\\a.exe"}}}}`, true},
		{"Azure's Event table", `{"EventLog": "Microsoft-Windows-Sysmon/Operational", "Source": "Microsoft-Windows-Sysmon", "EventID": 1}`, true},
		{"Graylog", `{"winlogbeat_winlog_channel":"Security","winlogbeat_winlog_event_id":4688}`, true},
		{"text about Windows", `{"message":"see Microsoft-Windows-Sysmon/Operational"}`, false},
		{"a shop's log", `{"@timestamp":"2026-01-02T03:04:05Z","message":"Channel 4 sold","event":{"code":"1"}}`, false},
		{"an agent's log of winlogon", `{"process":"winlogon.exe","parent":"smss.exe"}`, false},
		{"a shop's channels", `{"channel":"web","Id":4711,"event_id":"sold"}`, false},
		{"System, by its own providers", `{"EventID":7045,"Channel":"System","SourceName":"Service Control Manager"}`, true},
		{"a chat's log", `{"channel":"general","event":"joined"}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t)
			if status, answer := h.send("POST", "/some-index/_bulk", "{\"create\":{}}\n"+c.record+"\n", h.basic()...); status != 200 || !strings.Contains(answer, `"errors":false`) {
				t.Fatal(status, answer)
			}
			if status, answer := h.send("POST", "/services/collector/event", `{"sourcetype":"some-type","event":`+c.record+`}`, "Authorization", "Splunk "+h.token); status != 200 {
				t.Fatal(status, answer)
			}
			got := []string{}
			for _, r := range h.log.taken() {
				got = append(got, r.Source.Category)
			}
			want := []string{"some-index", "some-type"}
			if c.windows {
				want = []string{"", ""}
			}
			if !slices.Equal(got, want) {
				t.Errorf("categories %q, want %q", got, want)
			}
		})
	}
	h := open(t)
	h.send("POST", "/i/_bulk", "{\"create\":{}}\n{\"winlog\":{}}\n", append(h.basic(), "X-Sumo-Category", "prod/endpoints")...)
	if got := h.log.taken(); len(got) != 1 || got[0].Source.Category != "prod/endpoints" {
		t.Errorf("%+v: the sender's own word was not taken", got)
	}
}

// TestOTCollector: http-api.md 8.
func TestOTCollector(t *testing.T) {
	h := open(t)
	register := `{"collectorName":"edge","ephemeral":true,"hostname":"box","category":"c","clobber":true,"fields":{"cluster":"k1"}}`
	if status, _ := h.send("POST", "/api/v1/collector/register", register, "Authorization", "Bearer x"); status != 401 {
		t.Errorf("a wrong installation token: %d", status)
	}
	status, answer := h.send("POST", "/api/v1/collector/register", register, "Authorization", "Bearer "+h.token)
	var got struct{ CollectorCredentialId, CollectorCredentialKey, CollectorId, CollectorName string }
	if err := json.Unmarshal([]byte(answer), &got); err != nil || status != 200 || got.CollectorName != "edge" || got.CollectorId == "" {
		t.Fatalf("%d %s", status, answer)
	}
	r := []string{"Authorization", "Bearer " + got.CollectorCredentialId + ":" + got.CollectorCredentialKey}
	if status, _ = h.send("POST", "/api/v1/collector/heartbeat", "", r...); status != 204 {
		t.Errorf("heartbeat: %d", status)
	}
	if c, err := h.sources.CollectorNamed("edge"); err != nil || !c.Alive || c.HostName != "box" {
		t.Errorf("%+v %v", c, err)
	}
	if status, _ = h.send("POST", "/api/v1/collector/logs", "one\ntwo", append(r, "X-Sumo-Fields", "a=b, c=d")...); status != 200 {
		t.Errorf("logs: %d", status)
	}
	if got, want := show(h.log.taken()), "c|box|otel cluster=k1 a=b c=d\n  one\n  two\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	// clobber takes the old one over, and its key is good for nothing any more.
	if status, _ = h.send("POST", "/api/v1/collector/register", register, "Authorization", "Bearer "+h.token); status != 200 {
		t.Errorf("again: %d", status)
	}
	if status, _ = h.send("POST", "/api/v1/collector/heartbeat", "", r...); status != 401 {
		t.Errorf("heartbeat with the old key: %d", status)
	}
	if n := len(h.sources.Collectors()); n != 2 {
		t.Errorf("%d collectors, want gyoji and edge", n)
	}
}

// waitFor waits until as many messages have come, and returns the receipts.
func (h *house) waitFor(n int) []store.Receipt {
	h.t.Helper()
	var all []store.Receipt
	for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(5 * time.Millisecond) {
		if all = append(all, h.log.taken()...); len(texts(all)) >= n {
			break
		}
	}
	return all
}

// TestSyslog: RFC 6587's framings, RFC 5424 and 3164 headers, and cloud syslog's token.
func TestSyslog(t *testing.T) {
	h := open(t)
	a, err := ParseSyslogAddress("tcp://127.0.0.1:0?category=net")
	if err != nil {
		t.Fatal(err)
	}
	at, err := h.doors.Syslog(a, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	one := "<34>1 2026-01-02T03:04:05.678Z box su - ID47 - one\nof two lines"
	two := "<34>Jan  2 03:04:05 router su: two"
	three := "<34>1 2026-01-02T03:04:05Z - su - - [" + h.token + "@41123] three"
	four := "<34>1 2026-01-02T03:04:05Z box su - - - " + h.token + "@41123 four"
	five := "<34>1 2026-01-02T03:04:05Z box su - - [AAAA@41123 x=\"y\"] dropped"
	w := bufio.NewWriter(conn)
	fmt.Fprintf(w, "%d %s", len(one), one)
	fmt.Fprintf(w, "%s\n%s\r\n%s\n%s\x00", two, three, four, five)
	fmt.Fprintf(w, "2026-01-02 03:04:05 no priority\n12 monkeys\n")
	fmt.Fprint(w, "last without an end")
	w.Flush()
	conn.Close()
	got := map[string]string{}
	for _, r := range h.waitFor(7) {
		for _, m := range r.Messages {
			got[string(m.Raw)] = fmt.Sprintf("%s %s %s", r.Source.Source, r.Source.Category, r.Source.Host)
			if strings.Contains(string(m.Raw), "03:04:05") && m.Time/1000 != 1767323045 && !strings.HasPrefix(string(m.Raw), "<34>Jan") {
				t.Errorf("%s is of %d", m.Raw, m.Time)
			}
		}
	}
	want := map[string]string{
		one: "syslog net box", two: "syslog net router",
		"<34>1 2026-01-02T03:04:05Z - su - - - three":  "http  127.0.0.1",
		"<34>1 2026-01-02T03:04:05Z box su - - - four": "http  box",
		"2026-01-02 03:04:05 no priority":              "syslog net 127.0.0.1",
		"12 monkeys":                                   "syslog net 127.0.0.1",
		"last without an end":                          "syslog net 127.0.0.1",
	}
	for text, from := range want {
		if got[text] != from {
			t.Errorf("%q is of %q, want %q", text, got[text], from)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d messages, want %d: %q", len(got), len(want), got)
	}

	udp, err := h.doors.Syslog(SyslogAddress{Network: "udp", Host: "127.0.0.1:0", Name: "syslog"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, err = net.Dial("udp", udp.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i := range 3 {
		fmt.Fprintf(conn, "<34>1 2026-01-02T03:04:05Z box su - - - packet %d\n", i)
	}
	if got := texts(h.waitFor(3)); len(got) != 3 {
		t.Errorf("by UDP %q", got)
	}

	// A frame that says it is too long ends its connection and no other.
	conn, err = net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "9999999 <34>x")
	conn.SetReadDeadline(time.Now().Add(time.Minute))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the connection is open: %d %v", n, err)
	}
	conn.Close()
}

func TestSyslogAddresses(t *testing.T) {
	for _, bad := range []string{"", "tcp", "tcp://", "tcp://h", "http://h:1", "tcp://h:1/x", "tcp://h:1?x=y", "udp://h:1?timezone=Mars/X", "514"} {
		if a, err := ParseSyslogAddress(bad); err == nil {
			t.Errorf("%s is taken: %+v", bad, a)
		}
	}
}

// TestKafka: what was read is durable before its offset is.
func TestKafka(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "logs"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	h := open(t)
	h.log.full = &store.FullError{Reason: "full", After: 10 * time.Millisecond}
	topics, err := ParseKafkaTopics("kafka://" + cluster.ListenAddrs()[0] + "/logs?group=g&from=oldest&category=win/sysmon")
	if err != nil {
		t.Fatal(err)
	}
	producer, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("logs"))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	ctx, done := context.WithTimeout(context.Background(), time.Minute)
	defer done()
	for i := range 3 {
		if err := producer.ProduceSync(ctx, kgo.StringRecord(fmt.Sprintf(`{"UtcTime":"2026-01-02 03:04:0%d.000","n":%d}`, i, i))).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	h.doors.Kafka(topics, kafka.Access{})
	time.Sleep(100 * time.Millisecond)
	h.log.mu.Lock()
	h.log.full = nil
	h.log.mu.Unlock()
	got := h.waitFor(3)
	if want := "win/sysmon||logs/0\n  {\"UtcTime\":\"2026-01-02 03:04:00.000\",\"n\":0} @2026-01-02T03:04:00.000\n  {\"UtcTime\":\"2026-01-02 03:04:01.000\",\"n\":1} @2026-01-02T03:04:01.000\n  {\"UtcTime\":\"2026-01-02 03:04:02.000\",\"n\":2} @2026-01-02T03:04:02.000\n"; show(got) != want || got[0].Source.Source != "logs" {
		t.Errorf("%s\nwant %s", show(got), want)
	}
}

// What clients of Elastic's ask before they send, in the order that libbeat and Logstash do,
// and what is no such call.
func TestElasticSetup(t *testing.T) {
	h := open(t)
	for _, path := range []string{"/_xpack", "/_cat/health", "/_index_template/filebeat-9", "/_template/logstash", "/_component_template/x", "/_data_stream/logs-x-default", "/_ilm/policy/filebeat", "/_ingest/pipeline/filebeat-system"} {
		if status, answer := h.send("GET", path, "", h.basic()...); status != 200 {
			t.Errorf("GET %s: %d %s", path, status, answer)
		}
		if status, _ := h.send("GET", path, ""); status != 401 {
			t.Errorf("GET %s without a key: %d", path, status)
		}
	}
	for _, c := range []struct {
		method, path string
		key          bool
		status       int // 0: none of these calls
		warned       bool
	}{
		{"PUT", "/_index_template/filebeat-9", true, 200, true},
		{"PUT", "/_ilm/policy/filebeat", true, 200, true},
		{"PUT", "/_ingest/pipeline/filebeat-system", true, 200, true},
		{"PUT", "/_data_stream/logs-x-default", true, 200, true},
		{"PUT", "/_template/logstash", false, 401, false},
		{"PUT", "/logstash-2026.12.01-000001", true, 200, true},
		{"HEAD", "/logstash", true, 200, false},
		{"HEAD", "/logstash", false, 0, false},
		{"PUT", "/", true, 0, false},
		{"PUT", "/_unknown/x", true, 0, false},
		{"DELETE", "/_index_template/x", true, 0, false},
		{"GET", "/x", true, 0, false},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader("{}"))
		if c.key {
			b := h.basic()
			for i := 0; i+1 < len(b); i += 2 {
				r.Header.Set(b[i], b[i+1])
			}
		}
		w := httptest.NewRecorder()
		is := h.doors.ElasticSetup(w, r)
		if is != (c.status != 0) || is && w.Code != c.status || (w.Header().Get("Warning") != "") != c.warned {
			t.Errorf("%s %s: %v %d %v %s", c.method, c.path, is, w.Code, w.Header(), w.Body)
		}
		if c.warned && !strings.Contains(w.Body.String(), `"acknowledged":true`) {
			t.Errorf("%s %s: %s", c.method, c.path, w.Body)
		}
	}
	if got := h.log.taken(); len(got) != 0 {
		t.Errorf("stored: %s", show(got))
	}
}
