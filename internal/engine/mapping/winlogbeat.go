package mapping

import "slices"

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
	Inside: []Inner{
		{Field: "fields", As: Listed, Unless: "winlog.event_id"}, // of a search that asked for fields: lists of one
		{Field: "winlog.user_data", As: Element},
		{Field: "event.original", As: Text, Unless: "winlog.event_id"},
	},
	Fields: append(ecs("winlog.event_id"), slices.DeleteFunc(ecs("event.code"), func(s Source) bool { return s.When != "event.code" })...),
}

// ecs are the sources of events that have a field: those of an index may have
// kept the fields of the Elastic Common Schema alone.
func ecs(mark string) []Source {
	return []Source{
		{Name: "EventID", From: []string{"winlog.event_id"}},
		{Name: "EventID", From: []string{"event.code"}, When: "winlog.channel"},
		{Name: "EventID", From: []string{"event.code"}, When: "event.provider"},
		{Name: "EventID", From: []string{"event.code"}, When: "event.module"},
		{Name: "Provider", From: []string{"winlog.provider_name"}},
		{Name: "Provider", From: []string{"event.provider"}},
		{Name: "Channel", From: []string{"winlog.channel"}},
		{Name: "Channel", From: []string{"event.provider"}, Form: Translated, Is: providerChannels, When: "event.code"},
		{Name: "Channel", From: []string{"event.module"}, Form: Translated, Is: moduleChannels, When: "event.code"},
		{Name: "EventID", From: []string{"event_id"}, When: "log_name"}, // Winlogbeat 6
		{Name: "Provider", From: []string{"source_name"}, When: "log_name"},
		{Name: "Channel", From: []string{"log_name"}},
		{Name: "Computer", From: []string{"computer_name"}, When: "log_name"},
		{Name: "EventRecordID", From: []string{"record_number"}, When: "log_name"},
		{Name: "SystemTime", From: []string{"@timestamp"}, When: "log_name"},
		{Name: "Computer", From: []string{"winlog.computer_name"}},
		{Name: "Computer", From: []string{"host.name"}, When: mark},
		{Name: "Computer", From: []string{"host.hostname"}, When: mark},
		{Name: "EventRecordID", From: []string{"winlog.record_id"}},
		{Name: "SystemTime", From: []string{"@timestamp"}, When: mark},
		{Name: "UtcTime", From: []string{"@timestamp"}, Form: SysmonTime, When: mark},
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
		{Name: "User", From: []string{"event_data.User"}},
		{Name: "User", From: []string{"user.domain", "user.name"}, Form: Account},
		{Name: "Hashes", From: []string{"process.hash.sha1", "process.hash.md5", "process.hash.sha256", "process.hash.imphash"}, Form: Hashes},
		{Name: "OriginalFileName", From: []string{"process.pe.original_file_name"}},
		{Name: "TargetFilename", From: []string{"file.path"}, When: mark},
		{Name: "TargetObject", From: []string{"registry.path"}},
		{Name: "Details", From: []string{"registry.data.strings"}, When: mark},
		{Name: "ImageLoaded", From: []string{"dll.path"}},
		{Name: "QueryName", From: []string{"dns.question.name"}},
		{Name: "Protocol", From: []string{"network.transport"}, When: mark},
		{Name: "SourceIp", From: []string{"source.ip"}, When: mark},
		{Name: "SourcePort", From: []string{"source.port"}, When: mark},
		{Name: "DestinationIp", From: []string{"destination.ip"}, When: mark},
		{Name: "DestinationPort", From: []string{"destination.port"}, When: mark},
		{Name: "DestinationHostname", From: []string{"destination.domain"}, When: mark},
		{Name: "Message", From: []string{"message"}, When: mark},
		{Name: "_collector", From: []string{"agent.name"}, When: mark},
	}
}
