package mapping

// EventNumbers are the names of an event's number in lines of names and values.
var EventNumbers = []string{"EventID", "EventIDCode", "EventCode", "event_id"}

// wincollect is IBM's agent for Windows, whose events QRadar has as syslog: names
// and values between tabs, the rendered message last.
// Source: IBM, QRadar WinCollect user guide; Microsoft Windows Security Event Log DSM.
var wincollect = Shape{
	Name:    "wincollect",
	Summary: "QRadar WinCollect syslog; Snare, NXLog's to_syslog_snare() and LEEF are read beside it",
	Mark:    "AgentLogFile",
	Fields: []Source{
		{Name: "Channel", From: []string{"AgentLogFile"}},
		{Name: "Provider", From: []string{"Source"}, When: "AgentLogFile"},
		{Name: "EventRecordID", From: []string{"RecordNumber"}, When: "AgentLogFile"},
		{Name: "SystemTime", From: []string{"TimeGenerated"}, When: "AgentLogFile"},
	},
}
