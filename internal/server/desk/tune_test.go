package desk_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/sec"
)

// hiddenRule is packages/T1204.001-malicious-link/rules/browser-child-hidden.cse.json.
const hiddenRule = "MATCH-U12042"

func (b *bench) waited(id string) object {
	b.t.Helper()
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		o := b.get("/backtests/" + id)
		if o["state"] != "running" {
			return o
		}
		if time.Since(began) > 30*time.Second {
			b.t.Fatalf("the back-test does not end: %v", o)
		}
	}
}

// TestBacktest: a rule that is changed is compared with the one that runs, over the same logs,
// and nothing that is live changes.
func TestBacktest(t *testing.T) {
	b := begin(t)
	b.sample("ws-fin-014-sysmon.jsonl", "security.jsonl", "ws-dev-022-sysmon.jsonl")
	b.insights(2)
	b.settled()
	before := b.get("/triage")
	status, o := b.ask("POST", "/api/gyoji/v1/backtests", `{"rules":["`+hiddenRule+`"]}`)
	if status != 200 {
		t.Fatalf("%d %v", status, o)
	}
	same := b.waited(o["id"].(string))
	mine, live := same["yours"].(object), same["live"].(object)
	if same["state"] != "done" || mine["signals"] != live["signals"] || mine["signals"] == 0.0 || len(list(same, "onlyYours"))+len(list(same, "onlyLive")) != 0 {
		t.Errorf("the same rule: %v", same)
	}
	// The signals of the live rule are those that are there.
	_, all := b.ask("GET", sec.Base+"/signals?q=ruleId:"+hiddenRule, "")
	if got := all["data"].(object)["total"]; got != live["signals"] {
		t.Errorf("live there are %v signals of the rule, and the back-test has %v", got, live["signals"])
	}
	documents, _ := json.Marshal(`kind: match_rule
id: ` + hiddenRule + `
name: Narrower
expression: "metadata_deviceEventId = 'Microsoft-Windows-Sysmon/Operational-1' AND commandLine matches /link-test/"
entity_selectors: [{entity_type: _hostname, expression: device_hostname}]
name_expression: "Narrow"
summary_expression: s
description_expression: d
score: 4
`)
	if status, o = b.ask("POST", "/api/gyoji/v1/backtests", `{"documents":`+string(documents)+`}`); status != 200 {
		t.Fatalf("%d %v", status, o)
	}
	less := b.waited(o["id"].(string))
	if mine := less["yours"].(object); less["state"] != "done" || mine["signals"] == 0.0 || less["onlyLiveTotal"] == 0.0 || less["live"].(object)["signals"] != live["signals"] {
		t.Errorf("a narrower rule: %v", less)
	}
	if after := b.get("/triage"); len(list(after, "rows")) != len(list(before, "rows")) {
		t.Error("a back-test has changed what is live")
	}
	for _, body := range []string{`{}`, `{"documents":"kind: match_rule\nname: x\n"}`, `{"rules":["` + hiddenRule + `"],"from":5,"to":4}`, `{"documents":"]["}`} {
		if status, o := b.ask("POST", "/api/gyoji/v1/backtests", body); status != 400 || o["message"] == "" {
			t.Errorf("%s: %d %v", body, status, o)
		}
	}
	if status, _ := b.ask("POST", "/api/gyoji/v1/backtests", `{"rules":["none"]}`); status != 404 {
		t.Errorf("a back-test of a rule that there is not: %d", status)
	}
	if status, _ := b.ask("GET", "/api/gyoji/v1/backtests/none", ""); status != 404 {
		t.Errorf("a back-test that there is not: %d", status)
	}
}

// TestTune: a proposal for one signal removes it and nothing else, says what an attacker could
// do with it, and, used, has the signal made no more.
func TestTune(t *testing.T) {
	b := begin(t)
	b.sample("ws-fin-014-sysmon.jsonl")
	b.insights(2)
	b.settled()
	_, o := b.ask("GET", sec.Base+"/signals?q=ruleId:"+hiddenRule, "")
	signals := list(o["data"].(object), "objects")
	id := signals[0].(object)["id"].(string)
	status, tuned := b.ask("POST", "/api/gyoji/v1/tune", `{"rule":"`+hiddenRule+`","signals":["`+id+`"]}`)
	if status != 200 || len(list(tuned, "proposals")) != 1 {
		t.Fatalf("%d %v", status, tuned)
	}
	p := list(tuned, "proposals")[0].(object)
	if p["problem"] != "" || p["before"] != float64(len(signals)) || p["removes"] != 1.0 || p["after"].(float64) >= p["before"].(float64) || !strings.Contains(p["expression"].(string), "commandLine") {
		t.Errorf("the proposal is %v", p)
	}
	// Its line writes below the user's temporary folder and carries code: an attacker's to choose.
	if a := p["attacker"].(object); a["usable"] != true || !strings.HasPrefix(a["text"].(string), "Yes: ") {
		t.Errorf("the attacker's answer is %v", a)
	}
	if p["trueCases"].(float64) < 3 {
		t.Errorf("only %v true cases were tried", p["trueCases"])
	}
	// One that excludes everything loses every true case.
	_, tuned = b.ask("POST", "/api/gyoji/v1/tune", `{"rule":"`+hiddenRule+`","expression":"baseImage like '%'"}`)
	all := list(tuned, "proposals")[0].(object)
	if all["after"] != 0.0 || float64(len(list(all, "lost"))) != all["trueCases"] || all["trueCases"] != p["trueCases"] {
		t.Errorf("an expression that always holds: %v", all)
	}
	_, tuned = b.ask("POST", "/api/gyoji/v1/tune", `{"rule":"`+hiddenRule+`","expression":"baseImage like"}`)
	if broken := list(tuned, "proposals")[0].(object); broken["problem"] == "" {
		t.Errorf("an expression with a mistake: %v", broken)
	}
	for body, want := range map[string]int{`{"rule":"none"}`: 404, `{"rule":"` + hiddenRule + `","signals":["none"]}`: 404, `{"rule":"` + hiddenRule + `","insight":"INSIGHT-77"}`: 404} {
		if status, _ := b.ask("POST", "/api/gyoji/v1/tune", body); status != want {
			t.Errorf("%s: %d, want %d", body, status, want)
		}
	}
	// What is proposed can be made as it is.
	text, _ := json.Marshal(object{"fields": p["document"]})
	if status, o := b.ask("POST", sec.Base+"/rule-tuning-expressions", string(text)); status != 200 {
		t.Errorf("the proposal is refused: %d %v", status, o)
	}
}
