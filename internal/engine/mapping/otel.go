package mapping

// otel is the body that OpenTelemetry's windowseventlogreceiver makes, and so
// what Sumo Logic's OpenTelemetry collector sends. With raw: true the body is
// the event's XML, which the reader takes apart itself.
// Older ones wrote the objects in it as JSON text.
// Source: opentelemetry-collector-contrib, receiver/windowseventlogreceiver.
var otel = Shape{
	Name:     "otel",
	Summary:  "OpenTelemetry windowseventlog (also raw)",
	Mark:     "record_id",
	Roots:    []string{"event_data"},
	Envelope: "body",
	Inside: []Inner{
		{Field: "event_data", As: Text},
		{Field: "event_data.data"}, // a list of objects of one field
		{Field: "user_data", As: Element},
	},
	Fields: append([]Source{
		{Name: "EventID", From: []string{"event_id.id"}},
		{Name: "EventID", From: []string{"event_id"}, Form: Inside, Part: "id", When: "record_id"},
		{Name: "Provider", From: []string{"provider.name"}},
		{Name: "EventRecordID", From: []string{"record_id"}},
		{Name: "SystemTime", From: []string{"system_time"}},
		{Name: "ExecutionProcessID", From: []string{"execution.process_id"}},
		{Name: "ExecutionThreadID", From: []string{"execution.thread_id"}},
		{Name: "UserID", From: []string{"security.user_id"}},
	}, worded("record_id")...),
}
