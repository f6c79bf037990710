package mapping

// getwinevent is PowerShell's Get-WinEvent and Get-EventLog, written by
// ConvertTo-Json or Export-Csv. The data of an event is there twice: without
// names in Properties (ReplacementStrings), and in the message.
// Source: Microsoft, EventLogRecord and EventLogEntry classes; Get-WinEvent.
var getwinevent = Shape{
	Name:    "get-winevent",
	Summary: "PowerShell Get-WinEvent and Get-EventLog, ConvertTo-Json or Export-Csv",
	Mark:    "MachineName",
	Inside: []Inner{
		{Field: "Properties", As: Unnamed, When: "MachineName"},
		{Field: "ReplacementStrings", As: Unnamed, When: "MachineName"},
		{Field: "Message", As: Rendered, When: "MachineName"},
	},
	Moved: []Moved{{"ProcessId", "ExecutionProcessID"}, {"ThreadId", "ExecutionThreadID"}},
	Fields: []Source{
		{Name: "EventID", From: []string{"Id"}, When: "MachineName"},
		{Name: "EventID", From: []string{"InstanceId"}, When: "ReplacementStrings"},
		{Name: "Channel", From: []string{"LogName"}, When: "MachineName"},
		{Name: "Channel", From: []string{"Source"}, Form: Translated, Is: providerChannels, When: "ReplacementStrings"},
		{Name: "Provider", From: []string{"ProviderName"}, When: "MachineName"},
		{Name: "Provider", From: []string{"Source"}, When: "ReplacementStrings"},
		{Name: "Computer", From: []string{"MachineName"}},
		{Name: "EventRecordID", From: []string{"RecordId"}, When: "MachineName"},
		{Name: "EventRecordID", From: []string{"Index"}, When: "ReplacementStrings"},
		{Name: "SystemTime", From: []string{"TimeCreated"}, When: "MachineName"},
		{Name: "SystemTime", From: []string{"TimeGenerated"}, When: "MachineName"},
		{Name: "UserID", From: []string{"UserId.Value"}, When: "MachineName"},
	},
}
