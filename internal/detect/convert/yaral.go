package convert

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Backend{
	Name: "secops", Summary: "Google SecOps rule (YARA-L 2)", Extension: "yaral", Comment: "//",
	Rule: func(in *Input) (string, error) {
		category := strings.ToLower(in.Rule.LogSource.Category)
		kind, ok := udmTypes[category]
		if !ok {
			return "", &Refusal{Span: in.Rule.LogSource.Span, What: "no type of UDM event is known for the log source " + in.Rule.LogSource.String()}
		}
		field := func(m *Match, f string) (string, error) {
			f = strings.ToLower(in.field(f))
			if n, ok := udmFields[category][f]; ok {
				return "$e." + n, nil
			}
			if n, ok := udmFields[""][f]; ok {
				return "$e." + n, nil
			}
			return "", refuse(m, "no field of UDM is known for this one")
		}
		l := &language{and: " and ", or: " or ", not: func(s string) string { return "not (" + s + ")" }}
		l.match = func(m *Match) (string, error) {
			if m.Field == "" {
				return "", refuse(m, "a keyword: UDM events are matched field by field")
			}
			f, err := field(m, m.Field)
			if err != nil {
				return "", err
			}
			switch v := m.Value.(type) {
			case sigma.String:
				k, text := shapeOf(v)
				fold := " nocase"
				if v.Cased {
					fold = ""
				}
				switch k {
				case exact:
					return f + " = " + logscaleText(text) + fold, nil
				case present:
					return f + ` != ""`, nil
				}
				return f + " = " + sumoRegex("(?s)"+pattern(v)) + fold, nil
			case sigma.Number:
				return f + " = " + v.Text, nil
			case sigma.Null:
				return f + ` = ""`, nil
			case sigma.Exists:
				if v {
					return f + ` != ""`, nil
				}
				return f + ` = ""`, nil
			case sigma.Regexp:
				if !re2(v) {
					return "", refuse(m, "a regular expression that looks around or refers back")
				}
				return f + " = " + sumoRegex(v.Syntax()), nil
			case sigma.Compare:
				return fmt.Sprintf("%s %s %s", f, v.Op, v.Number.Text), nil
			case sigma.CIDR:
				return fmt.Sprintf("net.ip_in_range_cidr(%s, %q)", f, v.Prefix.String()), nil
			case sigma.FieldRef:
				if v.Start || v.End {
					return "", refuse(m, "a field that holds, starts or ends with another")
				}
				g, err := field(m, v.Field)
				if err != nil {
					return "", err
				}
				return fmt.Sprintf("strings.to_lower(%s) = strings.to_lower(%s)", f, g), nil
			}
			return "", refuse(m, "%s", unsaid(m.Value))
		}
		cond, err := l.write(in.Cond)
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
		fmt.Fprintf(&b, "\n  events:\n    $e.metadata.event_type = %q\n    (%s)\n\n  condition:\n    $e\n}\n", kind, cond)
		return b.String(), nil
	},
})

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
			"computer": "principal.hostname", "user": "principal.user.userid", "image": "principal.process.file.full_path",
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
