package mapping

import "slices"

// getwinevent is PowerShell's Get-WinEvent and Get-EventLog, written by
// ConvertTo-Json or Export-Csv. The data of an event is there twice: without
// names in Properties (ReplacementStrings), and in the message. A selection may
// have kept the time, the number and the message alone: TimeCreated tells it.
// Source: Microsoft, EventLogRecord and EventLogEntry classes; Get-WinEvent.
var getwinevent = Shape{
	Name:    "get-winevent",
	Summary: "PowerShell Get-WinEvent and Get-EventLog, ConvertTo-Json or Export-Csv",
	Mark:    "MachineName",
	Inside: []Inner{
		{Field: "Properties", As: Unnamed, When: "MachineName"},
		{Field: "ReplacementStrings", As: Unnamed, When: "MachineName"},
		{Field: "Message", As: Rendered, When: "MachineName"},
		{Field: "Message", As: Rendered, When: "ReplacementStrings"},
		{Field: "Properties", As: Unnamed, When: "TimeCreated"},
		{Field: "Message", As: Rendered, When: "TimeCreated", Unless: "Computer"},
	},
	Moved: []Moved{{"ProcessId", "ExecutionProcessID"}, {"ThreadId", "ExecutionThreadID"}},
	Fields: slices.Concat([]Source{
		{Name: "EventID", From: []string{"Id"}, When: "TimeCreated"},
		{Name: "EventID", From: []string{"InstanceId"}, When: "ReplacementStrings"},
		{Name: "Channel", From: []string{"LogName"}, When: "TimeCreated"},
		{Name: "Channel", From: []string{"Source"}, Form: Translated, Is: providerChannels, When: "ReplacementStrings"},
		{Name: "Provider", From: []string{"ProviderName"}, When: "TimeCreated"},
		{Name: "Provider", From: []string{"Source"}, When: "ReplacementStrings"},
		{Name: "Computer", From: []string{"MachineName"}},
		{Name: "EventRecordID", From: []string{"RecordId"}, When: "TimeCreated"},
		{Name: "EventRecordID", From: []string{"Index"}, When: "ReplacementStrings"},
		{Name: "SystemTime", From: []string{"TimeCreated"}, When: "MachineName"},
		{Name: "SystemTime", From: []string{"TimeGenerated"}, When: "MachineName"},
		{Name: "Level", From: []string{"LevelDisplayName"}, Form: Translated, Is: levels, When: "TimeCreated"},
		{Name: "Keywords", From: []string{"KeywordsDisplayNames"}, Form: Translated, Is: audits, When: "TimeCreated"},
		{Name: "UserID", From: []string{"UserId.Value"}, When: "TimeCreated"},
	}, said("Message", "TimeCreated")),
}
