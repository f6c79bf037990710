package record

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
)

// Parser recognises the events of a product that do not say whose they are, as the
// parser that is set for a source does in the product (1).
type Parser struct {
	LogFormat string `json:"log_format"`
	Vendor    string `json:"vendor"`
	Product   string `json:"product"`
	// When are tests that all have to hold: NAME, that the event has the field, or
	// NAME=VALUE, that it has this value.
	When []string `json:"recognise"`
	// EventID is the event id, {NAME} standing for the field's value. If a field is
	// missing the next one counts.
	EventID []string `json:"event_id"`
	// Extract takes keys out of a field's text; an event of which it takes nothing is
	// not of the product. Its keys come before fields of the same name.
	Extract *Extract `json:"-"`
}

// Windows events say whose they are by their channel, or failing that their
// provider.
const (
	windowsFormat = "Windows"
	linuxSysmon   = "Linux-Sysmon/Operational"
)

// WindowsKey is the key of a Windows event; the event id is CHANNEL-ID (2.3).
func WindowsKey(channel, provider, id string) Key {
	if channel == "" {
		if channel = mapping.ChannelOf(provider); channel == "" {
			channel = provider
		}
	}
	k := Key{LogFormat: windowsFormat, Vendor: "Microsoft", Product: "Windows", EventID: channel + "-" + id}
	if channel == linuxSysmon {
		k.Vendor, k.Product = "Linux", "Sysmon"
	}
	return k
}

// system are the keys of the product's parser for what stands under System, letter
// by letter: Execution.ProcessId, which some mappers ask for, is none of them.
// Sysmon for Linux has its keys with System in front.
var system = map[string]string{
	"Provider.Name": "Provider", "Provider.Guid": "ProviderGuid", "TimeCreated.SystemTime": "SystemTime",
	"Execution.ProcessID": "ExecutionProcessID", "Execution.ThreadID": "ExecutionThreadID", "Security.UserID": "UserID",
	"Correlation.ActivityID": "ActivityID", "System.Security.UserId": "UserID",
}

// Field is the name that gyoji's readers give a key of the product's parser:
// EventData.Image is Image, TimeCreated.SystemTime is SystemTime. It is "" of a key
// that no event has.
func Field(key string) string {
	if name, ok := system[key]; ok {
		return name
	}
	path := strings.Split(key, ".")
	last := len(path) - 1
	switch path[0] {
	case "System":
		if last > 0 {
			return Field(strings.Join(path[1:], "."))
		}
	case "EventData":
		if last > 0 {
			return mapping.WindowsField([]string{"EventData", "Data"}, "", strings.Join(path[1:], "."))
		}
	case "UserData":
		if last > 1 { // UserData has one element, which is left out
			return mapping.WindowsField([]string{"UserData", path[1], path[2]}, "", strings.Join(path[2:], "."))
		}
	case "Provider", "TimeCreated", "Execution", "Security", "Correlation":
		return ""
	}
	return key
}
