package mapping

import "strings"

// system are the flat names of what stands under System in a Windows event, by
// element and attribute. They are those of Sysmon exports that Sumo Logic's
// users query; ProcessID is Execution's there, because Sysmon events have a
// ProcessId of their own.
var system = map[string]string{
	"Provider/Name":                 "Provider",
	"Provider/Guid":                 "ProviderGuid",
	"Provider/EventSourceName":      "EventSourceName",
	"EventID":                       "EventID",
	"EventID/Qualifiers":            "Qualifiers",
	"Version":                       "Version",
	"Level":                         "Level",
	"Task":                          "Task",
	"Opcode":                        "Opcode",
	"Keywords":                      "Keywords",
	"TimeCreated/SystemTime":        "SystemTime",
	"EventRecordID":                 "EventRecordID",
	"Correlation/ActivityID":        "ActivityID",
	"Correlation/RelatedActivityID": "RelatedActivityID",
	"Execution/ProcessID":           "ExecutionProcessID",
	"Execution/ThreadID":            "ExecutionThreadID",
	"Execution/ProcessorID":         "ProcessorID",
	"Execution/SessionID":           "SessionID",
	"Execution/KernelTime":          "KernelTime",
	"Execution/UserTime":            "UserTime",
	"Execution/ProcessorTime":       "ProcessorTime",
	"Channel":                       "Channel",
	"Computer":                      "Computer",
	"Security/UserID":               "UserID",
}

// systemNames are the names that the event's own data does not take from System.
var systemNames = func() map[string]bool {
	names := map[string]bool{}
	for _, n := range system {
		names[n] = true
	}
	return names
}()

// WindowsField returns the flat name of a place in a Windows event's XML: path
// are the elements from Event on, attr an attribute or "", key the Name of a
// Data element. What has no name of its own there is "".
//
// System's names are as they are; EventData's are those of its Data elements,
// Data for one without a name; UserData's are those of the elements below its
// one element. Deeper ones are joined with dots. Data that is called as a field
// of System is EventData.Channel, so that Channel always means the event's.
func WindowsField(path []string, attr, key string) string {
	if len(path) > 0 && path[0] == "Event" {
		path = path[1:]
	}
	if len(path) == 0 {
		return ""
	}
	section, rest := path[0], path[1:]
	switch section {
	case "System":
		name := strings.Join(rest, ".")
		if attr != "" {
			name += "/" + attr
		}
		if flat, ok := system[name]; ok {
			return flat
		}
		return strings.ReplaceAll(name, "/", "")
	case "UserData":
		if len(rest) == 0 || len(rest) == 1 && attr == "" {
			return join(section, rest, attr, key)
		}
		return own(section, join("", rest[1:], attr, key))
	case "EventData":
		if len(rest) == 0 && attr != "" {
			return section + "." + attr
		}
		if len(rest) == 0 {
			return section
		}
		return own(section, join("", rest, attr, key))
	case "RenderingInfo":
		if len(rest) == 1 && rest[0] == "Message" && attr == "" {
			return "Message"
		}
	}
	return join(section, rest, attr, key)
}

// join puts a name together; a Data element is called by its key.
func join(section string, path []string, attr, key string) string {
	parts := append(make([]string, 0, len(path)+2), path...)
	if section != "" {
		parts = append([]string{section}, parts...)
	}
	if n := len(parts); key != "" && n > 0 {
		parts[n-1] = key
	}
	if attr != "" {
		parts = append(parts, attr)
	}
	return strings.Join(parts, ".")
}

// own is the name of the event's own data.
func own(section, name string) string {
	if systemNames[name] {
		return section + "." + name
	}
	return name
}
