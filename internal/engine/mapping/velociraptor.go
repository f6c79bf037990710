package mapping

// velociraptor is what parse_evtx() and dumpevtx give: typed values, and the
// event's number in an object.
var velociraptor = Shape{
	Name:    "velociraptor",
	Summary: "Velociraptor parse_evtx() and dumpevtx",
	Mark:    "System.EventID.Value",
	Roots:   []string{"System"},
	Fields: []Source{
		{Name: "EventID", From: []string{"System.EventID.Value"}},
		{Name: "SystemTime", From: []string{"System.TimeCreated.SystemTime"}},
		{Name: "Provider", From: []string{"System.Provider.Name"}},
		{Name: "ExecutionProcessID", From: []string{"System.Execution.ProcessID"}},
		{Name: "ExecutionThreadID", From: []string{"System.Execution.ThreadID"}},
		{Name: "UserID", From: []string{"System.Security.UserID"}},
	},
}
