package mapping

import (
	"slices"
	"strings"
)

// Column is where the events of a log source keep what Sigma calls a field.
type Column struct {
	// Names are one field; two, domain and name, for Account; the lists that may
	// hold the digest, for Hashes. None says that the events do not have it.
	Names []string
	Form  Form              // Same, Account, Translated or Hashes
	Is    map[string]string // of Translated: what a text of the field means
	Open  bool              // of Translated: there are more texts than Is has
	Part  string            // of Hashes: the digest's name in the lists
	Type  Type
}

// Missing reports whether the events do not have the field.
func (c Column) Missing() bool { return len(c.Names) == 0 }

// Type is what a target keeps in a field, where its language minds.
type Type uint8

const (
	Keyword Type = iota // text, compared as a whole
	Small               // the same, in small letters
	Words               // text that is looked up word by word
	Number              // whole numbers
	Address             // IP addresses
	Boolean
)

// Native is where the events of a place keep a field of a Sigma rule: under its
// own name, or in the way that the reader finds it (security.go, digests.go). ok
// is false when the fields of such events are not known.
func Native(at LogSource, field string) (c Column, ok bool) {
	own := at.fields()
	if own == nil {
		return Column{}, false
	}
	has := func(name string) (spelt string, ok bool) {
		i := slices.IndexFunc(own, func(n string) bool { return strings.EqualFold(n, name) })
		if i < 0 {
			return "", false
		}
		return own[i], true
	}
	if _, ok := has(field); ok {
		return Column{Names: []string{field}}, true
	}
	if part, ok := Digest(field); ok {
		c := Column{Form: Hashes, Part: part}
		for _, list := range DigestLists {
			if spelt, ok := has(list); ok {
				c.Names = append(c.Names, spelt)
			}
		}
		return c, true
	}
	if at.Channel != channelSecurity {
		return Column{}, true
	}
	for _, s := range security.Fields {
		if !strings.EqualFold(s.Name, field) || s.When != "" && !slices.Contains(own, s.When) {
			continue
		}
		if slices.ContainsFunc(s.From, func(from string) bool { return !slices.Contains(own, from) }) {
			continue
		}
		return Column{Names: s.From, Form: s.Form, Is: s.Is, Part: s.Part}, true
	}
	return Column{}, true
}

// fields are those that the events of a place may have, by all of its ids; nil
// when that is not known.
func (l LogSource) fields() (all []string) {
	ids := l.EventIDs
	if ids == nil && l.Channel == channelSysmon {
		for id := range sysmonFields {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		var of []string
		switch {
		case l.Channel == channelSysmon:
			of = SysmonFields(id)
		case l.Channel == channelSecurity && securityFields()[id] != nil:
			of = append(slices.Clip(securityFields()[id]), securitySubject()...)
		}
		if of == nil {
			return nil
		}
		all = append(all, of...)
	}
	if all == nil {
		return nil
	}
	all = append(append(all, everyEvent()...), "Provider", "ExecutionProcessID", "ExecutionThreadID", "SystemTime")
	return all
}
