// Package content tells what a file is that somebody gives gyoji: a query, a
// rule of some kind, a log. It goes by what stands in the file, and where that
// leaves a choice by the ending of its name. All commands that take files ask
// it, so that none reads a rule as a search for words.
package content

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Kind is what a file is.
type Kind uint8

const (
	Unknown        Kind = iota // YAML or JSON of no kind that gyoji knows
	Query                      // a Sumo Logic query, and any other text
	Sigma                      // Sigma rules, correlations or filters
	SIEMExpression             // one expression of Cloud SIEM
	SIEMRule                   // rules of Cloud SIEM in JSON (the API's, flat, or a catalogue) or YAML
	Terraform                  // HCL
	Manifest                   // the detection.yaml of a detection package
	Export                     // saved searches and dashboards as Sumo Logic exports them
	Table                      // CSV
	Log                        // events
)

// String is the kind with its article, for a sentence: "a Sigma rule".
func (k Kind) String() string {
	return [...]string{
		"a file of no kind that gyoji knows", "a Sumo query", "a Sigma rule", "a Cloud SIEM expression", "a Cloud SIEM rule",
		"a Terraform file", "the manifest of a detection package", "an export of Sumo Logic content", "a table (CSV)", "a log",
	}[k]
}

// Use is what to do with a file of the kind.
func (k Kind) Use() string {
	return [...]string{
		"gyoji reads Sumo queries (.sumo), Sigma rules (.yml), Cloud SIEM expressions (.cse) and rules (.json, .tf)",
		"gyoji search -q, explain -q, lint, fmt and prove read it; gyoji convert makes a rule of it",
		"gyoji hunt -d, lint, prove and convert read it",
		"gyoji lint and gyoji prove read it",
		"gyoji hunt -d, signals -d, lint, prove and convert read it",
		"gyoji hunt -d, signals -d, lint, prove and convert read the rules of Cloud SIEM in it",
		"give the folder that it lies in: gyoji hunt -d FOLDER, gyoji test FOLDER",
		"take the text of a query out of it (queryText) and put it into a .sumo file",
		"a query reads it with lookup; as events: gyoji search 'QUERY' FILE",
		"it is what a query runs over: gyoji search 'QUERY' FILE, gyoji hunt FILE",
	}[k]
}

var (
	sigmaKeys    = match.Lazy(`(?m)^(?:logsource|detection|correlation)[ \t]*:`)
	manifestKeys = match.Lazy(`(?m)^(?:detections|queries)[ \t]*:`)
	siemKind     = match.Lazy(`(?m)^kind[ \t]*:[ \t]*["']?(?:match|threshold|chain|aggregation|first_seen|outlier)_rule\b`)
	yamlKey      = match.Lazy(`^(?:---|[A-Za-z_][\w-]*[ \t]*:(?:[ \t\r\n]|$))`)
	resource     = match.Lazy(`(?m)^[ \t]*(?:resource|data|module|provider|variable|locals|terraform|output)[ \t]*(?:"[^"\n]*"[ \t]*){0,2}\{[ \t]*(?:#.*|//.*|\}?[ \t]*)$`)
	// siemWords are attributes and functions that only Cloud SIEM has.
	siemWords = match.Lazy(`\b(?:metadata_(?:vendor|product|deviceEventId)|baseImage|parentBaseImage|(?:src|dst)Device_(?:ip|hostname)|device_hostname|targetUser_username|user_username|listMatches|hasThreatMatch|array_contains|normalizedAction|objectType)\b`)
	siemForm  = match.Lazy(`(?i)'|\b(?:like|rlike|in|matches|is)\b|=`)
)

// Of tells what a file is by its name, "-" for standard input, and its text, or
// the start of it.
func Of(name, text string) Kind {
	text = strings.TrimPrefix(text, "\ufeff")
	body := firstText(text)
	ending := strings.ToLower(filepath.Ext(name))
	switch {
	case strings.HasPrefix(text, "ElfFile\x00"), strings.HasPrefix(text, "\x1f\x8b"), strings.HasPrefix(text, "PK\x03\x04"), strings.IndexByte(head(text), 0) >= 0:
		return Log
	case strings.HasPrefix(body, "{"), strings.HasPrefix(body, "["):
		if k, ok := inJSON(body); ok {
			return k
		}
	case strings.HasPrefix(body, "<Event"), strings.HasPrefix(body, "<?xml"):
		return Log
	case resource().MatchString(text) && (strings.Contains(text, "sumologic_") || ending == ".tf"):
		return Terraform
	case filepath.Base(name) == "detection.yaml":
		return Manifest
	case yamlKey().MatchString(body) && sigmaKeys().MatchString(text):
		return Sigma
	case (ending == ".yml" || ending == ".yaml") && siemKind().MatchString(text):
		return SIEMRule
	}
	switch ending {
	case ".sumo":
		return Query
	case ".cse":
		return SIEMExpression
	case ".tf", ".hcl":
		return Terraform
	case ".yml", ".yaml":
		if yamlKey().MatchString(body) && manifestKeys().MatchString(text) {
			return Manifest
		}
		if sigmaKeys().MatchString(text) || strings.Contains(name, "#") || !yamlKey().MatchString(body) {
			return Sigma // or what is left of one
		}
		return Unknown
	case ".json":
		return SIEMRule // with a mistake, which reading it names
	case ".jsonl", ".ndjson", ".log", ".evtx", ".xml":
		return Log
	case ".csv", ".tsv":
		return Table
	case ".md", ".markdown", ".html", ".htm", ".css", ".js", ".py", ".go", ".sh", ".ps1", ".toml", ".ini":
		return Unknown // prose, a program, settings
	}
	if siemWords().MatchString(text) && siemForm().MatchString(text) && !strings.Contains(text, "|") && !strings.HasPrefix(body, "_") {
		return SIEMExpression
	}
	return Query
}

// head is where a file that is no text shows it.
func head(text string) string { return text[:min(len(text), 512)] }

// firstText is a text from its first line that is no comment.
func firstText(text string) string {
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if !strings.HasPrefix(text, "#") && !strings.HasPrefix(text, "//") {
			return text
		}
		_, rest, _ := strings.Cut(text, "\n")
		text = rest
	}
}

// ruleKeys are keys of rules of Cloud SIEM, in the API's spelling and the exports'.
var ruleKeys = []string{
	"expression", "matchExpression", "match_expression", "filterExpression", "filter_expression", "expressionsAndLimits", "expressions_and_limits",
	"triggerExpression", "trigger_expression",
}

// inJSON tells what a JSON text is. It is false for what only starts like JSON.
func inJSON(body string) (Kind, bool) {
	d := json.NewDecoder(strings.NewReader(body))
	var first json.RawMessage
	if d.Decode(&first) != nil {
		return Unknown, false
	}
	var list []json.RawMessage
	if json.Unmarshal(first, &list) == nil {
		if len(list) > 0 && isRule(list[0]) {
			return SIEMRule, true
		}
		return Log, len(list) > 0 && strings.HasPrefix(strings.TrimSpace(string(list[0])), "{")
	}
	if isRule(first) {
		return SIEMRule, true
	}
	var o struct {
		Type     string          `json:"type"`
		Rules    []any           `json:"rules"`
		Resource map[string]any  `json:"resource"`
		Search   json.RawMessage `json:"search"`
		Children []any           `json:"children"`
	}
	if json.Unmarshal(first, &o) == nil {
		switch {
		case o.Rules != nil:
			return SIEMRule, true
		case o.Resource != nil && strings.Contains(body, "sumologic_"):
			return Terraform, true
		case strings.HasSuffix(o.Type, "SyncDefinition"), o.Search != nil && strings.Contains(string(o.Search), "queryText"):
			return Export, true
		}
	}
	return Log, utf8.ValidString(string(first))
}

func isRule(text json.RawMessage) bool {
	var o map[string]json.RawMessage
	if json.Unmarshal(text, &o) != nil {
		return false
	}
	if f := o["fields"]; f != nil && isRule(f) {
		return true
	}
	for _, k := range ruleKeys {
		if o[k] != nil {
			return true
		}
	}
	return false
}
