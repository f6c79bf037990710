package mapping

// evtxdump is EVTX turned into JSON by evtx_dump, Zircolite (attributes in an
// #attributes object) and chainsaw (in NAME_attributes).
var evtxdump = Shape{
	Name:     "evtx_dump",
	Summary:  "evtx_dump, Zircolite and chainsaw JSON",
	Mark:     "Event.System.EventRecordID",
	Roots:    []string{"Event.EventData", "Event.UserData", "Event.System"},
	Envelope: "document.data", // chainsaw hunt
	Inside: []Inner{
		{Field: "Event.UserData", As: Element},
		{Field: "Event.EventData.Data"},
	},
	Fields: []Source{
		{Name: "Provider", From: []string{"Event.System.Provider.#attributes.Name"}},
		{Name: "Provider", From: []string{"Event.System.Provider_attributes.Name"}},
		{Name: "SystemTime", From: []string{"Event.System.TimeCreated.#attributes.SystemTime"}},
		{Name: "SystemTime", From: []string{"Event.System.TimeCreated_attributes.SystemTime"}},
		{Name: "ExecutionProcessID", From: []string{"Event.System.Execution.#attributes.ProcessID"}},
		{Name: "ExecutionProcessID", From: []string{"Event.System.Execution_attributes.ProcessID"}},
		{Name: "ExecutionThreadID", From: []string{"Event.System.Execution.#attributes.ThreadID"}},
		{Name: "ExecutionThreadID", From: []string{"Event.System.Execution_attributes.ThreadID"}},
		{Name: "UserID", From: []string{"Event.System.Security.#attributes.UserID"}},
		{Name: "UserID", From: []string{"Event.System.Security_attributes.UserID"}},
	},
}
