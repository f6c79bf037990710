package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Backend{
	Name: "sentinel", Summary: "Microsoft Sentinel, table WindowsEvent for Windows (KQL)", Extension: "kql", Target: "sentinel", Comment: "//",
	Limit: Limit{10_000, "an analytics rule of Sentinel", "save it as a function of the workspace, and let the rule call that"},
	Rule: func(in *Input) (string, error) {
		if in.Model != nil {
			return in.asim()
		}
		c, err := in.condition(in.sentinel, byChannel("Channel", "EventID", mapping.Number, true))
		if err != nil {
			return "", err
		}
		all := "tostring(EventData)"
		if in.Store != nil {
			if all = ""; in.Store.Texts {
				all = "SyslogMessage"
			}
		}
		l := kqlLanguage(all)
		if in.Options.Model {
			l.inLists()
		}
		cond, err := in.say(l, c, alone)
		if err != nil {
			return "", err
		}
		table := in.Options.Index
		switch {
		case table != "":
		case in.Store != nil:
			table = in.Store.Table
		default:
			table = "WindowsEvent"
		}
		var b strings.Builder
		b.WriteString(in.about("//") + table + "\n")
		if src := kqlSource(in); src != "" {
			b.WriteString("| where " + src + "\n")
		}
		b.WriteString("| where " + cond + "\n")
		if shown := in.shows(in.sentinel); len(shown) > 0 && table == "WindowsEvent" {
			b.WriteString(kqlProject([]string{"TimeGenerated", "Computer", "Channel", "EventID"}, shown))
		}
		return b.String(), nil
	},
})

// asim writes a rule over a schema of Sentinel's Advanced Security Information Model.
func (in *Input) asim() (string, error) {
	var err error
	if in.Cond, err = apart(in.Cond); err != nil {
		return "", err
	}
	c, err := in.condition(in.ofModel, nil)
	if err != nil {
		return "", err
	}
	l := kqlLanguage("")
	l.base = in.base(kqlIn)
	l.inLists()
	cond, err := in.say(l, c, alone)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(in.about("//") + in.Model.Table + "\n")
	for _, w := range in.Model.Where {
		b.WriteString("| where " + w[0] + " == " + kqlText(w[1]) + "\n")
	}
	for _, m := range in.Model.Made {
		if strings.Contains(cond, m[0]) {
			b.WriteString("| extend " + m[0] + " = " + m[1] + "\n")
		}
	}
	b.WriteString("| where " + cond + "\n")
	b.WriteString(kqlProject(nil, in.Model.Shown))
	return b.String(), nil
}

// inLists writes KQL as its engineers do: each part on a line of its own, and what one
// column may be as a list.
func (l *language) inLists() {
	l.top = "\n    and "
	l.list = kqlIn
	l.apart = func(m *Match, _ string) bool { return m.Type == mapping.Number }
}

// kqlIn compares a column with several texts, letter case aside.
func kqlIn(column string, texts []string) (string, error) {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		if quoted[i] = kqlText(t); !strings.ContainsAny(t, "\\\"\n\r") {
			quoted[i] = `"` + t + `"`
		}
	}
	return column + " in~ (" + strings.Join(quoted, ", ") + ")", nil
}

// kqlMember is a member of a dynamic column as text, and its name.
var kqlMember = match.Lazy(`^tostring\(\w+\.(\w+)\)$`)

// kqlProject shows some columns, and no other.
func kqlProject(first, shown []string) string {
	for _, c := range shown {
		if m := kqlMember().FindStringSubmatch(c); m != nil {
			c = m[1] + " = " + c
		}
		if name, _, _ := strings.Cut(c, " "); strings.ContainsAny(name, "([") || slices.Contains(first, name) {
			continue
		}
		first = append(first, c)
	}
	return "| project " + strings.Join(first, ", ") + "\n"
}

var _ = register(Backend{
	Name: "defender", Summary: "Microsoft Defender XDR advanced hunting (KQL)", Extension: "kql", Target: "defender", Comment: "//",
	Rule: func(in *Input) (string, error) {
		t, ok := defenderTables[strings.ToLower(in.Rule.LogSource.Category)]
		if !ok {
			return "", &Refusal{Span: in.Rule.LogSource.Span, What: "no table of advanced hunting holds the log source " + in.Rule.LogSource.String()}
		}
		platform, known := defenderPlatforms[strings.ToLower(in.Rule.LogSource.Product)]
		if !known {
			return "", &Refusal{Span: in.Rule.LogSource.Span, What: "no table of advanced hunting is known for the log source " + in.Rule.LogSource.String()}
		}
		c, err := apart(in.Cond)
		if err != nil {
			return "", err
		}
		in.Cond = c
		in.Places = nil // the table holds them all under the same names
		of := func(_ *mapping.LogSource, m *Match, f string) (mapping.Column, error) {
			if n, ok := in.Options.Fields[f]; ok {
				return mapping.Column{Names: []string{n}}, nil
			}
			f = strings.ToLower(mapping.SigmaField(f))
			names, ok := t.columns[f]
			if !ok {
				return mapping.Column{}, refuse(m, "%s has no column for this field", t.name)
			}
			c := mapping.Column{Names: strings.Split(names, " + ")}
			if len(c.Names) == 2 {
				c.Form = mapping.Account
			}
			if defenderNumbers[f] {
				c.Type = mapping.Number
			}
			return c, nil
		}
		if c, err = in.condition(of, nil); err != nil {
			return "", err
		}
		if c, err = each(c, defenderHives); err != nil {
			return "", err
		}
		l := kqlLanguage("")
		if in.Options.Model {
			l.inLists()
			l.base = func(field string) func([]string) (string, error) {
				name, ok := defenderNames[field]
				if !ok || field == "FolderPath" && t.name != "DeviceProcessEvents" && t.name != "DeviceFileEvents" && t.name != "DeviceImageLoadEvents" {
					return nil
				}
				return func(names []string) (string, error) { return kqlIn(name, names) }
			}
		}
		cond, err := in.say(l, c, alone)
		if err != nil {
			return "", err
		}
		out := in.about("//") + t.name + "\n"
		if platform != "" {
			out += fmt.Sprintf("| where DeviceId in ((DeviceInfo | where OSPlatform =~ %q | distinct DeviceId))\n", platform)
		}
		if t.where != "" {
			out += "| where " + t.where + "\n"
		}
		out += "| where " + cond + "\n"
		if shown := in.shows(of); in.Options.Model && in.Store == nil {
			out += kqlProject(slices.Clone(customDetection), shown)
		}
		return out, nil
	},
})

// customDetection are the columns that a custom detection rule wants of a query, and the
// device's name. Source: Microsoft, Create custom detection rules, required columns.
var customDetection = []string{"Timestamp", "DeviceId", "ReportId", "DeviceName"}

// defenderNames are the columns of file names that belong to columns of paths.
var defenderNames = map[string]string{"FolderPath": "FileName", "InitiatingProcessFolderPath": "InitiatingProcessFileName"}

// defenderTable is a table of advanced hunting and which of its columns hold
// Sysmon's fields, by their names in lower case.
// Source: Microsoft's schema reference of advanced hunting.
type defenderTable struct {
	name, where string
	columns     map[string]string
}

// defenderPlatforms are the values of OSPlatform for products; "" asks for none.
var defenderPlatforms = map[string]string{"windows": "", "": "", "linux": "Linux", "macos": "macOS"}

// defenderNumbers are the fields whose columns are numbers.
var defenderNumbers = map[string]bool{"processid": true, "parentprocessid": true, "sourceport": true, "destinationport": true}

// defenderHives writes the registry's hives as advanced hunting has them.
func defenderHives(m *Match) (Cond, error) {
	s, ok := m.Value.(sigma.String)
	if !ok || !strings.Contains(m.Field, "RegistryKey") || len(s.Parts) == 0 || s.Parts[0].Kind != sigma.Literal {
		return m, nil
	}
	for short, long := range map[string]string{`HKLM\`: `HKEY_LOCAL_MACHINE\`, `HKU\`: `HKEY_USERS\`, `HKCU\`: `HKEY_CURRENT_USER\`, `HKCR\`: `HKEY_CLASSES_ROOT\`} {
		if text := s.Parts[0].Text; len(text) >= len(short) && strings.EqualFold(text[:len(short)], short) {
			parts := slices.Clone(s.Parts)
			parts[0].Text = long + text[len(short):]
			return m.at(m.Field, m.Type, sigma.String{Parts: parts, Cased: s.Cased}), nil
		}
	}
	return m, nil
}

// initiating are the columns of the process that did something.
var initiating = map[string]string{
	"image": "InitiatingProcessFolderPath", "commandline": "InitiatingProcessCommandLine", "processid": "InitiatingProcessId",
	"user": "InitiatingProcessAccountDomain + InitiatingProcessAccountName", "computer": "DeviceName",
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
		"image": "FolderPath", "commandline": "ProcessCommandLine", "processid": "ProcessId", "user": "AccountDomain + AccountName", "computer": "DeviceName",
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

// sentinelColumns are the columns of WindowsEvent that hold what stands in an
// event's System part.
// Source: Microsoft, Azure Monitor Logs reference, WindowsEvent.
var sentinelColumns = map[string]mapping.Column{
	"eventid": {Names: []string{"EventID"}, Type: mapping.Number}, "level": {Names: []string{"EventLevel"}, Type: mapping.Number},
	"task": {Names: []string{"Task"}, Type: mapping.Number}, "version": {Names: []string{"Version"}, Type: mapping.Number},
	"executionprocessid": {Names: []string{"SystemProcessId"}, Type: mapping.Number}, "executionthreadid": {Names: []string{"SystemThreadId"}, Type: mapping.Number},
	"opcode": {Names: []string{"Opcode"}}, "keywords": {Names: []string{"Keywords"}}, "channel": {Names: []string{"Channel"}},
	"computer": {Names: []string{"Computer"}}, "provider": {Names: []string{"Provider"}}, "eventrecordid": {Names: []string{"EventRecordId"}},
	"userid": {Names: []string{"SystemUserId"}}, "activityid": {Names: []string{"Correlation"}},
}

// sentinel are the columns of WindowsEvent: those of its own, and the members of
// EventData.
func (in *Input) sentinel(at *mapping.LogSource, m *Match, field string) (mapping.Column, error) {
	if in.Store != nil {
		return in.stored(m, field)
	}
	if _, ok := in.Options.Fields[field]; !ok {
		if c, ok := sentinelColumns[strings.ToLower(mapping.SigmaField(field))]; ok {
			return c, nil
		}
	}
	return renamed(in.native, func(f string) string {
		if sumoName().MatchString(f) {
			return "tostring(EventData." + f + ")"
		}
		return "tostring(EventData[" + kqlText(f) + "])"
	})(at, m, field)
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
// letter case. all is the expression for the whole event, as JSON; "" when there
// is none.
func kqlLanguage(all string) *language {
	l := &language{and: " and ", or: " or ", not: func(s string) string { return "not(" + s + ")" }}
	l.match = func(m *Match) (string, error) {
		f := m.Field
		if f == "" {
			if all == "" {
				return "", refuse(m, "a keyword: the table has columns, no whole event")
			}
			return kqlKeyword(m, all)
		}
		number := m.Type == mapping.Number
		switch v := m.Value.(type) {
		case sigma.String:
			k, text := shapeOf(v)
			switch {
			case number && k == exact && decimal().MatchString(text):
				return f + " == " + text, nil
			case number && k == present:
				return "isnotnull(" + f + ")", nil
			case number:
				f = "tostring(" + f + ")"
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
			if number {
				return f + " == " + v.Text, nil
			}
			return fmt.Sprintf("tostring(%s) == %q", f, v.Text), nil
		case sigma.Bool:
			return fmt.Sprintf(`tostring(%s) =~ "%v"`, f, bool(v)), nil
		case sigma.Null:
			if number {
				return "isnull(" + f + ")", nil
			}
			return "isempty(" + f + ")", nil
		case sigma.Exists:
			is, of := "is", "empty("
			if v {
				is = "isnot"
			}
			if number {
				of = "null("
			}
			return is + of + f + ")", nil
		case sigma.Regexp:
			if !re2(v) {
				return "", refuse(m, "a regular expression that looks around or refers back")
			}
			if number {
				f = "tostring(" + f + ")"
			}
			return f + " matches regex " + kqlText(v.Syntax()), nil
		case sigma.Compare:
			op := esqlOps[v.Op]
			if number {
				return fmt.Sprintf("%s %s %s", f, op, v.Number.Text), nil
			}
			return fmt.Sprintf("toreal(%s) %s %s", f, op, v.Number.Text), nil
		case sigma.CIDR:
			fn := "ipv4_is_in_range"
			if !v.Prefix.Addr().Is4() {
				fn = "ipv6_is_in_range"
			}
			return fmt.Sprintf("%s(%s, %q)", fn, f, v.Prefix.String()), nil
		case sigma.FieldRef:
			g := v.Field
			op := map[[2]bool]string{{false, false}: "=~", {true, true}: "contains", {true, false}: "startswith", {false, true}: "endswith"}[[2]bool{v.Start, v.End}]
			return f + " " + op + " " + g, nil
		}
		return "", refuse(m, "%s", unsaid(m.Value))
	}
	return l
}

// kqlKeyword looks for a text anywhere in the whole event, which is JSON: its
// backslashes and quotes have one in front of them.
func kqlKeyword(m *Match, all string) (string, error) {
	var s sigma.String
	switch v := m.Value.(type) {
	case sigma.String:
		s = sigma.String{Parts: slices.Clone(v.Parts), Cased: v.Cased}
	case sigma.Number:
		s = literal(v.Text)
	case sigma.Regexp:
		if re2(v) {
			return all + " matches regex " + kqlText(v.Syntax()), nil
		}
		return "", refuse(m, "a regular expression that looks around or refers back")
	default:
		return "", refuse(m, "a keyword that is no text")
	}
	for i, p := range s.Parts {
		if p.Kind == sigma.Literal && strings.HasPrefix(all, "tostring(") {
			s.Parts[i].Text = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p.Text)
		}
	}
	switch k, text := shapeOf(s); {
	case k == present:
		return "isnotempty(" + all + ")", nil
	case k == wild && s.Cased:
		return all + " matches regex " + kqlText("(?s)"+anywhere(s)), nil
	case k == wild:
		return all + " matches regex " + kqlText("(?is)"+anywhere(s)), nil
	case s.Cased:
		return all + " contains_cs " + kqlText(text), nil
	default:
		return all + " contains " + kqlText(text), nil
	}
}
