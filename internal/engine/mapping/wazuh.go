package mapping

// wazuh is the windows_eventchannel decoder of Wazuh: names begin with a small
// letter, which field names do not care about, and values have their
// backslashes doubled.
var wazuh = Shape{
	Name:    "wazuh",
	Summary: "Wazuh windows_eventchannel alerts and archives",
	Mark:    "data.win.system.eventID",
	Roots:   []string{"data.win.eventdata", "data.win.system"},
	Doubled: true,
	Fields: []Source{
		{Name: "Provider", From: []string{"data.win.system.providerName"}},
		{Name: "ExecutionProcessID", From: []string{"data.win.system.processID"}},
		{Name: "ExecutionThreadID", From: []string{"data.win.system.threadID"}},
		{Name: "_collector", From: []string{"manager.name"}, When: "data.win.system.eventID"},
	},
}

// wazuhLog is the same as agents send it and archives.log has it, after a header.
var wazuhLog = Shape{
	Name:    "wazuh-log",
	Summary: "Wazuh archives.log and full_log of windows_eventchannel",
	Mark:    "win.system.eventID",
	Roots:   []string{"win.eventdata", "win.system"},
	Doubled: true,
	Fields:  []Source{{Name: "Provider", From: []string{"win.system.providerName"}}},
}
