package mapping

import "strings"

// metadata are the names, in lower case, of what is known of a message from where it was
// collected. Source: Sumo Logic documentation, Built-in Metadata.
var metadata = map[string]bool{
	"_messagetime": true, "_receipttime": true, "_sourcecategory": true, "_sourcehost": true,
	"_sourcename": true, "_source": true, "_collector": true, "_size": true,
}

// Metadata reports whether a field is metadata of the message, in any letter case. What
// an event holds under such a name is what somebody who writes to the log says, so it
// does not stand in for where the log came from; it can be read from the event's text.
func Metadata(name string) bool {
	return len(name) > 0 && name[0] == '_' && metadata[strings.ToLower(name)]
}

// Exported are the fields, of which one makes an event a message as Sumo Logic and gyoji
// export it: what it holds under the names of metadata is its metadata.
var Exported = []string{"_raw", "_messageTime"}

// MetadataNames are the fields of metadata as they are written, by name.
func MetadataNames() []string {
	return []string{"_collector", "_messageTime", "_raw", "_receiptTime", "_size", "_source", "_sourceCategory", "_sourceHost", "_sourceName"}
}
