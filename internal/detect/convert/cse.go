package convert

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Backend{
	Name: "cse", Summary: "Sumo Logic Cloud SIEM rule, as the API has it (JSON)", Extension: "json", Target: "cse",
	Correlation: func(x *Correlated) (string, error) {
		d, err := cseCorrelation(x)
		if err != nil {
			return "", err
		}
		return documentText(d, ruledoc.API)
	},
	Rule: func(in *Input) (string, error) {
		r, err := cseRuleOf(in)
		if err != nil {
			return "", err
		}
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(map[string]any{"fields": r}); err != nil {
			return "", err
		}
		return b.String(), nil
	},
})

// cseRule is a match rule in the form of the API (specification, section 6.1).
type cseRule struct {
	Name        string      `json:"name"`
	Enabled     bool        `json:"enabled"`
	Stream      string      `json:"stream"`
	Expression  string      `json:"expression"`
	Entities    []cseEntity `json:"entitySelectors"`
	NameExpr    string      `json:"nameExpression"`
	Summary     string      `json:"summaryExpression"`
	Description string      `json:"descriptionExpression"`
	Score       cseScore    `json:"scoreMapping"`
	Prototype   bool        `json:"isPrototype"`
	Tags        []string    `json:"tags"`
	Suppression int64       `json:"suppressionWindowSize"` // ms
}

type cseEntity struct {
	Type       string `json:"entityType"`
	Expression string `json:"expression"`
}

type cseScore struct {
	Type    string `json:"type"`
	Default int    `json:"default"`
}

// cseSuppression is the product's own default of 12 hours, in ms.
const cseSuppression = 43_200_000

// cseScores are the severities that Sumo's own converter gives Sigma's levels
// (specification, section 12.2).
var cseScores = map[sigma.Level]int{sigma.Critical: 8, sigma.High: 6, sigma.Medium: 3, sigma.Low: 1, sigma.Informational: 1, sigma.NoLevel: 3}

func cseRuleOf(in *Input) (*cseRule, error) {
	x, err := CSEExpression(in)
	if err != nil {
		return nil, err
	}
	about := cseAbout(&in.Rule.Meta)
	return &cseRule{
		Name: in.Rule.Title, Stream: "record", Expression: x, NameExpr: in.Rule.Title, Enabled: about.enabled, Prototype: about.prototype,
		Summary: "{{baseImage}} on {{device_hostname}}", Description: about.description,
		Entities:    []cseEntity{{"_hostname", "device_hostname"}, {"_username", "user_username"}},
		Score:       cseScore{"constant", about.score},
		Suppression: cseSuppression, Tags: about.tags,
	}, nil
}

// cseMeta is what a Sigma document says of itself, as a rule of Cloud SIEM says it.
type cseMeta struct {
	enabled, prototype bool
	description        string
	score              int
	tags               []string
}

func cseAbout(r *sigma.Meta) cseMeta {
	out := cseMeta{description: strings.Join(strings.Fields(r.Description), " "), score: cseScores[r.Level], tags: []string{}}
	// Stable rules are on, those under test are prototypes (section 12.2).
	switch strings.ToLower(r.Status) {
	case "deprecated", "unsupported":
	case "stable":
		out.enabled = true
	default:
		out.enabled, out.prototype = true, true
	}
	for _, t := range r.Tags {
		if t.Namespace != "attack" {
			continue
		}
		switch name := strings.ToUpper(t.Name); {
		case len(name) > 1 && name[0] == 'T' && name[1] >= '0' && name[1] <= '9':
			out.tags = append(out.tags, "_mitreAttackTechnique:"+name)
		default:
			if tactic, ok := mapping.TacticNamed(t.Name); ok {
				out.tags = append(out.tags, "_mitreAttackTactic:"+tactic.ID)
			}
		}
	}
	return out
}

// CSEExpression is a rule as a Cloud SIEM expression.
func CSEExpression(in *Input) (string, error) {
	in.narrow()
	c, err := in.condition(in.cse, func(p mapping.LogSource, _ bool) Cond {
		if len(p.EventIDs) == 0 {
			return &Match{Field: "metadata_deviceEventId", Value: sigma.String{Cased: true, Parts: []sigma.Part{{Kind: sigma.Literal, Text: p.Channel + "-"}, {Kind: sigma.AnyRun}}}}
		}
		var any []Cond
		for _, id := range p.EventIDs {
			v := literal(p.Channel + "-" + id)
			v.Cased = true
			any = append(any, &Match{Field: "metadata_deviceEventId", Value: v})
		}
		return or(any)
	})
	if err != nil {
		return "", err
	}
	also := ""
	if !isTrue(c) {
		cond, err := in.say(cseLanguage(same), c, inAnd)
		if err != nil {
			return "", err
		}
		also = " AND " + cond
	}
	var ids []string
	for _, p := range in.Places {
		if len(p.EventIDs) == 0 {
			ids = nil
			break
		}
		for _, id := range p.EventIDs {
			ids = append(ids, cseText(p.Channel+"-"+id))
		}
	}
	switch {
	case len(ids) == 1:
		return "metadata_deviceEventId = " + ids[0] + also, nil
	case len(ids) > 1:
		return "metadata_deviceEventId IN (" + strings.Join(ids, ", ") + ")" + also, nil
	case len(in.Places) > 0:
		var any []string
		for _, p := range in.Places {
			any = append(any, cseLike("metadata_deviceEventId", p.Channel+"-", prefixed))
		}
		s := strings.Join(any, " OR ")
		if len(any) > 1 {
			s = "(" + s + ")"
		}
		return s + also, nil
	}
	if also == "" {
		return "true", nil
	}
	return strings.TrimPrefix(also, " AND "), nil
}

// CSECondition writes a condition on the records of process creations.
func CSECondition(c Cond) (string, error) {
	in := &Input{Rule: &sigma.Rule{LogSource: sigma.LogSource{Product: "windows", Category: "process_creation"}}}
	in.Places, _, _ = mapping.LogSources("windows", "process_creation", "")
	attributes := map[string]string{}
	for f, a := range cseAttributes(in.Rule.LogSource.Category) {
		attributes[strings.ToLower(f)] = a
	}
	return cseLanguage(func(f string) string {
		if a, ok := attributes[strings.ToLower(f)]; ok {
			return a
		}
		return cseKey(f)
	}).write(c)
}

// The tables below are what Sumo's mappers make of the fields of
// an event (specification, section 3.3; differences from Sumo's own converter
// in 12.2). What they do not name is read from the record's raw fields.
var (
	cseCommon = map[string]string{
		"Image": "baseImage", "User": "user_username", "Computer": "device_hostname", "ProcessId": "pid",
		"TargetFilename": "file_path", "TargetObject": "changeTarget", "Details": "resource",
		"QueryName": "dns_query", "DestinationIp": "dstDevice_ip", "DestinationHostname": "dstDevice_hostname",
		"DestinationPort": "dstPort", "SourceIp": "srcDevice_ip", "SourceHostname": "srcDevice_hostname", "SourcePort": "srcPort",
		"PipeName": "resource", "md5": "file_hash_md5", "sha1": "file_hash_sha1", "sha256": "file_hash_sha256", "Imphash": "file_hash_imphash",
	}
	cseByCategory = map[string]map[string]string{
		"process_creation":     {"CommandLine": "commandLine", "ParentImage": "parentBaseImage", "ParentCommandLine": "parentCommandLine", "ParentProcessId": "parentPid"},
		"image_load":           {"ImageLoaded": "baseImage", "Image": "parentBaseImage"},
		"driver_load":          {"ImageLoaded": "file_path"},
		"create_remote_thread": {"SourceImage": "baseImage", "TargetImage": "file_path"},
	}
	// cseRaw are fields whose common attribute is not filled in a category.
	cseRaw = map[string][]string{
		"process_access": {"Image", "TargetFilename", "SourceImage", "TargetImage"},
		"pipe_created":   {},
	}
)

// cseAttributes are the attributes that may hold the fields of a category, by
// their names in small letters.
func cseAttributes(category string) map[string]string {
	category = strings.ToLower(category)
	out := map[string]string{}
	for f, a := range cseCommon {
		out[strings.ToLower(f)] = a
	}
	for f, a := range cseByCategory[category] {
		out[strings.ToLower(f)] = a
	}
	for _, f := range cseRaw[category] {
		delete(out, strings.ToLower(f))
	}
	if category == "" { // a service's events have many shapes
		return map[string]string{"computer": "device_hostname"}
	}
	return out
}

// cse are the columns of records: an attribute where the mapper of the place
// fills it from the field alone, and else the field's own place in the event. The
// hashes are no fields of events: the product cuts them out of Hashes.
func (in *Input) cse(at *mapping.LogSource, m *Match, field string) (mapping.Column, error) {
	if n, ok := in.Options.Fields[field]; ok {
		return mapping.Column{Names: []string{n}}, nil
	}
	if in.Store != nil {
		return in.stored(m, field)
	}
	a, ok := cseAttributes(in.Rule.LogSource.Category)[strings.ToLower(mapping.SigmaField(field))]
	if strings.HasPrefix(a, "file_hash_") && at != nil {
		if c, known := mapping.Native(*at, field); known && c.Missing() && in.Rule.LogSource.Category != "" {
			return c, nil
		}
		return mapping.Column{Names: []string{a}}, nil
	}
	c, err := in.native(at, m, field)
	if err != nil || c.Missing() {
		return c, err
	}
	if ok && at != nil && c.Form == mapping.Same && len(at.EventIDs) > 0 && mirrors(at, a, c.Names[0], m.Value) {
		return mapping.Column{Names: []string{a}}, nil
	}
	return renamed(func(*mapping.LogSource, *Match, string) (mapping.Column, error) { return c, nil }, cseKey)(at, m, field)
}

// mappers are those of what is built in.
var mappers = sync.OnceValue(func() *record.Catalogue {
	c, _ := record.NewCatalogue(record.Sumo, nil)
	return c
})

// mirrors reports whether an attribute says of a field what is asked, in all events of a
// place: their mappers fill it from the field, as it is. For an empty field, or one with a
// value that they skip, an attribute is left unfilled; then the field itself is asked.
func mirrors(at *mapping.LogSource, attribute, field string, asked sigma.Value) bool {
	if asksWhether(asked, nil) {
		return false
	}
	for _, id := range at.EventIDs {
		n := mappers().Choose(record.WindowsKey(at.Channel, at.Provider, id))
		if n < 0 {
			return false
		}
		m := mappers().All[n]
		s := m.Fields[attribute]
		if s == nil || len(s.From) == 0 || s.Lookup != nil || s.Split != nil || s.Kind != "" || !strings.EqualFold(record.Field(s.From[0]), field) {
			return false
		}
		if asksWhether(asked, append(slices.Clone(m.Skipped), s.Skipped...)) {
			return false
		}
	}
	return true
}

// asksWhether reports whether a value asks if a field is there, or empty, or has a value
// of those that are skipped.
func asksWhether(v sigma.Value, skipped []string) bool {
	switch v := v.(type) {
	case sigma.Null, sigma.Exists:
		return true
	case sigma.String:
		k, text := shapeOf(v)
		return k == present || k == exact && (text == "" || slices.Contains(skipped, text))
	}
	return false
}

// cseKey is a field's place in the event.
func cseKey(name string) string {
	switch strings.ToLower(name) {
	case "provider":
		return "fields['Provider.Name']"
	case "eventid", "channel", "level", "task", "opcode", "keywords", "computer", "version", "eventrecordid":
		return "fields['" + name + "']"
	}
	return "fields['EventData." + name + "']"
}

// cseText writes text: in single quotes it is raw, and cannot hold one.
func cseText(s string) string {
	if !strings.Contains(s, "'") {
		return "'" + s + "'"
	}
	return quoted(`"`, s, `\`, `\\`, `"`, `\"`)
}

// cseLike writes a comparison of lower case with a pattern. Where % or _ stand
// in the text, or a backslash before a wildcard (section 4.5 has two readings
// for that), a regular expression says it without doubt.
func cseLike(of, text string, k shape) string {
	pattern := text
	if k == suffixed || k == contained {
		pattern = "%" + pattern
	}
	if k == prefixed || k == contained {
		pattern += "%"
	}
	if strings.ContainsAny(text, "%_") || strings.Contains(pattern, `\\`) || strings.Contains(pattern, `\%`) {
		return ""
	}
	return of + " LIKE " + cseText(pattern)
}

// cseLanguage writes conditions on records.
func cseLanguage(field func(string) string) *language {
	l := &language{and: " AND ", or: " OR ", not: func(s string) string { return "NOT (" + s + ")" }}
	l.apart = func(_ *Match, t string) bool { return oddCase(t) }
	l.list = func(f string, texts []string) (string, error) {
		for i, t := range texts {
			texts[i] = cseText(strings.ToLower(t))
		}
		return fmt.Sprintf("lower(%s) IN (%s)", field(f), strings.Join(texts, ", ")), nil
	}
	l.match = func(m *Match) (string, error) {
		if m.Field == "" {
			return "", refuse(m, "a keyword: a record's fields are matched one by one")
		}
		f := field(m.Field)
		switch v := m.Value.(type) {
		case sigma.String:
			lower, of := strings.ToLower, "lower("+f+")"
			if v.Cased {
				lower, of = func(s string) string { return s }, f
			}
			k, text := shapeOf(v)
			text = lower(text)
			if oddCase(text) {
				k = wild
			}
			switch k {
			case exact:
				if text == "" {
					return f + " = ''", nil // no more: a field that is missing is another matter in Sigma
				}
				return of + " = " + cseText(text), nil
			case present:
				return f + " IS NOT NULL", nil
			case wild:
			default:
				if s := cseLike(of, text, k); s != "" {
					return s, nil
				}
			}
			return f + " matches " + sumoRegex(flagsOf(v)+pattern(v)), nil
		case sigma.Number: // as text, which is equal to nothing but itself: "9 " is no 9
			return f + " = '" + v.Text + "'", nil
		case sigma.Bool:
			return fmt.Sprintf("lower(%s) = '%v'", f, bool(v)), nil
		case sigma.Null: // an empty text is a value
			return f + " IS NULL", nil
		case sigma.Exists:
			if v {
				return f + " IS NOT NULL", nil
			}
			return f + " IS NULL", nil
		case sigma.Regexp:
			if !re2(v) {
				return "", refuse(m, "a regular expression that looks around or refers back")
			}
			return f + " matches " + sumoRegex(v.Syntax()), nil
		case sigma.Compare:
			return fmt.Sprintf("%s %s %s", f, v.Op, v.Number.Text), nil
		case sigma.CIDR:
			if !v.Prefix.Addr().Is4() {
				p, ok := ipv6Pattern(v.Prefix, "")
				if !ok {
					return "", refuse(m, ipv6Refused)
				}
				return fmt.Sprintf("(isValidIPv6(%s) AND %s matches %s)", f, f, sumoRegex(p)), nil
			}
			return fmt.Sprintf("(isValidIPv4(%s) AND compareCIDRPrefix('%s', %s, %d))", f, v.Prefix.Addr(), f, v.Prefix.Bits()), nil
		case sigma.FieldRef:
			g := field(v.Field)
			switch {
			case !v.Start && !v.End:
				return fmt.Sprintf("lower(%s) = lower(%s)", f, g), nil
			case v.Start && v.End:
				return fmt.Sprintf("contains(lower(%s), lower(%s))", f, g), nil
			}
			return "", refuse(m, "a field that starts or ends with another")
		}
		return "", refuse(m, "%s", unsaid(m.Value))
	}
	return l
}
