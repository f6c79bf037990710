package hunt

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/process"
)

// Carried are the fields of an event that the head of a finding is made of; see About. A
// query carries them to its rows, whatever columns it keeps.
var Carried = []string{
	"Channel", "EventID", "EventRecordID", "_sourceCategory", "Computer",
	"User", "SourceUser", "SubjectDomainName", "SubjectUserName", "TargetDomainName", "TargetUserName", "UserID",
	"ProcessGuid", "ProcessId", "Image", "NewProcessId", "SourceProcessGuid", "SourceProcessId", "SourceImage", "ExecutionProcessID",
	"userIdentity.arn", "userIdentity.userName", "actor.alternateId", "protoPayload.authenticationInfo.principalEmail", "userPrincipalName",
}

// Said gives a field of an event by its name, "" where the event has none.
type Said func(name string) string

// EvidenceOf is the evidence that an event is.
func EvidenceOf(file string, pos uint64, said Said) Evidence {
	p := Place{File: file, Channel: said("Channel"), EventID: said("EventID"), Category: said("_sourceCategory")}
	p.RecordID, _ = strconv.ParseInt(said("EventRecordID"), 10, 64)
	return Record(p, pos)
}

// About gives a finding what its head says of an event: the place, host, user and process.
func (f *Finding) About(file string, pos uint64, said Said) {
	f.Evidence = []Evidence{EvidenceOf(file, pos, said)}
	f.Records = 1
	f.Host, f.User = said("Computer"), UserOf(said)
	f.Subject = processOf(said)
}

// logons are the events of the Security log that are about the account that logs on or
// asks for a ticket, which they call the target; others are about the one that acts, the
// subject. Source: Microsoft, Appendix L: Events to Monitor.
var logons = []string{"4624", "4625", "4634", "4647", "4768", "4769", "4770", "4771", "4776", "4777"}

// UserOf is whom an event is about.
func UserOf(said Said) string {
	account := func(who string) string {
		name, domain := said(who+"UserName"), said(who+"DomainName")
		if name == "-" {
			return ""
		}
		if name != "" && domain != "" && domain != "-" && !strings.ContainsAny(name, `\@`) {
			return domain + `\` + name
		}
		return name
	}
	whose := []string{"Subject", "Target"}
	if slices.Contains(logons, said("EventID")) {
		if u := account("Target"); u != "" {
			return u
		}
	}
	if u := said("User"); u != "" && u != "-" {
		return u
	}
	if u := said("SourceUser"); u != "" && u != "-" {
		return u
	}
	for _, w := range whose {
		if u := account(w); u != "" {
			return u
		}
	}
	// CloudTrail, Okta, Google Cloud and Entra ID; UserID is Microsoft 365's, and in an
	// event of Windows the SID of whose thread wrote it.
	for _, name := range []string{"userIdentity.arn", "userIdentity.userName", "actor.alternateId", "protoPayload.authenticationInfo.principalEmail", "userPrincipalName"} {
		if u := said(name); u != "" {
			return u
		}
	}
	if u := said("UserID"); u != "S-1-5-18" || said("Channel") == "" {
		return u
	}
	return ""
}

// processOf is the process that an event is about: in Security 4688 the new one (its
// ProcessId is who started it), in Sysmon 8 and 10 the one that reaches into another, in
// PowerShell's events the one that wrote them. Security writes the numbers as 0x1db0.
func processOf(said Said) *Subject {
	s := &Subject{GUID: said("ProcessGuid"), PID: said("ProcessId"), Image: said("Image")}
	switch channel := said("Channel"); {
	case said("EventID") == "4688":
		s.PID = said("NewProcessId")
	case s.GUID == "" && said("SourceProcessGuid") != "":
		s = &Subject{GUID: said("SourceProcessGuid"), PID: said("SourceProcessId"), Image: said("SourceImage")}
	case s.PID == "" && (strings.Contains(channel, "PowerShell") || strings.EqualFold(said("_sourceCategory"), "windows/powershell")):
		s.PID = said("ExecutionProcessID")
	}
	if s.PID = process.Number(s.PID); s.PID == "0" || s.PID == "-" {
		s.PID = "" // nobody's: the system's own
	}
	if strings.Trim(s.GUID, "{0-}") == "" {
		s.GUID = ""
	}
	return s
}
