package desk

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/server/access"
)

// caseRow is a test case of a package, as far as it is about one rule.
type caseRow struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Origin string `json:"origin"` // recorded or written
	Benign bool   `json:"benign"`
	Must   string `json:"must"`
	// Result is "" until the case has run, then "pass" or "fail".
	Result   string   `json:"result"`
	Failures []string `json:"failures"`
}

// entryRow is an entry of a package's tuning ledger.
type entryRow struct {
	ID       string `json:"id"`
	Reason   string `json:"reason"`
	Attacker string `json:"attacker"`
	Owner    string `json:"owner"`
	Added    string `json:"added"`
	Expires  string `json:"expires"`
}

// cased is the package that tests a rule, and the rule's name in it: "" for a rule of Cloud
// SIEM, whose signals are what the cases want.
func (d *Desk) cased(id string) (*detection.Package, string) {
	if p, det := d.packaged(id); p != nil {
		return p, det.ID
	}
	return d.byRule[id], ""
}

// cases lists the test cases that are about a rule, and the ledger that its queries have.
func (d *Desk) cases(r *http.Request) (any, error) {
	rows, ledger, p, err := d.casesOf(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	name := ""
	if p != nil {
		name = p.Name
	}
	return map[string]any{"package": name, "cases": rows, "ledger": ledger}, nil
}

func (d *Desk) casesOf(id string) (rows []*caseRow, ledger []*entryRow, p *detection.Package, err error) {
	rows, ledger = []*caseRow{}, []*entryRow{}
	p, name := d.cased(id)
	if p == nil {
		return rows, ledger, nil, nil
	}
	suite, err := p.Suite()
	if err != nil {
		return nil, nil, nil, err
	}
	if suite != nil {
		for _, c := range suite.Cases {
			if must, ok := wanted(c, name); ok {
				rows = append(rows, &caseRow{ID: c.ID, Title: c.Title, Origin: c.Origin, Benign: c.Benign, Must: must, Failures: []string{}})
			}
		}
	}
	entries, err := p.Ledger()
	if err != nil {
		return nil, nil, nil, err
	}
	for _, e := range entries {
		if name == "" || len(e.AppliesTo) == 0 || slices.Contains(e.AppliesTo, name) {
			ledger = append(ledger, &entryRow{e.ID, e.Reason, e.Attacker, e.Owner, e.Added, e.Expires})
		}
	}
	return rows, ledger, p, nil
}

// wanted says what a case wants of a rule, in words; not ok when the case is not about it.
func wanted(c *detection.Case, name string) (string, bool) {
	expect, named := c.Detections[name]
	switch {
	case named && expect.Count > 0:
		return plural(expect.Count, "finding"), true
	case named || c.Benign && name != "":
		return "nothing", true
	case c.Alert != nil:
		return "an alert of " + c.Alert.String() + " or more, by any detection", true
	case c.Below != nil:
		return "no alert of " + c.Below.String() + " or more", true
	case name == "" && c.Signals != nil:
		return plural(len(*c.Signals), "signal") + " of the package", true
	}
	return "", false
}

// runCases runs the test cases that are about a rule.
func (d *Desk) runCases(r *http.Request) (any, error) {
	rows, _, p, err := d.casesOf(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if p == nil || len(rows) == 0 {
		return nil, access.Missing("no package tests the rule %s", r.PathValue("id"))
	}
	select {
	case d.running <- struct{}{}:
		defer func() { <-d.running }()
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	var ids []string
	for _, row := range rows {
		ids = append(ids, regexp.QuoteMeta(row.ID))
	}
	v, err := p.Verify(r.Context(), detection.Verify{Only: regexp.MustCompile("^(?:" + strings.Join(ids, "|") + ")$"), Plain: true})
	if err != nil {
		return nil, err
	}
	failed := 0
	for _, row := range rows {
		i := slices.IndexFunc(v.Verdicts, func(x *detection.Verdict) bool { return x.Case.ID == row.ID })
		if i < 0 {
			continue
		}
		row.Result = "pass"
		if f := v.Verdicts[i].Failures; len(f) > 0 {
			row.Result, row.Failures = "fail", f
			failed++
		}
	}
	return map[string]any{"package": p.Name, "cases": rows, "failed": failed}, nil
}
