package mapping

// EventViewer are the columns of the CSV that Event Viewer saves, in order and
// whatever the language of its first line, which names all but the last.
// Keywords stands first for the Security log.
var EventViewer = []string{"Level", "Date and Time", "Source", "Event ID", "Task Category", "Message"}

// eventviewer is that CSV. It has neither channel nor computer; the channel is
// told by the provider.
var eventviewer = Shape{
	Name:    "event-viewer",
	Summary: "Event Viewer, \"Save all events as\" CSV",
	Mark:    "Task Category",
	Inside:  []Inner{{Field: "Message", As: Rendered, When: "Task Category"}},
	Fields: append([]Source{
		{Name: "EventID", From: []string{"Event ID"}, When: "Task Category"},
		{Name: "Provider", From: []string{"Source"}, When: "Task Category"},
		{Name: "Channel", From: []string{"Source"}, Form: Translated, Is: providerChannels, When: "Task Category"},
		{Name: "SystemTime", From: []string{"Date and Time"}, When: "Task Category"},
	}, worded("Task Category")...),
}
