package record

import (
	"maps"
	"slices"
	"sync"
)

// Profile says which mappings of Windows are used (3.3).
type Profile string

const (
	Sumo     Profile = "sumo"  // as the product has them
	SumoPlus Profile = "sumo+" // the same, with what they leave empty
)

// Profiles are all of them, the usual one first.
var Profiles = []string{string(Sumo), string(SumoPlus)}

func (p Profile) mappers() []*Mapper {
	if p == SumoPlus {
		return extended()
	}
	return Builtin()
}

// plus are what the profile sumo+ adds, by event id of the mapper: attribute, key. A
// key is asked last, so nothing changes that the product's mapping fills.
var plus = map[string]map[string]string{
	"Microsoft-Windows-Sysmon/Operational-3":  {"device_hostname": "Computer"},
	"Microsoft-Windows-Sysmon/Operational-7":  {"user_username": "EventData.User", "pid": "EventData.ProcessId"},
	"Microsoft-Windows-Sysmon/Operational-10": {"baseImage": "EventData.SourceImage", "file_path": "EventData.TargetImage", "pid": "EventData.SourceProcessId", "user_username": "EventData.SourceUser", "targetUser_username": "EventData.TargetUser"},
	"Microsoft-Windows-Sysmon/Operational-11": {"pid": "EventData.ProcessId"},
	"Microsoft-Windows-Sysmon/Operational-19": {"action": "EventData.Operation", "resource": "EventData.Name", "user_username": "EventData.User"},
	"Microsoft-Windows-Sysmon/Operational-20": {"action": "EventData.Operation", "resource": "EventData.Name", "commandLine": "EventData.Destination", "user_username": "EventData.User"},
	"Security-4688": {"pid": "EventData.NewProcessId", "parentPid": "EventData.ProcessId"},
}

var extended = sync.OnceValue(func() (all []*Mapper) {
	for _, m := range Builtin() {
		more := plus[m.EventID]
		if more == nil {
			all = append(all, m)
			continue
		}
		x := *m
		x.Fields = maps.Clone(m.Fields)
		for _, name := range slices.Sorted(maps.Keys(more)) {
			s := &Source{}
			if old := m.Fields[name]; old != nil {
				if old.From == nil || old.Lookup != nil || old.Split != nil || old.Kind != "" {
					continue // it is made in another way
				}
				*s = *old
			}
			s.From = append(slices.Clone(s.From), more[name])
			if m.EventID == "Security-4688" {
				s.Kind = "hex" // 4688 writes process ids as 0x1a2c
			}
			x.Fields[name] = s
		}
		all = append(all, &x)
	}
	return all
})
