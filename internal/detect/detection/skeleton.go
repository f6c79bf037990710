package detection

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Sketch is what a new package is made of. The texts may be any.
type Sketch struct {
	ID, Name, Technique string
	Query               string
	Next                string

	// Attack and Benign are the lines of recordings on which the query finds something
	// and nothing; either may be missing.
	Attack, Benign []string
	Rows           int // what it finds on Attack

	Channel, Category string // of the events; "" where they have none
	EventID           int    // 0 where they have none
	Required          []string
	Entities          []Entity // of the query's columns
}

// Example is the sketch that a package is made of where no query is given.
func Example() Sketch {
	event := func(program string) string {
		return `{"EventID":"1","Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"WKS-01","User":"CORP\\ana","Image":"C:\\Tools\\` + program + `","CommandLine":"` + program + `","ParentImage":"C:\\Windows\\explorer.exe","UtcTime":"2026-03-02 09:00:00.000"}`
	}
	return Sketch{
		Query:  "_sourceCategory=*sysmon*\n| json auto\n| where EventID = \"1\"\n| where toLowerCase(Image) matches \"*\\\\example.exe\"\n| fields _messagetime, Computer, User, Image, CommandLine, ParentImage\n| sort by _messagetime desc\n",
		Attack: []string{event("example.exe")}, Benign: []string{event("other.exe")}, Rows: 1,
		Channel: "Microsoft-Windows-Sysmon/Operational", Category: "windows/sysmon", EventID: 1, Required: []string{"EventID", "Computer", "Image"},
		Entities: []Entity{{"_hostname", "Computer"}, {"_username", "User"}},
	}
}

// Skeleton is the files of a new package.
func Skeleton(s Sketch) (map[string][]byte, error) {
	text := func(v any) string {
		b, err := yaml.Marshal(v)
		if t := strings.TrimSuffix(string(b), "\n"); err == nil && !strings.Contains(t, "\n") {
			return t
		}
		return fmt.Sprintf("%+q", v) // a JSON string is one of YAML
	}
	list := func(of []string) string {
		var out []string
		for _, x := range of {
			if strings.ContainsAny(x, ",[]{}") {
				x = fmt.Sprintf("%+q", x)
			} else {
				x = text(x)
			}
			out = append(out, x)
		}
		return "[" + strings.Join(out, ", ") + "]"
	}
	source := "other"
	if s.Category != "" {
		source = strings.NewReplacer("/", "-", "windows/", "").Replace(s.Category)
	}
	if s.Category == "windows/sysmon" {
		source = "sysmon"
	}
	var m strings.Builder
	fmt.Fprintf(&m, `schema: gyoji/detection/v1
id: %s
name: %s
version: 0.1.0
status: experimental
summary: What it finds, in one sentence.
description: |
  What happens in the attack, and what of it can be seen.
severity: medium
attack:
  techniques: [%s]
data:
  - source: %s
`, s.ID, text(s.Name), s.Technique, text(source))
	if s.Category != "" {
		fmt.Fprintf(&m, "    category: %s\n", text(s.Category))
	}
	if s.EventID != 0 {
		fmt.Fprintf(&m, "    event_ids: [%d]\n", s.EventID)
	}
	fmt.Fprintf(&m, "    required_fields: %s\n", list(s.Required))
	if len(s.Entities) > 0 {
		m.WriteString("entities:\n")
		for _, e := range s.Entities {
			fmt.Fprintf(&m, "  - {type: %s, field: %s}\n", e.Type, text(e.Field))
		}
	}
	fmt.Fprintf(&m, `detections:
  - id: main
    name: %s
    query: query.sumo
    data: [%s]
    next: What an analyst does first.
blind_spots:
  - What it cannot see.
`, text(s.Name), text(source))
	files := map[string][]byte{"query.sumo": []byte(strings.TrimRight(s.Query, "\n") + "\n")}
	if len(s.Attack) > 0 {
		m.WriteString("tests: tests/tests.yaml\n")
		var t strings.Builder
		fmt.Fprintf(&t, `schema: gyoji/tests/v1
cases:
  - id: attack
    title: What it is to find
    events: events/attack.jsonl
    origin: written
    detections:
      main: {count: %d}
`, s.Rows)
		files["tests/events/attack.jsonl"] = []byte(strings.Join(s.Attack, "\n") + "\n")
		if len(s.Benign) > 0 {
			t.WriteString(`  - id: benign
    title: What is like it and harmless
    events: events/benign.jsonl
    origin: written
    benign: true
    reason: the query does not find it
`)
			files["tests/events/benign.jsonl"] = []byte(strings.Join(s.Benign, "\n") + "\n")
		}
		files["tests/tests.yaml"] = []byte(t.String())
	}
	files[ManifestName] = []byte(m.String())
	// It must be read back as what was meant.
	p := &Package{}
	if err := yaml.Unmarshal(files[ManifestName], p); err != nil || p.Name != s.Name {
		return nil, fmt.Errorf("bug: detection: the manifest of %q is not read back: %w", s.Name, err)
	}
	return files, nil
}
