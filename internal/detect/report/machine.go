package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
)

func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// sarif writes SARIF 2.1.0, as code scanning reads it.
func (r *Report) sarif(w io.Writer) error {
	type message struct {
		Text string `json:"text"`
	}
	type rule struct {
		ID         string         `json:"id"`
		Name       string         `json:"name"`
		Short      message        `json:"shortDescription"`
		Properties map[string]any `json:"properties,omitempty"`
	}
	type result struct {
		Rule       string            `json:"ruleId"`
		Level      string            `json:"level"`
		Message    message           `json:"message"`
		Locations  []any             `json:"locations"`
		Prints     map[string]string `json:"partialFingerprints"`
		Properties map[string]any    `json:"properties"`
	}
	levels := map[string]string{"critical": "error", "high": "error", "medium": "warning", "low": "note", "informational": "note"}
	// GitHub orders by this number, 0 to 10.
	numbers := map[string]string{"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0", "informational": "1.0"}
	rules := []rule{}
	seen := map[string]bool{}
	results := []result{}
	for _, f := range r.Findings {
		id := f.DetectionID
		if !seen[id] {
			seen[id] = true
			rules = append(rules, rule{id, f.Detection, message{f.Detection}, map[string]any{"tags": append([]string{}, f.TechniqueIDs()...), "security-severity": numbers[f.Severity.String()]}})
		}
		props := map[string]any{"id": f.ID, "severity": f.Severity.String(), "evidence": f.Evidence, "fields": f.Fields}
		if f.Timed() {
			props["time"] = f.Time
		}
		for name, v := range map[string]string{"host": f.Host, "user": f.User} {
			if v != "" {
				props[name] = v
			}
		}
		// GitHub takes no result without a location.
		where := []any{}
		for i := range f.Evidence {
			where = append(where, location(&f.Evidence[i].Place))
		}
		if len(where) == 0 {
			where = append(where, location(&hunt.Place{File: strings.Join(r.Inputs, " ")}))
		}
		results = append(results, result{id, levels[f.Severity.String()], message{messageOf(f)}, where, map[string]string{"gyoji/v1": f.ID}, props})
	}
	return encode(w, map[string]any{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []any{map[string]any{
			"tool":    map[string]any{"driver": map[string]any{"name": "gyoji", "version": strings.TrimPrefix(r.Tool, "gyoji "), "rules": rules}},
			"results": results,
		}},
	})
}

// location is a place as SARIF has it.
func location(p *hunt.Place) map[string]any {
	at := map[string]any{"artifactLocation": map[string]any{"uri": fileURI(p.File)}}
	if p.Line > 0 {
		at["region"] = map[string]any{"startLine": p.Line}
	}
	return map[string]any{"physicalLocation": at, "message": map[string]any{"text": p.Where()}}
}

// fileURI is a file as SARIF 2.1.0 (3.4.3) wants it: a reference by RFC 3986, relative
// where the path is.
func fileURI(path string) string {
	path = strings.ReplaceAll(path, `\`, "/")
	u := url.URL{Path: path}
	switch {
	case len(path) > 2 && path[1] == ':' && path[2] == '/': // of Windows
		u = url.URL{Scheme: "file", Path: "/" + path}
	case strings.HasPrefix(path, "/"):
		u.Scheme = "file"
	}
	return u.String()
}

// messageOf is the finding in a line.
func messageOf(f *Finding) string {
	s := f.Detection
	if h := f.Host; h != "" {
		s += " on " + h
	}
	if e := f.Summary(); e != "" {
		s += ": " + e
	}
	return s
}

// junit writes each finding as a failed test of its detection, for CI servers
// that know nothing else.
func (r *Report) junit(w io.Writer) error {
	type failure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	type testcase struct {
		Class   string   `xml:"classname,attr"`
		Name    string   `xml:"name,attr"`
		Failure *failure `xml:"failure"`
	}
	type testsuite struct {
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Cases    []testcase `xml:"testcase"`
	}
	s := testsuite{Name: "gyoji hunt", Tests: len(r.Findings), Failures: len(r.Findings)}
	for _, f := range r.Findings {
		var text strings.Builder
		for _, x := range f.Fields {
			fmt.Fprintf(&text, "%s: %s\n", x.Name, x.Value)
		}
		for i := range f.Evidence {
			fmt.Fprintf(&text, "evidence: %s\n", f.Evidence[i].Where())
		}
		s.Cases = append(s.Cases, testcase{f.Detection, strings.TrimSpace(fmt.Sprintf("%d %s %s", f.N, f.When("2006-01-02T15:04:05.000Z"), f.Host)), &failure{f.Severity.String() + ": " + f.Summary(), text.String()}})
	}
	// What ran and found nothing has passed.
	for _, d := range r.Ran {
		if d.Found() == 0 {
			s.Cases = append(s.Cases, testcase{Class: d.Title(), Name: d.ID})
			s.Tests++
		}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(struct {
		XMLName xml.Name    `xml:"testsuites"`
		Suites  []testsuite `xml:"testsuite"`
	}{Suites: []testsuite{s}}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// ocsf writes OCSF 1.3 detection findings (class 2004), one object a line.
func (r *Report) ocsf(w io.Writer) error {
	captions := map[string]string{"informational": "Informational", "low": "Low", "medium": "Medium", "high": "High", "critical": "Critical"}
	ids := map[string]int{"informational": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, f := range r.Findings {
		attacks := []any{}
		for _, t := range f.Techniques {
			technique := map[string]any{"uid": t.ID}
			if t.Name != "" {
				technique["name"] = t.Name
			}
			attacks = append(attacks, map[string]any{"technique": technique})
		}
		var at any // null is no time; OCSF has no other word for it
		if f.Timed() {
			at = f.TimeMS
		}
		o := map[string]any{
			"class_uid": 2004, "class_name": "Detection Finding", "category_uid": 2, "category_name": "Findings",
			"activity_id": 1, "activity_name": "Create", "type_uid": 200401, "severity_id": ids[f.Severity.String()], "severity": captions[f.Severity.String()],
			"status_id": 1, "time": at, "message": messageOf(f),
			"metadata":     map[string]any{"version": "1.3.0", "product": map[string]any{"name": "gyoji", "vendor_name": "gyoji", "version": strings.TrimPrefix(r.Tool, "gyoji ")}},
			"finding_info": map[string]any{"title": f.Detection, "uid": f.ID, "attacks": attacks, "analytic": map[string]any{"uid": f.DetectionID, "name": f.Detection, "type_id": 1}},
			"unmapped":     f.Fields, "evidences": evidence(f),
		}
		var resources []any
		for _, x := range [2]struct{ Name, Value string }{{f.Host, "host"}, {f.User, "user"}} {
			if x.Name != "" {
				resources = append(resources, map[string]any{"name": x.Name, "type": x.Value})
			}
		}
		if resources != nil {
			o["resources"] = resources
		}
		if f.Next != "" {
			o["remediation"] = map[string]any{"desc": f.Next}
		}
		if err := e.Encode(o); err != nil {
			return err
		}
	}
	return nil
}

// evidence lists the records of a finding as OCSF has it.
func evidence(f *Finding) (out []any) {
	for i := range f.Evidence {
		out = append(out, map[string]any{"data": f.Evidence[i]})
	}
	return out
}

// navigator writes a layer of the ATT&CK Navigator: each technique's score is
// its number of findings.
func (r *Report) navigator(w io.Writer) error {
	counts := map[string]int{}
	var order []string
	for _, f := range r.Findings {
		for _, t := range f.TechniqueIDs() {
			if counts[t] == 0 {
				order = append(order, t)
			}
			counts[t]++
		}
	}
	top := 0
	var techniques []Technique
	for _, t := range order {
		top = max(top, counts[t])
		techniques = append(techniques, Technique{ID: t, Score: counts[t], Comment: fmt.Sprintf("%d findings", counts[t])})
	}
	return WriteLayer(w, Layer{Name: "gyoji hunt", Description: "Findings by technique", Techniques: techniques, Max: max(top, 1)})
}

// Layer is a layer of the ATT&CK Navigator.
type Layer struct {
	Name, Description string
	Techniques        []Technique
	Max               int // the score that is shown darkest
}

// Technique is a technique in a Layer.
type Technique struct {
	ID      string
	Score   int
	Comment string
}

// WriteLayer writes a layer in the Navigator's format 4.5.
func WriteLayer(w io.Writer, l Layer) error {
	type technique struct {
		ID      string `json:"techniqueID"`
		Score   int    `json:"score"`
		Comment string `json:"comment,omitempty"`
		Enabled bool   `json:"enabled"`
	}
	list := []technique{}
	for _, t := range l.Techniques {
		list = append(list, technique{t.ID, t.Score, t.Comment, true})
	}
	return encode(w, map[string]any{
		"name": l.Name, "description": l.Description, "domain": "enterprise-attack",
		"versions":   map[string]string{"layer": "4.5", "navigator": "5.1.0", "attack": "18"},
		"techniques": list, "gradient": map[string]any{"colors": []string{"#ffe8d6", "#c1121f"}, "minValue": 0, "maxValue": l.Max},
		"sorting": 3, "hideDisabled": false,
	})
}
