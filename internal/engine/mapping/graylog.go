package mapping

// graylog is GELF, whose own fields have _ before their names, and what Graylog
// makes of Winlogbeat's documents: dots become underscores, after a prefix.
// Source: Graylog, GELF payload specification; Graylog, Beats inputs.
var graylog = Shape{
	Name:    "graylog",
	Summary: "GELF, and Graylog's messages of Winlogbeat and NXLog",
	Mark:    "short_message",
	Inside: []Inner{
		{Field: "short_message", As: Prefixed},
		{Field: "gl2_source_input", As: Prefixed},
		{Field: "winlogbeat_winlog_event_id", As: Prefixed},
		{Field: "winlogbeat_event_code", As: Prefixed},
		{Field: "winlog_event_id", As: Prefixed},
		{Field: "full_message", As: Text, When: "short_message"},
	},
	Fields: []Source{
		{Name: "EventID", From: []string{"winlogbeat_winlog_event_id"}},
		{Name: "EventID", From: []string{"winlog_event_id"}},
		{Name: "EventID", From: []string{"winlogbeat_event_code"}},
		{Name: "EventID", From: []string{"winlogbeat_event_id"}},
		{Name: "Channel", From: []string{"winlogbeat_winlog_channel"}},
		{Name: "Channel", From: []string{"winlog_channel"}},
		{Name: "Channel", From: []string{"winlogbeat_log_name"}},
		{Name: "Provider", From: []string{"winlogbeat_winlog_provider_name"}},
		{Name: "Provider", From: []string{"winlog_provider_name"}},
		{Name: "Provider", From: []string{"winlogbeat_source_name"}},
		{Name: "Computer", From: []string{"winlogbeat_winlog_computer_name"}},
		{Name: "Computer", From: []string{"winlog_computer_name"}},
		{Name: "Computer", From: []string{"winlogbeat_computer_name"}},
		{Name: "Computer", From: []string{"host"}, When: "short_message"},
		{Name: "EventRecordID", From: []string{"winlogbeat_winlog_record_id"}},
		{Name: "EventRecordID", From: []string{"winlog_record_id"}},
		{Name: "SystemTime", From: []string{"timestamp"}, When: "short_message"},
	},
}
