package mapping

// fluent is Fluent Bit's winlog and winevtlog, and Fluentd's
// windows_eventlog and windows_eventlog2. The data of an event has no names: StringInserts,
// EventData. With Render_Event_As_XML the XML stands in System.
// Source: fluent/fluent-bit, plugins/in_winlog and in_winevtlog;
// fluent/fluent-plugin-windows-eventlog.
var fluent = Shape{
	Name:     "fluent",
	Summary:  "Fluent Bit winlog and winevtlog, Fluentd windows_eventlog and windows_eventlog2",
	Mark:     "StringInserts",
	Envelope: "log", // of a container's log
	Inside: []Inner{
		{Field: "System", As: Text},
		{Field: "StringInserts", As: Unnamed},
		{Field: "EventData", As: Unnamed},
		{Field: "Message", As: Rendered, When: "StringInserts"},
		{Field: "Description", As: Rendered, When: "EventData"},
		{Field: "string_inserts", As: Unnamed, When: "record_number"}, // Fluentd's windows_eventlog
		{Field: "description", As: Rendered, When: "string_inserts"},
	},
	Moved: []Moved{{"ProcessID", "ExecutionProcessID"}, {"ThreadID", "ExecutionThreadID"}},
	Fields: []Source{
		{Name: "Provider", From: []string{"ProviderName"}, When: "EventRecordID"},
		{Name: "Computer", From: []string{"ComputerName"}, When: "StringInserts"},
		{Name: "SystemTime", From: []string{"TimeGenerated"}, When: "StringInserts"},
		{Name: "EventID", From: []string{"event_id"}, When: "string_inserts"},
		{Name: "Provider", From: []string{"source_name"}, When: "string_inserts"},
		{Name: "Channel", From: []string{"source_name"}, Form: Translated, Is: providerChannels, When: "string_inserts"},
		{Name: "Computer", From: []string{"computer_name"}, When: "string_inserts"},
		{Name: "EventRecordID", From: []string{"record_number"}, When: "string_inserts"},
		{Name: "SystemTime", From: []string{"time_generated"}, When: "string_inserts"},
	},
}
