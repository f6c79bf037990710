package mapping

// nxlog is im_msvistalog with to_json(), and Security-Datasets (Mordor), which
// is NXLog through Logstash. Splunk's text of events has the same names for
// some. NXLog 2 loses an event's own ProcessId; nothing here brings it back.
var nxlog = Shape{
	Name:    "nxlog",
	Summary: "NXLog im_msvistalog, Security-Datasets (Mordor), Splunk WinEventLog text",
	Mark:    "SourceName",
	Inside: []Inner{
		{Field: "EventXML"}, // with CaptureEventXML
		{Field: "Message", As: Alone},
	},
	Fields: []Source{
		{Name: "Channel", From: []string{"LogName"}, When: "SourceName"},
		{Name: "Computer", From: []string{"Hostname"}, When: "SourceName"},
		{Name: "Provider", From: []string{"SourceName"}},
		{Name: "EventRecordID", From: []string{"RecordNumber"}, When: "SourceName"},
		{Name: "SystemTime", From: []string{"EventTime"}, When: "SourceName"},
		{Name: "ExecutionThreadID", From: []string{"ThreadID"}, When: "SourceName"},
		{Name: "_collector", From: []string{"host"}, When: "SourceModuleName"},
	},
}
