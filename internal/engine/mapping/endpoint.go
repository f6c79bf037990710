package mapping

import "slices"

// endpoint is Elastic Defend's events, which follow the Elastic Common Schema. They
// are no Windows events: EventID is the Sysmon event that tells the same. Their other
// fields are Winlogbeat's.
// Source: elastic/endpoint-package, custom_documentation (event.action by data stream).
var endpoint = Shape{
	Name:    "endpoint",
	Summary: "Elastic Defend's process, file, network, registry, library and DNS events",
	Mark:    "process.entity_id",
	Signs:   []string{"event.action"},
	Fields: append([]Source{
		{Name: "EventID", From: []string{"event.action"}, Form: Translated, When: "process.entity_id", Is: endpointIDs},
		{Name: "Channel", From: []string{"event.action"}, Form: Translated, When: "process.entity_id", Is: ofSysmon(endpointIDs)},
	}, slices.DeleteFunc(ecs("process.entity_id"), func(s Source) bool { return s.When != "process.entity_id" })...),
}

var endpointIDs = map[string]string{
	"start": "1", "end": "5", "load": "7", "creation": "11", "overwrite": "11", "connection_attempted": "3", "lookup_requested": "22",
}
