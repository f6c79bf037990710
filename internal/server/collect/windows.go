package collect

import "bytes"

// ofWindows says that a message looks like a record of a Windows event log: XML, JSON of
// Winlogbeat, NXLog, Fluent Bit, Wazuh and others, or Splunk's text. Such a record is given its
// category by its channel when it is read (windows/sysmon), which is what detections ask for; a
// sourcetype or the name of an index (XmlWinEventLog, winlogbeat-8) would hide it from them.
func ofWindows(msg []byte) bool {
	has := func(text string) bool { return bytes.Contains(msg, []byte(text)) }
	switch head := bytes.TrimLeft(msg[:min(len(msg), 64)], " \t\r\n\ufeff"); {
	case len(head) == 0:
		return false
	case head[0] == '<':
		return bytes.Contains(msg[:min(len(msg), 512)], []byte("schemas.microsoft.com/win/2004/08/events/event"))
	case head[0] == '{':
		return has(`"winlog`) || has(`:"Microsoft-Windows-`) || has(`: "Microsoft-Windows-`) ||
			(has(`hannel"`) || has(`"LogName"`) || has(`"log_name"`)) && (has(`"EventID"`) || has(`"EventId"`) || has(`"event_id"`) || has(`"Id"`) || has(`"EventCode"`) || has(`"EventIdentifier"`))
	}
	return has("LogName=") && has("EventCode=")
}
