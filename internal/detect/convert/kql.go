package convert

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Backend{
	Name: "sentinel", Summary: "Microsoft Sentinel, table WindowsEvent (KQL)", Extension: "kql", Comment: "//",
	Rule: func(in *Input) (string, error) {
		l := kqlLanguage(func(m *Match, f string) (string, error) { return sentinelField(in.field(f)), nil }, "tostring(EventData)")
		cond, err := l.write(in.Cond)
		if err != nil {
			return "", err
		}
		table := in.Options.Index
		if table == "" {
			table = "WindowsEvent"
		}
		var b strings.Builder
		b.WriteString(in.about("//") + table + "\n")
		if src := kqlSource(in); src != "" {
			b.WriteString("| where " + src + "\n")
		}
		b.WriteString("| where " + cond + "\n")
		return b.String(), nil
	},
})

var _ = register(Backend{
	Name: "defender", Summary: "Microsoft Defender XDR advanced hunting (KQL)", Extension: "kql", Comment: "//",
	Rule: func(in *Input) (string, error) {
		t, ok := defenderTables[strings.ToLower(in.Rule.LogSource.Category)]
		if !ok {
			return "", &Refusal{Span: in.Rule.LogSource.Span, What: "no table of advanced hunting holds the log source " + in.Rule.LogSource.String()}
		}
		l := kqlLanguage(func(m *Match, f string) (string, error) {
			f = in.field(f)
			if c, ok := t.columns[strings.ToLower(f)]; ok {
				return c, nil
			}
			return "", refuse(m, "%s has no column for this field", t.name)
		}, "")
		cond, err := l.write(in.Cond)
		if err != nil {
			return "", err
		}
		out := in.about("//") + t.name + "\n"
		if t.where != "" {
			out += "| where " + t.where + "\n"
		}
		return out + "| where " + cond + "\n", nil
	},
})

// defenderTable is a table of advanced hunting and which of its columns hold
// Sysmon's fields, by their names in lower case.
// Source: Microsoft's schema reference of advanced hunting.
type defenderTable struct {
	name, where string
	columns     map[string]string
}

// initiating are the columns of the process that did something.
var initiating = map[string]string{
	"image": "InitiatingProcessFolderPath", "commandline": "InitiatingProcessCommandLine", "processid": "InitiatingProcessId",
	"user": "InitiatingProcessAccountName", "computer": "DeviceName", "parentimage": "InitiatingProcessParentFileName",
}

func columns(more map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range []map[string]string{initiating, more} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

var defenderTables = map[string]defenderTable{
	"process_creation": {"DeviceProcessEvents", `ActionType == "ProcessCreated"`, map[string]string{
		"image": "FolderPath", "commandline": "ProcessCommandLine", "processid": "ProcessId", "user": "AccountName", "computer": "DeviceName",
		"parentimage": "InitiatingProcessFolderPath", "parentcommandline": "InitiatingProcessCommandLine", "parentprocessid": "InitiatingProcessId",
		"originalfilename": "ProcessVersionInfoOriginalFileName", "product": "ProcessVersionInfoProductName", "company": "ProcessVersionInfoCompanyName",
		"description": "ProcessVersionInfoFileDescription", "fileversion": "ProcessVersionInfoProductVersion", "integritylevel": "ProcessIntegrityLevel",
		"md5": "MD5", "sha1": "SHA1", "sha256": "SHA256",
	}},
	"file_event":         {"DeviceFileEvents", `ActionType == "FileCreated"`, columns(map[string]string{"targetfilename": "FolderPath", "md5": "MD5", "sha1": "SHA1", "sha256": "SHA256"})},
	"file_delete":        {"DeviceFileEvents", `ActionType == "FileDeleted"`, columns(map[string]string{"targetfilename": "FolderPath"})},
	"file_rename":        {"DeviceFileEvents", `ActionType == "FileRenamed"`, columns(map[string]string{"targetfilename": "FolderPath", "sourcefilename": "PreviousFileName"})},
	"image_load":         {"DeviceImageLoadEvents", "", columns(map[string]string{"imageloaded": "FolderPath", "md5": "MD5", "sha1": "SHA1", "sha256": "SHA256"})},
	"network_connection": {"DeviceNetworkEvents", "", columns(map[string]string{"destinationip": "RemoteIP", "destinationport": "RemotePort", "destinationhostname": "RemoteUrl", "sourceip": "LocalIP", "sourceport": "LocalPort", "protocol": "Protocol"})},
	"registry_set":       {"DeviceRegistryEvents", `ActionType == "RegistryValueSet"`, columns(map[string]string{"targetobject": "strcat(RegistryKey, @'\\', RegistryValueName)", "details": "RegistryValueData"})},
	"registry_add":       {"DeviceRegistryEvents", `ActionType == "RegistryKeyCreated"`, columns(map[string]string{"targetobject": "RegistryKey"})},
	"registry_delete":    {"DeviceRegistryEvents", `ActionType in ("RegistryKeyDeleted", "RegistryValueDeleted")`, columns(map[string]string{"targetobject": "strcat(RegistryKey, @'\\', RegistryValueName)"})},
	"registry_event":     {"DeviceRegistryEvents", "", columns(map[string]string{"targetobject": "strcat(RegistryKey, @'\\', RegistryValueName)", "details": "RegistryValueData", "eventtype": "ActionType"})},
}

// sentinelField is a column of WindowsEvent, or a member of its EventData.
func sentinelField(f string) string {
	switch strings.ToLower(f) {
	case "eventid":
		return "EventID"
	case "channel":
		return "Channel"
	case "computer":
		return "Computer"
	case "provider":
		return "Provider"
	case "level":
		return "EventLevel"
	case "task":
		return "Task"
	}
	if sumoName.MatchString(f) {
		return "tostring(EventData." + f + ")"
	}
	return "tostring(EventData[" + kqlText(f) + "])"
}

func kqlSource(in *Input) string {
	var any []string
	for _, p := range in.Places {
		s := "Channel == " + kqlText(p.Channel)
		switch len(p.EventIDs) {
		case 0:
		case 1:
			s += " and EventID == " + p.EventIDs[0]
		default:
			s += " and EventID in (" + strings.Join(p.EventIDs, ", ") + ")"
		}
		if len(in.Places) > 1 {
			s = "(" + s + ")"
		}
		any = append(any, s)
	}
	return strings.Join(any, " or ")
}

// kqlText writes a verbatim string, in which a backslash is plain.
func kqlText(s string) string {
	if strings.ContainsAny(s, "\n\r") {
		return quoted(`"`, s, `\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`)
	}
	return `@"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// kqlLanguage writes conditions; =~, contains, startswith and endswith ignore
// letter case. all is the expression for the whole event, "" when there is none.
func kqlLanguage(field func(*Match, string) (string, error), all string) *language {
	l := &language{and: " and ", or: " or ", not: func(s string) string { return "not(" + s + ")" }}
	l.match = func(m *Match) (string, error) {
		f := all
		if m.Field != "" {
			var err error
			if f, err = field(m, m.Field); err != nil {
				return "", err
			}
		} else if all == "" {
			return "", refuse(m, "a keyword: the table has columns, no whole event")
		}
		switch v := m.Value.(type) {
		case sigma.String:
			k, text := shapeOf(v)
			if m.Field == "" && k == exact {
				k = contained
			}
			ops := map[shape][2]string{exact: {"=~", "=="}, prefixed: {"startswith", "startswith_cs"}, suffixed: {"endswith", "endswith_cs"}, contained: {"contains", "contains_cs"}}
			if op, ok := ops[k]; ok {
				if v.Cased {
					return f + " " + op[1] + " " + kqlText(text), nil
				}
				return f + " " + op[0] + " " + kqlText(text), nil
			}
			if k == present {
				return "isnotempty(" + f + ")", nil
			}
			flags := "(?is)"
			if v.Cased {
				flags = "(?s)"
			}
			return f + " matches regex " + kqlText(flags+pattern(v)), nil
		case sigma.Number:
			return fmt.Sprintf("tostring(%s) == %q", f, v.Text), nil
		case sigma.Bool:
			return fmt.Sprintf(`tostring(%s) =~ "%v"`, f, bool(v)), nil
		case sigma.Null:
			return "isempty(" + f + ")", nil
		case sigma.Exists:
			if v {
				return "isnotempty(" + f + ")", nil
			}
			return "isempty(" + f + ")", nil
		case sigma.Regexp:
			if !re2(v) {
				return "", refuse(m, "a regular expression that looks around or refers back")
			}
			return f + " matches regex " + kqlText(v.Syntax()), nil
		case sigma.Compare:
			return fmt.Sprintf("toreal(%s) %s %s", f, v.Op, v.Number.Text), nil
		case sigma.CIDR:
			fn := "ipv4_is_in_range"
			if !v.Prefix.Addr().Is4() {
				fn = "ipv6_is_in_range"
			}
			return fmt.Sprintf("%s(%s, %q)", fn, f, v.Prefix.String()), nil
		case sigma.FieldRef:
			g, err := field(m, v.Field)
			if err != nil {
				return "", err
			}
			op := map[[2]bool]string{{false, false}: "=~", {true, true}: "contains", {true, false}: "startswith", {false, true}: "endswith"}[[2]bool{v.Start, v.End}]
			return f + " " + op + " " + g, nil
		}
		return "", refuse(m, "%s", unsaid(m.Value))
	}
	return l
}
