package mapping

// Times are the fields that an event's time is taken from; the first one that
// is present and can be read wins. UtcTime is Sysmon's own clock, in UTC; the
// others are when the event was written or shipped. NXLog's EventTime, the
// host's local time without a zone, comes last.
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
	"EventTime",
}
