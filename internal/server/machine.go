package server

import "cmp"

// Limits that a configuration leaves open are as large as the machine bears, and no larger
// than these.
const (
	searchMemoryMost = 1 << 30
	bodyMemoryMost   = 256 << 20
	bodyMemoryLeast  = 128 << 20 // for two of the longest bodies
)

// MemoryLimit is how much memory a server's process should stay below: three quarters of
// what the machine, or its control group, has. 0 where that is not known.
func MemoryLimit() int64 { return machineMemory() / 4 * 3 }

// fit fills what the configuration leaves open with what a machine of so many bytes bears; 0
// is one that nothing is known of.
func (c *Config) fit(machine int64) {
	search, body := int64(searchMemoryMost), int64(bodyMemoryMost)
	if machine > 0 {
		search, body = min(search, machine/4), max(min(body, machine/8), bodyMemoryLeast)
	}
	c.SearchMemory, c.Memory = cmp.Or(c.SearchMemory, search), cmp.Or(c.Memory, body)
}
