package collect

import (
	"bytes"
	"slices"
)

// ofWindows says that a message looks like a record of a Windows event log: XML, JSON of
// Winlogbeat, NXLog, Fluent Bit, Wazuh and others, or Splunk's text. Such a record is given its
// category by its channel when it is read (windows/sysmon), which is what detections ask for; a
// sourcetype or the name of an index (XmlWinEventLog, winlogbeat-8) would hide it from them.
//
// One that looks so and is none would lose its own category, so words alone are not enough: a
// channel counts with an event id and a provider or computer beside it.
func ofWindows(msg []byte) bool {
	has := func(any ...string) bool {
		return slices.ContainsFunc(any, func(text string) bool { return bytes.Contains(msg, []byte(text)) })
	}
	switch head := bytes.TrimLeft(msg[:min(len(msg), 64)], " \t\r\n\ufeff"); {
	case len(head) == 0:
		return false
	case head[0] == '<':
		return bytes.Contains(msg[:min(len(msg), 512)], []byte("schemas.microsoft.com/win/2004/08/events/event"))
	case head[0] == '{':
		return has(`"winlog"`, `"winlog.`, `"winlog_`, `"winlogbeat_`, `:"Microsoft-Windows-`, `: "Microsoft-Windows-`) ||
			has(`"Channel"`, `"channel"`, `"LogName"`, `"log_name"`) && has(`"EventID"`, `"EventId"`, `"eventID"`, `"event_id"`, `"EventCode"`, `"EventIdentifier"`, `"Id"`) &&
				has(`"ProviderName"`, `"SourceName"`, `"Provider"`, `"provider"`, `"providerName"`, `"source_name"`, `"Computer"`, `"computer"`, `"ComputerName"`, `"MachineName"`)
	}
	return has("LogName=") && has("EventCode=")
}
