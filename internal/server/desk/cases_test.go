package desk_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/packages"
)

// TestCases: the cases of a package that are about a rule are those that its suite has, they
// run in place as `gyoji test` runs them, and its queries have their ledger.
func TestCases(t *testing.T) {
	b := begin(t)
	all, _ := detection.Load(packages.FS, "packages")
	var pack *detection.Package
	for _, p := range all {
		if p.Dir == "packages/T1204.004-malicious-copy-and-paste" {
			pack = p
		}
	}
	suite, err := pack.Suite()
	if err != nil {
		t.Fatal(err)
	}
	ran, err := pack.Verify(context.Background(), detection.Verify{Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	failed := map[string]bool{}
	for _, v := range ran.Verdicts {
		failed[v.Case.ID] = len(v.Failures) > 0
	}
	const id = "T1204.004-malicious-copy-and-paste/pasted-command"
	path := "/rules/" + url.PathEscape(id) + "/tests"
	asked := b.get(path)
	about := 0
	for _, c := range suite.Cases {
		if _, named := c.Detections["pasted-command"]; named || c.Benign || c.Alert != nil || c.Below != nil {
			about++
		}
	}
	ledger, err := pack.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	if cases := list(asked, "cases"); len(cases) != about || about < 10 || asked["package"] != pack.Name || len(list(asked, "ledger")) == 0 || len(list(asked, "ledger")) > len(ledger) {
		t.Errorf("%d cases, want %d; ledger %v", len(cases), about, asked["ledger"])
	}
	status, o := b.ask("POST", "/api/gyoji/v1"+path, "")
	if status != 200 || o["failed"] != 0.0 {
		t.Errorf("%d, %v fail", status, o["failed"])
	}
	for _, c := range list(o, "cases") {
		x := c.(object)
		if want := map[bool]string{true: "fail", false: "pass"}[failed[x["id"].(string)]]; x["result"] != want {
			t.Errorf("%s: %s, want %s: %v", x["id"], x["result"], want, x["failures"])
		}
	}
	if status, _ := b.ask("GET", "/api/gyoji/v1/rules/none%2Fnone", ""); status != 404 {
		t.Errorf("a detection that there is not: %d", status)
	}
}
