package mapping

// splunk is Splunk's search results as JSON or CSV, and what its HTTP event
// collector takes. _raw is the event's XML or text.
// Source: Splunk, Export data using the REST API; Format events for HTTP Event Collector.
var splunk = Shape{
	Name:     "splunk",
	Summary:  "Splunk search results (JSON, CSV) and HTTP event collector",
	Mark:     "sourcetype",
	Envelope: "result",
	Inside: []Inner{
		{Field: "_raw"},
		{Field: "event", When: "sourcetype"},
	},
	Fields: []Source{
		{Name: "Computer", From: []string{"host"}, When: "sourcetype"},
	},
}
