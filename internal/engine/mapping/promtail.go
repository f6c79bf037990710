package mapping

// promtail is the windows_events target of Promtail and of Grafana's agents,
// also as Loki gives it back: in a line of a stream. event_data and user_data
// are runs of XML elements.
// Source: grafana/loki, clients/pkg/promtail/targets/windows/format.go.
var promtail = Shape{
	Name:     "promtail",
	Summary:  "Promtail and Loki windows_events",
	Mark:     "eventRecordID",
	Envelope: "line",
	Fields: []Source{
		{Name: "EventID", From: []string{"event_id"}, When: "eventRecordID"},
		{Name: "EventID", From: []string{"event_id"}, When: "timeCreated"},
		{Name: "Provider", From: []string{"source"}, When: "eventRecordID"},
		{Name: "SystemTime", From: []string{"timeCreated"}, When: "eventRecordID"},
		{Name: "ExecutionProcessID", From: []string{"execution.processId"}},
		{Name: "ExecutionThreadID", From: []string{"execution.threadId"}},
		{Name: "UserID", From: []string{"security.userId"}},
	},
}
