package desk_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/sec"
)

const keller = `_username-corp\m.keller`

// TestEntity: the chart of an entity's score has the insight's score, an entity is suppressed
// for a reason and a time, and signals on it then do not count.
func TestEntity(t *testing.T) {
	b := begin(t)
	b.sample("ws-fin-014-sysmon.jsonl")
	b.insights(2)
	b.settled()
	path := "/entities/" + url.PathEscape(keller)
	e := b.get(path + "/desk")
	top := 0.0
	for _, s := range list(e, "steps") {
		top = max(top, s.(object)["score"].(float64))
	}
	// 6 + 8 make the insight; then 6 more come, which do not.
	if top != 14 || e["score"] != 0.0 && e["score"] != 6.0 || e["old"] != true || len(list(e, "insights")) != 1 || len(list(e, "signals")) < 3 || e["suppression"] != nil {
		t.Errorf("the entity is %v", e)
	}
	if h := e["wouldHide"].(object); h["insights"] != 1.0 || h["signals"] != float64(len(list(e, "signals"))) {
		t.Errorf("suppressed it would have hidden %v", h)
	}
	soon := time.Now().Add(1500 * time.Millisecond).UnixMilli()
	for body, want := range map[string]int{
		`{"until":` + fmt.Sprint(soon) + `}`: 400, `{"reason":"x","until":5}`: 400, `{"reason":"x","until":` + fmt.Sprint(time.Now().Add(100*24*time.Hour).UnixMilli()) + `}`: 400,
		`{"reason":"x","until":` + fmt.Sprint(soon) + `,"rev":77}`: 412,
	} {
		if status, o := b.ask("PUT", "/api/gyoji/v1"+path+"/suppression", body); status != want || o["message"] == "" {
			t.Errorf("%s: %d %v, want %d", body, status, o, want)
		}
	}
	// Suppressed, what is sent again does not count: 8.2. The samples' record numbers make the
	// same signals, so the logs of another record are sent.
	status, o := b.ask("PUT", "/api/gyoji/v1"+path+"/suppression", fmt.Sprintf(`{"reason":"pentest of the week","until":%d}`, time.Now().Add(time.Hour).UnixMilli()))
	if s, _ := o["suppression"].(object); status != 200 || s["reason"] != "pentest of the week" || s["by"] != "suANA" || s["until"] == nil {
		t.Fatalf("%d %v", status, o)
	}
	count := func() (counted, hidden int) {
		_, o := b.ask("GET", sec.Base+"/signals?limit=100&q="+url.QueryEscape(`entity.id:"`+keller+`" name:"Again"`), "")
		for _, s := range list(o["data"].(object), "objects") {
			if s.(object)["suppressed"] == true {
				hidden++
			} else {
				counted++
			}
		}
		return counted, hidden
	}
	rule := `{"fields":{"name":"Again","nameExpression":"Again","descriptionExpression":"d","summaryExpression":"s","enabled":true,"expression":"commandLine matches /again-[0-9]/","entitySelectors":[{"expression":"user_username","entityType":"_username"}],"scoreMapping":{"type":"constant","default":2},"tags":[],"stream":"record"}}`
	if status, o := b.ask("POST", sec.Base+"/rules/templated", rule); status != 200 {
		t.Fatalf("%d %v", status, o)
	}
	line := func(n int) string {
		return fmt.Sprintf(`{"TimeCreated":%q,"Channel":"Microsoft-Windows-Sysmon/Operational","Provider":"Microsoft-Windows-Sysmon","EventID":1,"EventRecordID":%d,"Computer":"WS-FIN-014.corp.example","User":"CORP\\m.keller","Image":"C:\\a.exe","CommandLine":"a.exe again-%d","ProcessId":%d}`,
			time.Now().UTC().Add(-time.Duration(n)*24*time.Hour).Format("2006-01-02T15:04:05.000Z"), 900000+n, n, n)
	}
	until := func(what string, holds func() bool) {
		t.Helper()
		for began := time.Now(); !holds(); time.Sleep(20 * time.Millisecond) {
			if time.Since(began) > 20*time.Second {
				t.Fatalf("not in 20 s: %s", what)
			}
		}
	}
	b.send(line(9))
	until("a signal on a suppressed entity", func() bool { _, hidden := count(); return hidden == 1 })
	if status, _ := b.ask("PUT", "/api/gyoji/v1"+path+"/suppression", fmt.Sprintf(`{"reason":"short","until":%d}`, time.Now().Add(300*time.Millisecond).UnixMilli())); status != 200 {
		t.Fatal(status)
	}
	time.Sleep(400 * time.Millisecond)
	b.send(line(5)) // a name counts again after 12 hours of quiet: 8.3
	until("a signal after the end of the suppression", func() bool { counted, _ := count(); return counted == 1 })
	if o := b.get(path + "/desk"); o["suppressed"] != false || o["suppression"] != nil {
		t.Errorf("after its end: %v", o["suppression"])
	}
	// Criticality by hand reaches the rules, too: 9.5.
	if status, o := b.ask("POST", sec.Base+"/entity-criticality-configs", `{"fields":{"name":"crown","severityExpression":"severity + 3"}}`); status != 200 {
		t.Fatalf("%d %v", status, o)
	}
	if status, o := b.ask("PUT", sec.Base+"/entities/"+url.PathEscape(keller)+"/criticality", `{"criticality":"crown"}`); status != 200 {
		t.Fatalf("%d %v", status, o)
	}
	b.send(line(1))
	until("a signal of severity 2 + 3", func() bool {
		_, o := b.ask("GET", sec.Base+"/signals?q="+url.QueryEscape(`name:"Again" severity:"5"`), "")
		return o["data"].(object)["total"] == 1.0
	})
	if status, _ := b.ask("GET", "/api/gyoji/v1/entities/none/desk", ""); status != 404 {
		t.Error("an entity that there is not")
	}
	if o := b.get("/entities?q=keller"); o["total"] != 1.0 {
		t.Errorf("entities: %v", o)
	}
}

// TestRulesCoverageHealth: what has fired is counted where it is shown, and what is wrong is
// said.
func TestRulesCoverageHealth(t *testing.T) {
	b := begin(t)
	b.sample("ws-fin-014-sysmon.jsonl", "security.jsonl", "ws-dev-022-sysmon.jsonl")
	b.insights(2)
	b.settled()
	rules := b.get("/rules")
	var hidden object
	for _, r := range list(rules, "rules") {
		if r.(object)["id"] == hiddenRule {
			hidden = r.(object)
		}
	}
	_, o := b.ask("GET", sec.Base+"/signals?q=ruleId:"+hiddenRule, "")
	if n := o["data"].(object)["total"]; hidden["count"] != n || hidden["lastFired"] == nil || hidden["level"] != "critical" || hidden["source"] != "builtin" || hidden["package"] != "Malicious Link" || len(list(hidden, "days")) != 14 {
		t.Errorf("of %v signals the rule says %v", n, hidden)
	}
	if one := b.get("/rules/" + hiddenRule); one["count"] != hidden["count"] || one["editable"] != false || one["yaml"] == "" || float64(len(list(one, "signals"))) != one["count"] {
		t.Errorf("the rule is %v", one)
	}
	if status, _ := b.ask("GET", "/api/gyoji/v1/rules/none", ""); status != 404 {
		t.Error("a rule that there is not")
	}

	cover := b.get("/coverage")
	states := map[string]string{}
	n := 0
	for _, tactic := range list(cover, "tactics") {
		for _, c := range list(tactic.(object), "techniques") {
			x := c.(object)
			states[x["id"].(string)] = x["state"].(string)
			n++
		}
	}
	if states["T1204.001"] != "fires" || states["T1485"] != "none" || len(list(cover, "tactics")) != 15 || n < 200 {
		t.Errorf("of %d techniques T1204.001 is %s, T1485 %s", n, states["T1204.001"], states["T1485"])
	}

	health := b.get("/health")
	if len(list(health, "care")) != 0 || health["figures"].(object)["messages"].(float64) < 700 || health["figures"].(object)["latency"] == nil || len(list(health, "sources")) != 3 {
		t.Errorf("the health is %v", health)
	}
	// A rule that cannot run is named.
	if status, o := b.ask("POST", "/api/gyoji/v1/content", `{"files":[{"name":"a.yaml","text":"kind: match_list\nname: l\ntarget_column: Ip\nitems: [a]\n"}]}`); status != 200 {
		t.Fatalf("%d %v", status, o)
	}
	// A source that sent every 20 ms and sends no more is missed after half a minute; one that
	// sent twice is not. The clock of the desk goes on.
	for i := range 12 {
		b.send(fmt.Sprintf(`{"n":%d}`, i))
		time.Sleep(5 * time.Millisecond)
	}
	b.later(45 * time.Second)
	health = b.get("/health")
	care := list(health, "care")
	if len(care) == 0 || care[0].(object)["what"] != "silent" || care[0].(object)["kind"] != "act" || care[0].(object)["to"] == "" {
		t.Errorf("what needs care: %v", care)
	}
}

// TestWhyRule: of a message that the rule fires on nothing is wanting; of another the part of
// the condition that does not hold is named, with what the record has.
func TestWhyRule(t *testing.T) {
	b := begin(t)
	rule := `kind: match_rule\nname: Word of a line\nenabled: true\nstream: record\nexpression: \"commandLine LIKE '%needle%' AND baseImage LIKE '%tool.exe'\"\nentity_selectors:\n  - entity_type: _hostname\n    expression: device_hostname\nscore_mapping:\n  type: constant\n  default: 4\n`
	message := func(line string) string {
		return fmt.Sprintf(`{\"TimeCreated\":\"2026-03-10T10:00:00Z\",\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"Provider\":\"Microsoft-Windows-Sysmon\",\"EventID\":1,\"Computer\":\"H1\",\"Image\":\"C:\\\\\\\\tool.exe\",\"CommandLine\":\"%s\"}`, line)
	}
	ask := func(line string) object {
		t.Helper()
		status, o := b.ask("POST", "/api/gyoji/v1/whyrule", `{"documents":"`+rule+`","message":"`+message(line)+`"}`)
		if status != 200 {
			t.Fatalf("%d %v", status, o)
		}
		return o
	}
	if o := ask("tool.exe needle"); o["counted"] != 1.0 || o["records"] != 1.0 {
		t.Errorf("a message that fits: %v", o)
	}
	o := ask("tool.exe hay")
	parts := list(list(o, "steps")[0].(object), "conditions")
	if o["counted"] != 0.0 || len(parts) != 2 || parts[0].(object)["holds"] != 0.0 || parts[1].(object)["holds"] != 1.0 {
		t.Fatalf("a message that does not fit: %v", o)
	}
	at := list(parts[0].(object), "attributes")[0].(object)
	if v := list(at, "values"); at["attribute"] != "commandLine" || len(v) != 1 || v[0].(object)["value"] != "tool.exe hay" {
		t.Errorf("what the record has: %v", at)
	}
	for body, want := range map[string]int{`{"rule":"MATCH-NONE","message":"x"}`: 404, `{"rule":"x","message":" "}`: 400, `{"documents":"kind: [","message":"x"}`: 400} {
		if status, o := b.ask("POST", "/api/gyoji/v1/whyrule", body); status != want || o["message"] == "" {
			t.Errorf("%s: %d %v, want %d", body, status, o, want)
		}
	}
}

// TestTriageIsCut: of many insights the list has the most urgent, and the counts are of all.
func TestTriageIsCut(t *testing.T) {
	b := begin(t)
	b.sample("ws-dev-022-sysmon.jsonl")
	b.insights(2)
	b.settled()
	all := b.get("/triage")
	cut := b.get("/triage?limit=1")
	rows := list(cut, "rows")
	if len(list(all, "rows")) < 2 || len(rows) != 1 || rows[0].(object)["id"] != list(all, "rows")[0].(object)["id"] || fmt.Sprint(cut["counts"]) != fmt.Sprint(all["counts"]) {
		t.Errorf("all %v, cut to one %v", all, cut)
	}
	if status, o := b.ask("GET", "/api/gyoji/v1/triage?limit=many", ""); status != 400 {
		t.Errorf("%d %v", status, o)
	}
}
