package sec_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/server/sec"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// client asks the API over a database of its own.
type client struct {
	t    *testing.T
	url  string
	api  *sec.API
	docs *sec.Documents
	now  time.Time
}

func served(t *testing.T, builtin ...*ruledoc.Document) *client {
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
	c := &client{t: t, docs: sec.Of(db), now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	c.api = sec.New(c.docs, sec.Options{Builtin: builtin, Now: func() time.Time { return c.now }})
	mux := http.NewServeMux()
	for _, r := range c.api.Routes() {
		mux.HandleFunc(r.Pattern, r.Serve)
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	c.url = s.URL + sec.Base
	return c
}

type answer struct {
	status int
	etag   string
	data   any
	said   string // the first error
}

// ask makes a call. header is If-Match, where it is not "-".
func (c *client) ask(method, path, body, ifMatch string) answer {
	c.t.Helper()
	r, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if ifMatch != "-" {
		r.Header.Set("If-Match", ifMatch)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	var out struct {
		Data   any
		Errors []struct{ Message, Code string }
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&out); err != nil && resp.StatusCode != http.StatusMethodNotAllowed && resp.StatusCode != http.StatusNotFound {
		c.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	a := answer{resp.StatusCode, resp.Header.Get("ETag"), out.Data, ""}
	if len(out.Errors) > 0 {
		a.said = out.Errors[0].Message
	}
	return a
}

// made makes a document and gives its id.
func (c *client) made(path, fields string) string {
	c.t.Helper()
	a := c.ask("POST", path, `{"fields":`+fields+`}`, "-")
	if a.status != 200 {
		c.t.Fatalf("POST %s: %d %s", path, a.status, a.said)
	}
	o := a.data.(map[string]any)
	if o["id"] == nil {
		return fmt.Sprint(o["key"])
	}
	return fmt.Sprint(o["id"])
}

const matchRule = `{"name":"LSASS dump","nameExpression":"LSASS dump on {{device_hostname}}","descriptionExpression":"d","enabled":true,"stream":"record",
	"expression":"lower(baseImage) LIKE '%rundll32.exe'","entitySelectors":[{"expression":"device_hostname","entityType":"_hostname"}],
	"scoreMapping":{"type":"constant","default":8,"field":""},"summaryExpression":"s","tags":["_mitreAttackTechnique:T1003.001"],"isPrototype":false}`

const thresholdRule = `{"name":"spray","description":"d","enabled":true,"expression":"metadata_deviceEventId = 'Security-4625'","limit":20,"countDistinct":false,"countField":"",
	"groupByFields":[],"entitySelectors":[{"expression":"srcDevice_ip","entityType":"_ip"}],"score":5,"stream":"record","summaryExpression":"s","tags":[],"version":1,"windowSize":"T30M","isPrototype":false}`

// TestEveryResource makes, reads, lists, changes and deletes a document of each kind, by
// the field lists of 14.5.
func TestEveryResource(t *testing.T) {
	for _, x := range []struct{ path, put, fields, change string }{
		{"/rule-tuning-expressions", "", `{"name":"n","description":"d","expression":"user_username = 'svc'","enabled":true,"exclude":true,"isGlobal":false,"ruleIds":["MATCH-U00001"]}`, `{"name":"n2","description":"d","expression":"user_username = 'svc2'","enabled":false,"exclude":true,"isGlobal":true,"ruleIds":[]}`},
		{"/custom-insights", "", `{"name":"n","description":"d","enabled":true,"ordered":true,"ruleIds":["MATCH-U00001"],"severity":"HIGH","signalNames":[],"tags":[]}`, `{"name":"n","description":"other","enabled":true,"ordered":false,"ruleIds":["MATCH-U00001","MATCH-U00002"],"severity":"LOW","signalNames":[],"tags":["a:b"]}`},
		{"/match-lists", "", `{"name":"vuln_scanners","description":"d","active":true,"defaultTtl":0,"targetColumn":"SrcIp"}`, `{"active":true,"defaultTtl":3600,"description":"other"}`},
		{"/network-blocks", "", `{"addressBlock":"10.0.0.0/8","label":"office","internal":true,"suppressesSignals":false}`, `{"addressBlock":"10.1.0.0/16","label":"office","internal":true,"suppressesSignals":true}`},
		{"/custom-match-list-columns", "", `{"name":"Cmd","fields":["commandLine"]}`, `{"name":"Cmd","fields":["commandLine","parentCommandLine"]}`},
		{"/custom-entity-types", "", `{"name":"Serial","identifier":"serial","fields":["device_uniqueId"]}`, `{"name":"Serial","fields":["device_uniqueId","srcDevice_uniqueId"]}`},
		{"/entity-criticality-configs", "", `{"name":"crown","severityExpression":"severity + 3"}`, `{"severityExpression":"severity * 2"}`},
		{"/entity-group-configurations/entity_value", "/entity-group-configurations/entity_value", `{"name":"g","description":"d","entityType":"_hostname","prefix":"dc-","criticality":"crown","suppressed":false,"tags":["a:b"]}`, `{"name":"g","entityType":"_hostname","prefix":"srv-"}`},
		{"/insight-status", "", `{"name":"Waiting","description":"d"}`, `{"name":"Waits","description":"e"}`},
		{"/insight-resolutions", "", `{"name":"Pentest","description":"d","parentId":2}`, `{"description":"e"}`},
		{"/tag-schemas", "", `{"key":"cost","label":"Cost","contentTypes":["customInsight"],"freeform":true,"valueOptions":[{"value":"v","label":"l","link":"http://x.example"}]}`, `{"key":"cost","label":"Costs","contentTypes":["entity"],"freeform":false}`},
		{"/context-actions", "", `{"name":"lookup","type":"URL","template":"https://x.example/{{value}}","iocTypes":["IP_ADDRESS"],"allRecordFields":true,"enabled":true}`, `{"name":"lookup2","type":"URL","template":"https://x.example/{{value}}","iocTypes":[],"allRecordFields":false,"enabled":false}`},
		{"/rules/templated", "/rules/templated", matchRule, strings.Replace(matchRule, `"default":8`, `"default":9`, 1)},
		{"/rules/threshold", "/rules/threshold", thresholdRule, strings.Replace(thresholdRule, `"limit":20`, `"limit":25`, 1)},
	} {
		t.Run(x.path, func(t *testing.T) {
			c := served(t)
			id := c.made(x.path, x.fields)
			base := x.path
			if strings.HasPrefix(base, "/rules/") {
				base = "/rules"
			}
			base = strings.TrimSuffix(base, "/entity_value")
			put := base
			if x.put != "" {
				put = x.put
			}
			one := c.ask("GET", base+"/"+id, "", "-")
			if one.status != 200 || one.etag != `"1"` {
				t.Fatalf("GET: %d, ETag %s, want 200 and \"1\": %s", one.status, one.etag, one.said)
			}
			holds(t, one.data, x.fields)
			list := c.ask("GET", base+"?limit=100", "", "-").data.(map[string]any)
			if !slices.ContainsFunc(list["objects"].([]any), func(o any) bool {
				return fmt.Sprint(o.(map[string]any)["id"]) == id || o.(map[string]any)["key"] == id
			}) {
				t.Errorf("the list does not have it: %v", list)
			}
			for _, ifMatch := range []string{`"7"`, `W/"9"`} {
				if a := c.ask("PUT", put+"/"+id, `{"fields":`+x.change+`}`, ifMatch); a.status != 412 {
					t.Errorf("If-Match %s: %d, want 412", ifMatch, a.status)
				}
			}
			rev := 1
			for _, ifMatch := range []string{"-", "", "*", ""} {
				a := c.ask("PUT", put+"/"+id, `{"fields":`+x.change+`}`, ifMatch)
				if rev++; a.status != 200 || a.etag != fmt.Sprintf("%q", fmt.Sprint(rev)) {
					t.Fatalf("PUT with If-Match %q: %d, ETag %s, want revision %d: %s", ifMatch, a.status, a.etag, rev, a.said)
				}
			}
			holds(t, c.ask("GET", base+"/"+id, "", "-").data, x.change)
			if a := c.ask("DELETE", base+"/"+id, "", "-"); a.status != 200 {
				t.Errorf("DELETE: %d %s", a.status, a.said)
			}
			for _, method := range []string{"GET", "DELETE"} {
				if a := c.ask(method, base+"/"+id, "", "-"); a.status != 404 || !strings.Contains(a.said, id) {
					t.Errorf("%s after DELETE: %d %q, want 404 that names the id", method, a.status, a.said)
				}
			}
			if again := c.made(x.path, x.fields); again == id && base != "/tag-schemas" {
				t.Errorf("the id %s came a second time", id)
			}
		})
	}
}

// holds compares what was read with what was written, as far as both spell it the same way.
func holds(t *testing.T, got any, fields string) {
	t.Helper()
	var want map[string]any
	if err := json.Unmarshal([]byte(fields), &want); err != nil {
		t.Fatal(err)
	}
	renamed := map[string]string{"contentTypes": "contentTypeEnums", "valueOptions": "valueOptionObjects", "windowSize": "windowSizeName"}
	o := got.(map[string]any)
	for k, v := range want {
		if k == "parentId" {
			if o["parent"].(map[string]any)["id"] != v {
				t.Errorf("parent is %v, want %v", o["parent"], v)
			}
			continue
		}
		as := k
		if r, ok := renamed[k]; ok {
			as = r
		}
		if fmt.Sprint(o[as]) != fmt.Sprint(v) {
			t.Errorf("%s is %v, want %v", as, o[as], v)
		}
	}
}

func TestWindowsAreMillisecondsWithTheirNamesBeside(t *testing.T) {
	c := served(t)
	for given, want := range map[string][2]any{
		`"windowSize":"T30M"`:    {1800000.0, "T30M"},
		`"windowSize":"T05D"`:    {432000000.0, "T05D"},
		`"windowSize":"1800000"`: {1800000.0, "CUSTOM"},
		`"windowSize":900000`:    {900000.0, "CUSTOM"},
		`"windowSize":"CUSTOM","windowSizeMilliseconds":"720000"`: {720000.0, "CUSTOM"},
	} {
		id := c.made("/rules/threshold", strings.Replace(thresholdRule, `"windowSize":"T30M"`, given, 1))
		o := c.ask("GET", "/rules/"+id, "", "-").data.(map[string]any)
		if got := [2]any{o["windowSize"], o["windowSizeName"]}; got != want {
			t.Errorf("%s: %v, want %v", given, got, want)
		}
		if o["ruleSource"] != "user" || o["ruleType"] != "threshold" {
			t.Errorf("the rule is %v %v", o["ruleSource"], o["ruleType"])
		}
	}
}

func TestRefusalsSayWhatIsWrong(t *testing.T) {
	c := served(t)
	id := c.made("/rules/templated", matchRule)
	list := c.made("/match-lists", `{"name":"admins","targetColumn":"Username"}`)
	for _, x := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "/rules/templated", ``, 400, "empty"},
		{"POST", "/rules/templated", `{"fields":`, 400, "JSON"},
		{"POST", "/rules/templated", `{"fields":{}} x`, 400, "JSON"},
		{"POST", "/rules/templated", `[]`, 400, "JSON"},
		{"POST", "/rules/templated", `{"name":"x"}`, 400, "fields"},
		{"POST", "/rules/templated", `{"fields":[1]}`, 400, "object"},
		{"POST", "/rules/templated", `{"fields":{"name":" "}}`, 400, "name"},
		{"POST", "/rules/templated", `{"fields":` + strings.Replace(matchRule, "LIKE '%", "LIKE LIKE '%", 1) + `}`, 400, "expression"},
		{"POST", "/rules/threshold", `{"fields":` + strings.Replace(thresholdRule, "T30M", "T31M", 1) + `}`, 400, "T31M"},
		{"POST", "/rules/threshold", `{"fields":` + matchRule + `}`, 400, ""},
		{"POST", "/rules/sigma", `{"fields":{}}`, 405, ""},
		{"PUT", "/rules/threshold/" + id, `{"fields":` + thresholdRule + `}`, 404, id},
		{"PUT", "/rules/sigma/" + id, `{"fields":` + thresholdRule + `}`, 404, "sigma"},
		{"PUT", "/rules/templated/" + id + "/override", `{"fields":{"expression":"x = 1"}}`, 400, "expression"},
		{"GET", "/rules/NOPE-1", ``, 404, "NOPE-1"},
		{"GET", "/rules?limit=101", ``, 400, "100"},
		{"GET", "/rules?limit=0", ``, 400, "limit"},
		{"GET", "/rules?offset=-1", ``, 400, "offset"},
		{"GET", "/rules?offset=9990&limit=11", ``, 400, "must not exceed 10000"},
		{"GET", "/rules?q=colour:red", ``, 400, "colour"},
		{"GET", `/rules?q=name:"x`, ``, 400, "closed"},
		{"POST", "/match-lists", `{"fields":{"name":"ADMINS","targetColumn":"Username"}}`, 400, "already"},
		{"POST", "/match-lists", `{"fields":{"name":"x","targetColumn":"Colour"}}`, 400, "Colour"},
		{"POST", "/match-lists/" + list + "/items", `{"items":[{"active":true}]}`, 400, "value"},
		{"POST", "/match-lists/" + list + "/items", `{"items":[{"value":"x","expiration":"soon"}]}`, 400, "soon"},
		{"POST", "/match-lists/9/items", `{"items":[{"value":"x"}]}`, 404, "9"},
		{"POST", "/network-blocks", `{"fields":{"addressBlock":"10.0.0.0/99"}}`, 400, "10.0.0.0/99"},
		{"POST", "/insight-resolutions", `{"fields":{"name":"x","parentId":77}}`, 400, "77"},
		{"POST", "/insight-status", `{"fields":{"name":"Closed"}}`, 400, "already"},
		{"PUT", "/insight-status/new", `{"fields":{"name":"x"}}`, 400, "built in"},
		{"DELETE", "/insight-status/new", ``, 400, "built in"},
		{"PUT", "/insights-configuration", `{"config":{"threshold":"high"}}`, 400, "threshold"},
		{"POST", "/entity-criticality-configs", `{"fields":{"name":"x","severityExpression":"severity +"}}`, 400, ""},
	} {
		a := c.ask(x.method, strings.ReplaceAll(x.path, `"`, "%22"), x.body, "-")
		if a.status != x.status || !strings.Contains(a.said, x.says) || x.status != 405 && a.said == "" {
			t.Errorf("%s %s %.60s: %d %q, want %d with %q", x.method, x.path, x.body, a.status, a.said, x.status, x.says)
		}
	}
}

func TestItemsOfLists(t *testing.T) {
	c := served(t)
	list := c.made("/match-lists", `{"name":"scanners","targetColumn":"SrcIp"}`)
	add := func(from, to int) answer {
		var all []string
		for i := from; i < to; i++ {
			all = append(all, fmt.Sprintf(`{"value":"10.0.%d.%d","active":true,"description":"d%d"}`, i/256, i%256, i))
		}
		return c.ask("POST", "/match-lists/"+list+"/items", `{"items":[`+strings.Join(all, ",")+`]}`, "-")
	}
	if a := add(0, 1001); a.status != 400 || !strings.Contains(a.said, "1000") {
		t.Errorf("1001 items in one call: %d %s", a.status, a.said)
	}
	for i := 0; i < 2500; i += 1000 {
		if a := add(i, min(i+1000, 2500)); a.status != 200 {
			t.Fatal(a.said)
		}
	}
	add(0, 10) // again: no second ones
	page := c.ask("GET", "/match-list-items?limit=1000&offset=2000&listIds="+list, "", "-").data.(map[string]any)
	if page["total"] != 2500.0 || len(page["objects"].([]any)) != 500 || page["hasNextPage"] != false {
		t.Errorf("the last page has %d of %v items, more: %v", len(page["objects"].([]any)), page["total"], page["hasNextPage"])
	}
	seen, token := map[any]bool{}, ""
	for range 4 {
		o := c.ask("GET", "/match-list-items/all?listIds="+list+"&nextPageToken="+token, "", "-").data.(map[string]any)
		for _, i := range o["objects"].([]any) {
			seen[i.(map[string]any)["value"]] = true
		}
		if token, _ = o["nextPageToken"].(string); token == "" {
			break
		}
	}
	if len(seen) != 2500 || token != "" {
		t.Errorf("by tokens %d items came, want 2500; a token is left: %q", len(seen), token)
	}
	item := page["objects"].([]any)[0].(map[string]any)
	id := item["id"].(string)
	if a := c.ask("PUT", "/match-list-items/"+id, `{"fields":{"active":false,"description":"gone"}}`, "-"); a.status != 200 || a.data.(map[string]any)["active"] != false || a.data.(map[string]any)["value"] != item["value"] {
		t.Errorf("an item switched off: %+v", a)
	}
	if a := c.ask("DELETE", "/match-list-items/"+id, "", "-"); a.status != 200 {
		t.Errorf("DELETE: %+v", a)
	}
	if a := c.ask("DELETE", "/match-lists/"+list, "", "-"); a.status != 200 {
		t.Errorf("DELETE of the list: %+v", a)
	}
	if o := c.ask("GET", "/match-list-items?listIds="+list, "", "-").data.(map[string]any); o["total"] != 0.0 {
		t.Errorf("%v items of a list that is gone", o["total"])
	}
}

func TestSearchOfRules(t *testing.T) {
	c := served(t)
	c.made("/rules/templated", matchRule)
	c.made("/rules/templated", strings.Replace(matchRule, "LSASS dump", "Other", 1))
	c.made("/rules/threshold", strings.Replace(thresholdRule, `"enabled":true`, `"enabled":false`, 1))
	for q, want := range map[string]int{
		"": 3, `name:"LSASS dump"`: 1, `name:contains("dump")`: 1, `lsass`: 1, `enabled:true`: 2, `-enabled:true`: 1, `ruleType:threshold`: 1,
		`severity:>4`: 1, `severity:4..6`: 1, `tag:"_mitreAttackTechnique:T1003.001"`: 2, `enabled:true AND name:in("Other", "x")`: 1, `id:MATCH-U00001`: 1,
	} {
		o := c.ask("GET", "/rules?q="+url.QueryEscape(q), "", "-").data.(map[string]any)
		if got := len(o["objects"].([]any)); got != want || o["total"] != float64(want) {
			t.Errorf("q=%s finds %d of %v, want %d", q, got, o["total"], want)
		}
	}
	if o := c.ask("GET", "/rules?limit=2", "", "-").data.(map[string]any); o["hasNextPage"] != true || len(o["objects"].([]any)) != 2 {
		t.Errorf("a page of two: %v", o)
	}
}

// TestContentRuns loads what was written by the API into a tenant.
func TestContentRuns(t *testing.T) {
	c := served(t)
	match := c.made("/rules/templated", matchRule)
	c.made("/rules/threshold", thresholdRule)
	c.made("/rule-tuning-expressions", `{"name":"n","description":"d","expression":"user_username = 'svc'","enabled":true,"exclude":true,"isGlobal":false,"ruleIds":["`+match+`"]}`)
	list := c.made("/match-lists", `{"name":"scanners","targetColumn":"SrcIp"}`)
	c.ask("POST", "/match-lists/"+list+"/items", `{"items":[{"value":"10.0.0.1"},{"value":"10.0.0.2","active":false},{"value":"10.0.0.3","expiration":"2026-03-02T10:00:01"}]}`, "-")
	if a := c.ask("PUT", "/insights-configuration", `{"config":{"threshold":20,"lookbackDays":7}}`, `"0"`); a.status != 200 {
		t.Fatal(a.said)
	}
	if o := c.ask("GET", "/insights-configuration", "", "-").data.(map[string]any); o["threshold"] != 20.0 || o["lookbackDays"] != 7.0 {
		t.Errorf("the settings are %v", o)
	}
	if o := c.ask("GET", "/entity-normalization/domain-configuration", "", "-").data.(map[string]any); o["normalizeHostnames"] != false {
		t.Errorf("the domain configuration is %v", o)
	}
	items := func() int {
		docs, found, err := c.api.Content(context.Background())
		if err != nil || len(found) > 0 {
			t.Fatal(err, found)
		}
		x := tenant.New(docs, nil)
		if len(x.Rules) != 2 || len(x.Unusable) > 0 || x.Content.Settings.Threshold != 20 {
			t.Errorf("the tenant has %d rules, %v unusable, a threshold of %v", len(x.Rules), x.Unusable, x.Content.Settings.Threshold)
		}
		for _, r := range x.Rules {
			if r.ID == match && len(r.Tunings) != 1 {
				t.Errorf("the rule has %d tunings", len(r.Tunings))
			}
		}
		for _, d := range docs {
			if l, _ := d.List(); d.What == "match_list" {
				return len(l.Items)
			}
		}
		return -1
	}
	if n := items(); n != 2 {
		t.Errorf("%d items are in force, want 2", n)
	}
	c.now = c.now.Add(time.Minute)
	if n := items(); n != 1 {
		t.Errorf("%d items are in force after one has expired, want 1", n)
	}
}

// TestApplyFiles makes the content like that of files: what a file gives is given back, a
// broken document stops nothing, and what is the same is left alone.
func TestApplyFiles(t *testing.T) {
	c := served(t)
	files := []sec.File{{Name: "a.yaml", Text: `
kind: match_rule
id: MATCH-U00042
name: A rule
expression: "metadata_deviceEventId = 'Security-4625'"
entity_selectors: [{entity_type: _hostname, expression: device_hostname}]
name_expression: x
summary_expression: s
description_expression: d
score: 4
---
kind: match_list
name: commands
target_column: Command
items: [one, {value: two, active: false, expiration: "2037-01-01T00:00:00"}]
---
kind: custom_match_list_column
name: Command
fields: [commandLine]
`}, {Name: "b.yaml", Text: `
kind: match_rule
name: broken
expression: "x = = 1"
entity_selectors: [{entity_type: _hostname, expression: device_hostname}]
score: 4
---
kind: insights_configuration
threshold: 20
`}}
	did := func(asked sec.Asked) string {
		t.Helper()
		body, err := json.Marshal(asked)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.Post(strings.TrimSuffix(c.url, sec.Base)+sec.ContentPath, "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		var out struct{ Data []sec.Outcome }
		if err := json.NewDecoder(r.Body).Decode(&out); err != nil || r.StatusCode != 200 {
			t.Fatal(r.Status, err)
		}
		var all []string
		for _, o := range out.Data {
			all = append(all, o.Did+" "+o.Name+strings.Join(o.Fields, ","))
			if o.Did == "refused" && (o.Reason == "" || o.File == "") {
				t.Errorf("%+v says too little", o)
			}
		}
		slices.Sort(all)
		return strings.Join(all, "; ")
	}
	for i, want := range []string{
		"created ; created A rule; created Command; created commands; refused broken",
		"refused broken; same ; same A rule; same Command; same commands",
	} {
		for _, dry := range []bool{true, false} {
			if got := did(sec.Asked{Files: files, Dry: dry}); got != want {
				t.Errorf("round %d, dry %v: %s, want %s", i, dry, got, want)
			}
		}
	}
	r, err := http.Get(strings.TrimSuffix(c.url, sec.Base) + sec.ContentPath)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var out struct{ Data struct{ YAML string } }
	if err := json.NewDecoder(r.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	exported := []sec.File{{Name: "all.yaml", Text: out.Data.YAML}}
	if got := did(sec.Asked{Files: exported, Prune: true}); got != "same ; same A rule; same Command; same commands" {
		t.Errorf("what was exported, applied: %s", got)
	}
	exported[0].Text = strings.Replace(strings.Replace(out.Data.YAML, "score: 4", "score: 5", 1), "value: one", "value: three", 1)
	if got := did(sec.Asked{Files: exported}); got != "changed A rulescore; changed commandsitems; same ; same Command" {
		t.Errorf("changed: %s", got)
	}
	if got := did(sec.Asked{Files: []sec.File{{Name: "x.yaml", Text: "kind: insights_configuration\nthreshold: 20\n"}}, Prune: true}); got != "deleted A rule; deleted Command; deleted commands; same " {
		t.Errorf("pruned: %s", got)
	}
}

// TestOneIDTwice: of two documents of one id the first is used, and the other is refused with
// the place of the first; a trial says the same.
func TestOneIDTwice(t *testing.T) {
	c := served(t)
	const rule = "kind: match_rule\nid: MATCH-U00042\nname: %s\nexpression: \"commandLine = 'x'\"\nentity_selectors: [{entity_type: _hostname, expression: device_hostname}]\nname_expression: x\nsummary_expression: s\ndescription_expression: d\nscore: 4\n"
	files := []sec.File{{Name: "a.yaml", Text: fmt.Sprintf(rule, "First")}, {Name: "b.yaml", Text: fmt.Sprintf(rule, "Second")}}
	for _, want := range []struct {
		dry bool
		did string
	}{{true, "created"}, {false, "created"}, {true, "same"}, {false, "same"}} {
		text, err := json.Marshal(sec.Asked{Files: files, Dry: want.dry})
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.Post(strings.TrimSuffix(c.url, sec.Base)+sec.ContentPath, "application/json", bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		var o struct{ Data []sec.Outcome }
		if err := json.NewDecoder(r.Body).Decode(&o); err != nil || len(o.Data) != 2 {
			t.Fatal(r.Status, err, o)
		}
		if a, b := o.Data[0], o.Data[1]; a.Did != want.did || b.Did != "refused" || !strings.Contains(b.Reason, "a.yaml") || !strings.Contains(b.Reason, "First") {
			t.Errorf("%+v, want %+v and a refusal that names the first", o.Data, want)
		}
	}
}
