package mapping

// sentinel is the tables WindowsEvent, Event and SecurityEvent of Microsoft
// Sentinel, exported as JSON or CSV. EventData is JSON in WindowsEvent, in text
// where a dynamic column is exported as one, and XML in the others.
// Source: Microsoft, Azure Monitor Logs reference, tables WindowsEvent, Event, SecurityEvent.
var sentinel = Shape{
	Name:    "sentinel",
	Summary: "Microsoft Sentinel WindowsEvent, Event, SecurityEvent",
	Mark:    "EventLevelName",
	Inside: []Inner{
		{Field: "EventData", As: Text},
		{Field: "RawXml"}, // of Azure's diagnostics extension
		{Field: "ParameterXml", As: Unnamed, Unless: "EventData"},
		{Field: "RenderedDescription", As: Rendered, Unless: "EventData"},
	},
	Fields: []Source{
		{Name: "Channel", From: []string{"EventLog"}},
		{Name: "Provider", From: []string{"EventSourceName"}},
		{Name: "Provider", From: []string{"Source"}, When: "EventLog"},
		{Name: "Level", From: []string{"EventLevel"}},
		{Name: "Level", From: []string{"EventLevelName"}, Form: Translated, Is: levels},
		{Name: "SystemTime", From: []string{"TimeGenerated"}, When: "EventLevelName"},
		{Name: "SystemTime", From: []string{"TimeGenerated"}, When: "EventSourceName"},
		{Name: "ExecutionProcessID", From: []string{"SystemProcessId"}},
		{Name: "ExecutionThreadID", From: []string{"SystemThreadId"}},
		{Name: "UserID", From: []string{"SystemUserId"}},
	},
}
