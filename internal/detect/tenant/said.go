package tenant

import "strings"

// Said gives the fields of a record's event that its hit has carried along, by the names
// that Tenant.Say was given.
func Said(names []string, said string) func(name string) string {
	fields := strings.Split(said, saidMark)
	return func(name string) string {
		for i, n := range names {
			if n == name && i < len(fields) {
				return fields[i]
			}
		}
		return ""
	}
}
