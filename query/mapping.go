package query

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/mapping"
)

// MappingText says how field names are found in events.
func MappingText(noMap bool) string {
	if noMap {
		return "  as the events have them (--no-map)\n"
	}
	var b strings.Builder
	fmt.Fprintln(&b, "  a name is looked for at the top of the event, then under")
	fmt.Fprintf(&b, "  %s\n", wrap(mapping.Roots, 76, ""))
	fmt.Fprintln(&b, "  so Image finds EventData.Image; --no-map switches this off")
	fmt.Fprintln(&b, "  _messageTime is the first of these that can be read")
	fmt.Fprintf(&b, "  %s\n", wrap(mapping.Times, 76, ""))
	return b.String()
}
