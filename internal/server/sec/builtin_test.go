package sec_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/server/sec"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

const shippedRule = `{"fields":{"id":"THRESHOLD-S00001","name":"Many failures","enabled":true,"stream":"record","expression":"metadata_vendor = 'Microsoft'",
"entitySelectors":[{"entityType":"_hostname","expression":"device_hostname"}],"description":"as shipped","score":1,"isPrototype":true,
"tags":["_mitreAttackTactic:TA0007"],"countDistinct":false,"groupByFields":["srcDevice_ip"],"limit":25,"windowSize":"T05M","summaryExpression":"seen"}}`

// TestOverrideOfBuiltin overrides a rule that every tenant has, as the Terraform provider does:
// all fields that may be overridden, each time. What runs is the overridden rule; what is as
// shipped follows another version of the program. Source: cloud-siem.md 5.9.
func TestOverrideOfBuiltin(t *testing.T) {
	builtin := func(text string) []*ruledoc.Document {
		docs, found, err := tenant.Read([]tenant.Place{{FS: fstest.MapFS{"a.cse.json": {Data: []byte(text)}}, Path: ".", Name: "builtin"}})
		if err != nil || len(docs) != 1 {
			t.Fatal(docs, found, err)
		}
		return docs
	}
	c := served(t, builtin(shippedRule)...)
	runs := func(c *client) *ruledoc.Rule {
		t.Helper()
		docs, found, err := c.api.Content(context.Background())
		if err != nil || len(docs) != 1 || len(found) > 0 {
			t.Fatalf("%d documents, %v, %v", len(docs), found, err)
		}
		r, _ := docs[0].Rule()
		return r
	}
	const path = "/rules/threshold/THRESHOLD-S00001/override"
	put := func(changes string) answer {
		t.Helper()
		all := `"description":"as shipped","entitySelectors":[{"entityType":"_hostname","expression":"device_hostname"}],"groupByFields":["srcDevice_ip"],"isPrototype":true,"limit":25,
			"name":"Many failures","score":1,"summaryExpression":"seen","tags":["_mitreAttackTactic:TA0007"],"windowSize":"T05M"`
		return c.ask("PUT", path, `{"fields":{`+all+changes+`}}`, "-")
	}
	a := put(`,"score":7,"description":"ours"`)
	if a.status != 200 {
		t.Fatal(a.status, a.said)
	}
	got := a.data.(map[string]any)
	if got["ruleSource"] != "sumo" || fmt.Sprint(got["score"]) != "7" || got["description"] != "ours" || fmt.Sprint(got["limit"]) != "25" || got["id"] != "THRESHOLD-S00001" || fmt.Sprint(got["windowSize"]) != "300000" {
		t.Errorf("the answer is %v", got)
	}
	if r := runs(c); r.Score != 7 || r.Limit != 25 || r.Window != 300000 || r.ID != "THRESHOLD-S00001" {
		t.Errorf("what runs has severity %d, limit %d, window %d", r.Score, r.Limit, r.Window)
	}

	// What may not be overridden, is wrong, or is another kind's.
	for changes, want := range map[string]string{
		`,"expression":"true"`: "an override does not change expression", `,"enabled":false`: "an override does not change enabled", `,"limit":0`: "", `,"windowSize":"T99Z"`: "",
		`,"score":99`: "", `,"entitySelectors":[]`: "", `,"score":"high"`: "", `,"id":"x"`: "an override does not change id",
	} {
		if a := put(changes); a.status != 400 || !strings.Contains(a.said, want) {
			t.Errorf("%s: %d %s", changes, a.status, a.said)
		}
	}
	if a := c.ask("PUT", strings.Replace(path, "threshold/", "templated/", 1), `{"fields":{"score":3}}`, "-"); a.status != 404 {
		t.Errorf("as a rule of another kind: %d %s", a.status, a.said)
	}
	if r := runs(c); r.Score != 7 || r.Limit != 25 {
		t.Errorf("after what was refused, severity %d and limit %d", r.Score, r.Limit)
	}

	// Switched off and on, it stays overridden; of two people the second is told.
	tag := c.ask("GET", "/rules/THRESHOLD-S00001", "", "-").etag
	if a := c.ask("PUT", "/rules/THRESHOLD-S00001/enabled", `{"fields":{"enabled":false}}`, tag); a.status != 200 || a.data.(map[string]any)["enabled"] != false {
		t.Fatal(a)
	}
	if a := c.ask("PUT", path, `{"fields":{"score":2}}`, tag); a.status != 412 {
		t.Errorf("with the ETag of before: %d", a.status)
	}
	if docs, _, err := c.api.Content(context.Background()); err != nil || len(docs) != 0 {
		t.Errorf("off, and %d rules run, %v", len(docs), err)
	}
	c.ask("PUT", "/rules/THRESHOLD-S00001/enabled", `{"fields":{"enabled":true}}`, "-")
	if r := runs(c); r.Score != 7 {
		t.Errorf("on again, severity %d", r.Score)
	}

	// A new version of the program: what was overridden stays, all else is the new version's.
	newer := strings.NewReplacer(`"limit":25`, `"limit":30`, `"score":1`, `"score":2`, "'Microsoft'", "'Other'").Replace(shippedRule)
	c.api = sec.New(c.docs, sec.Options{Builtin: builtin(newer)})
	if r := runs(c); r.Score != 7 || r.Limit != 30 || !strings.Contains(r.Expression.Text, "Other") {
		t.Errorf("after an upgrade: severity %d, limit %d, %s", r.Score, r.Limit, r.Expression.Text)
	}

	// The way back: what is as shipped, or null, is no override.
	if a := put(""); a.status != 200 {
		t.Fatal(a.status, a.said)
	}
	if a := c.ask("PUT", path, `{"fields":{"score":9,"name":"x"}}`, "-"); a.status != 200 || fmt.Sprint(a.data.(map[string]any)["name"]) != "x" {
		t.Fatal(a.status, a.said)
	}
	if a := c.ask("PUT", path, `{"fields":{"score":null,"name":null}}`, "-"); a.status != 200 || fmt.Sprint(a.data.(map[string]any)["name"]) != "Many failures" {
		t.Fatal(a.status, a.said)
	}
	if r := runs(c); r.Score != 2 || r.Name != "Many failures" {
		t.Errorf("after the way back: severity %d, %s", r.Score, r.Name)
	}
	if a := c.ask("DELETE", "/rules/THRESHOLD-S00001", "", "-"); a.status != 400 {
		t.Errorf("deleted: %d", a.status)
	}
}
