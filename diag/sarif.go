package diag

import (
	"encoding/json"
	"io"
	"path/filepath"
)

// Rule is what a SARIF log says of a code.
type Rule struct {
	Code     string
	Severity Severity
	What     string // one sentence
	Why      string // Markdown
}

// sarifLevels are SARIF's words for severities.
var sarifLevels = [...]string{Error: "error", Warning: "warning", Note: "note"}

type (
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifRule struct {
		ID      string     `json:"id"`
		Short   sarifText  `json:"shortDescription"`
		Help    *sarifText `json:"help,omitempty"`
		Default struct {
			Level string `json:"level"`
		} `json:"defaultConfiguration"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndLine     int `json:"endLine"`
		EndColumn   int `json:"endColumn"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifLocation struct {
		ID       int           `json:"id,omitempty"`
		Physical sarifPhysical `json:"physicalLocation"`
		Message  *sarifText    `json:"message,omitempty"`
	}
	sarifReplacement struct {
		Deleted  sarifRegion `json:"deletedRegion"`
		Inserted *sarifText  `json:"insertedContent,omitempty"`
	}
	sarifChange struct {
		Artifact     sarifArtifact      `json:"artifactLocation"`
		Replacements []sarifReplacement `json:"replacements"`
	}
	sarifFix struct {
		Description sarifText     `json:"description"`
		Changes     []sarifChange `json:"artifactChanges"`
	}
	sarifResult struct {
		Rule      string          `json:"ruleId"`
		Index     *int            `json:"ruleIndex,omitempty"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
		Related   []sarifLocation `json:"relatedLocations,omitempty"`
		Fixes     []sarifFix      `json:"fixes,omitempty"`
	}
)

// WriteSARIF prints findings as a SARIF 2.1.0 log of one run of a tool. Columns
// count characters. Codes that are not among the rules have no description.
func WriteSARIF(w io.Writer, l List, tool, version, home string, rules []Rule) error {
	type driver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Home    string      `json:"informationUri,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	type run struct {
		Tool struct {
			Driver driver `json:"driver"`
		} `json:"tool"`
		Columns string        `json:"columnKind"`
		Results []sarifResult `json:"results"`
	}
	r := run{Columns: "unicodeCodePoints", Results: []sarifResult{}}
	r.Tool.Driver = driver{Name: tool, Version: version, Home: home, Rules: []sarifRule{}}
	index := map[string]int{}
	for i, rule := range rules {
		s := sarifRule{ID: rule.Code, Short: sarifText{Text: rule.What}}
		if rule.Why != "" {
			s.Help = &sarifText{Text: rule.Why, Markdown: rule.Why}
		}
		s.Default.Level = sarifLevels[min(rule.Severity, Note)]
		r.Tool.Driver.Rules = append(r.Tool.Driver.Rules, s)
		index[rule.Code] = i
	}
	for _, d := range l {
		r.Results = append(r.Results, sarifOf(d, index))
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Schema  string `json:"$schema"`
		Version string `json:"version"`
		Runs    []run  `json:"runs"`
	}{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []run{r}})
}

func sarifOf(d *Diagnostic, index map[string]int) sarifResult {
	text := d.Message
	if d.Help != "" {
		text += ". " + d.Help
	}
	s := sarifResult{Rule: d.Code, Level: sarifLevels[min(d.Severity, Note)], Message: sarifText{Text: text}}
	if i, ok := index[d.Code]; ok {
		s.Index = &i
	}
	if d.File == nil {
		return s
	}
	artifact := sarifArtifact{filepath.ToSlash(d.File.Name)}
	region := func(at Span) sarifRegion {
		p := d.File.between(at)
		return sarifRegion{StartLine: p.Line, StartColumn: p.Col, EndLine: p.EndLine, EndColumn: p.EndCol}
	}
	s.Locations = []sarifLocation{{Physical: sarifPhysical{artifact, region(d.Span)}}}
	for i, l := range d.Labels {
		s.Related = append(s.Related, sarifLocation{ID: i + 1, Physical: sarifPhysical{artifact, region(l.Span)}, Message: &sarifText{Text: l.Text}})
	}
	if d.Fix != nil {
		c := sarifChange{Artifact: artifact}
		for _, e := range d.Fix.Edits {
			rep := sarifReplacement{Deleted: region(e.Span)}
			if e.New != "" {
				rep.Inserted = &sarifText{Text: e.New}
			}
			c.Replacements = append(c.Replacements, rep)
		}
		s.Fixes = []sarifFix{{sarifText{Text: d.Fix.Title}, []sarifChange{c}}}
	}
	return s
}
