package mapping

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// Twin is a place of the Security log where events are written that say what
// Sysmon's events of a category say.
type Twin struct {
	LogSource
	// Operations are the values of OperationType that the category is about; nil for all.
	Operations []string
}

// What OperationType of a 4657 says, as it is stored and as it is shown.
var (
	valueCreated  = []string{"%%1904", "New registry value created"}
	valueModified = []string{"%%1905", "Existing registry value modified"}
	valueDeleted  = []string{"%%1906", "Registry value deleted"}
)

// twins are by Sigma's category. Process creation and termination stand in
// logCategories: every backend maps those.
// Source: Microsoft, 5156(S): The Windows Filtering Platform has permitted a
// connection; 4657(S): A registry value was modified.
var twins = map[string]Twin{
	"network_connection": {LogSource: LogSource{channelSecurity, securityProvider, []string{"5156"}}},
	"registry_event":     {LogSource: registryValue},
	"registry_set":       {registryValue, append(valueCreated[:2:2], valueModified...)},
	"registry_add":       {registryValue, valueCreated},
	"registry_delete":    {registryValue, valueDeleted},
}

var registryValue = LogSource{channelSecurity, securityProvider, []string{"4657"}}

// TwinOf is the Security log's twin of a Sigma log source that is a category of
// Windows events and names no service.
func TwinOf(product, category, service string) (t Twin, ok bool) {
	if service != "" || product != "" && !strings.EqualFold(product, "windows") {
		return t, false
	}
	t, ok = twins[strings.ToLower(category)]
	return t, ok
}

// twinSources give the twins' events Sysmon's names. They count where Sigma rules read
// along: to a query TargetObject is Sysmon's alone, whose text it can search for.
var twinSources = []Source{
	{Name: "Image", From: []string{"Application"}, When: "FilterRTID"},
	{Name: "SourceIp", From: []string{"SourceAddress"}, When: "FilterRTID"},
	{Name: "DestinationIp", From: []string{"DestAddress"}, When: "FilterRTID"},
	{Name: "DestinationPort", From: []string{"DestPort"}, When: "FilterRTID"},
	{Name: "Protocol", From: []string{"Protocol"}, Form: Translated, When: "FilterRTID", Is: map[string]string{"6": "tcp", "17": "udp"}},
	{Name: "Initiated", From: []string{"Direction"}, Form: Translated, When: "FilterRTID", Is: map[string]string{
		"%%14593": "true", "Outbound": "true", "%%14592": "false", "Inbound": "false",
	}},
	{Name: "TargetObject", From: []string{"ObjectName", "ObjectValueName"}, Form: RegistryPath, When: "OldValueType"},
	{Name: "Details", From: []string{"NewValue", "NewValueType"}, Form: RegistryData, When: "OldValueType"},
	{Name: "EventType", From: []string{"OperationType"}, Form: Translated, When: "OldValueType", Is: map[string]string{
		valueCreated[0]: "SetValue", valueCreated[1]: "SetValue", valueModified[0]: "SetValue", valueModified[1]: "SetValue",
		valueDeleted[0]: "DeleteValue", valueDeleted[1]: "DeleteValue",
	}},
	{Name: "User", From: []string{"SubjectDomainName", "SubjectUserName"}, Form: Account, When: "OldValueType"},
}

// hives are the registry's roots as the kernel writes them, and as Sysmon does.
// Source: Sysmon, events 12 to 14.
var hives = [][2]string{
	{`\REGISTRY\MACHINE\`, `HKLM\`},
	{`\REGISTRY\USER\`, `HKU\`},
}

// appendRegistryPath appends a value's path as Sysmon writes it.
func appendRegistryPath(dst []byte, key, value []byte) []byte {
	for _, h := range hives {
		if len(key) >= len(h[0]) && strings.EqualFold(string(key[:len(h[0])]), h[0]) {
			dst, key = append(dst, h[1]...), key[len(h[0]):]
			break
		}
	}
	dst = append(dst, key...)
	if len(value) > 0 && string(value) != "-" {
		dst = append(append(dst, '\\'), value...)
	}
	return dst
}

// appendRegistryData appends a value's data as Sysmon writes it: numbers with their
// type, nothing of binary data.
// Source: Microsoft, 4657(S), the types %%1872 to %%1883; Sysmon, event 13.
func appendRegistryData(dst []byte, data, kind []byte) []byte {
	switch k := string(kind); {
	case strings.HasSuffix(k, "%%1876"), strings.HasSuffix(k, "REG_DWORD"):
		if n, err := strconv.ParseUint(string(bytes.TrimSpace(data)), 0, 32); err == nil {
			return fmt.Appendf(dst, "DWORD (0x%08x)", n)
		}
	case strings.HasSuffix(k, "%%1883"), strings.HasSuffix(k, "REG_QWORD"):
		if n, err := strconv.ParseUint(string(bytes.TrimSpace(data)), 0, 64); err == nil {
			return fmt.Appendf(dst, "QWORD (0x%08x-0x%08x)", n>>32, n&0xffffffff)
		}
	case strings.HasSuffix(k, "%%1875"), strings.HasSuffix(k, "REG_BINARY"):
		return append(dst, "Binary Data"...)
	}
	if len(data) == 0 {
		return append(dst, "(Empty)"...)
	}
	return append(dst, data...)
}

// registry is the text of a RegistryPath or RegistryData.
func (e *Elsewhere) registry(vals []jsondoc.Value, k Keeper) jsondoc.Value {
	text := func(i int) []byte {
		if v := vals[e.At[i]]; !Absent(v) {
			return v.AppendText(nil)
		}
		return nil
	}
	first, second := text(0), text(1)
	if e.Form == RegistryData {
		if string(second) == "-" || second == nil { // deleted: there is no new value
			return jsondoc.Value{}
		}
		return k.Keep(appendRegistryData(k.Scratch(), first, second))
	}
	if first == nil {
		return jsondoc.Value{}
	}
	return k.Keep(appendRegistryPath(k.Scratch(), first, second))
}
