package mapping

// chainsaw is the CSV of chainsaw's hunt, whose Event Data is lines of "Name: value",
// as other exports have EventData. Its JSON is evtxdump's.
// Source: WithSecureLabs/chainsaw, src/cli.rs.
var chainsaw = Shape{
	Name:    "chainsaw",
	Summary: "chainsaw hunt CSV",
	Mark:    "Event Data",
	Inside: []Inner{
		{Field: "Event Data", As: Lines},
		{Field: "EventData", As: Lines},
	},
	Fields: append([]Source{
		{Name: "EventID", From: []string{"Event ID"}, When: "Event Data"},
		{Name: "EventRecordID", From: []string{"Record ID"}, When: "Event Data"},
		{Name: "Provider", From: []string{"Event.System.Provider"}, When: "Event Data"},
	}, said("Event Data", "Event Data")...),
}
