package mapping

// sumo is what the Windows source of Sumo Logic's Installed Collector writes as
// JSON. Its legacy text has the names of WMI's Win32_NTLogEvent.
// Source: Sumo Logic documentation, Local Windows Event Log Source.
var sumo = Shape{
	Name:    "sumo",
	Summary: "Sumo Logic Installed Collector, Windows source (JSON, complete or concise; legacy text)",
	Mark:    "EventRecordID", // other exports have it too, all of them flat
	Signs:   []string{"Provider.Name", "Execution.ProcessID", "Execution.ThreadID"},
	Roots:   []string{"EventData", "UserData"},
	Inside: []Inner{
		{Field: "UserData", As: Element},
		{Field: "EventData.Data"}, // a list of names and texts, of one that kept attributes
	},
	Fields: []Source{
		forwarded,
		{Name: "Provider", From: []string{"Provider.Name"}},
		{Name: "SystemTime", From: []string{"TimeCreated"}},
		{Name: "ExecutionProcessID", From: []string{"Execution.ProcessID"}},
		{Name: "ExecutionThreadID", From: []string{"Execution.ThreadID"}},
		{Name: "UserID", From: []string{"Security.UserID"}},
		{Name: "EventID", From: []string{"EventCode"}, When: "SourceName"},
		{Name: "Channel", From: []string{"Logfile"}, When: "SourceName"},
		{Name: "Computer", From: []string{"ComputerName"}, When: "SourceName"},
		{Name: "SystemTime", From: []string{"TimeGenerated"}, When: "SourceName"},
	},
}
