package mapping

import "bytes"

// levels are the levels of Windows events by the words that tools show for them.
// Source: Microsoft, StandardEventLevel; EvtxECmd's and Hayabusa's short forms.
var levels = map[string]string{
	"Critical": "1", "Error": "2", "Warning": "3", "Information": "4", "Informational": "4", "Verbose": "5",
	"critical": "1", "error": "2", "warning": "3", "information": "4", "informational": "4", "verbose": "5",
	"Info": "4", "Warn": "3", "Crit": "1", "Err": "2",
}

// audits are the keywords of the Security log by the words that tools show.
// Source: Microsoft, StandardEventKeywords.
var audits = map[string]string{
	"Audit Success": "0x8020000000000000", "Audit Failure": "0x8010000000000000",
	"Success Audit": "0x8020000000000000", "Failure Audit": "0x8010000000000000",
}

// worded are the level and the keywords of events with a mark, under their own
// names, in words.
func worded(mark string) []Source {
	return []Source{
		{Name: "Level", From: []string{"Level"}, Form: Translated, Is: levels, When: mark},
		{Name: "Keywords", From: []string{"Keywords"}, Form: Translated, Is: audits, When: mark},
	}
}

type messageLog struct {
	text, channel, provider string
	data                    []string
}

// messageLogs are what the messages of a log have that those of others have not, and
// data of which events have some that have more than their message.
var messageLogs = []messageLog{
	{"UtcTime: ", channelSysmon, sysmonProvider, []string{"UtcTime", "Image"}},
	{"Security ID:", channelSecurity, securityProvider, []string{"SubjectUserSid", "SubjectUserName", "TargetUserSid", "TargetUserName", "TargetSid", "FilterRTID"}},
	{"Creating Scriptblock text", channelPowerShell, "Microsoft-Windows-PowerShell", []string{"ScriptBlockText"}},
	{"HostApplication=", powershellClassic, "PowerShell", []string{"Data"}},
	{"A service was installed in the system.", "System", "Service Control Manager", []string{"ServiceName", "param1"}},
}

// otherData is what events of some shape have that have more than their message,
// whatever their log.
var otherData = []string{"winlog.event_data", "winlog.user_data", "event_data", "EventData", "process.executable", "process.pid", "process.entity_id"}

// tells reports whether a message is of one of these logs.
func tells(message []byte) bool {
	for _, m := range messageLogs {
		if bytes.Contains(message, []byte(m.text)) {
			return true
		}
	}
	return false
}

// said are the channel and the provider as the message tells them, for exports
// that have kept little else.
func said(message, mark string) (out []Source) {
	for _, m := range messageLogs {
		out = append(out,
			Source{Name: "Channel", From: []string{message}, Form: Says, Part: m.text, Is: map[string]string{m.text: m.channel}, When: mark},
			Source{Name: "Provider", From: []string{message}, Form: Says, Part: m.text, Is: map[string]string{m.text: m.provider}, When: mark})
	}
	return out
}
