package sec_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/server/sec"
	"github.com/gyoji-dev/gyoji/internal/store"
)

// watched is the API with content at work over a store.
func watched(t *testing.T) (*client, *store.Store) {
	t.Helper()
	logs, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { logs.Close(context.Background()) })
	db, err := logs.DB(sec.Migration)
	if err != nil {
		t.Fatal(err)
	}
	docs := sec.Of(db)
	var api *sec.API
	engine, err := live.Start(live.Options{Store: logs, Idle: 50 * time.Millisecond, Logf: t.Logf, Content: sec.New(docs, sec.Options{}).Content})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close(context.Background()) })
	api = sec.New(docs, sec.Options{Alerts: engine.Alerts(), Changed: engine.Changed})
	mux := http.NewServeMux()
	for _, r := range api.Routes() {
		mux.HandleFunc(r.Pattern, r.Serve)
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return &client{t: t, url: s.URL + sec.Base, api: api}, logs
}

// TestFromRuleToClosedInsight makes a rule by the API, sends logs, waits for the insight,
// and works on it.
func TestFromRuleToClosedInsight(t *testing.T) {
	c, logs := watched(t)
	rule := c.made("/rules/templated", `{"name":"Fail","nameExpression":"Failed logon of {{user_username}}","descriptionExpression":"d","summaryExpression":"s","enabled":true,
		"expression":"metadata_deviceEventId = 'Security-4625'","entitySelectors":[{"expression":"device_hostname","entityType":"_hostname"}],
		"scoreMapping":{"type":"constant","default":7},"tags":["_mitreAttackTactic:TA0006"],"stream":"record"}`)
	c.made("/insight-status", `{"name":"waiting"}`)
	c.made("/insight-resolutions", `{"name":"Pentest","parentId":2}`)
	at := time.Now().UTC().Add(-time.Minute)
	r := store.Receipt{Received: at.UnixMilli()}
	for i, user := range []string{"ana", "bo", "ana"} {
		r.Messages = append(r.Messages, store.Message{Raw: fmt.Appendf(nil, `{"TimeCreated":%q,"Channel":"Security","Provider":"Microsoft-Windows-Security-Auditing","EventID":4625,"EventRecordID":%d,"Computer":"SRV-1","TargetUserName":%q,"LogonType":3}`,
			at.Add(time.Duration(i)*time.Second).Format("2006-01-02T15:04:05.000Z"), i, user)})
	}
	if _, err := logs.Append(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	list := func(path string) []any {
		a := c.ask("GET", path, "", "-")
		if a.status != 200 {
			t.Fatalf("GET %s: %d %s", path, a.status, a.said)
		}
		return a.data.(map[string]any)["objects"].([]any)
	}
	for began := time.Now(); len(list("/insights")) == 0 || len(list("/signals")) < 3; time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > 30*time.Second {
			t.Fatalf("no insight in 30 s; signals: %v", list("/signals"))
		}
	}
	// 7 for each of two names is 14, which is above 12; the third repeats a name (8.3, 10.1).
	i := list("/insights")[0].(map[string]any)
	if i["readableId"] != "INSIGHT-1" || i["status"].(map[string]any)["name"] != "new" || i["entity"].(map[string]any)["hostname"] != "srv-1" || len(i["signals"].([]any)) != 2 || i["score"] != 14.0 {
		t.Errorf("the insight is %v", i)
	}
	for q, want := range map[string]int{
		`status:"new"`: 1, `-status:"new"`: 0, `status:in("closed","new")`: 1, `entity.hostname:"SRV-1"`: 1, `entity.username:"ana"`: 0, `created:NOW-1h..NOW`: 1, `created:>NOW+1h`: 0,
		`ruleId:"` + rule + `"`: 1, `readableId:"INSIGHT-1" AND severity:"` + i["severity"].(string) + `"`: 1, `name:contains("Credential")`: 1,
	} {
		if got := len(list("/insights?q=" + url.QueryEscape(q))); got != want {
			t.Errorf("q=%s finds %d insights, want %d", q, got, want)
		}
	}
	for _, q := range []string{"colour:red", `status:"new`, "created:NOW-1y..NOW"} {
		if a := c.ask("GET", "/insights?q="+url.QueryEscape(q), "", "-"); a.status != 400 || !strings.HasPrefix(a.said, "q: ") {
			t.Errorf("q=%s: %d %s", q, a.status, a.said)
		}
	}
	signals := list("/signals?q=" + url.QueryEscape(`entity.name:"srv-1"`))
	suppressed := list("/signals?q=" + url.QueryEscape(`suppressed:true`))
	if len(signals) != 3 || len(suppressed) != 1 || suppressed[0].(map[string]any)["suppressedReasons"].([]any)[0] != "redundant" {
		t.Errorf("%d signals, suppressed: %v", len(signals), suppressed)
	}
	one := c.ask("GET", "/signals/"+signals[0].(map[string]any)["id"].(string), "", "-").data.(map[string]any)
	if len(one["allRecords"].([]any)) != 1 || one["stage"] != "Credential Access" || one["ruleId"] != rule {
		t.Errorf("a signal is %v", one)
	}
	e := list("/entities")[0].(map[string]any)
	if e["id"] != "_hostname-srv--1" || e["activityScore"] != 0.0 || e["isSuppressed"] != false {
		t.Errorf("the entity is %v: its score begins again with the insight", e)
	}

	id := i["id"].(string)
	tag := c.ask("GET", "/insights/"+id, "", "-").etag
	for _, x := range []struct {
		method, path, body, ifMatch string
		status                      int
	}{
		{"PUT", "/status", `{"status":"waiting"}`, "-", 200},
		{"PUT", "/status", `{"status":"closed","resolution":"Resolved"}`, tag, 412},
		{"PUT", "/status", `{"status":"gone"}`, "-", 400},
		{"PUT", "/status", `{"status":"closed"}`, "-", 400},
		{"PUT", "/status", `{}`, "-", 400},
		{"PUT", "/assignee", `{"assignee":{"type":"USER","value":"ana@corp.example"}}`, "-", 200},
		{"PUT", "/severity", `{"severity":"CRITICAL"}`, "*", 200},
		{"PUT", "/severity", `{"severity":"AWFUL"}`, "", 400},
		{"POST", "/comments", `{"body":"looked at it"}`, "-", 200},
		{"POST", "/tags", `{"tagName":"a:b"}`, "-", 200},
		{"PUT", "/status", `{"status":"closed","resolution":"False Positive","subResolution":"Pentest"}`, "-", 200},
	} {
		if a := c.ask(x.method, "/insights/INSIGHT-1"+x.path, x.body, x.ifMatch); a.status != x.status || a.status >= 400 && a.said == "" {
			t.Errorf("%s %s %s: %d %s, want %d", x.method, x.path, x.body, a.status, a.said, x.status)
		}
	}
	i = c.ask("GET", "/insights/"+id, "", "-").data.(map[string]any)
	if i["resolution"] != "False Positive" || i["subResolution"] != "Pentest" || i["assignedTo"] != "ana@corp.example" || i["severity"] != "CRITICAL" || i["closed"] == nil || i["timeToResponse"] == nil ||
		i["comments"].([]any)[0].(map[string]any)["body"] != "looked at it" {
		t.Errorf("the insight is %v", i)
	}
	if h := list("/insights/" + id + "/history"); len(h) < 7 {
		t.Errorf("the history has %d entries: %v", len(h), h)
	}
	for path, body := range map[string]string{"/suppressed": `{"suppressed":true}`, "/tags": `{"tags":["tier:0"]}`} {
		if a := c.ask("PUT", "/entities/_hostname-srv--1"+path, body, "-"); a.status != 200 {
			t.Errorf("PUT %s: %d %s", path, a.status, a.said)
		}
	}
	if a := c.ask("PUT", "/entities/_hostname-srv--1/criticality", `{"criticality":"nope"}`, "-"); a.status != 400 {
		t.Errorf("an unknown criticality: %d", a.status)
	}
	if e := list("/entities?q=" + url.QueryEscape(`tag:"tier:0" suppressed:true`)); len(e) != 1 {
		t.Errorf("%d entities are suppressed and tagged", len(e))
	}
	for _, path := range []string{"/insights/INSIGHT-9", "/signals/9", "/entities/9"} {
		if a := c.ask("GET", path, "", "-"); a.status != 404 {
			t.Errorf("GET %s: %d", path, a.status)
		}
	}
	all := c.ask("GET", "/insights/all", "", "-").data.(map[string]any)
	if len(all["objects"].([]any)) != 1 || all["nextPageToken"] != nil {
		t.Errorf("all insights: %v", all)
	}
}
