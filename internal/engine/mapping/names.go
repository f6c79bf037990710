package mapping

// Times are the fields that an event's time is taken from; the first one that
// is present and can be read wins. They are here for what else an event may hold
// that is a time: where it holds none the first time in its text counts all the
// same. UtcTime is Sysmon's own clock, in UTC; the others are when the event was written or shipped; NXLog's EventTime is the
// host's local time without a zone. The names behind it are those of CloudTrail,
// Splunk, Okta, Microsoft 365, ECS, Google Cloud, Kubernetes' audit log, osquery,
// journald, Zeek and zap.
var Times = []string{
	"_messageTime",
	"UtcTime",
	"SystemTime",
	"TimeCreated",
	"System.TimeCreated.SystemTime",
	"Event.System.TimeCreated.#attributes.SystemTime",
	"Event.System.TimeCreated_attributes.SystemTime",
	"TimeGenerated",
	"@timestamp",
	"Timestamp",
	"timestamp",
	"system_time",
	"datetime",
	"Date and Time",
	"_time",
	"time",
	"eventTime",
	"event_time",
	"EventTime",
	"published",
	"CreationTime",
	"CreationDate",
	"event.created",
	"receiveTimestamp",
	"requestReceivedTimestamp",
	"created_at",
	"createdAt",
	"unixTime",
	"__REALTIME_TIMESTAMP",
	"ts",
	"date",
}

// UTC reports whether what a field of Times says is in UTC where it names no zone.
func UTC(name string) bool { return utcTimes[name] }

var utcTimes = map[string]bool{
	"_messageTime": true, "UtcTime": true, "SystemTime": true, "System.TimeCreated.SystemTime": true,
	"Event.System.TimeCreated.#attributes.SystemTime": true, "Event.System.TimeCreated_attributes.SystemTime": true,
	"TimeGenerated": true, "@timestamp": true, "CreationTime": true,
}
