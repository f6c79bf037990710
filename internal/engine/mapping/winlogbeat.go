package mapping

// winlogbeat is Winlogbeat with and without its modules, as it is shipped or
// wrapped in the _source of an index dump, and what else follows the Elastic
// Common Schema. The modules move fields of the event to ECS names.
// Source: elastic/beats, x-pack/winlogbeat/module; the ECS field reference.
var winlogbeat = Shape{
	Name:     "winlogbeat",
	Summary:  "Winlogbeat and ECS, also as an index dump",
	Mark:     "winlog.event_id",
	Roots:    []string{"winlog.event_data", "winlog"},
	Envelope: "_source", // of an index dump
	Fields: []Source{
		{Name: "EventID", From: []string{"winlog.event_id"}},
		{Name: "EventID", From: []string{"event.code"}, When: "winlog.channel"},
		{Name: "Provider", From: []string{"winlog.provider_name"}},
		{Name: "Provider", From: []string{"event.provider"}},
		{Name: "Channel", From: []string{"winlog.channel"}},
		{Name: "Computer", From: []string{"winlog.computer_name"}},
		{Name: "Computer", From: []string{"host.name"}, When: "winlog.event_id"},
		{Name: "EventRecordID", From: []string{"winlog.record_id"}},
		{Name: "SystemTime", From: []string{"@timestamp"}, When: "winlog.event_id"},
		{Name: "UtcTime", From: []string{"@timestamp"}, Form: SysmonTime, When: "winlog.event_id"},
		{Name: "ExecutionProcessID", From: []string{"winlog.process.pid"}},
		{Name: "ExecutionThreadID", From: []string{"winlog.process.thread.id"}},
		{Name: "UserID", From: []string{"winlog.user.identifier"}},
		{Name: "Image", From: []string{"process.executable"}},
		{Name: "CommandLine", From: []string{"process.command_line"}},
		{Name: "CurrentDirectory", From: []string{"process.working_directory"}},
		{Name: "ProcessId", From: []string{"process.pid"}},
		{Name: "ProcessGuid", From: []string{"process.entity_id"}},
		{Name: "ParentImage", From: []string{"process.parent.executable"}},
		{Name: "ParentCommandLine", From: []string{"process.parent.command_line"}},
		{Name: "ParentProcessId", From: []string{"process.parent.pid"}},
		{Name: "ParentProcessGuid", From: []string{"process.parent.entity_id"}},
		{Name: "User", From: []string{"winlog.event_data.User"}},
		{Name: "User", From: []string{"user.domain", "user.name"}, Form: Account},
		{Name: "Hashes", From: []string{"process.hash.sha1", "process.hash.md5", "process.hash.sha256", "process.hash.imphash"}, Form: Hashes},
		{Name: "OriginalFileName", From: []string{"process.pe.original_file_name"}},
		{Name: "TargetFilename", From: []string{"file.path"}, When: "winlog.event_id"},
		{Name: "TargetObject", From: []string{"registry.path"}},
		{Name: "ImageLoaded", From: []string{"dll.path"}},
		{Name: "QueryName", From: []string{"dns.question.name"}},
		{Name: "Protocol", From: []string{"network.transport"}, When: "winlog.event_id"},
		{Name: "SourceIp", From: []string{"source.ip"}, When: "winlog.event_id"},
		{Name: "SourcePort", From: []string{"source.port"}, When: "winlog.event_id"},
		{Name: "DestinationIp", From: []string{"destination.ip"}, When: "winlog.event_id"},
		{Name: "DestinationPort", From: []string{"destination.port"}, When: "winlog.event_id"},
		{Name: "DestinationHostname", From: []string{"destination.domain"}, When: "winlog.event_id"},
		{Name: "Message", From: []string{"message"}, When: "winlog.event_id"},
		{Name: "_collector", From: []string{"agent.name"}, When: "winlog.event_id"},
	},
}
