package mapping

// evtxecmd is EvtxECmd's CSV and JSON. Payload is the event's data, turned from
// XML to JSON: attributes have an @ before their names. What its maps make
// (PayloadData1, UserName) is left as it is.
// Source: EricZimmerman/evtx, EventRecord.cs and the CSV map of EvtxECmd.
var evtxecmd = Shape{
	Name:    "evtxecmd",
	Summary: "EvtxECmd JSON and CSV",
	Mark:    "ChunkNumber",
	Inside:  []Inner{{Field: "Payload"}},
	Moved:   []Moved{{"ProcessId", "ExecutionProcessID"}, {"ThreadId", "ExecutionThreadID"}, {"Payload", ""}},
	Fields: append([]Source{
		{Name: "SystemTime", From: []string{"TimeCreated"}, When: "ChunkNumber"},
	}, worded("ChunkNumber")...),
}
