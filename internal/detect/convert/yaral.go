package convert

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Backend{
	Name: "secops", Summary: "Google SecOps rule (YARA-L 2)", Extension: "yaral", Target: "udm", Comment: "//",
	Rule: func(in *Input) (string, error) {
		category := strings.ToLower(in.Rule.LogSource.Category)
		kind, ok := udmTypes[category]
		if !ok && in.Store == nil {
			return "", &Refusal{Span: in.Rule.LogSource.Span, What: "no type of UDM event is known for the log source " + in.Rule.LogSource.String()}
		}
		c, err := apart(in.Cond)
		if err != nil {
			return "", err
		}
		in.Cond, in.Places = c, nil // UDM has one name for what the places call differently
		of := func(_ *mapping.LogSource, m *Match, f string) (mapping.Column, error) {
			if n, ok := in.Options.Fields[f]; ok {
				return mapping.Column{Names: []string{"$e." + n}}, nil
			}
			if in.Store != nil {
				return in.stored(m, f)
			}
			f = strings.ToLower(mapping.SigmaField(f))
			names, ok := udmFields[category][f]
			if !ok {
				names, ok = udmFields[""][f]
			}
			if !ok {
				return mapping.Column{}, refuse(m, "no field of UDM is known for this one")
			}
			var c mapping.Column
			for n := range strings.SplitSeq(names, " + ") {
				c.Names = append(c.Names, "$e."+n)
			}
			switch {
			case len(c.Names) == 2:
				c.Form = mapping.Account
			case strings.HasSuffix(names, ".port"):
				c.Type = mapping.Number
			case strings.HasSuffix(names, ".md5"), strings.HasSuffix(names, ".sha1"), strings.HasSuffix(names, ".sha256"):
				c.Type = mapping.Small
			}
			return c, nil
		}
		if c, err = in.condition(of, nil); err != nil {
			return "", err
		}
		l := &language{and: " and ", or: " or ", not: func(s string) string { return "not (" + s + ")" }}
		l.match = func(m *Match) (string, error) {
			if m.Field == "" {
				return "", refuse(m, "a keyword: UDM events are matched field by field")
			}
			f, number := m.Field, m.Type == mapping.Number
			switch v := m.Value.(type) {
			case sigma.String:
				k, text := shapeOf(v)
				fold := " nocase"
				if v.Cased {
					fold = ""
				}
				switch {
				case number && k == exact && decimal().MatchString(text):
					return f + " = " + text, nil
				case number:
					return "", refuse(m, "a part of a text, where %s is a number", strings.TrimPrefix(f, "$e."))
				case k == exact:
					return f + " = " + logscaleText(text) + fold, nil
				case k == present:
					return f + ` != ""`, nil
				}
				return f + " = " + sumoRegex("(?s)"+pattern(v)) + fold, nil
			case sigma.Number:
				if number {
					return f + " = " + v.Text, nil
				}
				return f + " = " + logscaleText(v.Text), nil
			case sigma.Null, sigma.Exists:
				none := `""`
				if number {
					none = "0"
				}
				if v == sigma.Exists(true) {
					return f + " != " + none, nil
				}
				return f + " = " + none, nil
			case sigma.Regexp:
				if !re2(v) {
					return "", refuse(m, "a regular expression that looks around or refers back")
				}
				return f + " = " + sumoRegex(v.Syntax()), nil
			case sigma.Compare:
				if !number {
					return "", refuse(m, "a comparison of numbers, where %s is text", strings.TrimPrefix(f, "$e."))
				}
				return fmt.Sprintf("%s %s %s", f, v.Op, v.Number.Text), nil
			case sigma.CIDR:
				return fmt.Sprintf("net.ip_in_range_cidr(%s, %q)", f, v.Prefix.String()), nil
			case sigma.FieldRef:
				if v.Start || v.End {
					return "", refuse(m, "a field that holds, starts or ends with another")
				}
				return fmt.Sprintf("strings.to_lower(%s) = strings.to_lower(%s)", f, v.Field), nil
			}
			return "", refuse(m, "%s", unsaid(m.Value))
		}
		if in.Options.Model {
			l.top = "\n      and "
			l.patterns = func(f string, of []sigma.String) (string, error) {
				return f + " = " + sumoRegex("(?s)"+patternOf(of)) + " nocase", nil
			}
			l.base = func(field string) func([]string) (string, error) {
				return func(names []string) (string, error) {
					return field + " = " + sumoRegex(baseNames(names)) + " nocase", nil
				}
			}
		}
		cond, err := in.say(l, c, alone)
		if err != nil {
			return "", err
		}
		var b strings.Builder
		fmt.Fprintf(&b, "rule %s {\n  meta:\n", terraformName(in.Rule.Title))
		meta := func(k, v string) {
			if v != "" {
				fmt.Fprintf(&b, "    %s = %s\n", k, logscaleText(strings.Join(strings.Fields(v), " ")))
			}
		}
		meta("author", in.Rule.Author)
		meta("description", in.Rule.Description)
		meta("sigma_id", in.Rule.ID)
		meta("severity", in.Rule.Level.String())
		meta("mitre_attack", strings.Join(in.Rule.Techniques(), ", "))
		b.WriteString("\n  events:\n")
		if in.Store == nil {
			fmt.Fprintf(&b, "    $e.metadata.event_type = %q\n", kind)
		}
		fmt.Fprintf(&b, "    (%s)\n", cond)
		if shown := in.shows(of); len(shown) > 0 {
			fmt.Fprintf(&b, "\n  outcome:\n    $risk_score = %d\n", udmRisk[in.Rule.Level])
			for _, f := range shown[:min(len(shown), udmOutcomes-1)] {
				fmt.Fprintf(&b, "    $%s = %s\n", strings.ReplaceAll(strings.TrimPrefix(f, "$e."), ".", "_"), f)
			}
		}
		b.WriteString("\n  condition:\n    $e\n}\n")
		return b.String(), nil
	},
})

// udmOutcomes is how many outcome variables a rule may have.
// Source: Google SecOps, YARA-L, outcome section.
const udmOutcomes = 20

// udmRisk is a detection's risk score, from 0 to 100, by the rule's level.
var udmRisk = map[sigma.Level]int{sigma.NoLevel: 40, sigma.Informational: 10, sigma.Low: 25, sigma.Medium: 50, sigma.High: 75, sigma.Critical: 95}

// udmTypes are the types of UDM events that Sigma's categories become, and
// udmFields where their fields go ("" is for every category).
// Source: Google's field list of the Unified Data Model and its parser for
// Sysmon.
var (
	udmTypes = map[string]string{
		"process_creation": "PROCESS_LAUNCH", "process_termination": "PROCESS_TERMINATION", "network_connection": "NETWORK_CONNECTION",
		"file_event": "FILE_CREATION", "file_delete": "FILE_DELETION", "image_load": "PROCESS_MODULE_LOAD", "dns_query": "NETWORK_DNS",
		"registry_set": "REGISTRY_MODIFICATION", "registry_add": "REGISTRY_CREATION", "registry_delete": "REGISTRY_DELETION", "process_access": "PROCESS_OPEN",
	}
	udmFields = map[string]map[string]string{
		"": {
			"computer": "principal.hostname", "user": "principal.administrative_domain + principal.user.userid", "image": "principal.process.file.full_path",
			"commandline": "principal.process.command_line", "processid": "principal.process.pid",
			"targetfilename": "target.file.full_path", "imageloaded": "target.process.file.full_path",
			"targetobject": "target.registry.registry_key", "details": "target.registry.registry_value_data",
			"destinationip": "target.ip", "destinationport": "target.port", "destinationhostname": "target.hostname",
			"sourceip": "principal.ip", "sourceport": "principal.port", "queryname": "network.dns.questions.name",
			"sourceimage": "principal.process.file.full_path", "targetimage": "target.process.file.full_path",
			"md5": "target.file.md5", "sha1": "target.file.sha1", "sha256": "target.file.sha256",
		},
		"process_creation": {
			"image": "target.process.file.full_path", "commandline": "target.process.command_line", "processid": "target.process.pid",
			"parentimage": "principal.process.file.full_path", "parentcommandline": "principal.process.command_line", "parentprocessid": "principal.process.pid",
			"originalfilename": "target.process.file.exif_info.original_file", "company": "target.process.file.exif_info.company",
			"product": "target.process.file.exif_info.product", "description": "target.process.file.exif_info.file_description",
			"md5": "target.process.file.md5", "sha1": "target.process.file.sha1", "sha256": "target.process.file.sha256",
		},
	}
)
