// Package insight is what becomes of signals: which count, what an entity's
// score is, and when an insight is made of it. It is pure: no clock, no chance,
// no input or output, so that a test, a run over files and a server agree.
// Source of the rules: Cloud SIEM as ../shared/spec/cloud-siem.md describes it,
// sections 8 to 10 and 18; numbers in comments are sections of it.
package insight

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
)

// Signal is what a rule says of one entity at one time (8.1).
type Signal struct {
	ID          string
	RuleID      string
	RuleName    string
	Name        string // rendered; with the entity it is the signal's identity (8.3, 10.1)
	Summary     string
	Description string
	Severity    int   // 0 to 10 from the rule; the entity's criticality may raise it
	Time        int64 // event time of the completing record, ms since 1970
	Entity      Entity
	Shown       string // the entity\'s value as the record has it, in its letter case
	Tags        []string
	ContentType string // RULE, ANOMALY or THREAT_INTEL

	// Prototype signals are never scored and never redundant (5.6; 18, R20).
	Prototype bool
	// Window is the rule's suppressionWindowSize in ms, 0 if it has none (5.7).
	Window int64
	// Suppressed says why the signal is not counted, "" of none (8.2). What is in
	// it before Take stems from the record: a suppressed list that it is on.
	Suppressed []string
	// Stronger marks a redundant signal with a higher severity than any counted
	// one that it repeats.
	Stronger bool

	// Known is when a signal could be known, where that is later than Time: desks take it
	// then. 0 otherwise.
	Known int64

	// Lists are the match lists that the completing record is on, Threats the ids of the
	// threat indicators that it met (2.6, 4.9).
	Lists   []ListItem
	Threats []string

	Kind     string   // of the completing record's event: Security-4625
	Pos      uint64   // place of the completing record in the input
	Selector int      // which of the rule's selectors the entity is of
	Beside   []string // ids of the entities that the same firing made signals on, this one included
	Related  []string // ids of other entities of the records
	Records  []Record // the records that made it: the first 50 and the last 50 of Total
	Total    int
}

// Record is where a record that made a signal stands.
type Record struct {
	Pos  uint64 // place in the input
	Past bool   // of a process before this one: Pos means nothing here
	UID  string
	Time int64  // ms since 1970
	Kind string // of its event: Security-4625
	Said string // fields of its event, where the run carries them: see tenant.Said
}

// ListItem is an entry of a match list that a record's attribute met.
type ListItem struct {
	List      string `json:"list"`
	Column    string `json:"column"`
	Value     string `json:"value"`
	Attribute string `json:"attribute"`
}

// At is when desks take the signal.
func (s *Signal) At() int64 { return max(s.Time, s.Known) }

// Counts says whether the signal adds to scores and insights.
func (s *Signal) Counts() bool { return len(s.Suppressed) == 0 && !s.Prototype }

// SignalID is the id of a signal: the same whenever the same records meet the
// same rule, so that what is done twice is found to be one.
func SignalID(ruleID, entity, group, record string) string {
	return hashed("signal", ruleID, entity, group, record)
}

// hashed is a UUID of version 8 (RFC 9562) made of the parts.
func hashed(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	var u [16]byte
	copy(u[:], h.Sum(nil))
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	s := hex.EncodeToString(u[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

const tacticTag = "_mitreAttackTactic:"

// Event is the channel and event id of the completing record, "" of an event that is not
// of Windows.
func (s *Signal) Event() (channel, id string) {
	if i := strings.LastIndexByte(s.Kind, '-'); i > 0 && strings.Trim(s.Kind[i+1:], "0123456789") == "" {
		return s.Kind[:i], s.Kind[i+1:]
	}
	return "", s.Kind
}

// Tactics are the tactics that tags name, in the order of ATT&CK (5.5; 18, R24).
func Tactics(tags []string) (names []string) {
	has := map[string]bool{}
	for _, t := range tags {
		if id, ok := strings.CutPrefix(t, tacticTag); ok {
			// Both TA0002 and "TA0002 - Execution" are written.
			id, _, _ = strings.Cut(id, " ")
			has[strings.ToUpper(id)] = true
		}
	}
	for _, t := range mapping.Tactics {
		if has[t.ID] {
			names = append(names, t.Name)
		}
	}
	return names
}

// Stage is the signal's attack stage: the first of its tactics, or "" (5.5).
func (s *Signal) Stage() string {
	if t := Tactics(s.Tags); len(t) > 0 {
		return t[0]
	}
	return ""
}
