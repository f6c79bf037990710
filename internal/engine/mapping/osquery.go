package mapping

// osquery is the table windows_events, in result logs and as it is. data is
// the event's data as JSON.
// Source: osquery schema, windows_events; osquery, Logging.
var osquery = Shape{
	Name:     "osquery",
	Summary:  "osquery windows_events",
	Mark:     "provider_guid",
	Envelope: "columns",
	Inside:   []Inner{{Field: "data", As: Text, When: "provider_name"}},
	Fields: []Source{
		{Name: "Channel", From: []string{"source"}, When: "provider_name"},
		{Name: "Provider", From: []string{"provider_name"}},
		{Name: "Computer", From: []string{"computer_name"}, When: "provider_name"},
		{Name: "SystemTime", From: []string{"datetime"}, When: "provider_name"},
		{Name: "ExecutionProcessID", From: []string{"pid"}, When: "provider_name"},
		{Name: "ExecutionThreadID", From: []string{"tid"}, When: "provider_name"},
	},
}
