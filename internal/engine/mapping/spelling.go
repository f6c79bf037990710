package mapping

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// Spelled is a field's name in the letter case of who writes the events: Sysmon, the
// Security log, PowerShell, the System part of any Windows event. ok is false for a name
// that none of them has.
func Spelled(name string) (as string, ok bool) {
	as, ok = spellings()[strings.ToLower(name)]
	return as, ok
}

var spellings = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for _, of := range []map[string][]string{sysmonFields, securityFields(), otherFields(), {"": everyEvent()}, sysmonAlso()} {
		for _, event := range slices.Sorted(maps.Keys(of)) {
			for _, name := range of[event] {
				if low := strings.ToLower(name); all[low] == "" { // ProcessId is older than ProcessID
					all[low] = name
				}
			}
		}
	}
	return all
})
