package record

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// Mapper says what records of some events are (3). Its JSON form is that of
// windows.jsonl and of the mapping documents that users write.
type Mapper struct {
	Name       string             `json:"name"`
	Vendor     string             `json:"vendor"`
	Product    string             `json:"product"`
	LogFormat  string             `json:"log_format"`
	EventID    string             `json:"event_id_pattern"` // a regular expression of the whole event id, or _default_
	RecordType string             `json:"record_type"`
	Skipped    []string           `json:"skipped_values,omitempty"` // values that are none
	Relates    bool               `json:"relates_entities,omitempty"`
	Fields     map[string]*Source `json:"fields"` // attribute -> where it comes from
	User       bool               `json:"-"`      // not built in
}

// Source says where an attribute comes from (3.2). One of From, Const, Join and
// Format is set.
type Source struct {
	From  []string `json:"from,omitempty"`  // keys; the first that is present, not empty and not skipped counts
	Const *string  `json:"const,omitempty"` // the value
	// Kind is "time" for a time, in the form of Format or, failing that, any that can be
	// recognised, and "hex" for a number such as 0x1a2c.
	Kind     string            `json:"kind,omitempty"`
	Lookup   map[string]string `json:"lookup,omitempty"` // value -> attribute; letter case does not count (18, R40)
	Default  *string           `json:"default,omitempty"`
	Skipped  []string          `json:"skipped_values,omitempty"`
	Split    *Split            `json:"split,omitempty"`
	Join     []string          `json:"join,omitempty"` // keys whose values are joined, missing ones left out
	With     string            `json:"join_delimiter,omitempty"`
	Format   string            `json:"format,omitempty"`            // {0}, {1}: of Parameters
	Params   []string          `json:"format_parameters,omitempty"` // keys; one missing makes the attribute null
	TimeZone string            `json:"time_zone,omitempty"`
}

// Split takes a part of a value.
type Split struct {
	Delimiter string `json:"delimiter"`
	Index     int    `json:"index"` // from 0
}

//go:embed windows.jsonl
var windowsText string

// Builtin are the mappers of Windows and of Sysmon for Linux, as the product has
// them: wrong where the product's are (profile sumo of section 3.3). Their facts
// stem from the public content catalogue of the vendor (commit 27c4e8f), without
// its wording.
var Builtin = sync.OnceValue(func() (all []*Mapper) {
	sc := bufio.NewScanner(strings.NewReader(windowsText))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		m := &Mapper{}
		if err := json.Unmarshal(sc.Bytes(), m); err != nil {
			panic(fmt.Sprintf("bug: record: windows.jsonl: %v", err))
		}
		all = append(all, m)
	}
	return all
})
