package mapping

// Roots are the JSON objects that shippers put an event's own fields under. A
// field below one of them is also found by its plain name, unless the event has
// a field of that name at the top: Image finds EventData.Image. Earlier roots
// win over later ones.
var Roots = []string{
	"EventData",
	"Event.EventData",
	"event_data",
	"winlog.event_data",
	"data.win.eventdata",
	"UserData",
	"Event.UserData",
	"System",
	"Event.System",
	"winlog",
	"data.win.system",
}

// Times are the fields that an event's time is taken from; the first one that
// is present and can be read wins. UtcTime is Sysmon's own clock, in UTC; the
// others are when the event was written or shipped.
var Times = []string{
	"_messageTime",
	"UtcTime",
	"SystemTime",
	"TimeCreated",
	"TimeCreated.SystemTime",
	"TimeCreated.#attributes.SystemTime",
	"TimeCreated_attributes.SystemTime",
	"@timestamp",
	"Timestamp",
	"timestamp",
	"system_time",
	"time",
	"EventTime",
}
