package mapping

// fluent is Fluent Bit's winlog and winevtlog, and Fluentd's
// windows_eventlog2. The data of an event has no names: StringInserts,
// EventData. With Render_Event_As_XML the XML stands in System.
// Source: fluent/fluent-bit, plugins/in_winlog and in_winevtlog;
// fluent/fluent-plugin-windows-eventlog.
var fluent = Shape{
	Name:     "fluent",
	Summary:  "Fluent Bit winlog and winevtlog, Fluentd windows_eventlog2",
	Mark:     "StringInserts",
	Envelope: "log", // of a container's log
	Inside: []Inner{
		{Field: "System", As: Text},
		{Field: "StringInserts", As: Unnamed},
		{Field: "EventData", As: Unnamed},
		{Field: "Message", As: Rendered, When: "StringInserts"},
		{Field: "Description", As: Rendered, When: "EventData"},
	},
	Moved: []Moved{{"ProcessID", "ExecutionProcessID"}, {"ThreadID", "ExecutionThreadID"}},
	Fields: []Source{
		{Name: "Provider", From: []string{"ProviderName"}, When: "EventRecordID"},
		{Name: "Computer", From: []string{"ComputerName"}, When: "StringInserts"},
		{Name: "SystemTime", From: []string{"TimeGenerated"}, When: "StringInserts"},
	},
}
